//! Binds, serves, and stops without cutting anyone off.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderValue, header};
use tokio::net::TcpListener;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeader;

use crate::api;
use crate::instance::Instance;
use crate::seed;
use crate::settings::Settings;
use crate::store::{Store, StoreError};

/// How long requests under way may take after the signal to stop: a little longer than a batch may.
const LAST_REQUESTS: Duration = Duration::from_secs(35);

/// Why the instance does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The connection to the world broke.
    #[error("serving stopped: {0}")]
    Serve(std::io::Error),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The folder to serve is not there.
    #[error("there is no folder {0} to serve")]
    NoFolder(String),
}

/// An instance that listens and is ready to serve.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
    instance: Arc<Instance>,
}

impl Server {
    /// Opens the database, fills it if that was asked, and binds.
    pub async fn bind(settings: &Settings) -> Result<Self, ServeError> {
        if let Some(folder) = settings.www.as_deref().filter(|folder| !folder.is_dir()) {
            return Err(ServeError::NoFolder(folder.display().to_string()));
        }
        let store = Store::open(&settings.database).await?;
        if let Some(seed) = settings.seed {
            seed::sow(&store, seed).await?;
        }
        let listen = |source| ServeError::Listen { address: settings.listen.clone(), source };
        let listener = TcpListener::bind(&settings.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let batch_time = Duration::from_secs(settings.batch_seconds);
        let instance = Arc::new(Instance::new(store, settings.plain, settings.require_auth, batch_time));
        let router = api::http::router(Arc::clone(&instance));
        let router = match settings.www.as_deref() {
            Some(folder) => with_files(router, folder),
            None => router,
        };
        Ok(Self { listener, address, router, instance })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Serves until `stop` resolves; then takes no more, and finishes what is under way.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), ServeError> {
        let (told, stopped) = tokio::sync::oneshot::channel::<()>();
        let stop = async move {
            stop.await;
            drop(told);
        };
        let served = axum::serve(self.listener, self.router).with_graceful_shutdown(stop);
        let overdue = async {
            let _ = stopped.await;
            tokio::time::sleep(LAST_REQUESTS).await;
        };
        tokio::select! {
            served = served => served.map_err(ServeError::Serve)?,
            () = overdue => tracing::warn!("stopped before every client had its answer"),
        }
        self.instance.store.close().await;
        Ok(())
    }
}

/// Serves the folder's files, to be asked for again each time: the app's own service worker is its cache.
fn with_files(router: Router, folder: &Path) -> Router {
    let files = SetResponseHeader::overriding(
        ServeDir::new(folder),
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-cache"),
    );
    router.fallback_service(files)
}
