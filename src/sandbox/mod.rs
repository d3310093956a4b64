//! The child process in which images are decoded, and the parent's side of it.
//!
//! Decoders panic, abort, eat memory and run for ever on images that look harmless, so they never run in the server: the
//! binary executes itself again and hands each job to that child. What lives here:
//!
//! | module | what lives there |
//! |---|---|
//! | `spawn` | [`Spawner`]: the one thread that starts children and reaps them |
//! | `process` | the handle of a process: kill it, wait for its end, ask for its memory |
//! | `child` | [`Child`]: one job after the other, each in two steps, probe and run; a run gives its results one by one |
//! | `messages`, `frames` | what the two sides say to each other, and how it is framed |
//! | `channel`, `blocking_channel` | the two ends of the control channel: the parent's and the child's |
//! | `descriptors` | the files of a job: the original and the assets, read-only, and the outputs, each sealed before it is read |
//! | `limits` | what a child may use, set by the child itself before it reads anything |
//! | `serve` | the child's side: its main loop, and the trait of the work it does |
//! | `work` | the real work: `imaging` behind that trait |
//! | `stderr`, `printable` | a child's words on their way to the log, bounded and made harmless |
//!
//! Deadlines, retries and the memory budget are the caller's. Dropping a [`Child`], or the future of one of its steps, kills
//! the process; the spawner's thread reaps it. Nothing that a child does after its report can change what the parent reads.

mod blocking_channel;
mod channel;
mod child;
mod descriptors;
mod error;
mod exchange;
mod frames;
mod limits;
mod messages;
mod printable;
mod process;
mod serve;
mod spawn;
mod stderr;
mod sys;
mod work;

pub use child::{Child, Made, Probe, Probed, Progress, Running};
pub use descriptors::SealedOutput;
pub use error::SandboxError;
pub use limits::ChildLimits;
pub use messages::{Failure, Job, Probing};
pub use process::{Exit, Gauge, Memory};
pub use serve::{Tell, Work, serve};
pub use spawn::{ChildProgram, Spawner};
pub use sys::keep_freed_memory;
pub use work::child_main;

pub use crate::imaging::OutputInfo;
