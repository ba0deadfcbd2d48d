//! The JavaScript surface, in a page.
#![cfg(target_family = "wasm")]

#[path = "web_bindings/mod.rs"]
pub mod cases;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
