//! Pages and workers: opened, frozen, killed.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use landfall::{
    core::{Durability, Event, schema::Schema},
    engine::{Client, Settings},
    ports::Ports,
    testing::SeededEntropy,
};

use super::{
    doing::{Doing, Kind},
    instance::{EXTRAS, ROOT},
    mortal::{Dead, SimChannel, SimClock, SimLock},
    network::SimRemote,
    online::{HERE, by_the_app},
    store::SimStore,
    world::World,
};

pub type Page = Client<SimPorts>;

pub struct SimPorts {
    store: SimStore,
    remote: SimRemote,
    clock: SimClock,
    entropy: SeededEntropy,
    lock: SimLock,
    channel: SimChannel,
}

impl Ports for SimPorts {
    type Store = SimStore;
    type Remote = SimRemote;
    type Clock = SimClock;
    type Entropy = SeededEntropy;
    type Lock = SimLock;
    type Channel = SimChannel;

    fn store(&self) -> &SimStore {
        &self.store
    }
    fn remote(&self) -> &SimRemote {
        &self.remote
    }
    fn clock(&self) -> &SimClock {
        &self.clock
    }
    fn entropy(&self) -> &SeededEntropy {
        &self.entropy
    }
    fn lock(&self) -> &SimLock {
        &self.lock
    }
    fn channel(&self) -> &SimChannel {
        &self.channel
    }
}

/// A place where a page or worker may be.
#[derive(Default)]
pub struct Context {
    pub page: Option<Page>,
    pub frozen_until: u64,
    /// How often it was opened.
    pub life: u32,
    /// When it was opened, among all that has happened.
    pub since: u64,
    pub heard: Rc<RefCell<Vec<Event>>>,
    pub stops: Vec<Rc<Cell<bool>>>,
    dead: Dead,
}

impl World {
    /// The page there, opened if it is closed. None if it cannot be opened now.
    pub fn page(self: &Rc<Self>, by: usize) -> Option<Page> {
        let there = self.contexts.borrow()[by].page.clone();
        there.or_else(|| self.open(by))
    }

    fn ports(self: &Rc<Self>, by: usize, seed: u64, dead: &Dead) -> SimPorts {
        SimPorts {
            store: SimStore { world: Rc::clone(self), by, dead: dead.clone(), inner: self.database.open() },
            remote: SimRemote { world: Rc::clone(self), by, dead: dead.clone() },
            clock: SimClock { dead: dead.clone(), inner: self.clock.clone() },
            entropy: SeededEntropy::new(seed),
            lock: SimLock { dead: dead.clone(), inner: self.lock.clone() },
            channel: SimChannel { world: Rc::clone(self), dead: dead.clone(), inner: self.hub.join() },
        }
    }

    fn settings(&self, user: &str) -> Settings {
        Settings {
            user: user.to_owned(),
            url: ROOT.to_owned(),
            extras: Some(EXTRAS.to_owned()),
            batch_size: self.setup.batch,
            durability: Durability::Strict,
        }
    }

    /// Somebody else opens what is on this device: nothing of it may go out in another's name.
    pub fn intrude(self: &Rc<Self>) {
        let dead = Dead::default();
        let (ports, settings) = (self.ports(0, self.setup.seed, &dead), self.settings("another"));
        let schema = Schema::new(self.setup.tables()).unwrap();
        let world = Rc::clone(self);
        let doing = Rc::new(Doing::new(0, Kind::Open, "open as another user".to_owned()));
        let task = self.executor.spawn(
            doing,
            Box::pin(async move {
                if Client::open(ports, schema, settings).await.is_ok() {
                    world.broke(11, "another user has opened the database, and could send what is in it");
                }
            }),
        );
        self.finish(Some(task));
        dead.set();
    }

    fn open(self: &Rc<Self>, by: usize) -> Option<Page> {
        let life = self.contexts.borrow()[by].life + 1;
        let seed = self.setup.seed.wrapping_mul(31).wrapping_add(u64::from(life) * 8 + by as u64);
        let dead = Dead::default();
        let (ports, settings) = (self.ports(by, seed, &dead), self.settings("tech.demo"));
        let schema = Schema::new(self.setup.tables()).unwrap();
        let opened: Rc<RefCell<Option<Page>>> = Rc::default();
        let keep = Rc::clone(&opened);
        let doing = Rc::new(Doing::new(by, Kind::Open, "open".to_owned()));
        let task = self.executor.spawn(
            doing,
            Box::pin(async move {
                if let Ok(page) = Client::open(ports, schema, settings).await {
                    keep.replace(Some(page));
                }
            }),
        );
        self.alone(task);
        let page = opened.take()?;
        // Now and then a context does not know how: its actions are left to another.
        if self.all_know.get() || !(self.setup.seed + u64::from(life) + by as u64).is_multiple_of(7) {
            page.register(HERE, by_the_app());
        }
        let heard: Rc<RefCell<Vec<Event>>> = Rc::default();
        let (keep, world, deaf) = (Rc::clone(&heard), Rc::downgrade(self), dead.clone());
        page.listen(Rc::new(move |event| {
            if deaf.get() {
                return;
            }
            if let Some(world) = world.upgrade() {
                world.hears(event);
            }
            keep.borrow_mut().push(event.clone());
        }));
        let context = Context {
            page: Some(page.clone()),
            frozen_until: 0,
            life,
            since: self.stamp(),
            heard,
            stops: Vec::new(),
            dead,
        };
        self.contexts.borrow_mut()[by] = context;
        Some(page)
    }

    /// Ends a context between any two steps, with all that it was about.
    pub fn kill(&self, who: usize) {
        let killed = {
            let mut contexts = self.contexts.borrow_mut();
            let life = contexts[who].life;
            std::mem::replace(&mut contexts[who], Context { life, ..Context::default() })
        };
        self.excuse(who, killed.life);
        killed.dead.set();
        self.executor.kill(|doing| doing.by == who && doing.kind != Kind::Sync);
        self.executor.run_out(|doing| doing.by == who);
        drop(killed);
    }

    /// Who is told that its commit has failed tells nobody of it, though it was done.
    pub fn said_to_have_failed(&self, by: usize) {
        if let Some(doing) = self.executor.current() {
            self.tell(|| format!("      ({by}) is told that the commit has failed, and it was done"));
            doing.unsure.set(true);
        }
        let life = self.contexts.borrow()[by].life;
        self.excuse(by, life);
    }

    /// What it had committed and not told yet dies with it.
    fn excuse(&self, who: usize, life: u32) {
        self.reconciles.borrow_mut().retain(|(by, in_life, _, _)| (*by, *in_life) != (who, life));
        let seen = self.watch.borrow().seen_twins.clone();
        self.reported.borrow_mut().extend(seen);
    }
}
