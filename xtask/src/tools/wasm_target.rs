//! The standard library for Wasm.

use std::path::Path;
use std::process::Command;

use crate::error::{Error, Result};
use crate::step;

pub const WASM: &str = "wasm32-unknown-unknown";

/// Asked of the compiler, not of rustup: there are compilers without rustup that have the target all the same.
pub fn wasm_target() -> Result<()> {
    let library = step::output_of(Command::new("rustc").args(["--print", "target-libdir", "--target", WASM]))?;
    if Path::new(&library).is_dir() {
        return Ok(());
    }
    let add = ["target", "add", WASM];
    step::run("Rust's standard library for Wasm", Command::new("rustup").args(add))
        .map_err(|_| Error::Missing { what: format!("Rust's target {WASM}"), run: format!("rustup {}", add.join(" ")) })
}
