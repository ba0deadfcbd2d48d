//! Writes a query down so that reading it back gives the same query.
//!
//! That holds for whatever the parser made. A query put together by hand can say what no text can: a list value with a
//! comma, a lower bound with an `@`, or a value starting with `=` after `<` or `>`.

use std::fmt::{self, Display, Formatter};

use super::ast::{AnyOf, Group, Op, Order, Query, Term};

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        joined(f, &self.groups, "^NQ")?;
        if !self.groups.is_empty() && !self.order.is_empty() {
            f.write_str("^")?;
        }
        joined(f, &self.order, "^")
    }
}

impl Display for Group {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        joined(f, &self.all, "^")
    }
}

impl Display for AnyOf {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        joined(f, &self.any, "^OR")
    }
}

impl Display for Term {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.field, self.op)
    }
}

impl Display for Op {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (word, value) = match self {
            Self::Equals(value) => ("=", value.clone()),
            Self::NotEquals(value) => ("!=", value.clone()),
            Self::Less(value) => ("<", value.clone()),
            Self::LessOrEqual(value) => ("<=", value.clone()),
            Self::Greater(value) => (">", value.clone()),
            Self::GreaterOrEqual(value) => (">=", value.clone()),
            Self::Like(value) => ("LIKE", value.clone()),
            Self::NotLike(value) => ("NOT LIKE", value.clone()),
            Self::StartsWith(value) => ("STARTSWITH", value.clone()),
            Self::EndsWith(value) => ("ENDSWITH", value.clone()),
            Self::In(values) => ("IN", values.join(",")),
            Self::NotIn(values) => ("NOT IN", values.join(",")),
            Self::IsEmpty => ("ISEMPTY", String::new()),
            Self::IsNotEmpty => ("ISNOTEMPTY", String::new()),
            Self::Between(low, high) => ("BETWEEN", format!("{low}@{high}")),
        };
        write!(f, "{word}{}", value.replace('^', "^^"))
    }
}

impl Display for Order {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.descending { "ORDERBYDESC" } else { "ORDERBY" }, self.field)
    }
}

fn joined<T: Display>(f: &mut Formatter<'_>, items: &[T], between: &str) -> fmt::Result {
    for (n, item) in items.iter().enumerate() {
        if n > 0 {
            f.write_str(between)?;
        }
        item.fmt(f)?;
    }
    Ok(())
}
