//! The calls of an online step that the app runs itself: each that changes something is noted before it leaves, and when
//! it is answered.

use super::{
    lease::renew_lease,
    stored::{Again, Call, Calling},
    tx::{Ruled, Tx},
};

/// Notes that the call under `key` is about to leave.
///
/// # Errors
/// As [`renew_lease`].
pub fn calling(tx: &mut Tx<'_>, lease: u64, item: &str, key: &str, again: Again) -> Ruled<()> {
    let now = Calling { key: key.to_owned(), again, left_at: tx.now };
    note(tx, lease, item, |calling, _| *calling = Some(now))
}

/// Notes that what became of it is known: with its answer, if it was carried out.
///
/// # Errors
/// As [`renew_lease`].
pub fn answered(tx: &mut Tx<'_>, lease: u64, item: &str, call: Option<&Call>) -> Ruled<()> {
    note(tx, lease, item, |calling, calls| {
        *calling = None;
        calls.extend(call.cloned());
    })
}

fn note(tx: &mut Tx<'_>, lease: u64, id: &str, what: impl FnOnce(&mut Option<Calling>, &mut Vec<Call>)) -> Ruled<()> {
    renew_lease(tx, lease)?;
    let Some(mut item) = tx.item(id)? else { return Ok(()) };
    if let Some(action) = item.action.as_mut().filter(|_| item.sent_under == Some(lease)) {
        what(&mut action.calling, &mut action.calls);
        return tx.put(&item);
    }
    Ok(())
}
