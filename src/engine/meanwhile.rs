//! What does not wait for the end of a refresh, which may take minutes: what the app asks the instance for, and what has been
//! written since the push before it.
//!
//! It goes between two requests of the refresh, when no row is on its way from an answer to the store: such a row would be
//! older than what the instance answers to a change.

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
    /// Items that might go and did not with the last push: what the line has failed is left to the next run.
    ready: u32,
    /// What had been sent when it began.
    sent: u32,
}

impl<'a> Beside<'a> {
    pub fn new(options: &'a SyncOptions, report: &'a mut SyncReport, ready: u32) -> Self {
        let sent = report.sent + report.refused;
        Self { options, report, ready, sent }
    }

    /// For a part of the refresh.
    pub fn part(&mut self) -> Beside<'_> {
        Beside::new(self.options, self.report, self.ready)
    }

    /// Whether something was sent meanwhile: what was read before is not all that the instance has.
    pub fn has_sent(&self) -> bool {
        self.report.sent + self.report.refused != self.sent
    }
}

impl<P: Ports> Client<P> {
    /// Sends and reads what has come up. Whether the refresh is to stop: the caller has had enough, or nothing may be sent.
    pub(super) async fn see_to(&self, lease: u64, beside: &mut Beside<'_>) -> Result<bool, Trouble> {
        if self.is_stopped(beside.options) {
            return Ok(true);
        }
        beside.report.pulled += Box::pin(self.read_opened(lease)).await?;
        let ready = self.ready().await?;
        let more = ready > std::mem::replace(&mut beside.ready, ready);
        if !(more && beside.options.push) {
            return Ok(false);
        }
        let ended = Box::pin(self.push(lease, beside.options, beside.report)).await?;
        beside.ready = self.ready().await?;
        Ok(!matches!(ended, EndedBy::Done | EndedBy::Backoff))
    }

    /// How many items might go.
    pub(super) async fn ready(&self) -> Result<u32, EngineError> {
        let [ready] = self.counts([Scan::index(StoreName::Outbox, Item::ready())]).await?;
        Ok(ready)
    }
}
