//! Fresh ids, by the browser's own randomness.

use js_sys::Uint8Array;
use uuid::Uuid;
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

use crate::ports::Entropy;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = crypto, js_name = getRandomValues)]
    fn fill(bytes: &Uint8Array) -> Result<JsValue, JsValue>;
}

/// The browser's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct BrowserEntropy;

impl Entropy for BrowserEntropy {
    fn uuid(&self) -> Uuid {
        // Counts on within one millisecond, and when the clock is set back.
        Uuid::now_v7()
    }

    fn random(&self) -> u64 {
        let bytes = Uint8Array::new_with_length(8);
        // It throws only where more is asked for than it gives at once.
        let _ = fill(&bytes);
        bytes.to_vec().into_iter().fold(0, |number, byte| number << 8 | u64::from(byte))
    }
}
