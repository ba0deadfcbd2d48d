//! Listeners of the app.
//!
//! What happens is put in a queue and told in a microtask: by then the engine's call has returned, nothing is
//! borrowed, and a listener may do as it likes, also throw.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::{Rc, Weak},
};

use js_sys::Function;
use serde_json::json;
use wasm_bindgen::{JsCast as _, JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::spawn_local;

use super::{failure::Failure, fields, opened::Opened};
use crate::{
    core::Event,
    engine::Status,
    ports::{Clock as _, Ports as _},
};

/// How long to wait for more before `status()` is asked for the listeners, in ms: it reads the database.
const STATUS_MS: u64 = 25;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn console_error(what: &JsValue);
}

/// What can be listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Change,
    Reconciled,
    Settled,
    Outbox,
    Status,
    Stuck,
    Evicted,
    Superseded,
    Error,
}

impl Kind {
    const ALL: [(&'static str, Self); 9] = [
        ("change", Self::Change),
        ("reconciled", Self::Reconciled),
        ("settled", Self::Settled),
        ("outbox", Self::Outbox),
        ("status", Self::Status),
        ("stuck", Self::Stuck),
        ("evicted", Self::Evicted),
        ("superseded", Self::Superseded),
        ("error", Self::Error),
    ];

    /// By the name the app uses.
    pub fn new(given: &JsValue) -> Result<Self, Failure> {
        let named = |name: String| Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
        given.as_string().and_then(named).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|(name, _)| *name).collect();
            Failure::argument(format!("There is no such event. There are: {}.", names.join(", ")))
        })
    }
}

struct Listener {
    number: u64,
    /// The handle it was added through: it goes when that is closed.
    owner: u64,
    kind: Kind,
    function: Function,
}

/// The listeners of one database in this page, and what they are still to be told.
#[derive(Default)]
pub struct Events {
    opened: RefCell<Weak<Opened>>,
    listeners: RefCell<Vec<Listener>>,
    next: Cell<u64>,
    queue: RefCell<VecDeque<(Kind, JsValue)>>,
    telling: Cell<bool>,
    status_due: Cell<bool>,
    outbox_due: Cell<bool>,
}

impl Events {
    /// Whom to ask for the status.
    pub fn belong_to(&self, opened: &Rc<Opened>) {
        self.opened.replace(Rc::downgrade(opened));
    }

    /// The number takes the listener away again.
    pub fn add(self: &Rc<Self>, owner: u64, kind: Kind, function: Function) -> u64 {
        let number = self.next.replace(self.next.get() + 1);
        self.listeners.borrow_mut().push(Listener { number, owner, kind, function });
        // What was thrown away before the page could listen is told to each that comes.
        if kind == Kind::Evicted
            && let Some(value) = self.evicted()
        {
            let this = Rc::clone(self);
            spawn_local(async move { this.tell_one(number, &value) });
        }
        number
    }

    fn evicted(&self) -> Option<JsValue> {
        fields::report(&self.opened.borrow().upgrade()?.client().evicted()?).ok()
    }

    pub fn remove(&self, number: u64) {
        self.listeners.borrow_mut().retain(|listener| listener.number != number);
    }

    pub fn remove_of(&self, owner: u64) {
        self.listeners.borrow_mut().retain(|listener| listener.owner != owner);
    }

    fn has(&self, kind: Kind) -> bool {
        self.listeners.borrow().iter().any(|listener| listener.kind == kind)
    }

    /// Takes an event of the engine.
    pub fn hear(self: &Rc<Self>, event: &Event) {
        match event {
            Event::Change { table, sys_ids, origin } => {
                self.put(Kind::Change, || json!({ "table": table, "sys_ids": sys_ids, "origin": origin }));
            }
            Event::Reconciled { table, temporary, sys_id } => {
                self.put(Kind::Reconciled, || json!({ "table": table, "temporary": temporary, "sys_id": sys_id }));
            }
            Event::Settled { receipts } => {
                for receipt in receipts {
                    self.put(Kind::Settled, || json!(receipt));
                }
            }
            // Counted here and again: what another context counted may be overtaken on the way by what this one did.
            Event::Outbox { .. } => {
                self.outbox_due.set(true);
                self.ask_status();
            }
            Event::Stuck { pending, explain } => {
                self.put(Kind::Stuck, || json!({ "pending": pending, "explain": explain }));
            }
            Event::Evicted { .. } => {
                if self.has(Kind::Evicted)
                    && let Some(value) = self.evicted()
                {
                    self.queue(Kind::Evicted, value);
                }
            }
            Event::Status => self.ask_status(),
            Event::Error { code, message, retryable } => {
                self.fail(Failure::new(code, message.as_str()).retryable(*retryable));
            }
        }
    }

    /// A newer version of the app has the database now. Who does not listen for that hears of a failure.
    pub fn superseded(self: &Rc<Self>, by_version: u32, failure: Failure) {
        if self.has(Kind::Superseded) {
            self.put(Kind::Superseded, || json!({ "byVersion": by_version }));
        } else {
            self.fail(failure);
        }
    }

    /// Something failed outside anyone's call.
    pub fn fail(self: &Rc<Self>, failure: Failure) {
        let error = JsValue::from(failure);
        if self.has(Kind::Error) {
            self.queue(Kind::Error, error);
        } else {
            console_error(&error);
        }
    }

    fn put(self: &Rc<Self>, kind: Kind, what: impl FnOnce() -> serde_json::Value) {
        if self.has(kind)
            && let Ok(value) = fields::report(&what())
        {
            self.queue(kind, value);
        }
    }

    fn queue(self: &Rc<Self>, kind: Kind, value: JsValue) {
        self.queue.borrow_mut().push_back((kind, value));
        if !self.telling.replace(true) {
            let this = Rc::clone(self);
            spawn_local(async move { this.tell() });
        }
    }

    fn tell(&self) {
        self.telling.set(false);
        loop {
            let Some((kind, value)) = self.queue.borrow_mut().pop_front() else { return };
            let told: Vec<u64> = {
                let listeners = self.listeners.borrow();
                listeners.iter().filter(|listener| listener.kind == kind).map(|listener| listener.number).collect()
            };
            for number in told {
                self.tell_one(number, &value);
            }
        }
    }

    /// Unless it is gone: one told before it may have taken it away.
    fn tell_one(&self, number: u64, value: &JsValue) {
        let function = {
            let listeners = self.listeners.borrow();
            listeners.iter().find(|listener| listener.number == number).map(|listener| listener.function.clone())
        };
        if let Some(function) = function {
            call(&function, value);
        }
    }

    fn ask_status(self: &Rc<Self>) {
        let wanted = self.has(Kind::Status) || (self.outbox_due.get() && self.has(Kind::Outbox));
        if !wanted || self.status_due.replace(true) {
            return;
        }
        let this = Rc::clone(self);
        spawn_local(async move {
            let Some(opened) = this.opened.borrow().upgrade() else { return };
            opened.client().ports().clock().sleep(STATUS_MS).await;
            // From here on a change counts as a new one: it may be too late for this answer.
            this.status_due.set(false);
            let outbox = this.outbox_due.take();
            let Ok(status) = opened.client().status().await else { return };
            if outbox {
                let Status { pending, refused, conflicts, .. } = status;
                this.put(Kind::Outbox, || json!({ "pending": pending, "refused": refused, "conflicts": conflicts }));
            }
            this.put(Kind::Status, || json!(status));
        });
    }
}

/// Calls a function of the app. What it throws is reported, as the browser does with its own listeners.
pub fn call(function: &Function, argument: &JsValue) {
    let Err(thrown) = function.call1(&JsValue::UNDEFINED, argument) else { return };
    let global = js_sys::global();
    let report = js_sys::Reflect::get(&global, &JsValue::from_str("reportError")).ok();
    match report.as_ref().and_then(|report| report.dyn_ref::<Function>()) {
        Some(report) => drop(report.call1(&global, &thrown)),
        None => console_error(&thrown),
    }
}
