//! A client over all the ports of a browser, as an app in Rust opens it.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    rc::{Rc, Weak},
};

use wasm_bindgen_futures::spawn_local;

use super::{BrowserPorts, BrowserRemote, RemoteOptions, StoreNews};
use crate::{
    core::{
        CoreError,
        schema::{Schema, TableOptions},
    },
    engine::{Client, EngineError, Settings},
};

/// App and user may be any text. The slashes in them are escaped, so that no two users share a name whatever they
/// are called; those of the URL stand between the two and need not be.
pub fn database_name(app: &str, url: &str, user: &str) -> String {
    let escaped = |text: &str| text.replace('%', "%25").replace('/', "%2F");
    format!("landfall/{}/{url}/{}", escaped(app), escaped(user))
}

/// Opens (making it, if need be) the database of one user of one instance: once a page and worker, and each with the same
/// tables. Clones of the client are the same one.
///
/// `settings.url` is the root of the instance's REST API, a path such as `/api/now` or an address; that in `remote` is
/// not looked at.
///
/// ```ignore
/// let tables = [("incident".to_owned(), TableOptions::default())].into();
/// let settings = Settings { user: "tech.demo".into(), url: "/api/now".into(), ..Settings::default() };
/// let client = browser::open("fieldapp", tables, settings, RemoteOptions::default()).await?;
/// client.typed::<Incident>("incident").create(&Incident { short_description: "Belt 4 stuck".into() }).await?;
/// client.sync(SyncOptions::default()).await?;
/// ```
///
/// Nothing is sent unless [`Client::sync`] is called: [`Wake`](super::Wake) says when it is worth trying,
/// [`Client::next_sync_in`] when it is due. Once another version of the app has upgraded the database, or another context has
/// deleted it, each call fails with [`StoreError`](crate::ports::StoreError)`::Superseded` or `::Closed`.
///
/// # Errors
/// [`CoreError::BadOptions`], with a sentence, of what cannot be; the store's.
pub async fn open(
    app: &str,
    tables: BTreeMap<String, TableOptions>,
    mut settings: Settings,
    remote: RemoteOptions,
) -> Result<Client<BrowserPorts>, EngineError> {
    settings.url = settings.url.trim_end_matches('/').to_owned();
    // Page and worker may stand at different paths: what is relative to them would be two instances.
    if !["/", "http://", "https://"].iter().any(|start| settings.url.starts_with(start)) {
        let why =
            format!("`settings.url` must be a path from the root, or an http(s) address, and is {:?}.", settings.url);
        return Err(CoreError::BadOptions(why).into());
    }
    let schema = Schema::new(tables)?;
    let remote =
        BrowserRemote::new(RemoteOptions { url: settings.url.clone(), ..remote }).map_err(CoreError::BadOptions)?;
    let database = database_name(app, &settings.url, &settings.user);
    let told = Rc::new(RefCell::new(None::<Weak<Client<BrowserPorts>>>));
    let whom = Rc::clone(&told);
    let ports = BrowserPorts::new(&database, remote, move |news| {
        let Some(client) = whom.borrow().as_ref().and_then(Weak::upgrade) else { return };
        spawn_local(async move {
            match news {
                StoreNews::Over(_) => client.close().await,
                // Where it cannot be told whether it is still the same database, the next call that opens it asks again.
                StoreNews::Reopened => drop(client.recognise().await),
            }
        });
    });
    let client = Client::open(ports, schema, settings).await?;
    let known = Rc::new(client.clone());
    told.replace(Some(Rc::downgrade(&known)));
    // Listeners go when the client is closed, and what holds it goes with them.
    client.listen(Rc::new(move |_| drop(Rc::clone(&known))));
    Ok(client)
}
