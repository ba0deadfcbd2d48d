//! The online step of an action, as the app runs it, and as the instance does.

use std::rc::Rc;

use landfall::{
    engine::{OnlineStep, Step, StepFailed, StepResult},
    wire::{
        Fields, Method, Request, Response,
        action::{ActionAnswer, ActionRequest, RecordForSync},
        decode, encode,
        table::{Answer, Row},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    contexts::SimPorts,
    instance::{CORRELATION, EXTRAS, Instance, Single, failure, split, success},
    story::UID,
};

/// Run by the app, and by the instance.
pub const HERE: &str = "here";
pub const THERE: &str = "there";
/// Stands in the input for the id of the first record that the action makes.
pub const FIRST: &str = "$first";
/// By it the step's change of a record is known for what it is.
pub const MARK: &str = "u_run";

/// How a step names the records that it has made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Naming {
    #[default]
    ById,
    /// And the app says so.
    InOrder,
    /// Nobody could tell which is which, if there are two of one table.
    Backwards,
    /// One of them is not named.
    Short,
}

/// What an action is to bring about: its input.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub run: String,
    pub made: Vec<Made>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Changed>,
    /// A record it has to do with, and that its step names too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<(String, String)>,
    pub naming: Naming,
    /// What the step makes carries the temporary id.
    pub carries: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Made {
    pub table: String,
    pub fields: Fields,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Changed {
    pub table: String,
    pub sys_id: String,
    pub fields: Fields,
    /// An entry of its journal.
    pub note: Option<String>,
}

impl Made {
    pub fn uid(&self) -> &str {
        &self.fields[UID]
    }
}

impl Plan {
    /// What the step does to the record that is there.
    fn patch(&self) -> Option<(&Changed, Fields)> {
        let change = self.change.as_ref()?;
        let mut fields = change.fields.clone();
        fields.insert(MARK.to_owned(), self.run.clone());
        fields.extend(change.note.clone().map(|note| ("work_notes".to_owned(), note)));
        Some((change, fields))
    }

    fn named(&self, made: &[(String, String, String)]) -> Vec<RecordForSync> {
        let name = |(table, sys_id, temporary): &(String, String, String)| RecordForSync {
            table: table.clone(),
            sys_id: sys_id.clone(),
            temp_sys_id: (self.naming == Naming::ById).then(|| temporary.clone()),
        };
        let mut named: Vec<RecordForSync> = made.iter().map(name).collect();
        match self.naming {
            Naming::ById | Naming::InOrder => {}
            Naming::Backwards => named.reverse(),
            Naming::Short => drop(named.pop()),
        }
        // It is known here, and none of those that were made.
        if let Some((table, sys_id)) = self.about.clone().filter(|_| self.naming != Naming::Short) {
            named.push(RecordForSync { table, sys_id, temp_sys_id: None });
        }
        named
    }

    /// Half of the steps give their calls keys of their own.
    fn key(&self, number: usize) -> Option<String> {
        self.run.ends_with(['0', '2', '4', '6', '8']).then(|| number.to_string())
    }

    fn result(&self) -> serde_json::Value {
        json!({ "run": self.run })
    }
}

/// With the first record's id in its place.
pub fn filled(fields: &Fields, first: Option<&str>) -> Fields {
    let fill = |text: &String| first.map_or_else(|| text.clone(), |first| text.replace(FIRST, first));
    fields.iter().map(|(name, text)| (name.clone(), fill(text))).collect()
}

pub fn is_action(request: &Request) -> bool {
    split(&request.path).0.starts_with(&format!("{EXTRAS}/action/"))
}

/// The plan that the instance is asked to carry out.
pub fn plan_asked_for(request: &Request) -> Option<Plan> {
    let asked: ActionRequest = decode("action", request.body.as_deref()?).ok().filter(|_| is_action(request))?;
    serde_json::from_value(asked.input).ok()
}

pub fn by_the_app() -> OnlineStep<SimPorts> {
    Rc::new(|step, input| Box::pin(run_here(step, input)))
}

async fn run_here(step: Step<SimPorts>, input: serde_json::Value) -> StepResult {
    let plan: Plan = serde_json::from_value(input).map_err(|why| StepFailed(why.to_string()))?;
    let open = step.records();
    let mut made: Vec<(String, String, String)> = Vec::new();
    for (Made { table, fields }, open) in plan.made.iter().zip(&open) {
        let mut fields = filled(fields, made.first().map(|(_, id, _)| id.as_str()));
        if plan.carries {
            fields.insert(CORRELATION.to_owned(), open.sys_id.clone());
        }
        let response = called(&step, plan.key(made.len() + 1), Method::Post, format!("table/{table}"), fields).await?;
        let answer = decode::<Answer<Row>>("answer", &response.body).map_err(|why| StepFailed(why.to_string()))?;
        let sys_id = Fields::from(answer.result).remove("sys_id").unwrap_or_default();
        made.push((table.clone(), sys_id, open.sys_id.clone()));
    }
    if let Some((change, fields)) = plan.patch() {
        let path = format!("table/{}/{}", change.table, change.sys_id);
        called(&step, plan.key(made.len() + 1), Method::Patch, path, fields).await?;
    }
    for RecordForSync { table, sys_id, temp_sys_id } in plan.named(&made) {
        step.add_record_for_sync(&table, &sys_id, temp_sys_id.as_deref()).map_err(|why| StepFailed(why.to_string()))?;
    }
    Ok(plan.result())
}

async fn called(
    step: &Step<SimPorts>,
    key: Option<String>,
    method: Method,
    path: String,
    fields: Fields,
) -> Result<Response, StepFailed> {
    let body = encode("body", &Row::from(fields)).ok();
    let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
    let request = Request { method, path, headers, body };
    let response = step.call(key, request).await.map_err(|why| StepFailed(why.to_string()))?;
    if response.is_success() {
        Ok(response)
    } else {
        Err(StepFailed(format!("The instance said no, {}", response.status)))
    }
}

impl Instance {
    /// Carries out an action, all of it or nothing.
    pub fn act(&mut self, single: &Single<'_>) -> Response {
        let Some(plan) = plan_asked_for(single.request).filter(|_| self.setup.actions) else {
            return failure(404, "There is no such action");
        };
        let asked: ActionRequest = decode("action", single.request.body.as_deref().unwrap_or_default()).unwrap();
        let changed = plan.change.as_ref().map(|change| &change.fields);
        let bad = |fields: &Fields| fields.get("u_level").is_some_and(|level| level.starts_with("bad"));
        if self.refusing && plan.made.iter().map(|made| &made.fields).chain(changed).any(bad) {
            return failure(403, "This level is not allowed");
        }
        let patch = plan.patch();
        let row = patch.as_ref().map(|(change, _)| self.row(&change.sys_id).cloned());
        if row.as_ref().is_some_and(Option::is_none) {
            return failure(404, "No Record found");
        }
        *self.runs.entry(plan.run.clone()).or_default() += 1;
        let mut made: Vec<(String, String, String)> = Vec::new();
        for (Made { table, fields }, open) in plan.made.iter().zip(&asked.records) {
            let mut fields = filled(fields, made.first().map(|(_, id, _)| id.as_str()));
            if plan.carries {
                fields.insert(CORRELATION.to_owned(), open.temp_sys_id.clone());
            }
            if single.overdue {
                self.late_made.insert(fields[UID].clone());
            }
            let row = self.create(table, fields, single.seconds);
            made.push((table.clone(), row["sys_id"].clone(), open.temp_sys_id.clone()));
        }
        if let (Some((change, fields)), Some(Some(row))) = (patch, row) {
            if single.late {
                self.loose.extend(fields.keys().map(|name| (change.sys_id.clone(), name.clone())));
            }
            self.store(&change.table, row, fields, single.seconds);
        }
        let answer = ActionAnswer { result: plan.result(), records_for_sync: plan.named(&made) };
        success(200, &answer)
    }
}
