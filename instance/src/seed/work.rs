//! The work: incidents and the tasks, orders and hours that follow from them.

use super::airports::Airport;
use super::catalogue::Fault;
use super::equipment::Equipment;
use super::people::Person;
use super::random::Random;
use super::row::{END, Row, time};

const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;
/// How many incidents there are.
const INCIDENTS: usize = 4000;
/// How many orders come from the yearly round rather than an incident.
const UPKEEP: usize = 500;
/// How far back they go.
const DAYS: i64 = 400;

const NOTES: &[&str] = &[
    "On site, access badge needed from the duty manager.",
    "Parts ordered, expected tomorrow before noon.",
    "Waited 40 minutes for the runway to be released.",
    "Works on the bench. Looking at the cabling next.",
    "Called back the reporter, fault is intermittent.",
    "Found the spare in store B, bin 12. Reorder please.",
    "Too windy for the lift today, back in the morning.",
    "No signal down here, notes written up afterwards.",
];

const GROUPS: &[(&str, &str)] = &[
    ("Airfield electrician", "Airfield Electrical"),
    ("Baggage systems technician", "Baggage Systems"),
    ("Jet bridge mechanic", "Gates and Bridges"),
    ("Radio technician", "Radio and Navaids"),
    ("Weather systems technician", "Weather Systems"),
    ("Vehicle mechanic", "Vehicle Shop"),
    ("HVAC technician", "Building Services"),
    ("Elevator mechanic", "Building Services"),
    ("Network technician", "Networks"),
];

/// All work, each kind in the order it was opened.
#[derive(Debug, Default)]
pub struct Work {
    /// The incidents.
    pub incidents: Vec<Row>,
    /// Their tasks.
    pub incident_tasks: Vec<Row>,
    /// Work orders, from incidents and from the yearly round.
    pub orders: Vec<Row>,
    /// The orders' tasks.
    pub order_tasks: Vec<Row>,
    /// Hours put in.
    pub hours: Vec<Row>,
    /// What was noted on the way.
    pub notes: Vec<Row>,
}

/// What work is done on, where, and by whom.
struct Job<'d> {
    equipment: &'d Equipment,
    airport: &'d Airport,
    caller: &'d Person,
    technician: &'d Person,
    opened: i64,
    /// When it was done, if it is.
    closed: Option<i64>,
}

/// Makes all of it.
pub fn all(airports: &[Airport], equipment: &[Equipment], people: &[Person], random: &mut Random) -> Work {
    let mut work = Work::default();
    let mut moments: Vec<i64> = (0..INCIDENTS + UPKEEP).map(|_| moment(random)).collect();
    moments.sort_unstable();
    for opened in moments {
        let Some(job) = job(opened, airports, equipment, people, random) else {
            continue;
        };
        // The yearly round falls evenly among the incidents.
        let upkeep = random.below(INCIDENTS + UPKEEP) < UPKEEP;
        match random.pick(job.equipment.kind.faults) {
            Some(fault) if !upkeep => work.incident(&job, fault, random),
            _ => work.upkeep(&job, random),
        }
    }
    work
}

/// Most of it long ago, and a good part in the last two weeks, which is what people work on.
fn moment(random: &mut Random) -> i64 {
    let days = if random.percent(18) { 14 } else { DAYS };
    END - random.between(0, days * DAY)
}

fn job<'d>(
    opened: i64,
    airports: &'d [Airport],
    equipment: &'d [Equipment],
    people: &'d [Person],
    random: &mut Random,
) -> Option<Job<'d>> {
    let equipment = random.pick(equipment)?;
    let airport = airports.get(equipment.airport)?;
    let trade = |person: &&Person| person.row.get("title") == equipment.kind.trade;
    let able: Vec<&Person> = people.iter().filter(trade).collect();
    let callers: Vec<&Person> = people.iter().filter(|person| !person.is_technician).collect();
    // One in eight goes to the field app's own technician, who can do a bit of everything.
    let own = people.first().filter(|_| random.percent(12));
    let technician = own.or_else(|| random.pick(&able).copied())?;
    let age = END - opened;
    let is_closed = random.percent(if age < 3 * DAY {
        20
    } else if age < 14 * DAY {
        60
    } else {
        97
    });
    let closed = is_closed.then(|| (opened + random.between(HOUR, 6 * DAY)).min(END));
    Some(Job { equipment, airport, caller: random.pick(&callers)?, technician, opened, closed })
}

impl Work {
    fn incident(&mut self, job: &Job, fault: &Fault, random: &mut Random) {
        let name = format!("{}", self.incidents.len());
        let mut row = job.task("incident", &name, job.opened, random);
        let state = match job.closed {
            Some(_) => "7",
            None => random.word(&["1", "1", "2", "2", "2", "3", "6"]),
        };
        row.set("state", state);
        if state == "1" {
            row.set("assigned_to", "");
        }
        if let Some(resolved) = job.closed.or_else(|| (state == "6").then_some(job.opened + 2 * HOUR)) {
            row.set("resolved_at", time(resolved.min(END)));
            row.set("close_notes", fault.found);
            row.set("close_code", "Solved (Permanently)");
        }
        row.set("short_description", format!("{} {}", job.equipment.name, fault.short));
        row.set("description", fault.detail);
        row.set("category", job.equipment.kind.files_under);
        row.set("contact_type", random.word(&["phone", "phone", "radio", "self-service", "walk-in"]));
        row.set("caller_id", job.caller.sys_id());
        weigh(&mut row, i64::from(fault.weight.0), i64::from(fault.weight.1), random);

        for _ in 0..random.below(3) {
            self.note(&row, random.word(NOTES), job, random);
        }
        if job.closed.is_some() {
            self.note(&row, fault.found, job, random);
        }
        let needs_order = job.airport.is_hub && random.percent(60) || random.percent(25);
        if needs_order {
            let title = format!("{}: {}", job.equipment.name, fault.short);
            self.order(job, Some(&row), &title, fault.steps, random);
        } else {
            let steps = fault.steps.iter().take(1 + random.below(fault.steps.len()));
            for (at, step) in steps.enumerate() {
                let name = format!("{name} {at}");
                let mut task = job.task("incident_task", &name, job.opened + HOUR / 4, random);
                task.set("short_description", *step);
                task.set("incident", row.get("sys_id"));
                task.set("state", job.step_state(at, random));
                job.settle(&mut task);
                inherit(&mut task, &row);
                self.hours(&task, job, random);
                self.incident_tasks.push(task);
            }
        }
        self.incidents.push(row);
    }

    fn upkeep(&mut self, job: &Job, random: &mut Random) {
        let title = format!("{}: {}", job.equipment.kind.upkeep, job.equipment.name);
        let steps = ["Travel and sign in with operations", "Carry out the checklist", "Sign off and hand back"];
        self.order(job, None, &title, &steps, random);
    }

    fn order(&mut self, job: &Job, from: Option<&Row>, title: &str, steps: &[&str], random: &mut Random) {
        let name = format!("{}", self.orders.len());
        let opened = job.opened + random.between(HOUR / 6, 4 * HOUR);
        let mut row = job.task("wm_order", &name, opened, random);
        row.set("short_description", title);
        row.set(
            "description",
            format!(
                "{} ({}), {}",
                job.equipment.row.get("model"),
                job.equipment.row.get("asset_tag"),
                job.airport.iata
            ),
        );
        row.set("category", if from.is_some() { "Repair" } else { "Upkeep" });
        row.set("caller", job.caller.sys_id());
        row.set("requested_due_by", time(opened + random.between(1, 14) * DAY));
        row.set("state", if job.closed.is_some() { "3" } else { random.word(&["1", "2", "2"]) });
        match from {
            Some(incident) => {
                row.set("initiated_from", incident.get("sys_id"));
                inherit(&mut row, incident);
            }
            None => weigh(&mut row, 3, 3, random),
        }
        for (at, step) in steps.iter().enumerate() {
            let mut task = job.task("wm_task", &format!("{name} {at}"), opened + HOUR / 6, random);
            task.set("short_description", *step);
            task.set("parent", row.get("sys_id"));
            task.set("work_type", row.get("category").to_owned());
            task.set("expected_start", time(opened + DAY));
            task.set("estimated_minutes", (15 * random.between(1, 12)).to_string());
            task.set("state", job.step_state(at, random));
            job.settle(&mut task);
            inherit(&mut task, &row);
            self.hours(&task, job, random);
            self.order_tasks.push(task);
        }
        self.orders.push(row);
    }

    fn hours(&mut self, task: &Row, job: &Job, random: &mut Random) {
        if task.get("state") != "3" || !random.percent(55) {
            return;
        }
        let at = job.closed.unwrap_or(job.opened + 3 * HOUR).min(END);
        let mut row = Row::new("task_time_worked", task.get("sys_id"), job.technician.user_name(), at, at);
        row.set("task", task.get("sys_id"));
        row.set("user", job.technician.sys_id());
        row.set("time_worked", (5 * random.between(2, 48)).to_string());
        row.set("work_date", time(at).split(' ').next().unwrap_or_default());
        row.set("comments", task.get("short_description"));
        self.hours.push(row);
    }

    fn note(&mut self, of: &Row, text: &str, job: &Job, random: &mut Random) {
        let until = job.closed.unwrap_or(END).max(job.opened + 60);
        let at = random.between(job.opened, until).min(END);
        let name = format!("{}", self.notes.len());
        let mut row = Row::new("sys_journal_field", &name, job.technician.user_name(), at, at);
        row.set("name", of.get("sys_class_name"));
        row.set("element", if random.percent(80) { "work_notes" } else { "comments" });
        row.set("element_id", of.get("sys_id"));
        row.set("value", text);
        self.notes.push(row);
    }
}

impl Job<'_> {
    /// A piece of work on this job's equipment, with what all kinds of work have.
    fn task(&self, class: &str, name: &str, opened: i64, random: &mut Random) -> Row {
        let opened = opened.min(END);
        let changed = self.closed.unwrap_or(opened + random.between(60, DAY)).clamp(opened, END);
        let mut row = Row::new(class, name, self.caller.user_name(), opened, changed);
        row.set("opened_at", time(opened));
        row.set("opened_by", self.caller.sys_id());
        row.set("location", self.airport.sys_id.as_str());
        row.set("cmdb_ci", self.equipment.row.get("sys_id"));
        row.set("assigned_to", self.technician.sys_id());
        let group = GROUPS.iter().find(|(trade, _)| *trade == self.equipment.kind.trade);
        row.set("assignment_group", group.map_or("", |(_, group)| group));
        self.settle(&mut row);
        row
    }

    /// Whether it is still to be done, and since when not.
    fn settle(&self, row: &mut Row) {
        let done = match row.get("state") {
            "" => self.closed.is_some(),
            state => state == "3",
        };
        row.set("active", if done { "false" } else { "true" });
        let opened = row.get("sys_created_on").to_owned();
        let closed = self.closed.map_or(opened.clone(), time).max(opened);
        row.set("closed_at", if done { closed } else { String::new() });
    }

    /// Earlier steps are done before later ones.
    fn step_state(&self, at: usize, random: &mut Random) -> &'static str {
        match (self.closed, at) {
            (Some(_), _) => "3",
            (None, 0) => random.word(&["1", "2", "2", "3"]),
            (None, _) => "1",
        }
    }
}

/// Callers do not always judge it as a technician would.
fn weigh(row: &mut Row, impact: i64, urgency: i64, random: &mut Random) {
    let urgency = (urgency + i64::from(random.percent(15)) - i64::from(random.percent(15))).clamp(1, 3);
    row.set("impact", impact.to_string());
    row.set("urgency", urgency.to_string());
    row.set("priority", (impact + urgency - 1).to_string());
}

fn inherit(row: &mut Row, from: &Row) {
    for name in ["impact", "urgency", "priority"] {
        row.set(name, from.get(name));
    }
}
