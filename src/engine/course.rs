//! How the sending goes: what of it outlives a restart, and when to try next.

use std::collections::BTreeSet;

use super::{client::Client, dialect::keys, error::EngineError};
use crate::{
    core::{
        Durability, Event, Found, Origin, Read, Scan, StoreName,
        lease::renew_lease,
        plan::{Keys, Room},
        present::Pause,
        retry::{MOST_MS, backoff_ms},
        stored::{Alias, Course, Wanted},
        twins,
    },
    ports::{Clock, Entropy, Ports, Remote, Store},
};

/// When what could not be read again is asked for once more, in ms.
const READ_AGAIN_MS: u64 = 60_000;
/// When it is tried again whether whatever led a request elsewhere still does, in ms.
const LED_AWAY_MS: u64 = MOST_MS;

impl<P: Ports> Client<P> {
    pub(super) async fn course(&self) -> Result<Course, EngineError> {
        self.look(|tx| tx.fact::<Course>()).await
    }

    pub(super) async fn change_course(&self, change: impl Fn(&mut Course)) -> Result<(), EngineError> {
        self.transact(Origin::Here, Durability::Relaxed, |tx| {
            let mut course = tx.fact::<Course>()?;
            change(&mut course);
            tx.put(&course)
        })
        .await
    }

    /// As [`Self::change_course`], by who still sends: the instance may have told a later sender something else.
    async fn change_course_under(&self, lease: u64, change: impl Fn(&mut Course)) -> Result<(), EngineError> {
        self.transact(Origin::Sync, Durability::Relaxed, |tx| {
            renew_lease(tx, lease)?;
            let mut course = tx.fact::<Course>()?;
            change(&mut course);
            tx.put(&course)
        })
        .await
    }

    pub(super) async fn note_success(&self, lease: u64) -> Result<(), EngineError> {
        let now = self.ports().clock().now_ms();
        self.change_course_under(lease, |course| {
            (course.failures, course.not_before, course.busy_until) = (0, None, None);
            course.last_sync_at = Some(now);
        })
        .await
    }

    /// Whatever single items still wait for, the line does not.
    pub(super) async fn note_line_holds(&self, lease: u64) -> Result<(), EngineError> {
        if !self.session().line_failed.take() {
            return Ok(());
        }
        self.change_course_under(lease, |course| (course.failures, course.not_before) = (0, None)).await
    }

    /// `asked_for`: how long the instance wants to be left alone, in ms, if it said so.
    pub(super) async fn note_failure(&self, asked_for: Option<u64>) -> Result<(), EngineError> {
        let (now, random) = (self.ports().clock().now_ms(), self.ports().entropy().random());
        self.change_course(|course| {
            // A try before its time, because the app has written say, makes the wait no longer.
            if course.not_before.is_none_or(|at| at <= now || at > now + MOST_MS) {
                course.failures = course.failures.saturating_add(1);
                course.not_before = Some(now + backoff_ms(course.failures, random));
            }
            course.busy_until = asked_for.map(|ms| now + ms).max(course.busy_until);
        })
        .await
    }

    /// Holds all traffic back, or lets it go again. Kept on disk.
    ///
    /// # Errors
    /// The store's.
    pub async fn set_offline(&self, offline: bool) -> Result<(), EngineError> {
        self.change_course(|course| course.offline = offline).await?;
        self.tell(&[Event::Status]);
        Ok(())
    }

    /// Ends a pause for sign-in, in every context.
    ///
    /// # Errors
    /// The store's.
    pub async fn signed_in(&self) -> Result<(), EngineError> {
        self.note_signed_out(false).await
    }

    pub(super) async fn note_signed_out(&self, signed_out: bool) -> Result<(), EngineError> {
        if self.course().await?.signed_out != signed_out {
            self.change_course(|course| course.signed_out = signed_out).await?;
            self.tell(&[Event::Status]);
        }
        Ok(())
    }

    /// When to sync next by itself, in ms from now: none while there is nothing to send, or nothing but the
    /// user can move it. To be led elsewhere may be a portal's doing: it is tried again, slowly.
    ///
    /// # Errors
    /// The store's.
    pub async fn next_sync_in(&self) -> Result<Option<u64>, EngineError> {
        let course = self.course().await?;
        if course.offline || course.signed_out {
            // A portal's page looks no different from one to sign in, and goes by itself.
            return Ok((course.signed_out && !course.offline && self.session().led_away.get()).then_some(LED_AWAY_MS));
        }
        let now = self.ports().clock().now_ms();
        let none = BTreeSet::new();
        let plan = self.next_plan(Room { items: 1, group: 1, bytes: usize::MAX }, self.keys(), &none, &none).await?;
        // What is to be read again, and the line failed: soon, but not at once again where only its table is silent.
        let wanted = course.failures > 0 && self.counts([Scan::key(StoreName::Meta, Wanted::all())]).await?[0] > 0;
        let first = match plan.is_empty() {
            false => Some(now),
            true => {
                let times = [plan.next_at, wanted.then_some(now + READ_AGAIN_MS), self.next_look_at(now).await?];
                times.into_iter().flatten().min()
            }
        };
        Ok(first.map(|at| at.max(course.waits_until(now).unwrap_or(0)).saturating_sub(now)))
    }

    /// When a record that was in doubt is looked for again.
    async fn next_look_at(&self, now: u64) -> Result<Option<u64>, EngineError> {
        let first = Read::Rows(Scan::index(StoreName::Aliases, Alias::later()).limit(1));
        let Some(Found::Rows(rows)) = self.ports().store().read(&[first]).await?.into_iter().next() else {
            return Ok(None);
        };
        let first = self.readable::<Alias>(&rows).pop();
        Ok(first.and_then(|alias| if twins::is_due(&alias, now) { Some(now) } else { alias.look_at }))
    }

    /// How the instance honours keys: as if it did, while that is not known.
    pub(super) fn keys(&self) -> Option<Keys> {
        self.session().capabilities().map_or(Some(Keys::default()), |known| keys(&known))
    }

    pub(super) async fn pause(&self) -> Result<Option<Pause>, EngineError> {
        let course = self.course().await?;
        Ok(if course.offline {
            Some(Pause::Offline)
        } else if course.signed_out {
            Some(Pause::Auth)
        } else {
            course.waits_until(self.ports().clock().now_ms()).map(|_| Pause::Backoff)
        })
    }

    pub(super) fn is_online(&self, course: &Course) -> bool {
        self.ports().remote().maybe_online() && self.session().reached.get().unwrap_or(course.failures == 0)
    }
}
