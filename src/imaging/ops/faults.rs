//! Poison: operations that end a process the hard way, for the tests of those who must survive it.

/// Ends the process with SIGABRT.
pub(super) fn abort() -> ! {
    std::process::abort()
}

/// Keeps a processor busy for ever.
pub(super) fn run_forever() -> ! {
    loop {
        std::hint::spin_loop();
    }
}

/// Allocates and touches memory until there is none left.
pub(super) fn eat_memory() -> ! {
    const PIECE: usize = 16 << 20;
    let mut eaten = Vec::new();
    loop {
        eaten.push(std::hint::black_box(vec![1_u8; PIECE]));
    }
}

/// Panics.
pub(super) fn panic() -> ! {
    panic!("the pipeline asked for a panic")
}

/// Stops the process until somebody continues it: a test sees it in the middle of its work for as long as it likes.
pub(super) fn stop() {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP);
}
