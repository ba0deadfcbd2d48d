//! What others wrote, as it should never be: answers, stored rows and queries, arbitrary or spoiled.
//!
//! The drivers are those of the fuzz targets in `fuzz/`; here each gets as many inputs as a few seconds allow, the
//! same in every run, and every input that once found something. What fails prints its bytes.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a failed test may panic")]

mod drivers;

use std::path::Path;

use proptest::{collection::vec, prelude::*, test_runner::RngSeed};

/// The same inputs in every run: `cargo xtask fuzz` is for others.
fn cases(number: u32) -> ProptestConfig {
    ProptestConfig {
        cases: number,
        max_shrink_iters: 2_000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(3),
        ..ProptestConfig::default()
    }
}

/// The seeds of the fuzz targets: inputs that reach far, and those that once found something.
#[test]
fn what_was_found_once_is_found_no_more() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    let play = |name: &str, driver: fn(&[u8])| {
        for seed in std::fs::read_dir(seeds.join(name)).unwrap() {
            let path = seed.unwrap().path();
            println!("{}", path.display());
            driver(&std::fs::read(path).unwrap());
        }
    };
    play("query", drivers::query);
    play("answer", drivers::answer);
    play("history", drivers::history);
    play("stored", drivers::stored);
}

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn a_query_is_read_or_refused_within_it(bytes in vec(any::<u8>(), 0..64)) {
        drivers::query(&bytes);
    }

    #[test]
    fn an_answer_means_something_or_nothing(bytes in vec(any::<u8>(), 0..300)) {
        drivers::answer(&bytes);
    }
}

proptest! {
    #![proptest_config(cases(80))]

    #[test]
    fn whatever_answers_nothing_is_lost_and_all_goes_out_in_the_end(bytes in vec(any::<u8>(), 0..600)) {
        drivers::history(&bytes);
    }

    #[test]
    fn a_row_nobody_can_read_costs_nobody_else_anything(bytes in vec(any::<u8>(), 0..120)) {
        drivers::stored(&bytes);
    }
}
