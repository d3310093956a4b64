//! The one thread that starts child processes and reaps them. What a child does in between is not known here.
//!
//! It must be one thread that outlives them all: the signal that ends a child when its parent dies (`PR_SET_PDEATHSIG`) is sent
//! when the *thread* that started it ends, so a child started from a pool of threads is killed at random.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::pin::pin;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use futures::future::{Either, select};
use rustix::process::{Pid, PidfdFlags, Signal, WaitIdOptions};
use tokio::io::unix::AsyncFd;
use tokio::net::unix::pipe;
use tokio::sync::{mpsc, oneshot, watch};

use super::child::Child;
use super::error::SandboxError;
use super::limits::ChildLimits;
use super::process::{Exit, Process, status};
use super::{stderr, sys};

/// Spawn requests that may wait for the thread; one more is refused with [`SandboxError::Busy`].
const QUEUE: usize = 64;

/// The program that a child executes: in production this binary itself (`/proc/self/exe`), in tests another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChildProgram {
    /// Path of the binary.
    pub path: PathBuf,
    /// Its arguments, the program's name not among them. With them it must call [`super::child_main`] or [`super::serve`].
    pub args: Vec<OsString>,
}

/// A handle of the spawning thread. The thread ends when all handles are dropped and every child it started is reaped.
#[derive(Clone, Debug)]
pub struct Spawner {
    requests: mpsc::Sender<SpawnRequest>,
    program: Arc<ChildProgram>,
    limits: ChildLimits,
}

type SpawnRequest = oneshot::Sender<io::Result<Spawned>>;

/// A process that has just been started, and the parent's end of its control channel.
#[derive(Debug)]
pub(super) struct Spawned {
    pub(super) process: Process,
    pub(super) channel: UnixStream,
}

impl Spawner {
    /// Starts the thread. No child is started yet.
    ///
    /// # Errors
    /// If the thread or its event loop cannot be created.
    pub fn start(program: ChildProgram, limits: ChildLimits) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let (requests, queue) = mpsc::channel(QUEUE);
        let program = Arc::new(program);
        let served = Arc::clone(&program);
        std::thread::Builder::new().name("sandbox-spawner".into()).spawn(move || runtime.block_on(serve_requests(&served, queue)))?;
        Ok(Self { requests, program, limits })
    }

    /// Starts a child and waits until it has set its limits and is ready for a job. The child belongs to the runtime on
    /// which this is called; dropping the future before it resolves kills the child.
    ///
    /// # Errors
    /// [`SandboxError::Busy`], [`SandboxError::Spawn`], [`SandboxError::NotReady`], or what else a child can do wrong before its
    /// first job.
    pub async fn spawn(&self) -> Result<Child, SandboxError> {
        let (reply, spawned) = oneshot::channel();
        self.requests.try_send(reply).map_err(|_| SandboxError::Busy)?;
        let lost = || Err(io::Error::other("the spawning thread has panicked"));
        let spawned = spawned.await.unwrap_or_else(|_| lost());
        let spawned = spawned.map_err(|source| SandboxError::Spawn { program: self.program.path.clone(), source })?;
        Child::start(spawned, self.limits).await
    }

    /// How many spawn requests wait for the thread now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.requests.max_capacity() - self.requests.capacity()
    }
}

/// The thread's life: starts what is asked for until nobody can ask any more, then waits until the last child is reaped.
async fn serve_requests(program: &ChildProgram, mut queue: mpsc::Receiver<SpawnRequest>) {
    // Every watcher holds a sender; the channel closes when the last of them has ended.
    let (watched, mut all_reaped) = mpsc::channel::<()>(1);
    while let Some(reply) = queue.recv().await {
        if reply.is_closed() {
            continue;
        }
        let spawned = spawn_process(program).map(|(spawned, watcher)| {
            let watched = watched.clone();
            tokio::spawn(async move {
                watcher.watch().await;
                drop(watched);
            });
            spawned
        });
        // Nobody waits for the reply any more: dropping it kills the child.
        let _ = reply.send(spawned);
    }
    drop(watched);
    all_reaped.recv().await;
}

fn spawn_process(program: &ChildProgram) -> io::Result<(Spawned, Watcher)> {
    sys::mark_all_close_on_exec()?;
    let (ours, theirs) = UnixStream::pair()?;
    let mut child = Command::new(&program.path)
        .args(&program.args)
        .env_clear()
        .stdin(OwnedFd::from(theirs))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        // A group of its own: Ctrl-C in the server's terminal is not meant for it, and its own children can be killed with it.
        .process_group(0)
        .spawn()?;
    Watcher::new(&mut child).map(|(process, watcher)| (Spawned { process, channel: ours }, watcher)).inspect_err(|_| {
        // Without a watcher nobody would reap it. SIGKILL has been sent, so the wait is short.
        let _ = child.kill().and_then(|()| child.wait());
    })
}

/// What the thread keeps of a child: enough to see its end and to carry its last words.
struct Watcher {
    pid: Pid,
    pidfd: AsyncFd<Arc<OwnedFd>>,
    stderr: pipe::Receiver,
    exit: watch::Sender<Option<Exit>>,
}

impl Watcher {
    fn new(child: &mut std::process::Child) -> io::Result<(Process, Self)> {
        let pid = Pid::from_child(child);
        let stderr = child.stderr.take().ok_or(io::ErrorKind::NotFound)?;
        let stderr = pipe::Receiver::from_owned_fd(stderr.into())?;
        let pidfd = Arc::new(rustix::process::pidfd_open(pid, PidfdFlags::empty())?);
        let watched = sys::watch_readable(Arc::clone(&pidfd))?;
        let (exit, exited) = watch::channel(None);
        Ok((Process { pid, pidfd, exit: exited }, Self { pid, pidfd: watched, stderr, exit }))
    }

    /// Carries the child's standard error to the log until the child has ended, reaps it, and tells. A pidfd sees the death
    /// even if a grandchild keeps the control channel and the standard error open.
    async fn watch(self) {
        let Self { pid, pidfd, stderr, exit } = self;
        let mut lines = stderr::Lines::new(pid.as_raw_nonzero().get());
        {
            let ended = pin!(pidfd.readable());
            if let Either::Right((_, ended)) = select(ended, pin!(stderr::forward(&stderr, &mut lines))).await {
                let _ = ended.await;
            }
        }
        stderr::drain(&stderr, &mut lines, stderr::LAST_WORDS);
        lines.finish(Instant::now());
        let ended = reap(pid, pidfd.get_ref());
        // Everything that belonged to the child is closed before its end is told.
        drop((stderr, pidfd));
        exit.send_replace(Some(ended));
    }
}

/// Reaps a process that has ended, and kills what is left of its group first: until it is reaped, the number of the group
/// cannot belong to anybody else.
fn reap(pid: Pid, pidfd: &OwnedFd) -> Exit {
    // ESRCH: nobody is left in the group.
    let _ = rustix::process::kill_process_group(pid, Signal::KILL);
    match status(pidfd, WaitIdOptions::empty()) {
        Ok(Some(status)) => status.into(),
        Ok(None) | Err(_) => Exit::Unknown,
    }
}
