//! Planted bugs of what goes along, is opened, or is pinned.

use landfall::{
    core::{
        RowKey, StoreName,
        stored::{Pulled, Record, decode},
    },
    wire::{
        Fields, Method, Request, Response, decode as read,
        table::{Answer, Row},
    },
};

use super::{
    altered::{Altered, again},
    doing::{Doing, Kind},
    instance::{split, success},
    kept::points_to,
    planted::Bug,
    world::World,
};

pub fn on_commit(altered: &mut Altered<'_>, bug: Bug, doing: &Doing) {
    let world = altered.world;
    let is_pin = |at: &RowKey| at.store == StoreName::Meta && at.key.text(0) == "pin";
    match (bug, doing.kind) {
        (Bug::PinLost, Kind::Sync) if altered.set.puts.iter().any(|(store, _)| *store == StoreName::Aliases) => {
            altered.set.puts.retain(|(store, row)| *store != StoreName::Meta || row.key.text(0) != "pin");
        }
        (Bug::UnpinIgnored, Kind::Hand) if doing.pins => altered.set.deletes.retain(|at| !is_pin(at)),
        (Bug::NoteKept, Kind::Sync) => {
            altered.set.deletes.retain(|at| at.store != StoreName::Meta || at.key.text(0) != "opened");
        }
        (Bug::LedToNoMore, Kind::Sync) => {
            let mirror = world.mirror.borrow();
            let stays = |at: &RowKey| {
                let mut there = mirror.records.values().filter(|record| record.sys_id == at.key.text(1));
                at.store == StoreName::Records && there.any(|it| it.is_along() && it.items.is_empty())
            };
            altered.set.deletes.retain(|at| !stays(at));
        }
        (Bug::LeftAndGone, Kind::Sync) => {
            let mirror = world.mirror.borrow();
            let mut gone = Vec::new();
            altered.set.puts.retain(|(store, row)| {
                let left = |record: &Record| {
                    let was = mirror.records.values().find(|was| was.sys_id == record.sys_id);
                    record.is_along() && was.is_some_and(|was| was.pulled_under.is_some())
                };
                let goes = *store == StoreName::Records && left(&decode(row).unwrap());
                gone.extend(goes.then(|| RowKey { store: *store, key: row.key.clone() }));
                !goes
            });
            altered.set.deletes.extend(gone);
        }
        (Bug::OpenedSwept, Kind::Sync) => {
            let (mirror, along) = (world.mirror.borrow(), world.along.borrow());
            for (_, row) in altered.set.puts.iter_mut().filter(|(store, _)| *store == StoreName::Records) {
                let record: Record = decode(row).unwrap();
                let known = mirror.records.values().any(|was| was.sys_id == record.sys_id && !was.is_along());
                let opened = along.notes.iter().any(|(_, id)| *id == record.sys_id);
                if opened && !known && record.pulled_under.is_none() {
                    again(&world.schema, row, &Record { along: true, ..record });
                }
            }
        }
        (Bug::UnsentSwept | Bug::NeedForgotten | Bug::PinOverlooked, Kind::Sync) => {
            // A walk has come to its end.
            let walked = |(_, row): &(StoreName, landfall::core::Row)| row.key == Pulled::at(Pulled::ALONG).key;
            if altered.set.puts.iter().any(walked) {
                let (mirror, along) = (world.mirror.borrow(), world.along.borrow());
                let needed = |record: &Record| mirror.items.values().any(|item| points_to(item, &record.sys_id));
                let pinned = |record: &Record| along.pins.iter().any(|pin| pin.sys_id == record.sys_id);
                let goes = |record: &&Record| match bug {
                    Bug::UnsentSwept => !record.items.is_empty(),
                    Bug::NeedForgotten => record.items.is_empty() && needed(record),
                    _ => record.items.is_empty() && pinned(record),
                };
                let gone = mirror.records.values().filter(|record| record.is_along() && !record.deleted).find(goes);
                altered.set.deletes.extend(gone.map(|it| Record::at(&world.schema, &it.table, &it.sys_id)));
            }
        }
        _ => {}
    }
}

/// What comes in the place of an answer to a question by ids.
pub fn answer(world: &World, request: &Request, response: Response) -> Response {
    let (_, parameters) = split(&request.path);
    let by_ids = parameters.get("sysparm_query").is_some_and(|query| query.starts_with("sys_idIN"));
    let in_part = parameters.contains_key("sysparm_fields");
    let wanted = match world.bug {
        Some(Bug::OlderTaken) => !in_part,
        Some(Bug::AlongUnrefreshed) => in_part,
        _ => false,
    };
    if request.method != Method::Get || !by_ids || !wanted || !response.is_success() {
        return response;
    }
    let Ok(answer) = read::<Answer<Vec<Row>>>("answer", &response.body) else { return response };
    let (mirror, instance) = (world.mirror.borrow(), world.instance.borrow());
    let told = |row: Row| {
        let mut row = Fields::from(row);
        let here = mirror.records.values().find(|record| record.sys_id == row["sys_id"]);
        match here.filter(|_| in_part).map(|record| record.base.as_ref().unwrap_or(&record.fields)) {
            Some(here) => {
                for (name, value) in &mut row {
                    if let Some(known) = here.get(name) {
                        value.clone_from(known);
                    }
                }
            }
            None => row = instance.before.get(&row["sys_id"]).cloned().unwrap_or(row),
        }
        Row::from(row)
    };
    success(200, &Answer { result: answer.result.into_iter().map(told).collect::<Vec<_>>() })
}
