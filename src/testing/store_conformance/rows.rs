//! Single rows.

use super::{Databases, Outcome, at, get, keys, puts, row, text, write};
use crate::{
    core::{Found, Key, Part, Read, Row, RowKey, Scan, StoreName, WriteSet},
    ports::Store as _,
};

/// Every part of a row comes back, whatever store it is in.
pub async fn a_row_is_read_as_it_was_written(databases: &impl Databases, name: &str) -> Outcome {
    let store = databases.open(name).await?;
    for which in StoreName::ALL {
        let written = Row {
            key: Key::from(vec![Part::from("incident"), Part::Number(12.5)]),
            rev: 9_007_199_254_740_991.0,
            index: vec![text(&["number", "INC1"]), Key::from(vec![Part::from("priority"), Part::Number(-3.0)])],
            body: r#"{"short_description":"Pump 3 leaks"}"#.to_owned().into(),
        };
        let place = RowKey { store: which, key: written.key.clone() };
        assert_eq!(get(&store, place.clone()).await?, None);
        write(&store, puts(which, [written.clone()])).await?;
        assert_eq!(get(&store, place).await?, Some(written));
    }
    store.close().await;
    Ok(())
}

/// Text is kept to the letter, in keys, index entries and bodies.
pub async fn odd_text_survives(databases: &impl Databases, name: &str) -> Outcome {
    let store = databases.open(name).await?;
    for odd in ["", "\0", "\"\\\n\u{2028}", "Zürich 東京 🛩\u{FE0F}", "\u{FFFF}\u{FEFF}", "e\u{301}"] {
        let written = Row { body: odd.to_owned().into(), ..row(&[odd, "x"], 1.0, &[&[odd]]) };
        write(&store, puts(StoreName::Records, [written.clone()])).await?;
        assert_eq!(get(&store, at(StoreName::Records, &[odd, "x"])).await?, Some(written));
        let found = keys(&store, Scan::index(StoreName::Records, text(&[odd]))).await?;
        assert_eq!(found, [text(&[odd, "x"])]);
    }
    store.close().await;
    Ok(())
}

/// The index forgets the entries of the row before.
pub async fn a_put_replaces_row_and_index(databases: &impl Databases, name: &str) -> Outcome {
    let store = databases.open(name).await?;
    write(&store, puts(StoreName::Records, [row(&["a"], 1.0, &[&["old"], &["both"]])])).await?;
    write(&store, puts(StoreName::Records, [row(&["a"], 2.0, &[&["both"], &["new"]])])).await?;
    assert_eq!(get(&store, at(StoreName::Records, &["a"])).await?.map(|row| row.rev), Some(2.0));
    for (entry, there) in [("old", 0), ("both", 1), ("new", 1)] {
        let found = keys(&store, Scan::index(StoreName::Records, text(&[entry]))).await?;
        assert_eq!(found.len(), there, "{entry}");
    }
    assert_eq!(keys(&store, Scan::key(StoreName::Records, Key::default())).await?.len(), 1);
    store.close().await;
    Ok(())
}

/// A row that is gone is in no index; to delete one that is not there is no error.
pub async fn a_delete_removes_row_and_index(databases: &impl Databases, name: &str) -> Outcome {
    let store = databases.open(name).await?;
    write(&store, puts(StoreName::Outbox, [row(&["a"], 1.0, &[&["i"]]), row(&["b"], 1.0, &[&["i"]])])).await?;
    let deletes = vec![at(StoreName::Outbox, &["a"]), at(StoreName::Outbox, &["never"])];
    write(&store, WriteSet { deletes, ..WriteSet::default() }).await?;
    assert_eq!(get(&store, at(StoreName::Outbox, &["a"])).await?, None);
    assert_eq!(keys(&store, Scan::index(StoreName::Outbox, text(&["i"]))).await?, [text(&["b"])]);
    store.close().await;
    Ok(())
}

/// Answers stand as asked, over several stores.
pub async fn one_read_answers_in_order_and_sees_one_state(databases: &impl Databases, name: &str) -> Outcome {
    let store = databases.open(name).await?;
    assert_eq!(store.read(&[]).await?, []);
    let meta = row(&["lease"], 4.0, &[]);
    let set = WriteSet {
        puts: vec![(StoreName::Meta, meta.clone()), (StoreName::Records, row(&["r"], 5.0, &[&["i"]]))],
        ..WriteSet::default()
    };
    write(&store, set).await?;
    let reads = [
        Read::Count(Scan::key(StoreName::Records, Key::default())),
        Read::Row(at(StoreName::Meta, &["lease"])),
        Read::Keys(Scan::index(StoreName::Records, Key::default())),
        Read::Row(at(StoreName::Aliases, &["lease"])),
        Read::Count(Scan::key(StoreName::Outbox, Key::default())),
    ];
    let expected =
        [Found::Count(1), Found::Row(Some(meta)), Found::Keys(vec![text(&["r"])]), Found::Row(None), Found::Count(0)];
    assert_eq!(store.read(&reads).await?, expected);
    store.close().await;
    Ok(())
}
