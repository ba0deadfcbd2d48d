//! How a plain instance reads a query: as ServiceNow does, it drops what it does not understand.

use landfall::wire::query::Query;

/// Reads what can be read, one part after the other, and then drops the conditions on fields that are not `known`.
pub fn parse(text: &str, known: impl Fn(&str) -> bool) -> Query {
    let mut understood = String::new();
    let mut query = Query::default();
    for part in parts(text) {
        let longer = if understood.is_empty() { part } else { format!("{understood}^{part}") };
        if let Ok(parsed) = longer.parse() {
            query = parsed;
            understood = longer;
        }
    }
    for group in &mut query.groups {
        for any_of in &mut group.all {
            any_of.any.retain(|term| known(&term.field));
        }
        group.all.retain(|any_of| !any_of.any.is_empty());
    }
    if query.groups.iter().any(|group| group.all.is_empty()) {
        // A group that asks for nothing matches everything, and so does the whole query then.
        query.groups.clear();
    }
    query.order.retain(|order| known(&order.field));
    query
}

/// What stands between two single `^`; a doubled one belongs to its value.
fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let doubled = c == '^' && rest.next_if_eq(&'^').is_some();
        if c == '^' && !doubled {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.extend(std::iter::repeat_n(c, if doubled { 2 } else { 1 }));
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Query {
        parse(text, |field| field.len() == 1)
    }

    #[test]
    fn what_is_not_understood_is_dropped() {
        for (given, meant) in [
            ("a=1^b~2^c=3", "a=1^c=3"),
            ("a=1^unknown=2^ORb=2", "a=1^b=2"),
            ("unknown=2", ""),
            ("a=1^NQunknown=2", ""),
            ("a=x^^y^ORDERBYunknown^ORDERBYb", "a=x^^y^ORDERBYb"),
            ("a=javascript:gs.now()^b=1", "b=1"),
            ("~~~", ""),
        ] {
            assert_eq!(read(given), meant.parse().unwrap(), "{given}");
        }
    }
}
