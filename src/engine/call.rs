//! One call of an online step that changes something: noted before it leaves, and when it is answered.

use super::{
    exchange::Trouble,
    round::LATE_MS,
    step::{State, Step, is_whole, left, says_nothing},
};
use crate::{
    core::{
        Durability, Origin,
        calls::{self, body_of, fingerprint},
        receive::Answer,
        stored::{Again, Asked, Call, Calling},
    },
    ports::{AuthReason, Clock, Ports},
    wire::{Fields, Request, Response},
};

const CONTENT_TYPE: &str = "Content-Type";
/// The longest key that is sent as it is.
const LONGEST_KEY: usize = 100;

impl<P: Ports> Step<P> {
    pub(super) async fn change(&self, call: Call, mut again: Again, mut request: Request) -> Result<Response, Trouble> {
        let State { item, .. } = &*self.state;
        let _turn = self.state.turn.lock().await;
        // Until it is known what became of this one, whatever ends it.
        if self.state.stopped.replace(true) || self.state.over.get() {
            return Err(Trouble::Unreachable("what became of the call before is not known".to_owned()));
        }
        let known = item.action.iter().flat_map(|action| &action.calls).find(|known| known.key == call.key);
        if let Some(known) = known {
            self.state.stopped.set(false);
            return Ok(known.response());
        }
        let left = left(item).find(|left| left.key == call.key);
        if let Some(left) = left.filter(|left| left.body.is_some()) {
            again.clone_from(&left.again);
            request.body = left.body.clone().map(String::into_bytes);
            request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case(CONTENT_TYPE));
            request.headers.extend(left.content_type.clone().map(|mime| (CONTENT_TYPE.to_owned(), mime)));
        }
        if let Some(response) = self.found(&call, &again, left).await? {
            self.note_answer(&call.key, Some(&call.clone().with(&response))).await?;
            self.state.stopped.set(false);
            return Ok(response);
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
        answer
    }

    /// On disk before it leaves. Frozen in between, or waiting for the user to sign in, the lease may be another's by now:
    /// it is noted anew then.
    async fn leave(&self, call: &Call, again: Again, mut request: Request, before: bool) -> Result<Response, Trouble> {
        let State { client, lease, item, headers, .. } = &*self.state;
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
            let key = format!("{}:{}", item.idempotency_key, on_the_wire(&call.key));
            request.headers.push(("Idempotency-Key".to_owned(), key));
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

    async fn note_leaving(&self, calling: &Calling) -> Result<(), Trouble> {
        let State { client, lease, item, .. } = &*self.state;
        client.transact(Origin::Sync, Durability::Strict, |tx| calls::calling(tx, *lease, &item.id, calling)).await?;
        Ok(())
    }

    async fn note_answer(&self, key: &str, call: Option<&Call>) -> Result<(), Trouble> {
        let State { client, lease, item, .. } = &*self.state;
        client
            .transact(Origin::Sync, Durability::Strict, |tx| calls::answered(tx, *lease, &item.id, key, call))
            .await?;
        self.state.in_doubt.borrow_mut().remove(key);
        Ok(())
    }

    /// What a call was answered, had its answer come: if the instance has carried it out in an earlier run of the step,
    /// whichever call it was then.
    async fn found(&self, call: &Call, again: &Again, left: Option<&Calling>) -> Result<Option<Response>, Trouble> {
        let State { client, item, keyed, repeats, .. } = &*self.state;
        let come_by = self.come_by(again);
        let asks = match again {
            Again::Ask | Again::Send => false,
            // What has left without a key before is not known by one, and a key is not remembered for ever.
            Again::Probe { .. } => !keyed || item.keyless || left.is_some() || come_by.is_some(),
            Again::Entry { .. } => left.is_some() && !repeats,
        };
        let dialect = client.dialect();
        let question = dialect.ask_after(client.schema(), again).filter(|_| asks && item.sent_at.is_some());
        let told = match question {
            Some(question) => {
                let response = self.exchange(&question).await?;
                dialect.told(client.schema(), again, &response).map_err(Trouble::NotTheInstance)?
            }
            None => Answer::Absent,
        };
        match (told, again) {
            (Answer::Done(row), Again::Entry { table, sys_id, .. }) => {
                let read = self.exchange(&dialect.read(table, sys_id)).await?;
                if says_nothing(&read) {
                    return Err(Trouble::Unreachable(format!("the instance answered {}", read.status)));
                }
                // Gone since, or not to be read, it was written all the same.
                let row = || {
                    dialect.as_answer(
                        200,
                        row.into_iter().flatten().chain([("sys_id".to_owned(), sys_id.clone())]).collect(),
                    )
                };
                Ok(Some(if read.is_success() && read.is_json() { read } else { row() }))
            }
            (Answer::Done(row), _) => Ok(row.or(come_by).map(|row| dialect.as_answer(201, row))),
            (Answer::Untold, _) => {
                if let Some(left) = left {
                    self.note_leaving(&Calling { again: Again::Ask, ..left.clone() }).await?;
                }
                Err(Trouble::Unreachable(format!(
                    "whether “{}” was carried out before cannot be told",
                    call.asked.line
                )))
            }
            (Answer::Unknown { error, .. }, _) => Err(Trouble::Unreachable(error.message)),
            _ => Ok(come_by.map(|row| dialect.as_answer(201, row))),
        }
    }

    /// What a pull or a probe had come by, and is gone since: the user may have deleted it meanwhile.
    fn come_by(&self, again: &Again) -> Option<Fields> {
        let Again::Probe { table, temporary } = again else { return None };
        let State { client, item, .. } = &*self.state;
        let part = item.action.as_ref()?.made().find(|part| part.sys_id == *temporary)?;
        let sys_id = part.landed.clone()?;
        let field = client.schema().correlation_field(table)?;
        Some([("sys_id".to_owned(), sys_id), (field, temporary.clone())].into())
    }
}

/// A key as a header may hold it, and short enough for an instance that keeps 255 characters.
fn on_the_wire(key: &str) -> String {
    let fits = key.len() <= LONGEST_KEY && key.trim() == key && key.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if fits { key.to_owned() } else { format!("{:016x}", fingerprint(key.as_bytes())) }
}
