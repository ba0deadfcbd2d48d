//! Whether a journal entry arrived: asked of `sys_journal_field`, where each entry is a row of its own.

use super::{Asked, Intent};
use crate::{
    core::{receive::Answer, stored::ItemKind},
    wire::Fields,
};

/// The table of all entries of all journals.
pub const TABLE: &str = "sys_journal_field";
/// The newest entries of one journal of one record that are looked at.
pub const MOST: u32 = 100;

/// The journal that the question is about, if it is about one.
pub fn asked_for<'a>(asked: &Asked<'a>) -> Option<&'a str> {
    let item = asked.item;
    let probe = asked.intent == Intent::Probe && item.kind == ItemKind::Update && item.journal;
    let mut names = item.fields.keys().map(String::as_str);
    names.find(|name| probe && asked.schema.is_journal(&item.table, name))
}

/// The newest entries of that journal.
pub fn query(asked: &Asked<'_>, journal: &str) -> String {
    format!("element_id={}^element={journal}^ORDERBYDESCsys_created_on", asked.item.sys_id)
}

/// What the entries tell.
///
/// Times are compared with each other only where both are the instance's. Without any entry nothing is told: this user
/// may not be allowed to read them, which looks the same. Nor is it told by an entry of the very second in which the
/// record was last seen to change: it may be an older one of the same text.
pub fn verdict(asked: &Asked<'_>, journal: &str, rows: &[Fields]) -> Answer {
    let item = asked.item;
    let get = |row: &Fields, name: &str| row.get(name).cloned().unwrap_or_default();
    // An instance drops the terms it does not know, and then answers with anybody's.
    let honoured = rows.iter().all(|row| get(row, "element_id") == item.sys_id && get(row, "element") == journal);
    let Some(before) = item.sent_after.as_ref().filter(|_| honoured && !rows.is_empty()) else { return Answer::Untold };
    let text = plain(item.fields.get(journal).map_or("", String::as_str));
    let made: Vec<String> =
        rows.iter().filter(|row| plain(&get(row, "value")) == text).map(|row| get(row, "sys_created_on")).collect();
    if made.iter().any(|at| at > before) {
        return Answer::Done(None);
    }
    let all_newer = rows.len() >= MOST as usize && rows.iter().all(|row| get(row, "sys_created_on") > *before);
    if made.contains(before) || all_newer { Answer::Untold } else { Answer::Absent }
}

/// Text as it comes back: line ends and the space around it are the instance's.
fn plain(text: &str) -> String {
    text.replace("\r\n", "\n").trim().to_owned()
}
