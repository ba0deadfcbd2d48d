//! What the [`doctor`](super::doctor) says of a declared table: whether it may be read, and its records found again.

use super::{
    client::Client,
    doctor::Visit,
    error::EngineError,
    finding::{Check, Finding},
};
use crate::{
    core::ids,
    ports::{Entropy, Ports, RemoteError},
    wire::{ErrorBody, Query, Response, query},
};

impl<P: Ports> Client<P> {
    pub(super) async fn look_at_table(
        &self,
        visit: &mut Visit,
        table: &str,
        answer: Result<Response, RemoteError>,
    ) -> Result<(), EngineError> {
        let field = self.schema().correlation_field(table);
        let rows = match answer {
            Err(why) => {
                visit
                    .found
                    .push(Finding::unknown(Check::Table, format!("{table} could not be asked for. {why}")).of(table));
                return Ok(());
            }
            Ok(answer) => match (answer.status, self.dialect().page(&answer)) {
                (200..300, Ok(page)) => page.rows,
                (status, _) => {
                    visit.found.push(refused(table, status, &answer));
                    return Ok(());
                }
            },
        };
        visit.found.push(Finding::good(Check::Table, format!("{table} may be read.")).of(table));
        let Some(field) = field else {
            visit.found.push(Finding::warning(
                Check::Correlation,
                format!("{table} is declared to keep no temporary id (`correlationField: null`)."),
                "On an instance without keys, a record whose answer is lost waits for the user. Name a text field of at least 36 characters that nothing else uses, if the table has one.",
            ).of(table));
            return Ok(());
        };
        let finds = self.proofs().await?.finds(table);
        let lacks = rows.first().is_some_and(|row| !row.contains_key(&field));
        // An instance drops the terms that it does not know: then this finds anybody's records.
        let nobodys = ids::temporary(self.ports().entropy().uuid());
        let search =
            Query::default().and(query::Term { field: field.clone(), op: query::Op::Equals(nobodys) }).to_string();
        let request = self.dialect().first_page(table, &search, Some(&["sys_id"]), 1);
        let answer = self.question(visit, request).await.ok();
        let found = answer.filter(Response::is_success).and_then(|answer| self.dialect().page(&answer).ok());
        let advice = || {
            format!(
                "Is {field} a field of {table} that this user may read and write? Else name another as `correlationField`, or null where there is none."
            )
        };
        visit.found.push(match found.map(|page| page.rows.is_empty()) {
            _ if finds == Some(true) => {
                Finding::good(Check::Correlation, format!("A record of {table} was found by its {field}."))
            }
            _ if finds == Some(false) => Finding::bad(
                Check::Correlation,
                format!("A record of {table} that was made here was not found by its {field}."),
                advice(),
            ),
            Some(false) => Finding::bad(
                Check::Correlation,
                format!("{table} cannot be searched by {field}: the instance leaves that out of the question."),
                advice(),
            ),
            Some(true) if lacks => {
                Finding::bad(Check::Correlation, format!("The records of {table} show no {field}."), advice())
            }
            Some(true) if rows.is_empty() => Finding::unknown(
                Check::Correlation,
                format!("{table} shows this user no record yet: whether it can be searched by {field} shows with the first that lands."),
            ),
            Some(true) => Finding::good(
                Check::Correlation,
                format!("{table} can be searched by {field}. Whether it keeps what is written there shows with the first record that lands."),
            ),
            None => Finding::unknown(Check::Correlation, format!("{table} could not be searched by {field}.")),
        }.of(table));
        Ok(())
    }
}

fn refused(table: &str, status: u16, answer: &Response) -> Finding {
    let said = ErrorBody::read(&answer.body).map(|said| said.message).unwrap_or_default();
    let said = if said.is_empty() { format!("status {status}") } else { format!("{status}, “{said}”") };
    let advice = match status {
        403 => "Give this user a role that may read it, and create and write if the app does.",
        400 | 404 => "Is that the table's name on the instance, and not its label?",
        _ => "Look at the instance's log for what it says of this request.",
    };
    Finding::bad(Check::Table, format!("{table} cannot be read ({said})."), advice).of(table)
}
