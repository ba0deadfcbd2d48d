//! The way to an instance in memory, with the faults of a real one.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
};

use super::{MemoryInstance, yield_now};
use crate::{
    ports::{AuthReason, AuthUnavailable, Headers, Remote, RemoteError},
    wire::{Request, Response},
};

/// What becomes of one request.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// It never arrives.
    LoseRequest,
    /// It is carried out, and the answer is lost.
    LoseAnswer,
    /// It is carried out twice.
    Repeat,
    /// Something else answers; it is not carried out.
    Answer(Response),
    /// It is carried out, but this answers.
    Garble(Response),
}

type Rule = Rc<dyn Fn(&Request) -> Option<Fault>>;

#[derive(Default)]
struct Shared {
    faults: RefCell<VecDeque<Option<Fault>>>,
    rule: RefCell<Option<Rule>>,
    offline: Cell<bool>,
    signed_out: Cell<bool>,
    auth_hangs: Cell<bool>,
    auth: RefCell<Option<Result<Headers, AuthUnavailable>>>,
    auth_asked: RefCell<Vec<AuthReason>>,
    sent: Cell<u32>,
}

/// One line to an instance. Clones are the same line.
#[derive(Clone)]
pub struct MemoryRemote {
    instance: MemoryInstance,
    shared: Rc<Shared>,
}

impl std::fmt::Debug for MemoryRemote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryRemote").field("sent", &self.shared.sent.get()).finish_non_exhaustive()
    }
}

impl MemoryRemote {
    /// A line that works.
    pub fn new(instance: MemoryInstance) -> Self {
        Self { instance, shared: Rc::default() }
    }

    /// Cuts the line, or mends it.
    pub fn set_offline(&self, offline: bool) {
        self.shared.offline.set(offline);
    }

    /// The instance takes no headers, or takes them again.
    pub fn set_signed_out(&self, signed_out: bool) {
        self.shared.signed_out.set(signed_out);
    }

    /// `auth` gives no answer, or answers again.
    pub fn set_auth_hangs(&self, hangs: bool) {
        self.shared.auth_hangs.set(hangs);
    }

    /// What `auth` gives from now on: no headers, until it is told.
    pub fn set_auth(&self, answer: Result<Headers, AuthUnavailable>) {
        self.shared.auth.replace(Some(answer));
    }

    /// What becomes of the next request that nothing is planned for yet; `None` lets it pass.
    pub fn plan(&self, fault: Option<Fault>) {
        self.shared.faults.borrow_mut().push_back(fault);
    }

    /// What becomes of every request that nothing is planned for, as of one that is too large for a slow line.
    pub fn set_rule(&self, rule: impl Fn(&Request) -> Option<Fault> + 'static) {
        *self.shared.rule.borrow_mut() = Some(Rc::new(rule));
    }

    /// Requests sent so far.
    pub fn sent(&self) -> u32 {
        self.shared.sent.get()
    }

    /// Each time `auth` was asked.
    pub fn auth_asked(&self) -> Vec<AuthReason> {
        self.shared.auth_asked.borrow().clone()
    }
}

impl Remote for MemoryRemote {
    async fn send(&self, request: &Request, _timeout_ms: u64) -> Result<Response, RemoteError> {
        self.shared.sent.set(self.shared.sent.get() + 1);
        yield_now().await;
        let lost = || Err(RemoteError::Unreachable("the line is cut".to_owned()));
        if self.shared.offline.get() {
            return lost();
        }
        if self.shared.signed_out.get() {
            return Ok(Response { status: 401, ..Response::default() });
        }
        let planned = self.shared.faults.borrow_mut().pop_front();
        let rule = self.shared.rule.borrow().clone();
        match planned.unwrap_or_else(|| rule.and_then(|rule| rule(request))) {
            None => Ok(self.instance.run(request)),
            Some(Fault::LoseRequest) => lost(),
            Some(Fault::LoseAnswer) => {
                self.instance.run(request);
                lost()
            }
            Some(Fault::Repeat) => {
                self.instance.run(request);
                Ok(self.instance.run(request))
            }
            Some(Fault::Answer(response)) => Ok(response),
            Some(Fault::Garble(response)) => {
                self.instance.run(request);
                Ok(response)
            }
        }
    }

    async fn authorize(&self, reason: AuthReason) -> Result<Headers, AuthUnavailable> {
        self.shared.auth_asked.borrow_mut().push(reason);
        while self.shared.auth_hangs.get() {
            yield_now().await;
        }
        self.shared.auth.borrow().clone().unwrap_or(Ok(Headers::new()))
    }

    fn maybe_online(&self) -> bool {
        !self.shared.offline.get()
    }
}
