//! Sending: choose, and play one round after another, until nothing more can move.

use std::collections::BTreeSet;

use super::{
    client::Client,
    dialect::keys,
    error::EngineError,
    exchange::Trouble,
    report::{EndedBy, Phase, Progress, SyncReport},
    round::{Came, failed_alone, lost_before, resolves},
    sync::SyncOptions,
};
use crate::{
    core::{
        Found, Key, Read, Scan, StoreName,
        plan::{Keys, Known, Plan, Room, add_dependants, is_beyond_asking, plan},
        stored::{Item, Proofs, mention},
    },
    ports::{AuthReason, Clock, Headers, Ports, Store},
    wire::Capabilities,
};

/// How often in a row nothing at all may come of a request before the run ends.
const MOST_FRUITLESS: u32 = 3;
/// How many outbox rows are read at a time in search of some that are due.
const PAGE: u32 = 200;

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
        // What the line has failed in this run, though it carried something else: not again before the next run, or
        // two of them would take turns for ever.
        let mut lost = BTreeSet::new();
        let mut looked = BTreeSet::new();
        let total = self.counts([Scan::key(StoreName::Outbox, Key::default())]).await?[0];
        loop {
            if self.is_stopped(options) {
                return Ok(EndedBy::Aborted);
            }
            report.pulled += self.read_opened(lease).await?;
            let course = self.course().await?;
            if course.offline {
                return Ok(EndedBy::Offline);
            }
            let known = self.session().capabilities();
            // After a failure a single item tries the line, so that no more than that becomes unknown.
            let suspect = course.failures > 0 || !lost.is_empty();
            let mut room = self.room(suspect && !answered);
            // As long as it is not known whether the instance knows keys, there is something to do if there would be
            // with them: it is asked then.
            let silent =
                |answered: bool| if answered { BTreeSet::new() } else { self.session().silent.borrow().clone() };
            let mut plan = self.next_plan(room, self.keys(), &silent(answered), &lost).await?;
            if plan.is_empty() {
                return Ok(ended(&plan));
            }
            let capabilities = self.capabilities(lease, &mut headers).await?;
            if known.is_none() {
                // The line holds if the instance has said what it can do: of what could not be read, nobody knows who
                // said it. And the plan is made anew by what is known now.
                answered |= self.dialect().capabilities().is_some() && self.session().capabilities().is_some();
                room = self.room(suspect && !answered);
                plan = self.next_plan(room, keys(&capabilities), &silent(answered), &lost).await?;
                if plan.is_empty() {
                    return Ok(ended(&plan));
                }
            }
            if !answered && let Some(table) = self.beyond_asking(&plan, &capabilities).await? {
                answered = self.try_the_line(lease, &table, &mut headers).await?;
                continue;
            }
            // Nor does what the line has failed before try it: whose fault it is would not be known, and nothing behind
            // it would ever get its turn.
            let again = plan.send.iter().find(|item| lost_before(item)).filter(|_| !answered && plan.probe.is_empty());
            let again = again.map(|item| self.table_of(item));
            if let Some(table) = &again {
                answered = self.try_the_line(lease, table, &mut headers).await?;
                if answered {
                    continue;
                }
            }
            // What has failed by itself goes by itself from then on: among others it would spoil it for all of them.
            let (alone, others): (Vec<Item>, Vec<Item>) = plan.send.into_iter().partition(failed_alone);
            plan.send = match others.is_empty() && plan.probe.is_empty() {
                true => alone.into_iter().take(1).collect(),
                false => others,
            };
            // A step that the app runs is a round of its own.
            if let Some(at) = plan.send.iter().position(is_by_app) {
                plan.send.truncate(at.max(usize::from(plan.probe.is_empty())));
            }
            // Something has answered the question, if not as it should.
            let line_held = answered || again.is_some();
            if resolves(&capabilities) && room.items > 1 {
                self.fill(&mut plan, room).await?;
            }
            // Not after the look: to sign in may take minutes.
            if headers.is_none() {
                headers = Some(self.authorize(lease, AuthReason::Send).await?);
            }
            if self.look_beforehand(lease, &plan, &capabilities, &mut headers, &mut looked).await? {
                answered = true;
                continue;
            }
            looked.clear();
            let count = plan.probe.len() + plan.send.len();
            let sent: Vec<String> = plan.send.iter().map(|item| item.id.clone()).collect();
            let came = match self.round(lease, plan, &capabilities, &mut headers, line_held, report).await {
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
            if came == Came::Lost {
                answered = false;
                lost.extend(sent);
            }
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

    /// Walks the outbox until the plan is full or nothing is left. What may not go yet is in other ranges
    /// of the index, or passed over: so is what must not be lost on the way, of the `silent` tables, and what was `lost`.
    pub(super) async fn next_plan(
        &self,
        room: Room,
        keys: Option<Keys>,
        silent: &BTreeSet<String>,
        lost: &BTreeSet<String>,
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
                let capabilities = self.session().capabilities();
                let kept = |item: &Item| {
                    self.can_run(item, capabilities.as_ref())
                        && (!silent.contains(&self.table_of(item)) || !is_beyond_asking(&known, item))
                };
                items.retain(|item| kept(item) && !lost.contains(&item.id));
                left |= items.len() < rows.len() && !(silent.is_empty() && lost.is_empty());
                due.extend(items);
                best = plan(&known, due.clone(), room);
                best.left = left;
                if at_end || best.full {
                    break;
                }
                scan.after = Some(prefix.with(&last.unwrap_or_default()));
            }
            if best.full {
                break;
            }
        }
        Ok(best)
    }

    /// A table by which the line can be tried for an item: its own, one of those that an action is about, or any.
    fn table_of(&self, item: &Item) -> String {
        let own = item.records().first().map(|(table, _)| *table);
        own.or_else(|| self.schema().tables().next().map(|(table, _)| table)).unwrap_or_default().to_owned()
    }

    /// The table of an item that must not be lost on the way, if the plan has one.
    async fn beyond_asking(&self, plan: &Plan, capabilities: &Capabilities) -> Result<Option<String>, EngineError> {
        let proofs = self.proofs().await?;
        let known = self.known(&proofs, keys(capabilities));
        Ok(plan.send.iter().find(|item| is_beyond_asking(&known, item)).map(|item| self.table_of(item)))
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
}

fn is_by_app(item: &Item) -> bool {
    item.action.as_ref().is_some_and(|action| action.by_app)
}

/// How a run ends that has nothing more to do now.
fn ended(plan: &Plan) -> EndedBy {
    if plan.next_at.is_some() || plan.left { EndedBy::Backoff } else { EndedBy::Done }
}
