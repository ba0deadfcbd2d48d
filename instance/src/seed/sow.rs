//! Writes the demo into an empty database.

use super::random::Random;
use super::row::Row;
use super::{airports, equipment, people, work};
use crate::schema::class;
use crate::settings::Seed;
use crate::store::{Filter, Session, Store, StoreError, records};

/// The seed all chance comes from.
const SEED: u64 = 20_261_120;

/// Fills the database, unless it holds a location already. All or nothing: it is one transaction.
pub async fn sow(store: &Store, seed: Seed) -> Result<(), StoreError> {
    let Seed::Demo = seed;
    let mut session = store.write().await?;
    if !is_empty(&mut session).await? {
        return Ok(());
    }
    let mut random = Random::new(SEED);
    let airports = airports::all();
    let people = people::all(&airports);
    let equipment = equipment::all(&airports, &mut random);
    let work = work::all(&airports, &equipment, &people, &mut random);

    write(&mut session, airports.iter().map(airports::Airport::location).collect()).await?;
    write(&mut session, people.into_iter().map(|person| person.row).collect()).await?;
    write(&mut session, equipment.into_iter().map(|one| one.row).collect()).await?;
    write(&mut session, work.incidents).await?;
    write(&mut session, work.incident_tasks).await?;
    write(&mut session, work.orders).await?;
    write(&mut session, work.order_tasks).await?;
    write(&mut session, work.hours).await?;
    write(&mut session, work.notes).await?;
    session.commit().await
}

async fn is_empty(session: &mut Session) -> Result<bool, StoreError> {
    let Some(class) = class("cmn_location") else {
        return Ok(true);
    };
    Ok(records::count(session, class, &Filter::all()).await? == 0)
}

/// Writes rows of one class, numbering them as they come.
async fn write(session: &mut Session, rows: Vec<Row>) -> Result<(), StoreError> {
    let Some(class) = rows.first().and_then(|row| class(row.get("sys_class_name"))) else {
        return Ok(());
    };
    let mut fields = Vec::with_capacity(rows.len());
    let mut numbers = match class.prefix {
        Some(prefix) => records::next_numbers(session, prefix, rows.len()).await?.into_iter(),
        None => Vec::new().into_iter(),
    };
    for mut row in rows {
        if let Some(number) = numbers.next() {
            row.set("number", number);
        }
        fields.push(row.0);
    }
    records::insert_many(session, class, &fields).await
}
