//! A write-back action run by the instance, at `POST {extras}/action/{name}`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::json::or_default;

/// Asks for an action's online step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ActionRequest {
    /// What the app gave it.
    #[serde(default)]
    pub input: Value,
    /// When the user acted, in ISO 8601, UTC.
    #[serde(default)]
    pub acted_at: String,
    /// Those the offline step created, in that order.
    #[serde(default, deserialize_with = "or_default")]
    pub records: Vec<OpenRecord>,
}

/// A record that an offline step created and that awaits its permanent id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenRecord {
    /// Its table.
    pub table: String,
    /// Its temporary id.
    pub temp_sys_id: String,
}

/// What the online step brought about.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ActionAnswer {
    /// For the app.
    #[serde(default)]
    pub result: Value,
    /// What the step named with `addRecordForSync`, in that order.
    #[serde(default, deserialize_with = "or_default")]
    pub records_for_sync: Vec<RecordForSync>,
}

/// The instance's record for one the offline step created.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordForSync {
    /// Its table on the instance.
    pub table: String,
    /// Its permanent id.
    pub sys_id: String,
    /// The local record it is, where the step said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temp_sys_id: Option<String>,
}
