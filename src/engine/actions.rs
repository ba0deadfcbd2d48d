//! Write-back actions whose online step the app runs itself.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    pin::pin,
    rc::Rc,
};

use futures_util::{
    future::{Either, LocalBoxFuture, select},
    lock::Mutex,
};
use serde::de::IgnoredAny;
use serde_json::Value;

use super::{client::Client, exchange::Trouble};
use crate::{
    core::{
        Durability, Origin, Ref,
        calls::{answered, calling},
        lease::renew_lease,
        present::iso,
        receive::Answer,
        retry::backoff_ms,
        stored::{Again, Call, Item, ItemError},
    },
    ports::{AuthReason, Clock, Entropy, Headers, Ports},
    wire::{
        Capabilities, Fields, Method, Request, Response,
        action::{ActionAnswer, RecordForSync},
    },
};

/// How long an online step may take, in ms: who hangs for ever would hold up all that is sent.
const STEP_MS: u64 = 5 * 60 * 1000;
/// How often the lease is renewed while a step runs, in ms.
const RENEW_MS: u64 = 10_000;

/// What a step gives to its caller, or why it says no.
pub type StepResult = Result<Value, StepFailed>;

/// An online step, as the app has registered it.
pub type OnlineStep<P> = Rc<dyn Fn(Step<P>, Value) -> LocalBoxFuture<'static, StepResult>>;

/// The step says no: the action is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StepFailed(pub String);

/// Why a call of a step has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallFailed {
    /// The step is over, or the sending was taken over by another context.
    #[error("This step is over: await everything that online() begins.")]
    Over,
    /// Two calls under one key would be taken for one.
    #[error("The key “{0}” is used twice in this step: give each call its own.")]
    SameKey(String),
    /// A path that is not the instance's would be given its headers.
    #[error("“{0}” is not a path of the instance.")]
    NotTheInstances(String),
    /// No answer came; the whole step is run again later.
    #[error("No answer came from the instance: {0}")]
    Unanswered(String),
}

/// An online step under way.
pub struct Step<P: Ports> {
    state: Rc<State<P>>,
}

impl<P: Ports> Clone for Step<P> {
    fn clone(&self) -> Self {
        Self { state: Rc::clone(&self.state) }
    }
}

struct State<P: Ports> {
    client: Client<P>,
    lease: u64,
    item: Item,
    keyed: bool,
    headers: RefCell<Headers>,
    used: RefCell<BTreeSet<String>>,
    calls: Cell<u32>,
    named: RefCell<Vec<RecordForSync>>,
    trouble: RefCell<Option<Trouble>>,
    /// A call that changes something has left, and what became of it is not known.
    in_doubt: Cell<bool>,
    status: Cell<u16>,
    /// A question was answered as no instance that is well answers it: what the step throws then is no refusal.
    hiccup: Cell<bool>,
    /// A call of this run has an answer that says nothing: none follows it, or its doubt would be lost.
    stopped: Cell<bool>,
    /// Calls that change something leave one by one, so that no more than one is ever in doubt.
    turn: Mutex<()>,
    over: Cell<bool>,
}

impl<P: Ports> Step<P> {
    /// When the user acted.
    pub fn acted_at(&self) -> String {
        iso(self.state.item.queued_at)
    }

    /// The same each time this action is run.
    pub fn idempotency_key(&self) -> &str {
        &self.state.item.idempotency_key
    }

    /// The records that the offline step made, by their temporary ids.
    pub fn records(&self) -> Vec<Ref> {
        let made = self.state.item.action.iter().flat_map(|action| action.made());
        made.map(|part| Ref { table: part.table.clone(), sys_id: part.sys_id.clone() }).collect()
    }

    /// Names the instance's record for one that the offline step made.
    pub fn add_record_for_sync(&self, table: &str, sys_id: &str, temporary: Option<&str>) {
        let (table, sys_id) = (table.to_owned(), sys_id.to_owned());
        self.state.named.borrow_mut().push(RecordForSync { table, sys_id, temp_sys_id: temporary.map(str::to_owned) });
    }

    /// Asks the instance, signed in. `path` is below the instance's address, or begins with a slash and is the same
    /// server's. A call that changes something is carried out once: what was answered before a kill is answered again
    /// without being sent, and what was not goes again under its key.
    ///
    /// # Errors
    /// [`CallFailed`].
    pub async fn call(&self, key: Option<String>, mut request: Request) -> Result<Response, CallFailed> {
        let state = &self.state;
        if state.over.get() {
            return Err(CallFailed::Over);
        }
        if let Some(trouble) = &*state.trouble.borrow() {
            return Err(unanswered(trouble));
        }
        state.calls.set(state.calls.get() + 1);
        let key = key.unwrap_or_else(|| state.calls.get().to_string());
        if !state.used.borrow_mut().insert(key.clone()) {
            return Err(CallFailed::SameKey(key));
        }
        let Some(path) = state.client.dialect().below(&request.path) else {
            return Err(CallFailed::NotTheInstances(request.path));
        };
        request.path = path;
        let asks = request.method == Method::Get;
        let answer = if asks { self.exchange(&request).await } else { self.change(&key, request).await };
        match answer {
            Ok(response) => {
                if asks && (!is_whole(&response) || says_nothing(&response)) {
                    state.hiccup.set(true);
                }
                if !response.is_success() {
                    state.status.set(response.status);
                }
                Ok(response)
            }
            Err(trouble) => {
                let failed = unanswered(&trouble);
                state.trouble.borrow_mut().get_or_insert(trouble);
                Err(failed)
            }
        }
    }

    async fn change(&self, key: &str, mut request: Request) -> Result<Response, Trouble> {
        let State { client, lease, item, .. } = &*self.state;
        let _turn = self.state.turn.lock().await;
        if self.state.stopped.get() || self.state.over.get() {
            return Err(Trouble::Unreachable("what became of the call before is not known".to_owned()));
        }
        let call = Call::of(key, &request);
        let known = item.action.iter().flat_map(|action| &action.calls).find(|known| known.is(&call));
        if let Some(known) = known {
            return Ok(known.response());
        }
        let again = client.dialect().again(client.schema(), &request);
        // What has left without a key before is not known by one.
        if (!self.state.keyed || item.keyless)
            && let Some(row) = self.found(&again).await?
        {
            let response = client.dialect().made(row);
            let call = call.with(&response);
            client.transact(Origin::Sync, Durability::Strict, |tx| answered(tx, *lease, &item.id, Some(&call))).await?;
            self.state.in_doubt.set(false);
            return Ok(response);
        }
        if self.state.keyed {
            request.headers.push(("Idempotency-Key".to_owned(), format!("{}:{key}", item.idempotency_key)));
        }
        // On disk before it leaves.
        client
            .transact(Origin::Sync, Durability::Strict, |tx| calling(tx, *lease, &item.id, key, again.clone()))
            .await?;
        self.state.in_doubt.set(true);
        // Noted as the answer, a portal's page would be given to the step for ever.
        let answer = self.exchange(&request).await.and_then(|response| match is_whole(&response) {
            true => Ok(response),
            false => Err(Trouble::NotTheInstance(format!("status {} with what is no whole answer", response.status))),
        });
        let known = match &answer {
            // The same key is being worked on: its answer is still to come.
            Ok(response) if response.status == 409 && response.retry_after(0).is_some() => false,
            Ok(response) => !says_nothing(response),
            Err(Trouble::SignIn | Trouble::Busy { in_doubt: false, .. }) => true,
            Err(_) => false,
        };
        if known {
            let call =
                answer.as_ref().ok().filter(|response| response.is_success()).map(|response| call.with(response));
            client
                .transact(Origin::Sync, Durability::Strict, |tx| answered(tx, *lease, &item.id, call.as_ref()))
                .await?;
            self.state.in_doubt.set(false);
        }
        self.state.stopped.set(!known);
        answer
    }

    /// The row that a call without a key has made in an earlier run of the step, if it has: whichever call it was then.
    async fn found(&self, again: &Again) -> Result<Option<Fields>, Trouble> {
        let State { client, item, .. } = &*self.state;
        let Again::Probe { table, temporary } = again else { return Ok(None) };
        if item.sent_at.is_none() {
            return Ok(None);
        }
        let schema = client.schema();
        let response = self.exchange(&client.dialect().carrying(schema, table, temporary)).await?;
        if !response.is_success() {
            return Err(Trouble::Unreachable(format!("the instance answered {}", response.status)));
        }
        let page = client.dialect().page(&response).map_err(Trouble::NotTheInstance)?;
        let field = schema.correlation_field(table).unwrap_or_default();
        Ok(page.rows.into_iter().find(|row| row.get(&field) == Some(temporary)))
    }

    /// Signed in once more where the session has run out.
    async fn exchange(&self, request: &Request) -> Result<Response, Trouble> {
        let State { client, lease, headers, .. } = &*self.state;
        let used = headers.borrow().clone();
        match client.exchange_once(*lease, request, &used).await {
            Err(Trouble::SignIn) => {
                let fresh = client.authorize(*lease, AuthReason::Expired).await?;
                headers.replace(fresh.clone());
                client.exchange_once(*lease, request, &fresh).await
            }
            came => came,
        }
    }
}

/// Whether an answer does not tell what became of what was asked.
fn says_nothing(response: &Response) -> bool {
    matches!(response.status, 0..200 | 408 | 500..)
}

/// Whether an answer can be the instance's: not a page, nor half of what it says.
fn is_whole(response: &Response) -> bool {
    let page = response.header("Content-Type").is_some_and(|mime| mime.to_ascii_lowercase().starts_with("text/html"));
    let cut = response.is_json() && serde_json::from_slice::<IgnoredAny>(&response.body).is_err();
    response.body.is_empty() || !(page || cut)
}

fn unanswered(trouble: &Trouble) -> CallFailed {
    match trouble {
        Trouble::SignIn => CallFailed::Unanswered("the user has to sign in".to_owned()),
        Trouble::Unreachable(why) | Trouble::Busy { why, .. } | Trouble::NotTheInstance(why) => {
            CallFailed::Unanswered(why.clone())
        }
        Trouble::Engine(_) => CallFailed::Over,
    }
}

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
        let step = Step {
            state: Rc::new(State {
                client: self.clone(),
                lease,
                item: item.clone(),
                keyed: capabilities.idempotency_key,
                headers: RefCell::new(headers.clone()),
                used: RefCell::default(),
                calls: Cell::new(0),
                named: RefCell::default(),
                trouble: RefCell::default(),
                in_doubt: Cell::new(action.calling.is_some()),
                status: Cell::new(0),
                hiccup: Cell::new(false),
                stopped: Cell::new(false),
                turn: Mutex::new(()),
                over: Cell::new(false),
            }),
        };
        let ended = self.wait_for(lease, online(step.clone(), action.input)).await;
        step.state.over.set(true);
        let ended = ended?;
        let trouble = step.state.trouble.take();
        let lost = |why: &str| ItemError { status: 0, message: why.to_owned(), detail: None };
        let wait_ms = || Some(backoff_ms(item.failures.saturating_add(1), self.ports().entropy().random()));
        // What the step has made of a call without an answer, it has made of nothing.
        let answer = match (&trouble, ended) {
            (Some(Trouble::Engine(error)), _) => return Err(error.clone().into()),
            (Some(trouble), _) if step.state.in_doubt.get() => {
                Answer::Unknown { error: lost(&unanswered(trouble).to_string()), wait_ms: None }
            }
            (Some(_), _) => Answer::NotRun { error: None, wait_ms: None },
            (None, None) => {
                let error = lost("The online step did not end within five minutes.");
                match step.state.in_doubt.get() {
                    true => Answer::Unknown { error, wait_ms: wait_ms() },
                    false => Answer::NotRun { error: Some(error), wait_ms: wait_ms() },
                }
            }
            (None, Some(Ok(result))) => {
                Answer::Acted(ActionAnswer { result, records_for_sync: step.state.named.take() })
            }
            (None, Some(Err(StepFailed(message)))) => {
                let error = ItemError { status: step.state.status.get(), message, detail: None };
                match step.state.in_doubt.get() {
                    true => Answer::Unknown { error, wait_ms: wait_ms() },
                    false if step.state.hiccup.get() => Answer::NotRun { error: Some(error), wait_ms: wait_ms() },
                    false => Answer::Refused(error),
                }
            }
        };
        Ok((answer, trouble))
    }

    /// Until the step ends, or has taken too long. The lease is held meanwhile.
    async fn wait_for(
        &self,
        lease: u64,
        step: LocalBoxFuture<'static, StepResult>,
    ) -> Result<Option<StepResult>, Trouble> {
        let mut step = step;
        let mut waited = 0;
        while waited < STEP_MS {
            let pause = pin!(self.ports().clock().sleep(RENEW_MS));
            match select(step, pause).await {
                Either::Left((ended, _)) => return Ok(Some(ended)),
                Either::Right((_, going_on)) => step = going_on,
            }
            waited += RENEW_MS;
            self.transact(Origin::Sync, Durability::Relaxed, |tx| renew_lease(tx, lease)).await?;
        }
        Ok(None)
    }
}
