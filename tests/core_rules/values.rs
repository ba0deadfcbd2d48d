//! Between the app's values and the stored ones.

use landfall::core::{
    CoreError,
    schema::Schema,
    values::{MAX_RECORD_BYTES, check_size, settle_references, take},
};
use serde_json::json;

use super::support::{World, fields_of};

fn schema() -> Schema {
    let tables = json!({
        "task": {
            "types": { "priority": "integer" },
            "references": {
                "watch_list": ["sys_user"],
                "parent": "task",
                "document": { "table": "document_table" },
            },
        },
        "problem": {},
    });
    Schema::new(serde_json::from_value(tables).unwrap()).unwrap()
}

#[test]
fn values_are_taken_in_string_form_and_what_the_app_may_not_write_is_passed_over() {
    let given = json!({
        "sys_id": "x", "$sync": { "state": "local" }, "priority": 2.0, "watch_list": ["a1", "a2"], "short_description": null,
    });
    let taken = take(&schema(), "task", given.as_object().unwrap().clone()).unwrap();
    assert_eq!(taken, fields_of(&[("priority", "2"), ("watch_list", "a1,a2"), ("short_description", "")]));
    let bad = json!({ "Short": "x" });
    let refused = take(&schema(), "task", bad.as_object().unwrap().clone());
    assert_eq!(refused, Err(CoreError::BadField("Short".to_owned())));
}

#[test]
fn a_record_may_be_three_megabytes_of_names_and_values_and_no_more() {
    assert_eq!(MAX_RECORD_BYTES, 3_145_728);
    let of = |bytes: usize| fields_of(&[("ab", &"x".repeat(bytes - 2))]);
    assert_eq!(check_size(&of(MAX_RECORD_BYTES)), Ok(()));
    let bytes = MAX_RECORD_BYTES + 1;
    assert_eq!(check_size(&of(bytes)), Err(CoreError::TooLarge { bytes, most: MAX_RECORD_BYTES }));
}

#[test]
fn a_reference_must_be_to_a_table_that_fits_where_that_is_known() {
    let mut world = World::new();
    world.schema = schema();
    let (id, _) = world.create_in("task", &[]);
    // What names the table, and whether the reference is taken.
    for (around, fits) in [
        (vec![("document_table", "task")], true),
        (vec![("document_table", "problem")], false),
        (vec![("document_table", "")], true),
        (vec![("document_table", "cmdb_ci")], true),
        (vec![], true),
    ] {
        let mut fields = fields_of(&[("document", &id)]);
        let around = fields_of(&around);
        let came = world.run(|tx| settle_references(tx, "task", &mut fields.clone(), &around));
        assert_eq!(came.is_ok(), fits, "{around:?} {came:?}");
        fields.extend(around.clone());
        let came = world.run(|tx| settle_references(tx, "task", &mut fields.clone(), &fields_of(&[])));
        assert_eq!(came.is_ok(), fits, "named in the same write: {around:?}");
    }
}
