//! The places: every airport of `airports.csv`, as the npm package `vega-datasets` has it (see `seed/README.md`).

use super::random::id;
use super::row::{END, Row};

const AIRPORTS: &str = include_str!("../../seed/airports.csv");

/// The busiest, which have more than runways to look after.
const HUBS: &[&str] = &[
    "ANC", "ATL", "BNA", "BOS", "BUF", "BWI", "CLE", "CLT", "DCA", "DEN", "DFW", "DTW", "EWR", "FLL", "HNL", "IAD",
    "IAH", "JFK", "LAS", "LAX", "LGA", "MCI", "MCO", "MDW", "MIA", "MKE", "MSP", "MSY", "OAK", "ORD", "PDX", "PHL",
    "PHX", "PIT", "SAN", "SEA", "SFO", "SLC", "STL", "TPA",
];

/// An airport.
#[derive(Debug)]
pub struct Airport {
    /// Its location's sys_id.
    pub sys_id: String,
    /// Its code.
    pub iata: String,
    /// Whether it is one of the busiest.
    pub is_hub: bool,
    fields: Vec<String>,
}

/// Every airport, in the file's order.
pub fn all() -> Vec<Airport> {
    AIRPORTS
        .lines()
        .skip(1)
        .map(|line| {
            let fields = split(line);
            let iata = fields.first().cloned().unwrap_or_default();
            Airport { sys_id: id("cmn_location", &iata), is_hub: HUBS.contains(&iata.as_str()), iata, fields }
        })
        .collect()
}

impl Airport {
    /// Its location's record. The code stands first in the name, as people in the field say it.
    pub fn location(&self) -> Row {
        let made = END - 900 * 86_400;
        let mut row = Row::new("cmn_location", &self.iata, "system", made, made);
        let at =
            |place: usize| self.fields.get(place).map(String::as_str).filter(|text| *text != "NA").unwrap_or_default();
        row.set("u_iata", at(0));
        row.set("name", format!("{} {}", at(0), at(1)));
        for (place, name) in [(2, "city"), (3, "state"), (4, "country"), (5, "latitude"), (6, "longitude")] {
            row.set(name, at(place));
        }
        row
    }
}

/// The fields of a line of CSV: commas between them, quotes around those that hold commas, quotes in those doubled.
fn split(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' if quoted && rest.next_if_eq(&'"').is_some() => push(&mut fields, '"'),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            _ => push(&mut fields, c),
        }
    }
    fields
}

fn push(fields: &mut [String], c: char) {
    if let Some(last) = fields.last_mut() {
        last.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_its_seven_fields() {
        let airports = all();
        assert_eq!(airports.len(), 3376);
        assert!(airports.iter().all(|airport| airport.fields.len() == 7));
        assert_eq!(airports.iter().filter(|airport| airport.is_hub).count(), HUBS.len());
    }

    #[test]
    fn quotes_hold_commas_and_quotes() {
        assert_eq!(split(r#"DBN,"W. H. ""Bud"" Barron, Sr.",Dublin"#), ["DBN", r#"W. H. "Bud" Barron, Sr."#, "Dublin"]);
    }
}
