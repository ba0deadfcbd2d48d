//! Events to the other contexts, by BroadcastChannel.

use std::{cell::RefCell, fmt, rc::Rc};

use wasm_bindgen::{JsCast as _, JsValue, closure::Closure};
use web_sys::{BroadcastChannel, MessageEvent};

use super::held::{Held, hold};
use crate::{
    core::Event,
    ports::{Channel, Listener},
};

type OnMessage = Closure<dyn Fn(MessageEvent)>;

/// One context's end of a database's channel. Silent where the browser has none.
///
/// The channel's name carries a version: contexts of two builds of the app meet on it, and what
/// they say is JSON to which only optional fields may be added.
pub struct BrowserChannel {
    channel: RefCell<Option<BroadcastChannel>>,
    on_message: RefCell<Option<OnMessage>>,
    _held: Option<Held>,
}

impl fmt::Debug for BrowserChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrowserChannel").field("channel", &self.channel).finish_non_exhaustive()
    }
}

impl BrowserChannel {
    /// The channel of the database called `database`.
    pub fn new(database: &str) -> Self {
        let channel = BroadcastChannel::new(&format!("landfall/1/{database}")).ok();
        let dying = channel.clone();
        let _held = dying.map(|channel| hold(move || channel.close()));
        Self { channel: RefCell::new(channel), on_message: RefCell::new(None), _held }
    }
}

impl Channel for BrowserChannel {
    fn post(&self, event: &Event) {
        let Ok(text) = serde_json::to_string(event) else { return };
        let channel = self.channel.borrow().clone();
        if let Some(channel) = channel {
            // Throws if the page is going away; then nobody is left who could tell.
            let _ = channel.post_message(&JsValue::from_str(&text));
        }
    }

    fn listen(&self, listener: Listener) {
        let Some(channel) = self.channel.borrow().clone() else { return };
        let listener = Rc::new(listener);
        let on_message = OnMessage::new(move |message: MessageEvent| {
            // What cannot be read is from a newer build, or not ours.
            let text = message.data().as_string();
            if let Some(event) = text.and_then(|text| serde_json::from_str(&text).ok()) {
                listener(event);
            }
        });
        channel.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        self.on_message.replace(Some(on_message));
    }

    fn close(&self) {
        if let Some(channel) = self.channel.take() {
            channel.set_onmessage(None);
            channel.close();
        }
        self.on_message.take();
    }
}

impl Drop for BrowserChannel {
    fn drop(&mut self) {
        self.close();
    }
}
