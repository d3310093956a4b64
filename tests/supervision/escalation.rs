//! Intensity, escalation from supervisor to supervisor, and the end of the root.

use std::time::Duration;

use actix::prelude::*;
use safelight::actors::supervision::*;

use crate::harness::*;

fn strict(intensity: u32, period: u64) -> Policy {
    Policy::new(intensity, Duration::from_secs(period), Backoff::NONE).unwrap()
}

#[test]
fn more_failures_than_the_intensity_end_the_root() {
    run(async {
        let journal = Journal::default();
        let (a, _) = Probe::child("a", Options::default(), &journal, &Script::default());
        let (b, addr) = Probe::child("b", Options::default(), &journal, &Script::default());
        let root = Root::start(Strategy::OneForOne, strict(2, 10), vec![a, b]).await.unwrap();
        for _ in 0..3 {
            addr.do_send(Fail::InHandler);
            settle().await;
        }
        let exit = root.ended().await;
        assert!(matches!(&exit, Exit::Escalated { child, cause } if child == "b" && matches!(**cause, Exit::Panic { .. })), "{exit}");
        assert_eq!(journal.take().join(" "), "+a +b -b +b -b +b -b -a", "the sibling is stopped before the end is told");
        assert_eq!(root.stop(Duration::from_secs(1)).await, exit, "stopping what has ended changes nothing");
    });
}

#[test]
fn failures_further_apart_than_the_period_are_forgotten() {
    run(async {
        let (spec, addr) = Probe::child("a", Options::default(), &Journal::default(), &Script::default());
        let root = Root::start(Strategy::OneForOne, strict(1, 10), vec![spec]).await.unwrap();
        for _ in 0..5 {
            addr.do_send(Fail::InHandler);
            tokio::time::sleep(Duration::from_secs(11)).await;
        }
        assert_eq!(addr.send(Count).await, Ok(1));
        assert_eq!(root.addr().send(Tree::default()).await.unwrap().children[0].restarts, 5);
    });
}

#[test]
fn a_supervisor_that_gives_up_is_restarted_by_its_own_with_all_addresses() {
    run(async {
        let journal = Journal::default();
        let (a, a_addr) = Probe::child("a", Options::default(), &journal, &Script::default());
        let (b, b_addr) = Probe::child("b", Options::default(), &journal, &Script::default());
        let (engine, engine_addr) = supervisor("engine", Strategy::OneForOne, strict(0, 10), vec![a, b]).unwrap();
        let root = root(Strategy::OneForOne, vec![engine]).await;
        assert_eq!(a_addr.send(Count).await, Ok(1));

        b_addr.do_send(Fail::InHandler);
        settle().await;
        assert_eq!((a_addr.send(Count).await, b_addr.send(Count).await), (Ok(1), Ok(1)), "same addresses, fresh state");
        assert_eq!(journal.take().join(" "), "+a +b -b -a +a +b");
        let tree = root.addr().send(Tree::default()).await.unwrap();
        assert_eq!((tree.children[0].restarts, tree.children[0].children.len()), (1, 2));
        assert_eq!(tree.children[0].last_failure.as_ref().unwrap().reason, "b: panicked: kaboom");
        assert_eq!(engine_addr.send(Tree::default()).await.unwrap().children[1].restarts, 0);
    });
}

#[test]
fn escalation_goes_up_to_the_root_and_names_the_way() {
    run(async {
        let (a, addr) = Probe::child("a", Options::default(), &Journal::default(), &Script::default());
        let (inner, _) = supervisor("inner", Strategy::OneForOne, strict(0, 1), vec![a]).unwrap();
        let (outer, _) = supervisor("outer", Strategy::OneForOne, strict(0, 1), vec![inner]).unwrap();
        let root = Root::start(Strategy::OneForOne, strict(0, 1), vec![outer]).await.unwrap();
        addr.do_send(Fail::InHandler);
        let exit = root.ended().await;
        assert_eq!(exit.to_string(), "outer: inner: a: panicked: kaboom");
        assert!(exit.location().is_some_and(|place| place.contains("harness.rs:")), "{exit:?}");
        drop(root);
        assert_eq!(addr.send(Count).await, Err(MailboxError::Closed), "no sender waits for a tree that is gone");
    });
}

#[test]
fn a_child_that_stops_as_soon_as_it_is_ready_is_bounded() {
    run(async {
        struct Hasty(Journal);
        impl Actor for Hasty {
            type Context = Context<Self>;
        }
        impl Supervised for Hasty {}
        impl Service for Hasty {
            fn init(&mut self, ctx: &mut Context<Self>) -> ResponseActFuture<Self, InitResult> {
                self.0.note("init");
                ctx.run_later(Duration::ZERO, |_, ctx| ctx.stop());
                Box::pin(fut::ready(Ok(())))
            }
        }
        let journal = Journal::default();
        let made = journal.clone();
        let (spec, _) = child("hasty", Options::default(), move || Hasty(made.clone()));
        let root = root(Strategy::OneForOne, vec![spec]).await;
        assert_eq!(root.ended().await.to_string(), "hasty: ended normally");
        assert_eq!(journal.take().len(), 6, "the start and five restarts");
    });
}

/// `Actor::started` ought not to be used; one that is, and stops there, must not spin or leave the used state in place.
#[test]
fn an_actor_that_stops_in_started_is_bounded() {
    struct Stopper {
        journal: Journal,
        used: bool,
    }
    impl Actor for Stopper {
        type Context = Context<Self>;
        fn started(&mut self, ctx: &mut Context<Self>) {
            self.journal.note(if self.used { "started, used" } else { "started" });
            if std::mem::replace(&mut self.used, true) {
                ctx.stop();
            }
        }
    }
    impl Supervised for Stopper {}
    impl Service for Stopper {}
    impl Handler<Fail> for Stopper {
        type Result = ();
        fn handle(&mut self, _: Fail, _: &mut Context<Self>) {
            panic!("kaboom");
        }
    }
    run(async {
        let journal = Journal::default();
        let notes = journal.clone();
        let (spec, addr) = child("stopper", Options::default(), move || Stopper { journal: notes.clone(), used: false });
        let root = root(Strategy::OneForOne, vec![spec]).await;
        addr.do_send(Fail::InHandler);
        let exit = root.ended().await;
        assert_eq!(exit.to_string(), "stopper: init failed: it stopped in `Actor::started`; use `Service::init`");
        assert!(journal.take().len() < 20);
    });
}

#[test]
fn a_restart_that_fails_to_start_counts_like_any_failure() {
    run(async {
        let script = Script::inits([Init::Ok, Init::Err, Init::Panic, Init::Stop]);
        let (spec, addr) = Probe::child("a", Options::default(), &Journal::default(), &script);
        let root = Root::start(Strategy::OneForOne, strict(4, 10), vec![spec]).await.unwrap();
        addr.do_send(Fail::InHandler);
        assert_eq!(addr.send(Count).await, Ok(1), "the fourth restart works");
        assert_eq!(root.addr().send(Tree::default()).await.unwrap().children[0].restarts, 4);
        script.set(|plan| plan.inits = vec![Init::Err; 9]);
        addr.do_send(Fail::InHandler);
        assert_eq!(root.ended().await.to_string(), "a: panicked: kaboom", "the fifth failure");
    });
}

/// In one and the same turn the supervisor `late` hears that its child failed to start, and that it must stop.
#[test]
fn a_supervisor_that_fails_to_start_while_it_is_told_to_stop_goes_down() {
    run(async {
        let journal = Journal::default();
        let script = Script::inits([Init::Ok, Init::Ok, Init::Ok, Init::Err]);
        let (a, a_addr) = Probe::child("a", Options::default(), &journal, &script);
        let (b, _) = Probe::child("b", Options::default(), &journal, &Script::inits([Init::Ok, Init::Panic]));
        let (early, _) = supervisor("early", Strategy::RestForOne, strict(1, 10), vec![a]).unwrap();
        let (late, late_addr) = supervisor("late", Strategy::OneForAll, strict(4, 10), vec![b]).unwrap();
        let root = root(Strategy::OneForAll, vec![early, late]).await;
        for _ in 0..3 {
            a_addr.do_send(Fail::InHandler);
        }
        settle().await;
        assert_eq!(late_addr.send(Tree::default()).await.unwrap().children[0].state, State::Running);
        assert_eq!(root.stop(Duration::from_secs(10)).await, Exit::Shutdown);
    });
}

#[test]
fn failures_during_an_escalation_do_not_disturb_it() {
    run(async {
        let journal = Journal::default();
        let options = Options { shutdown: Duration::from_secs(2), ..Options::default() };
        let (a, _) = Probe::child("a", options.clone(), &journal, &Script::terminates(Terminate::Panic));
        let (b, b_addr) = Probe::child("b", options.clone(), &journal, &Script::terminates(Terminate::Hang));
        let (c, c_addr) = Probe::child("c", options, &journal, &Script::default());
        let root = Root::start(Strategy::OneForOne, strict(0, 10), vec![a, b, c]).await.unwrap();
        c_addr.do_send(Fail::InHandler);
        settle().await;
        b_addr.do_send(Fail::InHandler);
        assert_eq!(root.ended().await.to_string(), "c: panicked: kaboom");
        assert_eq!(journal.take().join(" "), "+a +b +c -c -b -a");
    });
}
