//! Tells the other contexts of this database what happened.

use crate::core::Event;

/// Called with each event another context posts.
pub type Listener = Box<dyn Fn(Event)>;

/// Carries events between the contexts of one database. Best effort: nothing that must hold
/// may depend on an event arriving.
pub trait Channel: 'static {
    /// To all other contexts, not to this one.
    fn post(&self, event: &Event);
    /// Replaces the listener.
    fn listen(&self, listener: Listener);
    /// No event is posted or heard after this.
    fn close(&self);
}
