//! The databases open in this page. Opened twice, a database has one client: two would each sync, each refresh the
//! cached tables, and might disagree on what the tables are.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use futures_util::{
    FutureExt as _,
    future::{LocalBoxFuture, Shared},
};

use super::{
    failure::Failure,
    opened::{Handle, Opened},
    options::Options,
};
use crate::core::schema::Schema;

type Opening = Shared<LocalBoxFuture<'static, Result<Rc<Opened>, Failure>>>;

struct Entry {
    schema: Schema,
    opening: Opening,
}

thread_local! {
    static OPEN: RefCell<BTreeMap<String, Entry>> = const { RefCell::new(BTreeMap::new()) };
}

/// A handle on the database of `options`. If it is open already, the other options are those of the first time.
pub async fn open(options: Options) -> Result<Rc<Handle>, Failure> {
    let database = options.database.clone();
    let opening = OPEN.with_borrow_mut(|open| match open.get(&database) {
        Some(entry) if entry.schema == options.schema => Ok(entry.opening.clone()),
        Some(_) => Err(Failure::new(
            "contradicting_tables",
            "This database is open in this page with other tables. Close it first, or give open() the same tables.",
        )),
        None => {
            let schema = options.schema.clone();
            let opening = Opened::new(options).boxed_local().shared();
            open.insert(database.clone(), Entry { schema, opening: opening.clone() });
            Ok(opening)
        }
    })?;
    let opened = opening.clone().await;
    if opened.is_err() {
        OPEN.with_borrow_mut(|open| {
            if open.get(&database).is_some_and(|entry| entry.opening.ptr_eq(&opening)) {
                open.remove(&database);
            }
        });
    }
    Ok(Handle::new(opened?))
}

/// The next `open` opens anew. Only if it is still `opened` that is known under this name.
pub fn forget(database: &str, opened: &Opened) {
    OPEN.with_borrow_mut(|open| {
        let known = open.get(database).and_then(|entry| entry.opening.peek());
        if matches!(known, Some(Ok(known)) if std::ptr::eq(Rc::as_ptr(known), opened)) {
            open.remove(database);
        }
    });
}
