//! Records across the edge: in, checked value by value to be JSON; out, as JSON text.
//!
//! `JSON.stringify` leaves a function out, writes `{}` for a Promise someone forgot to await, and null for NaN.
//! An app that stores records must hear of it instead. So values are looked at one by one, and made into JSON on
//! the way: stringifying them afterwards would look a second time.

use js_sys::{Array, Date, Function, JsString, Reflect};
use serde::Serialize;
use serde_json::{Map, Number, Value};
use wasm_bindgen::{JsCast as _, JsValue, prelude::wasm_bindgen};

use super::failure::Failure;

/// serde_json's own limit is 128.
const DEEPEST: usize = 100;
/// In characters, as far as a sentence names a place.
const LONGEST_PATH: usize = 60;
/// 2^53: up to here JavaScript's numbers are whole without a doubt.
const EXACT: f64 = 9_007_199_254_740_992.0;

#[wasm_bindgen]
extern "C" {
    /// Names of own enumerable properties. A proxy may throw.
    #[wasm_bindgen(catch, js_namespace = Object)]
    pub fn keys(object: &JsValue) -> Result<Array, JsValue>;

    /// `[object Map]` and the like; `[object Object]` for plain objects and instances of an app's classes.
    #[wasm_bindgen(js_namespace = ["Object", "prototype", "toString"], js_name = call)]
    fn tag(value: &JsValue) -> String;
}

/// What cannot be JSON, and where it is.
struct NotJson {
    path: String,
    why: String,
    cause: JsValue,
}

impl NotJson {
    fn new(why: impl Into<String>) -> Self {
        Self { path: String::new(), why: why.into(), cause: JsValue::UNDEFINED }
    }

    fn threw(cause: JsValue) -> Self {
        Self { cause, ..Self::new("it threw when it was read") }
    }

    fn within(self, step: &str) -> Self {
        Self { path: format!("{step}{}", self.path), ..self }
    }

    fn failure(self, of: &str) -> Failure {
        let Self { path, why, cause } = self;
        let path: String = path.trim_start_matches('.').chars().take(LONGEST_PATH).collect();
        let sentence = if path.is_empty() {
            format!("Of {of}, nothing can be kept: {why}.")
        } else {
            format!("The field “{path}” of {of} cannot be kept: {why}.")
        };
        Failure::new("not_json", sentence).caused_by(cause)
    }
}

/// The fields of one record; those that are `undefined` are left out. `of` names the record in the sentence.
pub fn taken(given: &JsValue, of: &str) -> Result<Map<String, Value>, Failure> {
    if !given.is_object() || Array::is_array(given) {
        return Err(no_object(of, &kind(given)));
    }
    let fields = match json(given, &mut Vec::new()) {
        Ok(Some(Value::Object(fields))) => fields,
        // Its own `toJSON` makes something else of it, as a Date's does.
        Ok(_) => return Err(no_object(of, &kind(given))),
        Err(wrong) => return Err(wrong.failure(of)),
    };
    Ok(fields)
}

fn no_object(of: &str, is: &str) -> Failure {
    Failure::new("not_json", format!("What is given for {of} must be an object of fields, and is {is}."))
}

/// Any value as JSON, for what is not a record. Says why if it is none.
pub fn plain(given: &JsValue) -> Result<Value, String> {
    match json(given, &mut Vec::new()) {
        Ok(value) => Ok(value.unwrap_or_default()),
        Err(wrong) if wrong.path.is_empty() => Err(wrong.why),
        Err(wrong) => Err(format!("“{}”: {}", wrong.path.trim_start_matches('.'), wrong.why)),
    }
}

/// A report or a status to JavaScript: plain objects, value by value.
pub fn report<T: Serialize + ?Sized>(value: &T) -> Result<JsValue, Failure> {
    value.serialize(&serde_wasm_bindgen::Serializer::json_compatible()).map_err(|error| broken(&error.to_string()))
}

fn broken(why: &str) -> Failure {
    Failure::new("internal", format!("An answer could not be put into words: {why}"))
}

/// Records to JavaScript, as text: three times faster than value by value, and there may be thousands.
pub fn rows<T: Serialize + ?Sized>(value: &T) -> Result<JsValue, Failure> {
    let text = serde_json::to_string(value).map_err(|error| broken(&error.to_string()))?;
    js_sys::JSON::parse(&text).map_err(|cause| broken("it is not JSON").caused_by(cause))
}

/// What a value is, in words.
pub fn kind(value: &JsValue) -> String {
    if value.is_undefined() {
        return "undefined".to_owned();
    }
    if value.is_null() {
        return "null".to_owned();
    }
    let name = match value.js_typeof().as_string().as_deref() {
        Some("bigint") => "BigInt".to_owned(),
        Some("object") => tag(value).trim_start_matches("[object ").trim_end_matches(']').to_owned(),
        Some(other) => other.to_owned(),
        None => return "something unknown".to_owned(),
    };
    let article = if name.starts_with(['a', 'e', 'i', 'o', 'u', 'A', 'E', 'I', 'O', 'U']) { "an" } else { "a" };
    format!("{article} {name}")
}

/// `None` is `undefined`.
fn json(given: &JsValue, around: &mut Vec<JsValue>) -> Result<Option<Value>, NotJson> {
    if given.is_undefined() {
        return Ok(None);
    }
    if given.is_null() {
        return Ok(Some(Value::Null));
    }
    if let Some(text) = given.dyn_ref::<JsString>() {
        return string(text).map(Some);
    }
    if let Some(flag) = given.as_bool() {
        return Ok(Some(Value::Bool(flag)));
    }
    if let Some(number) = given.as_f64() {
        return self::number(number).map(Some);
    }
    if !given.is_object() {
        return Err(NotJson::new(format!("it is {}, which is not JSON", kind(given))));
    }
    if around.contains(given) {
        return Err(NotJson::new("it contains itself"));
    }
    if around.len() >= DEEPEST {
        return Err(NotJson::new(format!("it is nested more than {DEEPEST} deep")));
    }
    around.push(given.clone());
    let value = object(given, around);
    around.pop();
    value
}

fn object(given: &JsValue, around: &mut Vec<JsValue>) -> Result<Option<Value>, NotJson> {
    if let Some(date) = given.dyn_ref::<Date>() {
        if date.get_time().is_nan() {
            return Err(NotJson::new("it is an invalid Date"));
        }
        return Ok(Some(Value::String(String::from(date.to_iso_string()))));
    }
    if let Some(list) = given.dyn_ref::<Array>() {
        let mut values = Vec::new();
        for (index, item) in (0_u32..).zip(list.iter()) {
            let value = json(&item, around).and_then(|value| value.ok_or_else(|| NotJson::new("it is undefined")));
            values.push(value.map_err(|wrong| wrong.within(&format!("[{index}]")))?);
        }
        return Ok(Some(Value::Array(values)));
    }
    let own = Reflect::get(given, &JsValue::from_str("toJSON")).map_err(NotJson::threw)?;
    if let Some(own) = own.dyn_ref::<Function>() {
        return json(&own.call0(given).map_err(NotJson::threw)?, around);
    }
    if tag(given) != "[object Object]" {
        return Err(NotJson::new(format!("it is {}, which is not JSON", kind(given))));
    }
    let mut fields = Map::new();
    for key in keys(given).map_err(NotJson::threw)?.iter() {
        let name = key.as_string().unwrap_or_default();
        // The record's own, never the app's: it may be handed back with whatever was made of it.
        if around.len() == 1 && (name == "$sync" || name == "sys_id") {
            continue;
        }
        let value = Reflect::get(given, &key).map_err(NotJson::threw).and_then(|value| json(&value, around));
        if let Some(value) = value.map_err(|wrong| wrong.within(&format!(".{name}")))? {
            fields.insert(name, value);
        }
    }
    Ok(Some(Value::Object(fields)))
}

fn string(given: &JsString) -> Result<Value, NotJson> {
    let text = String::from(given);
    // Half a pair becomes the replacement character, so only then is it worth a closer look.
    if text.contains(char::REPLACEMENT_CHARACTER) && !given.is_valid_utf16() {
        return Err(NotJson::new("it has half of a surrogate pair in it, which is not text"));
    }
    Ok(Value::String(text))
}

fn number(given: f64) -> Result<Value, NotJson> {
    let number = if given.fract() == 0.0 && given.abs() < EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "whole, and within 53 bits")]
        let whole = given as i64;
        Some(Number::from(whole))
    } else {
        Number::from_f64(given)
    };
    let name = if given.is_nan() { "NaN" } else { "infinite" };
    number.map(Value::Number).ok_or_else(|| NotJson::new(format!("it is {name}, which is not JSON")))
}
