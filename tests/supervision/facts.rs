//! Facts about actix that supervision exists because of. When one of these fails, actix has changed: read `cell.rs` again.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    rc::Rc,
    task::{Context as TaskContext, Waker},
    time::Duration,
};

use actix::prelude::*;

use crate::harness::run;

#[derive(Default)]
struct Plain {
    count: u32,
    restarted: u32,
}

impl Actor for Plain {
    type Context = Context<Self>;
}

impl Supervised for Plain {
    fn restarting(&mut self, _: &mut Context<Self>) {
        self.restarted += 1;
    }
}

#[derive(Message)]
#[rtype(result = "u32")]
struct Add;

#[derive(Message)]
#[rtype(result = "()")]
enum Fail {
    Panic,
    PanicInResponseFuture,
    Stop,
}

impl Handler<Add> for Plain {
    type Result = u32;

    fn handle(&mut self, _: Add, _: &mut Context<Self>) -> u32 {
        self.count += 1;
        self.count
    }
}

impl Handler<Fail> for Plain {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, fail: Fail, ctx: &mut Context<Self>) -> Self::Result {
        match fail {
            Fail::Panic => panic!("kaboom"),
            Fail::PanicInResponseFuture => return Box::pin(async { panic!("kaboom nobody hears of") }),
            Fail::Stop => ctx.stop(),
        }
        Box::pin(async {})
    }
}

#[test]
fn actix_restarts_an_actor_that_stops_with_its_old_state() {
    run(async {
        let addr = Supervisor::start(|_| Plain::default());
        assert_eq!(addr.send(Add).await, Ok(1));
        addr.do_send(Fail::Stop);
        assert_eq!(addr.send(Add).await, Ok(2), "the state is the old one");
    });
}

#[test]
fn actix_does_not_restart_an_actor_that_panics() {
    run(async {
        let addr = Supervisor::start(|_| Plain::default());
        assert_eq!(addr.send(Fail::Panic).await, Err(MailboxError::Closed));
        assert_eq!(addr.send(Add).await, Err(MailboxError::Closed));
    });
}

#[test]
fn a_response_future_that_panics_leaves_the_actor_none_the_wiser() {
    run(async {
        let addr = Plain::default().start();
        assert_eq!(addr.send(Fail::PanicInResponseFuture).await, Err(MailboxError::Closed));
        assert_eq!(addr.send(Add).await, Ok(1));
    });
}

#[test]
fn a_mailbox_bound_is_no_back_pressure() {
    run(async {
        let addr = Plain::default().start();
        let accepted = (0..1000).filter(|_| addr.clone().try_send(Add).is_ok()).count();
        assert_eq!(accepted, 1000, "every clone has a slot of its own");
    });
}

#[test]
fn dropping_a_send_cancels_the_message() {
    run(async {
        let addr = Plain::default().start();
        drop(addr.send(Add));
        assert_eq!(addr.send(Add).await, Ok(1), "the first was never handled");
    });
}

#[test]
fn an_actor_that_stops_in_started_restarts_without_bound() {
    struct Hasty(u32);
    impl Actor for Hasty {
        type Context = Context<Self>;
        fn started(&mut self, ctx: &mut Context<Self>) {
            self.0 += 1;
            if self.0 < 100_000 {
                ctx.stop();
            }
        }
    }
    impl Supervised for Hasty {}
    impl Handler<Add> for Hasty {
        type Result = u32;
        fn handle(&mut self, _: Add, _: &mut Context<Self>) -> u32 {
            self.0
        }
    }
    run(async {
        let addr = Supervisor::start(|_| Hasty(0));
        assert_eq!(addr.send(Add).await, Ok(100_000));
    });
}

#[test]
fn after_a_panic_around_its_poll_a_context_restarts_with_mailbox_and_address() {
    run(async {
        let ctx = Context::new();
        let addr = ctx.address();
        let mut life = ctx.into_future(Plain::default());
        let failing = addr.send(Fail::Panic);
        let queued = addr.clone().send(Add);
        let mut task = TaskContext::from_waker(Waker::noop());

        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(&mut life).poll(&mut task)));
        assert!(polled.is_err());
        assert!(life.restart());
        assert!(Pin::new(&mut life).poll(&mut task).is_pending());
        assert_eq!(failing.await, Err(MailboxError::Closed));
        assert_eq!(queued.await, Ok(1));
    });
}

#[test]
fn after_a_panic_the_broken_actor_is_still_asked_whether_it_stops() {
    struct Broken(Rc<Cell<bool>>);
    impl Actor for Broken {
        type Context = Context<Self>;
        fn stopping(&mut self, _: &mut Context<Self>) -> Running {
            self.0.set(true);
            Running::Stop
        }
    }
    impl Handler<Add> for Broken {
        type Result = u32;
        fn handle(&mut self, _: Add, _: &mut Context<Self>) -> u32 {
            panic!("kaboom")
        }
    }
    run(async {
        let asked = Rc::new(Cell::new(false));
        let addr = Broken(asked.clone()).start();
        assert_eq!(addr.send(Add).await, Err(MailboxError::Closed));
        assert!(asked.get());
    });
}

#[test]
fn a_sync_arbiter_loses_a_thread_per_panic_and_asserts_after_the_last() {
    struct Worker;
    impl Actor for Worker {
        type Context = SyncContext<Self>;
    }
    impl Handler<Add> for Worker {
        type Result = u32;
        fn handle(&mut self, _: Add, _: &mut SyncContext<Self>) -> u32 {
            panic!("kaboom")
        }
    }
    System::new().block_on(async {
        let addr = SyncArbiter::start(1, || Worker);
        // With its only thread the queue goes; the actor in front of it still takes messages, until one makes it assert that.
        while addr.connected() {
            assert_eq!(addr.send(Add).await, Err(MailboxError::Closed), "no thread takes the place of the one that is gone");
        }
    });
}

#[test]
fn a_stopped_arbiter_closes_the_addresses_on_it() {
    let system = System::new();
    system.block_on(async {
        let arbiter = Arbiter::new();
        let addr = Plain::start_in_arbiter(&arbiter.handle(), |_| Plain::default());
        assert_eq!(addr.send(Add).await, Ok(1));
        arbiter.stop();
        arbiter.join().expect("its thread ends");
        let answer = tokio::time::timeout(Duration::from_secs(30), addr.send(Add)).await.expect("no send hangs");
        assert_eq!(answer, Err(MailboxError::Closed));
    });
}
