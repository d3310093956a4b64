//! The pool of workers and the limits of their child processes.

use std::path::PathBuf;

use crate::config::kind::{Count, CountOrCores, OptionalFile, Size, Switch};
use crate::config::schema::section;

section! {
    /// Workers: each one owns a sandboxed child process that decodes, transforms and encodes one image at a time.
    pub struct WorkersConfig = "workers" {
        /// How many images are processed at the same time. A shrinking pool finishes the jobs that run. 0 pauses the
        /// processing: uploads are still taken, and wait.
        count: u32 = live(CountOrCores { min: 0, max: WorkersConfig::MAX_COUNT }, "auto"),
        /// The program that the child processes run; empty for this server's own.
        program: Option<PathBuf> = fixed(OptionalFile, ""),
        /// The address space of one child process, in which the code and the image must fit.
        address_space: u64 = fixed(Size { min: 256 << 20, max: 1 << 40 }, "1536MiB"),
        /// The memory that one job may need by the estimate made from the image's header. An image that needs more fails
        /// with its own error code before it is decoded.
        job_memory: u64 = fixed(Size { min: 1 << 20, max: 1 << 40 }, "1GiB"),
        /// The memory that all running jobs may need together by the same estimate; a job that does not fit waits.
        memory_budget: u64 = fixed(Size { min: 1 << 20, max: 1 << 44 }, "2GiB"),
        /// How many jobs a child process does before a fresh one replaces it.
        recycle_after: u32 = fixed(Count { min: 1_u32, max: 1_000_000 }, "200"),
        /// The resident memory above which a child process is replaced after its job.
        recycle_rss: u64 = fixed(Size { min: 1 << 20, max: 1 << 40 }, "256MiB"),
        /// Whether one started child process is kept ready, so that a replacement costs no time.
        spare: bool = fixed(Switch, "true"),
        /// How much the child processes yield to the server and everything else: 0 not at all, 19 the most.
        nice: u32 = fixed(Count { min: 0_u32, max: 19 }, "10"),
    }
}

impl WorkersConfig {
    /// The largest pool that may be asked for.
    pub const MAX_COUNT: u32 = 256;
}
