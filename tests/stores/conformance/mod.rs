//! The suite that every engine must pass. An engine is added by one more line at the end of this file. A promise that is
//! written but not listed is dead code, which the lints refuse.

pub(crate) mod assets;
mod blobs;
pub(crate) mod claims;
pub(crate) mod events;
pub(crate) mod key_values;
pub(crate) mod keys;
pub(crate) mod nodes;
mod retention;
mod tasks;
pub(crate) mod webhooks;

use crate::blob_fixtures::Local;
use crate::fixtures::Sqlite;
use crate::postgres_fixtures::Postgres;
#[cfg(feature = "s3")]
use crate::s3_fixtures::S3;

/// One `#[test]` per promise, run on a fresh engine; without one, its maker has said why.
macro_rules! conformance {
    ($engine:ident = $make:expr, $($suite:ident: [$($promise:ident),* $(,)?])*) => {
        mod $engine {
            use super::*;
            $($(#[test] fn $promise() { if let Some(mut engine) = $make { super::$suite::$promise(&mut engine); } })*)*
        }
    };
}

/// Everything that a store of tasks, their events and their webhooks promises.
macro_rules! task_store {
    ($engine:ident = $make:expr) => {
        conformance! { $engine = $make,
            tasks: [
                an_insert_is_read_back_as_it_was_written, an_id_is_taken_once, a_cancelled_task_is_not_handed_out,
                a_retry_opens_a_new_run_and_keeps_the_history, deletion_goes_through_its_steps,
                a_missing_task_is_not_found, pages_are_complete_and_disjoint, a_caller_has_pages_of_its_own,
                a_page_begins_where_time_had_come_to, the_backlog_is_the_truth, the_usage_of_each_key_is_the_truth,
                a_dropped_future_does_not_take_back_its_write, a_key_makes_one_task_of_each_caller,
                whoever_asks_again_and_again_sees_every_change,
            ]
            claims: [
                claims_go_to_the_oldest_first, callers_take_turns, priorities_share_the_turns_and_none_starves, a_claim_counts_and_grows_the_fence, a_late_worker_is_refused_everything,
                a_result_of_another_claim_is_refused, a_backoff_delays_only_its_own_task, attempts_run_out,
                refunds_do_not_count_until_their_cap, a_heartbeat_prolongs_the_lease, the_memory_of_an_attempt_is_noted_in_its_history, an_expired_claim_may_still_finish,
                recovery_gives_claims_back, timers_end_with_the_opening,
            ]
            retention: [
                what_has_ended_is_retired_after_its_time, a_run_that_begins_anew_is_not_retired, retention_outlives_the_engine,
            ]
            events: [
                every_change_is_told_in_its_order, pages_of_events_are_complete_and_disjoint,
                the_oldest_events_are_forgotten_and_no_number_comes_back,
            ]
            webhooks: [
                an_endpoint_is_read_back_as_it_was_kept, a_caller_has_only_so_many_endpoints,
                a_task_names_an_endpoint_of_its_own_caller, the_end_of_every_run_is_to_be_told,
                the_endpoints_deliveries_are_due_in_turn, what_is_taken_stays_due_until_it_is_settled,
                a_delivery_is_sent_anew_when_somebody_says_so,
                what_ended_long_ago_is_forgotten, an_endpoint_goes_with_all_that_it_was_to_be_told,
            ]
        }
    };
}

/// Everything that a store of key-values promises.
macro_rules! key_value_store {
    ($engine:ident = $make:expr) => {
        conformance! { $engine = $make,
            key_values: [
                values_of_every_shape_are_read_back, versions_only_grow, a_prefix_selects_its_keys,
                pages_go_on_behind_a_key,
            ]
        }
    };
}

/// Everything that a store of assets promises.
macro_rules! asset_store {
    ($engine:ident = $make:expr) => {
        conformance! { $engine = $make,
            assets: [
                an_asset_is_read_back_as_it_was_written, a_name_stands_for_its_latest_version,
                a_name_that_was_taken_away_stands_for_nothing, there_are_no_more_names_than_there_may_be,
                pages_are_in_the_order_of_names,
                a_task_is_pinned_to_the_versions_that_names_stand_for, a_task_of_an_unknown_asset_is_not_taken,
                a_version_is_in_use_until_its_tasks_can_run_no_more,
            ]
        }
    };
}

/// Everything that a store of API keys promises.
macro_rules! key_store {
    ($engine:ident = $make:expr) => {
        conformance! { $engine = $make,
            keys: [a_key_is_read_back_as_it_was_saved, a_key_saved_again_keeps_its_place, a_server_does_not_hear_of_its_own_uses]
        }
    };
}

/// Everything that a store of nodes promises.
macro_rules! node_store {
    ($engine:ident = $make:expr) => {
        conformance! { $engine = $make,
            nodes: [
                the_last_heartbeat_of_every_node_is_known, silence_is_measured_by_the_engines_clock, a_run_has_one_beginning,
                a_node_that_leaves_or_is_silent_for_long_is_forgotten, a_node_hears_what_those_can_do_that_run,
            ]
        }
    };
}

/// Everything that a store of blobs promises.
macro_rules! blob_store {
    ($engine:ident = $make:expr) => {
        conformance! { $engine = $make,
            blobs: [
                what_is_put_is_read_back_with_its_digest, a_file_is_stored_by_position, a_name_is_written_once,
                an_aborted_body_leaves_nothing, a_body_must_have_its_announced_length,
                a_body_beyond_the_limit_is_refused_and_leaves_nothing, nothing_is_visible_before_the_end,
                deleting_is_idempotent_and_readers_keep_what_they_opened, a_listing_names_every_blob_once,
                ages_follow_the_clock_of_the_engine, a_dropped_put_leaves_nothing, stalled_senders_block_no_one,
                an_empty_body_is_a_blob, a_digest_is_that_of_the_bytes, what_is_set_aside_is_not_found_any_more,
            ]
        }
    };
}

task_store! { sqlite_tasks = Some(Sqlite::default()) }
task_store! { postgres_tasks = Postgres::fresh() }
key_value_store! { sqlite_key_values = Some(Sqlite::default()) }
key_value_store! { postgres_key_values = Postgres::fresh() }
asset_store! { sqlite_assets = Some(Sqlite::default()) }
asset_store! { postgres_assets = Postgres::fresh() }
key_store! { sqlite_keys = Some(Sqlite::default()) }
key_store! { postgres_keys = Postgres::fresh() }
node_store! { sqlite_nodes = Some(Sqlite::default()) }
node_store! { postgres_nodes = Postgres::fresh() }
blob_store! { local_blobs = Some(Local::default()) }
#[cfg(feature = "s3")]
blob_store! { s3_blobs = S3::fresh() }
#[cfg(feature = "s3")]
blob_store! { s3_blobs_that_overwrite = S3::that_overwrites() }
