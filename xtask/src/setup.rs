//! What a command needs before it can start. On a second run each of these is a look at the disk.

use crate::error::Result;
use crate::step;
use crate::tools::{self, Bindgen, NodeModules};
use crate::workspace::Workspace;

/// What turns Rust into the npm package.
pub struct BuildTools {
    pub bindgen: Bindgen,
    pub npm: NodeModules,
}

pub fn everything(workspace: &Workspace) -> Result<()> {
    for_build(workspace)?;
    for_browsers()?;
    for_native()?;
    tools::bundlers(workspace)?;
    step::say("Everything is in place: `cargo xtask demo` serves the field app, `cargo xtask test` runs the tests.");
    Ok(())
}

pub fn for_build(workspace: &Workspace) -> Result<BuildTools> {
    let npm = tools::npm(workspace)?;
    tools::wasm_target()?;
    let bindgen = tools::bindgen(workspace)?;
    Ok(BuildTools { bindgen, npm })
}

pub fn for_browsers() -> Result<()> {
    tools::debian(&[("chromium", tools::CHROMIUM), ("chromium-driver", tools::CHROMEDRIVER)])
}

pub fn for_native() -> Result<()> {
    tools::debian(&[("postgresql-15", tools::POSTGRES)])
}
