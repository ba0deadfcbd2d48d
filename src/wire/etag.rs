//! Versions of a record: `ETag`, and `If-Match` that asks for one of them.

/// The tag of a record that was changed so often, by its `sys_mod_count`.
pub fn tag(mod_count: &str) -> String {
    format!("\"{mod_count}\"")
}

/// Whether an `If-Match` names `tag`. `None` where it cannot be read, which must not be taken for a yes.
///
/// Only a strong tag is the same as another: one that is marked weak promises less than what is asked.
pub fn is_match(header: &str, tag: &str) -> Option<bool> {
    if header.trim() == "*" {
        return Some(true);
    }
    let mut rest = header.trim_matches(SPACE);
    let (mut found, mut any) = (false, false);
    while !rest.is_empty() {
        // An empty place in a list is no mistake.
        if let Some(after) = rest.strip_prefix(',') {
            rest = after.trim_start_matches(SPACE);
            continue;
        }
        let opaque = rest.strip_prefix("W/").unwrap_or(rest);
        let length = opaque.strip_prefix('"')?.find('"')? + 2;
        let (named, after) = opaque.split_at_checked(length)?;
        found |= named == tag && opaque.len() == rest.len();
        any = true;
        rest = after.trim_start_matches(SPACE);
        if !rest.is_empty() && !rest.starts_with(',') {
            return None;
        }
    }
    any.then_some(found)
}

const SPACE: [char; 2] = [' ', '\t'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_a_list_is_enough_and_what_is_weak_is_none() {
        for (header, matched) in [
            ("\"3\"", Some(true)),
            (" \"3\"\t", Some(true)),
            ("*", Some(true)),
            ("\"1\", \"3\"", Some(true)),
            ("\"1\",\"3\",", Some(true)),
            (", ,\"3\"", Some(true)),
            ("\"1,\", \"3\"", Some(true)),
            ("W/\"1\", \"3\"", Some(true)),
            ("\"33\"", Some(false)),
            ("\"\"", Some(false)),
            ("\"1,3\"", Some(false)),
            ("W/\"3\"", Some(false)),
            ("\"*\"", Some(false)),
            ("", None),
            (",", None),
            ("3", None),
            ("\"3", None),
            ("\"3\" \"4\"", None),
            ("\"3\", *", None),
            ("w/\"3\"", None),
        ] {
            assert_eq!(is_match(header, &tag("3")), matched, "{header}");
        }
    }
}
