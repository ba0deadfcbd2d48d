//! The calls of an online step that the app runs itself: each that changes something is noted before it leaves, and when
//! it is answered.

use super::{
    acted::outdate,
    error::CoreError,
    lease::renew_lease,
    stored::{Again, Asked, Call, Calling, ItemState},
    tx::{Ruled, Tx},
};
use crate::wire::{
    decode,
    http::Request,
    table::{Answer, Row},
    value::Fields,
};

/// The same of the same bytes on every device and in every version: FNV-1a.
pub fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// What a request asks, where a step has given it this path.
pub fn asked(request: &Request, path: &str) -> Asked {
    Asked { line: format!("{} {path}", request.method.as_str()), body: body_of(request) }
}

/// The fingerprint of its body.
pub fn body_of(request: &Request) -> u64 {
    fingerprint(request.body.as_deref().unwrap_or_default())
}

/// Notes that a call is about to leave.
///
/// # Errors
/// As [`renew_lease`]; [`CoreError::LeaseLost`] also where the item is not this sender's any more.
pub fn calling(tx: &mut Tx<'_>, lease: u64, item: &str, call: &Calling) -> Ruled<()> {
    note(tx, lease, item, |calling, _| {
        calling.retain(|known| known.key != call.key);
        calling.push(call.clone());
    })
}

/// The row that a call was answered with.
pub(super) fn row_of(call: &Call) -> Option<Fields> {
    decode::<Answer<Row>>("answer to a call", call.body.as_bytes()).ok().map(|answer| answer.result.into())
}

/// Notes that what became of the call under `key` is known: with its answer, if it was carried out.
///
/// # Errors
/// As [`calling`].
pub fn answered(tx: &mut Tx<'_>, lease: u64, item: &str, key: &str, call: Option<&Call>) -> Ruled<()> {
    let mut again = None;
    note(tx, lease, item, |calling, calls| {
        again = calling.extract_if(.., |known| known.key == key).last().map(|known| known.again);
        calls.extend(call.cloned());
    })?;
    match (again, call) {
        // The next entry of the same words is another one.
        (Some(Again::Entry { table, sys_id, .. }), Some(_)) => outdate(tx, &table, &sys_id),
        _ => Ok(()),
    }
}

/// A step that has taken too long runs on, and its item may have been discarded or begun anew meanwhile.
fn note(tx: &mut Tx<'_>, lease: u64, id: &str, what: impl FnOnce(&mut Vec<Calling>, &mut Vec<Call>)) -> Ruled<()> {
    renew_lease(tx, lease)?;
    let item = tx.item(id)?.filter(|item| item.state == ItemState::Unknown && item.sent_under == Some(lease));
    let Some((mut item, mut action)) = item.and_then(|mut item| item.action.take().map(|action| (item, action))) else {
        return Err(CoreError::LeaseLost.into());
    };
    what(&mut action.calling, &mut action.calls);
    item.action = Some(action);
    tx.put(&item)
}
