//! What `open` is given.

use std::collections::BTreeMap;

use js_sys::{Array, Function};
use serde_json::{Map, Value};
use wasm_bindgen::{JsCast, JsValue};

use super::{arguments::Given, failure::Failure, fields::plain};
use crate::{
    browser::{RemoteOptions, database_name},
    core::{
        Durability,
        along::Include,
        schema::{Schema, TableOptions},
    },
    engine::Settings,
};

const OPTIONS: [&str; 7] = ["name", "user", "instance", "auth", "tables", "durability", "autoSync"];
const INSTANCE: [&str; 5] = ["url", "extras", "batchSize", "credentials", "fetch"];
const TABLE: [&str; 10] = [
    "extends",
    "types",
    "indexes",
    "references",
    "journals",
    "correlationField",
    "actedAtField",
    "conflict",
    "unknown",
    "cache",
];
const CACHE: [&str; 6] = ["query", "limit", "fields", "include", "refresh", "maxAgeMs"];
const POINTING: [&str; 3] = ["from", "field", "limit"];
const REFRESH: [&str; 4] = ["onOpen", "onReconnect", "everyMs", "onlyUnmetered"];

/// The options, checked.
pub struct Options {
    /// The IndexedDB database, private to app, instance and user.
    pub database: String,
    pub schema: Schema,
    pub settings: Settings,
    pub remote: RemoteOptions,
    pub auto_sync: bool,
}

impl Options {
    pub fn new(given: &JsValue) -> Result<Self, Failure> {
        if !given.is_object() {
            return Err(Failure::option(
                "open() takes an object of options: name, user, instance and tables at least.",
            ));
        }
        let given = Given::new(given, "")?;
        given.only(&OPTIONS)?;
        let name = given.required_text("name")?;
        let user = given.required_text("user")?;
        let Some(instance) = given.get("instance") else { return Err(given.wrong("instance", "an object with a url")) };
        let instance = Given::new(instance, "instance")?;
        instance.only(&INSTANCE)?;
        let url = instance.required_text("url")?.trim_end_matches('/').to_owned();
        // Page and worker may stand at different paths: what is relative to them would be two instances.
        if !["/", "http://", "https://"].iter().any(|start| url.starts_with(start)) {
            return Err(instance.wrong("url", "a path from the root, such as \"/api/now\", or an http(s) address"));
        }
        let durability = match given.word("durability", &["strict", "relaxed"])?.as_deref() {
            Some("relaxed") => Durability::Relaxed,
            _ => Durability::Strict,
        };
        Ok(Self {
            database: database_name(&name, &url, &user),
            schema: Schema::new(tables(&given)?)?,
            settings: Settings {
                user,
                url: url.clone(),
                extras: extras(&instance)?,
                batch_size: instance.number("batchSize", 1)?,
                durability,
            },
            remote: RemoteOptions {
                url,
                credentials: instance.word("credentials", &["omit", "same-origin", "include"])?,
                fetch: instance.function("fetch")?,
                auth: function_or_none(&given, "auth")?,
            },
            auto_sync: given.flag("autoSync")?.unwrap_or(true),
        })
    }
}

fn extras(instance: &Given) -> Result<Option<String>, Failure> {
    match instance.get("extras") {
        Some(no) if no.as_bool() == Some(false) => Ok(None),
        _ => instance.text("extras").map_err(|_| instance.wrong("extras", "the path of the extras, or false")),
    }
}

fn function_or_none(given: &Given, name: &str) -> Result<Option<Function>, Failure> {
    if given.get(name).is_some_and(JsValue::is_null) { Ok(None) } else { given.function(name) }
}

fn tables(given: &Given) -> Result<BTreeMap<String, TableOptions>, Failure> {
    let Some(tables) = given.get("tables") else {
        return Err(given.wrong("tables", "an object with a property for each table"));
    };
    Given::new(tables, "tables")?.iter().map(|(name, options)| Ok((name.to_owned(), table(name, options)?))).collect()
}

fn table(name: &str, given: &JsValue) -> Result<TableOptions, Failure> {
    let whose = format!("tables.{name}");
    let given = Given::new(given, &whose)?;
    given.only(&TABLE)?;
    if let Some(cache) = given.get("cache") {
        let cache = Given::new(cache, &format!("{whose}.cache"))?;
        cache.only(&CACHE)?;
        check_include(cache.get("include"), &format!("{whose}.cache.include"))?;
        if let Some(refresh) = cache.get("refresh") {
            Given::new(refresh, &format!("{whose}.cache.refresh"))?.only(&REFRESH)?;
        }
    }
    let mut options = Map::new();
    for (option, value) in given.iter() {
        let value = plain(value).map_err(|why| Failure::option(format!("The option “{whose}.{option}”: {why}.")))?;
        // One at a time, so that the sentence can say which: serde names the value, not its place.
        read(Map::from_iter([(option.to_owned(), value.clone())]))
            .map_err(|why| Failure::option(format!("The option “{whose}.{option}” cannot be used: {why}.")))?;
        options.insert(option.to_owned(), value);
    }
    read(options).map_err(|why| Failure::option(format!("The options “{whose}” cannot be used: {why}.")))
}

/// Of the forms it may have serde tells; a word too many it passes over, for the sake of what is stored.
fn check_include(include: Option<&JsValue>, whose: &str) -> Result<(), Failure> {
    let all = include.and_then(|include| include.dyn_ref::<Array>()).into_iter().flat_map(Array::iter);
    all.filter(|one| one.is_object()).try_for_each(|one| Given::new(&one, whose)?.only(&POINTING))
}

/// What is to go along with a record that is pinned.
pub fn include(options: &JsValue) -> Result<Option<Vec<Include>>, Failure> {
    let given = Given::new(options, "")?;
    given.only(&["include"])?;
    check_include(given.get("include"), "include")?;
    let Some(include) = given.get("include") else { return Ok(None) };
    let include = plain(include).map_err(|why| Failure::option(format!("The option “include”: {why}.")))?;
    let wrong = |why| Failure::option(format!("The option “include” cannot be used: {why}."));
    serde_json::from_value(include).map(Some).map_err(|why| wrong(said(&why)))
}

fn read(options: Map<String, Value>) -> Result<TableOptions, String> {
    serde_json::from_value(Value::Object(options)).map_err(|error| said(&error))
}

fn said(error: &serde_json::Error) -> String {
    match error.to_string() {
        // What serde says of a union of forms says nothing.
        vague if vague.starts_with("data did not match") => "it has none of the forms it may have".to_owned(),
        said => said,
    }
}
