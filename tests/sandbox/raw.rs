//! Hostile children: they speak the frames by hand and keep none of the rules. Each is one function, named as it is asked for;
//! what the parent must do about it stands in `hostile`.
#![allow(unsafe_code)] // Mapping memory, closing standard input: what an attacker would do.

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::process::{Command, ExitCode, Stdio};

use rustix::cmsg_space;
use rustix::fs::{FallocateFlags, SealFlags};
use rustix::mm::{MapFlags, ProtFlags};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use rustix::process::Signal;
use serde_json::{Value, json};

/// The bytes that every hostile child claims to have encoded.
pub(crate) const OUTPUT: &[u8] = b"BM hostile pixels";
/// Bytes that [`flood_stderr`] writes.
pub(crate) const FLOOD: usize = 100 << 20;

/// The whole `main` of the hostile child `name`.
pub(crate) fn main(name: &str) -> ExitCode {
    let mut parent = Parent::greet();
    match name {
        "late_writes" => late_writes(&mut parent),
        "write_while_sealing" => write_while_sealing(&mut parent),
        "keep_mapping" => keep_mapping(&mut parent),
        "seal_itself" => seal_itself(&mut parent),
        "silent" => silent(&mut parent),
        "silent_later" => silent_later(&mut parent),
        "ignore_sigterm" => ignore_sigterm(&mut parent),
        "partial_frame" => partial_frame(&mut parent),
        "say" => say(&mut parent),
        "say_later" => say_later(&mut parent),
        "second_done" => second_done(&mut parent),
        "hang_up" => hang_up(parent),
        "exit" => exit(&mut parent),
        "signal" => signal(&mut parent),
        "done_and_exit" => done_and_exit(&mut parent),
        "send_descriptors" => send_descriptors(&mut parent),
        "flood_stderr" => flood_stderr(&mut parent),
        "grandchild" => grandchild(&mut parent),
        "sleeper" => forever(),
        "empty_output" => false_output(&mut parent, |_| Ok(())),
        "text_output" => false_output(&mut parent, |output| output.write_all_at(b"hello", 0)),
        "other_format" => false_output(&mut parent, |output| output.write_all_at(b"\x89PNG\r\n\x1a\n0000", 0)),
        "oversize_output" => false_output(&mut parent, |output| output.set_len(1 << 40)),
        "oversize_image" => oversize_image(&mut parent),
        other => panic!("no hostile child is called {other}"),
    }
    ExitCode::SUCCESS
}

/// The socket to the parent, without any of the library's code.
struct Parent {
    socket: UnixStream,
}

/// The files of a job.
struct Files {
    input: File,
    output: File,
}

impl Parent {
    /// Reports ready, without setting a single limit.
    fn greet() -> Self {
        let mut parent = Self { socket: io::stdin().as_fd().try_clone_to_owned().unwrap().into() };
        if parent.hear().is_some_and(|(request, _)| request["start"].is_object()) {
            parent.tell(&json!("ready"));
        }
        parent
    }

    fn hear(&mut self) -> Option<(Value, Vec<OwnedFd>)> {
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

    fn tell(&mut self, report: &Value) {
        self.socket.write_all(&frame(report.to_string().as_bytes())).unwrap();
    }

    /// Waits for a job.
    fn job(&mut self) -> Files {
        let (request, descriptors) = self.hear().unwrap_or_else(|| std::process::exit(0));
        assert!(request["job"].is_object(), "{request}");
        let [input, output] = <[OwnedFd; 2]>::try_from(descriptors).unwrap();
        Files { input: input.into(), output: output.into() }
    }

    /// Waits for a job, says that its image is fine, and waits until it may run.
    fn run(&mut self) -> Files {
        let files = self.job();
        self.tell(&probed(10));
        let (request, _) = self.hear().unwrap();
        assert_eq!(request, json!("run"));
        files
    }

    /// Does a whole job, up to and not including the report.
    fn work(&mut self) -> Files {
        let files = self.run();
        files.output.write_all_at(OUTPUT, 0).unwrap();
        files
    }

    /// Ends a job with a failure that tells `what`.
    fn fail(&mut self, what: &str) {
        self.tell(&json!({"failed": {"code": "operation_failed", "detail": what}}));
    }
}

fn frame(payload: &[u8]) -> Vec<u8> {
    [&(payload.len() as u32).to_le_bytes(), payload].concat()
}

fn probed(width: u32) -> Value {
    let info = json!({"format": "bmp", "width": width, "height": 10, "bytes_per_pixel": 3, "decoder_bytes": 0, "encoded_bytes": 300,
        "turned": false});
    json!({"probed": {"info": info, "peak_bytes": 1000}})
}

fn done() -> Value {
    json!({"done": {"info": {"format": "bmp", "width": 10, "height": 10}}})
}

fn forever() {
    loop {
        std::thread::park();
    }
}

fn map(output: &File) -> rustix::io::Result<*mut u8> {
    // SAFETY: a new mapping at an address that the kernel chooses; nothing in this process refers to it yet.
    let mapped = unsafe { rustix::mm::mmap(std::ptr::null_mut(), 4096, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, output, 0) };
    mapped.map(<*mut _>::cast)
}

/// Keeps the output of the first job and, when the second comes, tries whatever could change it.
fn late_writes(parent: &mut Parent) {
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

fn punch(output: &File) -> rustix::io::Result<()> {
    rustix::fs::fallocate(output, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, 0, 4096)
}

/// Reports and goes on writing until it is refused.
fn write_while_sealing(parent: &mut Parent) {
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
fn keep_mapping(parent: &mut Parent) {
    let output = parent.work().output;
    let mapped = map(&output).unwrap();
    parent.tell(&done());
    loop {
        // SAFETY: within the page that is mapped, and nothing else in this process refers to it.
        unsafe { mapped.write_volatile(mapped.read_volatile().wrapping_add(1)) };
    }
}

/// Forbids the parent to seal, with the one seal that forbids seals.
fn seal_itself(parent: &mut Parent) {
    let output = parent.work().output;
    rustix::fs::fcntl_add_seals(&output, SealFlags::SEAL).unwrap();
    parent.tell(&done());
    forever();
}

fn silent(parent: &mut Parent) {
    let _files = parent.job();
    forever();
}

fn silent_later(parent: &mut Parent) {
    let _files = parent.run();
    forever();
}

fn ignore_sigterm(parent: &mut Parent) {
    // SAFETY: sets the constant disposition "ignore" for signals that may be ignored.
    unsafe {
        libc::signal(libc::SIGTERM, libc::SIG_IGN);
        libc::signal(libc::SIGINT, libc::SIG_IGN);
        libc::signal(libc::SIGHUP, libc::SIG_IGN);
    }
    silent(parent);
}

fn partial_frame(parent: &mut Parent) {
    let _files = parent.job();
    parent.socket.write_all(&[100, 0, 0, 0, b'{', b'"']).unwrap();
    forever();
}

/// Answers a job with the bytes that are its image.
fn say(parent: &mut Parent) {
    let mut files = parent.job();
    let mut bytes = Vec::new();
    files.input.read_to_end(&mut bytes).unwrap();
    parent.socket.write_all(&bytes).unwrap();
    forever();
}

/// Answers a job that may run with the bytes that are its image.
fn say_later(parent: &mut Parent) {
    let mut files = parent.run();
    let mut bytes = Vec::new();
    files.input.read_to_end(&mut bytes).unwrap();
    parent.socket.write_all(&bytes).unwrap();
    forever();
}

/// Reports twice in one breath.
fn second_done(parent: &mut Parent) {
    parent.work();
    let report = frame(done().to_string().as_bytes());
    parent.socket.write_all(&report.repeat(2)).unwrap();
    forever();
}

fn hang_up(mut parent: Parent) {
    parent.job();
    drop(parent);
    // SAFETY: nothing in this process reads standard input any more.
    unsafe { libc::close(0) };
    forever();
}

fn exit(parent: &mut Parent) {
    parent.run();
    std::process::exit(0);
}

fn signal(parent: &mut Parent) {
    parent.run();
    rustix::process::kill_process(rustix::process::getpid(), Signal::SYS).unwrap();
    forever();
}

fn done_and_exit(parent: &mut Parent) {
    parent.work();
    parent.tell(&done());
    std::process::exit(3);
}

/// Sends its own socket and its files back, with a report that would be right.
fn send_descriptors(parent: &mut Parent) {
    let files = parent.job();
    let report = frame(probed(10).to_string().as_bytes());
    let rights = [parent.socket.as_fd(), files.input.as_fd(), files.output.as_fd()];
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(3))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    assert!(control.push(SendAncillaryMessage::ScmRights(&rights)));
    rustix::net::sendmsg(&parent.socket, &[IoSlice::new(&report)], &mut control, SendFlags::empty()).unwrap();
    forever();
}

fn flood_stderr(parent: &mut Parent) {
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

/// Leaves a process behind that holds the socket, the standard error and the output open, says its number and dies.
fn grandchild(parent: &mut Parent) {
    let files = parent.job();
    let path = std::env::current_exe().unwrap();
    let sleeper = Command::new(path).args(["__child", "sleeper"]).stdin(Stdio::inherit()).stdout(files.output).spawn().unwrap();
    parent.fail(&sleeper.id().to_string());
    parent.job();
    std::process::exit(0);
}

fn false_output(parent: &mut Parent, write: impl FnOnce(&File) -> io::Result<()>) {
    let files = parent.run();
    write(&files.output).unwrap();
    parent.tell(&done());
    forever();
}

fn oversize_image(parent: &mut Parent) {
    parent.job();
    parent.tell(&probed(1001));
    forever();
}
