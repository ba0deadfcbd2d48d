//! What a write is, whoever asks for it: its input checked, its references settled, the rules applied.

mod input;
pub mod temporary;
mod writer;

pub use input::Input;
pub use writer::{Existing, Writer};
