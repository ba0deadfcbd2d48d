//! What IndexedDB says when it fails, and what is made of it.

use std::error::Error as _;

use js_sys::Reflect;
use wasm_bindgen::JsValue;

use crate::ports::StoreError;

/// A `DOMException`, in Rust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its name.
    pub name: String,
    /// Its message.
    pub message: String,
}

impl Fault {
    pub fn new(name: &str, message: &str) -> Self {
        Self { name: name.to_owned(), message: message.to_owned() }
    }

    /// Of whatever was thrown.
    pub fn of(thrown: &JsValue) -> Self {
        let text = |property: &str| {
            let value = Reflect::get(thrown, &JsValue::from_str(property)).ok()?;
            value.as_string().filter(|text| !text.is_empty())
        };
        let message = text("message").or_else(|| thrown.as_string()).unwrap_or_else(|| "it gave no reason".to_owned());
        Self { name: text("name").unwrap_or_else(|| "UnknownError".to_owned()), message }
    }

    /// Of what rexie makes of an exception: a sentence that ends in `Name: message`.
    pub fn of_rexie(error: &rexie::Error) -> Self {
        let text = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        let mut rest = text.as_str();
        while let Some((head, tail)) = rest.split_once(": ") {
            if head.ends_with("Error") && !head.contains(' ') {
                return Self::new(head, tail);
            }
            rest = tail;
        }
        Self::new("UnknownError", &text)
    }

    pub fn unknown() -> Self {
        Self::new("UnknownError", "it gave no reason")
    }

    /// A transaction that somebody aborted, and it was not us: the browser took the connection away.
    pub fn aborted() -> Self {
        Self::new("AbortError", "the browser aborted the transaction")
    }

    pub fn timed_out() -> Self {
        Self::new("TimeoutError", "the browser's database did not answer in 30 seconds")
    }

    /// Whether a fresh connection may do better. Safari loses its database server, iOS closes
    /// connections of pages in the background, Firefox stays read-only after a full disk: in each
    /// case the handle is of no use any more, and whoever keeps it fails for ever.
    pub fn is_dead_connection(&self) -> bool {
        match self.name.as_str() {
            "InvalidStateError" | "UnknownError" | "AbortError" => true,
            "QuotaExceededError" | "VersionError" => false,
            // Safari's "Connection to Indexed Database server lost" has had several names.
            _ => self.message.contains("onnection"),
        }
    }

    /// As an error of opening.
    pub fn on_open(self) -> StoreError {
        match self.name.as_str() {
            "SecurityError" | "InvalidStateError" => StoreError::Unavailable(self.message),
            _ => self.while_doing("opening"),
        }
    }

    /// As an error of anything else.
    pub fn while_doing(self, doing: &'static str) -> StoreError {
        match self.name.as_str() {
            "QuotaExceededError" => StoreError::Full(self.message),
            // What Firefox says for a disk that is full, unless it says the above.
            "InvalidStateError" if self.message.contains("did not allow mutations") => StoreError::Full(self.message),
            "VersionError" => StoreError::Newer,
            _ => StoreError::Failed { doing, name: self.name, message: self.message },
        }
    }
}

/// Why an operation failed.
#[derive(Debug)]
pub enum Trouble {
    /// The browser failed.
    Fault(Fault),
    /// It did not, but what it gave is of no use.
    Store(StoreError),
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<rexie::Error> for Trouble {
    fn from(error: rexie::Error) -> Self {
        Self::Fault(Fault::of_rexie(&error))
    }
}

impl From<JsValue> for Trouble {
    fn from(thrown: JsValue) -> Self {
        Self::Fault(Fault::of(&thrown))
    }
}
