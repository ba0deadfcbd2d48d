//! A write-back action, as its outbox item holds it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::item::ItemKind;
use crate::{
    core::schema::Schema,
    wire::{
        action::{ActionAnswer, RecordForSync},
        http::Response,
        value::Fields,
    },
};

/// What the user did, what its offline step changed here, and how far its online step has come.
///
/// The item's id stands among the `items` of each record that the offline step changed: there it waits for what is before
/// it, and holds up what follows, as a mutation of that record would.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// As the app has registered it.
    pub name: String,
    /// What the app gave it.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub input: Value,
    /// The records of this device that its input names: of an action and a change of a record that it names, be it another
    /// action's, the user's first goes first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub about: Vec<String>,
    /// What the offline step did to each record, in the order in which it came to them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    /// The app's word that records of a table are named in the order in which they were made here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pairs_in_order: bool,
    /// Consecutive unsent runs that give the same become one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consolidate: Option<String>,
    /// The app runs its online step itself; else the instance does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_app: bool,
    /// Of a step that the app runs: the calls that have left, and of which it is not known what became. It is one, unless
    /// the step has taken another way since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calling: Vec<Calling>,
    /// Of a step that the app runs: its calls that were carried out, which are not made again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Call>,
    /// Temporary ids of records that are known to be records of the instance: by their correlation field, or by the user.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pairs: BTreeMap<String, String>,
    /// What came of the online step, as long as it is not clear which record is which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<ActionAnswer>,
    /// Which of the records it names the device had when it came: a pull may bring more of them meanwhile, or what the
    /// device had may be gone, and then another would seem to be the only one left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<RecordForSync>,
}

/// A call of an online step that has left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calling {
    /// By what it is told from the others of its step.
    pub key: String,
    /// What may be done where no key tells the instance that it is the same once more.
    #[serde(default)]
    pub again: Again,
    /// When it left, in ms.
    #[serde(default)]
    pub left_at: u64,
    /// What was asked: see [`Asked`].
    #[serde(default)]
    pub asked: Asked,
    /// What left, if it is text: it goes again as it went first, whatever the step makes of it then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Of which kind that is: a form's boundary is another each time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
}

/// By what a call is known to be another one than that which had its key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Method and path.
    pub line: String,
    /// A fingerprint of the body.
    pub body: u64,
}

/// What may be done about a call whose answer was lost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Again {
    /// Only the user can tell.
    #[default]
    Ask,
    /// It changes nothing twice.
    Send,
    /// It makes a record that carries this temporary id, by which the instance can be asked for it.
    Probe {
        /// The record's table.
        table: String,
        /// The id.
        temporary: String,
    },
    /// It writes an entry of a journal, which the instance can be asked for where entries may be read.
    Entry {
        /// The record's table.
        table: String,
        /// The record.
        sys_id: String,
        /// The journal.
        journal: String,
        /// The entry.
        text: String,
        /// When the instance had last changed the record before the call first left: ServiceNow's time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<String>,
    },
}

/// A call of an online step that was carried out, and its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// By what it is told from the others of its step.
    pub key: String,
    /// What was asked.
    #[serde(default)]
    pub asked: Asked,
    /// The answer's status.
    pub status: u16,
    /// The answer's content type.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub content_type: String,
    /// The answer's body.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
}

impl Call {
    /// The same with its answer.
    pub fn with(self, response: &Response) -> Self {
        Self {
            status: response.status,
            content_type: response.header("content-type").unwrap_or_default().to_owned(),
            body: String::from_utf8_lossy(&response.body).into_owned(),
            ..self
        }
    }

    /// The answer it had.
    pub fn response(&self) -> Response {
        let headers = vec![("Content-Type".to_owned(), self.content_type.clone())];
        Response { status: self.status, headers, body: self.body.clone().into_bytes(), redirected_to: None }
    }
}

/// What an offline step did to one record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// The record's own table.
    pub table: String,
    /// The record's id as it is now.
    pub sys_id: String,
    /// What became of it.
    pub kind: ItemKind,
    /// All fields of one that was made, the changed ones of another.
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    pub fields: Fields,
    /// Of one that was made: its permanent id, which was come by before the action's answer. It is asked for again as it was
    /// asked for first. A step that the app runs may change the record yet: its item stays among the record's until it has
    /// been carried out, but waits for none of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub landed: Option<String>,
    /// Another item of this record goes first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub behind: bool,
}

impl Action {
    /// What was done to a record.
    pub fn part(&self, schema: &Schema, table: &str, sys_id: &str) -> Option<&Part> {
        self.parts.iter().find(|part| part.is_of(schema, table, sys_id))
    }

    /// The same, to be changed.
    pub fn part_mut(&mut self, schema: &Schema, table: &str, sys_id: &str) -> Option<&mut Part> {
        self.parts.iter_mut().find(|part| part.is_of(schema, table, sys_id))
    }

    /// The records that the offline step made, in that order.
    pub fn made(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| part.kind == ItemKind::Create)
    }
}

impl Part {
    /// The record's id as it is now.
    pub fn id(&self) -> &str {
        self.landed.as_deref().unwrap_or(&self.sys_id)
    }

    /// Whether it is what was done to this record.
    pub fn is_of(&self, schema: &Schema, table: &str, sys_id: &str) -> bool {
        self.sys_id == sys_id && schema.root(&self.table) == schema.root(table)
    }
}
