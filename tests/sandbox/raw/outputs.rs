//! Attacks on the output: changing it after the report, keeping it from being sealed, reporting what it is not.
#![allow(unsafe_code)] // Mapping memory and writing through the mapping: what an attacker would do.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;

use rustix::fs::{FallocateFlags, SealFlags};
use rustix::mm::{MapFlags, ProtFlags};

use super::OUTPUT;
use super::parent::{Parent, done, forever};

/// Keeps the output of the first job and, when the second comes, tries whatever could change it.
pub(super) fn late_writes(parent: &mut Parent) {
    let output = parent.work().output;
    parent.tell(&done());
    let _second = parent.job();
    let path = format!("/proc/self/fd/{}", output.as_raw_fd());
    let tried = [
        ("write", output.write_all_at(b"late", 0)),
        ("append", output.write_all_at(b"late", OUTPUT.len() as u64)),
        ("shrink", output.set_len(3)),
        ("grow", output.set_len(100)),
        ("punch", punch(&output).map_err(Into::into)),
        ("map", map(&output).map(|_| ()).map_err(Into::into)),
        ("reopen", OpenOptions::new().write(true).open(&path).and_then(|reopened| reopened.write_all_at(b"late", 0))),
        ("truncate", OpenOptions::new().write(true).truncate(true).open(&path).map(|_| ())),
        ("unseal", rustix::fs::fcntl_add_seals(&output, SealFlags::empty()).map_err(Into::into)),
    ];
    let tell = |(what, end): &(&str, io::Result<()>)| format!("{what}={:?}", end.as_ref().map_err(io::Error::kind));
    parent.fail(&tried.iter().map(tell).collect::<Vec<_>>().join(" "));
    forever();
}

pub(super) fn punch(output: &File) -> rustix::io::Result<()> {
    rustix::fs::fallocate(output, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, 0, 4096)
}

/// Reports and goes on writing until it is refused.
pub(super) fn write_while_sealing(parent: &mut Parent) {
    let output = parent.work().output;
    parent.tell(&done());
    let mut writes = 0_u32;
    while output.write_all_at(&writes.to_le_bytes(), 4).is_ok() {
        writes = writes.wrapping_add(1);
    }
    let _second = parent.job();
    parent.fail(if writes > 0 { "refused at last" } else { "refused at once" });
    forever();
}

/// Reports while it maps the output writable, and writes through the mapping for ever.
pub(super) fn keep_mapping(parent: &mut Parent) {
    let output = parent.work().output;
    let mapped = map(&output).unwrap();
    parent.tell(&done());
    loop {
        // SAFETY: within the page that is mapped, and nothing else in this process refers to it.
        unsafe { mapped.write_volatile(mapped.read_volatile().wrapping_add(1)) };
    }
}

/// Forbids the parent to seal, with the one seal that forbids seals.
pub(super) fn seal_itself(parent: &mut Parent) {
    let output = parent.work().output;
    rustix::fs::fcntl_add_seals(&output, SealFlags::SEAL).unwrap();
    parent.tell(&done());
    forever();
}

pub(super) fn false_output(parent: &mut Parent, write: impl FnOnce(&File) -> io::Result<()>) {
    let files = parent.run();
    write(&files.output).unwrap();
    parent.tell(&done());
    forever();
}

pub(super) fn map(output: &File) -> rustix::io::Result<*mut u8> {
    // SAFETY: a new mapping at an address that the kernel chooses; nothing in this process refers to it yet.
    let mapped = unsafe { rustix::mm::mmap(std::ptr::null_mut(), 4096, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, output, 0) };
    mapped.map(<*mut _>::cast)
}
