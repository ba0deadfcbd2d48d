//! The people: technicians, dispatchers, and those who call them.

use super::airports::Airport;
use super::row::{END, Row};

/// Someone.
#[derive(Debug)]
pub struct Person {
    /// Their record.
    pub row: Row,
    /// Whether they mend things, rather than report them.
    pub is_technician: bool,
}

impl Person {
    /// Their sys_id.
    pub fn sys_id(&self) -> &str {
        self.row.get("sys_id")
    }

    /// Their user name.
    pub fn user_name(&self) -> &str {
        self.row.get("user_name")
    }
}

/// Name, title, and where they work from.
const PEOPLE: &[(&str, &str, &str)] = &[
    ("Tessa Demo", "Field technician", "BUF"),
    ("Maria Okafor", "Airfield electrician", "ORD"),
    ("Daniel Reyes", "Airfield electrician", "DFW"),
    ("Ingrid Solheim", "Airfield electrician", "MSP"),
    ("Tomasz Wilk", "Airfield electrician", "BUF"),
    ("Aisha Karim", "Airfield electrician", "DTW"),
    ("Luca Ferraro", "Airfield electrician", "JFK"),
    ("Noah Whitefeather", "Airfield electrician", "ANC"),
    ("Grace Mbeki", "Baggage systems technician", "ATL"),
    ("Henrik Dahl", "Baggage systems technician", "MSP"),
    ("Priya Raman", "Baggage systems technician", "SFO"),
    ("Owen Gallagher", "Baggage systems technician", "BOS"),
    ("Camila Duarte", "Baggage systems technician", "MIA"),
    ("Samuel Adeyemi", "Baggage systems technician", "IAH"),
    ("Hannah Weiss", "Jet bridge mechanic", "DEN"),
    ("Kenji Mori", "Jet bridge mechanic", "SEA"),
    ("Rosa Delgado", "Jet bridge mechanic", "PHX"),
    ("Patrick Nolan", "Jet bridge mechanic", "PHL"),
    ("Yara Haddad", "Jet bridge mechanic", "LAX"),
    ("Elias Brandt", "Radio technician", "STL"),
    ("Nadia Petrov", "Radio technician", "ORD"),
    ("Marcus Bell", "Radio technician", "CLT"),
    ("Lindiwe Dube", "Radio technician", "IAD"),
    ("Jonas Keller", "Radio technician", "SLC"),
    ("Sofia Lindqvist", "Weather systems technician", "PDX"),
    ("Arjun Nair", "Weather systems technician", "DEN"),
    ("Beatrice Okoye", "Weather systems technician", "MSY"),
    ("Caleb Yazzie", "Weather systems technician", "LAS"),
    ("Emily Tran", "Vehicle mechanic", "CLE"),
    ("Viktor Hansen", "Vehicle mechanic", "ANC"),
    ("Dolores Vega", "Vehicle mechanic", "MCO"),
    ("Isaac Thornton", "Vehicle mechanic", "PIT"),
    ("Mei Castellano", "Vehicle mechanic", "MKE"),
    ("Abdul Rahimi", "HVAC technician", "BWI"),
    ("Joanna Pike", "HVAC technician", "TPA"),
    ("Felix Moreau", "HVAC technician", "MSY"),
    ("Ruth Abrams", "Elevator mechanic", "LGA"),
    ("Darnell Price", "Elevator mechanic", "ATL"),
    ("Olivia Santos", "Elevator mechanic", "FLL"),
    ("Stefan Novak", "Network technician", "MDW"),
    ("Amara Nwosu", "Network technician", "EWR"),
    ("Liam Kavanagh", "Network technician", "OAK"),
    ("Wendy Chu", "Field supervisor", "SFO"),
    ("Robert Haines", "Field supervisor", "ORD"),
    ("Fatima Zahra", "Field supervisor", "DFW"),
    ("Ana Beltran", "Dispatcher", "DEN"),
    ("Greg Lawson", "Dispatcher", "ATL"),
    ("Simone Archer", "Dispatcher", "PHX"),
    ("Theo Brandvold", "Duty manager", "MSP"),
    ("Carmen Iglesias", "Duty manager", "MIA"),
    ("William Osei", "Duty manager", "JFK"),
    ("Julia Hartmann", "Duty manager", "SEA"),
    ("Peter Vance", "Operations officer", "SAN"),
    ("Naomi Fields", "Operations officer", "BNA"),
    ("Ivan Kozlov", "Operations officer", "ANC"),
    ("Leila Shah", "Operations officer", "IAD"),
    ("Martin Cole", "Operations officer", "HNL"),
    ("Esther Lund", "Ramp agent", "MCI"),
    ("Diego Fuentes", "Ramp agent", "SAN"),
    ("Kayla Morrison", "Ramp agent", "DCA"),
    ("Andre Baptiste", "Ramp agent", "FLL"),
];

/// Everyone. The first is the one the field app signs in as.
pub fn all(airports: &[Airport]) -> Vec<Person> {
    PEOPLE
        .iter()
        .map(|(name, title, base)| {
            let user_name = match *name {
                "Tessa Demo" => "tech.demo".to_owned(),
                other => other.to_lowercase().replace(' ', "."),
            };
            let made = END - 800 * 86_400;
            let mut row = Row::new("sys_user", &user_name, "system", made, made);
            row.set("name", *name);
            row.set("email", format!("{user_name}@example.com"));
            row.set("user_name", user_name);
            row.set("title", *title);
            row.set("active", "true");
            if let Some(airport) = airports.iter().find(|airport| airport.iata == *base) {
                row.set("location", airport.sys_id.as_str());
            }
            let is_technician = ["technician", "electrician", "mechanic"].iter().any(|trade| title.ends_with(trade));
            Person { row, is_technician }
        })
        .collect()
}
