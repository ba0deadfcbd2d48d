//! Records made, changed and deleted by the rules, within a transaction that somebody else begins and commits.

use landfall::wire::Fields;
use uuid::Uuid;

use super::input::Input;
use super::temporary;
use crate::clock::Now;
use crate::refusal::Refusal;
use crate::rules;
use crate::schema::{Class, class};
use crate::store::{Session, StoreError, records};

/// Who writes, when, and in which transaction.
#[derive(Debug)]
pub struct Writer<'w> {
    /// The transaction.
    pub session: &'w mut Session,
    /// Who asks.
    pub user: &'w str,
    /// The moment it counts as.
    pub now: &'w Now,
    /// Whether references are taken as they come, as on ServiceNow.
    pub plain: bool,
}

/// A record that is there.
#[derive(Clone, Debug)]
pub struct Existing {
    /// Its own class, which may be below the one asked: an incident is found as a task.
    pub class: &'static Class,
    /// All its fields.
    pub fields: Fields,
}

impl Existing {
    /// A field's value, `""` where it has none.
    pub fn get(&self, field: &str) -> &str {
        self.fields.get(field).map_or("", String::as_str)
    }
}

impl Writer<'_> {
    /// The record, which no other transaction may change until this one ends.
    pub async fn existing(&mut self, asked: &Class, sys_id: &str) -> Result<Existing, Refusal> {
        let found = records::find_to_change(self.session, asked, sys_id).await?.ok_or(Refusal::NoRecord)?;
        let class = found.get("sys_class_name").and_then(|name| class(name)).ok_or(Refusal::NoRecord)?;
        let fields = records::find(self.session, class, sys_id).await?.ok_or(Refusal::NoRecord)?;
        Ok(Existing { class, fields })
    }

    /// Makes a record; answers what was written.
    pub async fn create(&mut self, class: &'static Class, input: Input) -> Result<Existing, Refusal> {
        let Input { fields: mut record, entries } = input;
        if !self.plain {
            temporary::settle_references(self.session, class, &mut record).await?;
        }
        rules::allow(class, &record)?;
        rules::on_create(class, &mut record, self.now);
        record.extend(self.stamped(class));
        if let Some(prefix) = class.prefix.filter(|_| record.get("number").is_none_or(String::is_empty)) {
            record.insert("number".into(), records::next_number(self.session, prefix).await?);
        }
        records::insert(self.session, class, &record).await?;
        let made = Existing { class, fields: record };
        self.append(class, made.get("sys_id"), entries).await?;
        Ok(made)
    }

    /// Changes a record, unless it is all as asked already.
    pub async fn update(&mut self, before: &Existing, input: Input) -> Result<(), Refusal> {
        let Existing { class, fields: before } = before;
        let Input { fields: mut changes, entries } = input;
        changes.retain(|name, value| before.get(name) != Some(value));
        if !self.plain {
            temporary::settle_references(self.session, class, &mut changes).await?;
            changes.retain(|name, value| before.get(name) != Some(value));
        }
        if changes.is_empty() && entries.is_empty() {
            return Ok(());
        }
        let sys_id = before.get("sys_id").map_or("", String::as_str);
        rules::allow(class, &changes)?;
        rules::on_update(class, before, &mut changes, self.now);
        let count = before.get("sys_mod_count").and_then(|count| count.parse::<i64>().ok()).unwrap_or(0) + 1;
        changes.insert("sys_mod_count".into(), count.to_string());
        changes.insert("sys_updated_on".into(), self.now.text.clone());
        changes.insert("sys_updated_by".into(), self.user.to_owned());
        records::update(self.session, class, sys_id, &changes).await?;
        self.append(class, sys_id, entries).await?;
        Ok(())
    }

    /// Deletes a record, and leaves a trace of it.
    pub async fn delete(&mut self, before: &Existing) -> Result<(), Refusal> {
        records::delete(self.session, before.class, before.get("sys_id")).await?;
        if let Some(audit) = class("sys_audit_delete").filter(|audit| audit.name != before.class.name) {
            let named = ["number", "name", "user_name"].iter().find_map(|name| before.fields.get(*name)).cloned();
            let mut row = self.stamped(audit);
            row.insert("tablename".into(), before.class.name.into());
            row.insert("documentkey".into(), before.get("sys_id").into());
            row.insert("display_value".into(), named.unwrap_or_default());
            row.insert("user".into(), self.user.to_owned());
            records::insert(self.session, audit, &row).await?;
        }
        Ok(())
    }

    /// Makes each entry a record of `sys_journal_field`.
    async fn append(
        &mut self,
        of: &Class,
        sys_id: &str,
        entries: Vec<(&'static str, String)>,
    ) -> Result<(), StoreError> {
        let Some(journal) = class("sys_journal_field") else {
            return Ok(());
        };
        for (element, value) in entries {
            let mut row = self.stamped(journal);
            row.insert("name".into(), of.name.into());
            row.insert("element".into(), element.into());
            row.insert("element_id".into(), sys_id.into());
            row.insert("value".into(), value);
            records::insert(self.session, journal, &row).await?;
        }
        Ok(())
    }

    /// The system fields of a record made now.
    fn stamped(&self, class: &Class) -> Fields {
        let sys_id = Uuid::new_v4().simple().to_string();
        [
            ("sys_id", sys_id.as_str()),
            ("sys_class_name", class.name),
            ("sys_created_on", &self.now.text),
            ("sys_created_by", self.user),
            ("sys_updated_on", &self.now.text),
            ("sys_updated_by", self.user),
            ("sys_mod_count", "0"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }
}
