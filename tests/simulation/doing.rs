//! What a task is about: so that a commit is known for whose it is, and an answer for what was asked.

use std::cell::{Cell, RefCell};

use landfall::{core::conflict::Choice, wire::Fields};

use super::online::Plan;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Open,
    /// The app's write: one commit, or none.
    Write,
    /// `retry`, `edit`, `discard`.
    Hand,
    Sync,
    Read,
}

/// What one write is to bring about.
#[derive(Clone, Debug)]
pub enum Intent {
    Create {
        uid: String,
        table: String,
        fields: Fields,
    },
    Change {
        record: usize,
        fields: Fields,
    },
    Delete {
        record: usize,
    },
    /// A run of an action, by the item that stands for it.
    Run {
        plan: Plan,
        item: String,
        /// What its offline step has made, and deleted again.
        brief: Option<String>,
    },
}

pub struct Doing {
    pub by: usize,
    pub kind: Kind,
    pub what: String,
    pub intents: RefCell<Vec<Intent>>,
    pub commits: Cell<u32>,
    /// A commit of it was done, and said to have failed.
    pub unsure: Cell<bool>,
    /// The user says so without knowing what became of the request before.
    pub unknowing: bool,
    /// The item whose entry an edit takes the place of.
    pub replaced: RefCell<Option<(usize, String)>>,
    /// It is `discard`, or `delete`: unsent items may go.
    pub may_drop: bool,
    /// It is `pair`: with it an action may be done.
    pub pairs: bool,
    /// The item that `discard` names.
    pub discards: Option<String>,
    /// It is `pin`, or `unpin`.
    pub pins: bool,
    /// It says which change of this record is to stand.
    pub word: Option<(usize, Choice)>,
}

impl Doing {
    pub fn new(by: usize, kind: Kind, what: String) -> Self {
        Self {
            by,
            kind,
            what,
            intents: RefCell::default(),
            commits: Cell::new(0),
            unsure: Cell::new(false),
            unknowing: false,
            replaced: RefCell::default(),
            may_drop: false,
            pairs: false,
            discards: None,
            pins: false,
            word: None,
        }
    }
}
