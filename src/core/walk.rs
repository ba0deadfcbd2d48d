//! Fields of other records, by the references that lead to them (`caller_id.location`), as far as these are on the device.

use std::collections::BTreeMap;

use super::{
    error::CoreError,
    schema::{Reference, Schema},
    stored::Record,
    tx::{Ruled, Tx},
};
use crate::wire::{query::Query, value::Type};

/// The fields of other records that a query names.
pub fn paths(query: &Query) -> Vec<&str> {
    let mut paths: Vec<&str> = query.fields().filter(|field| field.contains('.')).collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}

/// What is left of a query without these: it finds all that the query does, and perhaps more, in no order.
pub fn without_paths(query: &Query) -> Query {
    let mut less = query.clone();
    for group in &mut less.groups {
        group.all.retain(|any_of| !any_of.any.iter().any(|term| term.field.contains('.')));
    }
    if less.groups.iter().any(|group| group.all.is_empty()) {
        less.groups.clear();
    }
    if less.order.iter().any(|order| order.field.contains('.')) {
        less.order.clear();
    }
    less
}

/// The tables that a path leads through, and the last field in the last of them.
///
/// # Errors
/// [`CoreError::MalformedQuery`], if a step of it is not declared as a reference to one record.
pub fn steps<'p>(schema: &Schema, table: &str, path: &'p str) -> Result<(Vec<String>, &'p str), CoreError> {
    let (mut tables, mut rest) = (vec![table.to_owned()], path);
    while let Some((field, more)) = rest.split_once('.') {
        let at = tables.last().map_or(table, String::as_str);
        let Some(Reference::One(to)) = schema.reference(at, field) else {
            let why = "is not declared as a reference to one record of a table, so nothing can be looked up behind it";
            return Err(CoreError::MalformedQuery(format!("`{field}` of table {at} (in `{path}`) {why}.")));
        };
        (tables, rest) = (tables.into_iter().chain([to]).collect(), more);
    }
    Ok((tables, rest))
}

/// The type of the field that a path leads to.
pub fn type_of(schema: &Schema, table: &str, path: &str) -> Type {
    steps(schema, table, path)
        .map_or(Type::Text, |(tables, field)| schema.type_of(tables.last().map_or(table, String::as_str), field))
}

/// What these paths lead to, of each record. A field of a record that is not here is empty.
///
/// # Errors
/// As [`steps`], [`Tx::get`].
pub fn values<'p>(
    tx: &mut Tx<'_>,
    table: &str,
    paths: &[&'p str],
    records: &[Record],
) -> Ruled<Vec<BTreeMap<&'p str, String>>> {
    let mut all = vec![BTreeMap::new(); records.len()];
    for path in paths {
        let (tables, _) = steps(tx.schema, table, path)?;
        let mut fields = path.split('.');
        let first = fields.next().unwrap_or_default();
        let mut ids: Vec<String> = records.iter().map(|record| record.value(first).to_owned()).collect();
        for (to, field) in tables.iter().skip(1).zip(fields) {
            let at = |id: &String| (!id.is_empty()).then(|| Record::at(tx.schema, to, id));
            let places: Vec<_> = ids.iter().map(at).collect();
            tx.want(places.iter().flatten().cloned())?;
            for (id, at) in ids.iter_mut().zip(places) {
                let Some(at) = at else { continue };
                let record = tx.readable::<Record>(&at)?.filter(|record| !record.deleted);
                *id = record.map_or_else(String::new, |record| record.value(field).to_owned());
            }
        }
        for (values, id) in all.iter_mut().zip(ids) {
            values.insert(*path, id);
        }
    }
    Ok(all)
}
