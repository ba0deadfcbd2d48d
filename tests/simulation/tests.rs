//! The runs: a short one, one with each planted bug, and one as long as is asked for.

use std::{
    fmt::Write as _,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    coverage::{Coverage, OF_ACTIONS, OF_ALONG},
    planted,
    play::play,
    shrink::shrink,
    story::Story,
};

/// So many histories are played at least, and more, until every fault has struck and every state was there: the rarest
/// come once in some 70.
const FEW: u64 = 40;
const FEW_AT_MOST: u64 = 1_000;
/// Within so many histories each planted bug must be found.
const FOUND_WITHIN: u64 = 1_000;
/// From so many histories on every fault must have met every state.
const COVERS_FROM: u64 = 10_000;
/// And every state of actions, and of what goes along: the rarest come together twice in ten thousand.
const COVERS_ACTIONS_FROM: u64 = 40_000;
/// More failures than this are one failure.
const MOST_FAILURES: usize = 10;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// What went wrong, as short a story as it gets.
fn told(seed: u64, bug: Option<planted::Bug>) -> String {
    let story = Story::draw(seed);
    let Some(broken) = play(&story, bug, false).broken else { return format!("seed {seed} holds") };
    let short = shrink(&story, broken.promise, bug);
    let outcome = play(&short, bug, true);
    let mut text = format!("seed {seed} breaks promise {}: {}\n", broken.promise, broken.how);
    let _ = writeln!(text, "of {} events these are enough:", story.events.len());
    for line in outcome.lines {
        let _ = writeln!(text, "{line}");
    }
    text + &format!("again: cargo xtask simulate --histories 1 --seed {seed}\n")
}

#[test]
fn every_promise_holds_in_a_few_histories() {
    let mut coverage = Coverage::default();
    for seed in 0..FEW_AT_MOST {
        let outcome = play(&Story::draw(seed), None, false);
        assert!(outcome.broken.is_none(), "{}", told(seed, None));
        coverage.absorb(&outcome.coverage);
        // That no single cell is empty takes many more histories: `at_length` sees to it.
        if seed >= FEW && coverage.empty_lines().is_empty() {
            return;
        }
    }
    panic!("never met: {:?}\n{coverage}", coverage.empty_lines());
}

#[test]
fn histories_are_long_enough_and_the_same_from_the_same_seed() {
    let mut lengths: Vec<usize> = (0..101).map(|seed| Story::draw(seed).events.len()).collect();
    lengths.sort_unstable();
    assert!(lengths[50] >= 60, "{lengths:?}");
    let story = Story::draw(7);
    assert!(story.setup.contexts >= 2);
    assert_eq!(play(&story, None, true).lines, play(&story, None, true).lines);
}

#[test]
fn each_planted_bug_is_found() {
    let mut wrong = Vec::new();
    for (bug, promises) in planted::ALL {
        let play = |seed| Some((seed, play(&Story::draw(seed), Some(bug), false).broken?));
        match (0..FOUND_WITHIN).find_map(play) {
            None => wrong.push(format!("{bug:?} is not found")),
            Some((seed, broken)) => {
                println!("{bug:?}: seed {seed} breaks promise {}: {}", broken.promise, broken.how);
                if !promises.contains(&broken.promise) {
                    wrong.push(format!("{bug:?} with seed {seed}: {broken:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_failing_history_shrinks_to_a_short_story() {
    let bug = planted::Bug::EntriesFolded;
    let fails =
        |seed: &u64| play(&Story::draw(*seed), Some(bug), false).broken.is_some_and(|broken| broken.promise == 3);
    let seed = (0..FOUND_WITHIN).find(fails).unwrap();
    let story = shrink(&Story::draw(seed), 3, Some(bug));
    assert!(story.events.len() <= 12, "{story:#?}");
}

/// `cargo xtask simulate`.
#[test]
#[ignore = "takes as long as it is told to"]
fn at_length() {
    let (from, count) = (number("LANDFALL_SEED", 0), number("LANDFALL_HISTORIES", COVERS_FROM));
    let (next, done) = (AtomicU64::new(from), AtomicU64::new(0));
    let (coverage, failed) = (Mutex::new(Coverage::default()), Mutex::new(Vec::new()));
    let started = Instant::now();
    let rate = || done.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64();
    std::thread::scope(|scope| {
        for _ in 0..number("LANDFALL_JOBS", 1) {
            scope.spawn(|| {
                let mut own = Coverage::default();
                let mut said = Instant::now();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + count || failed.lock().unwrap().len() >= MOST_FAILURES {
                        break;
                    }
                    let outcome = play(&Story::draw(seed), None, false);
                    own.absorb(&outcome.coverage);
                    let so_far = done.fetch_add(1, Ordering::Relaxed) + 1;
                    if let Some(broken) = outcome.broken {
                        println!("seed {seed} breaks promise {}: {}", broken.promise, broken.how);
                        failed.lock().unwrap().push(seed);
                    }
                    if said.elapsed() > Duration::from_secs(10) {
                        said = Instant::now();
                        println!("{so_far} of {count} histories, {:.0} a second", rate());
                    }
                }
                coverage.lock().unwrap().absorb(&own);
            });
        }
    });
    let coverage = coverage.into_inner().unwrap();
    let failed = failed.into_inner().unwrap();
    println!("{coverage}");
    println!(
        "seeds {from} to {}: {} histories, {:.0} a second, {} failed",
        from + count - 1,
        done.load(Ordering::Relaxed),
        rate(),
        failed.len()
    );
    for seed in failed.iter().take(3) {
        println!("{}", told(*seed, None));
    }
    assert!(failed.is_empty(), "these fail: {failed:?}");
    let mut empty = coverage.empty();
    empty
        .retain(|(of, _)| count >= if [OF_ACTIONS, OF_ALONG].contains(of) { COVERS_ACTIONS_FROM } else { COVERS_FROM });
    assert!(empty.is_empty(), "never met: {empty:?}");
}
