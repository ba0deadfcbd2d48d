//! A place in the tool cache, filled whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Result, Told};
use crate::files;
use crate::workspace::Workspace;

/// Fills `name` in the cache once. The filling is done beside it and renamed, so that an interrupted one leaves
/// nothing that looks finished, and two at once do not mix.
pub fn filled(workspace: &Workspace, name: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let place = workspace.tools.join(name);
    if place.is_dir() {
        return Ok(place);
    }
    let partial = workspace.tools.join(format!("{name}.partial-{}", std::process::id()));
    files::empty(&partial)?;
    let outcome = fill(&partial);
    if outcome.is_err() || place.is_dir() {
        // Failed, or another process was first: its copy is as good.
        fs::remove_dir_all(&partial).told("remove", &partial)?;
        return outcome.map(|()| place);
    }
    fs::rename(&partial, &place).told("put in place", &place)?;
    Ok(place)
}
