//! What is left to do when our own code is wrong.

use std::sync::Once;

use wasm_bindgen::JsValue;
use web_sys::console;

use super::let_go_of_all;

/// Has each panic print where it was, in place of a bare `unreachable`, and let go of what others wait for.
///
/// In Wasm a panic is the end of the instance: no promise it owes is ever settled, and nothing it holds is ever dropped.
/// What is on disk is not affected, since nothing is written but whole transactions.
pub fn install_hook() {
    static ONCE: Once = Once::new();
    // In an instance that panicked before, to set a hook would be one more panic.
    if std::thread::panicking() {
        return;
    }
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            let text = format!("Landfall has a defect. {panic}");
            console::error_1(&JsValue::from_str(&text));
            let_go_of_all();
        }));
    });
}
