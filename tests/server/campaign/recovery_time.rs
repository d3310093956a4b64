//! How soon work that was in hand runs again: after its child process was killed, and after the whole server was.
//!
//! "Runs again" means that the test sees the next child standing still in the middle of the same task (`fault_stop`), so the
//! times include the spare child's adoption, the claim's commit, the reading of the original, the probe, and the few
//! milliseconds in which the test asks. No time fails a test: they are printed, and kept by a campaign.

use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::harness::{Options, Server, eventually, send_signal};
use crate::jobs::{self, Ending, Held, Job, finished, keep_uploading, released};
use crate::proof::{self, Dice};

/// The promise for a task whose child was killed, for 99 of 100.
const GOAL_OF_A_CHILD: Duration = Duration::from_secs(1);

/// The promise for everything in hand when the server was killed.
const GOAL_OF_A_SERVER: Duration = Duration::from_secs(2);

/// The child that is in the middle of the job, other than those in `former`.
fn in_the_middle_of(server: &Server, job: &Job, former: &[u32]) -> Held {
    let wanted = |held: &Held| held.task == job.id && !former.contains(&held.pid);
    eventually("a child in the middle of the job", || jobs::held(server).into_iter().find(wanted))
}

/// Kills the child of a job's first attempt, then that of its second, and lets the third finish. Returns how long it took
/// from each kill until the job ran again.
fn kill_twice(server: &Server, number: u32, dice: &mut Dice) -> [Duration; 2] {
    let job = Job::upload_held(server, number);
    let mut held = in_the_middle_of(server, &job, &[]);
    let mut former = Vec::new();
    let times = [(); 2].map(|()| {
        // Not always at the same distance from the server's ticks.
        let moment = Instant::now() + dice.time(Duration::from_millis(200));
        eventually("the moment of the kill", || (Instant::now() >= moment).then_some(()));
        former.push(held.pid);
        let killed = Instant::now();
        send_signal(held.pid, Signal::KILL);
        held = in_the_middle_of(server, &job, &former);
        killed.elapsed()
    });
    held.go_on();
    job.check(server);
    assert_eq!(job.attempts(server), [released("worker_died", false), released("worker_died", false), finished()]);
    times
}

#[test]
fn a_task_whose_child_is_killed_runs_again_within_a_second() {
    let mut dice = Dice::new("a task whose child is killed");
    let kills = proof::size(20, 200);
    // The pauses between attempts are the configuration's own.
    let server = Options::two_workers().start();
    let over = AtomicBool::new(false);
    let times: Vec<[Duration; 2]> = thread::scope(|threads| {
        let beside: Vec<_> = (0..2).map(|_| threads.spawn(|| keep_uploading(&server, &over))).collect();
        let ending = Ending(&over);
        let times = (0..kills / 2).map(|number| kill_twice(&server, 300 + number, &mut dice)).collect();
        drop(ending);
        let others: usize = beside.into_iter().map(|client| client.join().expect("every other job ends well").len()).sum();
        assert!(others > 0, "other uploads went on");
        println!("{others} other tasks meanwhile");
        times
    });
    let (first, second): (Vec<_>, Vec<_>) = times.iter().map(|[first, second]| (*first, *second)).unzip();
    let all: Vec<Duration> = times.into_iter().flatten().collect();
    let verdict = proof::against(GOAL_OF_A_CHILD, "p99", proof::percentile(all.clone(), 99));
    let figures = format!(
        "from the kill to the next child in the middle of the task: {}; after a first attempt {}; after a second {}{verdict}",
        proof::spread(all),
        proof::spread(first),
        proof::spread(second)
    );
    let size = format!("{kills} kills, default pauses, 2 workers, 2 clients uploading beside");
    let test = "campaign::recovery_time::a_task_whose_child_is_killed_runs_again_within_a_second";
    proof::record(7, "a task whose child is killed", &size, &figures, test, Some(&dice));
}

/// Uploads so many jobs that hold their children, with four clients.
fn upload_held(server: &Server, count: usize) -> Vec<Job> {
    thread::scope(|threads| {
        let upload = |client| (client..count).step_by(4).map(|number| Job::upload_held(server, number as u32 % 200)).collect::<Vec<_>>();
        let clients: Vec<_> = (0..4).map(|client| threads.spawn(move || upload(client))).collect();
        clients.into_iter().flat_map(|client| client.join().expect("every upload is acknowledged")).collect()
    })
}

fn tasks_of(held: &[Held]) -> Vec<String> {
    let mut tasks: Vec<String> = held.iter().map(|held| held.task.clone()).collect();
    tasks.sort_unstable();
    tasks
}

/// Kills the server again and again with both workers in the middle of a task and `waiting` tasks behind them.
fn kill_the_server(restarts: usize, waiting: usize) -> (Vec<Duration>, Vec<Duration>) {
    let mut server = Options::two_workers().start();
    let jobs = upload_held(&server, 2 * restarts + waiting);
    let (mut listens, mut running) = (Vec::new(), Vec::new());
    for _ in 0..restarts {
        let in_hand = tasks_of(&jobs::wait_for_held(&server, 2));
        send_signal(server.pid(), Signal::KILL);
        assert_eq!(server.exit_code(), None, "killed, not ended");
        let start = Instant::now();
        server = server.restart();
        listens.push(start.elapsed());
        let again = jobs::wait_for_held(&server, 2);
        running.push(start.elapsed());
        assert_eq!(tasks_of(&again), in_hand, "what was in hand runs again, and before all others");
        again.iter().for_each(Held::go_on);
        let survivors: Vec<&Job> = jobs.iter().filter(|job| in_hand.contains(&job.id)).collect();
        assert_eq!(survivors.len(), 2, "the two oldest were in hand");
        for job in survivors {
            job.check(&server);
            assert_eq!(job.attempts(&server), [released("unavailable", true), finished()]);
        }
    }
    (listens, running)
}

fn record_restarts(proof: &str, test: &str, restarts: usize, waiting: usize) {
    let (listens, running) = kill_the_server(restarts, waiting);
    let verdict = proof::against(GOAL_OF_A_SERVER, "longest", proof::percentile(running.clone(), 100));
    let figures = format!(
        "from the start of the process until both tasks that were in hand run again: {}; until it listens: {}{verdict}",
        proof::spread(running),
        proof::spread(listens)
    );
    let size = format!("{restarts} kills of the server, 2 tasks in hand, {waiting} and more waiting");
    proof::record(7, proof, &size, &figures, &format!("campaign::recovery_time::{test}"), None);
}

#[test]
fn what_was_in_hand_runs_again_within_two_seconds_of_a_restart() {
    let test = "what_was_in_hand_runs_again_within_two_seconds_of_a_restart";
    record_restarts("restart of the server", test, proof::size(5, 50), 0);
}

#[test]
fn it_does_so_with_many_tasks_waiting() {
    record_restarts("restart with a large backlog", "it_does_so_with_many_tasks_waiting", proof::size(5, 50), proof::size(200, 2000));
}
