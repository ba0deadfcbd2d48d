//! The REST API: the Table API, the Batch API and what Landfall adds to them.

mod action;
mod batch;
mod call;
mod capabilities;
mod change;
pub mod http;
mod idempotency;
mod lenient;
mod links;
mod read;
mod render;
mod route;
mod version;
