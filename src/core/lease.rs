//! Who may send: one context of many, and the number that every commit of its names.

use super::{
    error::CoreError,
    stored::{Item, ItemState, LEASE_MS, Lease},
    tx::{Ruled, Tx},
};

/// A sender that lives has renewed its lease within this, in ms.
const SILENCE_MS: u64 = 15_000;
/// When a lease ends that nobody holds.
const GIVEN_BACK: u64 = 0;

/// The lease as a waiting context has seen it stand, renewed by nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stood {
    lease: Lease,
    for_ms: u64,
}

impl Stood {
    /// Seen again, after `waited` ms more.
    pub fn seen(self, lease: Lease, waited: u64) -> Self {
        Self { lease, for_ms: if lease == self.lease { self.for_ms.saturating_add(waited) } else { 0 } }
    }

    /// By the clock alone a lease would seem to lapse when the clock is set, under a sender whose request is on its way:
    /// where no keys are known that is a second record. One that lives renews it meanwhile.
    ///
    /// Who gives it back lets go of the lock next. To take it in between, by force, would leave two with the lock.
    fn has_lapsed(self, lease: Lease, now: u64, locked: bool) -> bool {
        let stood = if lease == self.lease { self.for_ms } else { 0 };
        (lease.until == GIVEN_BACK && !locked) || stood >= LEASE_MS || (!lease.is_held(now) && stood >= SILENCE_MS)
    }
}

/// Takes the sending over from a sender whose lease has lapsed. `None` if it has not, or somebody else was first.
/// `locked`: somebody else has the lock, which is to be taken by force next: until [`confirm_lease`] the lease is held
/// without it.
///
/// # Errors
/// As [`Tx::get`].
pub fn take_lapsed_lease(tx: &mut Tx<'_>, stood: Stood, locked: bool) -> Ruled<Option<u64>> {
    let lease = tx.fact::<Lease>()?;
    if stood.has_lapsed(lease, tx.now, locked) { take(tx, locked).map(Some) } else { Ok(None) }
}

/// Takes the sending over, for who was given the lock that the sender before has given back or left behind. `None` if
/// another has taken it over since its number was `seen`, before the lock was asked for: who was frozen in between may
/// have had the lock taken away again. Nor is it free while its holder has not the lock.
///
/// # Errors
/// As [`Tx::get`].
pub fn take_free_lease(tx: &mut Tx<'_>, seen: u64) -> Ruled<Option<u64>> {
    let lease = tx.fact::<Lease>()?;
    if lease.number == seen && !lease.lockless { take_lease(tx).map(Some) } else { Ok(None) }
}

/// For who has taken the lock by force: goes on holding the lease that was taken before it. `false` if another has taken
/// it over in between, from who was frozen over it: then it is that one who has lost the lock, and this is noted.
///
/// # Errors
/// As [`Tx::get`].
pub fn confirm_lease(tx: &mut Tx<'_>, number: u64) -> Ruled<bool> {
    let lease = tx.fact::<Lease>()?;
    if lease.number == number {
        return tx.put(&Lease { number, until: tx.now + LEASE_MS, lockless: false }).map(|()| true);
    }
    if lease.until != GIVEN_BACK {
        tx.put(&Lease { lockless: true, ..lease })?;
    }
    Ok(false)
}

/// Takes the sending over: the number every later commit of this sender names.
///
/// # Errors
/// As [`Tx::get`].
pub fn take_lease(tx: &mut Tx<'_>) -> Ruled<u64> {
    take(tx, false)
}

fn take(tx: &mut Tx<'_>, lockless: bool) -> Ruled<u64> {
    let number = tx.fact::<Lease>()?.number.wrapping_add(1);
    tx.put(&Lease { number, until: tx.now + LEASE_MS, lockless })?;
    Ok(number)
}

/// Goes on holding the lease, or finds it lost.
///
/// # Errors
/// [`CoreError::LeaseLost`], if another sender has counted it up.
pub fn renew_lease(tx: &mut Tx<'_>, number: u64) -> Ruled<()> {
    let lease = tx.fact::<Lease>()?;
    if lease.number != number {
        return Err(CoreError::LeaseLost.into());
    }
    tx.put(&Lease { until: tx.now + LEASE_MS, ..lease })
}

/// Leaves the lease to whoever comes, if it is still this sender's.
///
/// # Errors
/// As [`Tx::get`].
pub fn give_lease_back(tx: &mut Tx<'_>, number: u64) -> Ruled<()> {
    match tx.readable::<Lease>(&Lease::at())? {
        Some(lease) if lease.number == number => tx.put(&given_back(number)),
        _ => Ok(()),
    }
}

/// Takes an item away from a sender that has not given its lease back: it finds that lost, though no other has come.
///
/// # Errors
/// As [`Tx::get`].
pub fn turn_away(tx: &mut Tx<'_>, item: &Item) -> Ruled<()> {
    if item.state != ItemState::Unknown {
        return Ok(());
    }
    let lease = tx.fact::<Lease>()?;
    if item.sent_under == Some(lease.number) && lease.until != GIVEN_BACK {
        return tx.put(&given_back(lease.number.wrapping_add(1)));
    }
    Ok(())
}

fn given_back(number: u64) -> Lease {
    Lease { number, until: GIVEN_BACK, lockless: false }
}
