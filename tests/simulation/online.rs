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
    instance::{CORRELATION, EXTRAS, Instance, Single, failure, success},
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
    /// What the step makes besides: the device has made none of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub besides: Vec<Made>,
    /// What it does to records that are there, or that it has made itself, one after the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deeds: Vec<Deed>,
    /// Records it has to do with, and that its step names too: one that the device has, and one of another user's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub about: Vec<(String, String)>,
    pub naming: Naming,
    /// What the step makes carries the temporary id.
    pub carries: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Made {
    pub table: String,
    pub fields: Fields,
}

/// What a step does to one record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deed {
    pub at: At,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum At {
    There(String, String),
    /// The so manieth that the step has made.
    Made(usize),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum What {
    /// With an entry of its journal, perhaps.
    Change(Fields, Option<String>),
    Delete,
}

impl Made {
    pub fn uid(&self) -> &str {
        &self.fields[UID]
    }
}

impl Deed {
    pub fn note(&self) -> Option<&String> {
        if let What::Change(_, note) = &self.what { note.as_ref() } else { None }
    }

    /// What was said of the record here, if it is not deleted.
    pub fn fields(&self) -> Option<&Fields> {
        if let What::Change(fields, _) = &self.what { Some(fields) } else { None }
    }
}

impl Plan {
    /// What each of its calls makes, in their order: they come first.
    pub fn makes(&self) -> impl Iterator<Item = &Made> {
        self.made.iter().chain(&self.besides)
    }

    pub fn notes(&self) -> impl Iterator<Item = &String> {
        self.deeds.iter().filter_map(Deed::note)
    }

    /// By it the change is known for what it is.
    pub fn mark(&self, deed: usize) -> String {
        format!("{}.{deed}", self.run)
    }

    /// The number of the call that does it, from 1.
    pub fn call_of(&self, deed: usize) -> usize {
        self.makes().count() + 1 + deed
    }

    /// The deed that a call does.
    pub fn deed_of(&self, call: usize) -> Option<&Deed> {
        self.deeds.get(call.checked_sub(self.call_of(0))?)
    }

    /// What the step sends for it, to which record, where `made` are those that it has made.
    fn sends(&self, deed: usize, made: &[(String, String, String)]) -> (String, String, Option<Fields>) {
        let Deed { at, what } = &self.deeds[deed];
        let (table, sys_id) = match at {
            At::There(table, sys_id) => (table.clone(), sys_id.clone()),
            At::Made(at) => (made[*at].0.clone(), made[*at].1.clone()),
        };
        let What::Change(fields, note) = what else { return (table, sys_id, None) };
        let mut fields = fields.clone();
        fields.insert(MARK.to_owned(), self.mark(deed));
        fields.extend(note.clone().map(|note| ("work_notes".to_owned(), note)));
        (table, sys_id, Some(fields))
    }

    /// Whether the device is told of what it has not made.
    pub fn names_others(&self) -> bool {
        self.naming != Naming::Short
    }

    /// `made`, and `besides`, by table, `sys_id` and temporary id.
    fn named(&self, made: &[(String, String, String)], besides: &[(String, String)]) -> Vec<RecordForSync> {
        let name = |(table, sys_id, temporary): &(String, String, String)| RecordForSync {
            table: table.clone(),
            sys_id: sys_id.clone(),
            temp_sys_id: (self.naming == Naming::ById).then(|| temporary.clone()),
        };
        let mut named: Vec<RecordForSync> = made.iter().map(name).collect();
        // None of those that the device has made.
        let others = besides.iter().chain(&self.about).filter(|_| self.names_others());
        named.extend(others.map(|(table, sys_id)| RecordForSync {
            table: table.clone(),
            sys_id: sys_id.clone(),
            temp_sys_id: None,
        }));
        match self.naming {
            Naming::ById | Naming::InOrder => {}
            Naming::Backwards => named.reverse(),
            Naming::Short => drop(named.pop()),
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
    request.path.strip_prefix(EXTRAS).is_some_and(|rest| rest.starts_with("/action/"))
}

/// The plan that the instance is asked to carry out.
pub fn plan_asked_for(request: &Request) -> Option<Plan> {
    let body = request.body.as_deref().filter(|_| is_action(request))?;
    serde_json::from_value(decode::<ActionRequest>("action", body).ok()?.input).ok()
}

pub fn by_the_app() -> OnlineStep<SimPorts> {
    Rc::new(|step, input| Box::pin(run_here(step, input)))
}

async fn run_here(step: Step<SimPorts>, input: serde_json::Value) -> StepResult {
    let plan: Plan = serde_json::from_value(input).map_err(|why| StepFailed(why.to_string()))?;
    let open = step.records();
    let mut made: Vec<(String, String, String)> = Vec::new();
    let mut besides: Vec<(String, String)> = Vec::new();
    for (at, Made { table, fields }) in plan.makes().enumerate() {
        let mut fields = filled(fields, made.first().map(|(_, id, _)| id.as_str()));
        let temporary = (at < plan.made.len()).then(|| open[at].sys_id.clone());
        if let Some(temporary) = temporary.clone().filter(|_| plan.carries) {
            fields.insert(CORRELATION.to_owned(), temporary);
        }
        let path = format!("table/{table}");
        let response = said_yes(called(&step, plan.key(at + 1), Method::Post, path, Some(fields)).await?)?;
        let answer = decode::<Answer<Row>>("answer", &response.body).map_err(|why| StepFailed(why.to_string()))?;
        let sys_id = Fields::from(answer.result).remove("sys_id").unwrap_or_default();
        match temporary {
            Some(temporary) => made.push((table.clone(), sys_id, temporary)),
            None => besides.push((table.clone(), sys_id)),
        }
    }
    for deed in 0..plan.deeds.len() {
        let (table, sys_id, fields) = plan.sends(deed, &made);
        let (mut path, key) = (format!("table/{table}/{sys_id}"), plan.key(plan.call_of(deed)));
        if fields.is_none() {
            path += &format!("?{MARK}={}", plan.mark(deed));
        }
        match fields {
            Some(fields) => drop(said_yes(called(&step, key, Method::Patch, path, Some(fields)).await?)?),
            None => {
                let response = called(&step, key, Method::Delete, path, None).await?;
                // Somebody was faster.
                if response.status != 404 {
                    said_yes(response)?;
                }
            }
        }
    }
    for RecordForSync { table, sys_id, temp_sys_id } in plan.named(&made, &besides) {
        step.add_record_for_sync(&table, &sys_id, temp_sys_id.as_deref()).map_err(|why| StepFailed(why.to_string()))?;
    }
    Ok(plan.result())
}

async fn called(
    step: &Step<SimPorts>,
    key: Option<String>,
    method: Method,
    path: String,
    fields: Option<Fields>,
) -> Result<Response, StepFailed> {
    let body = fields.and_then(|fields| encode("body", &Row::from(fields)).ok());
    let mime = body.iter().map(|_| ("Content-Type".to_owned(), "application/json".to_owned()));
    let request = Request { method, path, headers: mime.collect(), body };
    step.call(key, request).await.map_err(|why| StepFailed(why.to_string()))
}

fn said_yes(response: Response) -> Result<Response, StepFailed> {
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
        let bad = |fields: &Fields| fields.get("u_level").is_some_and(|level| level.starts_with("bad"));
        let said = plan.made.iter().map(|made| &made.fields).chain(plan.deeds.iter().filter_map(Deed::fields));
        if self.refusing && said.into_iter().any(bad) {
            return failure(403, "This level is not allowed");
        }
        let changes = plan.deeds.iter().filter(|deed| deed.what != What::Delete);
        let lost = |deed: &Deed| matches!(&deed.at, At::There(_, sys_id) if self.row(sys_id).is_none());
        if changes.into_iter().any(lost) {
            return failure(404, "No Record found");
        }
        *self.runs.entry(plan.run.clone()).or_default() += 1;
        let mut made: Vec<(String, String, String)> = Vec::new();
        for (Made { table, fields }, open) in plan.made.iter().zip(&asked.records) {
            let mut fields = filled(fields, made.first().map(|(_, id, _)| id.as_str()));
            if plan.carries {
                fields.insert(CORRELATION.to_owned(), open.temp_sys_id.clone());
            }
            let sys_id = self.made_by(single, table, fields);
            made.push((table.clone(), sys_id, open.temp_sys_id.clone()));
        }
        let mut besides: Vec<(String, String)> = Vec::new();
        for Made { table, fields } in &plan.besides {
            let fields = filled(fields, made.first().map(|(_, id, _)| id.as_str()));
            besides.push((table.clone(), self.made_by(single, table, fields)));
        }
        for deed in 0..plan.deeds.len() {
            match plan.sends(deed, &made) {
                (table, sys_id, Some(fields)) => {
                    if single.late {
                        self.loose.extend(fields.keys().map(|name| (sys_id.clone(), name.clone())));
                    }
                    // Two records that turned out to be one: what is deleted is not changed any more.
                    if let Some(row) = self.row(&sys_id).cloned() {
                        self.store(&table, row, fields, single.seconds);
                    }
                }
                (_, sys_id, None) => {
                    self.writes += 1;
                    self.remove(&sys_id);
                }
            }
        }
        let answer = ActionAnswer { result: plan.result(), records_for_sync: plan.named(&made, &besides) };
        success(200, &answer)
    }

    fn made_by(&mut self, single: &Single<'_>, table: &str, fields: Fields) -> String {
        if single.overdue {
            self.late_made.insert(fields[UID].clone());
        }
        self.create(table, fields, single.seconds)["sys_id"].clone()
    }
}
