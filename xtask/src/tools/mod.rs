//! The tools themselves: each is looked for, fetched when missing, and then named by its path.

mod bindgen;
mod cache;
mod crates;
mod debian;
mod npm;
mod wasm_target;

pub use bindgen::{Bindgen, bindgen};
pub use crates::{MUTANTS, installed};
pub use debian::{CHROMEDRIVER, CHROMIUM, POSTGRES, debian};
pub use npm::{NodeModules, bundlers, npm, peers};
pub use wasm_target::{WASM, wasm_target};
