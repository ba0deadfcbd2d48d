//! A history before it happens: everything the app does, and what goes wrong, drawn from a seed.

use std::collections::BTreeMap;

use landfall::{
    core::{
        along::Include,
        schema::{Conflict, TableOptions},
    },
    engine::FromRemote,
};
use serde_json::json;

use super::{
    acting::Run,
    along::candidates,
    draw::Draw,
    opening::Which,
    trouble::{Fault, fault},
    word::Says,
};

/// The app's own number for a record: by it the instance's rows are counted.
pub const UID: &str = "u_uid";
/// The table that may not keep the temporary id.
pub const BLIND: &str = "log";
pub const TABLES: [&str; 3] = ["incident", "incident_task", BLIND];
/// The parent of the first two.
pub const PARENT: &str = "task";

/// What stays as it is for a whole history.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    pub seed: u64,
    /// The instance honours `Idempotency-Key`.
    pub keyed: bool,
    /// And puts in permanent ids itself.
    pub resolves: bool,
    /// It runs the online steps of actions, each once for its key: also one that knows no keys else.
    pub actions: bool,
    /// What an action makes may carry the temporary id.
    pub carries: bool,
    /// Requests without a key may arrive twice, or late: the one case in which there may be twins.
    pub repeats: bool,
    /// `sys_journal_field` may be read.
    pub readable: bool,
    /// One table does not keep its correlation field.
    pub blind: bool,
    /// The same table has none, and says so.
    pub uncorrelated: bool,
    pub locks: bool,
    /// The instance says how many a query finds.
    pub counts: bool,
    /// Rows a page of a refresh has at most.
    pub page: Option<usize>,
    /// By so many hours the instance takes the text of a time for a later one.
    pub zone: i64,
    pub batch: Option<usize>,
    pub contexts: usize,
    /// Whose change stands where both sides have changed a record.
    pub conflict: Conflict,
    /// The instance changes a record only as long as that is as the device knows it.
    pub if_match: bool,
    /// The cached table is brought by a query, which records leave.
    pub query: bool,
    /// So many records the instance has before anything happens.
    pub rows: usize,
    /// What goes along with its records.
    pub include: Vec<Include>,
}

impl Setup {
    fn draw(seed: u64, draw: &mut Draw) -> Self {
        let keyed = draw.percent(55);
        Self {
            seed,
            keyed,
            resolves: keyed && draw.percent(60),
            actions: draw.percent(if keyed { 85 } else { 50 }),
            carries: draw.percent(70),
            repeats: !keyed && draw.percent(25),
            readable: draw.percent(60),
            blind: draw.percent(30),
            uncorrelated: draw.percent(15),
            locks: draw.percent(80),
            counts: draw.percent(85),
            page: draw.of(&[None, None, Some(2), Some(5)]),
            zone: draw.of(&[0, 0, 0, 0, 5, -3]),
            batch: draw.of(&[None, None, Some(1), Some(3)]),
            contexts: draw.of(&[2, 2, 3]),
            conflict: draw.of(&[
                Conflict::Merge,
                Conflict::Merge,
                Conflict::Merge,
                Conflict::Client,
                Conflict::Server,
                Conflict::Ask,
            ]),
            if_match: draw.percent(30),
            query: draw.percent(50),
            rows: draw.below(8),
            include: {
                let all = candidates("incident");
                (0..draw.of(&[0, 1, 2, 3, 4])).map(|_| all[draw.below(all.len())].clone()).collect()
            },
        }
    }

    /// Whether the instance takes the same request twice as one, by its key.
    pub fn knows_keys(&self, action: bool) -> bool {
        self.keyed || (action && self.actions)
    }

    pub fn tables(&self) -> BTreeMap<String, TableOptions> {
        let mut log = json!({ "references": { "about": "incident", "before": "log" }, "journals": ["work_notes"] });
        if self.uncorrelated {
            log["correlationField"] = json!(null);
        }
        log["conflict"] = json!(self.conflict);
        let mut cache = json!({ "include": self.include });
        if self.query {
            cache["query"] = json!("u_otherISEMPTY");
        }
        let tables = json!({
            "task": {
                "references": { "parent": "task", "watch": ["task"] },
                "journals": ["work_notes"],
                "conflict": self.conflict,
            },
            "incident": { "extends": "task", "cache": cache },
            "incident_task": { "extends": "task", "references": { "incident": "incident" } },
            "log": log,
        });
        serde_json::from_value(tables).unwrap()
    }
}

/// The fields of a table that refer to records, and to records of which tables. The last is a text that may.
pub fn references(table: &str) -> &'static [(&'static str, &'static [&'static str])] {
    match table {
        "incident" => &[
            ("parent", &["incident", "incident_task"]),
            ("watch", &["incident", "incident_task"]),
            ("description", &TABLES),
        ],
        "incident_task" => {
            &[("parent", &["incident", "incident_task"]), ("incident", &["incident"]), ("description", &TABLES)]
        }
        _ => &[("about", &["incident"]), ("before", &["log"]), ("description", &TABLES)],
    }
}

/// What is written about one record. Numbers choose among what there is when it happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Text,
    /// A value that the instance may refuse.
    Level {
        bad: bool,
    },
    /// The field and the record that it is to point to.
    Link {
        field: usize,
        to: usize,
    },
    /// To itself.
    Itself {
        field: usize,
    },
    Unlink {
        field: usize,
    },
    Note,
    /// Several at once.
    All(Vec<Change>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    Create {
        by: usize,
        table: usize,
        change: Change,
    },
    /// Several in one call; each may point to the one before.
    CreateMany {
        by: usize,
        table: usize,
        count: usize,
        linked: bool,
        bad: bool,
    },
    Update {
        by: usize,
        record: usize,
        change: Change,
    },
    Delete {
        by: usize,
        record: usize,
    },
    /// A record and one that points to it, with a change of a third.
    Transaction {
        by: usize,
        table: usize,
        record: usize,
        change: Change,
    },
    /// A write-back action.
    Run {
        by: usize,
        run: Run,
    },
    /// The user says which record of an action's is which.
    Pair {
        by: usize,
        item: usize,
    },
    Retry {
        by: usize,
        item: usize,
    },
    Edit {
        by: usize,
        item: usize,
        bad: bool,
    },
    Discard {
        by: usize,
        item: usize,
    },
    Settled {
        by: usize,
        item: usize,
    },
    /// The user says whose change is to stand, of a record of which he is asked.
    Resolve {
        by: usize,
        record: usize,
        says: Says,
    },
    Sync {
        by: usize,
        pull: bool,
    },
    Stop {
        by: usize,
    },
    SignIn {
        by: usize,
    },
    Offline {
        by: usize,
        on: bool,
    },
    Look {
        by: usize,
    },
    /// The instance is asked for a record.
    Open {
        by: usize,
        which: Which,
        from: FromRemote,
    },
    Pin {
        by: usize,
        which: Which,
        include: Vec<usize>,
    },
    Unpin {
        by: usize,
        which: Which,
    },
    Wait {
        ms: u64,
    },
    Strike(Fault),
}

/// One thing that happens. `salt` decides how far the world gets before the next, and in which order.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub salt: u64,
    pub act: Act,
}

#[derive(Clone, Debug)]
pub struct Story {
    pub setup: Setup,
    pub events: Vec<Event>,
}

impl Story {
    pub fn draw(seed: u64) -> Self {
        let mut draw = Draw::new(seed);
        let setup = Setup::draw(seed, &mut draw);
        let count = 52 + draw.below(25);
        let events = (0..count).map(|_| Event { salt: draw.next(), act: act(&setup, &mut draw) }).collect();
        Self { setup, events }
    }
}

fn act(setup: &Setup, draw: &mut Draw) -> Act {
    let by = draw.below(setup.contexts);
    let (record, item) = (draw.below(64), draw.below(64));
    let table = draw.of(&[0, 0, 1, 1, 2]);
    match draw.below(140) {
        0..13 => Act::Create { by, table, change: change(draw) },
        13..17 => {
            Act::CreateMany { by, table, count: 2 + draw.below(3), linked: draw.percent(50), bad: draw.percent(15) }
        }
        17..33 => Act::Update { by, record, change: change(draw) },
        33..37 => Act::Delete { by, record },
        37..40 => Act::Transaction { by, table, record, change: change(draw) },
        40..42 => Act::Retry { by, item },
        42..44 => Act::Edit { by, item, bad: draw.percent(20) },
        44..46 => Act::Discard { by, item },
        46..47 => Act::Settled { by, item },
        47..62 => Act::Sync { by, pull: draw.percent(40) },
        62..63 => Act::Stop { by },
        63..64 => Act::SignIn { by },
        64..65 => Act::Offline { by, on: draw.percent(40) },
        65..67 => Act::Look { by },
        67..75 => Act::Wait { ms: draw.of(&[500, 1_000, 5_000, 15_000, 40_000, 120_000, 400_000]) },
        75..83 => Act::Run { by, run: Run::draw(setup, draw) },
        83..85 => Act::Pair { by, item },
        85..92 => Act::Strike(Fault::Changes { row: draw.below(64), which: draw.below(64) }),
        92..97 => Act::Resolve { by, record, says: Says::draw(draw) },
        97..103 => {
            let from = if draw.percent(60) { FromRemote::Always } else { FromRemote::IfMissing };
            Act::Open { by, which: Which::draw(draw), from }
        }
        103..108 => {
            let include = (0..draw.of(&[0, 0, 1, 2])).map(|_| draw.below(64)).collect();
            Act::Pin { by, which: Which::draw(draw), include }
        }
        108..112 => Act::Unpin { by, which: Which::draw(draw) },
        112..115 => Act::Strike(Fault::Adds),
        _ => Act::Strike(fault(setup, draw)),
    }
}

pub fn change(draw: &mut Draw) -> Change {
    let field = draw.below(3);
    match draw.below(20) {
        0..6 => Change::Text,
        6..8 => Change::Level { bad: draw.percent(60) },
        8..12 => Change::Link { field, to: draw.below(64) },
        12..13 => Change::Itself { field },
        13..14 => Change::Unlink { field },
        14..16 => Change::Note,
        _ => Change::All(vec![Change::Text, Change::Link { field, to: draw.below(64) }, Change::Note]),
    }
}
