//! What tables there are, what columns they have, and which extends which.

mod canonical;
mod class;
mod column;
mod tables;

pub use canonical::Unfit;
pub use class::{Class, Field, class, classes, tables};
pub use column::{
    Column, Kind, Storage, boolean, date, datetime, decimal, integer, journal, kept, list, reference, text,
};
pub use tables::Table;
