//! One request and its answer, signed in.

use std::pin::pin;

use futures_util::future::{Either, select};

use super::{client::Client, dialect::keys, error::EngineError};
use crate::{
    core::{Durability, Event, Origin, lease::renew_lease, retry::EXCHANGE_MS, stored::Announced},
    ports::{AuthReason, AuthUnavailable, Clock, Headers, Ports, Remote, RemoteError},
    wire::{Capabilities, Request, Response},
};

/// How often the lease is renewed while an exchange lasts, in ms: well within its 30 seconds.
const RENEW_MS: u64 = 10_000;

/// Why there is no answer of the instance.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Trouble {
    /// The user has to sign in. Nothing was run.
    SignIn,
    /// No answer came, or not the instance's. Whether it was run is not known.
    Unreachable(String),
    /// The instance asks for time.
    Busy {
        /// What it said.
        why: String,
        /// How much, in ms, if it says so.
        wait_ms: Option<u64>,
        /// Whether it may have been run all the same.
        in_doubt: bool,
    },
    /// Something answered, but not an instance: a portal's page, or another server at this URL.
    NotTheInstance(String),
    /// The exchange was not the sender's any more, or the store failed.
    Engine(EngineError),
}

impl From<EngineError> for Trouble {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

impl From<RemoteError> for Trouble {
    fn from(error: RemoteError) -> Self {
        Self::Unreachable(error.to_string())
    }
}

impl From<AuthUnavailable> for Trouble {
    fn from(_: AuthUnavailable) -> Self {
        Self::SignIn
    }
}

impl<P: Ports> Client<P> {
    /// Sends a request with the app's headers, which `headers` keeps for the next one. On a 401 they are
    /// asked for once more, and the request is sent again: the instance did not run it.
    pub(super) async fn exchange(
        &self,
        lease: u64,
        request: &Request,
        headers: &mut Option<Headers>,
    ) -> Result<Response, Trouble> {
        let used = match headers.take() {
            Some(used) => used,
            None => self.authorize(lease, AuthReason::Send).await?,
        };
        match self.exchange_once(lease, request, headers.insert(used)).await {
            Err(Trouble::SignIn) => {
                let used = self.authorize(lease, AuthReason::Expired).await?;
                self.exchange_once(lease, request, headers.insert(used)).await
            }
            came => came,
        }
    }

    /// For what is claimed before it leaves: the app may take minutes to sign in, and then it is claimed anew.
    ///
    /// An instance that asks for time asks the whole device, whatever it was that met it.
    pub(super) async fn exchange_once(
        &self,
        lease: u64,
        request: &Request,
        headers: &Headers,
    ) -> Result<Response, Trouble> {
        let response = self.send(lease, request, headers).await?;
        let asks = self.dialect().asks_for_sign_in(&response);
        self.session().led_away.set(asks && response.status != 401);
        if asks {
            return Err(Trouble::SignIn);
        }
        match self.dialect().asks_for_time(&response, self.ports().clock().now_ms()) {
            Some(busy) => Err(Trouble::Busy { why: busy.why, wait_ms: busy.wait_ms, in_doubt: busy.in_doubt }),
            None => Ok(response),
        }
    }

    /// The app may take its time to answer, and the page may be frozen meanwhile: nothing is sent under a lease
    /// that another sender has taken over.
    pub(super) async fn authorize(&self, lease: u64, reason: AuthReason) -> Result<Headers, Trouble> {
        let headers =
            self.ports().remote().authorize(reason).await.inspect_err(|_| self.session().led_away.set(false))?;
        self.transact(Origin::Sync, Durability::Relaxed, |tx| renew_lease(tx, lease)).await?;
        Ok(headers)
    }

    /// A page that is frozen renews nothing, and its lease lapses; one that only waits keeps it.
    async fn send(&self, lease: u64, request: &Request, headers: &Headers) -> Result<Response, Trouble> {
        let mut request = request.clone();
        request.headers.extend(headers.iter().cloned());
        self.session().count_request();
        let mut sending = pin!(self.ports().remote().send(&request, EXCHANGE_MS));
        loop {
            let pause = pin!(self.ports().clock().sleep(RENEW_MS));
            match select(sending.as_mut(), pause).await {
                Either::Left((answer, _)) => {
                    if self.session().note_reached(answer.is_ok()) {
                        self.tell(&[Event::Status]);
                    }
                    let answer = answer?;
                    // A portal or a gateway answers too, and is no sign that the line holds.
                    if answer.is_json() && answer.status < 500 {
                        self.note_line_holds(lease).await?;
                    }
                    return Ok(answer);
                }
                Either::Right(_) => {
                    self.transact(Origin::Sync, Durability::Relaxed, |tx| renew_lease(tx, lease)).await?;
                }
            }
        }
    }

    /// Asks for next to nothing. An app that is offline does not always know it: what nobody could ask about afterwards
    /// is first sent where something has just been answered. `false` if that cannot be found out by this table.
    pub(super) async fn try_the_line(
        &self,
        lease: u64,
        table: &str,
        headers: &mut Option<Headers>,
    ) -> Result<bool, Trouble> {
        let request = self.dialect().first_page(table, "", Some(&["sys_id"]), 1);
        match self.page(lease, table, &request, headers).await {
            Ok(_) | Err(Trouble::Engine(EngineError::PullRefused { .. })) => Ok(true),
            Err(trouble) if self.is_of_the_table(&trouble) => {
                self.session().silent.borrow_mut().insert(table.to_owned());
                // What else is answered in this run says nothing of when this one will be.
                self.session().line_failed.set(false);
                self.note_failure(None).await?;
                Ok(false)
            }
            Err(trouble) => Err(trouble),
        }
    }

    /// Whether something answered a question that changes nothing, only not as it should: a rule of the table fails, or
    /// a gateway does not let it pass. If it always does, every run would end here, and nothing else ever move: such a
    /// table is left alone for the run.
    pub(super) fn is_of_the_table(&self, trouble: &Trouble) -> bool {
        matches!(trouble, Trouble::Unreachable(_)) && self.session().reached.get() == Some(true)
    }

    /// What the instance announces, asked once a session. An instance that announces nothing is plain;
    /// one that cannot be reached is asked again next time.
    pub(super) async fn capabilities(
        &self,
        lease: u64,
        headers: &mut Option<Headers>,
    ) -> Result<Capabilities, Trouble> {
        if let Some(known) = self.session().capabilities() {
            return Ok(known);
        }
        let Some(request) = self.dialect().capabilities() else {
            self.session().set_capabilities(Capabilities::default());
            return Ok(Capabilities::default());
        };
        let response = self.exchange(lease, &request, headers).await?;
        let before = self.look(|tx| tx.readable::<Announced>(&Announced::at())).await?;
        let knew_keys = before.is_some_and(|before| before.keys);
        // Nor is a page that says “not found” the word of an instance that has announced keys.
        let told = Capabilities::announced(&response).filter(|_| !knew_keys || response.is_json());
        let Some(capabilities) = told else {
            // A bad moment of the instance, of a gateway, or of the line: twice it may pass. After that the instance is
            // plain for this round, unless it is known to honour keys: to send anything without one then would be to
            // give that up.
            self.session().unread.set(self.session().unread.get() + 1);
            let why = "what the instance can do could not be read".to_owned();
            let plain = !knew_keys && self.session().passes_for_plain();
            return if plain { Ok(Capabilities::default()) } else { Err(Trouble::Unreachable(why)) };
        };
        self.session().unread.set(0);
        let keys = keys(&capabilities);
        let now = Announced { keys: keys.is_some(), ttl_ms: keys.and_then(|keys| keys.ttl_ms) };
        if before != Some(now) {
            self.transact(Origin::Sync, Durability::Relaxed, |tx| {
                renew_lease(tx, lease)?;
                tx.put(&now)
            })
            .await?;
        }
        self.session().set_capabilities(capabilities);
        Ok(capabilities)
    }
}
