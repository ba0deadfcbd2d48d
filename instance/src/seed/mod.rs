//! What an empty database can be filled with: airports, their equipment, the people who mend it, and their work.

mod airports;
mod catalogue;
mod equipment;
mod people;
mod random;
mod row;
mod sow;
mod work;

pub use sow::sow;
