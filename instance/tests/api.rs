//! Every scenario, on a SQLite file and on a real PostgreSQL.

mod common;
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod scenarios;

macro_rules! scenarios {
    ($($module:ident: $($name:ident),+;)+) => {
        mod on_sqlite {
            $(mod $module {
                $(#[tokio::test]
                async fn $name() {
                    crate::scenarios::$module::$name(&crate::common::Home::sqlite()).await;
                })+
            })+
        }

        /// One after the other on one server, each in a database of its own.
        #[tokio::test]
        async fn on_postgres() {
            let postgres = common::Postgres::start().await;
            $($(
                println!("{}", stringify!($module::$name));
                let home = postgres.home(concat!(stringify!($module), "_", stringify!($name))).await;
                scenarios::$module::$name(&home).await;
            )+)+
        }
    };
}

scenarios! {
    records: a_record_is_made_read_changed_and_deleted, an_incident_is_a_task, journals_are_kept_apart,
        a_deletion_leaves_a_trace, who_asks_is_written_down, an_update_that_changes_nothing_is_none,
        everything_is_there_after_a_restart;
    checks: unknown_fields_are_named, plain_passes_over_what_it_does_not_know, values_are_of_their_type,
        references_lead_somewhere, tables_and_bodies_are_checked,
        a_business_rule_refuses_in_both_modes;
    queries: the_table_of_cases, pages_are_linked, mistakes_are_shown_or_dropped, fields_and_links_are_chosen;
    batches: items_run_in_order_each_on_its_own, items_past_the_time_are_unserviced, a_bad_item_costs_itself,
        a_hundred_creates_take_less_than_a_second;
    idempotency: a_repeated_create_is_one, another_request_is_refused, a_refusal_is_not_remembered,
        two_at_once_are_one, keys_are_of_a_user_and_a_table, a_repeat_after_reconciling_is_the_same,
        changes_and_deletions_are_repeated_too, plain_knows_no_keys, keys_are_forgotten_in_time;
    actions: logging_time_makes_an_entry_and_a_note, closing_an_order_opens_what_follows,
        splitting_an_order_makes_its_tasks, reassigning_takes_any_kind_of_task, they_are_announced_and_found_by_name;
    action_repeats: a_repeated_action_is_one, another_action_is_another, two_at_once_are_one,
        one_record_for_one_temporary_id, a_repeat_after_reconciling_is_the_same, what_was_made_is_not_made_again,
        an_action_may_be_an_item;
    action_input: a_refusal_half_way_leaves_nothing, references_are_settled, bad_input_is_told_in_a_sentence;
    temporary_ids: give_way_to_permanent_ones, wait_for_their_record, plain_stores_what_it_gets;
    versions: are_announced_and_told, a_write_for_an_older_one_is_refused, several_may_be_named,
        of_many_at_once_one_is_through, are_looked_at_in_a_batch, are_not_looked_at_again_under_a_key,
        rise_with_every_change, plain_knows_none;
}
