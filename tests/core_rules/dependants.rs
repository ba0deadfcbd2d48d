//! What travels with the record it waits for.

use std::collections::BTreeSet;

use landfall::core::{
    plan::{Plan, Room, add_dependants, resolvable, size},
    stored::{Item, ItemState},
};

use super::support::World;

const ROOM: Room = Room { items: 10, group: 10, bytes: 1_000_000 };

struct Family {
    world: World,
    parent: Item,
    child: Item,
    grandchild: Item,
}

impl Family {
    fn new() -> Self {
        let mut world = World::new();
        let (first, parent) = world.create(&[]);
        let (second, child) = world.create(&[("parent", &first)]);
        let (_, grandchild) = world.create(&[("parent", &second)]);
        let [parent, child, grandchild] = [parent, child, grandchild].map(|id| world.item(&id).unwrap());
        Self { world, parent, child, grandchild }
    }

    /// Which of `held` go with `sent`, and the call that did not fit.
    fn added(&self, sent: &[Item], held: &[Item], room: Room, only: Option<&str>) -> (Vec<String>, Option<String>) {
        self.added_but(sent, held, room, only, &[])
    }

    fn added_but(
        &self,
        sent: &[Item],
        held: &[Item],
        room: Room,
        only: Option<&str>,
        later: &[&str],
    ) -> (Vec<String>, Option<String>) {
        let mut plan = Plan { send: sent.to_vec(), ..Plan::default() };
        let later = later.iter().map(|group| (*group).to_owned()).collect();
        let (schema, now) = (&self.world.schema, self.world.now);
        let cut = add_dependants(schema, &mut plan, held.to_vec(), only, &later, room, now);
        (plan.send[sent.len()..].iter().map(|item| item.id.clone()).collect(), cut)
    }
}

fn of(group: &str, item: &Item) -> Item {
    Item { group: Some(group.to_owned()), ..item.clone() }
}

#[test]
fn children_go_with_their_parents_and_theirs_with_them() {
    let family = Family::new();
    let Family { parent, child, grandchild, .. } = &family;
    let both = [child.clone(), grandchild.clone()];
    let ids = vec![child.id.clone(), grandchild.id.clone()];
    let sent = std::slice::from_ref(parent);
    assert_eq!(family.added(sent, &both, ROOM, None), (ids, None));
    assert_eq!(family.added(sent, &both[1..], ROOM, None), (vec![], None), "its parent is not in it");
    assert_eq!(family.added(&[parent.clone(), child.clone()], &both[..1], ROOM, None), (vec![], None), "not twice");
}

#[test]
fn only_what_is_due_goes_along() {
    let family = Family::new();
    let Family { parent, child, .. } = &family;
    for not_due in [
        Item { state: ItemState::Refused, ..child.clone() },
        Item { state: ItemState::Unknown, ..child.clone() },
        Item { behind: true, ..child.clone() },
        Item { next_attempt_at: Some(family.world.now + 1), ..child.clone() },
    ] {
        assert_eq!(family.added(std::slice::from_ref(parent), &[not_due], ROOM, None), (vec![], None));
    }
}

#[test]
fn a_request_is_filled_to_its_end_and_what_belongs_together_is_not_cut() {
    let family = Family::new();
    let Family { parent, child, .. } = &family;
    let went = vec![child.id.clone()];
    let held = std::slice::from_ref(child);
    let sent = std::slice::from_ref(parent);
    assert_eq!(family.added(sent, held, Room { items: 1, group: 9, ..ROOM }, None), (vec![], None));
    assert_eq!(family.added(sent, held, Room { items: 2, group: 9, ..ROOM }, None), (went.clone(), None));
    let bytes = size(parent) + size(child);
    assert_eq!(family.added(sent, held, Room { bytes, ..ROOM }, None), (went.clone(), None));
    assert_eq!(family.added(sent, held, Room { bytes: bytes - 1, ..ROOM }, None), (vec![], None));

    // Of one call there may be more; what does not fit then is named.
    let (sent, held) = ([of("a", parent)], [of("a", child)]);
    assert_eq!(family.added(&sent, &held, Room { items: 1, group: 2, ..ROOM }, None), (went, None));
    assert_eq!(family.added(&sent, &held, Room { items: 1, group: 1, ..ROOM }, None), (vec![], Some("a".to_owned())));
    // Of a call that is not in it nothing is cut.
    assert_eq!(family.added(&sent, &[of("b", child)], Room { items: 1, group: 1, ..ROOM }, None), (vec![], None));
}

#[test]
fn only_the_calls_that_are_asked_for_go_along() {
    let family = Family::new();
    let Family { parent, child, .. } = &family;
    let sent = std::slice::from_ref(parent);
    let went = vec![child.id.clone()];
    for (item, only, later, goes) in [
        (of("a", child), Some("a"), vec![], true),
        (of("a", child), Some("b"), vec![], false),
        (of("a", child), None, vec![], true),
        (of("a", child), None, vec!["a"], false),
        (of("a", child), None, vec!["b"], true),
        (child.clone(), None, vec![], true),
        (child.clone(), Some("a"), vec![], false),
    ] {
        let (ids, _) = family.added_but(sent, &[item], ROOM, only, &later);
        assert_eq!(ids, if goes { went.clone() } else { vec![] }, "{only:?} {later:?}");
    }
}

#[test]
fn the_instance_puts_an_id_in_only_where_it_is_the_whole_of_a_reference() {
    let family = Family::new();
    let schema = &family.world.schema;
    let id = family.parent.sys_id.clone();
    let made = BTreeSet::from([id.clone()]);
    let with = |field: &str, value: &str| Item {
        fields: [(field.to_owned(), value.to_owned())].into(),
        mentions: vec![id.clone()],
        ..family.child.clone()
    };
    assert!(resolvable(schema, &with("parent", &id), &made));
    assert!(!resolvable(schema, &with("parent", &id), &BTreeSet::new()), "nobody makes it");
    assert!(!resolvable(schema, &with("description", &id), &made), "no reference");
    assert!(!resolvable(schema, &with("parent", &format!("{id},x")), &made), "not the whole");
    assert!(!resolvable(schema, &Item { mentions: vec![], ..family.child.clone() }, &made), "it waits for nobody");
    let mut mixed = with("parent", &id);
    mixed.fields.insert("category".to_owned(), "belt".to_owned());
    assert!(resolvable(schema, &mixed, &made));
}

#[test]
fn an_item_is_as_large_as_its_fields_and_what_goes_round_them() {
    let family = Family::new();
    let fields = [("ab".to_owned(), "cdef".to_owned()), ("f".to_owned(), String::new())].into();
    assert_eq!(size(&Item { fields, ..family.child }), 200 + (2 + 4 + 6) + (1 + 6));
}
