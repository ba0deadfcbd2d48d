//! ServiceNow's encoded query (`state=2^priorityIN1,2^ORDERBYDESCopened_at`): parsed, evaluated, printed.
//!
//! Client and instance share it, so that a record found on the device is one the instance would have found.
//!
//! # What is decided here
//!
//! * **Precedence.** `^OR` joins a term to the one before it, `^` joins such alternatives, `^NQ` separates groups of
//!   which any may match. So `a=1^b=2^ORc=3` is *a and (b or c)*. Orders apply to the whole query wherever they stand.
//! * **Negatives are exact opposites.** `!=`, `NOT LIKE` and `NOT IN` match what `=`, `LIKE` and `IN` do not, so a
//!   record whose field is empty matches `state!=2`. What real instances do is not settled here: ServiceNow's knowledge
//!   base (KB0715430) says that *is not* and *is not one of* leave out empty fields; against it stands that they ask
//!   for `state != 2 OR state IS NULL`, which we have not been able to check. The wider reading is the safer one: it
//!   never takes a record that the instance did send for a wrong one.
//!   Who needs certainty writes `^stateISNOTEMPTY` or `^ORstateISEMPTY` besides.
//! * **The empty value** equals itself only: `state=` is `stateISEMPTY`, and an empty entry in a list (`stateIN1,`)
//!   stands for it. It is never less, greater or between, and nothing is less or greater than it. Every value contains,
//!   starts with and ends with nothing, so `LIKE` without a value matches all.
//! * **Text** is compared [folded](super::fold): case-insensitive beyond ASCII, accents kept apart, then by code point.
//!   `%`, `_` and `\` are plain characters.
//! * **Typed fields** compare as numbers, moments or booleans. A value that is not of its field's type equals only the
//!   same text, and is never less, greater or between. `LIKE`, `STARTSWITH` and `ENDSWITH` look at the string form.
//! * **Sorting** puts empty values first, then those of the type, then other text; descending is the exact reverse.
//!   Ties, such as `Pump` and `pump`, go to the next order, and at last to the caller, who breaks them by `sys_id`.
//! * **`^^`** is a literal `^` in a value. A list's values hold no comma, and the lower bound of `BETWEEN` no `@`.
//!
//! The table in `cases` (with the feature `testing`) shows each of these; whatever evaluates queries is tested against it.
//!
//! ```
//! use landfall::wire::{Query, Type};
//!
//! let query: Query = "priority<3^short_descriptionLIKEpump".parse()?;
//! let get = |field: &str| match field {
//!     "priority" => "2",
//!     "short_description" => "Pump 7 leaks",
//!     _ => "",
//! };
//! let types = |field: &str| if field == "priority" { Type::Integer } else { Type::Text };
//! assert!(query.matches(get, types));
//! # Ok::<(), landfall::wire::QueryError>(())
//! ```

mod ast;
#[cfg(any(test, feature = "testing"))]
pub mod cases;
mod error;
mod evaluate;
mod parse;
mod print;

pub use ast::{AnyOf, Group, Op, Order, Query, Term};
pub use error::{Problem, QueryError};
