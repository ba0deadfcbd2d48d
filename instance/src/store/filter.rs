//! An encoded query in SQL, with the evaluator's meaning exactly: `landfall::wire::query` says what that is, and its
//! table of cases is run against both databases.
//!
//! Values are always bound, never written into the SQL. A column that is empty is null; a typed column holds values
//! of its type only, so a comparison with anything else is decided here and not in the database.

use landfall::wire::query::{AnyOf, Group, Op, Query, Term};
use landfall::wire::{Key, datetime, fold};

use super::ddl::folded;
use super::seam::Dialect;
use super::value::{MOST_VALUES, Value};
use crate::schema::{Class, Field, Kind};

const ALL: &str = "TRUE";
const NONE: &str = "FALSE";

/// A query ready for the database.
#[derive(Clone, Debug)]
pub struct Filter {
    /// What stands after `WHERE`.
    pub condition: String,
    /// What stands after `ORDER BY`.
    pub order: String,
    /// The bound values.
    pub values: Vec<Value>,
}

/// Why a query cannot be put to the database.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// A field the table does not have.
    #[error("table {table} has no field `{field}`")]
    UnknownField {
        /// The table asked.
        table: &'static str,
        /// The name that means nothing there.
        field: String,
    },
    /// More values than a statement can hold.
    #[error("the query compares with more than {MOST_VALUES} values")]
    TooLarge,
}

impl Filter {
    /// Lets every record through.
    pub fn all() -> Self {
        Self { condition: ALL.to_owned(), order: "t0.\"sys_id\"".to_owned(), values: Vec::new() }
    }

    /// Puts a query on the class's columns.
    pub fn new(query: &Query, class: &Class, dialect: Dialect) -> Result<Self, FilterError> {
        let mut writer = Writer { class, dialect, values: Vec::new() };
        let condition = writer.query(query)?;
        let order = writer.order(query)?;
        if writer.values.len() > MOST_VALUES {
            return Err(FilterError::TooLarge);
        }
        Ok(Self { condition, order, values: writer.values })
    }
}

struct Writer<'c> {
    class: &'c Class,
    dialect: Dialect,
    values: Vec<Value>,
}

impl Writer<'_> {
    fn query(&mut self, query: &Query) -> Result<String, FilterError> {
        let groups = query.groups.iter().map(|group| self.group(group)).collect::<Result<Vec<_>, _>>()?;
        Ok(join(groups, " OR ", ALL))
    }

    fn group(&mut self, group: &Group) -> Result<String, FilterError> {
        let all = group.all.iter().map(|any_of| self.any_of(any_of)).collect::<Result<Vec<_>, _>>()?;
        Ok(join(all, " AND ", ALL))
    }

    fn any_of(&mut self, any_of: &AnyOf) -> Result<String, FilterError> {
        let any = any_of.any.iter().map(|term| self.term(term)).collect::<Result<Vec<_>, _>>()?;
        Ok(join(any, " OR ", NONE))
    }

    fn field(&self, name: &str) -> Result<Field, FilterError> {
        let unknown = || FilterError::UnknownField { table: self.class.name, field: name.to_owned() };
        self.class.field(name).copied().ok_or_else(unknown)
    }

    fn term(&mut self, term: &Term) -> Result<String, FilterError> {
        let field = self.field(&term.field)?;
        if field.column.kind == Kind::Journal {
            // A journal field itself is always empty; its entries are records of sys_journal_field.
            let holds = term.op.holds("", field.column.compared_as());
            return Ok(if holds { ALL } else { NONE }.to_owned());
        }
        let column = name(&field, field.column.name);
        Ok(match &term.op {
            Op::Equals(other) => self.is_in(&field, std::slice::from_ref(other)),
            Op::In(others) => self.is_in(&field, others),
            Op::NotEquals(other) => self.is_not_in(&field, std::slice::from_ref(other)),
            Op::NotIn(others) => self.is_not_in(&field, others),
            Op::Less(other) => self.range(&field, "<", other),
            Op::LessOrEqual(other) => self.range(&field, "<=", other),
            Op::Greater(other) => self.range(&field, ">", other),
            Op::GreaterOrEqual(other) => self.range(&field, ">=", other),
            Op::Between(low, high) => {
                let (low, high) = (self.range(&field, ">=", low), self.range(&field, "<=", high));
                format!("({low} AND {high})")
            }
            Op::Like(text) => self.looks(&field, text, Self::contains),
            Op::NotLike(text) if text.is_empty() => NONE.to_owned(),
            Op::NotLike(text) => format!("({column} IS NULL OR NOT {})", self.looks(&field, text, Self::contains)),
            Op::StartsWith(text) => self.looks(&field, text, Self::starts),
            Op::EndsWith(text) => self.looks(&field, text, Self::ends),
            Op::IsEmpty => format!("{column} IS NULL"),
            Op::IsNotEmpty => format!("{column} IS NOT NULL"),
        })
    }

    fn is_in(&mut self, field: &Field, others: &[String]) -> String {
        let (places, or_empty) = self.keys(field, others);
        let mut any = Vec::new();
        if !places.is_empty() {
            any.push(format!("{} IN ({})", key(field), places.join(", ")));
        }
        if or_empty {
            any.push(format!("{} IS NULL", name(field, field.column.name)));
        }
        join(any, " OR ", NONE)
    }

    fn is_not_in(&mut self, field: &Field, others: &[String]) -> String {
        let column = name(field, field.column.name);
        match self.keys(field, others) {
            (places, false) if places.is_empty() => ALL.to_owned(),
            (places, true) if places.is_empty() => format!("{column} IS NOT NULL"),
            (places, false) => format!("({column} IS NULL OR {} NOT IN ({}))", key(field), places.join(", ")),
            // Where the column is null, this is null too, and so does not hold.
            (places, true) => format!("{} NOT IN ({})", key(field), places.join(", ")),
        }
    }

    /// Binds what the column could equal; says besides whether the empty value is among the others.
    fn keys(&mut self, field: &Field, others: &[String]) -> (Vec<String>, bool) {
        let values: Vec<Value> = others.iter().filter_map(|other| comparable(field, other)).collect();
        let places = values.into_iter().map(|value| self.bind(value)).collect();
        (places, others.iter().any(String::is_empty))
    }

    fn range(&mut self, field: &Field, sign: &str, other: &str) -> String {
        match comparable(field, other) {
            Some(value) => format!("{} {sign} {}", key(field), self.bind(value)),
            None => NONE.to_owned(),
        }
    }

    fn looks(&mut self, field: &Field, text: &str, how: fn(&Self, &str, &str) -> String) -> String {
        if text.is_empty() {
            return ALL.to_owned();
        }
        if text.contains('\0') {
            // No column holds it, and PostgreSQL would not take it.
            return NONE.to_owned();
        }
        let place = self.bind(fold(text).into());
        how(self, &printed(field), &place)
    }

    fn contains(&self, text: &str, place: &str) -> String {
        match self.dialect {
            Dialect::Sqlite => format!("instr({text}, {place}) > 0"),
            Dialect::Postgres => format!("strpos({text}, {place}) > 0"),
        }
    }

    fn starts(&self, text: &str, place: &str) -> String {
        format!("substr({text}, 1, length({place})) = {place}")
    }

    fn ends(&self, text: &str, place: &str) -> String {
        match self.dialect {
            Dialect::Sqlite => format!("substr({text}, -length({place})) = {place}"),
            Dialect::Postgres => format!("right({text}, length({place})) = {place}"),
        }
    }

    fn bind(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    /// Empty values first, or last when descending; ties by sys_id, so that pages never overlap.
    fn order(&self, query: &Query) -> Result<String, FilterError> {
        let mut by = Vec::new();
        for order in &query.order {
            let field = self.field(&order.field)?;
            if field.column.kind != Kind::Journal {
                by.push(format!(
                    "{} {}",
                    key(&field),
                    if order.descending { "DESC NULLS LAST" } else { "ASC NULLS FIRST" }
                ));
            }
        }
        by.push("t0.\"sys_id\"".to_owned());
        Ok(by.join(", "))
    }
}

fn join(parts: Vec<String>, with: &str, nothing: &str) -> String {
    match parts.as_slice() {
        [] => nothing.to_owned(),
        [one] => one.clone(),
        _ => format!("({})", parts.join(with)),
    }
}

fn name(field: &Field, column: &str) -> String {
    format!("t{}.\"{column}\"", field.level)
}

/// What a column is compared and sorted by.
fn key(field: &Field) -> String {
    let column = name(field, field.column.name);
    match field.column.kind {
        Kind::Text | Kind::Reference(_) | Kind::List(_) => name(field, &folded(field.column.name)),
        // As the evaluator has it: numbers compare as doubles.
        Kind::Integer => format!("CAST({column} AS DOUBLE PRECISION)"),
        Kind::Date => format!("({column} || ' 00:00:00')"),
        Kind::SysId | Kind::Decimal | Kind::Boolean | Kind::DateTime | Kind::Journal => column,
    }
}

/// A column's string form, folded.
fn printed(field: &Field) -> String {
    let column = name(field, field.column.name);
    match field.column.kind {
        Kind::Text | Kind::Reference(_) | Kind::List(_) | Kind::Decimal => name(field, &folded(field.column.name)),
        Kind::Integer => format!("CAST({column} AS TEXT)"),
        Kind::Boolean => {
            format!("(CASE WHEN {column} THEN 'true' WHEN NOT {column} THEN 'false' END)")
        }
        Kind::SysId | Kind::DateTime | Kind::Date | Kind::Journal => column,
    }
}

/// A value of the query in the form the column's key has; `None` where it is empty or of another type, so that the
/// column can neither equal it nor rank beside it.
fn comparable(field: &Field, other: &str) -> Option<Value> {
    let of = field.column.compared_as();
    let key = Key::of(other, of);
    if !key.is_of(of) || other.contains('\0') {
        return None;
    }
    Some(match key {
        Key::Empty => return None,
        Key::Boolean(truth) => Value::Boolean(truth),
        Key::Number(number) => Value::Real(number),
        Key::Moment(seconds) => datetime::to_servicenow(seconds)?.into(),
        Key::Text(text) => text.into(),
    })
}
