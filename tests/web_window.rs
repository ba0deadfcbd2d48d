//! In a page.
#![cfg(target_family = "wasm")]
pub mod common;
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
