//! Backoff, its jitter, and the check that it cannot defeat the intensity.

use std::time::Duration;

use safelight::actors::supervision::*;
use tokio::time::Instant;

use crate::harness::*;

const MS: Duration = Duration::from_millis(1);

fn backoff(jitter: f64) -> Backoff {
    Backoff { min: 100 * MS, max: 1000 * MS, jitter, reset_after: 10_000 * MS }
}

#[test]
fn pauses_double_up_to_the_longest() {
    let pauses: Vec<_> = (0..6).map(|earlier| backoff(0.0).pause(earlier, 0.7).as_millis()).collect();
    assert_eq!(pauses, [100, 200, 400, 800, 1000, 1000]);
    assert_eq!(backoff(0.0).pause(u32::MAX, 0.0), 1000 * MS);
}

#[test]
fn jitter_spreads_a_pause_to_both_sides() {
    let pauses = [0.0, 0.5, 1.0].map(|random| backoff(0.2).pause(0, random).as_millis());
    assert_eq!(pauses, [80, 100, 120]);
}

#[test]
fn a_period_that_the_pauses_outlast_is_refused() {
    // 100 + 200 + 400 + 800 = 1500 ms, with jitter up to 1800 ms.
    assert!(Policy::new(4, 1801 * MS, backoff(0.2)).is_ok());
    let refused = Policy::new(4, 1800 * MS, backoff(0.2)).unwrap_err();
    assert!(matches!(refused, PolicyError::EscalationUnreachable { longest, .. } if longest == 1800 * MS), "{refused}");
}

#[test]
fn backoffs_that_make_no_sense_are_refused() {
    assert_eq!(Policy::new(1, 9000 * MS, backoff(1.5)), Err(PolicyError::Jitter(1.5)));
    let upside_down = Backoff { min: 2 * MS, max: MS, jitter: 0.0, reset_after: MS };
    assert_eq!(Policy::new(1, 9000 * MS, upside_down), Err(PolicyError::MinAboveMax { min: 2 * MS, max: MS }));
}

/// Lets a child fail, and measures how long it is down.
async fn downtime(addr: &actix::Addr<Probe>) -> u128 {
    addr.do_send(Fail::InHandler);
    let begin = Instant::now();
    assert_eq!(addr.send(Count).await, Ok(1));
    begin.elapsed().as_millis()
}

#[test]
fn restarts_are_spaced_and_a_healthy_time_resets_them() {
    run(async {
        let (spec, addr) = Probe::child("a", Options::default(), &Journal::default(), &Script::default());
        let policy = Policy::new(9, Duration::from_secs(60), backoff(0.0)).unwrap();
        let _root = Root::start(Strategy::OneForOne, policy, vec![spec]).await.unwrap();
        let spaced = [downtime(&addr).await, downtime(&addr).await, downtime(&addr).await];
        tokio::time::sleep(backoff(0.0).reset_after).await;
        let reset = downtime(&addr).await;
        // A timer fires up to a millisecond late.
        assert!([100, 200, 400].iter().zip(spaced).all(|(want, is)| (*want..=want + 1).contains(&is)), "{spaced:?}");
        assert!((100..=101).contains(&reset), "{reset}");
    });
}

#[test]
fn failures_too_seldom_to_escalate_do_not_add_up() {
    run(async {
        let (spec, addr) = Probe::child("a", Options::default(), &Journal::default(), &Script::default());
        let policy = Policy::default();
        let _root = Root::start(Strategy::OneForOne, policy, vec![spec]).await.unwrap();
        let sustained = policy.period() / policy.intensity();
        for failure in 0..20 {
            tokio::time::sleep(sustained).await;
            let pause = downtime(&addr).await;
            assert!((80..=121).contains(&pause), "failure {failure}: {pause} ms");
        }
    });
}

#[test]
fn a_sibling_that_takes_a_child_along_does_not_make_it_less_healthy() {
    run(async {
        let (journal, script) = (Journal::default(), Script::default());
        let (first, first_addr) = Probe::child("a", Options::default(), &journal, &script);
        let (second, second_addr) = Probe::child("b", Options::default(), &journal, &script);
        let policy = Policy::new(9, Duration::from_secs(60), backoff(0.0)).unwrap();
        let _root = Root::start(Strategy::RestForOne, policy, vec![first, second]).await.unwrap();
        assert!((100..=101).contains(&downtime(&second_addr).await));
        for _ in 0..2 {
            tokio::time::sleep(backoff(0.0).reset_after * 2 / 3).await;
            downtime(&first_addr).await;
        }
        let pause = downtime(&second_addr).await;
        assert!((100..=101).contains(&pause), "up for long, though not in one life: {pause} ms");
    });
}

#[test]
fn jittered_pauses_differ_and_stay_in_their_range() {
    run(async {
        let (spec, addr) = Probe::child("a", Options::default(), &Journal::default(), &Script::default());
        let spread = Backoff { min: 1000 * MS, max: 1000 * MS, jitter: 0.5, reset_after: Duration::ZERO };
        let _root = Root::start(Strategy::OneForOne, Policy::new(20, Duration::from_secs(60), spread).unwrap(), vec![spec]).await.unwrap();
        let mut pauses = Vec::new();
        for _ in 0..20 {
            pauses.push(downtime(&addr).await);
        }
        assert!(pauses.iter().all(|pause| (500..=1501).contains(pause)), "{pauses:?}");
        assert!(pauses.iter().max() > pauses.iter().min(), "{pauses:?}");
    });
}

#[test]
fn no_backoff_takes_no_time() {
    run(async {
        let (spec, addr) = Probe::child("a", Options::default(), &Journal::default(), &Script::default());
        let _root = root(Strategy::OneForOne, vec![spec]).await;
        assert_eq!(downtime(&addr).await, 0);
    });
}

#[test]
fn a_group_waits_for_the_pause_of_the_child_that_failed() {
    run(async {
        let journal = Journal::default();
        let (a, _) = Probe::child("a", Options::default(), &journal, &Script::default());
        let (b, addr) = Probe::child("b", Options::default(), &journal, &Script::default());
        let policy = Policy::new(3, Duration::from_secs(60), backoff(0.0)).unwrap();
        let root = Root::start(Strategy::OneForAll, policy, vec![a, b]).await.unwrap();
        addr.do_send(Fail::InHandler);
        settle().await;
        let states: Vec<_> = root.addr().send(Tree::default()).await.unwrap().children.iter().map(|child| child.state).collect();
        assert_eq!(states, [State::Backoff, State::Backoff]);
        assert_eq!(addr.send(Count).await, Ok(1));
        assert_eq!(journal.take().join(" "), "+a +b -b -a +a +b");
    });
}
