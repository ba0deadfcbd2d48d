//! A work order taken apart into tasks.

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::action::Action;
use super::context::Context;
use super::result::ActionResult;
use crate::refusal::Refusal;
use crate::rules;

/// Makes the tasks, in the order's place and on its equipment.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitOrder {
    order: String,
    tasks: Vec<Part>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    short_description: String,
    #[serde(default)]
    work_type: Option<String>,
    #[serde(default)]
    estimated_minutes: Option<i32>,
    #[serde(default)]
    expected_start: Option<String>,
    #[serde(default)]
    assigned_to: Option<String>,
}

impl Action for SplitOrder {
    const NAME: &'static str = "split_order";

    async fn run(self, context: &mut Context<'_>, result: &mut ActionResult) -> Result<Json, Refusal> {
        if self.tasks.is_empty() {
            return Err(Refusal::Input("Field `tasks` must have at least one task to split the order into".into()));
        }
        let order = context.record("order", "wm_order", &self.order).await?;
        let number = order.get("number");
        if rules::is_closed(order.class, order.get("state")) {
            return Err(Refusal::Conflict(format!(
                "Work order {number} is closed: only one that is open can be split into tasks"
            )));
        }
        let mut tasks = Vec::new();
        for (at, part) in self.tasks.into_iter().enumerate() {
            let place = format!("tasks[{at}]");
            part.check(&place)?;
            let fields = json!({
                "short_description": part.short_description,
                "work_type": part.work_type,
                "estimated_minutes": part.estimated_minutes,
                "expected_start": part.expected_start,
                "assigned_to": part.assigned_to,
                "parent": order.get("sys_id"),
                "location": order.get("location"),
                "cmdb_ci": order.get("cmdb_ci"),
            });
            let made = context.create(result, "wm_task", fields).await.map_err(|refusal| refusal.below(&place))?;
            tasks.push(made.get("number").to_owned());
        }
        Ok(json!({"number": number, "tasks": tasks}))
    }
}

impl Part {
    fn check(&self, place: &str) -> Result<(), Refusal> {
        if self.short_description.trim().is_empty() {
            return Err(Refusal::Input(format!("Field `{place}.short_description` must say what is to be done")));
        }
        match self.estimated_minutes {
            Some(minutes) if minutes < 1 => Err(Refusal::Input(format!(
                "Field `{place}.estimated_minutes` must be 1 or more, not {minutes}; leave it out where nobody knows"
            ))),
            _ => Ok(()),
        }
    }
}
