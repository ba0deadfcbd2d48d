//! What comes from npm: wasm-opt, the browser driver, the checkers of accessibility, types and packages.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use super::cache;
use crate::error::{Error, Result, Told};
use crate::files;
use crate::step;
use crate::workspace::Workspace;

const OLDEST_NODE: u32 = 20;

pub struct NodeModules(PathBuf);

impl NodeModules {
    /// A tool by the name it has in `node_modules/.bin`.
    pub fn tool(&self, name: &str) -> Command {
        Command::new(self.0.join(".bin").join(name))
    }
}

pub fn npm(workspace: &Workspace) -> Result<NodeModules> {
    let what = "npm tools: wasm-opt, esbuild, playwright-core, axe-core, TypeScript, publint, attw";
    let modules = installed(workspace, "npm", what)?;
    link(workspace, &modules)?;
    Ok(NodeModules(modules))
}

/// What the package's consumers are built with: only their tests need it. Gives its `node_modules`.
pub fn bundlers(workspace: &Workspace) -> Result<PathBuf> {
    installed(workspace, "npm-consumers", "npm tools of the consumers: Vite, webpack, esbuild, Workbox")
}

/// What Landfall is measured beside: only the benchmark needs it. Gives its `node_modules`.
pub fn peers(workspace: &Workspace) -> Result<PathBuf> {
    installed(workspace, "npm-peers", "From npm, for the benchmark: Dexie, PouchDB, RxDB, TanStack DB")
}

/// What a folder of `xtask/` asks for, at the versions that its lock holds it to.
fn installed(workspace: &Workspace, folder: &str, what: &str) -> Result<PathBuf> {
    node()?;
    let asked = workspace.root.join("xtask").join(folder);
    let lock = asked.join("package-lock.json");
    let content = fs::read(&lock).told("read", &lock)?;
    let place = cache::filled(workspace, &format!("{folder}-{}", files::hash_of(content)), |place| {
        files::copy_below(&asked, place)?;
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(place);
        step::run_silent(what, &mut npm)
    })?;
    Ok(place.join("node_modules"))
}

fn node() -> Result<()> {
    let too_old = || Error::NoNode { oldest: OLDEST_NODE };
    let version = step::output_of(Command::new("node").arg("--version")).map_err(|_| too_old())?;
    let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse().ok());
    if major.is_some_and(|major: u32| major >= OLDEST_NODE) { Ok(()) } else { Err(too_old()) }
}

/// The tests import by name, and ES modules look only in `node_modules` above them: a link serves each checkout at once.
fn link(workspace: &Workspace, modules: &PathBuf) -> Result<()> {
    let link = workspace.root.join("tests/node_modules");
    if fs::read_link(&link).is_ok_and(|at| at == *modules) {
        return Ok(());
    }
    if link.is_symlink() {
        fs::remove_file(&link).told("remove", &link)?;
    }
    if let Some(tests) = link.parent() {
        fs::create_dir_all(tests).told("make", tests)?;
    }
    symlink(modules, &link).told("link", &link)
}
