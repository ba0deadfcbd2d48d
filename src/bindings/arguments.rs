//! An object of options, looked at property by property, so that each complaint names the one it is about.

use js_sys::{Array, Function, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};

use super::{
    failure::Failure,
    fields::{keys, kind},
};

/// Options as given. Those that are `undefined` count as not given.
pub struct Given {
    /// What stands before an option's name in a sentence: `instance.` say.
    prefix: String,
    values: Vec<(String, JsValue)>,
}

impl Given {
    /// `whose` is the name of the object itself, empty for a call's own options.
    pub fn new(given: &JsValue, whose: &str) -> Result<Self, Failure> {
        let prefix = if whose.is_empty() { String::new() } else { format!("{whose}.") };
        let name = if whose.is_empty() { "options".to_owned() } else { format!("option “{whose}”") };
        let mut values = Vec::new();
        if given.is_undefined() {
            return Ok(Self { prefix, values });
        }
        if !given.is_object() || Array::is_array(given) {
            let is = described(given);
            return Err(Failure::option(format!("The {name} must be an object, and is {is}.")));
        }
        let threw = |name: &str| {
            let sentence = format!("The option “{prefix}{name}” could not be read: it threw.");
            move |cause| Failure::option(sentence).caused_by(cause)
        };
        for key in keys(given).map_err(threw("*"))?.iter() {
            let name = key.as_string().unwrap_or_default();
            let value = Reflect::get(given, &key).map_err(threw(&name))?;
            if !value.is_undefined() {
                values.push((name, value));
            }
        }
        Ok(Self { prefix, values })
    }

    /// Refuses what is not in `known`.
    pub fn only(&self, known: &[&str]) -> Result<(), Failure> {
        for (name, _) in self.iter() {
            if !known.contains(&name) {
                let known = known.join(", ");
                return Err(Failure::option(format!(
                    "There is no option “{}{name}”. There are: {known}.",
                    self.prefix
                )));
            }
        }
        Ok(())
    }

    /// All options given.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &JsValue)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value))
    }

    pub fn get(&self, name: &str) -> Option<&JsValue> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The complaint that `name` is not what it must be.
    pub fn wrong(&self, name: &str, must_be: &str) -> Failure {
        let is = self.get(name).map_or_else(|| "missing".to_owned(), described);
        Failure::option(format!("The option “{}{name}” must be {must_be}, and is {is}.", self.prefix))
    }

    /// Text with something in it.
    pub fn text(&self, name: &str) -> Result<Option<String>, Failure> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match value.as_string().filter(|text| !text.trim().is_empty()) {
            Some(text) => Ok(Some(text)),
            None => Err(self.wrong(name, "a string that is not empty")),
        }
    }

    /// Text with something in it that must be there.
    pub fn required_text(&self, name: &str) -> Result<String, Failure> {
        self.text(name)?.ok_or_else(|| self.wrong(name, "a string that is not empty"))
    }

    /// One of a few words.
    pub fn word(&self, name: &str, words: &[&str]) -> Result<Option<String>, Failure> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match value.as_string().filter(|text| words.contains(&text.as_str())) {
            Some(word) => Ok(Some(word)),
            None => {
                let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
                Err(self.wrong(name, &words.join(" or ")))
            }
        }
    }

    pub fn flag(&self, name: &str) -> Result<Option<bool>, Failure> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| self.wrong(name, "true or false"))
    }

    /// A whole number of at least `least`.
    pub fn number(&self, name: &str, least: u32) -> Result<Option<usize>, Failure> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = value.as_f64().filter(|number| number.fract() == 0.0 && *number >= f64::from(least));
        match number {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
            Some(number) => Ok(Some(number as usize)),
            None => Err(self.wrong(name, &format!("a whole number, {least} or more"))),
        }
    }

    pub fn function(&self, name: &str) -> Result<Option<Function>, Failure> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.dyn_ref().cloned().map(Some).ok_or_else(|| self.wrong(name, "a function"))
    }

    /// A list of strings.
    pub fn texts(&self, name: &str) -> Result<Option<Vec<String>>, Failure> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let list = value.dyn_ref::<Array>().and_then(|list| list.iter().map(|item| item.as_string()).collect());
        list.map(Some).ok_or_else(|| self.wrong(name, "a list of strings"))
    }
}

/// A string argument that is no option: an id, the name of a table.
pub fn text(given: &JsValue, what: &str) -> Result<String, Failure> {
    given.as_string().filter(|text| !text.is_empty()).ok_or_else(|| {
        Failure::argument(format!("{what} must be a string that is not empty, and is {}.", described(given)))
    })
}

fn described(value: &JsValue) -> String {
    match value.as_string() {
        Some(text) if text.trim().is_empty() => "empty".to_owned(),
        Some(text) => format!("“{}”", text.chars().take(60).collect::<String>()),
        None if value.as_bool().is_some() || value.as_f64().is_some() => {
            format!("{value:?}").trim_start_matches("JsValue(").trim_end_matches(')').to_owned()
        }
        None => kind(value),
    }
}
