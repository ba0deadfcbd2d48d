//! Write-back actions whose online step the app runs itself.

use std::{pin::pin, rc::Rc};

use futures_util::future::{Either, LocalBoxFuture, select};
use serde_json::Value;

use super::{client::Client, exchange::Trouble, step::Step};
use crate::{
    core::{Durability, Origin, lease::renew_lease, receive::Answer, stored::Item},
    ports::{Clock, Headers, Ports},
    wire::Capabilities,
};

/// How long an online step may take, in ms: who hangs for ever would hold up all that is sent.
const STEP_MS: u64 = 5 * 60 * 1000;
/// How often the lease is renewed while a step runs, in ms.
const RENEW_MS: u64 = 10_000;
/// The longest that passes between two turns of a page that runs, in ms: browsers give one in the background a turn a minute.
const LONGEST_TURN_MS: u64 = 60_000;

/// What a step gives to its caller, or why it says no.
pub type StepResult = Result<Value, StepFailed>;

/// An online step, as the app has registered it.
pub type OnlineStep<P> = Rc<dyn Fn(Step<P>, Value) -> LocalBoxFuture<'static, StepResult>>;

/// The step says no: the action is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StepFailed(pub String);

impl<P: Ports> Client<P> {
    /// Registers the online step of an action. Do it in every context that may send.
    pub fn register(&self, name: &str, online: OnlineStep<P>) {
        self.steps().borrow_mut().insert(name.to_owned(), online);
    }

    /// Whether the app has said that the instance may have extras.
    pub fn may_have_extras(&self) -> bool {
        self.dialect().capabilities().is_some()
    }

    /// Whether this context can have it carried out: else it is left to one that can.
    pub(super) fn can_run(&self, item: &Item, capabilities: Option<&Capabilities>) -> bool {
        match &item.action {
            None => true,
            Some(action) if action.by_app => self.steps().borrow().contains_key(&action.name),
            Some(_) => capabilities.map_or(self.may_have_extras(), |known| known.actions),
        }
    }

    /// Runs the online step of a claimed item. Gives its answer, and what ends the run.
    pub(super) async fn run_step(
        &self,
        lease: u64,
        item: &Item,
        capabilities: &Capabilities,
        headers: &Headers,
    ) -> Result<(Answer, Option<Trouble>), Trouble> {
        let action = item.action.clone().unwrap_or_default();
        let online = self.steps().borrow().get(&action.name).cloned();
        let Some(online) = online else { return Ok((Answer::NotRun { error: None, wait_ms: None }, None)) };
        let step = Step::new(self, lease, item, capabilities, headers);
        let ended = self.wait_for(lease, online(step.clone(), action.input)).await;
        step.end(ended).await
    }

    /// Until the step ends, or has taken too long. The lease is held meanwhile.
    async fn wait_for(
        &self,
        lease: u64,
        step: LocalBoxFuture<'static, StepResult>,
    ) -> Result<Option<StepResult>, Trouble> {
        let mut step = step;
        let mut last = self.ports().clock().now_ms();
        let mut waited = 0;
        while waited < STEP_MS {
            let pause = pin!(self.ports().clock().sleep(RENEW_MS));
            match select(step, pause).await {
                Either::Left((ended, _)) => return Ok(Some(ended)),
                Either::Right((_, going_on)) => step = going_on,
            }
            // A page in the background is given few turns; a clock may be set, and a page be frozen.
            let now = self.ports().clock().now_ms();
            waited += now.saturating_sub(last).clamp(RENEW_MS, LONGEST_TURN_MS);
            last = now;
            self.transact(Origin::Sync, Durability::Relaxed, |tx| renew_lease(tx, lease)).await?;
        }
        Ok(None)
    }
}
