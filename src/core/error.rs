//! What the rules refuse, before anything is written.

/// Why the app's call was refused. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CoreError {
    /// The table is not among the options given to `open`.
    #[error("The table “{0}” was not declared in the options given to open().")]
    UnknownTable(String),
    /// The options contradict themselves.
    #[error("The options given to open() cannot be used: {0}")]
    BadOptions(String),
    /// What is to go along with a record that is pinned cannot.
    #[error("The option “include” cannot be used: {0}.")]
    BadInclude(String),
    /// A field's name cannot be one.
    #[error("“{0}” is not a field name: use lower-case letters, digits and _, beginning with a letter or _.")]
    BadField(String),
    /// A value of the app's own for the field that carries the temporary id.
    #[error(
        "“{0}” brings the temporary id of a new record to the instance, so that it can be found again: give it no value, or \
         name another field as correlationField."
    )]
    OwnCorrelation(String),
    /// A record of more than [`MAX_RECORD_BYTES`](super::values::MAX_RECORD_BYTES).
    #[error("This record is {bytes} bytes long; the most that can be sent to an instance in one piece is {most}.")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        most: usize,
    },
    /// There is no such record here.
    #[error("There is no {table} record “{sys_id}” on this device.")]
    NotFound {
        /// The table asked.
        table: String,
        /// The id asked for.
        sys_id: String,
    },
    /// The record was deleted here.
    #[error("The {table} record “{sys_id}” was deleted on this device.")]
    Deleted {
        /// Its table.
        table: String,
        /// Its id.
        sys_id: String,
    },
    /// The id is of a record of a table that does not fit.
    #[error("“{sys_id}” is a record of {found}, not of {expected}.")]
    WrongTable {
        /// The id.
        sys_id: String,
        /// The table it should be of.
        expected: String,
        /// The table it is of.
        found: String,
    },
    /// A reference to a temporary id that this device never made.
    #[error(
        "The field “{field}” refers to {id}, which was not made on this device: a temporary id means nothing elsewhere."
    )]
    UnknownTemporary {
        /// The reference field.
        field: String,
        /// The id in it.
        id: String,
    },
    /// A reference to a record that was deleted before it was ever sent.
    #[error("The field “{field}” refers to {id}, which was deleted before it was sent.")]
    DeletedReference {
        /// The reference field.
        field: String,
        /// The id in it.
        id: String,
    },
    /// There is no such outbox item.
    #[error("There is no item “{0}” in the outbox: it has been settled since, or there never was one.")]
    NoSuchItem(String),
    /// The item is on its way.
    #[error("The item “{0}” is being sent at this moment; try again when its answer is there.")]
    BeingSent(String),
    /// The item may have been carried out: changing it could bring it about twice.
    #[error(
        "It is not known yet whether the instance has carried out the item “{0}”. Change the record itself: that follows it."
    )]
    AnswerUnknown(String),
    /// The changes do not fit the item.
    #[error("The item “{item}” cannot be changed so: {why}.")]
    NotEditable {
        /// Its id.
        item: String,
        /// What does not fit.
        why: String,
    },
    /// A record cannot be paired so.
    #[error("The records of the action “{item}” cannot be paired so: {why}.")]
    NotPairable {
        /// The item's id.
        item: String,
        /// Why.
        why: String,
    },
    /// A value for a field that nobody is asked about.
    #[error("“{field}” of “{sys_id}” is not in conflict: change it with update().")]
    NotInConflict {
        /// The record's id.
        sys_id: String,
        /// The field.
        field: String,
    },
    /// A transaction was used after its end.
    #[error("This transaction is over: await everything that is begun in it.")]
    TransactionOver,
    /// An encoded query that cannot be read.
    #[error("{0}")]
    MalformedQuery(String),
    /// Unsent work stands in the way.
    #[error("{0} unsent items are in the outbox. Send them first, or say discardUnsent: true to lose them.")]
    UnsentWork(u32),
    /// What is unsent in it would go out in another's name.
    #[error("This database was made for another user or instance, and is not opened.")]
    AnotherUsers,
    /// Another context took the sending over.
    #[error("Another tab or worker has taken over the sending.")]
    LeaseLost,
    /// A stored row cannot be understood.
    #[error("A stored row of “{store}” cannot be read: {why}")]
    Corrupt {
        /// The store.
        store: &'static str,
        /// What the reader said.
        why: String,
    },
}

impl CoreError {
    /// The stable name of this error at the JavaScript edge.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownTable(_) => "unknown_table",
            Self::BadOptions(_) | Self::BadInclude(_) => "bad_options",
            Self::BadField(_) | Self::OwnCorrelation(_) => "bad_field",
            Self::TooLarge { .. } => "record_too_large",
            Self::NotFound { .. } => "not_found",
            Self::Deleted { .. } => "deleted",
            Self::WrongTable { .. } => "wrong_table",
            Self::UnknownTemporary { .. } => "unknown_temporary",
            Self::DeletedReference { .. } => "deleted_reference",
            Self::NoSuchItem(_) => "not_found",
            Self::BeingSent(_) => "being_sent",
            Self::AnswerUnknown(_) => "answer_unknown",
            Self::NotEditable { .. } => "not_editable",
            Self::NotPairable { .. } => "not_pairable",
            Self::NotInConflict { .. } => "not_in_conflict",
            Self::TransactionOver => "transaction_over",
            Self::MalformedQuery(_) => "malformed_query",
            Self::UnsentWork(_) => "unsent_work",
            Self::AnotherUsers => "another_user",
            Self::LeaseLost => "lease_lost",
            Self::Corrupt { .. } => "corrupt_row",
        }
    }
}
