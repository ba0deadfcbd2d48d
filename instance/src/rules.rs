//! What the instance does to a record by itself, as ServiceNow's defaults and business rules do.
//!
//! They are why a receipt carries the whole row: the device cannot know a number, a priority or a closing time
//! before the instance has spoken.

use landfall::wire::Fields;

use crate::clock::Now;
use crate::schema::Class;

/// A rule that will not have the record as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Operation against file '{table}' was aborted by Business Rule '{rule}'. Business Rule Stack:{rule}")]
pub struct Aborted {
    /// The record's table.
    pub table: &'static str,
    /// The rule's name.
    pub rule: &'static str,
}

/// The longest time entry, in minutes.
const DAY_MINUTES: i64 = 24 * 60;

/// Whether the record may be written so. It holds in plain mode too: ServiceNow has such rules, and a client must
/// live with a refusal it could not foresee.
pub fn allow(class: &Class, record: &Fields) -> Result<(), Aborted> {
    let minutes = value(record, "time_worked").parse::<i64>().unwrap_or(0);
    if class.name == "task_time_worked" && !(0..=DAY_MINUTES).contains(&minutes) {
        return Err(Aborted { table: class.name, rule: "A time entry is of one day" });
    }
    Ok(())
}

/// Fills in what a new record lacks. Its number comes from the database and is not given here.
pub fn on_create(class: &Class, record: &mut Fields, now: &Now) {
    if class.is_a("task") {
        let prioritised = prioritised(&Fields::new(), record);
        for (name, value) in [("state", "1"), ("impact", "3"), ("urgency", "3"), ("opened_at", &now.text)] {
            default(record, name, value);
        }
        if prioritised || is_empty(record, "priority") {
            set_priority(record);
        }
        let closed = is_closed(class, value(record, "state"));
        default(record, "active", if closed { "false" } else { "true" });
        if closed {
            default(record, "closed_at", &now.text);
        }
        resolve(class, record, now);
    }
    match class.name {
        "sys_user" => default(record, "active", "true"),
        "cmdb_ci" => default(record, "install_status", "1"),
        "task_time_worked" => default(record, "work_date", now.day()),
        _ => {}
    }
}

/// Adds to the changes of a record what follows from them.
pub fn on_update(class: &Class, before: &Fields, changes: &mut Fields, now: &Now) {
    if !class.is_a("task") {
        return;
    }
    if prioritised(before, changes) {
        let mut after = before.clone();
        after.extend(changes.clone());
        set_priority(&mut after);
        changes.insert("priority".into(), value(&after, "priority").into());
    }
    let Some(state) = changes.get("state").cloned() else {
        return;
    };
    let (was, is) = (is_closed(class, value(before, "state")), is_closed(class, &state));
    if was != is {
        default(changes, "active", if is { "false" } else { "true" });
        let at = if is { now.text.as_str() } else { "" };
        changes.entry("closed_at".into()).or_insert_with(|| at.into());
    }
    resolve(class, changes, now);
}

/// Whether impact or urgency is being set, which decides the priority whatever else was sent.
fn prioritised(before: &Fields, changes: &Fields) -> bool {
    ["impact", "urgency"].iter().any(|name| changes.get(*name).is_some_and(|after| after != value(before, name)))
}

/// ServiceNow's table of impact and urgency: 1 and 1 make 1, 3 and 3 make 5.
fn set_priority(record: &mut Fields) {
    let grade = |name| value(record, name).parse::<i64>().ok().filter(|grade| (1..=3).contains(grade));
    if let (Some(impact), Some(urgency)) = (grade("impact"), grade("urgency")) {
        record.insert("priority".into(), (impact + urgency - 1).to_string());
    }
}

fn resolve(class: &Class, record: &mut Fields, now: &Now) {
    if class.name == "incident" && value(record, "state") == "6" {
        default(record, "resolved_at", &now.text);
    }
}

/// Whether that is a state of finished work: closed or cancelled.
pub fn is_closed(class: &Class, state: &str) -> bool {
    match class.name {
        "incident" => matches!(state, "7" | "8"),
        _ => matches!(state, "3" | "4" | "7"),
    }
}

fn value<'r>(record: &'r Fields, name: &str) -> &'r str {
    record.get(name).map_or("", String::as_str)
}

fn is_empty(record: &Fields, name: &str) -> bool {
    value(record, name).is_empty()
}

fn default(record: &mut Fields, name: &str, value: &str) {
    if is_empty(record, name) {
        record.insert(name.to_owned(), value.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::class;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn priority_follows_impact_and_urgency() {
        let incident = class("incident").unwrap();
        for (given, priority) in [
            (fields(&[]), "5"),
            (fields(&[("impact", "1"), ("urgency", "1")]), "1"),
            (fields(&[("impact", "1"), ("priority", "5")]), "3"),
            (fields(&[("priority", "2")]), "2"),
        ] {
            let mut record = given.clone();
            on_create(incident, &mut record, &Now::read());
            assert_eq!(record["priority"], priority, "{given:?}");
        }
    }

    #[test]
    fn closing_and_opening_again_say_so() {
        let incident = class("incident").unwrap();
        let mut changes = fields(&[("state", "7")]);
        on_update(incident, &fields(&[("state", "2"), ("active", "true")]), &mut changes, &Now::read());
        assert_eq!(changes["active"], "false");
        assert!(!changes["closed_at"].is_empty());
        let mut again = fields(&[("state", "2")]);
        on_update(incident, &fields(&[("state", "7"), ("active", "false")]), &mut again, &Now::read());
        assert_eq!((again["active"].as_str(), again["closed_at"].as_str()), ("true", ""));
    }
}
