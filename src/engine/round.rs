//! One round: claim, ask, take the answers in; and how much goes in one.

use super::{
    client::Client,
    dialect::{Asked, Batch, BatchItem, Intent, Verdict},
    exchange::Trouble,
    report::SyncReport,
};
use crate::{
    core::{
        Durability, Origin,
        plan::{Plan, Room, size},
        receive::{Answer, With, claim, receive},
        retry::backoff_ms,
        stored::{Item, ItemError},
    },
    ports::{AuthReason, Clock, Entropy, Headers, Ports},
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

/// What came of a plan.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
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
    pub(super) fn room(&self, trying: bool) -> Room {
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

    /// Claims, asks, takes the answers in.
    pub(super) async fn round(
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
        let id = self.ports().entropy().uuid().simple().to_string();
        let answer = match requests.as_slice() {
            [] => return Ok(Round { answers: Vec::new(), trouble: None }),
            [request] => self.exchange_once(lease, request, headers).await,
            many => self.exchange_once(lease, &self.dialect().batch(&id, many), headers).await,
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
        Ok(self.take_batch(&id, &sends, &response, now))
    }

    fn take_batch(&self, id: &str, sends: &[Asked<'_>], response: &Response, now: u64) -> Round {
        let each = |answer: Answer, trouble| Round {
            answers: sends.iter().map(|asked| (asked.item.id.clone(), answer.clone())).collect(),
            trouble,
        };
        let not_run = || each(Answer::NotRun { error: None, wait_ms: None }, None);
        match self.dialect().unbatch(id, response, sends.len()) {
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

/// Whether what depends on a create may travel with it.
pub(super) fn resolves(capabilities: &Capabilities) -> bool {
    capabilities.resolves_temp_ids && capabilities.ordered_batch
}
