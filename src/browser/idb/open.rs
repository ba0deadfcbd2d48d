//! Opens the database: rexie first, which makes or upgrades it, then ourselves.
//!
//! There are two connections because rexie neither takes one over nor gives its own away, and
//! its own can neither ask for strict durability nor tell us that a newer version wants in.

use std::pin::pin;

use futures_util::future::{Either, select};
use rexie::{Index, ObjectStore, Rexie};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::IdbOpenDbRequest;

use super::{
    fault::Fault,
    promise::{self, cause, first_event},
    schema,
    sys::{Database, factory},
};
use crate::{browser::clock, ports::StoreError};

/// How long another tab gets to let go of the database.
pub const BLOCKED_MS: u64 = 5_000;

/// Both connections. Tried twice: Safari's first `open` after a while fails for no reason.
pub async fn open(name: &str) -> Result<(Rexie, Database), StoreError> {
    if let Err(thrown) = factory() {
        return Err(StoreError::Unavailable(Fault::of(&thrown).message));
    }
    match both(name).await {
        Err(fault) if fault.is_dead_connection() => both(name).await,
        Ok((rexie, raw)) if raw.object_store_names().length() == 0 => {
            // Half-made: WebKit killed in an upgrade may keep the version and lose the stores. Nothing can be in it,
            // and no upgrade would ever mend it.
            rexie.close();
            raw.close();
            delete(name).await?;
            both(name).await
        }
        ended => ended,
    }
    .map_err(Fault::on_open)
}

/// Deletes the database. Connections close when they are asked to; one that does not holds it up,
/// and it goes when that one does.
pub async fn delete(name: &str) -> Result<(), StoreError> {
    let request = factory()
        .and_then(|factory| factory.delete_database(name))
        .map_err(|thrown| StoreError::Unavailable(Fault::of(&thrown).message))?;
    let failed = |fault: Fault| fault.while_doing("deleting");
    if first_event(&request).await.map_err(failed)? != "blocked" {
        return Ok(());
    }
    let deleted = JsFuture::from(promise::success(&request));
    match select(deleted, pin!(clock::sleep(BLOCKED_MS))).await {
        Either::Left((Ok(_), _)) => Ok(()),
        Either::Left((Err(_), _)) => Err(failed(cause(&request))),
        Either::Right(_) => Err(StoreError::Blocked),
    }
}

async fn both(name: &str) -> Result<(Rexie, Database), Fault> {
    let rexie = upgraded(name).await.map_err(|error| Fault::of_rexie(&error))?;
    match raw(name).await {
        Ok(raw) => Ok((rexie, raw)),
        Err(fault) => {
            rexie.close();
            Err(fault)
        }
    }
}

/// Told of every store, since it deletes the others.
async fn upgraded(name: &str) -> rexie::Result<Rexie> {
    let builder = Rexie::builder(name).version(schema::VERSION);
    let store = |name: &str| {
        let index = Index::new(schema::INDEX, schema::INDEX).multi_entry(true);
        ObjectStore::new(name).key_path(schema::KEY).add_index(index)
    };
    schema::stores().into_iter().fold(builder, |builder, name| builder.add_object_store(store(name))).build().await
}

async fn raw(name: &str) -> Result<Database, Fault> {
    let request: IdbOpenDbRequest = factory()
        .map_err(|thrown| Fault::of(&thrown))?
        .open_with_u32(name, schema::VERSION)
        .map_err(|thrown| Fault::of(&thrown))?;
    match first_event(&request).await?.as_str() {
        "success" => request.result().map(JsCast::unchecked_into).map_err(|thrown| Fault::of(&thrown)),
        "upgradeneeded" => {
            // Another tab deleted the database after rexie made it. To go on would leave one of
            // our version with no stores in it, which nothing would ever repair.
            if let Some(transaction) = request.transaction() {
                let _ = transaction.abort();
            }
            Err(Fault::aborted())
        }
        _ => Err(cause(&request)),
    }
}
