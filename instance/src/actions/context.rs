//! What an action works with: who asks, when, and the records, by the rules of the Table API.

use serde_json::{Value as Json, json};

use super::result::ActionResult;
use crate::clock::Now;
use crate::refusal::Refusal;
use crate::schema::{Class, class};
use crate::store::{Session, StoreError, records};
use crate::writing::{Existing, Input, Writer, temporary};

/// The field that holds when the user acted, in the tables that have it; the system fields hold the time of syncing.
const ACTED_AT: &str = "u_acted_at";

/// What surrounds one run of an action.
#[derive(Debug)]
pub struct Context<'c> {
    /// Who asks.
    pub user: &'c str,
    /// When the instance carries it out.
    pub now: &'c Now,
    /// When the user acted, `YYYY-MM-DD HH:MM:SS` in UTC, or `""` where that was not said.
    pub acted_at: String,
    /// The transaction.
    pub session: &'c mut Session,
}

impl Context<'_> {
    /// The record that a field of the input names, which no other transaction may change until this one ends.
    pub async fn record(&mut self, field: &str, table: &str, sys_id: &str) -> Result<Existing, Refusal> {
        let class = known_class(table)?;
        if sys_id.trim().is_empty() {
            return Err(Refusal::Input(format!("Field `{field}` must be the sys_id of a {table} record")));
        }
        let sys_id = temporary::settled(self.session, field, class, sys_id.trim()).await?;
        self.writer().existing(class, &sys_id).await
    }

    /// The sys_id of the sys_user who asks, `""` where there is none of that user_name.
    pub async fn sys_user(&mut self) -> Result<String, StoreError> {
        let Some(class) = class("sys_user") else {
            return Ok(String::new());
        };
        Ok(records::first_with(self.session, class, "user_name", self.user).await?.unwrap_or_default())
    }

    /// Makes a record, for the device's next open one of that table if it has one left, and names it.
    ///
    /// It carries the temporary id as its correlation_id, so that a device which never hears the answer finds it in a
    /// pull and knows it for its own.
    pub async fn create(&mut self, result: &mut ActionResult, table: &str, fields: Json) -> Result<Existing, Refusal> {
        let class = known_class(table)?;
        let open = result.next_open(table);
        let fields = match &open {
            Some(id) => {
                self.check_not_made(table, id).await?;
                with(fields, "correlation_id", id)
            }
            None => fields,
        };
        let input = self.input(class, fields)?;
        let made = self.writer().create(class, input).await?;
        match open {
            Some(id) => result.add_open_record_for_sync(table, made.get("sys_id"), id),
            None => result.add_record_for_sync(table, made.get("sys_id")),
        }
        Ok(made)
    }

    /// Changes a record, and names it, so that the device reads it again.
    pub async fn update(&mut self, result: &mut ActionResult, record: &Existing, changes: Json) -> Result<(), Refusal> {
        let input = self.input(record.class, changes)?;
        self.writer().update(record, input).await?;
        result.add_record_for_sync(record.class.name, record.get("sys_id"));
        Ok(())
    }

    fn writer(&mut self) -> Writer<'_> {
        Writer { session: self.session, user: self.user, now: self.now, plain: false }
    }

    fn input(&self, class: &Class, fields: Json) -> Result<Input, Refusal> {
        let says_when = !self.acted_at.is_empty() && class.field(ACTED_AT).is_some();
        let fields = if says_when { with(fields, ACTED_AT, &self.acted_at) } else { fields };
        Input::read(&fields, class, false)
    }

    /// Two records with one temporary id could not both become the device's one.
    async fn check_not_made(&mut self, table: &str, id: &str) -> Result<(), Refusal> {
        records::hold_correlation(self.session, id).await?;
        let made = !temporary::is_temporary(id) || temporary::known(self.session, id).await?.is_some();
        if made {
            return Err(Refusal::Conflict(format!(
                "The {table} record that this action was to make for `{id}` was made before: it is not made twice"
            )));
        }
        Ok(())
    }
}

fn known_class(table: &str) -> Result<&'static Class, Refusal> {
    class(table).ok_or_else(|| Refusal::UnknownTable(table.to_owned()))
}

fn with(mut fields: Json, name: &str, value: &str) -> Json {
    if let Json::Object(object) = &mut fields {
        object.insert(name.to_owned(), json!(value));
    }
    fields
}
