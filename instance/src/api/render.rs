//! A record as the Table API shows it: every value a string, references with their link.

use landfall::wire::Fields;
use landfall::wire::table::{Cell, Row};

use super::call::Call;
use crate::schema::{Class, Column, Kind};

/// What of a record a request wants to see, and how.
pub struct View<'c> {
    columns: Vec<&'c Column>,
    links: Option<&'c str>,
}

impl<'c> View<'c> {
    /// As the request's parameters say. A field the table does not have is left out, as on ServiceNow.
    pub fn of(call: &'c Call, class: &'c Class) -> Self {
        let wanted = call.parameter("sysparm_fields").filter(|fields| !fields.is_empty());
        let columns = match wanted {
            None => class.fields.iter().map(|field| &field.column).collect(),
            Some(names) => names.split(',').filter_map(|name| Some(&class.field(name.trim())?.column)).collect(),
        };
        let excluded = call.parameter("sysparm_exclude_reference_link") == Some("true");
        Self { columns, links: (!excluded).then_some(call.base.as_str()) }
    }

    /// The record as it is shown.
    pub fn row(&self, record: &Fields) -> Row {
        let shown = |column: &&Column| {
            let value = record.get(column.name).cloned().unwrap_or_default();
            let link = match (column.kind, self.links) {
                (Kind::Reference(table), Some(base)) if !value.is_empty() => {
                    Some(format!("{base}/api/now/table/{table}/{value}"))
                }
                _ => None,
            };
            (column.name.to_owned(), Cell { value, link })
        };
        Row(self.columns.iter().map(shown).collect())
    }
}
