//! What a line of the catalogue says.

/// A kind of equipment.
#[derive(Debug)]
pub struct Kind {
    /// What it is called, with `#` for its number and `@` for its runway.
    pub name: &'static str,
    /// Its category.
    pub category: &'static str,
    /// Who makes it, and the models.
    pub maker: &'static str,
    /// The models.
    pub models: &'static [&'static str],
    /// What its asset tag begins with.
    pub tag: &'static str,
    /// The trade that looks after it.
    pub trade: &'static str,
    /// The incident category its faults fall under.
    pub files_under: &'static str,
    /// How it breaks.
    pub faults: &'static [Fault],
    /// The yearly round.
    pub upkeep: &'static str,
}

/// A way to break.
#[derive(Debug)]
pub struct Fault {
    /// What follows the equipment's name in one line.
    pub short: &'static str,
    /// The caller's words.
    pub detail: &'static str,
    /// Impact and urgency, 1 (high) to 3 (low).
    pub weight: (u8, u8),
    /// What has to be done, step by step.
    pub steps: &'static [&'static str],
    /// What was found in the end.
    pub found: &'static str,
}

/// One way, in a line of the catalogue.
pub const fn fault(
    short: &'static str,
    detail: &'static str,
    weight: (u8, u8),
    steps: &'static [&'static str],
    found: &'static str,
) -> Fault {
    Fault { short, detail, weight, steps, found }
}
