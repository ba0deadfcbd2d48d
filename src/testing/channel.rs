//! Events between contexts that share one process.

use std::{
    cell::RefCell,
    collections::{BTreeMap, VecDeque},
    fmt,
    rc::Rc,
};

use crate::{
    core::Event,
    ports::{Channel, Listener},
};

#[derive(Default)]
struct Shared {
    next: u64,
    listeners: BTreeMap<u64, Option<Rc<Listener>>>,
    posted: VecDeque<(u64, Event)>,
}

/// What all channels of one database meet in. Events wait in it until they are delivered, since
/// in a browser too none arrives while the one who posted it still runs.
#[derive(Clone, Default)]
pub struct MemoryHub(Rc<RefCell<Shared>>);

impl fmt::Debug for MemoryHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryHub").field("posted", &self.0.borrow().posted).finish_non_exhaustive()
    }
}

impl MemoryHub {
    /// Nobody in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// One context's channel.
    pub fn join(&self) -> MemoryChannel {
        let mut shared = self.0.borrow_mut();
        let id = shared.next;
        shared.next += 1;
        shared.listeners.insert(id, None);
        MemoryChannel { hub: self.clone(), id }
    }

    /// Hands over what was posted, and what is posted in answer to it. Says how many events.
    pub fn deliver(&self) -> usize {
        let mut count = 0;
        loop {
            // The listeners leave the cell before they are called: they may post.
            let (event, listeners) = {
                let mut shared = self.0.borrow_mut();
                let Some((from, event)) = shared.posted.pop_front() else { return count };
                let others = shared.listeners.iter().filter(|(id, _)| **id != from);
                let listeners: Vec<_> = others.filter_map(|(_, listener)| listener.clone()).collect();
                (event, listeners)
            };
            for listener in listeners {
                listener(event.clone());
            }
            count += 1;
        }
    }

    /// Loses what was posted and not delivered. Says how many events.
    pub fn lose(&self) -> usize {
        std::mem::take(&mut self.0.borrow_mut().posted).len()
    }
}

/// One context's channel.
#[derive(Debug)]
pub struct MemoryChannel {
    hub: MemoryHub,
    id: u64,
}

impl Channel for MemoryChannel {
    fn post(&self, event: &Event) {
        let mut shared = self.hub.0.borrow_mut();
        if shared.listeners.contains_key(&self.id) {
            shared.posted.push_back((self.id, event.clone()));
        }
    }

    fn listen(&self, listener: Listener) {
        if let Some(place) = self.hub.0.borrow_mut().listeners.get_mut(&self.id) {
            *place = Some(Rc::new(listener));
        }
    }

    fn close(&self) {
        self.hub.0.borrow_mut().listeners.remove(&self.id);
    }
}

impl Drop for MemoryChannel {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_reach_the_others_and_only_when_delivered() {
        let hub = MemoryHub::new();
        let (here, there) = (hub.join(), hub.join());
        let heard = Rc::new(RefCell::new(Vec::new()));
        for (name, channel) in [("here", &here), ("there", &there)] {
            let heard = Rc::clone(&heard);
            channel.listen(Box::new(move |event| heard.borrow_mut().push((name, event))));
        }
        here.post(&Event::Status);
        assert!(heard.borrow().is_empty());
        assert_eq!(hub.deliver(), 1);
        assert_eq!(*heard.borrow(), [("there", Event::Status)]);
        there.close();
        there.post(&Event::Status);
        here.post(&Event::Status);
        hub.deliver();
        assert_eq!(heard.borrow().len(), 1);
    }
}
