//! Which of the cached tables a refresh is for that nobody has asked for, when the next is due, and what of a table goes that
//! could not be refreshed for too long.
//!
//! Several pages hear of the same occasion, and each has a timer of its own. Whoever is first refreshes; the others find, when
//! it is their turn, that it was done since.

use super::{
    client::Client,
    error::EngineError,
    exchange::Trouble,
    pull::{Cached, Pulling},
};
use crate::{
    core::{RowKey, StoreName, along::pins, cache::Refresh, schema::TableOptions, stored::Pulled},
    ports::{Clock, Ports},
};

/// Why it is time to refresh what is to be refreshed by itself. What is due by its own interval is due on any occasion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Occasion {
    /// The app was opened, in ms.
    pub opened_at: Option<u64>,
    /// The network, or the user, came back, in ms.
    pub back_at: Option<u64>,
    /// The connection is paid for by what goes over it.
    pub metered: bool,
}

impl Occasion {
    /// Whether it is none but that some time has passed.
    pub fn is_none(&self) -> bool {
        self.opened_at.is_none() && self.back_at.is_none()
    }

    /// Both of them, the later of each kind.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { opened_at: self.opened_at.max(other.opened_at), back_at: self.back_at.max(other.back_at), ..self }
    }

    fn asks_for(&self, of: &Cached, known: &Pulled, now: u64) -> bool {
        let Refresh { on_open, on_reconnect, only_unmetered, .. } = of.refresh;
        if only_unmetered && self.metered {
            return false;
        }
        let since = self.opened_at.filter(|_| on_open).max(self.back_at.filter(|_| on_reconnect));
        let looked_at = known.looked_at(now);
        since.is_some_and(|since| looked_at.is_none_or(|at| at < since.min(now)))
            || due_at(&of.refresh, looked_at).is_some_and(|at| at <= now)
    }
}

/// When a table is due by its own interval, in ms: at once, if it never was.
fn due_at(refresh: &Refresh, looked_at: Option<u64>) -> Option<u64> {
    refresh.every_ms.map(|every| looked_at.map_or(0, |at| at.saturating_add(every)))
}

impl<P: Ports> Client<P> {
    /// The cached tables, and whether each is to be refreshed: all, if no occasion is given.
    ///
    /// Those that have records in common go together: what one of them does not find may be the other's.
    pub(super) async fn cached(&self, on: Option<Occasion>) -> Result<Vec<(Cached, bool)>, EngineError> {
        let declared = self.schema().tables();
        let all: Vec<Cached> =
            declared.filter_map(|(table, said)| Some(Cached::of(self.schema(), table, said.cache.as_ref()?))).collect();
        let Some(on) = on else { return Ok(all.into_iter().map(|of| (of, true)).collect()) };
        let known = self.brought_of(&all).await?;
        let now = self.ports().clock().now_ms();
        let mut due: Vec<&Cached> =
            all.iter().zip(&known).filter(|(of, known)| on.asks_for(of, known, now)).map(|(of, _)| of).collect();
        let mut looked_at = 0;
        while let Some(of) = due.get(looked_at).copied() {
            let beside = all.iter().filter(|other| self.schema().related(&of.table, &other.table));
            let unheld = beside.filter(|other| !(on.metered && other.refresh.only_unmetered));
            for other in unheld {
                if !due.iter().any(|known| known.table == other.table) {
                    due.push(other);
                }
            }
            looked_at += 1;
        }
        let due: Vec<bool> = all.iter().map(|of| due.iter().any(|due| due.table == of.table)).collect();
        Ok(all.into_iter().zip(due).collect())
    }

    /// How far each has been brought, if it was asked for as it is now.
    async fn brought_of(&self, all: &[Cached]) -> Result<Vec<Pulled>, EngineError> {
        self.look(|tx| {
            tx.want(all.iter().map(|of| Pulled::at(&of.table)).collect::<Vec<_>>())?;
            let mut known = Vec::new();
            tx.each(all, |tx, of| {
                let pulled = tx.readable::<Pulled>(&Pulled::at(&of.table))?;
                known.push(pulled.filter(|known| of.is_of(known)).unwrap_or_else(|| of.fresh()));
                Ok(())
            })?;
            Ok(known)
        })
        .await
    }

    /// Whether there is anything that is not refreshed on such a connection.
    pub fn spares(&self, metered: bool) -> bool {
        let spares = |said: &TableOptions| said.cache.as_ref().is_some_and(|cache| cache.refresh.only_unmetered);
        metered && self.schema().tables().any(|(_, said)| spares(said))
    }

    /// Whether what goes along is looked through though no table is refreshed: once an occasion if anything is pinned, and
    /// where the walk after a refresh was cut.
    pub(super) async fn is_walk_due(&self, on: Occasion) -> Result<bool, EngineError> {
        if self.spares(on.metered) {
            return Ok(false);
        }
        let now = self.ports().clock().now_ms();
        let (pinned, walked) = self
            .look(|tx| Ok((pins(tx)?, tx.readable::<Pulled>(&Pulled::at(Pulled::ALONG))?.unwrap_or_default())))
            .await?;
        let walked_at = walked.looked_at(now);
        let since = on.opened_at.max(on.back_at).filter(|_| !pinned.is_empty()).map(|since| since.min(now));
        let mut all: Vec<Cached> = self.cached(None).await?.into_iter().map(|(of, _)| of).collect();
        all.retain(|of| self.schema().includes(&of.table).next().is_some());
        let brought = self.brought_of(&all).await?;
        Ok(walked_at < brought.iter().filter_map(|of| of.looked_at(now)).max().max(since))
    }

    /// When a table is next due by its own interval, in ms from now: none while there is none, or nothing is asked anyway.
    ///
    /// # Errors
    /// The store's.
    pub async fn next_refresh_in(&self, metered: bool) -> Result<Option<u64>, EngineError> {
        let timed = |said: &TableOptions| said.cache.as_ref().is_some_and(|cache| cache.refresh.every_ms.is_some());
        if !self.schema().tables().any(|(_, said)| timed(said)) {
            return Ok(None);
        }
        let course = self.course().await?;
        if course.offline || course.signed_out {
            return Ok(None);
        }
        let now = self.ports().clock().now_ms();
        let all: Vec<Cached> = self.cached(None).await?.into_iter().map(|(of, _)| of).collect();
        let known = self.brought_of(&all).await?;
        let held_back = |of: &Cached| metered && of.refresh.only_unmetered;
        let due = all.iter().zip(&known).filter(|(of, _)| !held_back(of));
        let first = due.filter_map(|(of, known)| due_at(&of.refresh, known.looked_at(now))).min();
        Ok(first.map(|at| at.max(course.waits_until(now).unwrap_or(0)).saturating_sub(now)))
    }

    /// Removes what a table has had for longer than it may, and the instance has not been seen to have since.
    pub(super) async fn expire(&self, pulling: &mut Pulling<'_>, of: &Cached) -> Result<(), Trouble> {
        let Some(most) = of.max_age_ms else { return Ok(()) };
        let before = self.ports().clock().now_ms().saturating_sub(most);
        let mut at = self.brought_of(std::slice::from_ref(of)).await?.pop().unwrap_or_else(|| of.fresh());
        if at.fresh_at >= before {
            return Ok(());
        }
        let swept = (pulling.beside.report.removed, pulling.marked);
        let brought = self.brought(of).await?;
        let brought: Vec<RowKey> = brought.into_iter().map(|key| RowKey { store: StoreName::Records, key }).collect();
        self.remove(pulling, &brought, Some(before)).await?;
        if swept != (pulling.beside.report.removed, pulling.marked) {
            // Should they be given again, they are no changes.
            at.begin_anew();
            self.note_pulled(pulling, &at).await?;
        }
        Ok(())
    }
}
