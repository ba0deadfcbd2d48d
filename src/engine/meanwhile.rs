//! What does not wait for the end of a refresh, which may take minutes: what the app asks the instance for, and what has been
//! written since the push before it.
//!
//! It goes between two requests of the refresh, when no row is on its way from an answer to the store: such a row would be
//! older than what the instance answers to a change. What comes of it is the run's and not the refresh's: where nothing can be
//! sent any more, the refresh stops, and the run ends as if its own push had ended so.

use std::collections::BTreeSet;

use super::{
    client::Client,
    error::EngineError,
    exchange::Trouble,
    report::{EndedBy, SyncReport},
    sync::SyncOptions,
};
use crate::{
    core::{Scan, StoreName, stored::Item},
    ports::Ports,
};

/// A refresh, for what goes on beside it.
pub(super) struct Beside<'a> {
    pub options: &'a SyncOptions,
    pub report: &'a mut SyncReport,
    /// Items that might go and were left by the last push: what the line has failed waits for the next run.
    ready: u32,
    /// How often something was sent: what was read before is not all that the instance has.
    pub pushes: u32,
    /// Something waits for its time.
    pub waits: bool,
    /// How the run ends, if the refresh was stopped by what went on beside it.
    ended: Option<Result<EndedBy, Trouble>>,
    /// What goes along with records that were opened meanwhile, by family and id: no walk comes to it.
    pub opened: BTreeSet<(String, String)>,
}

impl<'a> Beside<'a> {
    /// `ready`: what the push before it has left.
    pub fn new(options: &'a SyncOptions, report: &'a mut SyncReport, ready: u32) -> Self {
        Self { options, report, ready, pushes: 0, waits: false, ended: None, opened: BTreeSet::new() }
    }

    /// How the run ends after a refresh that has come to `pulled`.
    pub fn end(self, pulled: Result<EndedBy, Trouble>) -> Result<EndedBy, Trouble> {
        match self.ended {
            Some(ended) => ended,
            None if self.waits && pulled == Ok(EndedBy::Done) => Ok(EndedBy::Backoff),
            None => pulled,
        }
    }
}

impl<P: Ports> Client<P> {
    /// Sends and reads what has come up. Whether the refresh is to stop.
    pub(super) async fn see_to(&self, lease: u64, beside: &mut Beside<'_>) -> bool {
        if !self.is_over(beside) {
            beside.ended = match self.attend(lease, beside).await {
                Ok(EndedBy::Done) => None,
                Ok(EndedBy::Backoff) => {
                    beside.waits = true;
                    None
                }
                ended => Some(ended),
            };
        }
        self.is_over(beside)
    }

    /// Whether the caller has had enough, or nothing can be sent any more.
    pub(super) fn is_over(&self, beside: &Beside<'_>) -> bool {
        beside.ended.is_some() || self.is_stopped(beside.options)
    }

    async fn attend(&self, lease: u64, beside: &mut Beside<'_>) -> Result<EndedBy, Trouble> {
        beside.report.pulled += Box::pin(self.read_opened_into(lease, &mut beside.opened)).await?;
        let ready = self.ready(beside.options).await?;
        if ready <= std::mem::replace(&mut beside.ready, ready) {
            return Ok(EndedBy::Done);
        }
        beside.pushes += 1;
        let ended = Box::pin(self.push(lease, beside.options, beside.report)).await?;
        beside.ready = self.ready(beside.options).await?;
        beside.report.pulled += Box::pin(self.read_wanted(lease)).await?;
        Ok(ended)
    }

    /// How many items might go, where any are to.
    pub(super) async fn ready(&self, options: &SyncOptions) -> Result<u32, EngineError> {
        if !options.push {
            return Ok(0);
        }
        let [ready] = self.counts([Scan::index(StoreName::Outbox, Item::ready())]).await?;
        Ok(ready)
    }
}
