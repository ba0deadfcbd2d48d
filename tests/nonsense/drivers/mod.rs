//! One function for each kind of thing that others write. Each makes its input of the bytes given, whatever they are,
//! and panics if what must hold does not.
//!
//! * [`query`]: encoded queries.
//! * [`answer`]: one answer, read by everything that reads answers.
//! * [`history`]: an app and its syncs, with spoiled answers, and a healthy instance in the end.
//! * [`stored`]: calls over rows that are not what they were, or that (`unread`) nobody can read.
//!
//! `spoil` changes what was right, `world` is the engine over a line that spoils, and what holds of every database.

mod answer;
mod history;
mod query;
mod spoil;
mod stored;
mod unread;
mod world;

pub use answer::answer;
pub use history::history;
pub use query::query;
pub use stored::stored;
