//! Several writes, all or none, of records as types of the app's own.

use std::marker::PhantomData;

use serde::{Serialize, de::DeserializeOwned};

use super::{
    client::Client,
    error::EngineError,
    transaction::Transaction,
    typed::{TypedRow, given, row},
};
use crate::ports::Ports;

/// How often `work` is run again before the call gives up. Each time, some other context got its write through.
const MOST_RUNS: u32 = 20;

/// The records of one table, within a transaction.
pub struct TypedWrites<'a, P: Ports, T> {
    writes: &'a Transaction<P>,
    table: String,
    of: PhantomData<fn() -> T>,
}

impl<P: Ports> Client<P> {
    /// Several writes, all or none on this device, each seeing those before it; what they make is sent together, parents first.
    ///
    /// When another context has changed meanwhile what `work` has read, `work` is run again, twenty times at most: keep side
    /// effects out of it. What it fails with is given back, and nothing is written.
    ///
    /// ```
    /// # futures_executor::block_on(async {
    /// use landfall::{core::schema::TableOptions, engine::EngineError, testing::{Device, MemoryInstance}};
    /// use serde_json::{Value, json};
    ///
    /// # let tables = ["incident", "incident_task"].map(|name| (name.to_owned(), TableOptions::default()));
    /// # let device = Device::new(&MemoryInstance::plain(), tables.into(), 1);
    /// let client = device.open().await?;
    /// let task = client
    ///     .transaction(async |tx| {
    ///         let incident = tx.typed::<Value>("incident").create(&json!({ "short_description": "Belt 4 stuck" })).await?;
    ///         let task = json!({ "incident": incident.sys_id, "short_description": "Bring a new belt" });
    ///         Ok::<_, EngineError>(tx.typed::<Value>("incident_task").create(&task).await?.sys_id)
    ///     })
    ///     .await?;
    /// assert!(client.typed::<Value>("incident_task").get(&task).await?.is_some());
    /// # Ok::<(), EngineError>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// What `work` fails with; [`EngineError::Contended`]; as [`Transaction::commit`].
    pub async fn transaction<R, E: From<EngineError>>(
        &self,
        work: impl AsyncFn(&Transaction<P>) -> Result<R, E>,
    ) -> Result<R, E> {
        for _ in 0..MOST_RUNS {
            let writes = self.begin().await?;
            match work(&writes).await {
                Ok(value) => {
                    if writes.commit().await? {
                        return Ok(value);
                    }
                }
                // What went wrong may have come of something that has changed meanwhile.
                Err(why) => {
                    if writes.give_up().await? {
                        return Err(why);
                    }
                }
            }
        }
        Err(EngineError::Contended.into())
    }
}

impl<P: Ports> Transaction<P> {
    /// The records of a table as values of `T`; see [`Typed`](super::Typed).
    pub fn typed<T: Serialize + DeserializeOwned>(&self, table: &str) -> TypedWrites<'_, P, T> {
        TypedWrites { writes: self, table: table.to_owned(), of: PhantomData }
    }
}

impl<P: Ports, T: Serialize + DeserializeOwned> TypedWrites<'_, P, T> {
    /// Makes a record.
    ///
    /// # Errors
    /// As [`Transaction::create`]; [`EngineError::NotJson`].
    pub async fn create(&self, fields: &T) -> Result<TypedRow<T>, EngineError> {
        row(&self.table, self.writes.create(&self.table, given(&self.table, fields)?).await?)
    }

    /// The record as the transaction has left it.
    ///
    /// # Errors
    /// As [`Transaction::get`]; [`EngineError::NotJson`].
    pub async fn get(&self, sys_id: &str) -> Result<Option<TypedRow<T>>, EngineError> {
        let found = self.writes.get(&self.table, sys_id, false).await?;
        found.map(|found| row(&self.table, found)).transpose()
    }

    /// Changes the fields that `changes` has.
    ///
    /// # Errors
    /// As [`Transaction::update`]; [`EngineError::NotJson`].
    pub async fn update<C: Serialize>(&self, sys_id: &str, changes: &C) -> Result<TypedRow<T>, EngineError> {
        row(&self.table, self.writes.update(&self.table, sys_id, given(&self.table, changes)?).await?)
    }

    /// Deletes a record.
    ///
    /// # Errors
    /// As [`Transaction::delete`].
    pub async fn delete(&self, sys_id: &str) -> Result<(), EngineError> {
        self.writes.delete(&self.table, sys_id).await
    }
}

impl<P: Ports, T> std::fmt::Debug for TypedWrites<'_, P, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TypedWrites").field("table", &self.table).finish_non_exhaustive()
    }
}
