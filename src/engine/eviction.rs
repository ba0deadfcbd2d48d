//! A database that the browser has thrown away.
//!
//! The store heals itself: it is opened again, and what was computed from rows that are gone is stale. But nobody would
//! know why everything is gone. So each database has a birth of its own, and a mark that may outlive it says which was
//! there last, when, and with how much unsent. A birth that is not the marked one is another database's.

use std::cell::{Cell, RefCell};

use super::{client::Client, error::EngineError};
use crate::{
    core::{
        Durability, Event, Evicted, Key, Origin, Scan, StoreName, birth::identify, family::settle, indexes::declare,
        present::iso, stored::Item,
    },
    ports::{Clock, Mark, Ports, Store},
};

/// What this context knows of its database.
#[derive(Debug, Default)]
pub(super) struct Identity {
    mark: RefCell<Option<Mark>>,
    evicted: RefCell<Option<Evicted>>,
    /// The app has not heard of it yet. The old mark stays until it has: this page may be gone before.
    untold: Cell<bool>,
}

impl<P: Ports> Client<P> {
    /// Makes the database known to this context, and tells every context if it is another than before. To be called
    /// whenever the store had to be opened anew.
    ///
    /// # Errors
    /// The store's.
    pub async fn recognise(&self) -> Result<(), EngineError> {
        let birth = self
            .transact(Origin::Here, Durability::Strict, |tx| {
                settle(tx)?;
                declare(tx)?;
                identify(tx, &self.settings().user, &self.settings().url)
            })
            .await?;
        let scan = Scan::index(StoreName::Outbox, Item::refused());
        let [pending, refused] = self.counts([Scan::key(StoreName::Outbox, Key::default()), scan]).await?;
        let known = self.identity().mark.borrow().clone();
        let marks = [known, self.ports().store().mark()].into_iter().flatten();
        let gone = marks.filter(|mark| mark.birth != birth).max_by_key(|mark| mark.seen_at);
        match gone {
            None => self.remember(Some(birth), Some(pending)),
            Some(gone) => {
                self.tell(&[
                    Event::Evicted { birth, last_seen_at: iso(gone.seen_at), unsent: gone.unsent },
                    Event::Outbox { pending, refused, conflicts: 0 },
                    Event::Status,
                ]);
            }
        }
        Ok(())
    }

    /// What the browser has thrown away, if it has since this context was opened, or before.
    pub fn evicted(&self) -> Option<Evicted> {
        let evicted = self.identity().evicted.borrow().clone();
        if self.identity().untold.take() {
            self.remember(None, None);
        }
        evicted
    }

    /// Keeps the mark in step with what happens. `false` if the event says what this context knows.
    pub(super) fn is_news(&self, event: &Event) -> bool {
        match event {
            Event::Evicted { birth, last_seen_at, unsent } => {
                let known = self.identity().mark.borrow().as_ref().is_some_and(|mark| mark.birth == *birth);
                if known {
                    return false;
                }
                self.identity().untold.set(true);
                let evicted = Evicted { last_seen_at: last_seen_at.clone(), unsent: *unsent };
                self.identity().evicted.replace(Some(evicted));
                // What the instance announced was noted in the old one.
                self.session().forget_capabilities();
                self.remember(Some(birth.clone()), Some(0));
            }
            Event::Outbox { pending, .. } => self.remember(None, Some(*pending)),
            Event::Status => self.remember(None, None),
            _ => {}
        }
        true
    }

    fn remember(&self, birth: Option<String>, unsent: Option<u32>) {
        let mut known = self.identity().mark.borrow_mut();
        let before = known.take();
        let Some(birth) = birth.or_else(|| before.as_ref().map(|mark| mark.birth.clone())) else { return };
        let unsent = unsent.or(before.map(|mark| mark.unsent)).unwrap_or_default();
        let mark = Mark { birth, seen_at: self.ports().clock().now_ms(), unsent };
        // One that is being deleted leaves none behind.
        if !self.identity().untold.get() && !self.session().is_closed() {
            self.ports().store().leave_mark(&mark);
        }
        *known = Some(mark);
    }
}
