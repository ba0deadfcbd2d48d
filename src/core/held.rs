//! A row in the hands of a rule.

use std::{any::Any, cell::OnceCell};

use super::{
    error::CoreError,
    row::Row,
    stored::{Stored, decode},
};

/// A row, and what it means once anybody has asked: a rule is run again from the start each time it misses a row, and
/// would decode them all each time.
#[derive(Debug)]
pub(super) struct Held {
    pub row: Row,
    form: OnceCell<Box<dyn Any>>,
}

impl Held {
    /// A row that was just made of `form`.
    pub fn of<T: Stored>(row: Row, form: T) -> Self {
        Self { row, form: OnceCell::from(Box::new(form) as Box<dyn Any>) }
    }

    /// # Errors
    /// As [`decode`].
    pub fn form<T: Stored>(&self) -> Result<T, CoreError> {
        if let Some(known) = self.form.get().and_then(|form| form.downcast_ref::<T>()) {
            return Ok(known.clone());
        }
        let form: T = decode(&self.row)?;
        // Where it is known as something else already, it is decoded each time.
        let _ = self.form.set(Box::new(form.clone()));
        Ok(form)
    }
}

impl From<Row> for Held {
    fn from(row: Row) -> Self {
        Self { row, form: OnceCell::new() }
    }
}
