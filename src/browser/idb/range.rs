//! A scan as the key range it reads.

use js_sys::Array;
use wasm_bindgen::JsValue;
use web_sys::IdbKeyRange;

use super::codec;
use crate::core::{Key, Scan};

/// What a scan has to read.
pub enum Range {
    /// Nothing at all. IndexedDB has no such range: it throws where the bounds cross, and takes
    /// a limit of 0 for no limit.
    Nothing,
    /// Everything.
    All,
    /// What lies within.
    Within(IdbKeyRange),
}

impl Range {
    pub fn of(scan: &Scan) -> Result<Self, JsValue> {
        if scan.limit == Some(0) {
            return Ok(Self::Nothing);
        }
        let mut lower = (!scan.prefix.0.is_empty()).then(|| (codec::key(&scan.prefix), false));
        let mut upper = (!scan.prefix.0.is_empty()).then(|| (behind(&scan.prefix), true));
        if let Some(after) = &scan.after {
            let inside = after.starts_with(&scan.prefix);
            let ahead = *after < scan.prefix;
            match scan.reverse {
                false if inside => lower = Some((codec::key(after), true)),
                false if ahead => {}
                // The range has nothing before its prefix itself.
                true if inside && *after != scan.prefix => upper = Some((codec::key(after), true)),
                true if !inside && !ahead => {}
                _ => return Ok(Self::Nothing),
            }
        }
        let range = match (lower, upper) {
            (None, None) => return Ok(Self::All),
            (Some((lower, open)), None) => IdbKeyRange::lower_bound_with_open(&lower, open),
            (None, Some((upper, open))) => IdbKeyRange::upper_bound_with_open(&upper, open),
            (Some((lower, lower_open)), Some((upper, upper_open))) => {
                IdbKeyRange::bound_with_lower_open_and_upper_open(&lower, &upper, lower_open, upper_open)
            }
        };
        range.map(Self::Within)
    }
}

/// What comes right after all that begins with `prefix`: an array sorts behind numbers and text.
fn behind(prefix: &Key) -> Array {
    let array = codec::key(prefix);
    array.push(&Array::new());
    array
}
