//! One record made here that is several at the instance.

use super::{
    event::Event,
    stored::Alias,
    tx::{Ruled, Tx},
};

/// Notes that the rows `found`, in order, carry the temporary id of a record made here, and says so where one of them is
/// news. It is noted, and looked for at each sync, until the instance has no more than one: no page may be open to hear
/// of it.
///
/// # Errors
/// As [`Tx::get`].
pub fn note(tx: &mut Tx<'_>, alias: Alias, found: &[String]) -> Ruled<()> {
    let twins = if found.len() > 1 { found.to_vec() } else { Vec::new() };
    if twins != alias.twins {
        tx.tell(Event::Status);
    }
    let news = twins.iter().any(|id| !alias.twins.contains(id));
    let alias = Alias { unchecked: !twins.is_empty(), twins, ..alias };
    if news {
        let used = alias.sys_id.as_deref().unwrap_or_default();
        let message = format!("{} Here it is {used}.", sentence(&alias));
        tx.tell(Event::Error { code: "twins".to_owned(), message, retryable: false });
    }
    tx.put(&alias)
}

/// Of one that has twins, for people.
pub fn sentence(alias: &Alias) -> String {
    let Alias { temporary, table, twins, .. } = alias;
    format!(
        "The instance has {} {table} records for the one made here as {temporary}: {}.",
        twins.len(),
        twins.join(", ")
    )
}
