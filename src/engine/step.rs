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
    dialect::keys,
    exchange::Trouble,
};
use crate::{
    core::{
        Ref,
        act::MAX_INPUT_BYTES,
        calls::asked,
        plan::resends,
        present::iso,
        receive::Answer,
        retry::backoff_ms,
        stored::{Again, Asked, Call, Calling, Item, ItemError},
    },
    ports::{AuthReason, Clock, Entropy, Headers, Ports},
    wire::{
        Capabilities, Method, Request, Response,
        action::{ActionAnswer, RecordForSync},
    },
};

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
    /// What names no record.
    #[error(
        "{0}: addRecordForSync takes the instance's table and sys_id, and one of step.records for which it stands."
    )]
    NoName(String),
    /// No answer came; the whole step is run again later.
    #[error("No answer came from the instance: {0}")]
    Unanswered(String),
}

/// An online step under way.
pub struct Step<P: Ports> {
    pub(super) state: Rc<State<P>>,
}

impl<P: Ports> Clone for Step<P> {
    fn clone(&self) -> Self {
        Self { state: Rc::clone(&self.state) }
    }
}

pub(super) struct State<P: Ports> {
    pub(super) client: Client<P>,
    pub(super) lease: u64,
    pub(super) item: Item,
    pub(super) keyed: bool,
    /// A call that has left goes again under its key, and the instance still knows that.
    pub(super) repeats: bool,
    pub(super) headers: RefCell<Headers>,
    /// The keys of the calls that this run has come to.
    pub(super) used: RefCell<BTreeSet<String>>,
    named: RefCell<Vec<RecordForSync>>,
    trouble: RefCell<Option<Trouble>>,
    /// The keys of calls that have left, and of which it is not known what became.
    pub(super) in_doubt: RefCell<BTreeSet<String>>,
    status: Cell<u16>,
    /// A question was answered as no instance that is well answers it: what the step throws then is no refusal.
    hiccup: Cell<bool>,
    /// A call was turned away, or cannot be told of: whatever the step makes of that, it has not done all of its own.
    unmade: Cell<bool>,
    /// A call of this run has an answer that says nothing: none follows it, or its doubt would be lost.
    pub(super) stopped: Cell<bool>,
    /// Calls that change something leave one by one, so that a run leaves no more than one in doubt.
    pub(super) turn: Mutex<()>,
    pub(super) over: Cell<bool>,
}

impl<P: Ports> Step<P> {
    pub(super) fn new(
        client: &Client<P>,
        lease: u64,
        item: &Item,
        capabilities: &Capabilities,
        headers: &Headers,
    ) -> Self {
        let keys = keys(capabilities);
        let now = client.ports().clock().now_ms();
        let is_known = keys.is_some_and(|keys| keys.remember(item.sent_at.unwrap_or_default(), now));
        Self {
            state: Rc::new(State {
                client: client.clone(),
                lease,
                item: item.clone(),
                keyed: keys.is_some(),
                repeats: !item.keyless && is_known,
                headers: RefCell::new(headers.clone()),
                used: RefCell::default(),
                named: RefCell::default(),
                trouble: RefCell::default(),
                in_doubt: RefCell::new(left(item).map(|calling| calling.key.clone()).collect()),
                status: Cell::new(0),
                hiccup: Cell::new(false),
                unmade: Cell::new(false),
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
    ///
    /// # Errors
    /// [`CallFailed::Over`], [`CallFailed::NoName`].
    pub fn add_record_for_sync(&self, table: &str, sys_id: &str, temporary: Option<&str>) -> Result<(), CallFailed> {
        if self.state.over.get() {
            return Err(CallFailed::Over);
        }
        if sys_id.trim().is_empty() {
            return Err(CallFailed::NoName(format!("The sys_id of a {table} is empty")));
        }
        if let Some(temporary) = temporary.filter(|id| self.records().iter().all(|made| made.sys_id != *id)) {
            return Err(CallFailed::NoName(format!("“{temporary}” is none of this step's records")));
        }
        let (table, sys_id) = (table.to_owned(), sys_id.to_owned());
        self.state.named.borrow_mut().push(RecordForSync { table, sys_id, temp_sys_id: temporary.map(str::to_owned) });
        Ok(())
    }

    /// No call leaves from here on. What comes of how it has `ended`, if it has: what the step has made of a call without
    /// an answer, it has made of nothing.
    pub(super) async fn end(
        &self,
        ended: Result<Option<StepResult>, Trouble>,
    ) -> Result<(Answer, Option<Trouble>), Trouble> {
        let State { client, item, .. } = &*self.state;
        self.state.over.set(true);
        let ended = ended?;
        let mut trouble = self.state.trouble.take();
        if matches!(ended, Some(Err(_))) && trouble.is_none() && !self.state.hiccup.get() {
            trouble = self.settle_lost().await.err();
        }
        let in_doubt = !self.state.in_doubt.borrow().is_empty();
        let in_doubt_since = self.state.in_doubt.borrow().iter().any(|key| left(item).all(|left| left.key != *key));
        let lost = |why: &str| ItemError { status: 0, message: why.to_owned(), detail: None };
        let wait_ms = || Some(backoff_ms(item.failures.saturating_add(1), client.ports().entropy().random()));
        let answer = match (&trouble, ended) {
            (Some(Trouble::Engine(error)), _) => return Err(error.clone().into()),
            // Nothing was run: what is in doubt is what was before.
            (Some(Trouble::SignIn), _) if !in_doubt_since => Answer::NotRun { error: None, wait_ms: None },
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
            (None, Some(Ok(_))) if self.state.unmade.get() => {
                let error = lost("Not all of its calls could be made.");
                Answer::Unknown { error, wait_ms: wait_ms() }
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
            true => self.exchange(&request).await.map(Ok),
            false => {
                let again = match state.client.dialect().again(state.client.schema(), &request) {
                    Again::Ask if self.resends(&request) => Again::Send,
                    again => again,
                };
                let key = self.key(key, &asked, &again)?;
                self.change(Call { key, asked, ..Call::default() }, again, request).await
            }
        };
        match answer {
            Ok(Err(failed)) => {
                self.state.unmade.set(true);
                Err(failed)
            }
            Ok(Ok(response)) => {
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

    /// Whether the app has said that a call goes again where nobody can tell: of the table that it is about, or of all that
    /// the action has to do with.
    fn resends(&self, request: &Request) -> bool {
        let State { client, item, .. } = &*self.state;
        let table = client.dialect().table_of(request);
        table.map_or_else(|| resends(client.schema(), item), |table| client.schema().resends(table))
    }

    /// By what a call is known again in the next run of the step. Taken for another it would be given that one's answer, and
    /// never be made; taken for a new one it would be made twice.
    ///
    /// Without a key of its own it is the first that was noted before of the same method and path, and with the same
    /// temporary id or else body: which number it had then depends on what was refused, and on what is left out now.
    fn key(&self, given: Option<String>, asked: &Asked, again: &Again) -> Result<String, CallFailed> {
        let mut used = self.state.used.borrow_mut();
        let item = &self.state.item;
        let calls = item.action.iter().flat_map(|action| &action.calls).map(|call| (&call.key, &call.asked));
        let before: Vec<_> = calls.chain(left(item).map(|left| (&left.key, &left.asked))).collect();
        let temporary = match again {
            Again::Probe { temporary, .. } => temporary.as_str(),
            _ => "",
        };
        let is_this = |(key, known): &&(&String, &Asked)| {
            let same = if temporary.is_empty() { known.body == asked.body } else { key.contains(temporary) };
            !used.contains(*key) && known.line == asked.line && same
        };
        let named = given.is_some();
        let nth = || {
            let nth = |nth: usize| format!("{} {temporary} {nth}", asked.line);
            (1..).map(nth).find(|key| !used.contains(key)).unwrap_or_default()
        };
        let noted = || before.iter().find(is_this).map(|(key, _)| (*key).clone());
        let key = given.or_else(noted).unwrap_or_else(nth);
        if used.contains(&key) {
            return Err(CallFailed::SameKey(key));
        }
        let own_name = named || !temporary.is_empty();
        let is_another = |known: &Asked| known.line != asked.line || !(own_name || known.body == asked.body);
        if before.iter().any(|(known, asked)| **known == key && is_another(asked)) {
            return Err(CallFailed::Another(key));
        }
        used.insert(key.clone());
        Ok(key)
    }

    /// Signed in once more where the session has run out.
    pub(super) async fn exchange(&self, request: &Request) -> Result<Response, Trouble> {
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
pub(super) fn says_nothing(response: &Response) -> bool {
    matches!(response.status, 0..200 | 408 | 500..)
}

/// Whether an answer can be the instance's: not a page, nor half of what it says.
pub(super) fn is_whole(response: &Response) -> bool {
    let page = response.header("Content-Type").is_some_and(|mime| mime.to_ascii_lowercase().starts_with("text/html"));
    let cut = response.is_json() && serde_json::from_slice::<IgnoredAny>(&response.body).is_err();
    response.body.is_empty() || !(page || cut)
}

/// The calls that had left when the step was begun, and of which it is not known what became.
pub(super) fn left(item: &Item) -> impl Iterator<Item = &Calling> {
    item.action.iter().flat_map(|action| &action.calling)
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
