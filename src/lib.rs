//! Landfall: records made out of reach of the network, sent once, and given their permanent `sys_id` everywhere.
//!
//! An app writes to the device and never waits for the network. Each write is one transaction: the record, and the *outbox
//! item* that will bring it about on the *instance* (the server of record, ServiceNow or one that speaks as it does). A record
//! made here has a *temporary* `sys_id` until the instance has made it; then the permanent one takes its place everywhere.
//!
//! ```
//! # futures_executor::block_on(async {
//! use landfall::{core::schema::{Reference, TableOptions}, engine::{EngineError, SyncOptions}};
//! # use landfall::testing::{Device, MemoryInstance};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Incident { short_description: String }
//!
//! #[derive(Serialize, Deserialize)]
//! struct Task { incident: String }
//!
//! let references = [("incident".to_owned(), Reference::One("incident".to_owned()))].into();
//! let tables = [
//!     ("incident".to_owned(), TableOptions::default()),
//!     ("incident_task".to_owned(), TableOptions { references, ..TableOptions::default() }),
//! ];
//! # let device = Device::new(&MemoryInstance::plain(), tables.into(), 1);
//! # let client = device.open().await?;
//! // In a browser: let client = landfall::browser::open("fieldapp", tables.into(), settings, remote).await?;
//! let incidents = client.typed::<Incident>("incident");
//! let tasks = client.typed::<Task>("incident_task");
//!
//! // On disk when the call is done. No network is needed, and the one may point to the other.
//! let incident = incidents.create(&Incident { short_description: "Belt 4 stuck".into() }).await?;
//! let task = tasks.create(&Task { incident: incident.sys_id.clone() }).await?;
//! assert_eq!((incident.sync.state.as_str(), incident.sync.is_temporary), ("local", true));
//! assert_eq!(client.status().await?.pending, 2);
//!
//! // When the instance can be reached.
//! let report = client.sync(SyncOptions::default()).await?;
//! assert_eq!((report.sent, report.remaining), (2, 0));
//!
//! // By its old id or its new one; what pointed to it points to it.
//! let landed = incidents.get(&incident.sys_id).await?.expect("it is there");
//! assert_eq!((landed.sync.state.as_str(), landed.sync.is_temporary), ("synced", false));
//! assert_eq!(tasks.get(&task.sys_id).await?.expect("it, too").fields.incident, landed.sys_id);
//! # Ok::<(), EngineError>(())
//! # }).unwrap();
//! ```
//!
//! # For an app in Rust
//!
//! ```toml
//! landfall = { version = "0.1", default-features = false }
//! ```
//!
//! Without the feature `bindings` nothing of the npm package is in the app's module: no class, no function that runs at its
//! start, no file of JavaScript. Yew, Leptos, Dioxus or plain wasm-bindgen: `browser::open` opens the database of one user of one
//! instance, `Client::typed` gives its tables. Built for another target than `wasm32` there is no `browser`; all else
//! runs natively, over the ports of the feature `testing` or the app's own.
//!
//! * A call that fails says why ([`engine::EngineError`]): a sentence, a stable `code()`, and whether it is `retryable()`. What is
//!   refused is refused before anything is written.
//! * What the *instance* refuses is no error of a call: the record stays, its state is `refused`, its item in
//!   [`Client::outbox`](engine::Client::outbox) says why, and the user retries, edits or discards it.
//! * What has changed is told to [`Client::listen`](engine::Client::listen), whoever has changed it, another tab too.
//! * Nothing is sent unless [`Client::sync`](engine::Client::sync) is called; it may be called at any time, by each tab. Only one
//!   context sends at a time.
//!
//! ```
//! # futures_executor::block_on(async {
//! # use landfall::{core::schema::TableOptions, engine::EngineError, testing::{Device, MemoryInstance}};
//! # let tables = [("incident".to_owned(), TableOptions::default())];
//! # let client = Device::new(&MemoryInstance::plain(), tables.into(), 1).open().await?;
//! use landfall::core::Event;
//! use serde_json::{Value, json};
//! use std::{cell::RefCell, rc::Rc};
//!
//! let changed = Rc::new(RefCell::new(Vec::new()));
//! let seen = Rc::clone(&changed);
//! client.listen(Rc::new(move |event| {
//!     if let Event::Change { table, sys_ids, .. } = event {
//!         seen.borrow_mut().push((table.clone(), sys_ids.len()));
//!     }
//! }));
//! let incidents = client.typed::<Value>("incident");
//! incidents.create_many(&[json!({ "category": "belt" }), json!({ "category": "belt" })]).await?;
//! assert_eq!(*changed.borrow(), [("incident".to_owned(), 2)]);
//! assert_eq!(incidents.count("category=belt^ORDERBYDESCnumber").await?, 2);
//!
//! let why = incidents.update("nobody's", &json!({ "category": "motor" })).await.unwrap_err();
//! assert_eq!((why.code(), why.retryable()), ("not_found", false));
//! assert_eq!(client.typed::<Value>("problem").count("").await.unwrap_err().code(), "unknown_table");
//! # Ok::<(), EngineError>(())
//! # }).unwrap();
//! ```
//!
//! # The rooms
//!
//! [`core`] has the rules, pure functions over what is stored; [`wire`] what travels, and the encoded query; [`ports`] what is asked
//! of the surroundings; [`engine`] drives the rules over these. `browser` are the ports in a browser, `bindings` the JavaScript
//! package, `testing` the ports in memory. See `docs/ARCHITECTURE.md` of the repository.

#[cfg(all(target_family = "wasm", feature = "bindings"))]
pub mod bindings;
#[cfg(target_family = "wasm")]
pub mod browser;
pub mod core;
pub mod engine;
pub mod ports;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod wire;
