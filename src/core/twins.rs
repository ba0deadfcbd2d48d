//! One record made here that is several at the instance.

use super::{
    event::Event,
    retry::EXCHANGE_MS,
    stored::Alias,
    tx::{Ruled, Tx},
};

/// How often a record is looked for whose create left more than once, or was asked for: when it has landed, and a minute,
/// ten and a hundred minutes after the look before. What left first may be held up on its way, or be worked at, for longer
/// than anybody waits for its answer; once each is found alone then, that was all.
pub const LOOKS: u32 = 4;
const LONGEST_MS: u64 = 100 * EXCHANGE_MS;

/// Whether it is time to look for it once more. A time further away than any comes from a clock that has been set back.
pub fn is_due(alias: &Alias, now: u64) -> bool {
    alias.unchecked || alias.look_at.is_some_and(|at| at <= now || at > now + LONGEST_MS)
}

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
    let unchecked = !twins.is_empty();
    let look_at = (alias.looks > 0 && !unchecked)
        .then(|| tx.now + (EXCHANGE_MS * 10_u64.pow(LOOKS.saturating_sub(1 + alias.looks))).min(LONGEST_MS));
    let looks = alias.looks.saturating_sub(u32::from(look_at.is_some()));
    let alias = Alias { unchecked, look_at, looks, twins, ..alias };
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
