//! The reference instance's binary, and the site it serves.

use std::fs;
use std::path::{Path, PathBuf};

use crate::build;
use crate::error::{Error, Result, Told};
use crate::files;
use crate::step;
use crate::workspace::Workspace;

pub fn binary(workspace: &Workspace) -> Result<PathBuf> {
    let mut cargo = workspace.cargo();
    // In the profile the tests have built it in already: the root Cargo.toml optimises what it spends its time in.
    cargo.args(["build", "--package", "landfall-instance"]);
    step::run("The reference instance", &mut cargo)?;
    Ok(workspace.target.join("debug/landfall-instance"))
}

/// The field app and the package it imports, in one folder. `build.js` names the content: the app's service worker
/// imports it, so that a changed file is a changed worker, and the browser fetches the shell anew.
pub fn site(workspace: &Workspace) -> Result<PathBuf> {
    let package = build::package(workspace)?;
    let app = workspace.root.join("www");
    if !app.is_dir() {
        return Err(Error::NotInCheckout { path: app });
    }
    let site = workspace.target.join("www");
    files::empty(&site)?;
    files::copy_below(&app, &site)?;
    files::copy_below(&package, &site.join("landfall"))?;
    name_content(&site)?;
    check_shell(&site)?;
    Ok(site)
}

/// One module missing from the list, and the app does not open without the network: nobody would see it before a
/// technician does.
fn check_shell(site: &Path) -> Result<()> {
    let list = site.join("shell-files.js");
    let listed = fs::read_to_string(&list).told("read", &list)?;
    for path in files::below(site)? {
        let name = path.strip_prefix(site).unwrap_or(&path).display().to_string();
        let needed = [".js", ".css", ".png", ".wasm", ".webmanifest"].iter().any(|end| name.ends_with(end));
        // The worker is kept by the browser itself, with what it imports.
        let workers =
            ["sw.js", "shell-files.js"].contains(&name.as_str()) || name.starts_with("landfall/service-worker.");
        if needed && !workers && !listed.contains(&format!("\"./{name}\"")) {
            return Err(Error::NotInShell { name });
        }
    }
    Ok(())
}

fn name_content(site: &Path) -> Result<()> {
    let hash = files::hash_below(site)?;
    files::write(&site.join("build.js"), format!("export default \"{hash}\";\n"))
}
