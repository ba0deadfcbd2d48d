//! Tools that come from the Rust registry, each built once for this machine.

use std::path::PathBuf;

use super::cache;
use crate::error::Result;
use crate::step;
use crate::workspace::Workspace;

/// The mutation tester.
pub const MUTANTS: (&str, &str) = ("cargo-mutants", "27.1.0");

/// The program of the crate, at that version.
pub fn installed(workspace: &Workspace, (name, version): (&str, &str)) -> Result<PathBuf> {
    let place = cache::filled(workspace, &format!("{name}-{version}"), |place| {
        let mut cargo = workspace.cargo();
        cargo.args(["install", name, "--version", version, "--locked", "--no-track", "--root"]).arg(place);
        step::run(&format!("{name} {version}, built once for this machine in some two minutes"), &mut cargo)
    })?;
    Ok(place.join("bin").join(name))
}
