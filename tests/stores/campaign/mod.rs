//! Proofs about the stores alone: small in every run of the tests, at full size in a campaign (`make campaign`).

mod mutations;
mod power_cut;
