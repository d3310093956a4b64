//! A hostile child against the parent: whatever it does, the parent's bytes stay as they are, its descriptors and its log stay
//! bounded, the child is gone afterwards, and the next child works. The children are in `raw`.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use safelight::sandbox::{Child, Exit, SandboxError};

use crate::raw::{FLOOD, OUTPUT};
use crate::support::health::with_child;
use crate::support::{attempt, block_on, bytes, done, failed, log, pidfd};

trials! {
    late_writes_and_truncations_are_refused,
    writing_while_being_sealed_changes_nothing_afterwards,
    a_kept_mapping_is_hostile,
    an_output_sealed_by_the_child_is_hostile,
    silence_ends_at_the_deadline,
    silence_in_the_second_step_ends_at_the_deadline,
    ignoring_sigterm_does_not_help,
    garbage_is_a_broken_protocol,
    a_partial_frame_ends_at_the_deadline,
    answers_out_of_order_are_a_broken_protocol,
    codes_that_a_child_may_not_give_are_a_broken_protocol,
    a_second_report_is_not_taken_for_the_next_job,
    hanging_up_and_living_on_is_hostile,
    exiting_in_the_middle_is_a_death,
    a_signal_in_the_middle_is_a_death,
    a_report_before_death_counts,
    sent_descriptors_are_hostile_and_do_not_leak,
    a_flood_of_stderr_neither_blocks_nor_fills_the_log,
    a_grandchild_does_not_survive_the_death_of_the_child,
    a_socket_kept_open_does_not_hide_the_death_of_the_child,
    a_false_output_is_hostile,
    an_image_beyond_the_limits_is_hostile,
}

/// A deadline for children that will not answer.
const SOON: Duration = Duration::from_millis(100);

/// Gives the hostile child `name` a job with this image and returns what the parent makes of it; the child must be dead then.
fn verdict(name: &str, image: &[u8]) -> SandboxError {
    let mut verdict = None;
    block_on(with_child(name, async |mut child| {
        verdict = Some(attempt(&mut child, image).await.unwrap_err());
        child.exited().await;
    }));
    verdict.unwrap()
}

fn is_hostile(name: &str, what: &str) {
    match verdict(name, b"image") {
        SandboxError::Hostile(found) if found.contains(what) => {}
        other => panic!("{name}: {other:?}"),
    }
}

fn breaks_protocol(name: &str, image: &[u8]) {
    let verdict = verdict(name, image);
    assert!(matches!(verdict, SandboxError::Protocol(_)), "{name}, {:?}: {verdict:?}", String::from_utf8_lossy(image));
}

fn late_writes_and_truncations_are_refused() {
    block_on(with_child("late_writes", async |mut child| {
        let output = done(&mut child, b"image").await;
        let tried = failed(&mut child, b"image").await.detail;
        let refused = |what: &&str| tried.contains(&format!("{what}=Err(PermissionDenied)"));
        for what in ["write", "append", "shrink", "grow", "punch", "map", "reopen", "truncate", "unseal"] {
            assert!(refused(&what), "{what}: {tried}");
        }
        assert_eq!(bytes(&output), OUTPUT);
    }));
}

fn writing_while_being_sealed_changes_nothing_afterwards() {
    block_on(with_child("write_while_sealing", async |mut child| {
        let output = done(&mut child, b"image").await;
        let sealed = bytes(&output);
        assert_eq!(sealed.len(), OUTPUT.len());
        assert!(failed(&mut child, b"image").await.detail.starts_with("refused at"));
        assert_eq!(bytes(&output), sealed);
    }));
}

fn a_kept_mapping_is_hostile() {
    is_hostile("keep_mapping", "mapped");
}

fn an_output_sealed_by_the_child_is_hostile() {
    is_hostile("seal_itself", "sealed");
}

/// The deadline passes, and the child is gone soon after.
async fn ends_at_the_deadline(mut child: Child) {
    let begun = Instant::now();
    assert!(tokio::time::timeout(SOON, attempt(&mut child, b"image")).await.is_err(), "it answered");
    assert_eq!(child.kill().await, Some(Exit::Signal(9)));
    assert!(begun.elapsed() < SOON + Duration::from_secs(5), "{:?}", begun.elapsed());
}

fn silence_ends_at_the_deadline() {
    block_on(with_child("silent", ends_at_the_deadline));
}

fn silence_in_the_second_step_ends_at_the_deadline() {
    block_on(with_child("silent_later", ends_at_the_deadline));
}

fn ignoring_sigterm_does_not_help() {
    block_on(with_child("ignore_sigterm", ends_at_the_deadline));
}

fn a_partial_frame_ends_at_the_deadline() {
    block_on(with_child("partial_frame", ends_at_the_deadline));
}

/// A frame with this payload.
fn framed(payload: &str) -> Vec<u8> {
    [&(payload.len() as u32).to_le_bytes(), payload.as_bytes()].concat()
}

fn garbage_is_a_broken_protocol() {
    // Random, but the same bytes every time; the first four are no length that a frame may have.
    let noise: Vec<u8> = std::iter::successors(Some(0xdead_beef_u32), |n| Some(n.wrapping_mul(1_664_525).wrapping_add(1_013_904_223)))
        .take(1000)
        .flat_map(u32::to_le_bytes)
        .collect();
    breaks_protocol("say", &noise);
    for length in [0, u32::MAX, 64 * 1024 + 1] {
        breaks_protocol("say", &length.to_le_bytes());
    }
    for payload in
        ["\u{0}", "{", "[]", "17", "\"rea\"", "{\"done\":{}}", "{\"probed\":{\"info\":7,\"peak_bytes\":-1}}", &"[".repeat(60_000)]
    {
        breaks_protocol("say", &framed(payload));
    }
}

fn answers_out_of_order_are_a_broken_protocol() {
    let done = r#"{"done":{"variant":"result","info":{"format":"bmp","width":1,"height":1}}}"#;
    for (name, answer) in [("say", "\"ready\""), ("say", done), ("say_later", "\"ready\""), ("say", "\"run\"")] {
        breaks_protocol(name, &framed(answer));
    }
}

fn codes_that_a_child_may_not_give_are_a_broken_protocol() {
    for code in ["no_such_code", "not_found", "draining", "worker_died"] {
        breaks_protocol("say_later", &framed(&format!(r#"{{"failed":{{"code":"{code}","detail":""}}}}"#)));
    }
}

fn a_second_report_is_not_taken_for_the_next_job() {
    block_on(with_child("second_done", async |mut child| {
        assert_eq!(bytes(&done(&mut child, b"image").await), OUTPUT);
        let end = attempt(&mut child, b"image").await;
        assert!(matches!(&end, Err(SandboxError::Protocol(what)) if what.contains("without being asked")), "{end:?}");
        drop(end);
        assert_eq!(child.exited().await, Exit::Signal(9));
    }));
}

fn hanging_up_and_living_on_is_hostile() {
    is_hostile("hang_up", "lived on");
}

fn exiting_in_the_middle_is_a_death() {
    assert!(matches!(verdict("exit", b"image"), SandboxError::Died(Exit::Code(0))));
}

fn a_signal_in_the_middle_is_a_death() {
    assert!(matches!(verdict("signal", b"image"), SandboxError::Died(Exit::Signal(31))));
}

fn a_report_before_death_counts() {
    block_on(with_child("done_and_exit", async |mut child| {
        assert_eq!(bytes(&done(&mut child, b"image").await), OUTPUT);
        assert_eq!(child.exited().await, Exit::Code(3));
        assert!(!child.is_reusable());
        assert!(child.memory().is_none());
        let end = attempt(&mut child, b"image").await;
        assert!(matches!(end, Err(SandboxError::Died(Exit::Code(3)))), "{end:?}");
    }));
}

fn sent_descriptors_are_hostile_and_do_not_leak() {
    is_hostile("send_descriptors", "descriptors");
}

fn a_flood_of_stderr_neither_blocks_nor_fills_the_log() {
    block_on(with_child("flood_stderr", async |mut child| {
        assert_eq!(failed(&mut child, b"image").await.detail, "flooded");
        let pid = child.pid();
        child.kill().await.unwrap();
        let logged: usize = log::about(pid).iter().map(String::len).sum();
        assert!((1000..FLOOD / 1000).contains(&logged), "{logged} bytes");
        log::wait_for(&["more to its standard error than is logged", &format!("pid={pid}")]);
    }));
}

fn a_grandchild_does_not_survive_the_death_of_the_child() {
    block_on(with_child("grandchild", async |mut child| {
        let grandchild = pidfd::open(failed(&mut child, b"image").await.detail.parse().unwrap());
        let end = attempt(&mut child, b"image").await;
        assert!(matches!(end, Err(SandboxError::Died(Exit::Code(0)))), "{end:?}");
        assert!(pidfd::ends(&grandchild));
    }));
}

fn a_socket_kept_open_does_not_hide_the_death_of_the_child() {
    block_on(with_child("escaped_grandchild", async |mut child| {
        let grandchild = pidfd::open(failed(&mut child, b"image").await.detail.parse().unwrap());
        let end = attempt(&mut child, b"image").await;
        assert!(matches!(end, Err(SandboxError::Died(Exit::Code(0)))), "{end:?}");
        rustix::process::pidfd_send_signal(&grandchild, Signal::KILL).expect("it lives, with the socket open");
        assert!(pidfd::ends(&grandchild));
    }));
}

fn a_false_output_is_hostile() {
    for (name, what) in
        [("empty_output", "in bmp"), ("text_output", "in bmp"), ("other_format", "in bmp"), ("oversize_output", "1099511627776 bytes")]
    {
        is_hostile(name, what);
    }
}

fn an_image_beyond_the_limits_is_hostile() {
    is_hostile("oversize_image", "max_width is 1000, found 1001");
}
