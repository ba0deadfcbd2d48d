//! What a row means, as JSON text.

use std::{any::Any, cell::OnceCell, fmt, ops::Deref, rc::Rc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A row's JSON text, and maybe what it was written from or read as: a rule runs again from the start each time it misses a
/// row, and would read them all anew each time.
#[derive(Clone)]
pub struct Body(Rc<Inner>);

struct Inner {
    text: String,
    form: OnceCell<Box<dyn Any>>,
}

impl Body {
    /// The text, and the form that it was written from.
    pub(super) fn of<T: 'static>(text: String, form: T) -> Self {
        Self(Rc::new(Inner { text, form: OnceCell::from(Box::new(form) as Box<dyn Any>) }))
    }

    /// What it was read as before, if as this.
    pub(super) fn known<T: Clone + 'static>(&self) -> Option<T> {
        self.0.form.get()?.downcast_ref().cloned()
    }

    /// Keeps what it was read as, if it is the first.
    pub(super) fn keep<T: Clone + 'static>(&self, form: &T) {
        self.0.form.get_or_init(|| Box::new(form.clone()));
    }
}

impl Deref for Body {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0.text
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self(Rc::new(Inner { text, form: OnceCell::new() }))
    }
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.text.fmt(to)
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(Self::from)
    }
}
