//! wasm-bindgen's command-line tools, of the very version that Cargo.lock names for the crate: any other one refuses
//! the module.

use std::path::{Path, PathBuf};

use super::cache;
use crate::error::Result;
use crate::step;
use crate::workspace::Workspace;

const TOOLS: [&str; 2] = ["wasm-bindgen", "wasm-bindgen-test-runner"];

pub struct Bindgen {
    pub bindgen: PathBuf,
    pub test_runner: PathBuf,
}

pub fn bindgen(workspace: &Workspace) -> Result<Bindgen> {
    let version = workspace.locked("wasm-bindgen")?;
    let place = cache::filled(workspace, &format!("wasm-bindgen-{version}"), |place| {
        // The versions its makers tested with, if the registry has them all; registries lag, so else the newest that fit.
        install(workspace, &version, place, true).or_else(|_| install(workspace, &version, place, false))
    })?;
    let [bindgen, test_runner] = TOOLS.map(|tool| place.join("bin").join(tool));
    Ok(Bindgen { bindgen, test_runner })
}

fn install(workspace: &Workspace, version: &str, place: &Path, locked: bool) -> Result<()> {
    let mut cargo = workspace.cargo();
    cargo.args(["install", "wasm-bindgen-cli", "--version", version, "--no-track", "--root"]).arg(place);
    for tool in TOOLS {
        cargo.args(["--bin", tool]);
    }
    if locked {
        cargo.arg("--locked");
    }
    let with = if locked {
        "with its own lock file"
    } else {
        "with current dependencies, since the registry lacks one of those"
    };
    step::run(&format!("wasm-bindgen {version}, built once for this machine in some three minutes, {with}"), &mut cargo)
}
