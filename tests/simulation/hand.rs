//! The user's hand on the outbox, and syncing.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use landfall::{
    core::{Settled, present::ItemView},
    engine::{EngineError, SyncOptions},
    wire::Fields,
};

use super::{
    doing::{Doing, Intent, Kind},
    network::short,
    ops::row,
    world::World,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    /// `knowing` what became of it.
    Retry {
        knowing: bool,
    },
    Edit {
        bad: bool,
    },
    Discard,
}

impl World {
    pub fn hand(self: &Rc<Self>, by: usize, item: usize, hand: Hand) {
        let ids: Vec<String> = self.mirror.borrow().items.keys().cloned().collect();
        if let Some(id) = ids.get(item % ids.len().max(1)) {
            self.lay_hand(by, id, hand);
        }
    }

    pub fn lay_hand(self: &Rc<Self>, by: usize, id: &str, hand: Hand) -> Option<u64> {
        let item = self.mirror.borrow().items.get(id).cloned()?;
        let number = self.model.borrow().of_item(&item);
        let what = format!("{hand:?} {}", self.describe(&item));
        let unknowing = hand == Hand::Retry { knowing: false };
        let discards = (hand == Hand::Discard).then(|| id.to_owned());
        let may_drop = discards.is_some();
        let doing = Doing { may_drop, discards, unknowing, ..Doing::new(by, Kind::Hand, what) };
        let id = id.to_owned();
        let fields = match hand {
            Hand::Edit { bad } if item.journal => Fields::from([("work_notes".to_owned(), self.edited(bad))]),
            Hand::Edit { bad } => Fields::from([("u_level".to_owned(), self.edited(bad))]),
            _ => Fields::new(),
        };
        self.start(doing, async move |world, page, doing| match hand {
            Hand::Retry { .. } => {
                let done = page.retry(&id).await;
                world.answered(&doing, done);
            }
            Hand::Edit { .. } => {
                let Some(number) = number else { return };
                doing.intents.replace(vec![Intent::Change { record: number, fields: fields.clone() }]);
                if item.journal {
                    doing.replaced.replace(Some((number, id.clone())));
                }
                let done = page.edit(&id, row(&fields)).await;
                world.answered(&doing, done);
            }
            Hand::Discard => {
                let done = page.discard(&id).await;
                world.answered(&doing, done.map(drop));
            }
        })
    }

    fn edited(&self, bad: bool) -> String {
        format!("{}{}", if bad { "bad" } else { "good" }, self.number())
    }

    pub fn settled(self: &Rc<Self>, by: usize, item: usize) {
        let ids: Vec<String> = self.mirror.borrow().items.keys().cloned().collect();
        let Some(id) = ids.get(item % ids.len().max(1)).cloned() else { return };
        self.start(Doing::new(by, Kind::Read, format!("settled({})", short(&id))), async move |world, page, doing| {
            let receipt = page.settled(&id).await;
            world.tell(|| format!("      ({by}) “{}”: {receipt:?}", doing.what));
            let there = world.mirror.borrow().items.contains_key(&id);
            if let Ok(receipt) = receipt
                && there
                && receipt.state != Settled::Refused
            {
                world.broke(9, &format!("{id} is said to be {:?} and is in the outbox", receipt.state));
            }
        });
    }

    /// The task that syncs.
    pub fn sync(self: &Rc<Self>, by: usize, pull: bool) -> Option<u64> {
        let stop: Rc<Cell<bool>> = Rc::default();
        let options = SyncOptions { pull, abort: Rc::clone(&stop), ..SyncOptions::default() };
        let task = self.start(Doing::new(by, Kind::Sync, "sync".to_owned()), async move |world, page, _| {
            let report = page.sync(options).await;
            world.tell(|| format!("      ({by}) sync: {report:?}"));
            if let Err(error) = report
                && !matches!(error, EngineError::Store(_))
            {
                world.broke(12, &format!("a sync failed: {error:?}"));
            }
        });
        if let Some(context) = self.contexts.borrow_mut().get_mut(by) {
            context.stops.push(stop);
        }
        task
    }

    pub fn sign_in(self: &Rc<Self>, by: usize) -> Option<u64> {
        let now = self.instance.borrow().session;
        self.network.borrow_mut().session = now;
        self.start(Doing::new(by, Kind::Read, "signed in".to_owned()), async |_, page, _| {
            let _ = page.signed_in().await;
        })
    }

    /// What the device says of itself, read while everybody stands still.
    pub fn look(self: &Rc<Self>, by: usize) -> Option<Vec<ItemView>> {
        let seen: Rc<RefCell<Option<Vec<ItemView>>>> = Rc::default();
        let keep = Rc::clone(&seen);
        let task = self.start(Doing::new(by, Kind::Read, "look".to_owned()), async move |world, page, _| {
            if let (Ok(outbox), Ok(status), Ok(audit)) =
                (page.outbox(None, None, None).await, page.status().await, page.audit().await)
            {
                world.check_look(&outbox, &status, &audit);
                keep.replace(Some(outbox));
            }
        })?;
        self.alone(task);
        seen.take()
    }
}
