//! What the instance notes of its deletions, in `sys_audit_delete`: few users may read it, and it is purged.

use crate::wire::{
    Fields, Query,
    query::{Op, Order, Term},
};

/// Where they are noted.
pub const TABLE: &str = "sys_audit_delete";
/// What is asked of a note.
pub const FIELDS: [&str; 3] = ["documentkey", "tablename", "sys_created_on"];

/// A record that was deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deletion {
    /// Its own table.
    pub table: String,
    /// Its id.
    pub sys_id: String,
    /// When, in ServiceNow's time.
    pub at: String,
}

impl From<&Fields> for Deletion {
    fn from(row: &Fields) -> Self {
        let get = |name: &str| row.get(name).cloned().unwrap_or_default();
        Self { table: get("tablename"), sys_id: get("documentkey"), at: get("sys_created_on") }
    }
}

/// Those of these tables after a time, the latest last.
pub fn query(tables: &[&str], after: &str) -> String {
    let term = |field: &str, op| Term { field: field.to_owned(), op };
    let tables = Op::In(tables.iter().map(|table| (*table).to_owned()).collect());
    let asked =
        Query::default().and(term("tablename", tables)).and(term("sys_created_on", Op::Greater(after.to_owned())));
    let order = vec![Order { field: "sys_created_on".to_owned(), descending: false }];
    Query { order, ..asked }.to_string()
}
