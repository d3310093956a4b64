//! Each mechanism that the promises rest on is taken out, and a named test must notice.

use std::fs;
use std::path::Path;

use safelight::domain::faults::Mechanism;

use crate::mutation::assert_noticed;

const SHOWN_BY: &str = "campaign::mutations";

/// The order of system calls, by `strace`.
const ORDER: &str = "durability::everything_is_synced_before_it_is_acknowledged";

/// Several servers over one database.
const HISTORY: &str = "history::what_several_servers_answered_is_one_life_of_each_task";

#[test]
fn the_fsync_of_a_blob_is_missed() {
    assert_noticed(Mechanism::FileFsync, &["campaign::power_cut::a_blob_survives_a_power_cut", ORDER], SHOWN_BY);
}

#[test]
fn the_fsync_of_its_directory_is_missed() {
    assert_noticed(Mechanism::DirectoryFsync, &["campaign::power_cut::a_blob_survives_a_power_cut", ORDER], SHOWN_BY);
}

#[test]
fn the_sync_of_a_commit_is_missed() {
    assert_noticed(Mechanism::SynchronousFull, &["campaign::power_cut::a_task_survives_a_power_cut", ORDER], SHOWN_BY);
}

#[test]
fn the_fence_is_missed() {
    assert_noticed(Mechanism::Fence, &["conformance::sqlite_tasks::a_late_worker_is_refused_everything", HISTORY], SHOWN_BY);
}

#[test]
fn the_cap_on_refunds_is_missed() {
    assert_noticed(Mechanism::RefundCap, &["conformance::sqlite_tasks::refunds_do_not_count_until_their_cap"], SHOWN_BY);
}

/// The re-read is tested where a whole server is: in the other of the two files.
#[test]
fn every_mechanism_has_its_test() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let read = |binary: &str| fs::read_to_string(tests.join(binary).join("campaign/mutations.rs")).unwrap();
    // As one word: a long call is broken into lines.
    let both: String = (read("stores") + &read("server")).split_whitespace().collect();
    let missing: Vec<_> = Mechanism::ALL.into_iter().filter(|one| !both.contains(&format!("assert_noticed(Mechanism::{one:?}"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
