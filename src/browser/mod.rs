//! The ports in a browser: page, worker or service worker. The only place that names `web_sys`.

pub mod background_sync;
mod channel;
mod clock;
pub mod connection;
mod entropy;
pub mod fetched;
mod held;
mod http;
mod idb;
mod js;
mod locks;
mod mark;
mod open;
pub mod panic;
mod ports;
mod scope;
pub mod storage;
mod wake;

pub use channel::BrowserChannel;
pub use clock::BrowserClock;
pub use entropy::BrowserEntropy;
pub use held::let_go_of_all;
pub use http::{BrowserRemote, RemoteOptions};
pub use idb::{IdbStore, StoreNews, VERSION};
pub use js::message;
pub use locks::{BrowserGuard, BrowserLock};
pub use open::{database_name, open};
pub use ports::BrowserPorts;
pub use scope::Scope;
pub use wake::Wake;
