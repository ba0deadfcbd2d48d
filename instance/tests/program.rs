//! The program itself, as a process of its own: what it says, what it serves, and what is left when it is killed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::{Value as Json, json};

struct Program {
    child: Child,
    url: String,
}

impl Program {
    /// Starts it, and waits for the line that says it is ready.
    fn start(folder: &Path, flags: &[&str]) -> Self {
        let database = format!("sqlite:{}", folder.join("test.db").display());
        let mut child = Command::new(env!("CARGO_BIN_EXE_landfall-instance"))
            .args(["--listen", "127.0.0.1:0", "--database", &database])
            .args(flags)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").expect("its first line").to_owned();
        Self { child, url }
    }

    fn signal(&self, name: &str) {
        let done = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(done.success());
    }

    fn wait(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        reqwest::get(format!("{}{path}", self.url)).await.unwrap()
    }

    async fn total(&self, table: &str) -> usize {
        let answer = self.get(&format!("/api/now/table/{table}?sysparm_limit=1")).await;
        answer.headers()["x-total-count"].to_str().unwrap().parse().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn every_receipt_outlives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut receipts = Vec::new();
    let client = reqwest::Client::new();
    for round in 0..3 {
        let mut program = Program::start(folder.path(), &[]);
        for n in 0..20 {
            let key = format!("{round}-{n}");
            let request =
                client.post(format!("{}/api/now/table/incident", program.url)).header("Idempotency-Key", &key);
            let made: Json =
                request.json(&json!({"short_description": key})).send().await.unwrap().json().await.unwrap();
            receipts.push((key, made));
        }
        program.child.kill().unwrap();
    }
    let program = Program::start(folder.path(), &[]);
    assert_eq!(program.total("incident").await, receipts.len());
    for (key, made) in receipts {
        let request = client.post(format!("{}/api/now/table/incident", program.url)).header("Idempotency-Key", &key);
        let again = request.json(&json!({"short_description": key})).send().await.unwrap();
        assert_eq!(again.headers()["idempotency-replayed"], "true");
        assert_eq!(again.json::<Json>().await.unwrap(), made);
    }
    assert_eq!(program.total("incident").await, 60);
}

/// Kills it while requests are under way, again and again, and repeats each until it is answered: whatever was
/// committed before its answer was lost is not made a second time.
#[tokio::test]
async fn a_kill_between_commit_and_answer_makes_no_twin() {
    let folder = tempfile::tempdir().unwrap();
    let client = reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap();
    let mut waiting: Vec<usize> = (0..60).collect();
    let mut kills = 0;
    while !waiting.is_empty() {
        let mut program = Program::start(folder.path(), &[]);
        let mut sent = tokio::task::JoinSet::new();
        for n in waiting.clone() {
            let key = format!("tmp_{n:032x}");
            let body = json!({"short_description": n.to_string(), "correlation_id": key});
            let request = client.post(format!("{}/api/now/table/incident", program.url));
            let request = request.header("Idempotency-Key", key).json(&body);
            sent.spawn(async move { request.send().await.ok().filter(|answer| answer.status() == 201).map(|_| n) });
        }
        if kills < 6 {
            tokio::time::sleep(Duration::from_millis(15 + 10 * kills)).await;
            program.child.kill().unwrap();
            kills += 1;
        }
        for answered in sent.join_all().await.into_iter().flatten() {
            waiting.retain(|n| *n != answered);
        }
    }
    let program = Program::start(folder.path(), &[]);
    let rows: Json = program.get("/api/now/table/incident?sysparm_fields=correlation_id").await.json().await.unwrap();
    let mut ids: Vec<&str> =
        rows["result"].as_array().unwrap().iter().map(|row| row["correlation_id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, (0..60).map(|n| format!("tmp_{n:032x}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn told_to_stop_it_finishes_what_is_under_way() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &[]);
    let item = |n: usize| {
        json!({"id": n.to_string(), "method": "POST", "url": "/api/now/table/incident",
        "headers": [{"name": "Content-Type", "value": "application/json"}], "body": "e30="})
    };
    let batch = json!({"batch_request_id": "b", "rest_requests": (0..150).map(item).collect::<Vec<_>>()});
    let request = reqwest::Client::new().post(format!("{}/api/now/v1/batch", program.url)).json(&batch);
    let under_way = tokio::spawn(async move { request.send().await.unwrap().json::<Json>().await.unwrap() });
    tokio::time::sleep(Duration::from_millis(100)).await;
    program.signal("-TERM");
    let answer = under_way.await.unwrap();
    assert_eq!(answer["serviced_requests"].as_array().unwrap().len(), 150);
    assert!(program.wait().success());

    let program = Program::start(folder.path(), &[]);
    assert_eq!(program.total("incident").await, 150);
}

#[tokio::test]
async fn the_demo_is_sown_once_and_the_same_each_time() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut seen = Vec::new();
    // The first again, the second anew.
    for folder in [&folders[0], &folders[0], &folders[1]] {
        let program = Program::start(folder.path(), &["--seed", "demo"]);
        assert_eq!(program.total("cmn_location").await, 3376);
        assert_eq!(program.total("cmdb_ci").await, 6000);
        assert!(program.total("incident").await > 3500);
        let query = "sysparm_query=sys_class_name=wm_task^ORDERBYDESCnumber&sysparm_limit=50&sysparm_exclude_reference_link=true";
        seen.push(program.get(&format!("/api/now/table/task?{query}")).await.text().await.unwrap());
        let query = "sysparm_query=u_iata=BTR&sysparm_fields=name,city,latitude";
        let airport: Json = program.get(&format!("/api/now/table/cmn_location?{query}")).await.json().await.unwrap();
        let expected =
            json!([{"name": "BTR Baton Rouge Metropolitan, Ryan", "city": "Baton Rouge", "latitude": "30.53316083"}]);
        assert_eq!(airport["result"], expected);
        // What is made next goes on counting.
        let made: Json = reqwest::Client::new()
            .post(format!("{}/api/now/table/incident", program.url))
            .json(&json!({}))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        assert_eq!(made["result"]["number"], format!("INC{:07}", 10_000 + program.total("incident").await));
        program.signal("-INT");
        assert!(program.wait().success());
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
}

#[tokio::test]
async fn a_folder_is_served_beside_the_api() {
    let folder = tempfile::tempdir().unwrap();
    let www = folder.path().join("www");
    std::fs::create_dir_all(www.join("pkg")).unwrap();
    for (name, text) in
        [("index.html", "<h1>"), ("pkg/app_bg.wasm", "\0asm"), ("sw.js", "//"), ("manifest.webmanifest", "{}")]
    {
        std::fs::write(www.join(name), text).unwrap();
    }
    let program = Program::start(folder.path(), &["--www", www.to_str().unwrap()]);
    for (path, kind) in [
        ("/", "text/html"),
        ("/pkg/app_bg.wasm", "application/wasm"),
        ("/sw.js", "text/javascript"),
        ("/manifest.webmanifest", "application/manifest+json"),
    ] {
        let answer = program.get(path).await;
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(answer.headers()["content-type"], kind, "{path}");
        assert_eq!(answer.headers()["cache-control"], "no-cache", "{path}");
    }
    assert_eq!(program.get("/nothing").await.status(), 404);
    assert_eq!(program.get("/%2e%2e/test.db").await.status(), 404);
    assert_eq!(program.get("/api/now/table/incident").await.status(), 200);
}

#[test]
fn what_cannot_be_is_said_in_a_sentence() {
    for (flags, said) in [
        (["--database", "mysql://x"], "`mysql://x` is not a database URL"),
        (["--www", "/nowhere/at/all"], "there is no folder /nowhere/at/all to serve"),
        (["--listen", "127.0.0.1:99999"], "cannot listen on 127.0.0.1:99999"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_landfall-instance"))
            .current_dir(folder.path())
            .args(flags)
            .output()
            .unwrap();
        assert!(!output.status.success());
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(said), "{error}");
    }
}
