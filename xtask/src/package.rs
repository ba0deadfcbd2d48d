//! What is published: the tarball, as npm packs it, and whether others can use it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Result;
use crate::files;
use crate::setup;
use crate::step;
use crate::workspace::Workspace;

/// Packs what `build::package` has made.
pub fn tarball(workspace: &Workspace, package: &Path) -> Result<PathBuf> {
    let place = workspace.target.join("packed");
    files::empty(&place)?;
    let mut npm = Command::new("npm");
    npm.args(["pack", "--silent", "--ignore-scripts", "--pack-destination"]).arg(&place).current_dir(package);
    let name = step::output_of(&mut npm)?;
    Ok(place.join(name))
}

/// Whether Node, bundlers and TypeScript find in the tarball what its manifest promises.
pub fn check(workspace: &Workspace, package: &Path) -> Result<()> {
    let npm = setup::for_build(workspace)?.npm;
    let tarball = tarball(workspace, package)?;
    step::run("publint", npm.tool("publint").arg("--strict").arg(&tarball))?;
    let mut types = npm.tool("attw");
    // TypeScript has nothing to say of the module. Node 20.19 and later give an ES module to `require`, which the
    // consumer in tests/consumers/node.test.mjs proves.
    types.args(["--exclude-entrypoints", "wasm_bg.wasm", "--ignore-rules", "cjs-resolves-to-esm", "--format", "ascii"]);
    step::run("Are the types wrong?", types.arg(&tarball))
}
