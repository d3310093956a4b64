//! What the tests share: a system with virtual time, and an actor that writes down its life and fails on request.

use std::{
    future::Future,
    mem,
    sync::{Arc, Mutex},
    time::Duration,
};

use actix::prelude::*;
use safelight::actors::supervision::*;

/// Runs a test on an actix system of its own, with virtual time. A test that waits for a (virtual) year hangs.
pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
    System::with_tokio_rt(runtime).block_on(async {
        let limit = Duration::from_secs(365 * 24 * 3600);
        tokio::time::timeout(limit, test).await.expect("the test hangs")
    })
}

/// What happened, in order.
#[derive(Clone, Default)]
pub(crate) struct Journal(Arc<Mutex<Vec<String>>>);

impl Journal {
    pub(crate) fn note(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    /// Takes what was noted since the last call.
    pub(crate) fn take(&self) -> Vec<String> {
        mem::take(&mut self.0.lock().unwrap())
    }
}

/// What a probe does in its hooks; changed by the test from outside, as the world changes around a service.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script(Arc<Mutex<Plan>>);

#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// The next inits, first to last; then `Ok`.
    pub(crate) inits: Vec<Init>,
    /// How it answers an order to stop.
    pub(crate) terminate: Terminate,
    /// Whether dropping its state panics.
    pub(crate) drop_panics: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Init {
    Ok,
    Err,
    Panic,
    Stop,
    Hang,
    After(Duration),
}

#[derive(Clone, Debug, Default)]
pub(crate) enum Terminate {
    #[default]
    Ok,
    Panic,
    Hang,
    After(Duration),
}

impl Script {
    pub(crate) fn set(&self, change: impl FnOnce(&mut Plan)) {
        change(&mut self.0.lock().unwrap());
    }

    pub(crate) fn inits(inits: impl Into<Vec<Init>>) -> Self {
        let script = Self::default();
        script.set(|plan| plan.inits = inits.into());
        script
    }

    pub(crate) fn terminates(how: Terminate) -> Self {
        let script = Self::default();
        script.set(|plan| plan.terminate = how);
        script
    }

    fn next_init(&self) -> Init {
        let mut plan = self.0.lock().unwrap();
        if plan.inits.is_empty() { Init::Ok } else { plan.inits.remove(0) }
    }
}

/// Counts the messages of its life, and writes `+id` when ready, `-id` when dropped after that.
pub(crate) struct Probe {
    pub(crate) id: String,
    pub(crate) journal: Journal,
    pub(crate) script: Script,
    pub(crate) count: u32,
    ready: bool,
}

impl Probe {
    pub(crate) fn new(id: &str, journal: &Journal, script: &Script) -> Self {
        Self { id: id.to_owned(), journal: journal.clone(), script: script.clone(), count: 0, ready: false }
    }

    /// A child with this probe in it.
    pub(crate) fn child(id: &str, options: Options, journal: &Journal, script: &Script) -> (ChildSpec, Addr<Probe>) {
        let (name, journal, script) = (id.to_owned(), journal.clone(), script.clone());
        child(id, options, move || Probe::new(&name, &journal, &script))
    }
}

impl Actor for Probe {
    type Context = Context<Self>;
}

impl Supervised for Probe {}

impl Service for Probe {
    fn init(&mut self, ctx: &mut Context<Self>) -> ResponseActFuture<Self, InitResult> {
        let pause = match self.script.next_init() {
            Init::Ok => Duration::ZERO,
            Init::Err => return Box::pin(fut::ready(Err("no such file".into()))),
            Init::Panic => panic!("init of {}", self.id),
            Init::Hang => Duration::MAX,
            Init::After(pause) => pause,
            Init::Stop => {
                ctx.stop();
                return Box::pin(fut::ready(Ok(())));
            }
        };
        Box::pin(sleep(pause).into_actor(self).map(|(), probe, _| {
            probe.ready = true;
            probe.journal.note(format!("+{}", probe.id));
            Ok(())
        }))
    }

    fn terminate(&mut self, _: Duration, _: &mut Context<Self>) -> ResponseActFuture<Self, ()> {
        let how = self.script.0.lock().unwrap().terminate.clone();
        let pause = match how {
            Terminate::Ok => Duration::ZERO,
            Terminate::Panic => panic!("terminate of {}", self.id),
            Terminate::Hang => Duration::MAX,
            Terminate::After(pause) => pause,
        };
        Box::pin(sleep(pause).into_actor(self))
    }

    fn inspect(&self) -> Details {
        Details::from_iter([("count".to_owned(), self.count.into())])
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        if self.ready {
            self.journal.note(format!("-{}", self.id));
        }
        let panics = mem::take(&mut self.script.0.lock().unwrap().drop_panics);
        assert!(!panics, "drop of {}", self.id);
    }
}

/// A zero pause takes no turn of the runtime.
async fn sleep(pause: Duration) {
    if !pause.is_zero() {
        tokio::time::sleep(pause).await;
    }
}

/// Answers with the number of messages in this life.
#[derive(Message)]
#[rtype(result = "u32")]
pub(crate) struct Count;

impl Handler<Count> for Probe {
    type Result = u32;

    fn handle(&mut self, _: Count, _: &mut Context<Self>) -> u32 {
        self.count += 1;
        self.count
    }
}

/// Fails in one of the ways a handler can.
#[derive(Message, Clone)]
#[rtype(result = "()")]
pub(crate) enum Fail {
    InHandler,
    InAsyncHandler,
    InSpawnedFuture,
    Stop,
    Exit(Exit),
    /// Never answers, and lets no other message be handled.
    Block,
}

impl Handler<Fail> for Probe {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, fail: Fail, ctx: &mut Context<Self>) -> Self::Result {
        self.count += 1;
        match fail {
            Fail::InHandler => panic!("kaboom"),
            Fail::InAsyncHandler => {
                let later = tokio::task::yield_now().into_actor(self);
                return Box::pin(later.map(|(), _, _| panic!("kaboom later")));
            }
            Fail::InSpawnedFuture => {
                ctx.spawn(tokio::task::yield_now().into_actor(self).map(|(), _, _| panic!("kaboom aside")));
            }
            Fail::Stop => ctx.stop(),
            Fail::Exit(reason) => exit(reason),
            Fail::Block => ctx.wait(std::future::pending().into_actor(self)),
        }
        Box::pin(fut::ready(()))
    }
}

/// Five failures within a minute, no pauses.
pub(crate) fn policy() -> Policy {
    Policy::new(5, Duration::from_secs(60), Backoff::NONE).expect("a valid policy")
}

/// A root over these children, with [`policy`].
pub(crate) async fn root(strategy: Strategy, children: Vec<ChildSpec>) -> Root {
    Root::start(strategy, policy(), children).await.expect("the tree starts")
}

/// Lets everything that can happen now happen, without time passing (except for a millisecond).
pub(crate) async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}
