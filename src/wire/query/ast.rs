//! A query, taken apart.

/// An encoded query. The default one, without groups and orders, matches every record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Query {
    /// A record matches when any of these does, or when there are none.
    pub groups: Vec<Group>,
    /// The first decides; the next break its ties.
    pub order: Vec<Order>,
}

/// What stands between two `^NQ`: all of it must match. The parser makes no empty ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Group {
    /// Joined by `^`.
    pub all: Vec<AnyOf>,
}

/// Terms joined by `^OR`: any of them must match. The parser makes no empty ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct AnyOf {
    /// Joined by `^OR`.
    pub any: Vec<Term>,
}

/// One condition on one field.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Term {
    /// Of the record itself, or, where the query was read [with paths](Query::with_paths), of another.
    pub field: String,
    /// What must hold of it.
    pub op: Op,
}

/// What a term asks of its field, with the value it asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// `=`
    Equals(String),
    /// `!=`
    NotEquals(String),
    /// `<`
    Less(String),
    /// `<=`
    LessOrEqual(String),
    /// `>`
    Greater(String),
    /// `>=`
    GreaterOrEqual(String),
    /// `LIKE`: contains.
    Like(String),
    /// `NOT LIKE`
    NotLike(String),
    /// `STARTSWITH`
    StartsWith(String),
    /// `ENDSWITH`
    EndsWith(String),
    /// `IN`: equals any of these. Never without one: `IN` alone holds the empty value.
    In(Vec<String>),
    /// `NOT IN`
    NotIn(Vec<String>),
    /// `ISEMPTY`
    IsEmpty,
    /// `ISNOTEMPTY`
    IsNotEmpty,
    /// `BETWEEN`, both borders included.
    Between(String, String),
}

/// One field to sort by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Order {
    /// As a term's.
    pub field: String,
    /// `ORDERBYDESC` rather than `ORDERBY`.
    pub descending: bool,
}

impl Query {
    /// The query of records that match this one and the term besides.
    #[must_use]
    pub fn and(mut self, term: Term) -> Self {
        if self.groups.is_empty() {
            self.groups.push(Group::default());
        }
        for group in &mut self.groups {
            group.all.push(AnyOf { any: vec![term.clone()] });
        }
        self
    }

    /// Every condition, wherever it stands.
    pub fn terms(&self) -> impl Iterator<Item = &Term> {
        self.groups.iter().flat_map(|group| &group.all).flat_map(|any_of| &any_of.any)
    }

    /// The fields that conditions and orders name, some perhaps more than once.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.terms().map(|term| term.field.as_str()).chain(self.order.iter().map(|order| order.field.as_str()))
    }
}
