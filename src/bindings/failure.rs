//! Why a call failed, on its way to JavaScript.

use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

use crate::{core::CoreError, engine::EngineError, ports::StoreError};

// In the package the class stands beside the module that wasm-bindgen makes, and the app imports the same file.
// Tests have no package around them: they get a copy of it.
#[cfg_attr(not(feature = "testing"), wasm_bindgen(raw_module = "./error.js"))]
#[cfg_attr(feature = "testing", wasm_bindgen(module = "/src/bindings/js/error.js"))]
extern "C" {
    type LandfallError;

    #[wasm_bindgen(constructor)]
    fn new(code: &str, retryable: bool, message: &str, cause: &JsValue) -> LandfallError;
}

/// Becomes a `LandfallError`.
#[derive(Clone, Debug)]
pub struct Failure {
    code: String,
    message: String,
    retryable: bool,
    cause: JsValue,
}

impl Failure {
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), retryable: false, cause: JsValue::UNDEFINED }
    }

    /// An option that cannot be: `sentence` names it.
    pub fn option(sentence: impl Into<String>) -> Self {
        Self::new("bad_options", sentence)
    }

    /// An argument that is no option.
    pub fn argument(sentence: impl Into<String>) -> Self {
        Self::new("bad_argument", sentence)
    }

    pub fn closed() -> Self {
        Self::from(StoreError::Closed)
    }

    /// The caller's signal has stopped it.
    pub fn aborted() -> Self {
        Self::new("aborted", "The caller's signal has stopped the waiting.").retryable(true)
    }

    pub fn retryable(self, retryable: bool) -> Self {
        Self { retryable, ..self }
    }

    /// What was thrown, where something was.
    pub fn caused_by(self, cause: JsValue) -> Self {
        Self { cause, ..self }
    }

    /// Stable; documented in the README.
    pub fn code(&self) -> &str {
        &self.code
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        Self::new(error.code(), error.to_string()).retryable(error.retryable())
    }
}

impl From<CoreError> for Failure {
    fn from(error: CoreError) -> Self {
        EngineError::from(error).into()
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        EngineError::from(error).into()
    }
}

impl From<Failure> for JsValue {
    fn from(failure: Failure) -> Self {
        LandfallError::new(&failure.code, failure.retryable, &failure.message, &failure.cause).into()
    }
}
