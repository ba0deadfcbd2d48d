//! Sending: claim, send, receive, until nothing more can move.

use std::collections::BTreeSet;

use super::{
    client::Client,
    dialect::{Asked, Batch, BatchItem, Intent, Verdict, keys},
    error::EngineError,
    exchange::Trouble,
    report::{EndedBy, Phase, Progress, SyncReport},
    sync::SyncOptions,
};
use crate::{
    core::{
        Durability, Found, Key, Origin, Read, Scan, StoreName,
        plan::{Keys, Known, Plan, Room, add_dependants, is_beyond_asking, plan, size},
        receive::{Answer, With, claim, receive},
        retry::backoff_ms,
        stored::{Item, ItemError, Proofs, mention},
    },
    ports::{AuthReason, Clock, Entropy, Headers, Ports, Store},
    wire::{Capabilities, Response},
};

/// A first batch, before it is known how fast the instance is.
const FIRST_BATCH: usize = 20;
/// More does not pay: the instance's time goes into the records, not into the requests.
const LARGEST_BATCH: usize = 200;
/// Bytes of fields in one request. Base64 and escapes make it larger: 5 MB is the instance's limit.
const BATCH_BYTES: usize = 3 * 1024 * 1024;
/// A batch that takes less may grow, in ms.
const QUICK_MS: u64 = 2_000;
/// A batch that takes longer must shrink, in ms: at 30 seconds the instance leaves the rest undone.
const SLOW_MS: u64 = 8_000;
/// How often in a row nothing at all may come of a request before the run ends.
const MOST_FRUITLESS: u32 = 3;
/// How many outbox rows are read at a time in search of some that are due.
const PAGE: u32 = 200;

/// What came of a plan.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Came {
    /// Something became known by it.
    Moved,
    /// It was sent in vain.
    Nothing,
    /// It was out of date: nothing was sent.
    Unclaimed,
}

/// What came of one request.
struct Round {
    answers: Vec<(String, Answer)>,
    /// Set where the run has to end: after the answers are taken in.
    trouble: Option<Trouble>,
}

impl<P: Ports> Client<P> {
    pub(super) async fn push(
        &self,
        lease: u64,
        options: &SyncOptions,
        report: &mut SyncReport,
    ) -> Result<EndedBy, Trouble> {
        let mut headers: Option<Headers> = None;
        let mut fruitless = 0;
        let mut answered = false;
        let mut signed_in_again = false;
        let total = self.counts([Scan::key(StoreName::Outbox, Key::default())]).await?[0];
        loop {
            if self.is_stopped(options) {
                return Ok(EndedBy::Aborted);
            }
            let course = self.course().await?;
            if course.offline {
                return Ok(EndedBy::Offline);
            }
            let known = self.session().capabilities();
            // After a failure a single item tries the line, so that no more than that becomes unknown.
            let mut room = self.room(course.failures > 0 && !answered);
            // As long as it is not known whether the instance knows keys, there is something to do if there would be
            // with them: it is asked then.
            let silent =
                |answered: bool| if answered { BTreeSet::new() } else { self.session().silent.borrow().clone() };
            let mut plan = self.next_plan(room, self.keys(), &silent(answered)).await?;
            if plan.is_empty() {
                return Ok(ended(&plan));
            }
            let capabilities = self.capabilities(lease, &mut headers).await?;
            if known.is_none() {
                // The line holds if the instance has said what it can do: of what could not be read, nobody knows who
                // said it. And the plan is made anew by what is known now.
                answered |= self.dialect().capabilities().is_some() && self.session().capabilities().is_some();
                room = self.room(course.failures > 0 && !answered);
                plan = self.next_plan(room, keys(&capabilities), &silent(answered)).await?;
                if plan.is_empty() {
                    return Ok(ended(&plan));
                }
            }
            if !answered && let Some(table) = self.beyond_asking(&plan, &capabilities).await? {
                answered = self.try_the_line(lease, &table, &mut headers).await?;
                continue;
            }
            if resolves(&capabilities) && room.items > 1 {
                self.fill(&mut plan, room).await?;
            }
            let count = plan.probe.len() + plan.send.len();
            let came = match self.round(lease, plan, &capabilities, &mut headers, report).await {
                // The session ran out, on the way through a batch perhaps: nothing of the rest was run.
                Err(Trouble::SignIn) if headers.is_some() && !signed_in_again => {
                    signed_in_again = true;
                    headers = Some(self.authorize(lease, AuthReason::Expired).await?);
                    continue;
                }
                came => came?,
            };
            let moved = came == Came::Moved;
            signed_in_again &= !moved;
            answered |= moved;
            // Until the first of a table has been found by its id, the others leave one by one.
            if moved && keys(&capabilities).is_none() && self.proofs().await?.want_a_look() {
                // Where that fails, the line may have gone since.
                answered &= self.look_for_twins(lease, options).await?;
            }
            // A batch that was too large has told how small the next one must be.
            let smaller = self.session().batch.get() < count && count > 1;
            fruitless = if moved || smaller { 0 } else { fruitless + 1 };
            if fruitless >= MOST_FRUITLESS && came == Came::Unclaimed {
                return Ok(EndedBy::Done);
            }
            if fruitless >= MOST_FRUITLESS {
                self.note_failure(None).await?;
                return Ok(EndedBy::Backoff);
            }
            if let Some(tell) = &options.on_progress {
                tell(Progress { phase: Phase::Push, done: report.sent + report.refused, total: Some(total) });
            }
        }
    }

    fn room(&self, trying: bool) -> Room {
        let most = self.settings().batch_size.unwrap_or(LARGEST_BATCH).max(1);
        let items = match self.session().batch.get() {
            _ if trying || self.session().no_batch.get() => 1,
            0 => FIRST_BATCH.min(most),
            size => size.min(most),
        };
        let bytes = self.session().batch_bytes.get().unwrap_or(BATCH_BYTES);
        // What belongs together goes together, as far as the instance allows, once the line is known to hold.
        Room { items, group: if items == 1 { 1 } else { most }, bytes }
    }

    /// Walks the outbox until the plan is full or nothing is left. What may not go yet is in other ranges
    /// of the index, or passed over: so is what must not be lost on the way, of the `silent` tables.
    pub(super) async fn next_plan(
        &self,
        room: Room,
        keys: Option<Keys>,
        silent: &BTreeSet<String>,
    ) -> Result<Plan, EngineError> {
        let proofs = self.proofs().await?;
        let mut left = false;
        let mut best = Plan::default();
        let mut due = Vec::new();
        for prefix in [Item::unknown(), Item::ready()] {
            let mut scan = Scan::index(StoreName::Outbox, prefix.clone()).limit(PAGE);
            loop {
                let found = self.ports().store().read(&[Read::Rows(scan.clone())]).await?;
                let Some(Found::Rows(rows)) = found.into_iter().next() else { break };
                let last = rows.last().map(|row| row.key.clone());
                let at_end = u32::try_from(rows.len()).unwrap_or(PAGE) < PAGE;
                let known = self.known(&proofs, keys);
                let mut items = self.readable::<Item>(&rows);
                items.retain(|item| !silent.contains(&item.table) || !is_beyond_asking(&known, item));
                left |= items.len() < rows.len() && !silent.is_empty();
                due.extend(items);
                best = plan(&known, due.clone(), room);
                best.left = left;
                if at_end || best.full {
                    break;
                }
                let mut after = prefix.clone();
                after.0.extend(last.unwrap_or_default().0);
                scan.after = Some(after);
            }
            if best.full {
                break;
            }
        }
        Ok(best)
    }

    /// The table of an item that must not be lost on the way, if the plan has one.
    async fn beyond_asking(&self, plan: &Plan, capabilities: &Capabilities) -> Result<Option<String>, EngineError> {
        let proofs = self.proofs().await?;
        let known = self.known(&proofs, keys(capabilities));
        Ok(plan.send.iter().find(|item| is_beyond_asking(&known, item)).map(|item| item.table.clone()))
    }

    pub(super) async fn proofs(&self) -> Result<Proofs, EngineError> {
        self.look(|tx| tx.fact::<Proofs>()).await
    }

    pub(super) fn known<'a>(&'a self, proofs: &'a Proofs, keys: Option<Keys>) -> Known<'a> {
        Known { schema: self.schema(), proofs, keys, now: self.ports().clock().now_ms() }
    }

    /// Adds what waits only for records this request makes.
    async fn fill(&self, plan: &mut Plan, room: Room) -> Result<(), EngineError> {
        let mut only: Option<String> = None;
        // Their items would come in again behind another record's, and be taken out again, for ever.
        let mut later = BTreeSet::new();
        let mut asked = 0;
        while plan.send.len() > asked {
            let fresh: Vec<Read> = plan
                .send
                .iter()
                .skip(asked)
                .map(|item| Read::Rows(Scan::index(StoreName::Outbox, mention(&item.sys_id)).limit(PAGE)))
                .collect();
            asked = plan.send.len();
            let mut held = Vec::new();
            for found in self.ports().store().read(&fresh).await? {
                if let Found::Rows(rows) = found {
                    held.extend(self.readable::<Item>(&rows));
                }
            }
            let now = self.ports().clock().now_ms();
            let cut = add_dependants(self.schema(), plan, held, only.as_deref(), &later, room, now);
            // What belongs together goes together: what goes first anyway by itself, where there is more room; anything
            // else another time.
            if let Some(group) = cut.filter(|_| only.is_none()) {
                let first = plan.begins_with(&group);
                plan.send.retain(|item| (item.group.as_deref() == Some(&*group)) == first);
                if first {
                    only = Some(group);
                } else {
                    later.insert(group);
                }
                asked = 0;
            }
        }
        Ok(())
    }

    /// Claims, asks, takes the answers in.
    async fn round(
        &self,
        lease: u64,
        plan: Plan,
        capabilities: &Capabilities,
        headers: &mut Option<Headers>,
        report: &mut SyncReport,
    ) -> Result<Came, Trouble> {
        let ids = |items: Vec<Item>| items.into_iter().map(|item| item.id).collect::<Vec<String>>();
        let (probes, sends) = (ids(plan.probe), ids(plan.send));
        // Before the claim: an app that has no answer, or a page that is closed meanwhile, leaves nothing in doubt.
        let headers: &Headers = match headers {
            Some(headers) => headers,
            None => headers.insert(self.authorize(lease, AuthReason::Send).await?),
        };
        // On disk before the request leaves: whatever happens from here on, these are asked for first.
        let with = With { keyed: capabilities.idempotency_key, resolves: resolves(capabilities) };
        let claimed =
            self.transact(Origin::Sync, Durability::Strict, |tx| claim(tx, lease, &probes, &sends, with)).await?;
        if claimed.is_empty() {
            return Ok(Came::Unclaimed);
        }
        let sends: Vec<(Item, Intent)> = claimed
            .into_iter()
            .map(|item| {
                let intent = if probes.contains(&item.id) { Intent::Probe } else { Intent::Send };
                (item, intent)
            })
            .collect();
        let mut round = self.ask(lease, &sends, capabilities, headers).await?;
        // Where the line failed, it is the line that waits: back again, everything goes at once.
        let line_holds = matches!(round.trouble, None | Some(Trouble::SignIn));
        for ((item, _), (_, answer)) in sends.iter().zip(&mut round.answers).filter(|_| line_holds) {
            if let Answer::Unknown { wait_ms: wait_ms @ None, .. }
            | Answer::NotRun { error: Some(_), wait_ms: wait_ms @ None } = answer
            {
                // Failures of the line are not the item's own.
                let own = item.error.as_ref().is_some_and(|error| error.status > 0);
                let failures = if own { item.attempts.saturating_add(1) } else { 1 };
                *wait_ms = Some(backoff_ms(failures, self.ports().entropy().random()));
            }
        }
        let mut moved = false;
        for tally in
            self.transact_parts(Durability::Strict, &round.answers, |tx, answers| receive(tx, lease, answers)).await?
        {
            report.sent += tally.done;
            report.reconciled += tally.reconciled;
            report.refused += tally.refused;
            moved |= tally.moved();
        }
        match round.trouble {
            Some(trouble) => Err(trouble),
            None => Ok(if moved { Came::Moved } else { Came::Nothing }),
        }
    }

    async fn ask(
        &self,
        lease: u64,
        sends: &[(Item, Intent)],
        capabilities: &Capabilities,
        headers: &Headers,
    ) -> Result<Round, Trouble> {
        let sends: Vec<Asked<'_>> = sends
            .iter()
            .map(|(item, intent)| Asked { schema: self.schema(), item, intent: *intent, capabilities })
            .collect();
        let requests: Vec<_> = sends.iter().map(|asked| self.dialect().request(asked)).collect();
        let started = self.ports().clock().now_ms();
        let single = requests.len() == 1;
        let answer = match requests.as_slice() {
            [] => return Ok(Round { answers: Vec::new(), trouble: None }),
            [request] => self.exchange_once(lease, request, headers).await,
            many => {
                let id = self.ports().entropy().uuid().simple().to_string();
                self.exchange_once(lease, &self.dialect().batch(&id, many), headers).await
            }
        };
        let now = self.ports().clock().now_ms();
        let response = match answer {
            Ok(response) => response,
            Err(Trouble::Engine(error)) => return Err(error.into()),
            Err(trouble) => return Ok(all(&sends, &trouble)),
        };
        if single {
            if self.session().batch.get() == 1 {
                self.adapt(1, now.saturating_sub(started));
            }
            let mut answers = Vec::new();
            let trouble = sends.first().and_then(|asked| self.take(asked, &response, now, &mut answers));
            return Ok(Round { answers, trouble });
        }
        self.adapt(sends.len(), now.saturating_sub(started));
        Ok(self.take_batch(&sends, &response, now))
    }

    fn take_batch(&self, sends: &[Asked<'_>], response: &Response, now: u64) -> Round {
        let each = |answer: Answer, trouble| Round {
            answers: sends.iter().map(|asked| (asked.item.id.clone(), answer.clone())).collect(),
            trouble,
        };
        let not_run = || each(Answer::NotRun { error: None, wait_ms: None }, None);
        match self.dialect().unbatch(response, sends.len()) {
            Batch::Items(parts) => {
                let mut answers = Vec::new();
                let mut trouble = None;
                for (asked, part) in sends.iter().zip(parts) {
                    let id = asked.item.id.clone();
                    match part {
                        Some(BatchItem::Ran(response)) => {
                            trouble = self.take(asked, &response, now, &mut answers).or(trouble);
                        }
                        Some(BatchItem::NotRun) => answers.push((id, Answer::NotRun { error: None, wait_ms: None })),
                        None => answers.push((id, lost("The batch's answer does not speak of it."))),
                    }
                }
                Round { answers, trouble }
            }
            Batch::Unsupported => {
                self.session().no_batch.set(true);
                not_run()
            }
            Batch::TooLarge => {
                self.session().batch.set((sends.len() / 2).max(1));
                let bytes: usize = sends.iter().map(|asked| size(asked.item)).sum();
                self.session().batch_bytes.set(Some(bytes / 2));
                not_run()
            }
            Batch::NotTheInstance(why) => each(lost(&why), Some(Trouble::NotTheInstance(why))),
            Batch::Unknown(why) => each(lost(&why), Some(Trouble::Unreachable(why))),
        }
    }

    /// Notes one item's answer; gives what ends the run.
    fn take(
        &self,
        asked: &Asked<'_>,
        response: &Response,
        now: u64,
        answers: &mut Vec<(String, Answer)>,
    ) -> Option<Trouble> {
        let (answer, trouble) = match self.dialect().verdict(asked, response, now) {
            Verdict::Answer(answer) => (answer, None),
            Verdict::SignIn => (Answer::NotRun { error: None, wait_ms: None }, Some(Trouble::SignIn)),
            Verdict::NotTheInstance(why) => (lost(&why), Some(Trouble::NotTheInstance(why))),
        };
        answers.push((asked.item.id.clone(), answer));
        trouble
    }

    fn adapt(&self, sent: usize, took_ms: u64) {
        // A request that was not full says little of what fits.
        let before = self.session().batch.get();
        let size = match took_ms {
            0..QUICK_MS => (sent * 2).min(LARGEST_BATCH).max(before),
            QUICK_MS..SLOW_MS => sent.max(before),
            _ => (sent / 2).max(1),
        };
        self.session().batch.set(size);
    }
}

/// How a run ends that has nothing more to do now.
fn ended(plan: &Plan) -> EndedBy {
    if plan.next_at.is_some() || plan.left { EndedBy::Backoff } else { EndedBy::Done }
}

/// Whether what depends on a create may travel with it.
fn resolves(capabilities: &Capabilities) -> bool {
    capabilities.resolves_temp_ids && capabilities.ordered_batch
}

fn lost(why: &str) -> Answer {
    Answer::Unknown { error: ItemError { status: 0, message: why.to_owned(), detail: None }, wait_ms: None }
}

fn all(sends: &[Asked<'_>], trouble: &Trouble) -> Round {
    let answer = match trouble {
        Trouble::Unreachable(why) | Trouble::Busy { why, in_doubt: true, .. } => lost(why),
        _ => Answer::NotRun { error: None, wait_ms: None },
    };
    Round {
        answers: sends.iter().map(|asked| (asked.item.id.clone(), answer.clone())).collect(),
        trouble: Some(trouble.clone()),
    }
}
