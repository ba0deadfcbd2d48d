//! Which database this is, and whose.

use super::{CoreError, Ruled, Tx, stored::Birth};

/// Gives a database that has none its mark of birth, and tells which it has. Its name says already whose it is; but what
/// is in it goes out under the headers of whoever opens it.
///
/// # Errors
/// [`CoreError::AnotherUsers`]; as [`Tx::get`].
pub fn identify(tx: &mut Tx<'_>, user: &str, url: &str) -> Ruled<String> {
    let known = tx.readable::<Birth>(&Birth::at())?;
    let owned = known.as_ref().filter(|birth| !birth.user.is_empty() || !birth.url.is_empty());
    match owned {
        Some(birth) if birth.user == user && birth.url == url => return Ok(birth.id.clone()),
        Some(_) => return Err(CoreError::AnotherUsers.into()),
        None => {}
    }
    let id = known.map_or_else(|| tx.fresh().simple().to_string(), |birth| birth.id);
    tx.put(&Birth { id: id.clone(), user: user.to_owned(), url: url.to_owned() })?;
    Ok(id)
}
