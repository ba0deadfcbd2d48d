//! Defects on purpose, one for each kind of rule: the simulator must find them all. They sit between the engine and
//! its store, its line and its channel; the engine itself has no switch for them.

use landfall::core::{
    Event, Found, Key, Read, RowKey, StoreName, WriteSet,
    stored::{Alias, Item, ItemKind, ItemState, Lease, Pulled, decode},
};

use super::{
    altered::{Altered, again},
    doing::Kind,
    led_astray, unasked,
    world::World,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// A record is written without its item.
    HalfWritten,
    /// What a write was computed from may have changed.
    StaleIgnored,
    /// What is sent is not marked as sent.
    UnknownForgotten,
    /// Nobody asks: the answer is taken to be no.
    ProbeSkipped,
    /// Each request goes under another key.
    KeyChanges,
    /// A request goes without its key.
    KeyForgotten,
    /// One place keeps the temporary id.
    ReferenceLeft,
    /// The old id does not lead to the record any more.
    AliasLost,
    /// A reference does not hold back what mentions an unsent record.
    MentionForgotten,
    /// An edit becomes part of a request that is under way.
    FoldedInFlight,
    /// The instance's row goes over unsent edits.
    EditOverwritten,
    /// What the instance refuses is gone.
    RefusedDropped,
    /// What the instance refuses holds up everything.
    RefusedBlocksAll,
    /// An expired session counts as an attempt.
    AttemptForSignIn,
    /// A sender goes on under a lease it has lost.
    LeaseIgnored,
    /// The other contexts do not hear of a receipt.
    ReceiptUntold,
    /// Two entries of a journal become one.
    EntriesFolded,
    /// What is unsent is counted wrong.
    CountWrong,
    /// What a batch left undone is taken for done.
    UnservicedIsDone,
    /// The create of what has landed stays in the outbox.
    CreateKept,
    /// It is forgotten whose the database is.
    OwnerForgotten,
    /// What has landed is sent again from memory, once the line is there.
    LandedSentAgain,
    /// Which record of an action is which is guessed by their order, without the author's word.
    OrderGuessed,
    /// An action whose answer was lost goes again under another key.
    RunAnew,
    /// What the calls of a step were answered is forgotten.
    CallsForgotten,
    /// That a call leaves is not noted.
    CallUnnoted,
    /// What an action did to a record stays when it is discarded.
    UndoneLeft,
    /// What an action deleted stays deleted when it is discarded.
    DeletionLeft,
    /// What a step has named, and the device does not have, is not asked for.
    NamedForgotten,
    /// What an action did to a record keeps the temporary id.
    PartLeft,
    /// So does its input.
    InputLeft,
    /// What the user did first does not go first.
    OrderForgotten,
    /// What has gone is waited for.
    TurnKept,
    /// What has changed is looked for from too late on.
    ChangesPassedOver,
    /// What has gone at the instance stays.
    GoneKept,
    /// A pull shows again what was deleted here.
    DeletedShown,
    /// Both sides have changed the same, and nobody is asked.
    ConflictUnasked,
    /// What the user is asked about is sent all the same.
    ConflictNotHeld,
    /// What he gives up is sent.
    TheirsSent,
    /// What he wants to stand is given up.
    MineGivenUp,
    /// Nobody looks before a change is sent.
    LookLeftOut,
    /// What this device has changed itself is taken for somebody else's.
    EchoTaken,
    /// What the instance has lies not under what is unsent.
    BaseKept,
    /// What came along goes, though something unsent points to it.
    NeedForgotten,
    /// What came along goes with what is unsent of it.
    UnsentSwept,
    /// What was pinned before it landed is pinned no more.
    PinLost,
    /// What is pinned goes as if nothing led to it.
    PinOverlooked,
    /// What is pinned no more is kept.
    UnpinIgnored,
    /// What was read before an answer goes over it.
    OlderTaken,
    /// What came along stays as it was.
    AlongUnrefreshed,
    /// What is not led to any more stays.
    LedToNoMore,
    /// What has left its query goes, though something leads to it.
    LeftAndGone,
    /// What was asked for goes as if it had come along.
    OpenedSwept,
    /// What was asked for is asked for for ever.
    NoteKept,
}

/// Each, and the promises one of which it must be found to break.
pub const ALL: [(Bug, &[u32]); 54] = [
    (Bug::HalfWritten, &[1]),
    (Bug::StaleIgnored, &[1, 5, 8, 9, 16]),
    (Bug::UnknownForgotten, &[4]),
    (Bug::ProbeSkipped, &[2, 16]),
    (Bug::KeyChanges, &[2, 4]),
    (Bug::KeyForgotten, &[2, 4]),
    (Bug::ReferenceLeft, &[5]),
    (Bug::AliasLost, &[5, 6]),
    (Bug::MentionForgotten, &[5, 7]),
    (Bug::FoldedInFlight, &[8]),
    (Bug::EditOverwritten, &[8]),
    (Bug::RefusedDropped, &[1, 8, 16]),
    (Bug::RefusedBlocksAll, &[9]),
    (Bug::AttemptForSignIn, &[10]),
    (Bug::LeaseIgnored, &[12]),
    (Bug::ReceiptUntold, &[12]),
    (Bug::EntriesFolded, &[3]),
    (Bug::CountWrong, &[16]),
    (Bug::UnservicedIsDone, &[3, 8, 16]),
    (Bug::CreateKept, &[14]),
    (Bug::LandedSentAgain, &[14]),
    (Bug::OwnerForgotten, &[11]),
    (Bug::OrderGuessed, &[2, 5]),
    (Bug::RunAnew, &[3, 4]),
    (Bug::CallsForgotten, &[2, 3, 4, 5]),
    (Bug::CallUnnoted, &[4]),
    (Bug::UndoneLeft, &[8, 16]),
    (Bug::DeletionLeft, &[16]),
    (Bug::NamedForgotten, &[18]),
    (Bug::PartLeft, &[5]),
    (Bug::InputLeft, &[5, 7]),
    (Bug::OrderForgotten, &[17]),
    (Bug::TurnKept, &[9]),
    (Bug::ChangesPassedOver, &[13]),
    (Bug::GoneKept, &[13]),
    (Bug::DeletedShown, &[13]),
    (Bug::ConflictUnasked, &[19]),
    (Bug::ConflictNotHeld, &[16, 19]),
    (Bug::TheirsSent, &[19]),
    (Bug::MineGivenUp, &[19]),
    (Bug::LookLeftOut, &[19]),
    (Bug::EchoTaken, &[19]),
    (Bug::BaseKept, &[8, 9, 13, 19]),
    (Bug::NeedForgotten, &[13]),
    (Bug::UnsentSwept, &[13]),
    (Bug::PinLost, &[13]),
    (Bug::PinOverlooked, &[13]),
    (Bug::UnpinIgnored, &[13]),
    (Bug::OlderTaken, &[13]),
    (Bug::AlongUnrefreshed, &[13]),
    (Bug::LedToNoMore, &[13]),
    (Bug::LeftAndGone, &[13]),
    (Bug::OpenedSwept, &[13]),
    (Bug::NoteKept, &[13]),
];

pub fn on_read(world: &World, by: usize, reads: &[Read], found: &mut [Found]) {
    for (read, found) in reads.iter().zip(found) {
        unasked::on_read(world, read, found);
        match (world.bug, read, found) {
            (Some(Bug::CountWrong), Read::Count(scan), Found::Count(count))
                if scan.store == StoreName::Outbox && scan.prefix == Key::default() && *count > 3 =>
            {
                *count -= 1;
            }
            (Some(Bug::RefusedBlocksAll), Read::Rows(scan), Found::Rows(rows)) => {
                let refused = world.mirror.borrow().items.values().any(|item| item.state == ItemState::Refused);
                if refused && scan.prefix == Item::ready() {
                    rows.clear();
                }
            }
            (Some(Bug::LeaseIgnored), Read::Row(at), Found::Row(Some(row))) if *at == Lease::at() => {
                let mirror = world.mirror.borrow();
                if let Some(number) = mirror.taken.get(&by).filter(|_| mirror.owner != Some(by)) {
                    let lease = Lease { number: *number, ..decode(row).unwrap() };
                    row.body = serde_json::to_string(&lease).unwrap().into();
                }
            }
            _ => {}
        }
    }
}

/// Whether the event is lost.
pub fn on_post(world: &World, event: &Event) -> bool {
    world.bug == Some(Bug::ReceiptUntold) && matches!(event, Event::Reconciled { .. })
}

/// What is written in the place of what should be.
pub fn on_commit(world: &World, set: &WriteSet) -> Option<WriteSet> {
    let bug = world.bug?;
    let doing = world.executor.current()?;
    let kind = doing.kind;
    let mut altered = Altered { world, set: set.clone() };
    match (bug, kind) {
        (Bug::HalfWritten, Kind::Write) => altered.drop_first(|item| item.kind == ItemKind::Create),
        (Bug::StaleIgnored, Kind::Write) => altered.set.expect.clear(),
        (Bug::UnknownForgotten, Kind::Sync) => altered.items(|item, before| {
            if before.is_some_and(|before| before.state == ItemState::Queued) && item.state == ItemState::Unknown {
                item.state = ItemState::Queued;
            }
        }),
        (Bug::OwnerForgotten, Kind::Open) => altered.forget_the_owner(),
        (Bug::MentionForgotten, Kind::Write) => altered.items(|item, _| item.mentions.clear()),
        (Bug::AttemptForSignIn, Kind::Sync) => altered.items(|item, before| {
            let not_run =
                before.is_some_and(|before| before.state == ItemState::Unknown && before.attempts == item.attempts);
            if not_run && item.state == ItemState::Queued {
                item.attempts += 1;
            }
        }),
        (Bug::EditOverwritten, Kind::Sync) => altered.records(|record| {
            if let Some(base) = record.base.clone() {
                record.fields = base;
            }
        }),
        (Bug::ReferenceLeft, Kind::Sync) => altered.leave_a_reference(),
        (Bug::AliasLost, Kind::Sync) => {
            altered
                .set
                .puts
                .retain(|(store, row)| *store != StoreName::Aliases || decode::<Alias>(row).unwrap().sys_id.is_none());
        }
        (Bug::RefusedDropped, Kind::Sync) => altered.drop_refused(),
        (Bug::CreateKept, Kind::Sync) => altered.keep_creates(),
        (Bug::FoldedInFlight, Kind::Write) => altered.fold(|item, fresh| {
            let plain = !item.journal && !fresh.journal && item.action.is_none();
            let of_its_own = plain && fresh.kind == ItemKind::Update && fresh.mentions.is_empty();
            item.state == ItemState::Unknown && of_its_own
        }),
        (Bug::EntriesFolded, Kind::Write) => {
            altered.fold(|item, fresh| item.state == ItemState::Queued && item.journal && fresh.journal);
        }
        (Bug::OrderGuessed, Kind::Write) => altered.actions(|action, _| action.pairs_in_order = true),
        (Bug::RunAnew, Kind::Sync) => altered.items(|item, before| {
            let lost = item.state == ItemState::Unknown && item.sent_under.is_none();
            if item.action.is_some() && lost && before.is_some_and(|before| before.sent_under.is_some()) {
                item.idempotency_key = format!("other{}", world.number());
            }
        }),
        (Bug::CallsForgotten, Kind::Sync) => altered.actions(|action, _| action.calls.clear()),
        (Bug::CallUnnoted, Kind::Sync) => altered.actions(|action, _| action.calling.clear()),
        (Bug::UndoneLeft, Kind::Hand) => altered.leave_what_is_undone(),
        (Bug::DeletionLeft, Kind::Hand) => altered.leave_what_is_deleted(),
        (Bug::NamedForgotten, Kind::Sync) => altered.forget_what_is_named(),
        (Bug::PartLeft, Kind::Sync) => altered.actions(|action, before| {
            for (part, before) in action.parts.iter_mut().zip(&before.parts) {
                part.fields.clone_from(&before.fields);
            }
        }),
        (Bug::TurnKept, Kind::Sync) => altered.items(|item, before| {
            if let Some(before) = before {
                item.after.clone_from(&before.after);
            }
        }),
        (Bug::ChangesPassedOver, Kind::Sync) => {
            for (_, row) in altered.set.puts.iter_mut().filter(|(_, row)| row.key.text(0) == "pulled") {
                let pulled: Pulled = decode(row).unwrap();
                let until = pulled.until.is_some().then(|| "2100-01-01 00:00:00".to_owned());
                again(&world.schema, row, &Pulled { until, ..pulled });
            }
        }
        (Bug::GoneKept, Kind::Sync) => {
            let mirror = world.mirror.borrow();
            let stays = |at: &RowKey| {
                let there = mirror.records.values().find(|record| record.sys_id == at.key.text(1));
                there.is_some_and(|record| record.items.is_empty() && !record.is_temporary())
            };
            altered.set.deletes.retain(|at| at.store != StoreName::Records || !stays(at));
        }
        (Bug::DeletedShown, Kind::Sync) => altered.records(|record| record.deleted = false),
        (Bug::OrderForgotten, Kind::Write) => altered.items(|item, _| item.after.clear()),
        (Bug::InputLeft, Kind::Sync) => altered.actions(|action, before| action.input = before.input.clone()),
        _ => {
            unasked::on_commit(&mut altered, bug, &doing);
            led_astray::on_commit(&mut altered, bug, &doing);
        }
    }
    Some(altered.set)
}
