//! Why a query could not be read.

/// A query that could not be read, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The query cannot be read at character {at}: {problem}.")]
pub struct QueryError {
    /// Counted from 1, in characters rather than bytes.
    pub at: usize,
    /// What was found wrong there.
    pub problem: Problem,
}

/// What is wrong with a query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A part starts with something else than a field name.
    #[error("expected the name of a field, in lower case letters, digits and underscores")]
    ExpectedField,
    /// A field of another record was named.
    #[error("`{0}.` looks into another record, which cannot be done here; name fields of the record itself")]
    DottedField(String),
    /// No operator follows the field, or one that is not known here.
    #[error(
        "expected an operator after `{0}`: =, !=, <, <=, >, >=, LIKE, NOT LIKE, STARTSWITH, ENDSWITH, IN, NOT IN, \
         BETWEEN, ISEMPTY or ISNOTEMPTY"
    )]
    ExpectedOperator(String),
    /// Something follows `ISEMPTY`, `ISNOTEMPTY` or the field of an order.
    #[error("expected `^` or the end of the query")]
    ExpectedEnd,
    /// `BETWEEN` without an `@`.
    #[error("expected two values with an `@` between them, as in `priorityBETWEEN1@3`")]
    ExpectedTwoValues,
    /// `^OR` with nothing before it.
    #[error("`OR` has no condition before it to join")]
    NothingToJoin,
    /// `^NQ` with no condition on one of its sides, which would match every record.
    #[error("`NQ` needs a condition on both sides")]
    EmptyGroup,
    /// A value only the instance could compute.
    #[error("`javascript:` values are computed on the instance and cannot be compared on the device")]
    Script,
}
