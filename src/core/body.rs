//! What a row means, as JSON text.

use std::{any::Any, cell::OnceCell, fmt, ops::Deref, rc::Rc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A row's JSON text, and maybe what it is written from or was read as: a rule runs again from the start each time it misses
/// a row, and would read and write them all anew each time. So the text of what is written is made when it is asked for.
#[derive(Clone)]
pub struct Body(Rc<Inner>);

struct Inner {
    text: OnceCell<String>,
    form: OnceCell<Box<dyn Any>>,
    write: fn(&dyn Any) -> serde_json::Result<String>,
}

impl Body {
    /// What is to be written of a form.
    pub(super) fn of<T: Serialize + 'static>(form: T) -> Self {
        let write = |form: &dyn Any| serde_json::to_string(&form.downcast_ref::<T>());
        Self(Rc::new(Inner { text: OnceCell::new(), form: OnceCell::from(Box::new(form) as Box<dyn Any>), write }))
    }

    /// The text, made from the form if need be.
    pub(super) fn written(&self) -> serde_json::Result<&str> {
        let Inner { text, form, write } = &*self.0;
        if let (None, Some(form)) = (text.get(), form.get()) {
            let made = write(&**form)?;
            return Ok(text.get_or_init(|| made));
        }
        Ok(text.get().map(String::as_str).unwrap_or_default())
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
        self.written().unwrap_or_default()
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self(Rc::new(Inner { text: OnceCell::from(text), form: OnceCell::new(), write: |_| Ok(String::new()) }))
    }
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(to)
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
