//! The equipment: some at every airport, much at the busiest.

use super::airports::Airport;
use super::catalogue::{AIRFIELD, Kind, TERMINAL};
use super::random::Random;
use super::row::{END, Row};

/// How much there is in all.
const IN_ALL: usize = 6000;
/// How much of it each of the busiest airports has.
const AT_A_HUB: usize = 42;

const RUNWAYS: &[&str] = &["09L", "27R", "14L", "32R", "18", "36", "05", "23", "01C", "19C"];

/// A piece of equipment.
#[derive(Debug)]
pub struct Equipment {
    /// Its record.
    pub row: Row,
    /// What it is.
    pub kind: &'static Kind,
    /// What it is called at its own airport.
    pub name: String,
    /// The place of its airport in the list.
    pub airport: usize,
}

/// All of it.
pub fn all(airports: &[Airport], random: &mut Random) -> Vec<Equipment> {
    let mut made = Vec::with_capacity(IN_ALL);
    for (place, airport) in airports.iter().enumerate() {
        let count = if airport.is_hub { AT_A_HUB } else { 1 };
        for number in 1..=count {
            made.extend(one(airport, place, number, random));
        }
    }
    // What is left goes to one small airport after the other, where chance has it.
    let mut number = 1;
    while made.len() < IN_ALL {
        number += 1;
        for (place, airport) in airports.iter().enumerate() {
            if made.len() < IN_ALL && !airport.is_hub && random.percent(31) {
                made.extend(one(airport, place, number, random));
            }
        }
    }
    made
}

fn one(airport: &Airport, place: usize, number: usize, random: &mut Random) -> Option<Equipment> {
    let terminal: &[Kind] = if airport.is_hub { TERMINAL } else { &[] };
    let kinds: Vec<&'static Kind> = AIRFIELD.iter().chain(terminal).collect();
    let kind = *random.pick(&kinds)?;
    let name = kind.name.replace('@', random.word(RUNWAYS)).replace('#', &format!("{number:02}"));
    let made = END - random.between(200, 3000) * 86_400;
    let mut row = Row::new("cmdb_ci", &format!("{} {number}", airport.iata), "system", made, made);
    row.set("name", format!("{} {name}", airport.iata));
    row.set("short_description", format!("{name} at {}", airport.iata));
    row.set("category", kind.category);
    row.set("manufacturer", kind.maker);
    row.set("model", format!("{} {}", kind.maker, random.word(kind.models)));
    row.set("serial_number", format!("{}{:06}", random.word(&["A", "C", "K", "R"]), random.below(1_000_000)));
    row.set("asset_tag", format!("{}-{}-{number:02}", kind.tag, airport.iata));
    row.set("location", airport.sys_id.as_str());
    row.set("install_status", if random.percent(96) { "1" } else { "7" });
    row.set("install_date", row.get("sys_created_on").to_owned());
    Some(Equipment { row, kind, name, airport: place })
}
