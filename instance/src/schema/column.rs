//! A column: what it is called, what it holds, and how a database keeps it.

use landfall::wire::Type;

/// What a column means, as ServiceNow's dictionary would have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The record's own id.
    SysId,
    /// Any text.
    Text,
    /// A whole number.
    Integer,
    /// A number with a fraction.
    Decimal,
    /// True or false.
    Boolean,
    /// A UTC time in one-second steps, `YYYY-MM-DD HH:MM:SS`.
    DateTime,
    /// A day, `YYYY-MM-DD`.
    Date,
    /// The sys_id of a record of the named table, or of a table below it.
    Reference(&'static str),
    /// A comma-separated list of such ids.
    List(&'static str),
    /// Append-only: each write becomes a row of `sys_journal_field`, and the field itself reads back empty.
    Journal,
}

/// How a database keeps a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// UTF-8 text, compared byte by byte.
    Text,
    /// A 64-bit integer.
    Integer,
    /// A 64-bit float.
    Real,
    /// A truth value.
    Boolean,
}

/// One column of one table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name, as in ServiceNow.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether a request may write it; the instance alone writes the others.
    pub writable: bool,
}

impl Column {
    const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, writable: true }
    }

    /// The database's form of it; `None` for a journal, which has no column.
    pub const fn storage(&self) -> Option<Storage> {
        match self.kind {
            Kind::SysId | Kind::Text | Kind::DateTime | Kind::Date | Kind::Reference(_) | Kind::List(_) => {
                Some(Storage::Text)
            }
            Kind::Integer => Some(Storage::Integer),
            Kind::Decimal => Some(Storage::Real),
            Kind::Boolean => Some(Storage::Boolean),
            Kind::Journal => None,
        }
    }

    /// Whether a case-folded copy of its string form stands beside it, so that both databases compare text as
    /// Rust does. Ids and times are kept in one canonical form and need none; decimals do, for each database
    /// prints them its own way.
    pub const fn is_folded(&self) -> bool {
        matches!(self.kind, Kind::Text | Kind::Decimal | Kind::Reference(_) | Kind::List(_))
    }

    /// What its values compare as in a query.
    pub const fn compared_as(&self) -> Type {
        match self.kind {
            Kind::SysId | Kind::Text | Kind::Reference(_) | Kind::List(_) | Kind::Journal => Type::Text,
            Kind::Integer => Type::Integer,
            Kind::Decimal => Type::Decimal,
            Kind::Boolean => Type::Boolean,
            Kind::DateTime | Kind::Date => Type::Datetime,
        }
    }
}

/// A text column.
pub const fn text(name: &'static str) -> Column {
    Column::new(name, Kind::Text)
}

/// A column of whole numbers.
pub const fn integer(name: &'static str) -> Column {
    Column::new(name, Kind::Integer)
}

/// A column of decimal numbers.
pub const fn decimal(name: &'static str) -> Column {
    Column::new(name, Kind::Decimal)
}

/// A column of truth values.
pub const fn boolean(name: &'static str) -> Column {
    Column::new(name, Kind::Boolean)
}

/// A column of UTC times.
pub const fn datetime(name: &'static str) -> Column {
    Column::new(name, Kind::DateTime)
}

/// A column of days.
pub const fn date(name: &'static str) -> Column {
    Column::new(name, Kind::Date)
}

/// A column that points to a record of `table`.
pub const fn reference(name: &'static str, table: &'static str) -> Column {
    Column::new(name, Kind::Reference(table))
}

/// A column that lists records of `table`.
pub const fn list(name: &'static str, table: &'static str) -> Column {
    Column::new(name, Kind::List(table))
}

/// An append-only field.
pub const fn journal(name: &'static str) -> Column {
    Column::new(name, Kind::Journal)
}

/// A column that only the instance writes.
pub const fn kept(column: Column) -> Column {
    Column { writable: false, ..column }
}

/// The record's own id.
pub const fn sys_id() -> Column {
    kept(Column::new("sys_id", Kind::SysId))
}
