//! Records that go along with the cached and the pinned ones.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

use futures_executor::block_on;
use landfall::{
    core::{Event, Row, StoreName, WriteSet, along::Include, schema::TableOptions, stored::Action},
    engine::{Client, EndedBy, FromRemote, SyncOptions},
    ports::Store,
    testing::{Device, Fault, MemoryInstance, MemoryPorts, listening},
    wire::Request,
};
use serde_json::{Value, json};

use super::{
    changes::{counted, sync},
    support::{create, push, resp, row},
};

type Page = Client<MemoryPorts>;

pub fn tables() -> BTreeMap<String, TableOptions> {
    serde_json::from_value(json!({
        "incident": {
            "references": {
                "caller_id": "sys_user", "watch_list": ["sys_user"], "document": { "table": "document_table" },
            },
            "cache": {
                "query": "active=true",
                "include": [
                    "caller_id.location", "watch_list", "document",
                    { "from": "incident_task", "field": "incident", "limit": 2 },
                ],
            },
        },
        "incident_task": { "references": { "incident": "incident" } },
        "sys_user": { "references": { "location": "cmn_location", "teams": ["sys_user"] } },
        "cmn_location": {},
        "asset": {},
    }))
    .unwrap()
}

pub struct World {
    pub instance: MemoryInstance,
    pub device: Device,
    pub page: Page,
}

pub async fn world(instance: MemoryInstance) -> World {
    let device = Device::new(&instance, tables(), 1);
    let page = device.open().await.unwrap();
    World { instance, device, page }
}

impl World {
    /// A user of the instance at a place of his own.
    pub fn user(&self) -> (String, String) {
        let place = self.instance.put("cmn_location", &[]);
        (self.instance.put("sys_user", &[("location", &place)]), place)
    }

    pub fn incident(&self, fields: &[(&str, &str)]) -> String {
        self.instance.put("incident", &[&[("active", "true")], fields].concat())
    }

    pub async fn has(&self, table: &str, id: &str) -> bool {
        self.page.get(table, id, false).await.unwrap().is_some()
    }
}

#[test]
fn paths_lists_pairs_and_what_points_here_come_along() {
    block_on(async {
        let w = world(MemoryInstance::plain()).await;
        let ((caller, place), (watcher, his)) = (w.user(), w.user());
        let asset = w.instance.put("asset", &[]);
        let incident = w.incident(&[
            ("caller_id", &caller),
            ("watch_list", &format!("{watcher}, {caller},somebody@example.com")),
            ("document", &asset),
            ("document_table", "asset"),
        ]);
        let tasks: Vec<String> = (0..3).map(|_| w.instance.put("incident_task", &[("incident", &incident)])).collect();
        let other = w.user().0;
        let asked = counted(&w.device);
        sync(&w.page).await;
        for (table, id) in [("sys_user", &caller), ("cmn_location", &place), ("sys_user", &watcher), ("asset", &asset)]
        {
            assert!(w.has(table, id).await, "{table} {id}");
        }
        // The list's path ends with it, and nobody has asked for the others.
        assert!(!w.has("cmn_location", &his).await && !w.has("sys_user", &other).await);
        let mut here = vec![];
        for task in &tasks {
            here.push(w.has("incident_task", task).await);
        }
        assert_eq!(here, [false, true, true], "the latest");

        // Where nothing is missing, and nothing has changed, the same few questions are asked each time.
        let mut seen = vec![];
        for _ in 0..3 {
            asked.borrow_mut().clear();
            let report = sync(&w.page).await;
            assert_eq!((report.pulled, report.removed), (0, 0));
            assert!(!asked.borrow().iter().any(|path| path.contains("cmn_location") && !path.contains("fields")));
            seen.push(asked.borrow().len());
        }
        // Two for the table, one for its tasks, and of each table one for the times, and one for who is no user.
        assert_eq!(seen, [7, 7, 7], "{:#?}", asked.borrow());
    });
}

#[test]
fn ids_are_asked_for_once_and_in_batches() {
    block_on(async {
        let w = world(MemoryInstance::plain()).await;
        let callers: Vec<String> = (0..120).map(|_| w.user().0).collect();
        for n in 0..400 {
            w.incident(&[("caller_id", &callers[n % 120])]);
        }
        let asked = counted(&w.device);
        sync(&w.page).await;
        assert_eq!(w.page.count("sys_user", "").await.unwrap(), 120);
        assert_eq!(w.page.count("cmn_location", "").await.unwrap(), 120);
        let of = |table: &str| asked.borrow().iter().filter(|path| path.contains(&format!("/{table}?"))).count();
        assert_eq!((of("sys_user"), of("cmn_location"), of("incident_task")), (3, 3, 8));
    });
}

#[test]
fn a_limit_is_each_record_s_own() {
    block_on(async {
        let w = world(MemoryInstance::plain()).await;
        let incidents: Vec<String> = (0..5).map(|_| w.incident(&[])).collect();
        let mut newest = vec![];
        // The first has most of them, and the latest.
        for n in [4, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] {
            newest.push((n, w.instance.put("incident_task", &[("incident", &incidents[n])])));
        }
        let asked = counted(&w.device);
        sync(&w.page).await;
        for (n, id) in &incidents.iter().enumerate().collect::<Vec<_>>() {
            let found = w.page.query("incident_task", &format!("incident={id}"), 0, None).await.unwrap();
            let mut found: Vec<&str> = found.iter().map(|row| row["sys_id"].as_str().unwrap()).collect();
            let of_it: Vec<&str> = newest.iter().filter(|(of, _)| of == n).map(|(_, id)| id.as_str()).collect();
            found.sort_unstable();
            assert_eq!(found, of_it[of_it.len().saturating_sub(2)..]);
        }
        let listed =
            asked.borrow().iter().filter(|path| path.contains("incident_task") && path.contains("fields")).count();
        assert_eq!(listed, 2, "{asked:#?}");
    });
}

#[test]
fn what_has_changed_is_read_again_and_what_is_gone_goes() {
    block_on(async {
        let w = world(MemoryInstance::plain()).await;
        let (caller, place) = w.user();
        let incident = w.incident(&[("caller_id", &caller)]);
        let task = w.instance.put("incident_task", &[("incident", &incident), ("state", "1")]);
        sync(&w.page).await;
        w.device.clock.advance(60_000);
        let moved = w.instance.put("cmn_location", &[]);
        w.instance.put("sys_user", &[("sys_id", &caller), ("location", &moved)]);
        w.instance.put("incident_task", &[("sys_id", &task), ("incident", &incident), ("state", "2")]);
        let report = sync(&w.page).await;
        assert_eq!((report.pulled, report.removed), (3, 1));
        assert!(w.has("cmn_location", &moved).await && !w.has("cmn_location", &place).await);
        assert_eq!(w.page.get("incident_task", &task, false).await.unwrap().unwrap()["state"], "2");
        // Within the second.
        let at = |table: &str| w.instance.rows(table)[0]["sys_updated_on"].clone();
        let (same, again) = (("sys_mod_count", "7"), [at("sys_user"), at("incident_task")]);
        let fields = [("sys_id", &*caller), ("location", &moved), ("sys_updated_on", &again[0]), same];
        w.instance.put("sys_user", &fields);
        let fields = [("sys_id", &*task), ("incident", &incident), ("sys_updated_on", &again[1]), same];
        w.instance.put("incident_task", &fields);
        assert_eq!(sync(&w.page).await.pulled, 2);
        let at = |row: Value| row["$sync"]["fetchedAt"].as_str().unwrap().to_owned();
        let before = at(w.page.get("sys_user", &caller, false).await.unwrap().unwrap().into());
        w.device.clock.advance(60_000);
        w.instance.remove("incident_task", &task);
        assert_eq!(sync(&w.page).await.removed, 1);
        // Nothing of it has changed: it is as the instance has it now all the same.
        let now = at(w.page.get("sys_user", &caller, false).await.unwrap().unwrap().into());
        assert!(now > before, "{now} {before}");
    });
}

#[test]
fn what_nothing_leads_to_any_more_goes_unless_unsent_work_mentions_it() {
    block_on(async {
        let w = world(MemoryInstance::plain()).await;
        let ((first, place), (second, other)) = (w.user(), w.user());
        let incident = w.incident(&[("caller_id", &first)]);
        let leaves = w.incident(&[("caller_id", &second)]);
        sync(&w.page).await;
        assert!(w.has("cmn_location", &place).await && w.has("cmn_location", &other).await);
        let made = create(&w.page, "incident_task", json!({ "assigned_to": first })).await;
        w.instance.put("incident", &[("sys_id", &incident), ("active", "true")]);
        w.instance.put("incident", &[("sys_id", &leaves), ("active", "false"), ("caller_id", &second)]);
        let only = |push, pull| SyncOptions { push, pull, ..SyncOptions::default() };
        let report = w.page.sync(only(false, true)).await.unwrap();
        assert_eq!(report.removed, 4, "an incident, a user, and two places");
        assert!(w.has("sys_user", &first).await, "unsent work mentions it");
        assert!(!w.has("sys_user", &second).await && !w.has("incident", &leaves).await);
        w.page.delete("incident_task", &made).await.unwrap();
        sync(&w.page).await;
        assert!(!w.has("sys_user", &first).await);
    });
}

#[test]
fn what_came_along_does_not_disturb_how_its_own_table_is_counted() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let mut all = tables();
        all.insert("sys_user".into(), serde_json::from_value(json!({ "cache": { "query": "vip=true" } })).unwrap());
        all.get_mut("incident").unwrap().cache =
            serde_json::from_value(json!({ "query": "active=true", "include": ["caller_id"] })).unwrap();
        let device = Device::new(&instance, all, 1);
        let page = device.open().await.unwrap();
        let w = World { instance, device, page };
        let vip = w.instance.put("sys_user", &[("vip", "true")]);
        let (plain, another) = (w.user().0, w.user().0);
        w.incident(&[("caller_id", &vip)]);
        let incident = w.incident(&[("caller_id", &plain)]);
        sync(&w.page).await;
        let asked = counted(&w.device);
        let report = sync(&w.page).await;
        assert_eq!((report.pulled, report.removed, w.page.count("sys_user", "").await.unwrap()), (0, 0, 2));
        // Two for each table, and one for who only came along.
        assert_eq!(asked.borrow().len(), 5, "{asked:#?}");

        // It leaves the query of its own table and stays, since the incident leads to it: it is not away for a moment.
        let heard = listening(&w.page);
        w.instance.put("sys_user", &[("sys_id", &vip), ("vip", "false")]);
        sync(&w.page).await;
        assert!(w.has("sys_user", &vip).await);
        let changes = |event: &&Event| matches!(event, Event::Change { table, .. } if table == "sys_user");
        assert_eq!(heard.borrow().iter().filter(changes).count(), 1, "it was read again, and that is all");
        // The other way round.
        w.instance.put("sys_user", &[("sys_id", &plain), ("vip", "true")]);
        w.instance.put("incident", &[("sys_id", &incident), ("active", "true"), ("caller_id", &another)]);
        sync(&w.page).await;
        assert!(w.has("sys_user", &plain).await && w.has("sys_user", &another).await);
        asked.borrow_mut().clear();
        sync(&w.page).await;
        assert_eq!(asked.borrow().len(), 5, "{asked:#?}");
    });
}

#[test]
fn one_that_is_edited_here_while_it_comes_along_keeps_the_edit() {
    block_on(async {
        let w = world(MemoryInstance::plain()).await;
        let (caller, place) = w.user();
        w.incident(&[("caller_id", &caller)]);
        sync(&w.page).await;
        w.page.update("sys_user", &caller, row(json!({ "name": "mine" }))).await.unwrap();
        w.instance.put("sys_user", &[("sys_id", &caller), ("location", &place), ("name", "theirs"), ("phone", "1")]);
        // Before it is sent: it comes along over the unsent edit.
        w.page.sync(SyncOptions { push: false, ..SyncOptions::default() }).await.unwrap();
        let here = w.page.get("sys_user", &caller, false).await.unwrap().unwrap();
        assert_eq!((here["name"].as_str(), here["phone"].as_str()), (Some("mine"), Some("1")));
        sync(&w.page).await;
        assert_eq!(w.instance.rows("sys_user")[0]["name"], "mine");
        // Deleted here, it does not come back, and its place goes only with it.
        w.page.delete("sys_user", &caller).await.unwrap();
        w.page.sync(SyncOptions { push: false, ..SyncOptions::default() }).await.unwrap();
        assert!(!w.has("sys_user", &caller).await);
        let item = w.page.outbox(None, None, None).await.unwrap().remove(0);
        w.page.discard(&item.id).await.unwrap();
        assert!(w.has("sys_user", &caller).await);
        sync(&w.page).await;
        assert!(w.has("cmn_location", &place).await);
    });
}

#[test]
fn a_table_that_the_instance_does_not_give_is_told_of_and_is_no_trouble_of_the_others() {
    block_on(async {
        let w = world(MemoryInstance::plain()).await;
        let ((caller, place), (leaver, his)) = (w.user(), w.user());
        let incident = w.incident(&[("caller_id", &caller)]);
        let leaves = w.incident(&[("caller_id", &leaver)]);
        w.incident(&[]);
        let task = w.instance.put("incident_task", &[("incident", &incident)]);
        sync(&w.page).await;
        let heard = listening(&w.page);
        let withhold = |tables: &'static [&'static str]| {
            w.device.remote.set_rule(move |request| {
                let no = || Fault::Answer(resp(403, "{\"error\":{\"message\":\"Not yours\"}}"));
                tables.iter().any(|table| request.path.contains(&format!("/{table}?"))).then(no)
            });
        };
        // What is here of it stays, and leads on; what nothing leads to goes, whatever the instance says of its table.
        withhold(&["sys_user", "incident_task"]);
        w.instance.put("incident", &[("sys_id", &leaves), ("active", "false"), ("caller_id", &leaver)]);
        let report = sync(&w.page).await;
        assert_eq!((report.ended_by, report.removed), (EndedBy::Done, 3));
        assert!(w.has("sys_user", &caller).await && w.has("cmn_location", &place).await);
        assert!(!w.has("sys_user", &leaver).await && !w.has("cmn_location", &his).await);
        let told = |event: &&Event| matches!(event, Event::Error { code, .. } if code == "pull_refused");
        assert_eq!(heard.borrow().iter().filter(told).count(), 2);
        // Which tasks point to an incident was not told: none of them goes, until it is.
        w.instance.put("incident", &[("sys_id", &incident), ("active", "false")]);
        assert_eq!(sync(&w.page).await.removed, 3);
        assert!(w.has("incident_task", &task).await);
        w.device.remote.set_rule(|_| None);
        assert_eq!(sync(&w.page).await.removed, 1);
    });
}

#[test]
fn an_instance_that_drops_the_terms_of_a_query_is_not_believed() {
    block_on(async {
        let w = world(MemoryInstance::plain()).await;
        let (caller, _) = w.user();
        w.user();
        let incident = w.incident(&[("caller_id", &caller)]);
        let task = w.instance.put("incident_task", &[("incident", &incident)]);
        sync(&w.page).await;
        let other = w.instance.put("incident_task", &[("incident", "elsewhere")]);
        let (instance, heard) = (w.instance.clone(), listening(&w.page));
        w.device.remote.set_rule(move |request| {
            let (path, _) =
                request.path.split_once("?sysparm_query=").filter(|(path, _)| !path.ends_with("/incident"))?;
            let path = format!("{path}?sysparm_limit=5");
            Some(Fault::Answer(instance.run(&Request { path, ..request.clone() })))
        });
        let report = sync(&w.page).await;
        assert_eq!((report.pulled, report.removed), (0, 0));
        assert!(w.has("incident_task", &task).await && !w.has("incident_task", &other).await);
        let told = |event: &&Event| matches!(event, Event::Error { code, .. } if code == "query_not_honoured");
        assert_eq!(heard.borrow().iter().filter(told).count(), 3, "users, places, tasks");
        assert!(w.page.get_from("sys_user", &caller, false, FromRemote::Always).await.unwrap().is_some());
    });
}

#[test]
fn one_of_a_child_table_has_its_own_fields_too() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let tables = serde_json::from_value(json!({
            "change": { "references": { "cause": "task" }, "cache": { "include": ["cause.caller_id"] } },
            "task": { "references": { "caller_id": "sys_user" } },
            "incident": { "extends": "task" },
            "sys_user": {},
        }))
        .unwrap();
        let device = Device::new(&instance, tables, 1);
        let user = instance.put("sys_user", &[]);
        let cause = instance.put("incident", &[("caller_id", &user), ("severity", "1")]);
        instance.put("change", &[("cause", &cause)]);
        let other = instance.clone();
        device.remote.set_rule(move |request| {
            let mut answer =
                other.run(&Request { path: request.path.replace("/table/task", "/table/incident"), ..request.clone() });
            if request.path.contains("/table/task") {
                let text = String::from_utf8(answer.body).unwrap().replace("severity", "no_column_of_task");
                answer.body = text.into_bytes();
            }
            Some(Fault::Answer(answer))
        });
        let page = device.open().await.unwrap();
        sync(&page).await;
        let row = page.get("task", &cause, false).await.unwrap().unwrap();
        assert_eq!(row["severity"], "1");
        assert!(page.get("sys_user", &user, false).await.unwrap().is_some());
        // So has one that is opened.
        let other = instance.put("incident", &[("severity", "2"), ("sys_class_name", "incident")]);
        let row = page.get_from("task", &other, false, FromRemote::IfMissing).await.unwrap().unwrap();
        assert_eq!(row["severity"], "2");
    });
}

/// What it came with is the parent's alone, and says nothing of when the rest was read.
#[test]
fn one_of_a_child_table_that_was_cut_short_gets_its_own_fields_another_time() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let tables = serde_json::from_value(json!({
            "change": { "references": { "cause": "task" }, "cache": { "include": ["cause"] } },
            "task": {},
            "incident": { "extends": "task" },
        }))
        .unwrap();
        let device = Device::new(&instance, tables, 1);
        let cause = instance.put("incident", &[("number", "7"), ("severity", "1")]);
        instance.put("change", &[("cause", &cause)]);
        let (other, cut) = (instance.clone(), Cell::new(true));
        device.remote.set_rule(move |request| {
            if request.path.contains("/table/incident") && cut.replace(false) {
                return Some(Fault::Answer(resp(500, "")));
            }
            let path = request.path.replace("/table/task", "/table/incident");
            let mut answer = other.run(&Request { path, ..request.clone() });
            if request.path.contains("/table/task") {
                answer.body =
                    String::from_utf8(answer.body).unwrap().replace("severity", "no_column_of_task").into_bytes();
            }
            Some(Fault::Answer(answer))
        });
        let page = device.open().await.unwrap();
        page.sync(SyncOptions::default()).await.unwrap();
        let row = page.get("task", &cause, false).await.unwrap().unwrap();
        assert_eq!((row["number"].as_str(), row.get("severity")), (Some("7"), None));
        device.clock.advance(600_000);
        sync(&page).await;
        assert_eq!(page.get("task", &cause, false).await.unwrap().unwrap()["severity"], "1");
    });
}

#[test]
fn a_pinned_record_stays_with_what_goes_along_until_it_is_let_go() {
    block_on(async {
        let w = world(MemoryInstance::plain()).await;
        let (caller, place) = w.user();
        let incident = w.incident(&[("caller_id", &caller)]);
        let task = w.instance.put("incident_task", &[("incident", &incident)]);
        sync(&w.page).await;
        w.page.pin("incident", &incident, None).await.unwrap();
        w.instance.put("incident", &[("sys_id", &incident), ("active", "false"), ("caller_id", &caller)]);
        for _ in 0..2 {
            sync(&w.page).await;
            let all =
                [("incident", &incident), ("sys_user", &caller), ("cmn_location", &place), ("incident_task", &task)];
            for (table, id) in all {
                assert!(w.has(table, id).await, "{table}");
            }
        }
        // It is refreshed.
        let fields = [("sys_id", incident.as_str()), ("active", "false"), ("caller_id", &caller), ("state", "7")];
        w.instance.put("incident", &fields);
        sync(&w.page).await;
        assert_eq!(w.page.get("incident", &incident, false).await.unwrap().unwrap()["state"], "7");
        w.page.unpin("incident", &incident).await.unwrap();
        assert_eq!(sync(&w.page).await.removed, 4);
        assert_eq!(sync(&w.page).await.requests, 2);
    });
}

/// A later build has written it.
#[test]
fn a_pin_that_cannot_be_read_keeps_what_it_may_hold() {
    block_on(async {
        let w = world(MemoryInstance::plain()).await;
        let (caller, place) = w.user();
        let incident = w.instance.put("incident", &[("active", "false"), ("caller_id", &caller)]);
        let task = w.instance.put("incident_task", &[("incident", &incident)]);
        let from = json!([{ "from": "incident_task", "field": "incident" }]);
        w.page.pin("incident", &incident, Some(serde_json::from_value(from).unwrap())).await.unwrap();
        let whole = w.device.database.rows(StoreName::Meta).into_iter().find(|row| row.key.text(0) == "pin").unwrap();
        let put = async |include: Value| {
            let mut body: Value = serde_json::from_str(&whole.body).unwrap();
            body["include"] = include;
            let puts = vec![(StoreName::Meta, Row { body: body.to_string().into(), ..whole.clone() })];
            w.device.database.open().commit(&WriteSet { puts, ..WriteSet::default() }).await.unwrap();
        };
        put(json!([{ "by": "caller_id" }])).await;
        assert_eq!(sync(&w.page).await.removed, 0);
        assert!(w.has("incident", &incident).await && w.has("incident_task", &task).await);
        // A word too many is passed over.
        put(json!(["caller_id.location", { "from": "incident_task", "field": "incident", "order": "x" }])).await;
        assert_eq!(sync(&w.page).await.removed, 0);
        assert!(w.has("cmn_location", &place).await && w.has("incident_task", &task).await);
        w.page.unpin("incident", &incident).await.unwrap();
        assert_eq!(sync(&w.page).await.removed, 4);
    });
}

#[test]
fn what_is_pinned_offline_is_brought_by_the_next_sync() {
    block_on(async {
        let w = world(MemoryInstance::plain()).await;
        let (user, place) = w.user();
        w.device.remote.set_offline(true);
        let include: Vec<Include> = serde_json::from_value(json!(["location"])).unwrap();
        w.page.pin("sys_user", &user, Some(include)).await.unwrap();
        assert_eq!(w.device.remote.sent(), 0);
        w.device.remote.set_offline(false);
        let page = w.device.open().await.unwrap();
        sync(&page).await;
        assert!(page.get("cmn_location", &place, false).await.unwrap().is_some());
        // Online it is there at once.
        let (other, his) = w.user();
        page.pin("sys_user", &other, Some(serde_json::from_value(json!(["location"])).unwrap())).await.unwrap();
        assert!(page.get("cmn_location", &his, false).await.unwrap().is_some());
        assert_eq!(
            page.pin("incident", "a1", Some(vec![Include::Path("nope".into())])).await.unwrap_err().code(),
            "bad_options"
        );
    });
}

#[test]
fn a_pin_follows_its_record_to_the_permanent_id() {
    block_on(async {
        let w = world(MemoryInstance::plain()).await;
        let (caller, place) = w.user();
        let made = create(&w.page, "incident", json!({ "active": "false", "caller_id": caller })).await;
        w.page.pin("incident", &made, None).await.unwrap();
        assert!(w.has("cmn_location", &place).await, "what goes along with it is there already");
        sync(&w.page).await;
        let id = w.page.resolve_id(&made).await.unwrap();
        assert_ne!(id, made);
        w.instance.put("incident", &[("sys_id", &id), ("active", "false"), ("caller_id", &caller), ("state", "5")]);
        sync(&w.page).await;
        assert_eq!(w.page.get("incident", &id, false).await.unwrap().unwrap()["state"], "5");
        // By its old id, too.
        w.page.unpin("incident", &made).await.unwrap();
        w.instance.put("incident", &[("sys_id", &id), ("active", "false"), ("state", "6")]);
        sync(&w.page).await;
        assert_eq!(w.page.get("incident", &id, false).await.unwrap().unwrap()["state"], "5");

        // One that is given up takes its pin along.
        let made = create(&w.page, "incident", json!({})).await;
        w.device.remote.set_offline(true);
        w.page.pin("incident", &made, None).await.unwrap();
        let item = w.page.outbox(None, None, None).await.unwrap().remove(0);
        w.page.discard(&item.id).await.unwrap();
        assert_eq!(w.page.pin("incident", &made, None).await.unwrap_err().code(), "not_found");
    });
}

#[test]
fn what_an_action_has_touched_brings_what_its_table_includes() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let w = world(instance.clone()).await;
        let (caller, place) = w.user();
        let incident = w.instance.put("incident", &[("active", "false")]);
        let (at, who) = (incident.clone(), caller.clone());
        instance.on_action("assign", move |instance, _| {
            instance.put("incident", &[("sys_id", &at), ("active", "false"), ("caller_id", &who)]);
            let named = json!({ "result": null, "records_for_sync": [{ "table": "incident", "sys_id": at }] });
            Ok(serde_json::from_value(named).unwrap())
        });
        let assign = async || {
            let step = w.page.act(Action { name: "assign".into(), ..Action::default() }).await.unwrap();
            assert!(step.commit().await.unwrap());
            w.page.sync(push()).await.unwrap();
            assert!(w.has("incident", &incident).await && w.has("cmn_location", &place).await);
        };
        assign().await;
        // The query does not find it: it is none of its count, and stays.
        let asked = counted(&w.device);
        for touched in [true, false] {
            asked.take();
            assert_eq!(sync(&w.page).await.removed, 0);
            let of = asked.borrow().iter().filter(|path| path.contains("/incident?")).count();
            assert!(of <= 2 && w.has("incident", &incident).await, "{asked:#?}");
            if touched {
                assign().await;
            }
        }
        // One that came along does not come to be here for itself.
        let (at, user) = (incident.clone(), w.user().0);
        instance.on_action("leave", move |instance, _| {
            instance.put("incident", &[("sys_id", &at), ("active", "false"), ("caller_id", &user)]);
            let all = [("incident", &at), ("sys_user", &caller)].map(|(of, id)| json!({ "table": of, "sys_id": id }));
            Ok(serde_json::from_value(json!({ "result": null, "records_for_sync": all })).unwrap())
        });
        let step = w.page.act(Action { name: "leave".into(), ..Action::default() }).await.unwrap();
        assert!(step.commit().await.unwrap());
        w.page.sync(push()).await.unwrap();
        assert_eq!(sync(&w.page).await.removed, 2, "the caller that was, and his place");
    });
}

#[test]
fn a_refresh_that_is_stopped_removes_nothing_that_came_along() {
    block_on(async {
        let w = world(MemoryInstance::plain()).await;
        let ids: Vec<String> = (0..3).map(|_| w.incident(&[("caller_id", &w.user().0)])).collect();
        sync(&w.page).await;
        for id in &ids {
            w.instance.put("incident", &[("sys_id", id), ("active", "true"), ("caller_id", &w.user().0)]);
        }
        // At each of its requests.
        for at in 1..12 {
            let options = SyncOptions::default();
            let (abort, left) = (options.abort.clone(), Rc::new(RefCell::new(at)));
            w.device.remote.set_rule(move |_| {
                *left.borrow_mut() -= 1;
                abort.set(*left.borrow() == 0 || abort.get());
                None
            });
            let before = w.page.count("sys_user", "").await.unwrap();
            let report = w.page.sync(options).await.unwrap();
            let after = w.page.count("sys_user", "").await.unwrap();
            assert!(after >= before || report.ended_by == EndedBy::Done, "{at}: {report:?}");
        }
        w.device.remote.set_rule(|_| None);
        sync(&w.page).await;
        assert_eq!(w.page.count("sys_user", "").await.unwrap(), 3);
    });
}
