//! The tables an app declares, and what follows from them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    along::{self, Include},
    cache::Refresh,
    error::CoreError,
};
use crate::wire::{
    query::Query,
    value::{Fields, Type},
};

/// What the app says of one table. Children inherit what their parents say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct TableOptions {
    /// The parent table.
    pub extends: Option<String>,
    /// Types of fields that are not plain text.
    pub types: BTreeMap<String, Type>,
    /// Fields, or lists of fields, to be found by.
    pub indexes: Vec<IndexFields>,
    /// Which fields are references, and to what.
    pub references: BTreeMap<String, Reference>,
    /// Append-only fields: each write is an item of its own.
    pub journals: Vec<String>,
    /// The field that carries the temporary id to the instance; `null` where the table has none.
    #[serde(deserialize_with = "present")]
    pub correlation_field: Option<Option<String>>,
    /// The field that receives the time the user acted.
    pub acted_at_field: Option<String>,
    /// What to do where both sides have changed a record.
    pub conflict: Option<Conflict>,
    /// What to do with a journal entry whose answer was lost where the instance cannot be asked.
    pub unknown: Option<Unknown>,
    /// Which of the instance's records to have on the device.
    pub cache: Option<CacheOptions>,
}

/// Whose change stands where the instance's record has been changed since it was changed here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Conflict {
    /// Each side's, but for fields that both have changed: for these the user is asked.
    #[default]
    Merge,
    /// This device's.
    Client,
    /// The instance's, in fields that both have changed.
    Server,
    /// The user is asked whichever fields it was.
    Ask,
}

/// What to do where nobody can tell whether something was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unknown {
    /// Leave it to the user.
    Ask,
    /// Send it again, which may bring it about twice.
    Resend,
}

/// Tells `null` (said: none) from absent (nothing said).
fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// One field, or several that make one index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum IndexFields {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

/// What a reference field points to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Reference {
    /// One record of this table.
    One(String),
    /// A comma-separated list of records of this table.
    List([String; 1]),
    /// One record of the table that another field names.
    Named {
        /// The field that names it.
        table: String,
    },
}

/// Which of the instance's records to have on the device.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct CacheOptions {
    /// An encoded query; none means every record.
    pub query: Option<String>,
    /// Most records.
    pub limit: Option<u32>,
    /// The fields to have of each; none means all.
    pub fields: Option<Vec<String>>,
    /// What goes along with them.
    pub include: Vec<Include>,
    /// When it is refreshed without being asked for.
    pub refresh: Refresh,
    /// What the instance has not been seen to have for longer than this goes, in ms.
    pub max_age_ms: Option<u64>,
}

/// The declared tables, checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schema {
    tables: BTreeMap<String, TableOptions>,
    /// Parents of tables the app once declared and no longer does: their unsent work is still here.
    remembered: BTreeMap<String, String>,
}

impl Schema {
    /// Checks the tables: their names, and that `extends` makes no circle.
    ///
    /// # Errors
    /// [`CoreError::BadOptions`], with a sentence.
    pub fn new(tables: BTreeMap<String, TableOptions>) -> Result<Self, CoreError> {
        let schema = Self { tables, remembered: BTreeMap::new() };
        for (name, options) in &schema.tables {
            let fields = options
                .types
                .keys()
                .chain(options.references.keys())
                .chain(&options.journals)
                .chain(options.indexes.iter().flat_map(IndexFields::names))
                .chain(&options.acted_at_field)
                .chain(options.correlation_field.iter().flatten());
            for word in fields.chain([name]).chain(&options.extends) {
                if !is_name(word) {
                    return Err(CoreError::BadOptions(format!(
                        "“{word}” (in table {name}) is not a table or field name."
                    )));
                }
            }
            if schema.chain(name).count() > schema.tables.len() + 1 {
                return Err(CoreError::BadOptions(format!("table {name} extends itself.")));
            }
            if let Some(cache) = &options.cache {
                cache.check(name)?;
                along::check(&schema, name, &cache.include)
                    .map_err(|why| CoreError::BadOptions(format!("cache.include of table {name}: {why}.")))?;
            }
        }
        Ok(schema)
    }

    /// All declared tables.
    pub fn tables(&self) -> impl Iterator<Item = (&str, &TableOptions)> {
        self.tables.iter().map(|(name, options)| (name.as_str(), options))
    }

    /// Refuses a table that was not declared, nor named as a parent.
    ///
    /// # Errors
    /// [`CoreError::UnknownTable`].
    pub fn known(&self, table: &str) -> Result<(), CoreError> {
        let parent = || self.tables.values().any(|options| options.extends.as_deref() == Some(table));
        if self.tables.contains_key(table) || parent() {
            Ok(())
        } else {
            Err(CoreError::UnknownTable(table.to_owned()))
        }
    }

    /// `table`, its parent, and so on up. One longer than the number of tables if it goes round in
    /// a circle, so that it ends even then.
    pub fn chain<'a>(&'a self, table: &'a str) -> impl Iterator<Item = &'a str> {
        let most = self.tables.len() + self.remembered.len() + 2;
        std::iter::successors(Some(table), |name| self.parent(name)).take(most)
    }

    fn parent(&self, table: &str) -> Option<&str> {
        match self.tables.get(table) {
            Some(options) => options.extends.as_deref(),
            None => self.remembered.get(table).map(String::as_str),
        }
    }

    /// Every table's parent, of those that have one.
    pub fn parents(&self) -> BTreeMap<String, String> {
        let declared = self.tables.iter().filter_map(|(name, options)| Some((name.clone(), options.extends.clone()?)));
        let gone = self.remembered.iter().filter(|(name, _)| !self.tables.contains_key(*name));
        declared.chain(gone.map(|(name, parent)| (name.clone(), parent.clone()))).collect()
    }

    /// Takes over the parents of tables the app no longer declares.
    pub fn remember(&mut self, parents: BTreeMap<String, String>) {
        self.remembered = parents;
    }

    /// The topmost table above `table`. Records of one family share it, so that a record reached
    /// through two of its tables is one row.
    pub fn root<'a>(&'a self, table: &'a str) -> &'a str {
        self.chain(table).last().unwrap_or(table)
    }

    /// Whether a record of `table` is also one of `ancestor`.
    pub fn is_a(&self, table: &str, ancestor: &str) -> bool {
        self.chain(table).any(|name| name == ancestor)
    }

    /// Whether both are of one family, so that a record of one may be asked for by the other.
    pub fn related(&self, one: &str, other: &str) -> bool {
        self.is_a(one, other) || self.is_a(other, one)
    }

    fn said<T>(&self, table: &str, what: impl Fn(&TableOptions) -> Option<T>) -> Option<T> {
        self.chain(table).find_map(|name| what(self.tables.get(name)?))
    }

    /// The type of a field.
    pub fn type_of(&self, table: &str, field: &str) -> Type {
        match field {
            "sys_created_on" | "sys_updated_on" => Type::Datetime,
            "sys_mod_count" => Type::Integer,
            _ => self.said(table, |options| options.types.get(field).copied()).unwrap_or_default(),
        }
    }

    /// The indexes of `table`, its own and its parents'.
    pub fn indexes<'a>(&'a self, table: &'a str) -> impl Iterator<Item = &'a [String]> {
        self.chain(table)
            .filter_map(|of| self.tables.get(of))
            .flat_map(|options| &options.indexes)
            .map(IndexFields::names)
    }

    /// What a field refers to, if it is a reference.
    pub fn reference(&self, table: &str, field: &str) -> Option<Reference> {
        self.said(table, |options| options.references.get(field).cloned())
    }

    /// Whether all records like this of the instance are to be on the device.
    pub fn is_cached(&self, table: &str, fields: &Fields) -> bool {
        self.is_of(table, fields, |cache| cache.limit.is_none())
    }

    /// Whether a refresh may bring it: it is one of the records, if perhaps not of the first of them.
    pub fn is_found(&self, table: &str, fields: &Fields) -> bool {
        self.is_of(table, fields, |_| true)
    }

    fn is_of(&self, table: &str, fields: &Fields, which: impl Fn(&CacheOptions) -> bool) -> bool {
        let mut caches = self.chain(table).filter_map(|of| self.tables.get(of)?.cache.as_ref());
        caches.any(|cache| {
            let query: Query = cache.query.as_deref().unwrap_or_default().parse().unwrap_or_default();
            let finds =
                query.matches(|name| fields.get(name).map_or("", String::as_str), |name| self.type_of(table, name));
            finds && which(cache)
        })
    }

    /// A row's own table, as far as the app has declared it.
    pub fn class_of(&self, table: &str, row: &Fields) -> String {
        match row.get("sys_class_name") {
            Some(class) if self.known(class).is_ok() && self.is_a(class, table) => class.clone(),
            _ => table.to_owned(),
        }
    }

    /// What goes along with records of `table`, by what is said of it and of its parents.
    pub fn includes<'a>(&'a self, table: &'a str) -> impl Iterator<Item = &'a Include> {
        self.chain(table).filter_map(|of| self.tables.get(of)?.cache.as_ref()).flat_map(|cache| &cache.include)
    }

    /// Whether anything goes along with the records of any table.
    pub fn includes_any(&self) -> bool {
        self.tables.keys().any(|table| self.includes(table).next().is_some())
    }

    /// Whether any field is append-only.
    pub fn has_journals(&self, table: &str) -> bool {
        self.said(table, |options| (!options.journals.is_empty()).then_some(())).is_some()
    }

    /// Whether a field is append-only.
    pub fn is_journal(&self, table: &str, field: &str) -> bool {
        self.said(table, |options| options.journals.iter().any(|name| name == field).then_some(())).is_some()
    }

    /// The field that carries the temporary id to the instance.
    pub fn correlation_field(&self, table: &str) -> Option<String> {
        self.said(table, |options| options.correlation_field.clone())
            .unwrap_or_else(|| Some("correlation_id".to_owned()))
    }

    /// Whose change stands where both sides have changed a record.
    pub fn conflict(&self, table: &str) -> Conflict {
        self.said(table, |options| options.conflict).unwrap_or_default()
    }

    /// Whether a journal entry, or a call of an online step, nobody can tell of is sent again.
    pub fn resends(&self, table: &str) -> bool {
        self.said(table, |options| options.unknown) == Some(Unknown::Resend)
    }

    /// The field that receives the time the user acted.
    pub fn acted_at_field(&self, table: &str) -> Option<String> {
        self.said(table, |options| options.acted_at_field.clone())
    }
}

impl IndexFields {
    /// The fields, in order.
    pub fn names(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Many(names) => names,
        }
    }
}

/// Whether `word` can name a table or field.
pub fn is_name(word: &str) -> bool {
    !word.is_empty()
        && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && !word.bytes().next().is_some_and(|first| first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(json: serde_json::Value) -> Result<Schema, CoreError> {
        Schema::new(serde_json::from_value(json).unwrap())
    }

    #[test]
    fn children_inherit() {
        let schema = schema(serde_json::json!({
            "task": { "types": { "priority": "integer" }, "references": { "parent": "task" }, "journals": ["work_notes"] },
            "incident": { "extends": "task", "types": { "priority": "decimal" }, "correlationField": null },
            "wm_order": { "extends": "task", "correlationField": "u_correlation" },
        }))
        .unwrap();
        assert_eq!(schema.root("incident"), "task");
        assert_eq!(schema.root("elsewhere"), "elsewhere");
        assert_eq!(schema.type_of("incident", "priority"), Type::Decimal);
        assert_eq!(schema.type_of("wm_order", "priority"), Type::Integer);
        assert_eq!(schema.reference("wm_order", "parent"), Some(Reference::One("task".into())));
        assert!(schema.is_journal("incident", "work_notes"));
        assert_eq!(schema.correlation_field("incident"), None);
        assert_eq!(schema.correlation_field("wm_order").as_deref(), Some("u_correlation"));
        assert_eq!(schema.correlation_field("task").as_deref(), Some("correlation_id"));
        assert!(schema.related("task", "incident") && !schema.related("wm_order", "incident"));
    }

    #[test]
    fn system_fields_have_their_types_everywhere() {
        let schema = schema(serde_json::json!({ "task": { "types": { "sys_mod_count": "boolean" } } })).unwrap();
        for (field, of) in [
            ("sys_created_on", Type::Datetime),
            ("sys_updated_on", Type::Datetime),
            ("sys_mod_count", Type::Integer),
            ("number", Type::Text),
        ] {
            assert_eq!((schema.type_of("task", field), schema.type_of("elsewhere", field)), (of, of));
        }
    }

    #[test]
    fn what_a_parent_says_stands_unless_the_child_says_otherwise() {
        let schema = schema(serde_json::json!({
            "task": { "unknown": "resend", "actedAtField": "u_acted_at" },
            "incident": { "extends": "task" },
            "wm_order": { "extends": "task", "unknown": "ask", "actedAtField": "opened_at" },
        }))
        .unwrap();
        let of = |table| (schema.resends(table), schema.acted_at_field(table));
        assert_eq!(of("incident"), (true, Some("u_acted_at".to_owned())));
        assert_eq!(of("wm_order"), (false, Some("opened_at".to_owned())));
        assert_eq!(of("elsewhere"), (false, None));
    }

    #[test]
    fn the_parent_of_a_table_that_is_no_longer_declared_is_remembered() {
        let mut schema = schema(serde_json::json!({ "incident": { "extends": "task" }, "log": {} })).unwrap();
        let parents = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, parent)| ((*name).to_owned(), (*parent).to_owned())).collect::<BTreeMap<_, _>>()
        };
        schema.remember(parents(&[("wm_order", "task"), ("log", "task")]));
        assert_eq!(schema.root("wm_order"), "task");
        assert_eq!(schema.root("log"), "log", "what is declared says for itself");
        assert_eq!(schema.parents(), parents(&[("incident", "task"), ("wm_order", "task")]));
        assert!(schema.known("incident").is_ok() && schema.known("task").is_ok() && schema.known("wm_order").is_err());
    }

    #[test]
    fn names_are_of_small_letters_digits_and_underscores() {
        for (word, good) in
            [("task", true), ("u_2", true), ("_x", true), ("", false), ("2u", false), ("Task", false), ("a-b", false)]
        {
            assert_eq!(is_name(word), good, "{word}");
        }
        let of = |options| schema(serde_json::json!({ "task": options })).is_ok();
        assert!(of(serde_json::json!({ "indexes": ["a", ["b", "c"]] })));
        for bad in [
            serde_json::json!({ "indexes": [["b", "C"]] }),
            serde_json::json!({ "types": { "A": "integer" } }),
            serde_json::json!({ "references": { "A": "task" } }),
            serde_json::json!({ "journals": ["A"] }),
            serde_json::json!({ "correlationField": "A" }),
            serde_json::json!({ "actedAtField": "A" }),
            serde_json::json!({ "extends": "A" }),
        ] {
            assert!(!of(bad.clone()), "{bad}");
        }
    }

    #[test]
    fn a_circle_is_refused() {
        let error = schema(serde_json::json!({ "a": { "extends": "b" }, "b": { "extends": "a" } })).unwrap_err();
        assert_eq!(error.code(), "bad_options");
    }

    #[test]
    fn a_bad_cache_query_is_refused() {
        let error = schema(serde_json::json!({ "a": { "cache": { "query": "priorityBETWEEN1" } } })).unwrap_err();
        assert!(error.to_string().contains("cache.query of table a"), "{error}");
    }
}
