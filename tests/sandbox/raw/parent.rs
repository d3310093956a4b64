//! The parent as a hostile child sees it: a socket and frames made by hand, without any of the library's code.

use std::fs::File;
use std::io::{self, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;

use rustix::cmsg_space;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};
use serde_json::{Value, json};

use super::OUTPUT;

/// The socket to the parent, without any of the library's code.
pub(super) struct Parent {
    pub(super) socket: UnixStream,
}

/// The files of a job.
pub(super) struct Files {
    pub(super) input: File,
    pub(super) output: File,
}

impl Parent {
    /// Reports ready, without setting a single limit.
    pub(super) fn greet() -> Self {
        let mut parent = Self { socket: io::stdin().as_fd().try_clone_to_owned().unwrap().into() };
        if parent.hear().is_some_and(|(request, _)| request["start"].is_object()) {
            parent.tell(&json!("ready"));
        }
        parent
    }

    pub(super) fn hear(&mut self) -> Option<(Value, Vec<OwnedFd>)> {
        let mut header = [0; 4];
        let mut control = [MaybeUninit::uninit(); cmsg_space!(ScmRights(4))];
        let mut control = RecvAncillaryBuffer::new(&mut control);
        let received = rustix::net::recvmsg(&self.socket, &mut [IoSliceMut::new(&mut header)], &mut control, RecvFlags::WAITALL).ok()?;
        if received.bytes == 0 {
            return None;
        }
        let rights = control.drain().filter_map(|part| match part {
            RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors.collect::<Vec<_>>()),
            _ => None,
        });
        let descriptors = rights.flatten().collect();
        let mut payload = vec![0; u32::from_le_bytes(header) as usize];
        self.socket.read_exact(&mut payload).unwrap();
        Some((serde_json::from_slice(&payload).unwrap(), descriptors))
    }

    pub(super) fn tell(&mut self, report: &Value) {
        self.socket.write_all(&frame(report.to_string().as_bytes())).unwrap();
    }

    /// Waits for a job.
    pub(super) fn job(&mut self) -> Files {
        let (request, descriptors) = self.hear().unwrap_or_else(|| std::process::exit(0));
        assert!(request["job"].is_object(), "{request}");
        let [input, output] = <[OwnedFd; 2]>::try_from(descriptors).unwrap();
        Files { input: input.into(), output: output.into() }
    }

    /// Waits for a job, says that its image is fine, and waits until it may run.
    pub(super) fn run(&mut self) -> Files {
        let files = self.job();
        self.tell(&probed(10));
        let (request, _) = self.hear().unwrap();
        assert_eq!(request, json!("run"));
        files
    }

    /// Does a whole job, up to and not including the report.
    pub(super) fn work(&mut self) -> Files {
        let files = self.run();
        files.output.write_all_at(OUTPUT, 0).unwrap();
        files
    }

    /// Ends a job with a failure that tells `what`.
    pub(super) fn fail(&mut self, what: &str) {
        self.tell(&json!({"failed": {"code": "operation_failed", "detail": what}}));
    }
}

pub(super) fn frame(payload: &[u8]) -> Vec<u8> {
    [&(payload.len() as u32).to_le_bytes(), payload].concat()
}

pub(super) fn probed(width: u32) -> Value {
    let info = json!({"format": "bmp", "width": width, "height": 10, "bytes_per_pixel": 3, "decoder_bytes": 0, "encoded_bytes": 300,
        "turned": false});
    let details = json!({"color_space": "gray", "bit_depth": 8, "alpha": false, "orientation": 1});
    json!({"probed": {"info": info, "peak_bytes": 1000, "details": details}})
}

pub(super) fn done() -> Value {
    json!({"done": {"variant": "result", "info": {"format": "bmp", "width": 10, "height": 10}}})
}

pub(super) fn forever() {
    loop {
        std::thread::park();
    }
}
