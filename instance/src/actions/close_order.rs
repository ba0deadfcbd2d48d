//! A work order closed complete, with the orders that follow from it.

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::action::Action;
use super::context::Context;
use super::result::ActionResult;
use crate::refusal::Refusal;
use crate::rules;

const CLOSED_COMPLETE: &str = "3";

/// Closes the order, and opens the others in the same place on the same equipment.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloseOrder {
    order: String,
    close_notes: String,
    #[serde(default)]
    follow_ups: Vec<FollowUp>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FollowUp {
    short_description: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    category: Option<String>,
    #[serde(default)]
    assigned_to: Option<String>,
    #[serde(default)]
    requested_due_by: Option<String>,
}

impl Action for CloseOrder {
    const NAME: &'static str = "close_order";

    async fn run(self, context: &mut Context<'_>, result: &mut ActionResult) -> Result<Json, Refusal> {
        if self.close_notes.trim().is_empty() {
            return Err(Refusal::Input("Field `close_notes` must say what was done".into()));
        }
        let order = context.record("order", "wm_order", &self.order).await?;
        let number = order.get("number");
        if rules::is_closed(order.class, order.get("state")) {
            return Err(Refusal::Conflict(format!(
                "Work order {number} is closed already: only one that is open can be closed"
            )));
        }
        let closed = json!({"state": CLOSED_COMPLETE, "close_notes": self.close_notes});
        context.update(result, &order, closed).await?;

        let mut follow_ups = Vec::new();
        for (at, follow_up) in self.follow_ups.into_iter().enumerate() {
            let place = format!("follow_ups[{at}]");
            if follow_up.short_description.trim().is_empty() {
                return Err(Refusal::Input(format!("Field `{place}.short_description` must say what is to be done")));
            }
            let fields = json!({
                "short_description": follow_up.short_description,
                "description": follow_up.description,
                "category": follow_up.category,
                "assigned_to": follow_up.assigned_to,
                "requested_due_by": follow_up.requested_due_by,
                "initiated_from": order.get("sys_id"),
                "location": order.get("location"),
                "cmdb_ci": order.get("cmdb_ci"),
            });
            let made = context.create(result, "wm_order", fields).await.map_err(|refusal| refusal.below(&place))?;
            follow_ups.push(made.get("number").to_owned());
        }
        Ok(json!({"number": number, "follow_ups": follow_ups}))
    }
}
