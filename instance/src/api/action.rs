//! Actions: all that one does, and the answer under its key, is one transaction.

use axum::http::StatusCode;
use landfall::wire::action::{ActionAnswer, ActionRequest};
use landfall::wire::datetime;

use super::call::{Answer, Call};
use super::idempotency::{self, Begun, Place};
use crate::actions::{ActionResult, Context, Entry, read};
use crate::clock::Now;
use crate::instance::Instance;
use crate::refusal::Refusal;
use crate::writing::temporary;

/// `POST /api/landfall/v1/action/{name}`
pub async fn answer(instance: &Instance, call: &Call, action: &Entry) -> Result<Answer, Refusal> {
    let json = call.json()?;
    let ActionRequest { input, acted_at, records } = read("The body", &json)?;
    let acted_at = moment(&acted_at)?;
    let mut session = instance.store.write().await?;
    let now = Now::read();
    let place = Place::action(action.name);
    let once = match idempotency::begin(instance, call, place, &json, &now, &mut session).await? {
        Begun::New(once) => once,
        Begun::Replayed(answer) => return Ok(answer),
    };
    let input = temporary::settle_body(&mut session, &input).await?;
    let mut named = ActionResult::open(&mut session, records).await?;
    let mut context = Context { user: &call.user, now: &now, acted_at, session: &mut session };
    let result = action.run(input, &mut context, &mut named).await?;
    let message = ActionAnswer { result, records_for_sync: named.into_named() };
    let answer = Answer::json(StatusCode::OK, &message);
    once.keep(&answer, &mut session).await?;
    session.commit().await?;
    Ok(answer)
}

/// In the instance's own form. A local time, or one in another zone, is refused rather than guessed at: the field
/// would be wrong by hours, and nobody would see it.
fn moment(text: &str) -> Result<String, Refusal> {
    if text.is_empty() {
        return Ok(String::new());
    }
    let is_utc = text.contains('T') && (text.ends_with('Z') || text.ends_with("+00:00"));
    let moment = datetime::parse(text).filter(|_| is_utc).and_then(datetime::to_servicenow);
    moment.ok_or_else(|| {
        Refusal::Input(format!("Field `acted_at` must be a UTC time, such as 2026-01-31T08:00:00Z, not `{text}`"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_utc_is_a_moment() {
        for (text, kept) in [
            ("", ""),
            ("2026-01-31T08:00:00Z", "2026-01-31 08:00:00"),
            ("2026-01-31T08:00:00.123Z", "2026-01-31 08:00:00"),
            ("2026-01-31T08:00:00+00:00", "2026-01-31 08:00:00"),
        ] {
            assert_eq!(moment(text).unwrap(), kept);
        }
        for text in [
            "soon",
            " ",
            "2026-01-31",
            "2026-01-31 08:00:00",
            "2026-01-31T08:00:00",
            "2026-01-31T08:00:00+02:00",
            "2026-02-30T08:00:00Z",
        ] {
            let sentence = moment(text).unwrap_err().to_string();
            assert!(sentence.contains("`acted_at` must be a UTC time") && sentence.ends_with(&format!("not `{text}`")));
        }
    }
}
