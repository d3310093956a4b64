//! The proofs that nothing is lost: small in every run of the tests, at full size in a campaign (`make campaign`).
//!
//! Each prints what it found, with its seed, and puts it into the table of docs/reliability.md.

mod disk_full;
#[cfg(feature = "s3")]
mod fault_matrix;
mod idempotent_retries;
mod io_errors;
mod ledger;
mod leftovers;
mod load;
mod mutations;
mod panics_under_load;
mod power_cut;
mod probers;
mod recovery_time;
mod server_kill;
mod supervision_log;
mod trace;
mod unknown_outcomes;
