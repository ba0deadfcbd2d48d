//! Histories of bad days, played over the real engine and checked against every promise.
//!
//! * [`story`]: what happens, drawn from a seed. [`play`]: lets it happen.
//! * [`world`]: one device, one instance, time, and who goes next; [`executor`] runs the tasks.
//! * [`contexts`], [`ops`], [`hand`]: pages and workers, and what the app and the user do in them. [`faults`]: what goes wrong.
//! * [`network`], [`answers`], [`store`], [`mortal`], [`instance`]: the surroundings.
//! * [`model`]: what the app was told. [`ledger`], [`watch`], [`verdict`]: the checks, at each commit, at each request,
//!   and at the end, after [`drain`].
//! * [`coverage`]: which fault met which state. [`planted`]: defects that must be found.
#![cfg(not(target_family = "wasm"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a failed test may panic"
)]
#![allow(missing_docs, reason = "read by whoever mends a test")]

mod answers;
mod contexts;
mod coverage;
mod doing;
mod drain;
mod draw;
mod executor;
mod faults;
mod hand;
mod instance;
mod ledger;
mod model;
mod mortal;
mod network;
mod ops;
mod planted;
mod play;
mod store;
mod story;
mod verdict;
mod watch;
mod world;

#[test]
fn every_promise_holds_in_a_few_histories() {
    let number =
        |name: &str, otherwise: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let (from, count) = (number("LANDFALL_SEED", 0), number("LANDFALL_HISTORIES", 40));
    let mut coverage = coverage::Coverage::default();
    let mut failed = Vec::new();
    for seed in from..from + count {
        let outcome = play::play(&story::Story::draw(seed), None, false);
        coverage.absorb(&outcome.coverage);
        if let Some(broken) = outcome.broken {
            println!("seed {seed} promise {}: {}", broken.promise, broken.how);
            failed.push(seed);
        }
    }
    println!("{coverage}empty: {:?}", coverage.empty());
    if let Some(seed) = failed.first() {
        println!("{}", play::play(&story::Story::draw(*seed), None, true).lines.join("\n"));
    }
    assert!(failed.is_empty(), "{} of {count} fail, the first of them told above", failed.len());
}
