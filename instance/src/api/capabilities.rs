//! What this instance can do beyond ServiceNow.

use axum::http::StatusCode;
use landfall::wire::capabilities::{Capabilities, CapabilitiesAnswer};

use super::call::Answer;
use crate::instance::KEY_TTL_SECONDS;

/// `GET /api/landfall/v1/capabilities`
pub fn answer() -> Answer {
    let capabilities = Capabilities {
        idempotency_key: true,
        resolves_temp_ids: true,
        ordered_batch: true,
        if_match: true,
        actions: true,
        key_ttl_seconds: u64::try_from(KEY_TTL_SECONDS).ok(),
    };
    Answer::json(StatusCode::OK, &CapabilitiesAnswer { capabilities })
}
