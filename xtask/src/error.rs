//! What can stop a command: each a sentence that says what to do.

use std::io;
use std::path::{Path, PathBuf};

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{what} is missing: run `{run}`, then this command again.")]
    Missing { what: String, run: String },

    #[error("Node {oldest} or later, with npm, is missing: install it, then run this command again.")]
    NoNode { oldest: u32 },

    #[error("This failed: {command}\nWhat it printed above says why.")]
    Failed { command: String },

    #[error("`{program}` could not be started ({source}): install it, then run this command again.")]
    NotStarted { program: String, source: io::Error },

    #[error("Could not {doing} {}: {source}.", path.display())]
    File { doing: &'static str, path: PathBuf, source: io::Error },

    #[error("Cargo.lock does not name {package}: run `cargo generate-lockfile`, then this command again.")]
    NotLocked { package: &'static str },

    #[error("{} is missing: is this a whole checkout?", path.display())]
    NotInCheckout { path: PathBuf },

    #[error(
        "Port {port} is taken: stop what listens there, or choose another with `cargo xtask demo --port {}`.",
        port.saturating_add(1)
    )]
    PortTaken { port: u16 },

    #[error("www/shell-files.js does not list ./{name}: add it, or the app will not open without the network.")]
    NotInShell { name: String },

    #[error("Failed: {what}.")]
    Unmet { what: String },
}

/// Puts a path and an intention to an I/O error, which alone says neither.
pub trait Told<T> {
    fn told(self, doing: &'static str, path: &Path) -> Result<T>;
}

impl<T> Told<T> for io::Result<T> {
    fn told(self, doing: &'static str, path: &Path) -> Result<T> {
        self.map_err(|source| Error::File { doing, path: path.to_path_buf(), source })
    }
}
