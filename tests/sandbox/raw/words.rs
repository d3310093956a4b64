//! Attacks on the conversation: silence, garbage, words out of turn, descriptors, a flood.
#![allow(unsafe_code)] // Closing standard input under everybody's feet.

use std::io::{self, IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;

use rustix::cmsg_space;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};

use super::FLOOD;
use super::parent::{Parent, done, forever, frame, probed};

pub(super) fn silent(parent: &mut Parent) {
    let _files = parent.job();
    forever();
}

pub(super) fn silent_later(parent: &mut Parent) {
    let _files = parent.run();
    forever();
}

pub(super) fn partial_frame(parent: &mut Parent) {
    let _files = parent.job();
    parent.socket.write_all(&[100, 0, 0, 0, b'{', b'"']).unwrap();
    forever();
}

/// Answers a job with the bytes that are its image.
pub(super) fn say(parent: &mut Parent) {
    let mut files = parent.job();
    let mut bytes = Vec::new();
    files.input.read_to_end(&mut bytes).unwrap();
    parent.socket.write_all(&bytes).unwrap();
    forever();
}

/// Answers a job that may run with the bytes that are its image.
pub(super) fn say_later(parent: &mut Parent) {
    let mut files = parent.run();
    let mut bytes = Vec::new();
    files.input.read_to_end(&mut bytes).unwrap();
    parent.socket.write_all(&bytes).unwrap();
    forever();
}

/// Reports twice in one breath.
pub(super) fn second_done(parent: &mut Parent) {
    parent.work();
    let report = frame(done().to_string().as_bytes());
    parent.socket.write_all(&report.repeat(2)).unwrap();
    forever();
}

pub(super) fn hang_up(mut parent: Parent) {
    parent.job();
    drop(parent);
    // SAFETY: nothing in this process reads standard input any more.
    unsafe { libc::close(0) };
    forever();
}

/// Sends its own socket and its files back, with a report that would be right.
pub(super) fn send_descriptors(parent: &mut Parent) {
    let files = parent.job();
    let report = frame(probed(10).to_string().as_bytes());
    let rights = [parent.socket.as_fd(), files.input.as_fd(), files.output.as_fd()];
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(3))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    assert!(control.push(SendAncillaryMessage::ScmRights(&rights)));
    rustix::net::sendmsg(&parent.socket, &[IoSlice::new(&report)], &mut control, SendFlags::empty()).unwrap();
    forever();
}

pub(super) fn flood_stderr(parent: &mut Parent) {
    parent.job();
    let chunk = vec![b'x'; 1 << 20];
    for _ in 0..FLOOD / chunk.len() {
        io::stderr().write_all(&chunk).unwrap();
    }
    for _ in 0..1000 {
        eprintln!("\nand lines");
    }
    parent.fail("flooded");
    forever();
}

pub(super) fn oversize_image(parent: &mut Parent) {
    parent.job();
    parent.tell(&probed(1001));
    forever();
}
