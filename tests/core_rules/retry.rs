//! How long to wait.

use landfall::core::retry::{MOST_MS, backoff_ms};

#[test]
fn a_wait_doubles_up_to_five_minutes_and_half_of_it_is_chance() {
    assert_eq!(MOST_MS, 300_000);
    for (failures, full) in [(0, 1_000), (1, 1_000), (2, 2_000), (3, 4_000), (9, 256_000), (10, 300_000), (60, 300_000)]
    {
        let of = |random| backoff_ms(failures, random);
        assert_eq!((of(0), of(u64::MAX / 2), of(u64::MAX)), (full / 2, full / 2 + full / 4, full), "{failures}");
    }
}
