//! Write-back actions: `action`, `run`, and what an online step is given.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use js_sys::{Function, Promise};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;

use super::{
    arguments::{self, Given},
    auto_sync::AutoSync,
    failure::Failure,
    fields::{self, plain, rows},
    opened::{Handle, Opened},
    promise::promise,
    transaction::{self, Ended},
};
use crate::{
    browser::{BrowserPorts, fetched, message},
    core::stored::Action,
    engine::{CallFailed, Step, StepFailed},
};

/// The actions of one database, as the app has registered them in this context.
#[derive(Default)]
pub struct Actions(RefCell<BTreeMap<String, Rc<Steps>>>);

struct Steps {
    offline: Option<Function>,
    consolidate: Option<Function>,
    by_app: bool,
    pairs_in_order: bool,
}

impl Actions {
    /// Registers an action; one of the same name gives way to it.
    pub fn register(opened: &Rc<Opened>, name: &JsValue, steps: &JsValue) -> Result<(), Failure> {
        let name = arguments::text(name, "The name of an action")?;
        if !steps.is_object() {
            return Err(Failure::argument("action() takes the steps of the action, an object."));
        }
        let given = Given::new(steps, "")?;
        given.only(&["offline", "online", "pairsInOrder", "consolidate"])?;
        let online = given.function("online")?;
        let steps = Steps {
            offline: given.function("offline")?,
            consolidate: given.function("consolidate")?,
            by_app: online.is_some(),
            pairs_in_order: given.flag("pairsInOrder")?.unwrap_or(false),
        };
        if let Some(online) = online {
            opened
                .client()
                .register(&name, Rc::new(move |step, input| Box::pin(run_online(online.clone(), step, input))));
        }
        opened.actions().0.borrow_mut().insert(name, Rc::new(steps));
        // What an earlier visit has left may have waited for just this.
        opened.with_auto_sync(AutoSync::unsent);
        Ok(())
    }

    /// Runs an action: its offline step is committed with its outbox item when this ends.
    pub async fn run(handle: &Handle, name: &JsValue, input: &JsValue) -> Result<JsValue, Failure> {
        let name = arguments::text(name, "The name of an action")?;
        let input = plain(input)
            .map_err(|why| Failure::new("not_json", format!("The input of “{name}” cannot be kept: {why}.")))?;
        let opened = handle.opened()?;
        let steps = opened.actions().0.borrow().get(&name).cloned();
        let steps = steps.ok_or_else(|| {
            Failure::argument(format!("There is no action “{name}” in this context: register it with action() first."))
        })?;
        if !steps.by_app && !opened.client().may_have_extras() {
            return Err(Failure::argument(format!(
                "Nobody can carry out “{name}”: it has no online step, and the instance was said to have no extras."
            )));
        }
        let given = rows(&input)?;
        let consolidate = match &steps.consolidate {
            None => None,
            Some(consolidate) => match consolidate.call1(&JsValue::UNDEFINED, &given) {
                Ok(key) => Some(arguments::text(&key, "What consolidate() gives")?),
                Err(thrown) => return Ok(Promise::reject(&thrown).into()),
            },
        };
        let action = Action {
            name,
            input,
            consolidate,
            by_app: steps.by_app,
            pairs_in_order: steps.pairs_in_order,
            ..Action::default()
        };
        // It may run again, and have changed what it was given.
        let work = |tx: &JsValue| match (&steps.offline, rows(&action.input)) {
            (Some(offline), Ok(input)) => offline.call2(&JsValue::UNDEFINED, tx, &input),
            (Some(_), Err(why)) => Err(why.into()),
            (None, _) => Ok(JsValue::UNDEFINED),
        };
        match transaction::run(handle, Some(&action), work).await? {
            Ended::Done { acted: Some((item, records)), .. } => fields::report(&Run { item, records }),
            Ended::Done { value, .. } => Ok(value),
            Ended::Threw(thrown) => Ok(Promise::reject(&thrown).into()),
        }
    }
}

/// What `run` gives.
#[derive(serde::Serialize)]
struct Run {
    item: String,
    records: Vec<crate::core::Ref>,
}

async fn run_online(
    online: Function,
    step: Step<BrowserPorts>,
    input: serde_json::Value,
) -> Result<serde_json::Value, StepFailed> {
    let failed = |failure: Failure| StepFailed(failure.to_string());
    let given = rows(&input).map_err(failed)?;
    let ended = match online.call2(&JsValue::UNDEFINED, &OnlineStep { step }.into(), &given) {
        Ok(value) => JsFuture::from(Promise::resolve(&value)).await,
        Err(thrown) => Err(thrown),
    };
    match ended {
        // It has been carried out: what cannot be kept of its result is nothing to refuse it for.
        Ok(value) => Ok(plain(&value).unwrap_or_default()),
        Err(thrown) => Err(StepFailed(message(&thrown))),
    }
}

fn failed(why: CallFailed) -> Failure {
    let code = match why {
        CallFailed::Over => "transaction_over",
        CallFailed::Unanswered(_) => "unreachable",
        _ => "bad_argument",
    };
    Failure::new(code, why.to_string()).retryable(code == "unreachable")
}

/// What an online step is given. Of no use once the step has ended.
#[wasm_bindgen]
pub struct OnlineStep {
    step: Step<BrowserPorts>,
}

impl std::fmt::Debug for OnlineStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnlineStep").finish_non_exhaustive()
    }
}

#[wasm_bindgen]
impl OnlineStep {
    /// Asks the instance, signed in.
    pub fn fetch(&self, path: JsValue, init: JsValue) -> Promise {
        let step = self.step.clone();
        promise(async move {
            let path = arguments::text(&path, "The path")?;
            let key = if init.is_object() { Given::new(&init, "")?.text("key")? } else { None };
            let request = fetched::request(&path, &init).await.map_err(Failure::argument)?;
            let response = step.call(key, request).await.map_err(failed)?;
            fetched::response(&response).map_err(|thrown| Failure::new("internal", message(&thrown)))
        })
    }

    /// Names the instance's record for one that the offline step made.
    #[wasm_bindgen(js_name = addRecordForSync)]
    pub fn add_record_for_sync(&self, table: JsValue, sys_id: JsValue, temporary: JsValue) -> Result<(), JsValue> {
        let table = arguments::text(&table, "The name of a table")?;
        let sys_id = arguments::text(&sys_id, "The sys_id")?;
        let temporary = match temporary.is_undefined() {
            true => None,
            false => Some(arguments::text(&temporary, "The temporary sys_id")?),
        };
        Ok(self.step.add_record_for_sync(&table, &sys_id, temporary.as_deref()).map_err(failed)?)
    }

    /// The records that the offline step made, by their temporary ids.
    #[wasm_bindgen(getter)]
    pub fn records(&self) -> Result<JsValue, JsValue> {
        Ok(fields::report(&self.step.records())?)
    }

    /// When the user acted.
    #[wasm_bindgen(getter, js_name = actedAt)]
    pub fn acted_at(&self) -> String {
        self.step.acted_at()
    }

    /// The same each time this action is run.
    #[wasm_bindgen(getter, js_name = idempotencyKey)]
    pub fn idempotency_key(&self) -> String {
        self.step.idempotency_key().to_owned()
    }
}
