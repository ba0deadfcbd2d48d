//! Which database this is.

use super::{Ruled, Tx, stored::Birth};

/// Gives a database that has none its mark of birth, and tells which it has.
///
/// # Errors
/// As [`Tx::get`].
pub fn identify(tx: &mut Tx<'_>) -> Ruled<String> {
    if let Some(known) = tx.readable::<Birth>(&Birth::at())? {
        return Ok(known.id);
    }
    let birth = Birth { id: tx.fresh().simple().to_string() };
    tx.put(&birth)?;
    Ok(birth.id)
}
