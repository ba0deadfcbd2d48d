//! Rules run over an in-memory store as the engine runs them, with nothing around them.

use std::collections::BTreeMap;

use futures_executor::block_on;
use landfall::{
    core::{
        CoreError, Durability, Event, Halt, Origin, Receipt, Ruled, Tx, View, act,
        claim::{With, claim},
        ids,
        lease::take_lease,
        plan::Keys,
        pull::take_in,
        receive::{Answer, Tally, receive},
        schema::Schema,
        stored::{Action, Item, ItemError, Part, Proofs, Record},
        write,
    },
    ports::Store,
    testing::{MemoryDatabase, MemoryStore},
    wire::Fields,
};
use serde_json::json;
use uuid::Uuid;

pub const PLAIN: With = With { keys: None, resolves: false, guards: false };
pub const RESOLVES: With = With { keys: Some(Keys { ttl_ms: None }), resolves: true, guards: false };

pub struct World {
    store: MemoryStore,
    pub schema: Schema,
    next: u128,
    pub now: u64,
}

impl World {
    pub fn new() -> Self {
        let tables = json!({
            "task": {},
            "incident": {
                "extends": "task",
                "references": { "parent": "incident" },
                "journals": ["work_notes"],
                "types": { "impact": "integer" },
            },
            "problem": {},
        });
        Self {
            store: MemoryDatabase::new().open(),
            schema: Schema::new(serde_json::from_value(tables).unwrap()).unwrap(),
            next: 1,
            now: 1_000_000,
        }
    }

    pub fn uuid(&mut self) -> Uuid {
        self.next += 0x1000;
        Uuid::from_u128(self.next)
    }

    pub fn run<T>(&mut self, rule: impl Fn(&mut Tx<'_>) -> Ruled<T>) -> Result<(T, Vec<Event>), CoreError> {
        let fresh = self.uuid();
        let mut view = View::default();
        loop {
            let mut tx = Tx::new(&self.schema, self.now, fresh, &view);
            match rule(&mut tx) {
                Ok(value) => {
                    let (set, events) = tx.finish(fresh.as_u128() as f64, Origin::Here, Durability::Strict);
                    block_on(self.store.commit(&set)).unwrap();
                    return Ok((value, events));
                }
                Err(Halt::Refuse(error)) => return Err(error),
                Err(Halt::Missing) => {
                    let reads = tx.missing();
                    let found = block_on(self.store.read(&reads)).unwrap();
                    view.absorb(reads, found);
                }
            }
        }
    }

    pub fn create(&mut self, fields: &[(&str, &str)]) -> (String, String) {
        self.create_in("incident", fields)
    }

    pub fn create_in(&mut self, table: &str, fields: &[(&str, &str)]) -> (String, String) {
        let temporary = ids::temporary(self.uuid());
        let fields = fields_of(fields);
        let (record, _) = self.run(|tx| write::create(tx, table, &temporary, &fields)).unwrap();
        (temporary, record.items[0].clone())
    }

    pub fn item(&mut self, id: &str) -> Option<Item> {
        self.run(|tx| tx.item(id)).unwrap().0
    }

    pub fn record(&mut self, table: &str, id: &str) -> Option<Record> {
        self.run(|tx| tx.record(table, id)).unwrap().0
    }

    pub fn temporary(&mut self) -> String {
        ids::temporary(self.uuid())
    }

    /// A record of the instance's.
    pub fn pulled(&mut self, table: &str, fields: &[(&str, &str)]) {
        self.run(|tx| take_in(tx, table, &[fields_of(fields)], 1)).unwrap();
    }

    /// Runs an action with its offline step. Gives its item.
    pub fn act(&mut self, action: Action, step: impl Fn(&mut Tx<'_>, &str) -> Ruled<()>) -> Result<String, CoreError> {
        let id = self.uuid().simple().to_string();
        let run = self.run(|tx| {
            let id = act::begin(tx, &id, action.clone())?;
            step(tx, &id)?;
            act::end(tx, &id).map(|()| id)
        });
        run.map(|(id, _)| id)
    }

    /// What an action has done to each record: kind, id, fields.
    pub fn parts(&mut self, item: &str) -> Vec<Part> {
        self.item(item).unwrap().action.unwrap().parts
    }

    /// Sends an item. Gives the lease it went under.
    pub fn send(&mut self, item: &str) -> u64 {
        let (lease, _) = self.run(take_lease).unwrap();
        let claimed = self.run(|tx| claim(tx, lease, &[], &[item.to_owned()], PLAIN)).unwrap().0;
        assert_eq!(claimed.len(), 1, "{:?}", self.item(item));
        lease
    }

    /// Sends an item, and takes the answer in.
    pub fn answer(&mut self, item: &str, answer: &Answer) -> (Tally, Vec<Event>) {
        let lease = self.send(item);
        self.run(|tx| receive(tx, lease, &[(item.to_owned(), answer.clone())])).unwrap()
    }
}

pub fn fields_of(fields: &[(&str, &str)]) -> Fields {
    fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect::<BTreeMap<_, _>>()
}

pub fn refusal() -> Answer {
    Answer::Refused(ItemError { status: 403, message: "No".to_owned(), detail: None })
}

/// What became of the items that these tell of.
pub fn receipts(events: &[Event]) -> Vec<Receipt> {
    let of = |event: &Event| if let Event::Settled { receipts } = event { receipts.clone() } else { Vec::new() };
    events.iter().flat_map(of).collect()
}

/// What the table of all these has shown of its correlation field: kept and found by, or not kept.
pub fn prove(tx: &mut Tx<'_>, keeps: bool) -> Ruled<()> {
    let of = |proof| BTreeMap::from([("incident".to_owned(), proof)]);
    tx.put(&Proofs { keeps: of(keeps), finds: of(keeps), entries: None })
}
