//! Landfall: records made out of reach of the network, sent once, and given their permanent `sys_id` everywhere.

#[cfg(target_family = "wasm")]
pub mod bindings;
#[cfg(target_family = "wasm")]
pub mod browser;
pub mod core;
pub mod engine;
pub mod ports;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod wire;
