//! A store's life: full, closed, opened again, destroyed.

use super::{Databases, Outcome, at, expecting, get, keys, puts, row, text, write};
use crate::{
    core::{Expect, Key, Read, Scan, StoreName, WriteSet},
    ports::{Store as _, StoreError},
};

/// One commit of 2,000 rows, each with an expectation of its own.
pub async fn two_thousand_rows(databases: &impl Databases, name: &str) -> Outcome {
    let store = databases.open(name).await?;
    let names: Vec<String> = (0..2000).map(|number| format!("{number:04}")).collect();
    let rows = names.iter().map(|name| row(&["incident", name], 1.0, &[&["number", name], &["all"]]));
    let expect = names.iter().map(|name| Expect::Rev(at(StoreName::Records, &["incident", name]), None));
    let set = WriteSet { expect: expect.collect(), ..puts(StoreName::Records, rows) };
    write(&store, set.clone()).await?;
    let found = keys(&store, Scan::index(StoreName::Records, text(&["all"]))).await?;
    assert_eq!(found.len(), 2000);
    assert!(found.is_sorted());

    let mut walked = 0;
    let mut after = None;
    loop {
        let page = Scan { after, ..Scan::index(StoreName::Records, text(&["number"])).limit(300) };
        let page = keys(&store, page).await?;
        let Some(last) = page.last() else { break };
        after = Some(text(&["number", last.text(1)]));
        walked += page.len();
    }
    assert_eq!(walked, 2000);

    let unchanged = Expect::Keys(Scan::index(StoreName::Records, text(&["all"])), found);
    let deletes = names.iter().map(|name| at(StoreName::Records, &["incident", name])).collect();
    write(&store, expecting(unchanged, WriteSet { deletes, ..WriteSet::default() })).await?;
    assert!(keys(&store, Scan::key(StoreName::Records, Key::default())).await?.is_empty());
    store.close().await;
    Ok(())
}

/// And another context sees what this one wrote.
pub async fn rows_survive_close_and_reopen(databases: &impl Databases, name: &str) -> Outcome {
    let store = databases.open(name).await?;
    let other = databases.open(name).await?;
    let written = row(&["a"], 1.0, &[&["i"]]);
    write(&store, puts(StoreName::Aliases, [written.clone()])).await?;
    assert_eq!(get(&other, at(StoreName::Aliases, &["a"])).await?, Some(written.clone()));
    store.close().await;
    other.close().await;
    let store = databases.open(name).await?;
    assert_eq!(get(&store, at(StoreName::Aliases, &["a"])).await?, Some(written));
    assert_eq!(keys(&store, Scan::index(StoreName::Aliases, text(&["i"]))).await?.len(), 1);
    store.close().await;
    Ok(())
}

/// Closing one context's store leaves the others'.
pub async fn a_closed_store_says_so(databases: &impl Databases, name: &str) -> Outcome {
    let (store, other) = (databases.open(name).await?, databases.open(name).await?);
    store.close().await;
    store.close().await;
    assert_eq!(store.read(&[]).await, Err(StoreError::Closed));
    assert_eq!(store.read(&[Read::Row(at(StoreName::Meta, &["a"]))]).await, Err(StoreError::Closed));
    assert_eq!(store.commit(&puts(StoreName::Meta, [row(&["a"], 1.0, &[])])).await, Err(StoreError::Closed));
    write(&other, puts(StoreName::Meta, [row(&["b"], 1.0, &[])])).await?;
    other.close().await;
    Ok(())
}

/// Other contexts' stores are closed with it: their database is no more.
pub async fn a_destroyed_store_is_empty_when_made_again(databases: &impl Databases, name: &str) -> Outcome {
    let (store, other) = (databases.open(name).await?, databases.open(name).await?);
    write(&store, puts(StoreName::Meta, [row(&["a"], 1.0, &[])])).await?;
    store.destroy().await?;
    assert_eq!(store.read(&[]).await, Err(StoreError::Closed));
    assert_eq!(other.read(&[]).await, Err(StoreError::Closed));
    let again = databases.open(name).await?;
    assert!(keys(&again, Scan::key(StoreName::Meta, Key::default())).await?.is_empty());
    again.destroy().await?;
    Ok(())
}
