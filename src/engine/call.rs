//! One call of an online step that changes something: noted before it leaves, and when it is answered.

use super::{
    exchange::Trouble,
    lost::Found,
    round::LATE_MS,
    step::{CallFailed, State, Step, is_whole, left, says_nothing},
};
use crate::{
    core::{
        Durability, Origin,
        calls::{self, body_of, fingerprint},
        stored::{Again, Asked, Call, Calling},
    },
    ports::{AuthReason, Clock, Ports},
    wire::{Request, Response},
};

pub(super) const CONTENT_TYPE: &str = "Content-Type";
/// The longest key that is sent as it is.
const LONGEST_KEY: usize = 100;

impl<P: Ports> Step<P> {
    pub(super) async fn change(
        &self,
        call: Call,
        mut again: Again,
        mut request: Request,
    ) -> Result<Result<Response, CallFailed>, Trouble> {
        let State { item, .. } = &*self.state;
        let _turn = self.state.turn.lock().await;
        // Until it is known what became of this one, whatever ends it.
        if self.state.stopped.replace(true) || self.state.over.get() {
            return Ok(Err(CallFailed::Unanswered("what became of the call before is not known".to_owned())));
        }
        let known = item.action.iter().flat_map(|action| &action.calls).find(|known| known.key == call.key);
        if let Some(known) = known {
            self.state.stopped.set(false);
            return Ok(Ok(known.response()));
        }
        let left = left(item).find(|left| left.key == call.key);
        if let Some(left) = left.filter(|left| left.body.is_some()) {
            again.clone_from(&left.again);
            request.body = left.body.clone().map(String::into_bytes);
            request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case(CONTENT_TYPE));
            request.headers.extend(left.content_type.clone().map(|mime| (CONTENT_TYPE.to_owned(), mime)));
        }
        match self.found(&again, left).await? {
            Found::Answer(response) => {
                self.note_answer(&call.key, Some(&call.clone().with(&response))).await?;
                self.state.stopped.set(false);
                return Ok(Ok(response));
            }
            Found::Untold => {
                let why = format!("whether “{}” was carried out before cannot be told", call.asked.line);
                return Ok(Err(CallFailed::Unanswered(why)));
            }
            Found::Absent => {}
        }
        let is_repeat = left.is_none_or(|left| body_of(&request) == left.asked.body);
        // Noted as the answer, a portal's page would be given to the step for ever.
        let answer =
            self.leave(&call, again, request, left.is_some()).await.and_then(|response| match is_whole(&response) {
                true => Ok(response),
                false => {
                    Err(Trouble::NotTheInstance(format!("status {} with what is no whole answer", response.status)))
                }
            });
        let known = match &answer {
            // The same key is being worked on: its answer is still to come.
            Ok(response) if response.status == 409 && response.retry_after(0).is_some() => false,
            // Of what is another request to the instance, it says nothing of the one before.
            Ok(response) if !response.is_success() && !is_repeat => false,
            Ok(response) => !says_nothing(response),
            // This one was not run. What left before it may have been.
            Err(Trouble::SignIn | Trouble::Busy { in_doubt: false, .. }) => left.is_none(),
            Err(_) => false,
        };
        if known {
            let carried_out = answer.as_ref().ok().filter(|response| response.is_success());
            let carried_out = carried_out.map(|response| call.clone().with(response));
            self.note_answer(&call.key, carried_out.as_ref()).await?;
        }
        self.state.stopped.set(!known);
        answer.map(Ok)
    }

    /// On disk before it leaves. Frozen in between, or waiting for the user to sign in, the lease may be another's by now:
    /// it is noted anew then.
    async fn leave(&self, call: &Call, again: Again, mut request: Request, before: bool) -> Result<Response, Trouble> {
        let State { client, lease, headers, .. } = &*self.state;
        let mime = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(CONTENT_TYPE));
        let mut calling = Calling {
            key: call.key.clone(),
            again,
            left_at: 0,
            asked: Asked { body: body_of(&request), ..call.asked.clone() },
            body: request.body.clone().and_then(|body| String::from_utf8(body).ok()),
            content_type: mime.map(|(_, mime)| mime.clone()),
        };
        if self.state.keyed {
            request.headers.push(self.key_header(&call.key));
        }
        if let Again::Entry { table, sys_id, after: after @ None, .. } = &mut calling.again
            && !self.state.keyed
        {
            *after = self.updated_on(table, sys_id).await?;
        }
        let mut signed_in = false;
        loop {
            calling.left_at = client.ports().clock().now_ms();
            self.note_leaving(&calling).await?;
            if self.state.over.get() {
                return Err(Trouble::Unreachable("the step was over before it left".to_owned()));
            }
            if client.ports().clock().now_ms().saturating_sub(calling.left_at) > LATE_MS {
                continue;
            }
            self.state.in_doubt.borrow_mut().insert(call.key.clone());
            let used = headers.borrow().clone();
            match client.exchange_once(*lease, &request, &used).await {
                Err(Trouble::SignIn) if !signed_in => {
                    signed_in = true;
                    // The app may leave the page to sign in: nothing is in doubt meanwhile that was not before.
                    if !before {
                        self.note_answer(&call.key, None).await?;
                    }
                    headers.replace(client.authorize(*lease, AuthReason::Expired).await?);
                }
                came => return came,
            }
        }
    }

    pub(super) fn key_header(&self, key: &str) -> (String, String) {
        ("Idempotency-Key".to_owned(), format!("{}:{}", self.state.item.idempotency_key, on_the_wire(key)))
    }

    pub(super) async fn note_leaving(&self, calling: &Calling) -> Result<(), Trouble> {
        let State { client, lease, item, .. } = &*self.state;
        client.transact(Origin::Sync, Durability::Strict, |tx| calls::calling(tx, *lease, &item.id, calling)).await?;
        Ok(())
    }

    pub(super) async fn note_answer(&self, key: &str, call: Option<&Call>) -> Result<(), Trouble> {
        let State { client, lease, item, .. } = &*self.state;
        client
            .transact(Origin::Sync, Durability::Strict, |tx| calls::answered(tx, *lease, &item.id, key, call))
            .await?;
        self.state.in_doubt.borrow_mut().remove(key);
        Ok(())
    }
}

/// A key as a header may hold it, and short enough for an instance that keeps 255 characters.
fn on_the_wire(key: &str) -> String {
    let fits = key.len() <= LONGEST_KEY && key.trim() == key && key.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if fits { key.to_owned() } else { format!("{:016x}", fingerprint(key.as_bytes())) }
}
