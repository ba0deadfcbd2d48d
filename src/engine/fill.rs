//! Indexes that are new are filled in steps, each of which is committed: a page that is closed in the middle goes on another
//! time, and other contexts write in between.

use super::{client::Client, error::EngineError};
use crate::{
    core::{Durability, Origin, indexes::fill},
    ports::Ports,
};

impl<P: Ports> Client<P> {
    /// Has every record in the indexes that the app has declared. Queries read whole tables until then.
    ///
    /// # Errors
    /// The store's.
    pub async fn fill_indexes(&self) -> Result<(), EngineError> {
        while self.transact(Origin::Here, Durability::Relaxed, fill).await? {}
        Ok(())
    }
}
