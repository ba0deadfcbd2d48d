//! What an app may say of a cached table, and what follows from it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    along::Include,
    error::CoreError,
    schema::{CacheOptions, Reference, Schema, is_name},
    stored::UPDATED,
};
use crate::wire::query::Query;

/// Without these nothing could be told of a record.
const SYSTEM: [&str; 5] = ["sys_id", "sys_class_name", "sys_created_on", UPDATED, "sys_mod_count"];
/// A table that is refreshed, or forgotten, more often than this is nothing but that, in ms.
const LEAST_MS: u64 = 1_000;

/// When a cached table is refreshed without being asked for. A sync by hand refreshes it anyway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Refresh {
    /// When the app is opened.
    pub on_open: bool,
    /// When the network, or the user, comes back.
    pub on_reconnect: bool,
    /// So long after it was last, in ms.
    pub every_ms: Option<u64>,
    /// Never where the browser says that the connection is paid for by what goes over it.
    pub only_unmetered: bool,
}

impl Default for Refresh {
    fn default() -> Self {
        Self { on_open: true, on_reconnect: true, every_ms: None, only_unmetered: false }
    }
}

impl CacheOptions {
    /// Refuses what cannot be.
    ///
    /// # Errors
    /// [`CoreError::BadOptions`], with a sentence.
    pub(super) fn check(&self, table: &str) -> Result<(), CoreError> {
        let bad = |why: String| Err(CoreError::BadOptions(why));
        if let Some(Err(why)) = self.query.as_ref().map(|query| query.parse::<Query>()) {
            return bad(format!("cache.query of table {table}: {why}"));
        }
        if let Some(word) = self.fields.iter().flatten().find(|word| !is_name(word)) {
            return bad(format!("cache.fields of table {table}: “{word}” is not the name of a field."));
        }
        let times = [("refresh.everyMs", self.refresh.every_ms), ("maxAgeMs", self.max_age_ms)];
        match times.into_iter().find(|(_, ms)| ms.is_some_and(|ms| ms < LEAST_MS)) {
            Some((name, _)) => bad(format!("cache.{name} of table {table} must be {LEAST_MS} or more.")),
            None => Ok(()),
        }
    }
}

impl Schema {
    /// What is asked for of the records of a cached table; all, if the app wants all.
    ///
    /// Never without the temporary id they may carry, else a record whose receipt is on its way would have a twin; nor
    /// without what the query names, since each row is held against it; nor without what is to lead on from them, or to them.
    pub fn fields_of(&self, table: &str, cache: &CacheOptions, query: &Query) -> Option<Vec<String>> {
        let mut all: BTreeSet<String> = cache.fields.as_ref()?.iter().cloned().collect();
        all.extend(SYSTEM.into_iter().chain(query.fields()).map(str::to_owned));
        // A record of a child may carry its id in another field than those of its parent.
        let below = self.tables().map(|(name, _)| name).filter(|name| self.is_a(name, table));
        all.extend(below.chain([table]).filter_map(|name| self.correlation_field(name)));
        all.extend(self.acted_at_field(table));
        for include in self.tables().filter_map(|(_, options)| options.cache.as_ref()).flat_map(|cache| &cache.include)
        {
            let leads: Vec<&str> = match include {
                Include::Path(path) => path.split('.').collect(),
                Include::From(pointing) => vec![&pointing.field],
            };
            for field in leads {
                let Some(reference) = self.reference(table, field) else { continue };
                all.insert(field.to_owned());
                if let Reference::Named { table } = reference {
                    all.insert(table);
                }
            }
        }
        Some(all.into_iter().collect())
    }

    /// Whether a record of `table` may be here without this field because nobody has asked for it.
    pub fn may_lack(&self, table: &str, field: &str) -> bool {
        self.chain(table).filter_map(|of| self.tables().find(|(name, _)| *name == of)).any(|(of, options)| {
            let asked = options.cache.as_ref().and_then(|cache| self.fields_of(of, cache, &Query::default()));
            asked.is_some_and(|asked| !asked.iter().any(|name| name == field))
        })
    }
}
