//! One round: claim, ask, take the answers in.

use super::{
    client::Client,
    dialect::{Asked, Batch, BatchItem, Intent, Verdict, keys},
    exchange::Trouble,
    report::SyncReport,
};
use crate::{
    core::{
        Durability, Origin,
        claim::{With, claim},
        plan::{Plan, size},
        receive::{Answer, receive},
        retry::backoff_ms,
        stored::{Item, ItemError},
    },
    ports::{AuthReason, Clock, Entropy, Headers, Ports},
    wire::{Capabilities, Response},
};

/// How long after its claim a request may still leave, in ms: well within the time a lease lasts.
pub(super) const LATE_MS: u64 = 10_000;

/// What came of a plan.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    /// Something became known by it.
    Moved,
    /// It was sent in vain.
    Nothing,
    /// One item was sent in vain that the line had failed before, though it had just carried something else. Whether it
    /// still does is not known.
    Lost,
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
    /// Claims, asks, takes the answers in. `line_held`: something has been answered before it in this run.
    pub(super) async fn round(
        &self,
        lease: u64,
        plan: Plan,
        capabilities: &Capabilities,
        headers: &mut Option<Headers>,
        line_held: bool,
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
        let with = With { keys: keys(capabilities), resolves: resolves(capabilities), guards: capabilities.if_match };
        let asked_at = self.ports().clock().now_ms();
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
        // Frozen since, another context may have asked about it meanwhile and found nothing: it is claimed anew, under
        // a lease that is found lost then.
        let late = self.ports().clock().now_ms().saturating_sub(asked_at) > LATE_MS;
        let mut round = match (late, sends.as_slice()) {
            (true, _) => not_run(&sends),
            (false, [(item, Intent::Send)]) if item.action.as_ref().is_some_and(|action| action.by_app) => {
                let (answer, trouble) = self.run_step(lease, item, capabilities, headers).await?;
                Round { answers: vec![(item.id.clone(), answer)], trouble }
            }
            (false, sends) => self.ask(lease, sends, capabilities, headers).await?,
        };
        // Carried by a line that carried something else, it failed once more: that is its own, and others get their turn.
        let own = line_held
            && matches!(round.trouble, Some(Trouble::Unreachable(_) | Trouble::NotTheInstance(_)))
            && matches!(sends.as_slice(), [(item, Intent::Send)] if lost_before(item));
        if own {
            round.trouble = None;
        }
        // Where the line failed, it is the line that waits: back again, everything goes at once.
        let line_holds = matches!(round.trouble, None | Some(Trouble::SignIn));
        for ((item, _), (_, answer)) in sends.iter().zip(&mut round.answers).filter(|_| line_holds) {
            if let Answer::Unknown { wait_ms: wait_ms @ None, .. }
            | Answer::NotRun { error: Some(_), wait_ms: wait_ms @ None } = answer
            {
                *wait_ms = Some(backoff_ms(item.failures.saturating_add(1), self.ports().entropy().random()));
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
            None if own => Ok(Came::Lost),
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
            Err(trouble) => {
                if matches!(trouble, Trouble::Unreachable(_)) && !single {
                    self.shrink(&sends);
                }
                return Ok(all(&sends, &trouble));
            }
        };
        let took_ms = now.saturating_sub(started);
        if single {
            self.adapt(&sends, took_ms);
            let mut answers = Vec::new();
            let trouble = sends.first().and_then(|asked| self.take(asked, &response, now, &mut answers));
            return Ok(Round { answers, trouble });
        }
        let batch = self.dialect().unbatch(&id, &response, sends.len());
        match &batch {
            Batch::Items(parts) if parts.iter().any(|part| matches!(part, Some(BatchItem::Ran(_)))) => {
                self.adapt(&sends, took_ms);
            }
            Batch::Items(_) | Batch::Unknown(_) | Batch::NotTheInstance(_) => self.shrink(&sends),
            Batch::Unsupported | Batch::TooLarge => {}
        }
        Ok(self.take_batch(batch, &sends, now))
    }

    fn take_batch(&self, batch: Batch, sends: &[Asked<'_>], now: u64) -> Round {
        let each = |answer: Answer, trouble| Round {
            answers: sends.iter().map(|asked| (asked.item.id.clone(), answer.clone())).collect(),
            trouble,
        };
        let not_run = || each(Answer::NotRun { error: None, wait_ms: None }, None);
        match batch {
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

fn not_run(sends: &[(Item, Intent)]) -> Round {
    let answer = Answer::NotRun { error: None, wait_ms: None };
    Round { answers: sends.iter().map(|(item, _)| (item.id.clone(), answer.clone())).collect(), trouble: None }
}

/// Whether the last time an item was sent nothing came back.
pub(super) fn lost_before(item: &Item) -> bool {
    item.error.as_ref().is_some_and(|error| error.status == 0)
}

/// Whether the line failed it though it carried others: only then does an item that was lost have a wait of its own.
pub(super) fn failed_alone(item: &Item) -> bool {
    lost_before(item) && item.next_attempt_at.is_some()
}

/// Whether what depends on a create may travel with it.
pub(super) fn resolves(capabilities: &Capabilities) -> bool {
    capabilities.resolves_temp_ids && capabilities.ordered_batch
}
