//! The lives and deaths of children, of the thread that starts them, and of their parent.

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use rustix::process::{Pid, Signal};
use safelight::sandbox::{ChildProgram, Exit, Probe, SandboxError, Spawner};

use crate::fake::NAME;
use crate::support::health::{children, with_child};
use crate::support::{attempt, block_on, bytes, done, eventually, file, job, limits, log, pidfd, spawner};

trials! {
    dropping_a_child_kills_and_reaps_it,
    dropping_a_step_kills_the_child,
    dropping_a_probed_job_kills_the_child,
    a_killed_child_is_an_error_and_the_next_one_works,
    an_idle_child_that_dies_is_noticed,
    a_child_ends_when_its_parent_hangs_up,
    the_death_of_the_parent_kills_the_child,
    the_end_of_the_thread_that_asked_does_not_kill_the_child,
    the_spawning_thread_ends_with_its_last_child,
    what_is_not_our_program_is_no_child,
    a_program_that_says_nothing_is_killed_when_nobody_waits_for_it,
    more_spawn_requests_than_the_queue_holds_are_refused,
    an_input_that_cannot_be_read_is_not_the_childs_fault,
}

fn kill_9(pid: u32) {
    rustix::process::kill_process(Pid::from_raw(pid as i32).unwrap(), Signal::KILL).unwrap();
}

// That the dropped children are reaped, `with_child` checks for all of these.

fn dropping_a_child_kills_and_reaps_it() {
    block_on(with_child(NAME, async |child| {
        let process = pidfd::open(child.pid());
        drop(child);
        assert!(pidfd::ends(&process));
    }));
}

fn dropping_a_step_kills_the_child() {
    block_on(with_child(NAME, async |mut child| {
        let looping = attempt(&mut child, b"loop");
        assert!(tokio::time::timeout(Duration::from_millis(50), looping).await.is_err());
        assert!(!child.is_reusable(), "not even for the moment in which it still runs");
        assert_eq!(child.exited().await, Exit::Signal(9));
    }));
}

fn dropping_a_probed_job_kills_the_child() {
    block_on(with_child(NAME, async |mut child| {
        let Probe::Readable(probed) = child.probe(job(), &file(b"image"), &[]).await.unwrap() else { panic!("not readable") };
        drop(probed);
        assert_eq!(child.exited().await, Exit::Signal(9));
    }));
}

fn a_killed_child_is_an_error_and_the_next_one_works() {
    block_on(with_child(NAME, async |mut child| {
        let pid = child.pid();
        let (end, ()) = futures::join!(attempt(&mut child, b"loop"), async {
            tokio::task::spawn_blocking(move || log::wait_for(&["looping", &format!("pid={pid}")])).await.unwrap();
            kill_9(pid);
        });
        assert!(matches!(end, Err(SandboxError::Died(Exit::Signal(9)))), "{end:?}");
    }));
}

fn an_idle_child_that_dies_is_noticed() {
    block_on(with_child(NAME, async |mut child| {
        assert!(child.is_reusable());
        kill_9(child.pid());
        assert_eq!(child.exited().await, Exit::Signal(9));
        assert!(!child.is_reusable());
        assert!(matches!(attempt(&mut child, b"image").await, Err(SandboxError::Died(Exit::Signal(9)))));
    }));
}

/// The main of a parent that is to be killed: its child loops, so only a signal can end it; then it says the child's number.
pub(crate) fn parent_main() -> ExitCode {
    log::capture();
    block_on(async {
        let mut child = spawner(NAME).spawn().await.unwrap();
        let pid = child.pid();
        let says = tokio::task::spawn_blocking(move || {
            log::wait_for(&["looping", &format!("pid={pid}")]);
            println!("{pid}");
        });
        let _ = futures::join!(attempt(&mut child, b"loop"), says);
    });
    ExitCode::FAILURE
}

fn the_death_of_the_parent_kills_the_child() {
    let path = std::env::current_exe().unwrap();
    let mut parent = Command::new(path).arg("__parent").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(parent.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let child = pidfd::open(line.trim().parse().unwrap());
    parent.kill().unwrap();
    assert!(pidfd::ends(&child));
    parent.wait().unwrap();
}

fn the_end_of_the_thread_that_asked_does_not_kill_the_child() {
    let spawner = spawner(NAME);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let handle = runtime.handle().clone();
    let asking = std::thread::Builder::new().name("asking".into());
    let asking = asking.spawn(move || handle.block_on(async { spawner.spawn().await })).unwrap();
    let mut child = runtime.block_on(async { tokio::task::spawn_blocking(|| asking.join()).await.unwrap() }).unwrap().unwrap();
    eventually("the thread that asked is gone", || threads("asking") == 0);
    runtime.block_on(async {
        assert_eq!(bytes(&done(&mut child, b"alive").await), b"BMalive");
        child.kill().await.unwrap();
    });
}

/// How many threads of this process have a name that begins so.
fn threads(name: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks
        .filter(|task| std::fs::read_to_string(task.as_ref().unwrap().path().join("comm")).is_ok_and(|comm| comm.starts_with(name)))
        .count()
}

fn the_spawning_thread_ends_with_its_last_child() {
    eventually("the threads of the other tests are gone", || threads("sandbox-spawner") == 0);
    block_on(async {
        let spawner = spawner(NAME);
        let mut child = spawner.spawn().await.unwrap();
        drop(spawner);
        assert_eq!(bytes(&done(&mut child, b"alive").await), b"BMalive");
        assert_eq!(threads("sandbox-spawner"), 1);
        drop(child);
        eventually("the thread ends", || threads("sandbox-spawner") == 0);
    });
}

fn a_child_ends_when_its_parent_hangs_up() {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let path = std::env::current_exe().unwrap();
    let mut child = Command::new(path).args(["__child", NAME]).stdin(std::os::fd::OwnedFd::from(theirs)).spawn().unwrap();
    drop(ours);
    assert!(child.wait().unwrap().success());
}

fn what_is_not_our_program_is_no_child() {
    let start = |path: &str| {
        let spawner = Spawner::start(ChildProgram { path: path.into(), args: Vec::new() }, limits()).unwrap();
        block_on(spawner.spawn()).unwrap_err()
    };
    assert!(matches!(start("/no/such/program"), SandboxError::Spawn { .. }));
    assert!(matches!(start("/bin/true"), SandboxError::Died(Exit::Code(0))));
}

fn a_program_that_says_nothing_is_killed_when_nobody_waits_for_it() {
    let spawner = Spawner::start(ChildProgram { path: "/bin/sleep".into(), args: vec!["1000".into()] }, limits()).unwrap();
    block_on(async {
        let mut starting = std::pin::pin!(spawner.spawn());
        // Once the process is there, it will stay silent for longer than this waits.
        while children().is_empty() {
            assert!(tokio::time::timeout(Duration::from_millis(10), starting.as_mut()).await.is_err());
        }
    });
    eventually("the silent process is killed and reaped", || children().is_empty());
}

fn more_spawn_requests_than_the_queue_holds_are_refused() {
    let spawner = spawner(NAME);
    block_on(async {
        // Asked for in one go, while the thread needs about a millisecond for each.
        let requests: FuturesUnordered<_> = (0..200).map(|_| spawner.spawn()).collect();
        let ends: Vec<_> = requests.map(|end| end.map(drop)).collect().await;
        let refused = ends.iter().filter(|end| matches!(end, Err(SandboxError::Busy))).count();
        let served = ends.iter().filter(|end| end.is_ok()).count();
        assert!(refused > 0 && served >= 64, "{refused} refused, {served} served");
        assert_eq!((refused + served, spawner.waiting()), (200, 0));
        let mut child = spawner.spawn().await.unwrap();
        assert_eq!(bytes(&done(&mut child, b"after").await), b"BMafter");
    });
    eventually("all of them are reaped", || children().is_empty());
}

fn an_input_that_cannot_be_read_is_not_the_childs_fault() {
    block_on(with_child(NAME, async |mut child| {
        let (socket, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        let no_file = std::fs::File::from(std::os::fd::OwnedFd::from(socket));
        assert!(matches!(child.probe(job(), &no_file, &[]).await, Err(SandboxError::Io(_))));
        assert!(child.is_reusable());
        assert_eq!(bytes(&done(&mut child, b"next").await), b"BMnext");
    }));
}
