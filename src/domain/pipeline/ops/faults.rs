//! Poison, for the tests of those who must survive it.

use crate::domain::pipeline::operation::{Touches, declare};
use crate::domain::pipeline::step::Operation;

declare! {
    /// Ends the process with SIGABRT.
    pub struct FaultAbort = "fault_abort", ["fault_abort"];
}

declare! {
    /// Never ends.
    pub struct FaultLoop = "fault_loop", ["fault_loop"];
}

declare! {
    /// Allocates memory and writes to it until there is none.
    pub struct FaultEatMemory = "fault_eat_memory", ["fault_eat_memory"];
}

declare! {
    /// Panics.
    pub struct FaultPanic = "fault_panic", ["fault_panic"];
}

declare! {
    /// Stops the process (SIGSTOP) until somebody continues it, and leaves the image as it is.
    pub struct FaultStop = "fault_stop", ["fault_stop"];
}

macro_rules! poison {
    ($($type:ident),*) => { $(impl Operation for $type {
        const TOUCHES: Touches = Touches::Both;
    })* };
}
poison!(FaultAbort, FaultLoop, FaultEatMemory, FaultPanic, FaultStop);
