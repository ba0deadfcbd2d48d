//! Who may send.

use landfall::core::{
    lease::{Stood, confirm_lease, give_lease_back, renew_lease, take_free_lease, take_lapsed_lease, take_lease},
    stored::{LEASE_MS, Lease},
};

use super::support::World;

#[test]
fn of_several_that_see_a_lease_lapsed_one_takes_it() {
    let mut world = World::new();
    let new = Stood::default();
    assert_eq!(world.run(|tx| take_lapsed_lease(tx, new, false)).unwrap().0, Some(1));
    assert_eq!(world.run(|tx| take_lapsed_lease(tx, new, false)).unwrap().0, None);
    let held = world.run(|tx| tx.fact::<Lease>()).unwrap().0;
    let silent = new.seen(held, 5_000).seen(held, 15_000);
    assert_eq!(world.run(|tx| take_lapsed_lease(tx, silent, false)).unwrap().0, None, "by the clock it holds");
    world.run(|tx| give_lease_back(tx, 1)).unwrap();
    assert_eq!(world.run(|tx| take_lapsed_lease(tx, new, true)).unwrap().0, None, "the lock is about to be let go");
    assert_eq!(world.run(|tx| take_lapsed_lease(tx, new, false)).unwrap().0, Some(2));
}

#[test]
fn a_lease_that_lapsed_by_the_clock_is_watched_before_it_is_taken() {
    // Set back by years; and set forward.
    for until in [9_000_000_000_000, 1_000] {
        let mut world = World::new();
        let held = Lease { number: 2, until, lockless: false };
        world.run(|tx| tx.put(&held)).unwrap();
        let seen = Stood::default().seen(held, 5_000);
        assert_eq!(world.run(|tx| take_lapsed_lease(tx, seen, false)).unwrap().0, None);
        let silent = seen.seen(held, 15_000);
        let renewed = Lease { until: until + 1, ..held };
        assert_eq!(world.run(|tx| take_lapsed_lease(tx, silent.seen(renewed, 5_000), false)).unwrap().0, None);
        assert_eq!(world.run(|tx| take_lapsed_lease(tx, silent, false)).unwrap().0, Some(3));
        // By the clock it would never lapse.
        let held = Lease { number: 3, until: 1_029_000, lockless: false };
        world.run(|tx| tx.put(&held)).unwrap();
        let silent = seen.seen(held, 5_000).seen(held, 30_000);
        assert_eq!(world.run(|tx| take_lapsed_lease(tx, silent, false)).unwrap().0, Some(4));
    }
}

#[test]
fn only_who_holds_a_lease_gives_it_back() {
    let mut world = World::new();
    let (before, _) = world.run(take_lease).unwrap();
    let (now, _) = world.run(take_lease).unwrap();
    world.run(|tx| give_lease_back(tx, before)).unwrap();
    assert!(world.run(|tx| tx.fact::<Lease>()).unwrap().0.is_held(world.now));
    world.run(|tx| give_lease_back(tx, now)).unwrap();
    assert!(!world.run(|tx| tx.fact::<Lease>()).unwrap().0.is_held(world.now));
}

#[test]
fn a_lease_that_was_taken_before_the_lock_is_nobody_else_s() {
    let mut world = World::new();
    let (first, _) = world.run(take_lease).unwrap();
    let lease = |world: &mut World| world.run(|tx| tx.fact::<Lease>()).unwrap().0;
    let held = lease(&mut world);
    let silent = Stood::default().seen(held, 0).seen(held, LEASE_MS);
    let seized = world.run(|tx| take_lapsed_lease(tx, silent, true)).unwrap().0.unwrap();
    assert_eq!((seized, lease(&mut world).lockless), (first + 1, true));
    assert_eq!(world.run(|tx| take_free_lease(tx, seized)).unwrap().0, None);
    world.run(|tx| renew_lease(tx, seized)).unwrap();
    assert!(lease(&mut world).lockless, "to live is not to have the lock");
    world.now += 1;
    assert!(world.run(|tx| confirm_lease(tx, seized)).unwrap().0);
    assert_eq!(lease(&mut world), Lease { number: seized, until: world.now + LEASE_MS, lockless: false });

    // Another had it by then: that one lives, without the lock that was taken from it.
    let (other, _) = world.run(take_lease).unwrap();
    assert!(!world.run(|tx| confirm_lease(tx, seized)).unwrap().0);
    assert_eq!(lease(&mut world), Lease { number: other, until: world.now + LEASE_MS, lockless: true });
    world.run(|tx| give_lease_back(tx, other)).unwrap();
    assert!(!world.run(|tx| confirm_lease(tx, seized)).unwrap().0);
    assert!(!lease(&mut world).lockless);
    assert_eq!(world.run(|tx| take_free_lease(tx, other)).unwrap().0, Some(other + 1));
}

#[test]
fn a_lease_that_is_renewed_lasts_from_then_on() {
    let mut world = World::new();
    let (number, _) = world.run(take_lease).unwrap();
    world.now += LEASE_MS - 1;
    world.run(|tx| renew_lease(tx, number)).unwrap();
    let until = world.now + LEASE_MS;
    assert_eq!(world.run(|tx| tx.fact::<Lease>()).unwrap().0, Lease { number, until, lockless: false });
}
