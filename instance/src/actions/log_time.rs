//! Time worked on a task.

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::action::Action;
use super::context::Context;
use super::result::ActionResult;
use crate::refusal::Refusal;

/// Logs it, and says so in the task's work notes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogTime {
    task: String,
    minutes: i32,
    #[serde(default)]
    work_date: Option<String>,
    #[serde(default)]
    comments: Option<String>,
}

impl Action for LogTime {
    const NAME: &'static str = "log_time";

    async fn run(self, context: &mut Context<'_>, result: &mut ActionResult) -> Result<Json, Refusal> {
        let Self { minutes, .. } = self;
        if minutes < 1 {
            return Err(Refusal::Input(format!("Field `minutes` must be 1 or more, not {minutes}")));
        }
        let task = context.record("task", "task", &self.task).await?;
        let user = context.sys_user().await?;
        let comments = self.comments.unwrap_or_default();
        // Without a day of its own it is the day of the work, not that of the sync.
        let acted_on = context.acted_at.split(' ').next().unwrap_or_default();
        let day = self.work_date.filter(|day| !day.is_empty()).unwrap_or_else(|| acted_on.to_owned());
        let fields = json!({
            "task": task.get("sys_id"),
            "user": user,
            "time_worked": minutes,
            "work_date": day,
            "comments": comments,
        });
        let worked = context.create(result, "task_time_worked", fields).await?;

        let note = match comments.trim() {
            "" => format!("Worked {minutes} minutes"),
            comments => format!("Worked {minutes} minutes: {comments}"),
        };
        context.update(result, &task, json!({"work_notes": note})).await?;
        Ok(json!({
            "number": task.get("number"),
            "time_worked": worked.get("sys_id"),
            "work_date": worked.get("work_date"),
        }))
    }
}
