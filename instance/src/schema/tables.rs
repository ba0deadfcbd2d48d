//! The tables of this instance, in ServiceNow's names.

use super::column::{Column, boolean, date, datetime, decimal, integer, journal, kept, list, reference, sys_id, text};

/// A table as declared: its own columns, without those it inherits.
#[derive(Debug)]
pub struct Table {
    /// Its name in the API and in the database.
    pub name: &'static str,
    /// The table it extends.
    pub parent: Option<&'static str>,
    /// What its numbers begin with, if its records are numbered.
    pub prefix: Option<&'static str>,
    /// Its own columns.
    pub columns: &'static [Column],
}

impl Table {
    /// The columns it has in the database beside the sys_id it may share: its own and, at the top, the system's.
    pub fn kept_columns(&self) -> impl Iterator<Item = &'static Column> + use<> {
        let system: &[Column] = if self.parent.is_none() { SYSTEM } else { &[] };
        system.iter().chain(self.columns)
    }
}

/// What every table without a parent has; the tables below inherit it.
pub const SYSTEM: &[Column] = &[
    sys_id(),
    kept(text("sys_class_name")),
    kept(datetime("sys_created_on")),
    kept(text("sys_created_by")),
    kept(datetime("sys_updated_on")),
    kept(text("sys_updated_by")),
    kept(integer("sys_mod_count")),
    text("correlation_id"),
];

const fn root(name: &'static str, columns: &'static [Column]) -> Table {
    Table { name, parent: None, prefix: None, columns }
}

const fn task_class(name: &'static str, prefix: &'static str, columns: &'static [Column]) -> Table {
    Table { name, parent: Some("task"), prefix: Some(prefix), columns }
}

/// Every table, each parent before its children.
pub const TABLES: &[Table] = &[
    root(
        "cmn_location",
        &[
            text("name"),
            text("u_iata"),
            text("street"),
            text("city"),
            text("state"),
            text("zip"),
            text("country"),
            decimal("latitude"),
            decimal("longitude"),
            reference("parent", "cmn_location"),
        ],
    ),
    root(
        "sys_user",
        &[
            text("user_name"),
            text("name"),
            text("email"),
            text("title"),
            text("phone"),
            text("mobile_phone"),
            reference("location", "cmn_location"),
            boolean("active"),
        ],
    ),
    root(
        "cmdb_ci",
        &[
            text("name"),
            text("short_description"),
            text("manufacturer"),
            text("model"),
            text("serial_number"),
            text("asset_tag"),
            text("category"),
            reference("location", "cmn_location"),
            reference("assigned_to", "sys_user"),
            integer("install_status"),
            datetime("install_date"),
        ],
    ),
    Table {
        name: "task",
        parent: None,
        prefix: Some("TASK"),
        columns: &[
            text("number"),
            text("short_description"),
            text("description"),
            integer("state"),
            integer("priority"),
            integer("impact"),
            integer("urgency"),
            boolean("active"),
            reference("assigned_to", "sys_user"),
            text("assignment_group"),
            reference("location", "cmn_location"),
            reference("cmdb_ci", "cmdb_ci"),
            reference("parent", "task"),
            reference("opened_by", "sys_user"),
            datetime("opened_at"),
            datetime("closed_at"),
            datetime("due_date"),
            datetime("work_start"),
            datetime("work_end"),
            text("close_notes"),
            list("watch_list", "sys_user"),
            datetime("u_acted_at"),
            journal("work_notes"),
            journal("comments"),
        ],
    },
    task_class(
        "incident",
        "INC",
        &[
            text("category"),
            text("subcategory"),
            text("contact_type"),
            reference("caller_id", "sys_user"),
            text("close_code"),
            datetime("resolved_at"),
        ],
    ),
    task_class("incident_task", "TASK", &[reference("incident", "incident")]),
    task_class(
        "wm_order",
        "WO",
        &[
            reference("initiated_from", "task"),
            reference("caller", "sys_user"),
            text("category"),
            datetime("requested_due_by"),
        ],
    ),
    task_class("wm_task", "WOT", &[text("work_type"), datetime("expected_start"), integer("estimated_minutes")]),
    root(
        "task_time_worked",
        &[
            reference("task", "task"),
            reference("user", "sys_user"),
            integer("time_worked"),
            date("work_date"),
            text("comments"),
            datetime("u_acted_at"),
        ],
    ),
    root("sys_journal_field", &[text("name"), text("element"), text("element_id"), text("value")]),
    root(
        "sys_audit_delete",
        &[kept(text("tablename")), kept(text("documentkey")), kept(text("display_value")), kept(text("user"))],
    ),
];
