//! What travels: values, the encoded query, and the messages of the Table and Batch APIs.
//!
//! Both sides use this room: the client encodes requests and decodes answers, the reference instance the reverse.
//! Decoding is lenient, since instances differ: unknown fields are ignored and missing lists are empty.

pub mod action;
pub mod batch;
pub mod capabilities;
pub mod datetime;
pub mod error;
pub mod etag;
pub mod http;
pub mod json;
pub mod key;
pub mod query;
pub mod table;
pub mod value;

pub use capabilities::Capabilities;
pub use error::{ErrorAnswer, ErrorBody, WireError};
pub use http::{Method, Request, Response};
pub use json::{decode, encode};
pub use key::{Key, fold};
pub use query::{Query, QueryError};
pub use value::{Fields, Type};
