//! A piece of work handed to somebody else.

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::action::Action;
use super::context::Context;
use super::result::ActionResult;
use crate::refusal::Refusal;

/// Assigns it, whatever kind of task it is, and leaves a work note.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reassign {
    task: String,
    assigned_to: String,
    #[serde(default)]
    note: Option<String>,
}

impl Action for Reassign {
    const NAME: &'static str = "reassign";

    async fn run(self, context: &mut Context<'_>, result: &mut ActionResult) -> Result<Json, Refusal> {
        let task = context.record("task", "task", &self.task).await?;
        let person = context.record("assigned_to", "sys_user", &self.assigned_to).await?;
        let name = ["name", "user_name", "sys_id"].map(|field| person.get(field));
        let name = name.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
        let note = self.note.filter(|note| !note.trim().is_empty());
        let note = note.unwrap_or_else(|| format!("Reassigned to {name}"));
        let changes = json!({"assigned_to": person.get("sys_id"), "work_notes": note});
        context.update(result, &task, changes).await?;
        Ok(json!({"number": task.get("number"), "assigned_to": name}))
    }
}
