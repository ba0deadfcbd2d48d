//! What may go wrong, drawn from a seed.

use super::{
    coverage::{RARE, RARE_IN_REQUESTS},
    draw::Draw,
    story::Setup,
};

#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    Kill {
        who: usize,
    },
    Freeze {
        who: usize,
        ms: u64,
    },
    /// So many commits find the store full.
    Full {
        commits: usize,
    },
    /// So many commits fail for a reason of the browser's.
    Broken {
        commits: usize,
    },
    /// The next commit is done, and said to have failed.
    Unsure,
    Cut,
    Mended,
    SessionEnds {
        renewable: bool,
    },
    Refuses(bool),
    DropsField(bool),
    /// Another user at the instance.
    Changes {
        row: usize,
        which: usize,
    },
    Removes {
        row: usize,
    },
    Adds,
    ClockSet {
        back: bool,
    },
    EventsLost,
    OnRequest(OnRequest),
    /// Of the next request that has to do with an action which stands there: what is rare would not meet what is rare by
    /// chance.
    OnRequestOf {
        state: &'static str,
        fault: OnRequest,
    },
    /// As soon as an action stands there.
    When {
        state: &'static str,
        fault: Box<Fault>,
    },
}

/// What becomes of the next request it can become of.
#[derive(Clone, Debug, PartialEq)]
pub enum OnRequest {
    Lost {
        silently: bool,
    },
    AnswerLost {
        silently: bool,
    },
    Delayed {
        ms: u64,
    },
    AnswerDelayed {
        ms: u64,
    },
    Repeated {
        ms: u64,
    },
    Truncated {
        run: bool,
    },
    Noise {
        run: bool,
    },
    Portal,
    Redirected {
        followed: bool,
    },
    Status {
        status: u16,
        run: bool,
        wait: Wait,
    },
    /// Of a batch.
    Unserviced {
        after: usize,
    },
    Missing {
        nth: usize,
        run: bool,
    },
    ItemStatus {
        nth: usize,
        status: u16,
        wait: Wait,
    },
    Shuffled,
    /// Another user changes the same, right before it is carried out or right after; then its answer may be lost.
    Outrun {
        after: bool,
        lost: bool,
        which: usize,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wait {
    No,
    Seconds(u64),
    Date(u64),
}

pub fn fault(setup: &Setup, draw: &mut Draw) -> Fault {
    match draw.below(44) {
        which @ 0..21 => of_world(setup, draw, which),
        21..40 => Fault::OnRequest(on_request(draw)),
        40..42 => Fault::OnRequestOf { state: draw.of(&RARE_IN_REQUESTS), fault: any_of_a_request(draw) },
        _ => {
            let which = draw.of(&[0, 5, 7, 8, 9, 11, 13, 15, 16, 17, 18, 19, 20]);
            Fault::When { state: draw.of(&RARE), fault: Box::new(of_world(setup, draw, which)) }
        }
    }
}

fn of_world(setup: &Setup, draw: &mut Draw, which: usize) -> Fault {
    let who = draw.below(setup.contexts);
    match which {
        0..5 => Fault::Kill { who },
        5..7 => Fault::Freeze { who, ms: draw.of(&[5_000, 35_000, 70_000]) },
        7 => Fault::Full { commits: 1 + draw.below(3) },
        8 => match draw.below(4) {
            commits @ 0..2 => Fault::Broken { commits: 1 + commits },
            _ => Fault::Unsure,
        },
        9 => Fault::Cut,
        10 => Fault::Mended,
        11..13 => Fault::SessionEnds { renewable: draw.percent(50) },
        13..15 => Fault::Refuses(draw.percent(65)),
        15 => Fault::DropsField(draw.percent(50)),
        16 => Fault::Changes { row: draw.below(64), which: draw.below(64) },
        17 => Fault::Removes { row: draw.below(64) },
        18 => Fault::Adds,
        19 => Fault::ClockSet { back: draw.percent(50) },
        _ => Fault::EventsLost,
    }
}

fn on_request(draw: &mut Draw) -> OnRequest {
    let wait = match draw.below(4) {
        0 => Wait::Seconds(draw.of(&[1, 30, 300])),
        1 => Wait::Date(draw.of(&[2, 60])),
        _ => Wait::No,
    };
    let (ms, nth, run) = (draw.of(&[300, 4_000, 20_000, 45_000, 61_000, 90_000]), draw.below(4), draw.percent(50));
    match draw.below(32) {
        0..3 => OnRequest::Lost { silently: draw.percent(30) },
        3..7 => OnRequest::AnswerLost { silently: draw.percent(30) },
        7..9 => OnRequest::Delayed { ms },
        9 => OnRequest::AnswerDelayed { ms },
        10..12 => OnRequest::Repeated { ms },
        12 => OnRequest::Truncated { run },
        13 => OnRequest::Noise { run },
        14 => OnRequest::Portal,
        15 => OnRequest::Redirected { followed: draw.percent(50) },
        16..19 => {
            OnRequest::Status { status: draw.of(&[400, 401, 403, 404, 409, 412, 413, 422, 429]), run: false, wait }
        }
        19..22 => OnRequest::Status { status: draw.of(&[408, 500, 502, 503, 504]), run, wait },
        22..24 => OnRequest::Unserviced { after: nth },
        24 => OnRequest::Missing { nth, run },
        25..27 => {
            OnRequest::ItemStatus { nth, status: draw.of(&[400, 401, 403, 404, 409, 412, 413, 429, 500, 503]), wait }
        }
        27 => OnRequest::Shuffled,
        _ => outrun(draw),
    }
}

fn outrun(draw: &mut Draw) -> OnRequest {
    OnRequest::Outrun { after: draw.percent(50), lost: draw.percent(50), which: draw.below(64) }
}

/// Each as likely as any.
fn any_of_a_request(draw: &mut Draw) -> OnRequest {
    let (ms, run, after) = (draw.of(&[300, 20_000, 61_000]), draw.percent(50), draw.below(3));
    let wait = if draw.percent(50) { Wait::No } else { Wait::Seconds(30) };
    match draw.below(31) {
        which @ 0..2 => OnRequest::Lost { silently: which == 1 },
        which @ 2..4 => OnRequest::AnswerLost { silently: which == 3 },
        4 => OnRequest::Delayed { ms },
        5 => OnRequest::AnswerDelayed { ms },
        6 => OnRequest::Repeated { ms },
        7 => OnRequest::Truncated { run },
        8 => OnRequest::Noise { run },
        9 => OnRequest::Portal,
        10 => OnRequest::Redirected { followed: run },
        which @ 11..19 => {
            let status = [400, 401, 403, 404, 409, 412, 413, 429][which - 11];
            OnRequest::Status { status, run: false, wait }
        }
        which @ 19..22 => OnRequest::Status { status: [408, 500, 503][which - 19], run, wait },
        22 => OnRequest::Unserviced { after },
        23 => OnRequest::Missing { nth: 0, run },
        which @ 24..28 => OnRequest::ItemStatus { nth: 0, status: [400, 401, 429, 500][which - 24], wait },
        28 => OnRequest::Shuffled,
        _ => outrun(draw),
    }
}
