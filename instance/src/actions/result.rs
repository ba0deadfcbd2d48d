//! Which records an action names for the device, and which of the device's own they are.

use landfall::wire::action::{OpenRecord, RecordForSync};

use crate::refusal::Refusal;
use crate::schema::class;
use crate::store::{Session, records};
use crate::writing::temporary;

/// What ServiceNow's `actionResult` is to an online step.
#[derive(Debug)]
pub struct ActionResult {
    open: Vec<OpenRecord>,
    named: Vec<RecordForSync>,
}

impl ActionResult {
    /// With the records the device has open, once they are found to be what they should.
    ///
    /// One that goes by a permanent id was given it since the device first asked. It stays in its place, so that an
    /// action run anew meets it, and does not make it again under the next one's name.
    pub async fn open(session: &mut Session, open: Vec<OpenRecord>) -> Result<Self, Refusal> {
        for (at, OpenRecord { table, temp_sys_id: id }) in open.iter().enumerate() {
            let class = class(table).ok_or_else(|| Refusal::UnknownTable(table.clone()))?;
            if !temporary::is_temporary(id) && !records::exists(session, class, id).await? {
                return Err(Refusal::Input(format!(
                    "Field `records[{at}].temp_sys_id` must be a temporary id, `tmp_` and 32 hexadecimal digits, not `{id}`"
                )));
            }
            if open.iter().take(at).any(|earlier| earlier.temp_sys_id == *id) {
                return Err(Refusal::Input(format!(
                    "Field `records[{at}].temp_sys_id` repeats `{id}`: each open record is to be there once"
                )));
            }
        }
        Ok(Self { open, named: Vec::new() })
    }

    /// Names a record that was made or changed, as on ServiceNow. A record that is named again stays named once.
    pub fn add_record_for_sync(&mut self, table: &str, sys_id: &str) {
        self.add(table, sys_id, None);
    }

    /// Names a record that was made for one of the device's own.
    pub fn add_open_record_for_sync(&mut self, table: &str, sys_id: &str, temp_sys_id: String) {
        self.add(table, sys_id, Some(temp_sys_id));
    }

    fn add(&mut self, table: &str, sys_id: &str, temp_sys_id: Option<String>) {
        match self.named.iter_mut().find(|named| named.table == table && named.sys_id == sys_id) {
            Some(named) => named.temp_sys_id = named.temp_sys_id.take().or(temp_sys_id),
            None => self.named.push(RecordForSync { table: table.to_owned(), sys_id: sys_id.to_owned(), temp_sys_id }),
        }
    }

    /// The temporary id of the next open record of that table, which is then open no more.
    pub fn next_open(&mut self, table: &str) -> Option<String> {
        let at = self.open.iter().position(|open| open.table == table)?;
        Some(self.open.remove(at).temp_sys_id)
    }

    /// What was named, in that order.
    pub fn into_named(self) -> Vec<RecordForSync> {
        self.named
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(table: &str, id: &str) -> OpenRecord {
        OpenRecord { table: table.into(), temp_sys_id: id.into() }
    }

    #[test]
    fn open_records_are_taken_once_and_in_order() {
        let open = vec![open("task", "1"), open("wm_task", "2"), open("task", "3")];
        let mut result = ActionResult { open, named: Vec::new() };
        let taken = ["task", "task", "task", "wm_task"].map(|table| result.next_open(table));
        assert_eq!(taken, [Some("1".into()), Some("3".into()), None, Some("2".into())]);
    }

    #[test]
    fn a_record_named_again_keeps_what_it_stands_for() {
        let mut result = ActionResult { open: Vec::new(), named: Vec::new() };
        result.add_record_for_sync("task", "a");
        result.add_open_record_for_sync("task", "b", "1".into());
        result.add_record_for_sync("task", "b");
        result.add_record_for_sync("task", "a");
        result.add_open_record_for_sync("task", "a", "2".into());
        let named: Vec<_> = result
            .into_named()
            .into_iter()
            .map(|named| (named.sys_id, named.temp_sys_id.unwrap_or_default()))
            .collect();
        assert_eq!(named, [("a".into(), "2".into()), ("b".into(), "1".into())] as [(String, String); 2]);
    }
}
