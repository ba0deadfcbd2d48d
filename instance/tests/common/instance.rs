//! An instance in this process, spoken to over HTTP.

use clap::Parser;
use landfall::wire::batch::{BatchRequest, BatchResponse, RestRequest};
use landfall::wire::http::{Method, Request};
use landfall_instance::{Server, Settings};
use reqwest::header::HeaderMap;
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A database to run on.
pub enum Home {
    Sqlite(TempDir),
    Postgres(String),
}

impl Home {
    pub fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(folder) => format!("sqlite:{}", folder.path().join("test.db").display()),
            Self::Postgres(url) => url.clone(),
        }
    }

    /// An instance with Landfall's extras.
    pub async fn start(&self) -> Instance {
        self.start_with(&[]).await
    }

    /// An instance that behaves as ServiceNow does.
    pub async fn start_plain(&self) -> Instance {
        self.start_with(&["--plain"]).await
    }

    pub async fn start_with(&self, flags: &[&str]) -> Instance {
        let url = self.url();
        let always = ["landfall-instance", "--listen", "127.0.0.1:0", "--database", &url];
        let settings = Settings::try_parse_from(always.iter().chain(flags)).unwrap();
        let server = Server::bind(&settings).await.unwrap();
        let url = server.url();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(async move {
            server.run(async { stopped.await.unwrap_or(()) }).await.unwrap();
        });
        Instance { url, client: reqwest::Client::new(), stop, running }
    }
}

/// An instance that runs.
pub struct Instance {
    pub url: String,
    pub client: reqwest::Client,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

/// What it answered.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub json: Json,
}

impl Reply {
    /// The record, or the list of them.
    pub fn result(&self) -> &Json {
        assert!(self.status < 300, "{self:?}");
        &self.json["result"]
    }

    pub fn text(&self, field: &str) -> &str {
        self.result()[field].as_str().unwrap_or_else(|| panic!("{field} in {self:?}"))
    }

    pub fn sys_id(&self) -> &str {
        self.text("sys_id")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn message(&self) -> &str {
        self.json["error"]["message"].as_str().unwrap_or_else(|| panic!("{self:?}"))
    }

    /// The values of one field, row by row.
    pub fn column(&self, field: &str) -> Vec<&str> {
        self.result().as_array().unwrap().iter().map(|row| row[field].as_str().unwrap()).collect()
    }
}

impl Instance {
    pub async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], None).await
    }

    pub async fn post(&self, path: &str, body: Json) -> Reply {
        self.send("POST", path, &[], Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Json) -> Reply {
        self.send("PATCH", path, &[], Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.send("DELETE", path, &[], None).await
    }

    /// Asks for `/api/now/table/{path}`, or for the path itself where it begins with `/`.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<Json>) -> Reply {
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/api/now/table/{path}") };
        let mut request = self.client.request(method.parse().unwrap(), format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.unwrap();
        Reply { status, headers, json: serde_json::from_slice(&bytes).unwrap_or(Json::Null) }
    }

    /// The list a query finds.
    pub async fn query(&self, table: &str, query: &str) -> Reply {
        let query: String = query.bytes().map(|byte| format!("%{byte:02x}")).collect();
        self.get(&format!("{table}?sysparm_query={query}")).await
    }

    /// How many records a table has.
    pub async fn count(&self, table: &str) -> usize {
        self.get(table).await.result().as_array().unwrap().len()
    }

    pub async fn batch(&self, items: Vec<Item>) -> BatchResponse {
        let request = BatchRequest {
            batch_request_id: "b1".into(),
            rest_requests: items.into_iter().map(|item| item.0).collect(),
        };
        let reply = self.post("/api/now/v1/batch", serde_json::to_value(request).unwrap()).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        serde_json::from_value(reply.json).unwrap()
    }

    /// Stops it as a signal would, and waits until it has.
    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        self.running.await.unwrap();
    }
}

/// An item of a batch.
pub struct Item(pub RestRequest);

impl Item {
    pub fn new(id: &str, method: Method, path: &str, body: Option<Json>) -> Self {
        let headers = [("Content-Type", "application/json"), ("Accept", "application/json")];
        Self(RestRequest::new(
            id,
            &Request {
                method,
                path: format!("/api/now/table/{path}"),
                headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
                body: body.map(|body| body.to_string().into_bytes()),
            },
        ))
    }

    pub fn create(id: &str, table: &str, body: Json) -> Self {
        Self::new(id, Method::Post, table, Some(body))
    }

    pub fn key(self, key: &str) -> Self {
        self.header("Idempotency-Key", key)
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        let header = json!({"name": name, "value": value});
        self.0.headers.push(serde_json::from_value(header).unwrap());
        self
    }
}
