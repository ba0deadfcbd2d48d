//! One world: a device with its contexts, an instance, the line between them, and time.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    rc::Rc,
};

use landfall::{
    core::{schema::Schema, stored::Item},
    ports::Clock,
    testing::{ManualClock, MemoryDatabase, MemoryHub, MemoryLock},
};

use super::{
    along::Along,
    conflicts::Conflicts,
    contexts::Context,
    coverage::Coverage,
    draw::Draw,
    executor::Executor,
    instance::Instance,
    ledger::Mirror,
    model::Model,
    network::{Network, short},
    order::Order,
    planted::Bug,
    story::Setup,
    trouble::Fault,
    watch::Watch,
};

/// More steps than any history takes: what is not over by then never ends.
const MOST_STEPS: u64 = 60_000;

/// A promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Its number in the design.
    pub promise: u32,
    pub how: String,
}

pub struct World {
    pub setup: Setup,
    pub schema: Schema,
    pub bug: Option<Bug>,
    pub executor: Executor,
    pub clock: ManualClock,
    /// Time as it really passes, in ms. The device's clock may be set.
    pub elapsed: Cell<u64>,
    pub set_back: Cell<bool>,
    pub database: MemoryDatabase,
    pub hub: MemoryHub,
    pub lock: MemoryLock,
    pub instance: RefCell<Instance>,
    pub network: RefCell<Network>,
    pub contexts: RefCell<Vec<Context>>,
    pub model: RefCell<Model>,
    pub mirror: RefCell<Mirror>,
    pub watch: RefCell<Watch>,
    pub order: RefCell<Order>,
    pub conflicts: RefCell<Conflicts>,
    pub along: RefCell<Along>,
    pub coverage: RefCell<Coverage>,
    /// Temporary ids that were reported to be several.
    pub reported: RefCell<BTreeSet<String>>,
    /// Who reconciled what, in which of its lives, and when.
    pub reconciles: RefCell<Vec<(usize, u32, u64, String)>>,
    /// Where an action is waited for, and with what.
    pub ambushes: RefCell<Vec<(&'static str, Fault)>>,
    pub full_commits: Cell<usize>,
    pub broken_calls: Cell<usize>,
    pub unsure_commit: Cell<bool>,
    /// Every context has the online steps of actions from now on.
    pub all_know: Cell<bool>,
    pub numbers: Cell<u32>,
    pub draw: RefCell<Draw>,
    stamps: Cell<u64>,
    steps: Cell<u64>,
    broken: RefCell<Option<Broken>>,
    story: Option<RefCell<Vec<String>>>,
}

impl World {
    pub fn new(setup: &Setup, bug: Option<Bug>, told: bool) -> Rc<Self> {
        let clock = ManualClock::new(1_700_000_000_000);
        let lock = if setup.locks { MemoryLock::new(clock.clone()) } else { MemoryLock::open_to_all(clock.clone()) };
        let world = Rc::new(Self {
            schema: Schema::new(setup.tables()).unwrap(),
            bug,
            executor: Executor::default(),
            elapsed: Cell::new(0),
            set_back: Cell::default(),
            database: MemoryDatabase::new(),
            hub: MemoryHub::new(),
            lock,
            clock,
            instance: RefCell::new(Instance::new(setup)),
            network: RefCell::default(),
            contexts: RefCell::new((0..setup.contexts).map(|_| Context::default()).collect()),
            model: RefCell::default(),
            mirror: RefCell::default(),
            watch: RefCell::default(),
            order: RefCell::default(),
            conflicts: RefCell::default(),
            along: RefCell::default(),
            coverage: RefCell::default(),
            reported: RefCell::default(),
            reconciles: RefCell::default(),
            ambushes: RefCell::default(),
            full_commits: Cell::new(0),
            broken_calls: Cell::new(0),
            unsure_commit: Cell::new(false),
            all_know: Cell::new(false),
            numbers: Cell::new(0),
            draw: RefCell::new(Draw::new(setup.seed)),
            stamps: Cell::new(0),
            steps: Cell::new(0),
            broken: RefCell::default(),
            story: told.then(RefCell::default),
            setup: setup.clone(),
        });
        let weak = Rc::downgrade(&world);
        world.database.after_commit(move |set| {
            if let Some(world) = weak.upgrade() {
                world.committed(set);
            }
        });
        world
    }

    /// The first promise broken is the one that is told of.
    pub fn broke(&self, promise: u32, how: &str) {
        self.tell(|| format!("      !! promise {promise}: {how}"));
        let mut broken = self.broken.borrow_mut();
        if broken.is_none() {
            *broken = Some(Broken { promise, how: how.to_owned() });
        }
    }

    pub fn verdict(&self) -> Option<Broken> {
        self.broken.borrow().clone()
    }

    pub fn is_broken(&self) -> bool {
        self.broken.borrow().is_some()
    }

    /// Adds a line to the story, if anyone wants to hear it.
    pub fn tell(&self, line: impl FnOnce() -> String) {
        if let Some(story) = &self.story {
            let line = line();
            story.borrow_mut().push(line);
        }
    }

    pub fn story(&self) -> Vec<String> {
        self.story.as_ref().map(RefCell::take).unwrap_or_default()
    }

    pub fn describe(&self, item: &Item) -> String {
        match &item.action {
            Some(action) => format!("the action {} “{}”", short(&item.id), action.name),
            None => format!("the {:?} {} of {} {}", item.kind, short(&item.id), item.table, item.sys_id),
        }
    }

    pub fn stamp(&self) -> u64 {
        self.stamps.replace(self.stamps.get() + 1)
    }

    /// A number nothing else in this world has.
    pub fn number(&self) -> u32 {
        self.numbers.replace(self.numbers.get() + 1)
    }

    pub fn now_at_instance(&self) -> u64 {
        1_600_000_000_000 + self.elapsed.get()
    }

    pub fn below(&self, most: usize) -> usize {
        self.draw.borrow_mut().below(most)
    }

    fn is_frozen(&self, by: usize) -> bool {
        self.contexts.borrow()[by].frozen_until > self.elapsed.get()
    }

    /// One step of somebody. `false` if nobody can go on before time passes.
    pub fn step(&self) -> bool {
        if self.is_broken() {
            return false;
        }
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > MOST_STEPS {
            self.broke(9, "it never comes to rest");
            return false;
        }
        let coin = self.draw.borrow_mut().percent(50);
        self.decide_abandoned(coin);
        let ready = self.executor.ready(|by| self.is_frozen(by));
        let arrivals = self.arrivals();
        let all = ready.len() + arrivals.len();
        if all == 0 {
            return self.hub.deliver() > 0;
        }
        let choice = self.below(all + usize::from(all > 1));
        match (ready.get(choice), arrivals.get(choice.wrapping_sub(ready.len()))) {
            (Some(task), _) => self.executor.step(*task),
            (None, Some(packet)) => self.arrive(*packet),
            _ => drop(self.hub.deliver()),
        }
        self.ambush();
        true
    }

    pub fn steps(&self, most: usize) {
        for _ in 0..most {
            if !self.step() {
                break;
            }
        }
    }

    pub fn rest(&self) {
        while self.step() {}
    }

    /// Lets time pass, with all that happens meanwhile.
    pub fn pass(&self, ms: u64) {
        let until = self.elapsed.get() + ms;
        self.rest();
        while !self.is_broken() {
            let left = until - self.elapsed.get();
            let next = self.next_moment().unwrap_or(left).min(left);
            self.advance(next);
            self.rest();
            if self.elapsed.get() >= until {
                break;
            }
        }
    }

    /// Until `done`, however long that takes.
    pub fn until(&self, done: impl Fn() -> bool) {
        while !self.is_broken() && !done() {
            if self.step() || done() {
                continue;
            }
            match self.next_moment() {
                Some(ms) => self.advance(ms.max(1)),
                None => return self.broke(9, "nothing moves, and nothing ever will"),
            }
        }
    }

    fn advance(&self, ms: u64) {
        self.elapsed.set(self.elapsed.get() + ms);
        self.clock.advance(ms);
    }

    fn next_moment(&self) -> Option<u64> {
        let now = self.elapsed.get();
        let contexts = self.contexts.borrow();
        let thaws = contexts.iter().map(|context| context.frozen_until).filter(|at| *at > now).map(|at| at - now);
        thaws.chain(self.clock.next_wake()).chain(self.next_arrival().filter(|ms| *ms > 0)).min()
    }

    /// Runs one task to its end while everybody else stands still.
    pub fn alone(&self, task: u64) {
        for _ in 0..10_000 {
            if !self.executor.is_alive(task) || !self.executor.ready(|_| false).contains(&task) {
                return;
            }
            self.executor.step(task);
        }
    }

    pub fn device_now(&self) -> u64 {
        self.clock.now_ms()
    }

    /// Lets go of everything: contexts and tasks hold the world, and the world them.
    pub fn end(&self) {
        for by in 0..self.setup.contexts {
            self.kill(by);
        }
        self.executor.kill(|_| true);
        self.contexts.borrow_mut().clear();
    }
}
