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
        let (from, to) = (scan.from.as_ref(), scan.to.as_ref());
        if scan.limit == Some(0) || from.zip(to).is_some_and(|(from, to)| from >= to) {
            return Ok(Self::Nothing);
        }
        let prefix = Some(&scan.prefix).filter(|prefix| !prefix.0.is_empty());
        let mut lower = from.or(prefix).map(|at| (codec::key(at), false));
        let mut upper = to.map(codec::key).or_else(|| prefix.map(behind)).map(|at| (at, true));
        if let Some(after) = &scan.after {
            let inside = after.starts_with(&scan.prefix);
            let ahead = *after < scan.prefix;
            match scan.reverse {
                false if inside && to.is_none_or(|to| after < to) => {
                    lower = Some((codec::key(after), true)).filter(|_| from.is_none_or(|from| after >= from)).or(lower);
                }
                false if ahead => {}
                // The range has nothing before its prefix itself.
                true if inside && *after != scan.prefix && from.is_none_or(|from| after > from) => {
                    upper = Some((codec::key(after), true)).filter(|_| to.is_none_or(|to| after < to)).or(upper);
                }
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
