//! Ranges: by key and by index, with prefix, start, limit and direction.

use std::{cell::RefCell, rc::Rc};

use super::{Databases, Outcome, keys, puts, row, text, write};
use crate::{
    core::{By, Key, Part, Row, Scan, StoreName},
    ports::{Sift, Store as _},
};

const STORE: StoreName = StoreName::Records;

fn scan(by: By, prefix: &[&str]) -> Scan {
    Scan { by, ..Scan::key(STORE, text(prefix)) }
}

/// A prefix is of whole parts: `incident` does not find `incident_task`.
pub async fn scans_by_key_take_a_prefix(databases: &impl Databases, name: &str) -> Outcome {
    let store = databases.open(name).await?;
    let all = [["incident", "1"], ["incident", "2"], ["incident_task", "1"], ["incidens", "9"]];
    write(&store, puts(STORE, all.iter().map(|key| row(key, 1.0, &[])))).await?;
    write(&store, puts(STORE, [row(&["incident"], 1.0, &[])])).await?;
    assert_eq!(
        keys(&store, scan(By::Key, &["incident"])).await?,
        [text(&["incident"]), text(&["incident", "1"]), text(&["incident", "2"])]
    );
    assert_eq!(keys(&store, scan(By::Key, &[])).await?.len(), 5);
    assert!(keys(&store, scan(By::Key, &["inc"])).await?.is_empty());
    assert!(keys(&store, Scan::key(StoreName::Outbox, Key::default())).await?.is_empty());
    store.close().await;
    Ok(())
}

/// A row with several fitting entries is answered once for each, and once only for entries alike.
pub async fn scans_by_index_answer_once_for_each_entry(databases: &impl Databases, name: &str) -> Outcome {
    let store = databases.open(name).await?;
    let rows = [
        row(&["b"], 1.0, &[&["mentions", "x"], &["mentions", "y"], &["state", "new"]]),
        row(&["a"], 1.0, &[&["mentions", "x"], &["mentions", "x"]]),
        row(&["c"], 1.0, &[]),
    ];
    write(&store, puts(STORE, rows)).await?;
    let (a, b) = (text(&["a"]), text(&["b"]));
    assert_eq!(keys(&store, scan(By::Index, &["mentions"])).await?, [a.clone(), b.clone(), b.clone()]);
    assert_eq!(keys(&store, scan(By::Index, &["mentions", "x"])).await?, [a.clone(), b.clone()]);
    assert_eq!(keys(&store, scan(By::Index, &["state"])).await?, std::slice::from_ref(&b));
    assert_eq!(keys(&store, scan(By::Index, &[])).await?, [a, b.clone(), b.clone(), b]);
    store.close().await;
    Ok(())
}

/// Numbers by value and before text; text by UTF-16 code units; shorter keys first.
pub async fn keys_are_ordered_as_indexeddb_does(databases: &impl Databases, name: &str) -> Outcome {
    let store = databases.open(name).await?;
    let number = |n: f64| Key::from(vec![Part::from("t"), Part::Number(n)]);
    let sorted = [
        text(&["t"]),
        number(-1e300),
        number(-2.0),
        number(0.0),
        number(9.0),
        number(10.0),
        Key::from(vec![Part::from("t"), Part::Number(10.0), Part::from("more")]),
        text(&["t", ""]),
        text(&["t", "10"]),
        text(&["t", "9"]),
        text(&["t", "Z"]),
        text(&["t", "a"]),
        text(&["t", "é"]),
        text(&["t", "\u{1F600}"]),
        text(&["t", "\u{FF5E}"]),
        text(&["u"]),
    ];
    let shuffled = (0..sorted.len()).filter_map(|i| sorted.get(i * 7 % sorted.len()));
    let rows = shuffled.map(|key| Row { key: key.clone(), index: vec![key.clone()], ..row(&[], 1.0, &[]) });
    write(&store, puts(STORE, rows)).await?;
    for by in [By::Key, By::Index] {
        assert_eq!(keys(&store, scan(by, &[])).await?, sorted);
        assert_eq!(keys(&store, scan(by, &["t"])).await?.len(), sorted.len() - 1);
        let ten = Scan { by, ..Scan::key(STORE, number(10.0)) };
        assert_eq!(keys(&store, ten).await?.len(), 2);
    }
    store.close().await;
    Ok(())
}

/// `after` leaves out what is alike, may lie before or behind the range, and may be no key at all.
pub async fn scans_go_on_after_a_key(databases: &impl Databases, name: &str) -> Outcome {
    let store = databases.open(name).await?;
    let rows = ["a", "b", "c", "d"].map(|key| row(&["t", key], 1.0, &[&["i", key], &["z", "same"]]));
    write(&store, puts(STORE, rows)).await?;
    write(&store, puts(STORE, [row(&["u", "e"], 1.0, &[&["j", "e"]])])).await?;
    let cases: [(&[&str], &[&str]); 7] = [
        (&["t", "b"], &["c", "d"]),
        (&["t", "bb"], &["c", "d"]),
        (&["t", "d"], &[]),
        (&["t"], &["a", "b", "c", "d"]),
        (&["a"], &["a", "b", "c", "d"]),
        (&["u"], &[]),
        (&["zz"], &[]),
    ];
    for (after, rest) in cases {
        let expected: Vec<Key> = rest.iter().map(|key| text(&["t", key])).collect();
        let by_key = Scan { after: Some(text(after)), ..scan(By::Key, &["t"]) };
        assert_eq!(keys(&store, by_key).await?, expected, "after {after:?}");
    }
    let by_index = |after: &[&str]| Scan { after: Some(text(after)), ..scan(By::Index, &["i"]) };
    assert_eq!(keys(&store, by_index(&["i", "b"])).await?, [text(&["t", "c"]), text(&["t", "d"])]);
    assert_eq!(keys(&store, by_index(&["j"])).await?, [] as [Key; 0]);
    let alike = Scan { after: Some(text(&["z", "same"])), ..scan(By::Index, &["z"]) };
    assert_eq!(keys(&store, alike).await?, [] as [Key; 0]);
    let everything = Scan { after: Some(text(&["t", "c"])), ..scan(By::Key, &[]) };
    assert_eq!(keys(&store, everything).await?, [text(&["t", "d"]), text(&["u", "e"])]);
    store.close().await;
    Ok(())
}

/// A limit of nought is nothing (IndexedDB's own `getAll` takes it for everything).
pub async fn scans_take_a_limit(databases: &impl Databases, name: &str) -> Outcome {
    let store = databases.open(name).await?;
    let rows = ["a", "b", "c"].map(|key| row(&[key], 1.0, &[&["i", key]]));
    write(&store, puts(STORE, rows)).await?;
    for reverse in [false, true] {
        for (limit, count) in [(0, 0), (1, 1), (2, 2), (3, 3), (u32::MAX, 3)] {
            for scan in [scan(By::Key, &[]), scan(By::Index, &["i"])] {
                let found = keys(&store, Scan { reverse, ..scan.limit(limit) }).await?;
                assert_eq!(found.len(), count, "limit {limit}");
            }
        }
    }
    let after = Scan { after: Some(text(&["a"])), ..scan(By::Key, &[]) };
    assert_eq!(keys(&store, after.limit(1)).await?, [text(&["b"])]);
    store.close().await;
    Ok(())
}

/// Backwards is the same in the other order; `after` then goes by that order too, so that a walk
/// in pages is written alike in both.
pub async fn scans_go_backwards(databases: &impl Databases, name: &str) -> Outcome {
    let store = databases.open(name).await?;
    let rows = ["a", "b", "c", "d"].map(|key| row(&["t", key], 1.0, &[&["i", key], &["same"]]));
    write(&store, puts(STORE, rows)).await?;
    write(&store, puts(STORE, [row(&["s"], 1.0, &[&["h"]]), row(&["u"], 1.0, &[&["j"]])])).await?;
    let expected = |keys: &[&str]| keys.iter().map(|key| text(&["t", key])).collect::<Vec<_>>();
    for (by, prefix) in [(By::Key, "t"), (By::Index, "i")] {
        let back = |after: Option<&str>, limit: Option<u32>| Scan {
            reverse: true,
            limit,
            after: after.map(|after| text(&[prefix, after])),
            ..scan(by, &[prefix])
        };
        assert_eq!(keys(&store, back(None, None)).await?, expected(&["d", "c", "b", "a"]));
        assert_eq!(keys(&store, back(None, Some(2))).await?, expected(&["d", "c"]));
        assert_eq!(keys(&store, back(Some("c"), Some(1))).await?, expected(&["b"]));
        assert_eq!(keys(&store, back(Some("c"), None)).await?, expected(&["b", "a"]));
        assert_eq!(keys(&store, back(Some("a"), None)).await?, expected(&[]));
        assert_eq!(keys(&store, back(Some("zz"), Some(9))).await?, expected(&["d", "c", "b", "a"]));
    }
    let alike = Scan { reverse: true, ..scan(By::Index, &["same"]) };
    assert_eq!(keys(&store, alike.clone()).await?, expected(&["d", "c", "b", "a"]));
    assert_eq!(keys(&store, alike.limit(3)).await?, expected(&["d", "c", "b"]));
    let before_all = Scan { reverse: true, after: Some(text(&["a"])), ..scan(By::Key, &["t"]) };
    assert_eq!(keys(&store, before_all).await?, expected(&[]));
    let everything = Scan { reverse: true, after: Some(text(&["t", "b"])), ..scan(By::Key, &[]) };
    assert_eq!(keys(&store, everything).await?, [text(&["t", "a"]), text(&["s"])]);
    store.close().await;
    Ok(())
}

/// Between two bounds, of which the first is among what is found and the second is not.
pub async fn scans_keep_within_bounds(databases: &impl Databases, name: &str) -> Outcome {
    let store = databases.open(name).await?;
    let rows = ["a", "b", "c", "d"].map(|key| row(&["t", key], 1.0, &[&["i", key]]));
    write(&store, puts(STORE, rows)).await?;
    type Bound = Option<&'static str>;
    let cases: [(Bound, Bound, Bound, &str); 10] = [
        (Some("b"), None, None, "bcd"),
        (None, Some("c"), None, "ab"),
        (Some("b"), Some("d"), None, "bc"),
        (Some("b"), Some("b"), None, ""),
        (Some("c"), Some("b"), None, ""),
        (Some("bb"), Some("cc"), None, "c"),
        (Some("b"), Some("d"), Some("b"), "c"),
        (Some("b"), Some("d"), Some("a"), "bc"),
        (Some("b"), Some("d"), Some("c"), ""),
        (Some("b"), Some("d"), Some("d"), ""),
    ];
    for (by, prefix) in [(By::Key, "t"), (By::Index, "i")] {
        let at = |key: Option<&str>| key.map(|key| text(&[prefix, key]));
        for (from, to, after, found) in cases {
            let within = Scan { from: at(from), to: at(to), after: at(after), ..scan(by, &[prefix]) };
            let expected: Vec<Key> = found.chars().map(|key| text(&["t", &key.to_string()])).collect();
            assert_eq!(keys(&store, within.clone()).await?, expected, "{within:?}");
            if after.is_none() {
                let back: Vec<Key> = expected.iter().rev().cloned().collect();
                assert_eq!(keys(&store, Scan { reverse: true, ..within }).await?, back);
            }
        }
        let back = |after| Scan { reverse: true, from: at(Some("b")), after: at(Some(after)), ..scan(by, &[prefix]) };
        assert_eq!(keys(&store, back("d")).await?, [text(&["t", "c"]), text(&["t", "b"])]);
        assert_eq!(keys(&store, back("b")).await?, [] as [Key; 0]);
        let up_to = Scan { to: at(Some("c")), ..back("d") };
        assert_eq!(keys(&store, up_to).await?, [text(&["t", "b"])]);
    }
    store.close().await;
    Ok(())
}

/// Takes rows until it has so many.
#[derive(Default)]
struct Few {
    most: usize,
    taken: RefCell<Vec<Vec<Key>>>,
}

impl Sift for Few {
    fn begin(&self) {
        self.taken.take();
    }

    fn take(&self, rows: Vec<Row>) -> bool {
        self.taken.borrow_mut().push(rows.into_iter().map(|row| row.key).collect());
        self.taken.borrow().iter().map(Vec::len).sum::<usize>() < self.most
    }
}

/// In the scan's order and within its limit, so many at a time, and no more than are wanted.
pub async fn rows_are_sifted_a_few_at_a_time(databases: &impl Databases, name: &str) -> Outcome {
    let store = databases.open(name).await?;
    let all = ["a", "b", "c", "d", "e"];
    write(&store, puts(STORE, all.map(|key| row(&[key], 1.0, &[&["i", key], &["other", key]])))).await?;
    for (limit, reverse, most, expected) in [
        (None, false, 9, "ab cd e"),
        (None, true, 9, "ed cb a"),
        (None, false, 3, "ab cd"),
        (None, false, 2, "ab"),
        (Some(3), false, 9, "ab c"),
        (Some(4), true, 9, "ed cb"),
        (Some(0), false, 9, ""),
    ] {
        for walk in [scan(By::Key, &[]), scan(By::Index, &["i"])] {
            let few = Rc::new(Few { most, ..Few::default() });
            let walk = Scan { limit, reverse, ..walk };
            store.sift(std::slice::from_ref(&walk), 2, Rc::clone(&few) as Rc<dyn Sift>).await?;
            let mut taken = few.taken.take();
            taken.retain(|rows| !rows.is_empty());
            let expected: Vec<Vec<Key>> = expected
                .split_whitespace()
                .map(|few| few.chars().map(|key| text(&[&key.to_string()])).collect())
                .collect();
            assert_eq!(taken, expected, "{walk:?}");
        }
    }
    store.close().await;
    Ok(())
}
