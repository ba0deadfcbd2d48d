//! An app in Rust, with nothing but wasm-bindgen: what the other consumers do in JavaScript.
#![cfg(target_family = "wasm")]

use std::collections::BTreeMap;

use landfall::{
    browser::{self, BrowserPorts, RemoteOptions, Wake},
    core::schema::TableOptions,
    engine::{Client, EngineError, Settings, SyncOptions},
};
use serde::{Deserialize, Serialize};
use wasm_bindgen::{JsError, prelude::wasm_bindgen};
use wasm_bindgen_futures::spawn_local;

/// The fields that this app uses.
#[derive(Serialize, Deserialize)]
struct Incident {
    short_description: String,
}

/// An open database.
#[wasm_bindgen]
pub struct Device {
    client: Client<BrowserPorts>,
    _wake: Wake,
}

/// Opens it.
#[wasm_bindgen]
pub async fn open() -> Result<Device, JsError> {
    browser::panic::install_hook();
    let tables = BTreeMap::from([("incident".to_owned(), TableOptions::default())]);
    let settings = Settings { user: "tech.demo".to_owned(), url: "/api/now".to_owned(), ..Settings::default() };
    let client = browser::open("consumer", tables, settings, RemoteOptions::default()).await?;
    let awake = client.clone();
    let wake = Wake::new(move || {
        let client = awake.clone();
        // What could not be sent is sent next time.
        spawn_local(async move { drop(client.sync(SyncOptions::default()).await) });
    });
    Ok(Device { client, _wake: wake })
}

#[wasm_bindgen]
impl Device {
    /// Makes a record; gives its id.
    pub async fn make(&self, short_description: String) -> Result<String, JsError> {
        Ok(self.client.typed("incident").create(&Incident { short_description }).await?.sys_id)
    }

    /// What is known of it, as JSON.
    pub async fn look(&self, id: String) -> Result<String, JsError> {
        let row =
            self.client.typed::<Incident>("incident").get(&id).await?.ok_or_else(|| JsError::new("no such record"))?;
        let seen = serde_json::json!({
            "sys_id": row.sys_id, "short_description": row.fields.short_description,
            "state": row.sync.state, "isTemporary": row.sync.is_temporary,
        });
        Ok(seen.to_string())
    }

    /// Sends; gives how much is left.
    pub async fn send(&self) -> Result<u32, JsError> {
        Ok(self.client.sync(SyncOptions::default()).await?.remaining)
    }

    /// Makes several records, or, where one cannot be, none; gives the code of what was said against it, or nothing.
    #[wasm_bindgen(js_name = makeAll)]
    pub async fn make_all(&self, table: String, words: Vec<String>) -> String {
        let made = self.client.transaction(async |tx| {
            for short_description in &words {
                let short_description = short_description.clone();
                tx.typed("incident").create(&Incident { short_description }).await?;
            }
            tx.typed(&table).create(&Incident { short_description: String::new() }).await?;
            Ok::<_, EngineError>(())
        });
        made.await.err().map(|why| why.code().to_owned()).unwrap_or_default()
    }

    /// How many records a query finds.
    pub async fn count(&self, query: String) -> Result<u32, JsError> {
        Ok(self.client.typed::<Incident>("incident").count(&query).await?)
    }
}
