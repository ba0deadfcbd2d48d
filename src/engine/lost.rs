//! What became of a call of an online step whose answer was lost.

use super::{
    call::CONTENT_TYPE,
    exchange::Trouble,
    round::LATE_MS,
    step::{State, Step, is_whole, left, says_nothing},
};
use crate::{
    core::{
        calls::body_of,
        receive::Answer,
        retry::EXCHANGE_MS,
        stored::{Again, Call, Calling, UPDATED},
    },
    ports::{Clock, Ports},
    wire::{
        Fields, Method, Request, Response, decode,
        table::{Answer as TableAnswer, Row},
    },
};

pub(super) enum Found {
    /// It was carried out, and this would have been its answer.
    Answer(Response),
    /// It was not, or nobody needs to know.
    Absent,
    /// The instance cannot say: that is noted, and only the user can.
    Untold,
}

impl<P: Ports> Step<P> {
    /// Asks the instance for what a call has made in an earlier run of the step, whichever call it was then.
    pub(super) async fn found(&self, again: &Again, left: Option<&Calling>) -> Result<Found, Trouble> {
        let State { client, item, keyed, repeats, .. } = &*self.state;
        let come_by = self.come_by(again);
        let asks = match again {
            Again::Ask | Again::Send => false,
            // What has left without a key before is not known by one, and a key is not remembered for ever.
            Again::Probe { .. } => !keyed || item.keyless || left.is_some() || come_by.is_some(),
            Again::Entry { .. } => left.is_some() && !repeats,
        };
        let dialect = client.dialect();
        let made = |row| dialect.as_answer(201, row);
        let question = dialect.ask_after(client.schema(), again).filter(|_| asks && item.sent_at.is_some());
        let Some(question) = question else { return Ok(come_by.map_or(Found::Absent, |row| Found::Answer(made(row)))) };
        let response = self.exchange(&question).await?;
        let told = dialect.told(client.schema(), again, &response).map_err(Trouble::NotTheInstance)?;
        Ok(match (told, again) {
            (Answer::Done(row), Again::Entry { table, sys_id, .. }) => {
                Found::Answer(self.row_of(table, sys_id, row.unwrap_or_default()).await?)
            }
            (Answer::Done(row), _) => row.or(come_by).map_or(Found::Absent, |row| Found::Answer(made(row))),
            (Answer::Untold, Again::Probe { table, .. } | Again::Entry { table, .. })
                if client.schema().resends(table) =>
            {
                Found::Absent
            }
            (Answer::Untold, _) => {
                if let Some(left) = left {
                    self.note_leaving(&Calling { again: Again::Ask, ..left.clone() }).await?;
                }
                Found::Untold
            }
            (Answer::Unknown { error, .. }, _) => return Err(Trouble::Unreachable(error.message)),
            _ => come_by.map_or(Found::Absent, |row| Found::Answer(made(row))),
        })
    }

    /// What a change of this record would have been answered. Gone since, or not to be read, it was written all the same.
    async fn row_of(&self, table: &str, sys_id: &str, mut known: Fields) -> Result<Response, Trouble> {
        let (read, row) = self.read(table, sys_id).await?;
        if read.is_success() && row.is_some_and(|row| row.get("sys_id").is_some_and(|id| id == sys_id)) {
            return Ok(read);
        }
        if says_nothing(&read) || !is_whole(&read) || read.is_success() {
            return Err(Trouble::Unreachable(format!("the instance answered {}", read.status)));
        }
        known.insert("sys_id".to_owned(), sys_id.to_owned());
        Ok(self.state.client.dialect().as_answer(200, known))
    }

    /// When the instance last changed a record, to tell an entry from what others have written in the same words meanwhile.
    /// A record that cannot be read may be written all the same.
    pub(super) async fn updated_on(&self, table: &str, sys_id: &str) -> Result<Option<String>, Trouble> {
        let (_, row) = self.read(table, sys_id).await?;
        Ok(row.and_then(|mut row| row.remove(UPDATED)))
    }

    async fn read(&self, table: &str, sys_id: &str) -> Result<(Response, Option<Fields>), Trouble> {
        let read = self.exchange(&self.state.client.dialect().read(table, sys_id)).await?;
        let row = decode::<TableAnswer<Row>>("record", &read.body).ok().map(|answer| Fields::from(answer.result));
        Ok((read, row))
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

    /// A step that says no may not have come to a call that an earlier run of it has left in doubt, and never will: what
    /// became of it is found out without the step, or that would be run again for ever.
    pub(super) async fn settle_lost(&self) -> Result<(), Trouble> {
        let State { client, item, repeats, .. } = &*self.state;
        let came_to = self.state.used.borrow().clone();
        for lost in left(item).filter(|lost| !came_to.contains(&lost.key)) {
            let may_arrive = client.ports().clock().now_ms() < lost.left_at.saturating_add(EXCHANGE_MS);
            let found = match &lost.again {
                // Done or not, nothing of it is twice; or it may be, as the app has said.
                Again::Send => {
                    self.state.in_doubt.borrow_mut().remove(&lost.key);
                    continue;
                }
                // An empty answer is worth nothing yet: another run of the step asks again.
                Again::Probe { .. } if may_arrive => Found::Untold,
                again @ Again::Probe { .. } => self.found(again, Some(lost)).await?,
                Again::Entry { .. } | Again::Ask if *repeats => self.repeated(lost).await?,
                again @ Again::Entry { .. } => self.found(again, Some(lost)).await?,
                Again::Ask => Found::Untold,
            };
            let call = Call { key: lost.key.clone(), asked: lost.asked.clone(), ..Call::default() };
            match found {
                Found::Answer(response) => self.note_answer(&lost.key, Some(&call.with(&response))).await?,
                Found::Absent => self.note_answer(&lost.key, None).await?,
                Found::Untold => {}
            }
        }
        Ok(())
    }

    /// Sends a call once more as it left, under the key it had.
    async fn repeated(&self, lost: &Calling) -> Result<Found, Trouble> {
        let (method, path) = lost.asked.line.split_once(' ').unwrap_or_default();
        let method =
            [Method::Post, Method::Put, Method::Patch, Method::Delete].into_iter().find(|m| m.as_str() == method);
        let path = self.state.client.dialect().below(path);
        let (Some(method), Some(path)) = (method, path) else { return Ok(Found::Untold) };
        let mime = lost.content_type.clone().map(|mime| (CONTENT_TYPE.to_owned(), mime));
        let headers = mime.into_iter().chain([self.key_header(&lost.key)]).collect();
        let request = Request { method, path, headers, body: lost.body.clone().map(String::into_bytes) };
        // What is no text is not kept, and another body is another request.
        if body_of(&request) != lost.asked.body {
            return Ok(Found::Untold);
        }
        let now = self.state.client.ports().clock().now_ms();
        self.note_leaving(&Calling { left_at: now, ..lost.clone() }).await?;
        // Frozen in between, the item may be another's by now, and its key forgotten.
        if self.state.client.ports().clock().now_ms().saturating_sub(now) > LATE_MS {
            return Ok(Found::Untold);
        }
        let response = self.exchange(&request).await?;
        let busy = response.status == 409 && response.retry_after(0).is_some();
        Ok(match response.is_success() {
            _ if says_nothing(&response) || !is_whole(&response) || busy => Found::Untold,
            true => Found::Answer(response),
            false => Found::Absent,
        })
    }
}
