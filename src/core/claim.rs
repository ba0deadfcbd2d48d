//! What is noted of items before their requests leave: from then on nobody knows what has become of them.

use std::collections::BTreeSet;

use super::{
    lease::renew_lease,
    plan::{Keys, resolvable},
    receive::{may_arrive_until, tell_of},
    stored::{Item, ItemKind, ItemState, Record},
    tx::{Ruled, Tx},
};

/// What the instance makes of the items it is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct With {
    /// It knows each by its key, if it does.
    pub keys: Option<Keys>,
    /// It puts in the ids of what came before.
    pub resolves: bool,
    /// It changes a record only as long as that is as this device knows it.
    pub guards: bool,
}

/// Marks items as sent, answer unknown, before their requests leave. Gives those that may still be sent, as
/// they are to be sent.
///
/// What was planned may have been edited, answered or discarded since. One that mentions an unsent record by
/// now goes only where the instance puts in the ids of what came before it. The `probes` are only
/// asked about, which mentions nobody.
///
/// # Errors
/// As [`renew_lease`].
pub fn claim(tx: &mut Tx<'_>, number: u64, probes: &[String], sends: &[String], with: With) -> Ruled<Vec<Item>> {
    renew_lease(tx, number)?;
    let mut claimed: Vec<Item> = Vec::new();
    let mut made = BTreeSet::new();
    tx.each(probes.iter().map(|id| (id, true)).chain(sends.iter().map(|id| (id, false))), |tx, (id, probe)| {
        let Some(mut item) = tx.item(id)? else { return Ok(()) };
        let free = if probe {
            item.state == ItemState::Unknown
        } else {
            item.mentions.is_empty() || (with.resolves && resolvable(tx.schema, &item, &made))
        };
        if matches!(item.state, ItemState::Refused | ItemState::Unpaired)
            || item.is_in_conflict()
            || item.behind
            || !item.after.is_empty()
            || !free
        {
            return Ok(());
        }
        if is_forgotten(&item, with, tx.now) {
            // What is to go under it now is taken for new: as without keys, and asked about once more first. That it was not
            // there was found while it could not be made twice.
            item.keyless = true;
            if item.state == ItemState::Queued {
                (item.state, item.in_vain) = (ItemState::Unknown, false);
                tell_of(tx, &item);
                return tx.put(&item);
            }
        }
        if item.kind == ItemKind::Create && item.state == ItemState::Queued {
            made.insert(item.sys_id.clone());
        }
        if let Some(action) = item.action.as_mut().filter(|_| item.state != ItemState::Unknown) {
            action.calling.clear();
        }
        item.only_at = known_count(tx, &item, with)?;
        claimed.push(item.clone());
        let keyed = with.keys.is_some() || item.is_run_there();
        item.keyless |= !probe && !keyed;
        item.in_doubt = item.state == ItemState::Unknown;
        // Under its key it goes again while an earlier request may still arrive: no answer to this one tells of that.
        let may_arrive = !probe && may_arrive_until(&item, tx.now).is_some();
        item.may_be_made |= (item.in_doubt || may_arrive) && item.kind == ItemKind::Create;
        if probe {
            // A clock that has been set back since counts from now.
            item.left_at = item.left_at.map(|at| at.min(tx.now));
            item.next_attempt_at = may_arrive_until(&item, tx.now).filter(|_| item.keyless || with.keys.is_none());
        } else {
            item.repeated |= item.left_at.is_some();
            item.left_at = Some(tx.now);
            if !keyed {
                item.sent_at = item.sent_at.or(item.left_at);
            }
        }
        if !item.in_doubt {
            item.in_vain = false;
            // Under its key, when it left first: the instance counts from there how long it remembers the key.
            item.sent_at = item.sent_at.or(Some(tx.now));
            if item.journal {
                let record = tx.readable::<Record>(&Record::at(tx.schema, &item.table, &item.sys_id))?;
                item.sent_after = record.and_then(|record| record.updated_on().cloned());
            }
        }
        item.state = ItemState::Unknown;
        item.sent_under = Some(number);
        tell_of(tx, &item);
        tx.put(&item)
    })?;
    Ok(claimed)
}

/// Whether it has left under a key that the instance has forgotten since, and may be there: what takes effect once only.
fn is_forgotten(item: &Item, with: With, now: u64) -> bool {
    let known = with.keys.is_none_or(|keys| item.sent_at.is_none_or(|at| keys.remember(at, now)));
    takes_effect_once(item) && (item.left_at.is_some() || item.repeated) && !item.keyless && !known
}

fn takes_effect_once(item: &Item) -> bool {
    item.kind == ItemKind::Create || item.journal
}

/// As of which count of its changes the record is to be changed, where the instance can be told.
fn known_count(tx: &mut Tx<'_>, item: &Item, with: With) -> Ruled<Option<String>> {
    if !with.guards || !item.is_weighed(tx.schema) {
        return Ok(None);
    }
    let record = tx.readable::<Record>(&Record::at(tx.schema, &item.table, &item.sys_id))?;
    Ok(record.and_then(|record| record.count_there().cloned()))
}
