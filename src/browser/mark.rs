//! A mark in `localStorage` that a database was there.
//!
//! It outlives the database where the browser evicts IndexedDB alone (Chrome short of room or with a broken database,
//! a user who clears only that). Where everything of a site goes at once (Firefox, Safari after seven days, "clear
//! site data") nothing is left to tell by; nor can workers see it.

use wasm_bindgen::JsCast as _;
use web_sys::Storage;

use super::js;
use crate::ports::Mark;

fn key(database: &str) -> String {
    format!("landfall/mark/{database}")
}

/// `None` in a worker, and where the user allows no storage.
fn storage() -> Option<Storage> {
    // Not `dyn_into`: a page may have put something else in its place.
    js::get(&js_sys::global(), "localStorage").map(wasm_bindgen::JsValue::unchecked_into)
}

/// The mark of the database called `database`.
pub fn read(database: &str) -> Option<Mark> {
    let text = storage()?.get_item(&key(database)).ok()??;
    let mut parts = text.split(' ');
    Some(Mark {
        birth: parts.next()?.to_owned(),
        seen_at: parts.next()?.parse().ok()?,
        unsent: parts.next()?.parse().ok()?,
    })
}

/// Leaves one. That it cannot be kept harms nobody.
pub fn leave(database: &str, mark: &Mark) {
    if let Some(storage) = storage() {
        let _ = storage.set_item(&key(database), &format!("{} {} {}", mark.birth, mark.seen_at, mark.unsent));
    }
}

/// Takes it away.
pub fn remove(database: &str) {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(&key(database));
    }
}
