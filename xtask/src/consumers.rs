//! Where the package's consumers are built: beside the package as npm has packed it, and nothing else of this checkout.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::build;
use crate::error::{Result, Told};
use crate::files;
use crate::package;
use crate::setup;
use crate::step;
use crate::tools;
use crate::workspace::Workspace;

/// An empty folder whose `node_modules` has the package, unpacked from its tarball, and the bundlers.
pub fn place(workspace: &Workspace) -> Result<PathBuf> {
    let bundlers = tools::bundlers(workspace)?;
    let tarball = package::tarball(workspace, &build::package(workspace)?)?;
    let place = workspace.target.join("consumers");
    let landfall = beside(&place, &bundlers)?;
    let mut tar = Command::new("tar");
    step::run(
        "Unpacking the package",
        tar.args(["--strip-components=1", "-xzf"]).arg(tarball).arg("-C").arg(landfall),
    )?;
    rust(workspace, &place)?;
    Ok(place)
}

/// The consumer that is an app in Rust: built here, since it is part of the workspace, whose target folder it shares.
fn rust(workspace: &Workspace, place: &Path) -> Result<()> {
    let bindgen = setup::for_build(workspace)?.bindgen.bindgen;
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--package", "landfall-consumer", "--target", tools::WASM]);
    step::run("The app in Rust", &mut cargo)?;
    let built = workspace.target.join(tools::WASM).join("debug/landfall_consumer.wasm");
    let mut bindgen = Command::new(bindgen);
    bindgen.args(["--target", "web", "--no-typescript", "--out-name", "app", "--out-dir"]);
    step::run_silent("wasm-bindgen", bindgen.arg(place.join("rust")).arg(built))
}

/// Empties `place` and gives it `node_modules` with all that another has, and an empty folder for the package: gives that.
pub fn beside(place: &Path, others: &Path) -> Result<PathBuf> {
    files::empty(place)?;
    let modules = place.join("node_modules");
    let landfall = modules.join("landfall");
    fs::create_dir_all(&landfall).told("make", &landfall)?;
    for entry in fs::read_dir(others).told("read", others)? {
        let entry = entry.told("read", others)?;
        let link = modules.join(entry.file_name());
        symlink(entry.path(), &link).told("link", &link)?;
    }
    Ok(landfall)
}
