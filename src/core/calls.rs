//! The calls of an online step that the app runs itself: each that changes something is noted before it leaves, and when
//! it is answered.

use super::{
    error::CoreError,
    lease::renew_lease,
    stored::{Call, Calling, ItemState},
    tx::{Ruled, Tx},
};

/// Notes that a call is about to leave.
///
/// # Errors
/// As [`renew_lease`]; [`CoreError::LeaseLost`] also where the item is not this sender's any more.
pub fn calling(tx: &mut Tx<'_>, lease: u64, item: &str, call: &Calling) -> Ruled<()> {
    note(tx, lease, item, |calling, _| *calling = Some(call.clone()))
}

/// Notes that what became of it is known: with its answer, if it was carried out.
///
/// # Errors
/// As [`calling`].
pub fn answered(tx: &mut Tx<'_>, lease: u64, item: &str, call: Option<&Call>) -> Ruled<()> {
    note(tx, lease, item, |calling, calls| {
        *calling = None;
        calls.extend(call.cloned());
    })
}

/// A step that has taken too long runs on, and its item may have been discarded or begun anew meanwhile.
fn note(tx: &mut Tx<'_>, lease: u64, id: &str, what: impl FnOnce(&mut Option<Calling>, &mut Vec<Call>)) -> Ruled<()> {
    renew_lease(tx, lease)?;
    let item = tx.item(id)?.filter(|item| item.state == ItemState::Unknown && item.sent_under == Some(lease));
    let Some((mut item, mut action)) = item.and_then(|mut item| item.action.take().map(|action| (item, action))) else {
        return Err(CoreError::LeaseLost.into());
    };
    what(&mut action.calling, &mut action.calls);
    item.action = Some(action);
    tx.put(&item)
}
