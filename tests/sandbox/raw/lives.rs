//! Attacks by living and dying: exits, signals, deafness to signals, a process left behind.
#![allow(unsafe_code)] // Ignoring signals.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use super::parent::{Parent, done, forever};
use super::words::silent;

pub(super) fn ignore_sigterm(parent: &mut Parent) {
    // SAFETY: sets the constant disposition "ignore" for signals that may be ignored.
    unsafe {
        libc::signal(libc::SIGTERM, libc::SIG_IGN);
        libc::signal(libc::SIGINT, libc::SIG_IGN);
        libc::signal(libc::SIGHUP, libc::SIG_IGN);
    }
    silent(parent);
}

pub(super) fn exit(parent: &mut Parent) {
    parent.run();
    std::process::exit(0);
}

pub(super) fn signal(parent: &mut Parent) {
    parent.run();
    rustix::process::kill_process(rustix::process::getpid(), Signal::SYS).unwrap();
    forever();
}

pub(super) fn done_and_exit(parent: &mut Parent) {
    parent.work();
    parent.tell(&done());
    std::process::exit(3);
}

/// Leaves a process behind that holds the socket, the standard error and the output open, says its number and dies. One that
/// `escapes` has a group of its own.
pub(super) fn grandchild(parent: &mut Parent, escapes: bool) {
    let files = parent.job();
    let path = std::env::current_exe().unwrap();
    let mut sleeper = Command::new(path);
    sleeper.args(["__child", "sleeper"]).stdin(Stdio::inherit()).stdout(files.output);
    if escapes {
        sleeper.process_group(0);
    }
    let sleeper = sleeper.spawn().unwrap();
    parent.fail(&sleeper.id().to_string());
    parent.job();
    std::process::exit(0);
}
