//! The engine over a line that spoils what it carries, and what holds of every database after every commit.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet, VecDeque},
    ops::Deref,
    rc::Rc,
};

use arbitrary::Arbitrary;
use landfall::{
    core::{
        StoreName, WriteSet,
        schema::Schema,
        stored::{Alias, Announced, Birth, Course, Family, Item, Lease, Proofs, Pulled, Record, Stored, decode},
    },
    engine::{Client, EngineError, Settings},
    ports::{AuthReason, AuthUnavailable, Headers, Ports, Remote, RemoteError, Store as _},
    testing::{
        ManualClock, MemoryChannel, MemoryDatabase, MemoryHub, MemoryInstance, MemoryLock, MemoryStore, SeededEntropy,
        instance::{EXTRAS, ROOT},
        yield_now,
    },
    wire::{Method, Request, Response, batch::BatchRequest, decode as read},
};
use serde_json::json;

use super::spoil::{Page, Touch};

/// More requests than any honest sync of these few records makes.
const ENDLESS: u32 = 500;
/// What a gateway may say of a request that never arrived.
const AWAY: [u16; 9] = [200, 302, 401, 408, 429, 500, 502, 503, 504];
/// What it may say of one that did.
const GARBLED: [u16; 5] = [200, 408, 500, 502, 504];

/// What becomes of one request and its answer.
#[derive(Arbitrary, Clone, Debug)]
pub enum Spoil {
    Nothing,
    Lost,
    AnswerLost,
    Repeated,
    /// It is not carried out; this answers.
    Away(Page),
    /// It is carried out; this answers.
    Garbled(Page),
    /// It is carried out, and the answer changed.
    Changed(Vec<Touch>),
    /// It is carried out, and the answer cut off.
    CutOff(u16),
}

/// A line to an instance. Clones are the same line.
#[derive(Clone)]
pub struct Line(Rc<Shared>);

pub struct Shared {
    pub instance: MemoryInstance,
    /// Nothing is put in the instance's mouth that it might have said.
    pub honest: bool,
    pub plain: bool,
    pub spoils: RefCell<VecDeque<Spoil>>,
    pub for_ever: RefCell<Option<Spoil>>,
    pub sent: Cell<u32>,
}

impl Deref for Line {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Line {
    fn carry(&self, request: &Request) -> Result<Response, RemoteError> {
        let lost = || Err(RemoteError::Unreachable("the line is cut".to_owned()));
        let may = |status: &'static [u16]| self.honest.then_some(status);
        let spoil = self.spoils.borrow_mut().pop_front().or_else(|| self.for_ever.borrow().clone());
        match spoil.unwrap_or(Spoil::Nothing) {
            Spoil::Lost => return lost(),
            Spoil::Away(page) => return Ok(page.response(may(&AWAY))),
            // What goes without a key, and arrives twice, is made twice: that is told, and is no promise here. So it
            // goes, too, to an instance whose capabilities could not be read three times in a row.
            Spoil::Repeated if !self.honest || (!self.plain && is_keyed(request)) => drop(self.instance.run(request)),
            Spoil::Garbled(page) => {
                self.instance.run(request);
                return Ok(page.response(may(&GARBLED)));
            }
            Spoil::AnswerLost => {
                self.instance.run(request);
                return lost();
            }
            Spoil::Changed(touches) if !self.honest => {
                let mut response = self.instance.run(request);
                touches.iter().take(4).for_each(|touch| touch.apply(&mut response));
                return Ok(response);
            }
            Spoil::CutOff(at) => {
                let mut response = self.instance.run(request);
                response.body.truncate(usize::from(at) % response.body.len().max(1));
                return Ok(response);
            }
            Spoil::Nothing | Spoil::Repeated | Spoil::Changed(_) => {}
        }
        Ok(self.instance.run(request))
    }
}

/// Whether repeating it changes nothing, by the key of each part that writes.
fn is_keyed(request: &Request) -> bool {
    let parts = read::<BatchRequest>("batch", request.body.as_deref().unwrap_or_default()).unwrap_or_default();
    let mut parts: Vec<Request> = parts.rest_requests.iter().map(|part| part.unpack().unwrap()).collect();
    if parts.is_empty() {
        parts.push(request.clone());
    }
    let has_key = |part: &Request| part.headers.iter().any(|(name, _)| name == "Idempotency-Key");
    parts.iter().all(|part| part.method == Method::Get || has_key(part))
}

/// The ports of one context.
pub struct LinePorts {
    store: MemoryStore,
    remote: Line,
    clock: ManualClock,
    entropy: SeededEntropy,
    lock: MemoryLock,
    channel: MemoryChannel,
}

impl Remote for Line {
    async fn send(&self, request: &Request, _: u64) -> Result<Response, RemoteError> {
        self.sent.set(self.sent.get() + 1);
        assert!(self.sent.get() < ENDLESS, "a sync that does not end");
        yield_now().await;
        self.carry(request)
    }
    async fn authorize(&self, _: AuthReason) -> Result<Headers, AuthUnavailable> {
        Ok(Vec::new())
    }
    fn maybe_online(&self) -> bool {
        true
    }
}

impl Ports for LinePorts {
    type Store = MemoryStore;
    type Remote = Line;
    type Clock = ManualClock;
    type Entropy = SeededEntropy;
    type Lock = MemoryLock;
    type Channel = MemoryChannel;

    fn store(&self) -> &MemoryStore {
        &self.store
    }
    fn remote(&self) -> &Line {
        &self.remote
    }
    fn clock(&self) -> &ManualClock {
        &self.clock
    }
    fn entropy(&self) -> &SeededEntropy {
        &self.entropy
    }
    fn lock(&self) -> &MemoryLock {
        &self.lock
    }
    fn channel(&self) -> &MemoryChannel {
        &self.channel
    }
}

/// A device, its line and its instance.
pub struct World {
    pub database: MemoryDatabase,
    pub clock: ManualClock,
    pub line: Line,
    pub batch_size: Option<usize>,
    hub: MemoryHub,
    lock: MemoryLock,
    seeds: Cell<u64>,
}

pub fn schema() -> Schema {
    let tables = json!({
        "task": { "references": { "parent": "task" }, "journals": ["work_notes"], "types": { "priority": "integer" } },
        "incident": { "extends": "task" },
        "incident_task": { "extends": "task", "references": { "incident": "incident" } },
        "sys_user": { "cache": { "query": "active=true" } },
    });
    Schema::new(serde_json::from_value(tables).unwrap()).unwrap()
}

impl World {
    pub fn new(plain: bool, honest: bool) -> Self {
        let instance = if plain { MemoryInstance::plain() } else { MemoryInstance::with_extras() };
        for name in ["Abel", "Beth", "Cleo"] {
            instance.put("sys_user", &[("name", name), ("active", "true")]);
        }
        let clock = ManualClock::new(1_700_000_000_000);
        Self {
            database: MemoryDatabase::new(),
            lock: MemoryLock::new(clock.clone()),
            clock,
            line: Line(Rc::new(Shared {
                instance,
                honest,
                plain,
                spoils: RefCell::default(),
                for_ever: RefCell::default(),
                sent: Cell::default(),
            })),
            batch_size: None,
            hub: MemoryHub::new(),
            seeds: Cell::new(1),
        }
    }

    pub async fn open(&self) -> Result<Client<LinePorts>, EngineError> {
        let seed = self.seeds.replace(self.seeds.get() + 1);
        let ports = LinePorts {
            store: self.database.open(),
            remote: self.line.clone(),
            clock: self.clock.clone(),
            entropy: SeededEntropy::new(seed),
            lock: self.lock.clone(),
            channel: self.hub.join(),
        };
        let settings = Settings {
            url: ROOT.to_owned(),
            extras: Some(EXTRAS.to_owned()),
            batch_size: self.batch_size,
            ..Settings::default()
        };
        Client::open(ports, schema(), settings).await
    }

    /// Looks at the whole database after each commit: a half-written one would not be whole.
    pub fn watch(&self) {
        let (database, schema) = (self.database.clone(), schema());
        self.database.after_commit(move |_| check(&database, &schema));
    }

    /// Puts rows in place as they are.
    pub async fn put(&self, set: WriteSet) {
        self.database.open().commit(&set).await.unwrap();
    }
}

/// The watching hook holds the database that holds the hook.
impl Drop for World {
    fn drop(&mut self) {
        self.database.after_commit(|_| {});
    }
}

/// Every row can be read, is where it belongs and is found by what it says; items, records and aliases agree.
fn check(database: &MemoryDatabase, schema: &Schema) {
    let records = all::<Record>(database, schema);
    let items = all::<Item>(database, schema);
    let aliases = all::<Alias>(database, schema);
    facts(database);
    let listed: BTreeMap<&str, &Record> =
        records.iter().flat_map(|record| record.items.iter().map(move |id| (id.as_str(), record))).collect();
    assert_eq!(listed.len(), records.iter().map(|record| record.items.len()).sum::<usize>(), "an item of two records");
    for item in &items {
        let record = listed.get(item.id.as_str()).unwrap_or_else(|| panic!("an item of no record: {item:?}"));
        assert_eq!((&item.table, &item.sys_id), (&record.table, &record.sys_id), "{item:?}");
        let first = record.items.first() == Some(&item.id);
        assert_eq!(item.behind, !first, "{record:?} {item:?}");
    }
    let there: BTreeSet<&str> = items.iter().map(|item| item.id.as_str()).collect();
    for id in listed.keys() {
        assert!(there.contains(id), "a record lists {id}, which is not there");
    }
    let open: BTreeSet<&str> = aliases.iter().filter(|alias| alias.is_open()).map(|a| a.temporary.as_str()).collect();
    let temporary: BTreeSet<&str> =
        records.iter().filter(|record| record.is_temporary()).map(|record| record.sys_id.as_str()).collect();
    assert_eq!(open, temporary, "aliases that are open, and records that are temporary");
}

fn all<T: Stored>(database: &MemoryDatabase, schema: &Schema) -> Vec<T> {
    let rows = database.rows(T::STORE);
    let read = |row| {
        let form: T = decode(row).unwrap();
        assert_eq!((&form.key(schema), form.index(schema)), (&row.key, row.index.clone()), "{row:?}");
        form
    };
    rows.iter().map(read).collect()
}

fn facts(database: &MemoryDatabase) {
    for row in database.rows(StoreName::Meta) {
        let read = match row.key.text(0) {
            "lease" => decode::<Lease>(&row).map(drop),
            "course" => decode::<Course>(&row).map(drop),
            "family" => decode::<Family>(&row).map(drop),
            "proofs" => decode::<Proofs>(&row).map(drop),
            "announced" => decode::<Announced>(&row).map(drop),
            "birth" => decode::<Birth>(&row).map(drop),
            "pulled" => decode::<Pulled>(&row).map(drop),
            other => panic!("a fact nobody knows: {other}"),
        };
        read.unwrap();
    }
}
