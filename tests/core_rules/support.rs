//! Rules run over an in-memory store as the engine runs them, with nothing around them.

use std::collections::BTreeMap;

use futures_executor::block_on;
use landfall::{
    core::{
        CoreError, Durability, Event, Halt, Origin, Ruled, Tx, View, ids,
        receive::With,
        schema::Schema,
        stored::{Item, Proofs},
        write,
    },
    ports::Store,
    testing::{MemoryDatabase, MemoryStore},
    wire::Fields,
};
use serde_json::json;
use uuid::Uuid;

pub const PLAIN: With = With { keyed: false, resolves: false };
pub const RESOLVES: With = With { keyed: true, resolves: true };

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
}

pub fn fields_of(fields: &[(&str, &str)]) -> Fields {
    fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect::<BTreeMap<_, _>>()
}

/// What the table of all these has shown of its correlation field: kept and found by, or not kept.
pub fn prove(tx: &mut Tx<'_>, keeps: bool) -> Ruled<()> {
    let of = |proof| BTreeMap::from([("incident".to_owned(), proof)]);
    tx.put(&Proofs { keeps: of(keeps), finds: of(keeps) })
}
