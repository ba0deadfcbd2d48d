//! Commits: what they expect, and that they are one step.

use futures_util::future::{join, join_all};

use super::{Databases, Outcome, at, expecting, get, keys, puts, row, text, write};
use crate::{
    core::{By, Commit, Durability, Expect, Key, Row, Scan, StoreName, WriteSet},
    ports::Store as _,
};

const STORE: StoreName = StoreName::Records;

fn rev(key: &[&str], rev: Option<f64>) -> Expect {
    Expect::Rev(at(STORE, key), rev)
}

/// Both for a row that is there and one that is not.
pub async fn a_commit_with_the_right_revision_is_done(databases: &impl Databases, name: &str) -> Outcome {
    let store = databases.open(name).await?;
    write(&store, expecting(rev(&["a"], None), puts(STORE, [row(&["a"], 1.0, &[])]))).await?;
    write(&store, expecting(rev(&["a"], Some(1.0)), puts(STORE, [row(&["a"], 2.0, &[])]))).await?;
    let relaxed = WriteSet { durability: Durability::Relaxed, ..puts(STORE, [row(&["a"], 3.0, &[])]) };
    write(&store, expecting(rev(&["a"], Some(2.0)), relaxed)).await?;
    assert_eq!(get(&store, at(STORE, &["a"])).await?.map(|row| row.rev), Some(3.0));
    store.close().await;
    Ok(())
}

/// Whichever of several expectations fails, in whichever store.
pub async fn a_commit_with_a_wrong_revision_writes_nothing(databases: &impl Databases, name: &str) -> Outcome {
    let store = databases.open(name).await?;
    write(&store, puts(STORE, [row(&["a"], 1.0, &[]), row(&["gone"], 1.0, &[])])).await?;
    write(&store, puts(StoreName::Meta, [row(&["lease"], 7.0, &[])])).await?;
    let wrong = [
        vec![rev(&["a"], None)],
        vec![rev(&["a"], Some(2.0))],
        vec![rev(&["b"], Some(1.0))],
        vec![rev(&["a"], Some(1.0)), Expect::Rev(at(StoreName::Meta, &["lease"]), Some(6.0))],
    ];
    for expect in wrong {
        let set = WriteSet {
            expect: expect.clone(),
            deletes: vec![at(STORE, &["gone"])],
            ..puts(StoreName::Outbox, [row(&["new"], 1.0, &[])])
        };
        assert_eq!(store.commit(&set).await?, Commit::Stale, "{expect:?}");
        assert_eq!(get(&store, at(StoreName::Outbox, &["new"])).await?, None);
        assert!(get(&store, at(STORE, &["gone"])).await?.is_some());
    }
    store.close().await;
    Ok(())
}

/// The same key and body do not make the same row.
pub async fn a_row_made_again_is_another_row(databases: &impl Databases, name: &str) -> Outcome {
    let store = databases.open(name).await?;
    write(&store, puts(STORE, [row(&["a"], 1.0, &[])])).await?;
    write(&store, WriteSet { deletes: vec![at(STORE, &["a"])], ..WriteSet::default() }).await?;
    write(&store, puts(STORE, [row(&["a"], 2.0, &[])])).await?;
    let set = expecting(rev(&["a"], Some(1.0)), puts(STORE, [row(&["a"], 3.0, &[])]));
    assert_eq!(store.commit(&set).await?, Commit::Stale);
    store.close().await;
    Ok(())
}

/// A row that newly mentions an id, after the rows that mention it were read.
pub async fn a_phantom_makes_a_commit_stale(databases: &impl Databases, name: &str) -> Outcome {
    let store = databases.open(name).await?;
    let mentions = Scan::index(STORE, text(&["mentions", "tmp_1"]));
    write(&store, puts(STORE, [row(&["a"], 1.0, &[&["mentions", "tmp_1"]])])).await?;
    let read = keys(&store, mentions.clone()).await?;
    write(&store, puts(STORE, [row(&["b"], 1.0, &[&["mentions", "tmp_1"]])])).await?;
    let late =
        |found: Vec<Key>| expecting(Expect::Keys(mentions.clone(), found), puts(STORE, [row(&["done"], 1.0, &[])]));
    assert_eq!(store.commit(&late(read)).await?, Commit::Stale);
    assert_eq!(get(&store, at(STORE, &["done"])).await?, None);

    let read = keys(&store, mentions.clone()).await?;
    write(&store, WriteSet { deletes: vec![at(STORE, &["a"])], ..WriteSet::default() }).await?;
    assert_eq!(store.commit(&late(read)).await?, Commit::Stale);

    let read = keys(&store, mentions.clone()).await?;
    assert_eq!(store.commit(&late(read)).await?, Commit::Done);
    store.close().await;
    Ok(())
}

/// What a scan expects is what it would read, in its order.
pub async fn expected_keys_heed_limit_and_order(databases: &impl Databases, name: &str) -> Outcome {
    let store = databases.open(name).await?;
    let rows = ["a", "b", "c", "d"].map(|key| row(&["t", key], 1.0, &[&["i", key]]));
    write(&store, puts(STORE, rows)).await?;
    for by in [By::Key, By::Index] {
        let prefix = if by == By::Key { "t" } else { "i" };
        for reverse in [false, true] {
            for limit in [None, Some(0), Some(2), Some(9)] {
                for after in [None, Some(text(&[prefix, "b"])), Some(text(&["zz"])), Some(text(&["a"]))] {
                    let scan = Scan { by, after, limit, reverse, ..Scan::key(STORE, text(&[prefix])) };
                    let found = keys(&store, scan.clone()).await?;
                    let right = expecting(Expect::Keys(scan.clone(), found.clone()), WriteSet::default());
                    assert_eq!(store.commit(&right).await?, Commit::Done, "{scan:?}");
                    let more = [found, vec![text(&["t", "e"])]].concat();
                    let wrong = expecting(Expect::Keys(scan.clone(), more), WriteSet::default());
                    assert_eq!(store.commit(&wrong).await?, Commit::Stale, "{scan:?}");
                }
            }
        }
    }
    store.close().await;
    Ok(())
}

/// Deletes come first, so a set that moves rows about need not care which key is whose.
pub async fn a_put_wins_over_a_delete_of_the_same_row(databases: &impl Databases, name: &str) -> Outcome {
    let store = databases.open(name).await?;
    write(&store, puts(STORE, [row(&["a"], 1.0, &[&["old"]])])).await?;
    let set = WriteSet { deletes: vec![at(STORE, &["a"])], ..puts(STORE, [row(&["a"], 2.0, &[])]) };
    write(&store, set).await?;
    assert_eq!(get(&store, at(STORE, &["a"])).await?.map(|row| row.rev), Some(2.0));
    assert!(keys(&store, Scan::index(STORE, Key::default())).await?.is_empty());
    store.close().await;
    Ok(())
}

/// Nothing to write is soon written.
pub async fn an_empty_commit_is_done(databases: &impl Databases, name: &str) -> Outcome {
    let store = databases.open(name).await?;
    write(&store, WriteSet::default()).await?;
    store.close().await;
    Ok(())
}

/// A set with a row that cannot be stored (its number is not one) leaves no other behind.
pub async fn a_commit_is_all_or_nothing(databases: &impl Databases, name: &str) -> Outcome {
    let store = databases.open(name).await?;
    write(&store, puts(STORE, [row(&["kept"], 1.0, &[])])).await?;
    let bad = Row { key: Key::from(vec![crate::core::Part::Number(f64::NAN)]), ..row(&[], 1.0, &[]) };
    let mut set = puts(STORE, [row(&["first"], 1.0, &[]), bad, row(&["last"], 1.0, &[])]);
    set.deletes.push(at(STORE, &["kept"]));
    assert!(store.commit(&set).await.is_err());
    assert_eq!(keys(&store, Scan::key(STORE, Key::default())).await?, [text(&["kept"])]);
    write(&store, puts(STORE, [row(&["after"], 1.0, &[])])).await?;
    store.close().await;
    Ok(())
}

/// In two contexts that both read revision 1: the other one is told, and computes again.
pub async fn of_two_commits_from_one_revision_one_is_done(databases: &impl Databases, name: &str) -> Outcome {
    let (here, there) = (databases.open(name).await?, databases.open(name).await?);
    write(&here, puts(STORE, [row(&["a"], 1.0, &[])])).await?;
    for round in 0..20 {
        let before = get(&there, at(STORE, &["a"])).await?.map(|row| row.rev);
        let set = |new: f64| expecting(rev(&["a"], before), puts(STORE, [row(&["a"], new, &[])]));
        let base = 10.0 + 2.0 * f64::from(round);
        let (one, other) = (set(base), set(base + 1.0));
        let ended = join(here.commit(&one), there.commit(&other)).await;
        let ended = [ended.0?, ended.1?];
        assert!(ended.contains(&Commit::Done) && ended.contains(&Commit::Stale), "{ended:?}");
        let winner = if ended.first() == Some(&Commit::Done) { base } else { base + 1.0 };
        assert_eq!(get(&here, at(STORE, &["a"])).await?.map(|row| row.rev), Some(winner));
    }
    here.close().await;
    there.close().await;
    Ok(())
}

/// Reads and commits that nobody waits for in between.
pub async fn many_at_once_in_one_context(databases: &impl Databases, name: &str) -> Outcome {
    let store = databases.open(name).await?;
    let ended = join_all((0..40).map(|number| {
        let store = &store;
        async move {
            let name = format!("r{number}");
            let set = expecting(rev(&[&name], None), puts(STORE, [row(&[&name], 1.0, &[&["i", &name]])]));
            write(store, set).await?;
            let found = get(store, at(STORE, &[&name])).await?;
            assert!(found.is_some());
            keys(store, Scan::index(STORE, text(&["i"]))).await
        }
    }))
    .await;
    for found in ended {
        assert!(!found?.is_empty());
    }
    assert_eq!(keys(&store, Scan::key(STORE, Key::default())).await?.len(), 40);
    store.close().await;
    Ok(())
}
