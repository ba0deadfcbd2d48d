//! Reads an encoded query.
//!
//! Strict where ServiceNow is not: it drops a condition it does not understand and so answers too many records, which
//! on the device would mean showing, or removing, the wrong ones. Lenient only in what apps do out of habit: a `^` at
//! either end, and a closing `^EQ`.

use std::str::FromStr;

use super::ast::{AnyOf, Group, Op, Order, Query, Term};
use super::error::{Problem, QueryError};

impl FromStr for Query {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        read(text, false)
    }
}

impl Query {
    /// Reads a query that may name fields of other records by the references that lead there, as `caller_id.location`.
    /// Whoever evaluates it has to look them up.
    ///
    /// # Errors
    /// As with [`FromStr`], but for these.
    pub fn with_paths(text: &str) -> Result<Self, QueryError> {
        read(text, true)
    }
}

fn read(text: &str, paths: bool) -> Result<Query, QueryError> {
    let mut reading = Reading { paths, ..Reading::default() };
    for part in parts(text) {
        reading.take(part)?;
    }
    reading.finish(text.chars().count() + 1)
}

/// What has been read so far.
#[derive(Default)]
struct Reading {
    groups: Vec<Group>,
    group: Group,
    order: Vec<Order>,
    paths: bool,
}

impl Reading {
    fn take(&mut self, part: Part) -> Result<(), QueryError> {
        let mut cursor = Cursor { at: part.at, rest: &part.text, paths: self.paths };
        if cursor.rest.is_empty() || cursor.rest == "EQ" {
            return Ok(());
        }
        if cursor.eat("ORDERBYDESC") {
            self.order.push(Order { field: cursor.last_field()?, descending: true });
        } else if cursor.eat("ORDERBY") {
            self.order.push(Order { field: cursor.last_field()?, descending: false });
        } else if cursor.eat("OR") {
            let Some(previous) = self.group.all.last_mut() else {
                return Err(QueryError { at: part.at, problem: Problem::NothingToJoin });
            };
            previous.any.push(cursor.term()?);
        } else {
            if cursor.eat("NQ") {
                if self.group.all.is_empty() {
                    return Err(QueryError { at: part.at, problem: Problem::EmptyGroup });
                }
                self.groups.push(std::mem::take(&mut self.group));
                if cursor.rest.is_empty() {
                    return Ok(());
                }
            }
            self.group.all.push(AnyOf { any: vec![cursor.term()?] });
        }
        Ok(())
    }

    fn finish(mut self, at: usize) -> Result<Query, QueryError> {
        if !self.group.all.is_empty() {
            self.groups.push(self.group);
        } else if !self.groups.is_empty() {
            return Err(QueryError { at, problem: Problem::EmptyGroup });
        }
        Ok(Query { groups: self.groups, order: self.order })
    }
}

/// What stands between two single `^`, with `^^` already undone.
struct Part {
    at: usize,
    text: String,
}

fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut part = Part { at: 1, text: String::new() };
    let mut chars = (1..).zip(text.chars()).peekable();
    while let Some((at, c)) = chars.next() {
        if c != '^' || chars.next_if(|(_, next)| *next == '^').is_some() {
            part.text.push(c);
        } else {
            parts.push(std::mem::replace(&mut part, Part { at: at + 1, text: String::new() }));
        }
    }
    parts.push(part);
    parts
}

struct Cursor<'p> {
    at: usize,
    rest: &'p str,
    paths: bool,
}

impl<'p> Cursor<'p> {
    fn error(&self, problem: Problem) -> QueryError {
        QueryError { at: self.at, problem }
    }

    fn eat(&mut self, word: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(word) else {
            return false;
        };
        self.rest = rest;
        self.at += word.chars().count();
        true
    }

    /// The longest run of a field's characters: operators are in upper case, so nothing needs to stand between.
    fn field(&mut self) -> Result<String, QueryError> {
        let end = self.rest.find(|c: char| !matches!(c, 'a'..='z' | '0'..='9' | '_')).unwrap_or(self.rest.len());
        let (field, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        if !field.starts_with(|c: char| c.is_ascii_lowercase()) {
            return Err(self.error(Problem::ExpectedField));
        }
        if let Some(behind) = rest.strip_prefix('.') {
            if !self.paths {
                return Err(self.error(Problem::DottedField(field.to_owned())));
            }
            self.at += field.len() + 1;
            self.rest = behind;
            return Ok(format!("{field}.{}", self.field()?));
        }
        self.at += field.len();
        self.rest = rest;
        Ok(field.to_owned())
    }

    fn last_field(mut self) -> Result<String, QueryError> {
        let field = self.field()?;
        self.end()?;
        Ok(field)
    }

    fn end(&self) -> Result<(), QueryError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.error(Problem::ExpectedEnd)) }
    }

    fn term(mut self) -> Result<Term, QueryError> {
        let field = self.field()?;
        let op = self.op(&field)?;
        Ok(Term { field, op })
    }

    fn op(&mut self, field: &str) -> Result<Op, QueryError> {
        // ServiceNow's INSTANCEOF would else be read as IN and a list.
        let word =
            WORDS.iter().find(|word| self.rest.starts_with(*word)).filter(|_| !self.rest.starts_with("INSTANCEOF"));
        let Some(&word) = word else {
            return Err(self.error(Problem::ExpectedOperator(field.to_owned())));
        };
        self.eat(word);
        if self.rest.starts_with("javascript:") {
            return Err(self.error(Problem::Script));
        }
        let value = || self.rest.to_owned();
        let list = || self.rest.split(',').map(str::to_owned).collect();
        let op = match word {
            "=" => Op::Equals(value()),
            "!=" => Op::NotEquals(value()),
            "<" => Op::Less(value()),
            "<=" => Op::LessOrEqual(value()),
            ">" => Op::Greater(value()),
            ">=" => Op::GreaterOrEqual(value()),
            "LIKE" | "CONTAINS" => Op::Like(value()),
            "NOT LIKE" | "NOTLIKE" | "DOES NOT CONTAIN" => Op::NotLike(value()),
            "STARTSWITH" => Op::StartsWith(value()),
            "ENDSWITH" => Op::EndsWith(value()),
            "IN" => Op::In(list()),
            "NOT IN" => Op::NotIn(list()),
            "BETWEEN" => {
                let (low, high) = self.rest.split_once('@').ok_or_else(|| self.error(Problem::ExpectedTwoValues))?;
                Op::Between(low.to_owned(), high.to_owned())
            }
            _ => {
                self.end()?;
                if word == "ISEMPTY" { Op::IsEmpty } else { Op::IsNotEmpty }
            }
        };
        Ok(op)
    }
}

/// Of two that start alike, the longer comes first. `CONTAINS`, `NOTLIKE` and `DOES NOT CONTAIN` are read as ServiceNow
/// reads them, and written as `LIKE` and `NOT LIKE`.
const WORDS: [&str; 18] = [
    "=",
    "!=",
    "<=",
    "<",
    ">=",
    ">",
    "LIKE",
    "CONTAINS",
    "NOT LIKE",
    "NOTLIKE",
    "DOES NOT CONTAIN",
    "STARTSWITH",
    "ENDSWITH",
    "IN",
    "NOT IN",
    "BETWEEN",
    "ISEMPTY",
    "ISNOTEMPTY",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> (usize, Problem) {
        let error = text.parse::<Query>().unwrap_err();
        (error.at, error.problem)
    }

    #[test]
    fn or_joins_the_term_before_it_and_nq_separates() {
        let query: Query = "a=1^b=2^ORc=3^NQd=4^ORDERBYe".parse().unwrap();
        let shape: Vec<Vec<usize>> =
            query.groups.iter().map(|group| group.all.iter().map(|any_of| any_of.any.len()).collect()).collect();
        assert_eq!(shape, [vec![1, 2], vec![1]]);
        assert_eq!(query.order, [Order { field: "e".into(), descending: false }]);
    }

    #[test]
    fn habits_of_apps_are_read() {
        assert_eq!("^active=true^EQ".parse::<Query>(), "active=true".parse());
        assert_eq!("a=1^NQ^b=2^".parse::<Query>(), "a=1^NQb=2".parse());
        assert_eq!("".parse::<Query>(), Ok(Query::default()));
    }

    #[test]
    fn carets_are_doubled_in_values() {
        let query: Query = "a=1^^^b=^^^^".parse().unwrap();
        let ops: Vec<&Op> = query.terms().map(|term| &term.op).collect();
        assert_eq!(ops, [&Op::Equals("1^".into()), &Op::Equals("^^".into())]);
    }

    #[test]
    fn errors_say_where_and_what() {
        assert_eq!(error("état=1"), (1, Problem::ExpectedField));
        assert_eq!(error("a=é^b~1"), (6, Problem::ExpectedOperator("b".into())));
        assert_eq!(error("a=1^caller_id.name=x"), (5, Problem::DottedField("caller_id".into())));
        assert_eq!(error("sys_class_nameINSTANCEOFtask"), (15, Problem::ExpectedOperator("sys_class_name".into())));
        assert_eq!(error("aISEMPTYb"), (9, Problem::ExpectedEnd));
        assert_eq!(error("ORDERBYa=1"), (9, Problem::ExpectedEnd));
        assert_eq!(error("ORDERBY"), (8, Problem::ExpectedField));
        assert_eq!(error("ORa=1"), (1, Problem::NothingToJoin));
        assert_eq!(error("a=1^NQORb=1"), (7, Problem::ExpectedField));
        assert_eq!(error("ORDERBYa^NQb=1"), (10, Problem::EmptyGroup));
        assert_eq!(error("a=1^NQ"), (7, Problem::EmptyGroup));
        assert_eq!(error("aBETWEEN1"), (9, Problem::ExpectedTwoValues));
        assert_eq!(error("a=javascript:gs.getUserID()"), (3, Problem::Script));
        assert_eq!(
            "a~1".parse::<Query>().unwrap_err().to_string(),
            "The query cannot be read at character 2: expected an operator after `a`: =, !=, <, <=, >, >=, LIKE, \
             NOT LIKE, STARTSWITH, ENDSWITH, IN, NOT IN, BETWEEN, ISEMPTY or ISNOTEMPTY."
        );
    }
}
