//! Which of the instance's records is which of those that an offline step made.

use landfall::{
    core::{
        pairing::{Pairing, pairing},
        schema::Schema,
        stored::{Action, ItemKind, Part},
    },
    wire::action::RecordForSync,
};
use serde_json::json;

const A: &str = "tmp_0000000000000000000000000000000a";
const B: &str = "tmp_0000000000000000000000000000000b";
const C: &str = "tmp_0000000000000000000000000000000c";

fn schema() -> Schema {
    let tables = json!({
        "task": {}, "incident": { "extends": "task" }, "problem": { "extends": "task" }, "note": {},
    });
    Schema::new(serde_json::from_value(tables).unwrap()).unwrap()
}

fn made(records: &[(&str, &str)]) -> Action {
    let part = |(table, sys_id): &(&str, &str)| Part {
        table: (*table).to_owned(),
        sys_id: (*sys_id).to_owned(),
        ..Part::default()
    };
    Action { parts: records.iter().map(part).collect(), ..Action::default() }
}

fn named(table: &str, sys_id: &str, temporary: &str) -> RecordForSync {
    let temp_sys_id = Some(temporary.to_owned()).filter(|id| !id.is_empty());
    RecordForSync { table: table.to_owned(), sys_id: sys_id.to_owned(), temp_sys_id }
}

fn all(named_so: &[(&str, &str, &str)]) -> Vec<RecordForSync> {
    named_so.iter().map(|(table, sys_id, temporary)| named(table, sys_id, temporary)).collect()
}

/// The pairs, those left open, and those left over, as one line.
fn told(found: &Pairing) -> String {
    let short = |id: &str| id.trim_start_matches("tmp_").trim_start_matches('0').to_owned();
    let pairs: Vec<String> = found.pairs.iter().map(|(temporary, id)| format!("{}={id}", short(temporary))).collect();
    let open: Vec<String> = found.open.iter().map(|(_, temporary)| short(temporary)).collect();
    let left: Vec<&str> = found.left.iter().map(|record| record.sys_id.as_str()).collect();
    format!("{}; open {}; left {}", pairs.join(" "), open.join(" "), left.join(" "))
}

fn of(action: &Action, named_so: &[(&str, &str, &str)]) -> String {
    told(&pairing(&schema(), action, &all(named_so), &[]))
}

#[test]
fn by_the_temporary_id_where_it_is_given() {
    let two = made(&[("incident", A), ("incident", B)]);
    for (named, came) in [
        (vec![("incident", "x", B), ("incident", "y", A)], "a=y b=x; open ; left "),
        // Of the other, nothing is left to guess.
        (vec![("incident", "x", ""), ("incident", "y", A)], "a=y b=x; open ; left "),
        // None of those that are open, or of another table: it is not to be guessed for which it stands.
        (vec![("incident", "x", C)], "; open a b; left x"),
        (vec![("note", "x", A)], "; open a b; left x"),
        (vec![("task", "x", A)], "a=x; open b; left "),
        (vec![("incident", "x", A), ("incident", "y", A)], "a=x; open b; left y"),
        // One record is not two.
        (vec![("incident", "x", A), ("incident", "x", B)], "a=x; open b; left "),
    ] {
        assert_eq!(of(&two, &named), came, "{named:?}");
    }
}

#[test]
fn else_only_one_open_and_one_named_are_a_pair() {
    let one = made(&[("incident", A)]);
    let two = made(&[("incident", A), ("incident", B)]);
    for (action, named, came) in [
        (&one, vec![("incident", "x", "")], "a=x; open ; left "),
        (&one, vec![], "; open a; left "),
        (&one, vec![("incident", "x", ""), ("incident", "y", "")], "; open a; left x y"),
        (&two, vec![("incident", "x", "")], "; open a b; left x"),
        (&two, vec![("incident", "x", ""), ("incident", "y", "")], "; open a b; left x y"),
        // Named twice, be it by the parent table, it is one record.
        (&one, vec![("incident", "x", ""), ("incident", "x", "")], "a=x; open ; left "),
        (&one, vec![("incident", "x", ""), ("task", "x", "")], "a=x; open ; left "),
        // Each table for itself.
        (&one, vec![("note", "x", "")], "; open a; left x"),
        (
            &made(&[("incident", A), ("note", B)]),
            vec![("note", "x", ""), ("incident", "y", "")],
            "a=y b=x; open ; left ",
        ),
        (
            &made(&[("incident", A), ("note", B)]),
            vec![("note", "x", ""), ("incident", "x", "")],
            "a=x b=x; open ; left ",
        ),
        // What is no id of the instance's names nothing.
        (&one, vec![("incident", "", ""), ("incident", B, ""), ("incident", "x", "")], "a=x; open ; left "),
        (&Action::default(), vec![("incident", "x", "")], "; open ; left x"),
    ] {
        assert_eq!(of(action, &named), came, "{named:?}");
    }
}

#[test]
fn a_record_named_by_the_parent_table_could_be_of_either_child() {
    for (open, named, came) in [
        (vec![("incident", A)], vec![("task", "x", "")], "a=x; open ; left "),
        (vec![("task", A)], vec![("incident", "x", "")], "a=x; open ; left "),
        (vec![("incident", A), ("problem", B)], vec![("task", "x", "")], "; open a b; left x"),
        (
            vec![("problem", A), ("incident", B)],
            vec![("problem", "x", ""), ("incident", "y", "")],
            "a=x b=y; open ; left ",
        ),
        (vec![("task", A), ("incident", B)], vec![("incident", "x", "")], "; open a b; left x"),
        (vec![("incident", A)], vec![("task", "x", ""), ("incident", "y", "")], "; open a; left x y"),
    ] {
        for pairs_in_order in [false, true] {
            let action = Action { pairs_in_order, ..made(&open) };
            assert_eq!(of(&action, &named), came, "{open:?} {named:?}");
        }
    }
}

#[test]
fn in_order_of_creation_if_the_app_has_said_so_and_each_has_its_own() {
    let two = Action { pairs_in_order: true, ..made(&[("incident", B), ("note", C), ("incident", A)]) };
    for (named, came) in [
        (vec![("incident", "x", ""), ("incident", "y", "")], "a=y b=x; open c; left "),
        (vec![("incident", "x", ""), ("note", "n", ""), ("incident", "y", "")], "a=y b=x c=n; open ; left "),
        (vec![("incident", "x", ""), ("incident", "y", ""), ("incident", "z", "")], "; open b c a; left x y z"),
        (vec![("incident", "x", ""), ("incident", "y", ""), ("incident", "z", B)], "b=z; open c a; left x y"),
        // Which one is missing, or was named besides, nobody could tell.
        (vec![("incident", "x", "")], "; open b c a; left x"),
    ] {
        assert_eq!(of(&two, &named), came, "{named:?}");
    }
}

#[test]
fn what_was_there_before_could_only_be_meant_by_its_temporary_id() {
    let held = [named("incident", "x", ""), named("incident", "x", A), named("note", "y", "")];
    let one = made(&[("incident", A)]);
    for (named, came) in [
        (vec![("incident", "x", "")], "; open a; left x"),
        (vec![("incident", "x", A)], "a=x; open ; left "),
        (vec![("incident", "x", ""), ("incident", "y", "")], "; open a; left y x"),
        // The same id in another table is another record.
        (vec![("incident", "y", ""), ("note", "y", "")], "a=y; open ; left y"),
    ] {
        for pairs_in_order in [false, true] {
            let action = Action { pairs_in_order, ..one.clone() };
            assert_eq!(told(&pairing(&schema(), &action, &all(&named), &held)), came, "{named:?}");
        }
    }
}

#[test]
fn what_the_step_changed_is_itself() {
    for (kind, table, came) in [
        (ItemKind::Update, "incident", "; open a; left "),
        (ItemKind::Delete, "task", "; open a; left "),
        // The same id in another table is another record.
        (ItemKind::Update, "note", "a=x; open ; left "),
    ] {
        let mut action = made(&[("incident", A)]);
        action.parts.push(Part { table: table.to_owned(), sys_id: "x".to_owned(), kind, ..Part::default() });
        assert_eq!(of(&action, &[("incident", "x", "")]), came, "{kind:?} {table}");
    }
}

#[test]
fn what_the_user_has_said_comes_first() {
    let mut action = made(&[("incident", A), ("incident", B), ("note", C)]);
    action.pairs.insert(A.to_owned(), "x".to_owned());
    for (named, came) in [
        (vec![("incident", "x", B), ("incident", "y", "")], "a=x b=y; open c; left "),
        (vec![("incident", "y", A)], "a=x; open b c; left y"),
        // The same id in another table is another record.
        (vec![("note", "x", "")], "a=x c=x; open b; left "),
    ] {
        assert_eq!(of(&action, &named), came, "{named:?}");
    }
    assert!(pairing(&schema(), &made(&[]), &[], &[]).is_clear());
    assert!(!pairing(&schema(), &action, &[], &[]).is_clear());
}
