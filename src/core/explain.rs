//! Where an item stands, in one plain sentence: why it is still here, and what will move it.

use std::collections::BTreeSet;

use super::{
    circle::is_yours_to_tell,
    hand::{Dropping, dropping},
    pairing::{Pairing, pairing},
    plan::{Known, Step, next_step, waits_until},
    present::{Pause, iso},
    stored::{Alias, Announced, Course, Item, ItemError, ItemKind, ItemState, Lease, Proofs, Record},
    tx::{Ruled, Tx},
};

const YOURS: &str = "of which only you can tell whether it was carried out";
const LOST: &str = "It was sent, but the answer never came";
const REFUSED: &str = "which the instance refused, and which you have to mend or to discard";

/// Where an item stands.
pub(super) struct Standing {
    /// As the contract's `OutboxItem.state`.
    pub state: &'static str,
    /// The sentence.
    pub explain: String,
    /// The items that must go first.
    pub depends_on: Vec<String>,
    /// Time alone will not move it.
    pub stuck: bool,
}

/// `idle`: the actions that nobody in this context can have carried out.
pub(super) fn standing(
    tx: &mut Tx<'_>,
    item: &Item,
    lease: &Lease,
    pause: Option<Pause>,
    idle: &BTreeSet<String>,
) -> Ruled<Standing> {
    let plain = |state, explain: String, stuck| Standing { state, explain, depends_on: Vec::new(), stuck };
    match item.state {
        ItemState::Queued | ItemState::Unknown if item.is_in_conflict() => {
            Ok(plain("conflict", in_conflict(tx, item)?, true))
        }
        ItemState::Refused => Ok(plain("refused", refused(tx, item)?, true)),
        ItemState::Unpaired => Ok(plain("unpaired", unpaired(tx, item)?, true)),
        ItemState::Unknown if item.sent_under == Some(lease.number) && lease.is_held(tx.now) => {
            Ok(plain("sending", "It is being sent now.".to_owned(), false))
        }
        ItemState::Unknown => unknown(tx, item, pause, idle),
        ItemState::Queued if item.is_held() => {
            let (depends_on, waits_for, stuck) = waits_for(tx, item, idle)?;
            Ok(Standing { state: "waiting", explain: format!("It waits for {waits_for}."), depends_on, stuck })
        }
        ItemState::Queued if idle.contains(&item.id) && !matches!(pause, Some(Pause::Auth | Pause::Offline)) => {
            Ok(plain("queued", format!("{}.", nobody(item)), false))
        }
        ItemState::Queued => {
            let busy_until = tx.fact::<Course>()?.busy_at(tx.now);
            let explain = match (pause, busy_until, waits_until(item, tx.now)) {
                (Some(Pause::Auth), ..) => "It waits for you to sign in.".to_owned(),
                (Some(Pause::Offline), ..) => "It waits because you chose to work offline.".to_owned(),
                (_, Some(busy), at) => {
                    format!("The instance has asked for time; it is tried again at {}.", iso(at.unwrap_or(0).max(busy)))
                }
                (.., Some(at)) if item.error.is_some() && runs_here(item) => {
                    let said = item.error.as_ref().map(said).unwrap_or_default();
                    format!("Its online step did not get through (“{said}”); it is run again at {}.", iso(at))
                }
                (.., Some(at)) => format!("The instance could not take it yet; it is tried again at {}.", iso(at)),
                _ => "It goes out at the next sync.".to_owned(),
            };
            Ok(plain("queued", explain, pause == Some(Pause::Auth)))
        }
    }
}

fn in_conflict(tx: &mut Tx<'_>, item: &Item) -> Ruled<String> {
    let record = tx.readable::<Record>(&Record::at(tx.schema, &item.table, &item.sys_id))?.unwrap_or_default();
    let base = record.base.unwrap_or_default();
    let short = |text: Option<&String>| text.map_or("", String::as_str).chars().take(60).collect::<String>();
    let each = item.differs.keys().map(|name| {
        let there = short(base.get(name));
        match item.fields.get(name) {
            Some(mine) => format!("{name} (there “{there}”, here “{}”)", short(Some(mine))),
            None => format!("{name} (there “{there}”)"),
        }
    });
    Ok(format!(
        "The record has been changed on the instance, too: {}. Say which is to stand, with resolveConflict().",
        each.collect::<Vec<_>>().join(", ")
    ))
}

fn nobody(item: &Item) -> String {
    let Some(action) = &item.action else { return String::new() };
    match action.by_app {
        true => format!(
            "It waits for a page or worker of this app that has “{}” registered with action(): this one has not",
            action.name
        ),
        false => format!("It waits for the instance to run actions, “{}” among them: it announces none", action.name),
    }
}

fn refused(tx: &mut Tx<'_>, item: &Item) -> Ruled<String> {
    let said = item.error.as_ref().map(said).filter(|said| !said.is_empty());
    let said = said.map(|said| format!(" (“{said}”)")).unwrap_or_default();
    let mend = match (item.error.as_ref().map(|error| error.status), item.kind) {
        (Some(404), ItemKind::Update) => {
            "the record was deleted there, or is no longer yours to change; the edit is kept until you try it again or \
             discard it"
        }
        (Some(413), ItemKind::Create | ItemKind::Update) => {
            "it is too large for the instance; make it smaller and it is sent again, or discard it"
        }
        (_, ItemKind::Delete) => "try it again, or discard it; what follows it on this record waits until then",
        (_, ItemKind::Action) if item.action.as_ref().is_some_and(|action| !action.calls.is_empty()) => {
            "a part of it was carried out, which is not done again if you try it again, and stays there if you discard it"
        }
        (_, ItemKind::Action) if item.action.as_ref().is_some_and(|action| !action.calling.is_empty()) => {
            "a part of it may have been carried out, which stays there if you discard it; try it again, or discard it"
        }
        (_, ItemKind::Action) => "try it again, or discard it, which undoes it here",
        _ if item.journal => "try it again, or discard it; what follows it on this record waits until then",
        _ => "change the record and it is sent again, or discard it",
    };
    let without = left_out(tx, item)?;
    // Where the instance has not said no, the step itself has: most often by a mistake in it.
    let who = match item.error.as_ref().is_some_and(|error| error.status == 0) && runs_here(item) {
        true => "Its online step failed",
        false => "The instance refused it",
    };
    Ok(format!("{who}{said}{without}: {mend}."))
}

/// Whether it is an action whose online step the app runs itself.
fn runs_here(item: &Item) -> bool {
    item.action.as_ref().is_some_and(|action| action.by_app)
}

/// What is clear by itself is paired together with the rest.
fn unpaired(tx: &mut Tx<'_>, item: &Item) -> Ruled<String> {
    let Some((action, answer)) = item.action.as_ref().and_then(|action| Some((action, action.answer.as_ref()?))) else {
        return Ok("It waits to be paired.".to_owned());
    };
    let Pairing { open, left, .. } = pairing(tx.schema, action, &answer.records_for_sync, &action.held);
    let made: Vec<&str> = open.iter().map(|(_, temporary)| temporary.as_str()).collect();
    let named: Vec<&str> = left.iter().map(|record| record.sys_id.as_str()).collect();
    let named = match named.is_empty() {
        true => "its online step has named none with addRecordForSync()".to_owned(),
        false => format!("{} of {}", made.join(", "), named.join(", ")),
    };
    Ok(format!(
        "The instance has carried out “{}”, but which of its records is which made here is not clear ({named}): pair \
         them, or discard it, which forgets those made here.",
        action.name,
    ))
}

/// A create goes without references to records that are not older than its own, which may be just what was missed.
fn left_out(tx: &mut Tx<'_>, item: &Item) -> Ruled<String> {
    if item.kind != ItemKind::Create {
        return Ok(String::new());
    }
    let at = Record::at(tx.schema, &item.table, &item.sys_id);
    let next = tx.readable::<Record>(&at)?.and_then(|record| record.items.get(1).cloned());
    let Some(next) = next.map(|id| tx.readable::<Item>(&Item::at(&id))).transpose()?.flatten() else {
        return Ok(String::new());
    };
    let missed = next.fields.keys().filter(|name| item.fields.get(*name).is_none_or(String::is_empty));
    let (references, plain): (Vec<&str>, Vec<&str>) =
        missed.map(String::as_str).partition(|name| tx.schema.reference(&item.table, name).is_some());
    if !references.is_empty() {
        let names = references.join(" and ");
        return Ok(format!(", and it went without {names}, which can only follow once both records are there"));
    }
    // What was changed after an action that names the record follows that.
    match next.action.is_none() && !next.journal && !plain.is_empty() {
        true => Ok(format!(
            ", and it went without {}, which follows it: edit this item to have it along",
            plain.join(" and ")
        )),
        false => Ok(String::new()),
    }
}

fn unknown(tx: &mut Tx<'_>, item: &Item, pause: Option<Pause>, idle: &BTreeSet<String>) -> Ruled<Standing> {
    let proofs = tx.fact::<Proofs>()?;
    let keys = tx.fact::<Announced>()?.keys();
    let step = next_step(&Known { schema: tx.schema, proofs: &proofs, keys, now: tx.now }, item);
    // It goes again without being asked for, as soon as what it has come to wait for lets it.
    if step == Step::Send && item.is_held() {
        let (depends_on, waits_for, stuck) = waits_for(tx, item, idle)?;
        return Ok(Standing {
            state: "unknown",
            explain: format!("{LOST}; it waits for {waits_for}."),
            depends_on,
            stuck,
        });
    }
    if step == Step::Send && idle.contains(&item.id) {
        let cut = if runs_here(item) { "Its online step was cut short" } else { LOST };
        let explain = format!("{cut}. {}.", nobody(item));
        return Ok(Standing { state: "unknown", explain, depends_on: Vec::new(), stuck: false });
    }
    // Under its key an action that the instance runs goes again as a whole.
    if step == Step::Send && runs_here(item) {
        let when = waits_until(item, tx.now).max(tx.fact::<Course>()?.busy_at(tx.now));
        let when = when.map(|at| format!(" at {}", iso(at))).unwrap_or_default();
        let why = item.error.as_ref().map(said).filter(|why| !why.is_empty());
        let why = why.map(|why| format!(" (“{why}”)")).unwrap_or_default();
        let explain = format!(
            "Its online step was cut short{why}; it is run again{when}, and what it has done is not done again."
        );
        return Ok(Standing { state: "unknown", explain, depends_on: Vec::new(), stuck: false });
    }
    let back = match pause {
        _ if step == Step::Ask => "",
        Some(Pause::Auth) => "once you have signed in, ",
        Some(Pause::Offline) => "once you work online again, ",
        _ => "",
    };
    let once_only = matches!(item.kind, ItemKind::Create | ItemKind::Action) || item.journal;
    let next = match step {
        Step::Probe => match waits_until(item, tx.now).max(tx.fact::<Course>()?.busy_at(tx.now)) {
            Some(at) if !matches!(pause, Some(Pause::Auth | Pause::Offline)) => {
                format!("the instance is asked about it at {}, before it is ever sent again", iso(at))
            }
            _ => "the instance is asked about it before it is ever sent again".to_owned(),
        },
        Step::Send if !once_only => "it is sent again, which changes nothing twice".to_owned(),
        Step::Send if (keys.is_some() || item.is_run_there()) && !item.keyless => {
            "it is sent again under its key, by which the instance does nothing twice".to_owned()
        }
        Step::Send => "it is sent again, as the app has said for this table, though it may have arrived".to_owned(),
        Step::Ask => {
            let why = match tx.schema.correlation_field(&item.table) {
                Some(field) if item.kind == ItemKind::Create && proofs.finds(&item.table).is_none() => format!(
                    "the instance says that it is not there, but has not shown yet that {} keeps its {field}, which is \
                     known once another record of this table has landed",
                    item.table
                ),
                _ if keys.is_some() || item.keyless => "the instance cannot say whether it arrived".to_owned(),
                _ => "the instance cannot say whether it arrived, unless it knows it by its key".to_owned(),
            };
            format!("{why}: {}", yours(tx, item)?)
        }
    };
    let explain = format!("{LOST}; {back}{next}.");
    let stuck = step == Step::Ask || pause == Some(Pause::Auth);
    Ok(Standing { state: "unknown", explain, depends_on: Vec::new(), stuck })
}

/// What only the user can do, and what he would lose by it.
fn yours(tx: &mut Tx<'_>, item: &Item) -> Ruled<String> {
    let Dropping { gone, loosened } = dropping(tx, item)?;
    let own =
        gone.iter().filter(|other| item.action.is_none() && other.sys_id == item.sys_id).count().saturating_sub(1);
    let loosened = loosened.iter().filter(|other| other.kind == ItemKind::Update).count();
    let others = gone.len() + loosened - own - 1;
    let changes = |many: usize| if many == 1 { "change" } else { "changes" };
    let mut along = Vec::new();
    if own > 0 {
        along.push(format!("{own} later {} of this record", changes(own)));
    }
    if others > 0 {
        along.push(format!(
            "what points to it ({others} other {}), unless that is pointed to the instance's record first",
            changes(others)
        ));
    }
    let mut said = match runs_here(item) {
        // The rest of its step was never run.
        true => {
            "try it again if it did not, which does nothing again that is known to be done; if it did, discard this, and \
             do by hand what is still to be done"
        }
        false => "see whether it is there, then discard this if it is, or try it again if it is not",
    }
    .to_owned();
    if !along.is_empty() {
        said += &format!("; discarding it takes along {}", along.join(", and "));
    }
    Ok(said)
}

/// The instance's words as sentences.
pub(super) fn said(error: &ItemError) -> String {
    let sentence = |text: &str| {
        let text = text.trim();
        if text.is_empty() || text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
    };
    let words = [Some(error.message.as_str()), error.detail.as_deref()];
    words.into_iter().flatten().map(sentence).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The items that must go before this one, in words too, and whether one of them waits for somebody to do something: the
/// records it mentions come first, then the record's own earlier item.
fn waits_for(tx: &mut Tx<'_>, item: &Item, idle: &BTreeSet<String>) -> Ruled<(Vec<String>, String, bool)> {
    let mut depends_on = Vec::new();
    let mut waits_for = Vec::new();
    let mut stuck = false;
    for id in &item.mentions {
        let Some(alias) = tx.readable::<Alias>(&Alias::at(id))? else { continue };
        if alias.dropped {
            stuck = true;
            let mend = if item.action.is_some() { "discard this" } else { "change or delete this one too" };
            waits_for.push(format!("the {} {id}, which was deleted before it was sent: {mend}", alias.table));
            continue;
        }
        let at = Record::at(tx.schema, &alias.table, id);
        let Some(record) = tx.readable::<Record>(&at)? else { continue };
        let Some(first) = record.items.first() else { continue };
        let first_item = tx.readable::<Item>(&Item::at(first))?;
        let yours = first_item.map_or(Ok(None), |item| is_yours(tx, &item))?;
        waits_for.push(format!("{}, {}", label(&record), yours.unwrap_or("which goes first")));
        stuck |= yours.is_some();
        depends_on.push(first.clone());
    }
    tx.want(item.after.iter().map(|id| Item::at(id)))?;
    for id in &item.after {
        if depends_on.contains(id) {
            continue;
        }
        let Some(before) = tx.readable::<Item>(&Item::at(id))? else { continue };
        let yours = is_yours_to_tell(tx, &before)?;
        let unrun = idle.contains(id);
        stuck |= yours || unrun;
        let why = match (yours, unrun) {
            (true, _) => YOURS,
            (_, true) => "which nobody here can have carried out",
            _ => "which goes first",
        };
        let before = match &before.action {
            Some(action) => format!("“{}”, {why}", action.name),
            None => {
                let record = tx.readable::<Record>(&Record::at(tx.schema, &before.table, &before.sys_id))?;
                let of = record.as_ref().map_or_else(|| before.table.clone(), label);
                if yours { format!("an earlier change of {of}, {YOURS}") } else { format!("an earlier change of {of}") }
            }
        };
        if !waits_for.contains(&before) {
            waits_for.push(before);
        }
        depends_on.push(id.clone());
    }
    for (table, sys_id) in item.behind_in() {
        let Some(record) = tx.readable::<Record>(&Record::at(tx.schema, table, sys_id))? else { continue };
        let at = record.items.iter().position(|id| *id == item.id).unwrap_or_default();
        let before = at.checked_sub(1).and_then(|before| record.items.get(before)).cloned();
        // The one before may itself wait for the first of them.
        let mut yours = None;
        let ends = [record.items.first(), before.as_ref()];
        for id in ends.into_iter().flatten().filter(|_| before.is_some()) {
            let earlier = tx.readable::<Item>(&Item::at(id))?;
            yours = yours.or(earlier.map_or(Ok(None), |earlier| is_yours(tx, &earlier))?);
        }
        stuck |= yours.is_some();
        if before.is_some() && waits_for.is_empty() {
            let why = yours.map(|why| format!(", {why}")).unwrap_or_default();
            waits_for.push(format!("an earlier change of the same record{why}"));
        }
        depends_on.extend(before.filter(|id| !depends_on.contains(id)));
    }
    let last = waits_for.pop().unwrap_or_default();
    let waits_for = if waits_for.is_empty() { last } else { format!("{}, and for {last}", waits_for.join(", for ")) };
    Ok((depends_on, waits_for, stuck))
}

/// What the user has to do about an item before anything that waits for it goes, if it is his turn.
fn is_yours(tx: &mut Tx<'_>, item: &Item) -> Ruled<Option<&'static str>> {
    Ok(match item.state {
        ItemState::Refused => Some(REFUSED),
        ItemState::Unpaired => Some("which is to be paired"),
        _ if item.is_in_conflict() => Some("of which you are asked whose change stands"),
        _ => is_yours_to_tell(tx, item)?.then_some(YOURS),
    })
}

/// A name a person knows the record by.
fn label(record: &Record) -> String {
    let text = ["number", "short_description", "name"]
        .into_iter()
        .find_map(|name| record.fields.get(name).filter(|text| !text.is_empty()));
    match text {
        Some(text) => format!("the {} “{}”", record.table, text.chars().take(60).collect::<String>()),
        None => format!("the {} {}", record.table, record.sys_id),
    }
}
