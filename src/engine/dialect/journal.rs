//! Whether a journal entry arrived: asked of `sys_journal_field`, where each entry is a row of its own.

use super::{Asked, Intent};
use crate::{
    core::{
        receive::Answer,
        stored::{Again, ItemKind},
    },
    wire::{
        Fields,
        datetime::{parse, to_servicenow},
    },
};

/// The table of all entries of all journals.
pub const TABLE: &str = "sys_journal_field";
/// The newest entries of one journal of one record that are looked at.
pub const MOST: u32 = 100;
/// How long after a change of its record an entry of that change may be dated, in seconds: it is a row of its own, and
/// written after it.
const SAME_MOMENT_S: i64 = 2;

/// An entry whose request has left.
pub struct Entry<'a> {
    /// The record's.
    pub sys_id: &'a str,
    pub journal: &'a str,
    pub text: &'a str,
    /// When the instance had last changed the record, as far as was known then.
    pub after: Option<&'a str>,
}

impl<'a> Entry<'a> {
    /// The one that the question is about, if it is about one.
    pub fn of(asked: &Asked<'a>) -> Option<Self> {
        let item = asked.item;
        let probe = asked.intent == Intent::Probe && item.kind == ItemKind::Update && item.journal;
        let mut fields = item.fields.iter();
        let (journal, text) = fields.find(|(name, _)| probe && asked.schema.is_journal(&item.table, name))?;
        Some(Self { sys_id: &item.sys_id, journal, text, after: item.sent_after.as_deref() })
    }

    /// The one that a call of an online step writes.
    pub fn called(again: &'a Again) -> Option<Self> {
        let Again::Entry { sys_id, journal, text, after, .. } = again else { return None };
        Some(Self { sys_id, journal, text, after: after.as_deref() })
    }

    /// The newest entries of that journal.
    pub fn query(&self) -> String {
        format!("element_id={}^element={}^ORDERBYDESCsys_created_on", self.sys_id, self.journal)
    }

    /// What the entries tell.
    ///
    /// Times are compared with each other only where both are the instance's. Without any entry nothing is told: this user
    /// may not be allowed to read them, which looks the same. Nor is it told by an entry of the moment in which the record
    /// was last seen to change: it may be an older one of the same text, which that very change wrote.
    pub fn verdict(&self, rows: &[Fields]) -> Answer {
        let get = |row: &Fields, name: &str| row.get(name).cloned().unwrap_or_default();
        // An instance drops the terms it does not know, and then answers with anybody's.
        let honoured =
            rows.iter().all(|row| get(row, "element_id") == self.sys_id && get(row, "element") == self.journal);
        let Some(before) = self.after.and_then(parse).filter(|_| honoured && !rows.is_empty()) else {
            return Answer::Untold;
        };
        let made = |row: &Fields| parse(&get(row, "sys_created_on"));
        let text = plain(self.text);
        let same: Vec<Option<i64>> = rows.iter().filter(|row| plain(&get(row, "value")) == text).map(made).collect();
        let newest = same.iter().flatten().max().filter(|at| **at > before + SAME_MOMENT_S);
        if let Some(at) = newest {
            // The next entry of the same text left after this one.
            return Answer::Done(to_servicenow(*at).map(|at| [("sys_updated_on".to_owned(), at)].into()));
        }
        let all_newer = rows.len() >= MOST as usize && rows.iter().all(|row| made(row).is_none_or(|at| at > before));
        if all_newer || same.iter().any(|at| at.is_none_or(|at| at >= before)) {
            Answer::Untold
        } else {
            Answer::Absent
        }
    }
}

/// Text as it comes back: line ends and the space around it are the instance's.
fn plain(text: &str) -> String {
    text.replace("\r\n", "\n").trim().to_owned()
}
