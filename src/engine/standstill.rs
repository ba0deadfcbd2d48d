//! Saying so when nothing has moved for a while though the instance answers.

use super::{client::Client, error::EngineError};
use crate::{
    core::{Durability, Event, Key, Origin, Scan, StoreName, stored::Course},
    ports::{Clock, Ports},
};

/// How long nothing may move before that is said, in ms; and how long until it is said again.
pub const STUCK_MS: u64 = 5 * 60 * 1000;

impl<P: Ports> Client<P> {
    pub(super) async fn note_moved(&self) -> Result<(), EngineError> {
        let now = self.ports().clock().now_ms();
        self.change_course(|course| (course.moved_at, course.told_stuck_at) = (Some(now), None)).await
    }

    /// Tells that unsent work has not moved for a while, if this context has reached the instance, or has nothing to ask it:
    /// what is left may all wait for the user, and then no sync comes that could say so. One of several contexts does.
    ///
    /// # Errors
    /// The store's.
    pub async fn look_for_standstill(&self) -> Result<(), EngineError> {
        let now = self.ports().clock().now_ms();
        let oldest = self.outbox(None, Some(1), None).await?.pop();
        let Some(oldest) = oldest else { return Ok(()) };
        let answers = match self.session().reached.get() {
            // A page that was opened since and has had nothing to ask: what is left all waits for the user, and no answer of
            // the instance would change that.
            None => self.pause().await?.is_none() && self.next_sync_in().await?.is_none(),
            reached => reached == Some(true),
        };
        if !answers {
            return Ok(());
        }
        let stands = self
            .transact(Origin::Here, Durability::Relaxed, |tx| {
                let queued_at = tx.item(&oldest.id)?.map(|item| item.queued_at);
                let course = tx.fact::<Course>()?;
                // What is yet to come is by a clock that has been set back since.
                let known = [queued_at, course.moved_at, course.told_stuck_at].into_iter().flatten();
                let since = known.filter(|at| *at <= now).max();
                let stands = queued_at.is_some() && since.is_none_or(|since| now >= since.saturating_add(STUCK_MS));
                if stands {
                    tx.put(&Course { told_stuck_at: Some(now), ..course })?;
                }
                Ok(stands)
            })
            .await?;
        if stands {
            let [pending] = self.counts([Scan::key(StoreName::Outbox, Key::default())]).await?;
            self.tell(&[Event::Stuck { pending, explain: oldest.explain }]);
        }
        Ok(())
    }
}
