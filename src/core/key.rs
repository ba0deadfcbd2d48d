//! Keys, ordered as IndexedDB orders them, so that every store answers a scan alike.

use std::{cmp::Ordering, rc::Rc};

use serde::{Deserialize, Serialize, Serializer};

/// One part of a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Part {
    /// A finite number. Sorts before any text.
    Number(f64),
    /// Text, compared by UTF-16 code units as IndexedDB does (not by code points: they differ above U+E000).
    Text(String),
}

impl Eq for Part {}

impl Ord for Part {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => (a + 0.0).total_cmp(&(b + 0.0)),
            (Self::Number(_), Self::Text(_)) => Ordering::Less,
            (Self::Text(_), Self::Number(_)) => Ordering::Greater,
            (Self::Text(a), Self::Text(b)) if a.is_ascii() && b.is_ascii() => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.encode_utf16().cmp(b.encode_utf16()),
        }
    }
}

impl PartialOrd for Part {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<&str> for Part {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Part {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// A primary key or an index entry: an array of parts. Copied more often than made: copies share them.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(from = "Vec<Part>")]
pub struct Key(pub Rc<[Part]>);

impl From<Vec<Part>> for Key {
    fn from(parts: Vec<Part>) -> Self {
        Self(parts.into())
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.iter())
    }
}

impl Key {
    /// Whether this key begins with all the parts of `prefix`.
    pub fn starts_with(&self, prefix: &Self) -> bool {
        self.0.starts_with(&prefix.0)
    }

    /// This one's parts, and then those of `more`.
    pub fn with(&self, more: &Self) -> Self {
        Self(self.0.iter().chain(more.0.iter()).cloned().collect())
    }

    /// The text of the part at `position`, empty where there is none.
    pub fn text(&self, position: usize) -> &str {
        match self.0.get(position) {
            Some(Part::Text(text)) => text,
            _ => "",
        }
    }
}

impl<const N: usize> From<[&str; N]> for Key {
    fn from(parts: [&str; N]) -> Self {
        Self(parts.into_iter().map(Part::from).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_as_indexeddb_does() {
        let mut keys = vec![
            Key::from(["a", "b"]),
            Key::from(["\u{FF5E}"]),
            Key::from(["\u{1F600}"]),
            Key::from(vec![Part::Number(10.0)]),
            Key::from(vec![Part::Number(9.0)]),
            Key::from(["a"]),
            Key::default(),
        ];
        keys.sort();
        assert_eq!(
            keys,
            [
                Key::default(),
                Key::from(vec![Part::Number(9.0)]),
                Key::from(vec![Part::Number(10.0)]),
                Key::from(["a"]),
                Key::from(["a", "b"]),
                Key::from(["\u{1F600}"]),
                Key::from(["\u{FF5E}"]),
            ]
        );
        for (a, b) in [(0.0, -0.0), (-0.0, 0.0)] {
            assert_eq!(Part::Number(a).cmp(&Part::Number(b)), Ordering::Equal);
        }
    }
}
