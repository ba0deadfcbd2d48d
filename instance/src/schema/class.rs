//! A table with everything it inherits, and the catalogue of them all.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::column::{Column, Kind};
use super::tables::{TABLES, Table};

/// A column as seen from one class: which table of the lineage keeps it.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The column.
    pub column: Column,
    /// The place in the class's lineage (0 is the root) of the table that has it.
    pub level: usize,
}

/// A table together with what it inherits.
#[derive(Debug)]
pub struct Class {
    /// Its name.
    pub name: &'static str,
    /// What its numbers begin with.
    pub prefix: Option<&'static str>,
    /// The tables that keep a record of it, the root first, itself last.
    pub lineage: Vec<&'static str>,
    /// Every column, inherited ones first.
    pub fields: Vec<Field>,
}

impl Class {
    /// The class of a table, with what it inherits from its parent's.
    pub fn new(table: &Table, parent: Option<&Self>) -> Self {
        let mut lineage = parent.map(|parent| parent.lineage.clone()).unwrap_or_default();
        let mut fields = parent.map(|parent| parent.fields.clone()).unwrap_or_default();
        let level = lineage.len();
        lineage.push(table.name);
        fields.extend(table.kept_columns().map(|column| Field { column: *column, level }));
        Self { name: table.name, prefix: table.prefix, lineage, fields }
    }

    /// The table at the top of the lineage, where the system columns are.
    pub fn root(&self) -> &'static str {
        self.lineage.first().copied().unwrap_or(self.name)
    }

    /// The column of that name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.column.name == name)
    }

    /// The columns kept in the table at `level` of the lineage; journals have none.
    pub fn stored_at(&self, level: usize) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(move |field| field.level == level && field.column.storage().is_some())
    }

    /// All columns that are kept, in the order rows are read.
    pub fn stored(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| field.column.storage().is_some())
    }

    /// Whether the name is one of its journals.
    pub fn is_journal(&self, name: &str) -> bool {
        self.field(name).is_some_and(|field| field.column.kind == Kind::Journal)
    }

    /// Whether a record of this class is also one of `ancestor`.
    pub fn is_a(&self, ancestor: &str) -> bool {
        self.lineage.contains(&ancestor)
    }
}

/// The class of that name.
pub fn class(name: &str) -> Option<&'static Class> {
    CLASSES.get(name)
}

/// Every class, by name.
pub fn classes() -> impl Iterator<Item = &'static Class> {
    CLASSES.values()
}

/// Every table as declared, each parent before its children.
pub fn tables() -> impl Iterator<Item = &'static Table> {
    TABLES.iter()
}

static CLASSES: LazyLock<BTreeMap<&'static str, Class>> = LazyLock::new(|| {
    let mut known: BTreeMap<&'static str, Class> = BTreeMap::new();
    for table in TABLES {
        let class = Class::new(table, table.parent.and_then(|name| known.get(name)));
        known.insert(table.name, class);
    }
    known
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parent_and_referenced_table_is_declared() {
        for class in classes() {
            for field in &class.fields {
                if let Kind::Reference(to) | Kind::List(to) = field.column.kind {
                    assert!(super::class(to).is_some(), "{}.{} points to {to}", class.name, field.column.name);
                }
            }
        }
        for table in tables() {
            assert!(table.parent.is_none_or(|parent| class(parent).is_some_and(|class| class.is_a(parent))));
        }
    }

    #[test]
    fn a_class_has_no_column_twice() {
        for class in classes() {
            let mut names: Vec<_> = class.fields.iter().map(|field| field.column.name).collect();
            names.sort_unstable();
            let before = names.len();
            names.dedup();
            assert_eq!(before, names.len(), "{}", class.name);
        }
    }
}
