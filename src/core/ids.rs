//! Temporary ids: made on the device, and found lexically wherever they stand.

use uuid::Uuid;

/// What every temporary id begins with.
pub const PREFIX: &str = "tmp_";
const LENGTH: usize = PREFIX.len() + 32;

/// The temporary `sys_id` for a fresh `UUIDv7`: `tmp_` and 32 lower-case hex digits.
///
/// ```
/// # use landfall::core::ids;
/// let id = ids::temporary(uuid::Uuid::from_u128(7));
/// assert_eq!(id, "tmp_00000000000000000000000000000007");
/// assert!(ids::is_temporary(&id));
/// ```
pub fn temporary(uuid: Uuid) -> String {
    format!("{PREFIX}{}", uuid.simple())
}

/// Whether `text` is one temporary id and nothing else.
pub fn is_temporary(text: &str) -> bool {
    text.len() == LENGTH && at(text, 0).is_some()
}

/// Every temporary id in `text`, whoever made it, in order and with repeats.
pub fn find(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices(PREFIX).filter_map(|(start, _)| at(text, start))
}

/// `text` with each `from` replaced, or `None` if it has none.
pub fn replace(text: &str, from: &str, to: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    let mut start = 0;
    while let Some(found) = rest.get(start..).and_then(|tail| tail.find(from)) {
        let here = start + found;
        if at(rest, here) == Some(from) {
            out.push_str(rest.get(..here)?);
            out.push_str(to);
            rest = rest.get(here + from.len()..)?;
            start = 0;
        } else {
            start = here + PREFIX.len();
        }
    }
    if rest.len() == text.len() {
        return None;
    }
    out.push_str(rest);
    Some(out)
}

/// The id that begins at byte `start`. A longer run of hex digits is some other token, not an id.
fn at(text: &str, start: usize) -> Option<&str> {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let id = text.get(start..start + LENGTH)?;
    let digits = id.strip_prefix(PREFIX)?;
    let longer = text.as_bytes().get(start + LENGTH).is_some_and(|&next| hex(next));
    (digits.bytes().all(hex) && !longer).then_some(id)
}

#[cfg(all(test, not(target_family = "wasm")))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const A: &str = "tmp_0192f0c1a2b37c4d8e9f0a1b2c3d4e5f";
    const B: &str = "tmp_0192f0c1a2b37c4d8e9f0a1b2c3d4e60";

    #[test]
    fn finds_ids_wherever_they_stand() {
        let text = format!("{A},{B}; {{\"x\":\"{A}\"}} see https://x/?id={B}&y=1 é{A}é");
        assert_eq!(find(&text).collect::<Vec<_>>(), [A, B, A, B, A]);
    }

    #[test]
    fn passes_over_what_only_looks_like_one() {
        for text in ["tmp_", "tmp_0192", &A.to_uppercase(), &format!("{A}0"), &format!("{A}f"), &A.replace('f', "g")] {
            assert_eq!(find(text).next(), None, "{text}");
            assert_eq!(replace(text, A, "x"), None, "{text}");
        }
        assert!(!is_temporary(&format!("{A} ")));
        assert_eq!(find(&format!("tmp_tmp_{}", A.strip_prefix("tmp_").unwrap())).next(), Some(A));
    }

    #[test]
    fn replaces_every_place_and_only_that_id() {
        let text = format!("{A}{B}{A}0,{A}");
        assert_eq!(replace(&text, A, "P"), Some(format!("P{B}{A}0,P")));
    }

    proptest! {
        #[test]
        fn nothing_is_left_after_replacing(parts in prop::collection::vec(prop_oneof![
            Just(A.to_owned()), Just(B.to_owned()), "[ -~é]{0,6}", Just("tmp_".to_owned())
        ], 0..8)) {
            let text = parts.concat();
            let there = find(&text).filter(|id| *id == A).count();
            match replace(&text, A, "P") {
                None => prop_assert_eq!(there, 0),
                Some(out) => {
                    prop_assert!(there > 0);
                    prop_assert_eq!(find(&out).filter(|id| *id == A).count(), 0);
                    prop_assert_eq!(find(&out).filter(|id| *id == B).count(), find(&text).filter(|id| *id == B).count());
                }
            }
        }
    }
}
