//! The cases, each a few lines of JavaScript, as an app would write them.

#![allow(clippy::expect_used, clippy::panic, reason = "a failed test may panic")]

pub mod actions;
pub mod along;
pub mod auto_sync;
pub mod conflicts;
pub mod crash;
pub mod hand;
pub mod handles;
pub mod live;
pub mod records;
pub mod refreshes;
pub mod refusals;
pub mod storage;

use js_sys::{Array, Function, Promise};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;

/// What each case can use.
const PRELUDE: &str = r#"
const user = "user " + Math.random();
const options = (more = {}) => ({
  name: "bindings", user, autoSync: false,
  instance: { url: "/api/now", ...more.instance },
  tables: {
    task: {}, sys_user: {},
    incident: { extends: "task", types: { priority: "integer" }, references: { caller_id: "sys_user" } },
  },
  ...(({ instance, ...rest }) => rest)(more),
});
const same = (is, should) => {
  const text = (value) => JSON.stringify(value) ?? "undefined";
  if (text(is) !== text(should)) throw new Error(`is ${text(is)}, should be ${text(should)}`);
};
const refused = async (code, words, act) => {
  try { await act(); } catch (error) {
    if (!(error instanceof Error)) throw new Error("not an Error: " + error);
    same([error.name, error.code, typeof error.retryable], ["LandfallError", code, "boolean"]);
    if (!error.message.includes(words)) throw new Error(`“${error.message}” does not say “${words}”`);
    return error;
  }
  throw new Error(`nothing was refused; should be ${code}: ${words}`);
};
const liveQuery = (table, ...given) => live(table.liveSource(...given));
const until = async (holds) => {
  for (let tries = 0; !(await holds()); tries += 1) {
    if (tries > 400) throw new Error("it never came: " + holds);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};
"#;

/// Runs the body of an async function over the exported `open`.
pub async fn run(body: &str) {
    let open = Closure::<dyn Fn(JsValue) -> Promise>::new(landfall::bindings::open);
    let live = Closure::<dyn Fn(JsValue) -> JsValue>::new(landfall::bindings::live);
    let source = format!("(async (open, live) => {{ {PRELUDE}\n{body} }})");
    let case: Function = js_sys::eval(&source).expect("the case is JavaScript").unchecked_into();
    let ended = case.apply(&JsValue::UNDEFINED, &Array::of2(open.as_ref(), live.as_ref())).expect("an async function");
    if let Err(thrown) = JsFuture::from(Promise::from(ended)).await {
        let error: js_sys::Error = thrown.unchecked_into();
        panic!("{}", String::from(error.message()));
    }
}
