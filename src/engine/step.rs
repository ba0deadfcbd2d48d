//! What an online step that the app runs itself is given: its calls, each of which takes effect once.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    rc::Rc,
};

use futures_util::lock::Mutex;
use serde::de::IgnoredAny;

use super::{
    actions::{StepFailed, StepResult},
    client::Client,
    exchange::Trouble,
    round::LATE_MS,
};
use crate::{
    core::{
        Durability, Origin, Ref,
        act::MAX_INPUT_BYTES,
        calls::{self, asked, fingerprint},
        present::iso,
        receive::Answer,
        retry::backoff_ms,
        stored::{Again, Asked, Call, Calling, Item, ItemError},
    },
    ports::{AuthReason, Clock, Entropy, Headers, Ports},
    wire::{
        Capabilities, Fields, Method, Request, Response,
        action::{ActionAnswer, RecordForSync},
    },
};

const CONTENT_TYPE: &str = "Content-Type";
/// The longest key that is sent as it is.
const LONGEST_KEY: usize = 100;

/// Why a call of a step has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallFailed {
    /// The step is over, or the sending was taken over by another context.
    #[error("This step is over: await everything that online() begins.")]
    Over,
    /// Two calls under one key would be taken for one.
    #[error("The key “{0}” is used twice in this step: give each call its own.")]
    SameKey(String),
    /// Which of the two it is now, the instance could not be asked by it.
    #[error("The key “{0}” was another call's when this step ran before: give each call a key of its own.")]
    Another(String),
    /// What is larger than an instance takes.
    #[error("The body has {bytes} bytes: {MAX_INPUT_BYTES} at most.")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
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
    named: RefCell<Vec<RecordForSync>>,
    trouble: RefCell<Option<Trouble>>,
    /// The keys of calls that have left, and of which it is not known what became.
    in_doubt: RefCell<BTreeSet<String>>,
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
    pub(super) fn new(
        client: &Client<P>,
        lease: u64,
        item: &Item,
        capabilities: &Capabilities,
        headers: &Headers,
    ) -> Self {
        Self {
            state: Rc::new(State {
                client: client.clone(),
                lease,
                item: item.clone(),
                keyed: capabilities.idempotency_key,
                headers: RefCell::new(headers.clone()),
                used: RefCell::default(),
                named: RefCell::default(),
                trouble: RefCell::default(),
                in_doubt: RefCell::new(left(item).map(|calling| calling.key.clone()).collect()),
                status: Cell::new(0),
                hiccup: Cell::new(false),
                stopped: Cell::new(false),
                turn: Mutex::new(()),
                over: Cell::new(false),
            }),
        }
    }

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

    /// No call leaves from here on. What comes of how it has `ended`, if it has: what the step has made of a call without
    /// an answer, it has made of nothing.
    pub(super) fn end(&self, ended: Result<Option<StepResult>, Trouble>) -> Result<(Answer, Option<Trouble>), Trouble> {
        let State { client, item, .. } = &*self.state;
        self.state.over.set(true);
        let ended = ended?;
        let trouble = self.state.trouble.take();
        let in_doubt = !self.state.in_doubt.borrow().is_empty();
        let lost = |why: &str| ItemError { status: 0, message: why.to_owned(), detail: None };
        let wait_ms = || Some(backoff_ms(item.failures.saturating_add(1), client.ports().entropy().random()));
        let answer = match (&trouble, ended) {
            (Some(Trouble::Engine(error)), _) => return Err(error.clone().into()),
            // Nothing was run: what is in doubt is what was before.
            (Some(Trouble::SignIn), _) => Answer::NotRun { error: None, wait_ms: None },
            (Some(trouble), _) if in_doubt => {
                Answer::Unknown { error: lost(&unanswered(trouble).to_string()), wait_ms: None }
            }
            (Some(_), _) => Answer::NotRun { error: None, wait_ms: None },
            (None, None) => {
                let error = lost("The online step did not end within five minutes.");
                match in_doubt {
                    true => Answer::Unknown { error, wait_ms: wait_ms() },
                    false => Answer::NotRun { error: Some(error), wait_ms: wait_ms() },
                }
            }
            (None, Some(Ok(result))) => {
                Answer::Acted(ActionAnswer { result, records_for_sync: self.state.named.take() })
            }
            (None, Some(Err(StepFailed(message)))) => {
                let error = ItemError { status: self.state.status.get(), message, detail: None };
                match in_doubt {
                    true => Answer::Unknown { error, wait_ms: wait_ms() },
                    false if self.state.hiccup.get() => Answer::NotRun { error: Some(error), wait_ms: wait_ms() },
                    false => Answer::Refused(error),
                }
            }
        };
        Ok((answer, trouble))
    }

    /// Asks the instance, signed in. `path` is below the instance's address, or begins with a slash and is the same
    /// server's. A call that changes something is carried out once: what was answered before a kill is answered again
    /// without being sent, and what was not goes again under its key, as it went first.
    ///
    /// It is told from the others of its step by `key`. Without one, by its method and path, by the temporary id that it
    /// brings along or else by its body, and by how many of these were before.
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
        let bytes = request.body.as_ref().map_or(0, Vec::len);
        if bytes > MAX_INPUT_BYTES {
            return Err(CallFailed::TooLarge { bytes });
        }
        let Some(path) = state.client.dialect().below(&request.path) else {
            return Err(CallFailed::NotTheInstances(request.path));
        };
        let asked = asked(&request, &request.path);
        request.path = path;
        let asks = request.method == Method::Get;
        let answer = match asks {
            true => self.exchange(&request).await,
            false => {
                let again = state.client.dialect().again(state.client.schema(), &request);
                let key = self.key(key, &asked, &again)?;
                self.change(Call { key, asked, ..Call::default() }, again, request).await
            }
        };
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

    /// By what a call is known again in the next run of the step. Taken for another it would be given that one's answer, and
    /// never be made.
    fn key(&self, given: Option<String>, asked: &Asked, again: &Again) -> Result<String, CallFailed> {
        let mut used = self.state.used.borrow_mut();
        let named = given.is_some();
        let key = given.unwrap_or_else(|| {
            let what = match again {
                Again::Probe { temporary, .. } => temporary.clone(),
                _ => String::new(),
            };
            let nth = |nth: usize| format!("{} {what} {nth}", asked.line);
            (1..).map(nth).find(|key| !used.contains(key)).unwrap_or_default()
        });
        if !used.insert(key.clone()) {
            return Err(CallFailed::SameKey(key));
        }
        let calls = self.state.item.action.iter().flat_map(|action| &action.calls);
        let mut before = calls
            .map(|call| (&call.key, &call.asked))
            .chain(left(&self.state.item).map(|left| (&left.key, &left.asked)));
        let is_this = |before: &Asked| {
            let own_name = named || matches!(again, Again::Probe { .. });
            before.line == asked.line && (own_name || before.body == asked.body)
        };
        match before.find(|(known, _)| **known == key).is_none_or(|(_, before)| is_this(before)) {
            true => Ok(key),
            false => Err(CallFailed::Another(key)),
        }
    }

    async fn change(&self, call: Call, again: Again, mut request: Request) -> Result<Response, Trouble> {
        let State { client, item, .. } = &*self.state;
        let _turn = self.state.turn.lock().await;
        // Until it is known what became of this one, whatever ends it.
        if self.state.stopped.replace(true) || self.state.over.get() {
            return Err(Trouble::Unreachable("what became of the call before is not known".to_owned()));
        }
        let known = item.action.iter().flat_map(|action| &action.calls).find(|known| known.key == call.key);
        if let Some(known) = known {
            self.state.stopped.set(false);
            return Ok(known.response());
        }
        let left = left(item).find(|left| left.key == call.key);
        if let Some(left) = left.filter(|left| left.body.is_some()) {
            request.body = left.body.clone().map(String::into_bytes);
            request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case(CONTENT_TYPE));
            request.headers.extend(left.content_type.clone().map(|mime| (CONTENT_TYPE.to_owned(), mime)));
        }
        // What has left without a key before is not known by one, and a key is not remembered for ever.
        if (!self.state.keyed || item.keyless || left.is_some())
            && let Some(row) = self.found(&again).await?.or_else(|| self.come_by(&again))
        {
            let response = client.dialect().made(row);
            self.note_answer(&call.key, Some(&call.clone().with(&response))).await?;
            self.state.stopped.set(false);
            return Ok(response);
        }
        let is_repeat = left.is_none_or(|left| asked(&request, "").body == left.asked.body);
        // Noted as the answer, a portal's page would be given to the step for ever.
        let answer =
            self.leave(&call, again, request, left.is_some()).await.and_then(|response| match is_whole(&response) {
                true => Ok(response),
                false => {
                    Err(Trouble::NotTheInstance(format!("status {} with what is no whole answer", response.status)))
                }
            });
        let known = match &answer {
            // The same key is being worked on: its answer is still to come.
            Ok(response) if response.status == 409 && response.retry_after(0).is_some() => false,
            // Of what is another request to the instance, it says nothing of the one before.
            Ok(response) if !response.is_success() && !is_repeat => false,
            Ok(response) => !says_nothing(response),
            // This one was not run. What left before it may have been.
            Err(Trouble::SignIn | Trouble::Busy { in_doubt: false, .. }) => left.is_none(),
            Err(_) => false,
        };
        if known {
            let carried_out = answer.as_ref().ok().filter(|response| response.is_success());
            let carried_out = carried_out.map(|response| call.clone().with(response));
            self.note_answer(&call.key, carried_out.as_ref()).await?;
        }
        self.state.stopped.set(!known);
        answer
    }

    /// On disk before it leaves. Frozen in between, or waiting for the user to sign in, the lease may be another's by now:
    /// it is noted anew then.
    async fn leave(&self, call: &Call, again: Again, mut request: Request, before: bool) -> Result<Response, Trouble> {
        let State { client, lease, item, headers, .. } = &*self.state;
        let mime = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(CONTENT_TYPE));
        let mut calling = Calling {
            key: call.key.clone(),
            again,
            left_at: 0,
            asked: Asked { body: asked(&request, "").body, ..call.asked.clone() },
            body: request.body.clone().and_then(|body| String::from_utf8(body).ok()),
            content_type: mime.map(|(_, mime)| mime.clone()),
        };
        if self.state.keyed {
            let key = format!("{}:{}", item.idempotency_key, on_the_wire(&call.key));
            request.headers.push(("Idempotency-Key".to_owned(), key));
        }
        let mut signed_in = false;
        loop {
            calling.left_at = client.ports().clock().now_ms();
            client
                .transact(Origin::Sync, Durability::Strict, |tx| calls::calling(tx, *lease, &item.id, &calling))
                .await?;
            if self.state.over.get() {
                return Err(Trouble::Unreachable("the step was over before it left".to_owned()));
            }
            if client.ports().clock().now_ms().saturating_sub(calling.left_at) > LATE_MS {
                continue;
            }
            self.state.in_doubt.borrow_mut().insert(call.key.clone());
            let used = headers.borrow().clone();
            match client.exchange_once(*lease, &request, &used).await {
                Err(Trouble::SignIn) if !signed_in => {
                    signed_in = true;
                    // The app may leave the page to sign in: nothing is in doubt meanwhile that was not before.
                    if !before {
                        self.note_answer(&call.key, None).await?;
                    }
                    headers.replace(client.authorize(*lease, AuthReason::Expired).await?);
                }
                came => return came,
            }
        }
    }

    async fn note_answer(&self, key: &str, call: Option<&Call>) -> Result<(), Trouble> {
        let State { client, lease, item, .. } = &*self.state;
        client
            .transact(Origin::Sync, Durability::Strict, |tx| calls::answered(tx, *lease, &item.id, key, call))
            .await?;
        self.state.in_doubt.borrow_mut().remove(key);
        Ok(())
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

    /// What a pull or a probe had come by, and is gone since: the user may have deleted it meanwhile.
    fn come_by(&self, again: &Again) -> Option<Fields> {
        let Again::Probe { table, temporary } = again else { return None };
        let State { client, item, .. } = &*self.state;
        let part = item.action.as_ref()?.made().find(|part| part.sys_id == *temporary)?;
        let sys_id = part.landed.clone()?;
        let field = client.schema().correlation_field(table)?;
        Some([("sys_id".to_owned(), sys_id), (field, temporary.clone())].into())
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

/// The calls that had left when the step was begun, and of which it is not known what became.
fn left(item: &Item) -> impl Iterator<Item = &Calling> {
    item.action.iter().flat_map(|action| &action.calling)
}

/// A key as a header may hold it, and short enough for an instance that keeps 255 characters.
fn on_the_wire(key: &str) -> String {
    let fits = key.len() <= LONGEST_KEY && key.trim() == key && key.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if fits { key.to_owned() } else { format!("{:016x}", fingerprint(key.as_bytes())) }
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
