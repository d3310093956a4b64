//! The leaves of the real tree: they roll dice for what goes wrong, and tell the reference of everything that happens to them.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use actix::prelude::*;
use safelight::actors::supervision::*;
use tokio::time::Instant;

use super::{
    random_tree::{INITS, TERMINATES},
    reference::Reference,
    table::{Event, Id, Ms, Table},
};

/// What the puppets, the driver and the reference share.
#[derive(Clone)]
pub(crate) struct World(Arc<Mutex<Inner>>);

pub(crate) struct Inner {
    pub(crate) reference: Reference,
    pub(crate) dice: fastrand::Rng,
    pub(crate) trace: Vec<String>,
    /// The address of each leaf that has lived, by its row.
    pub(crate) addrs: Vec<Option<Addr<Puppet>>>,
    /// In a hundred: how often an init, an ending, or a drop goes wrong.
    pub(crate) mishaps: u8,
    begin: Instant,
}

impl World {
    pub(crate) fn new(reference: Reference, dice: fastrand::Rng) -> Self {
        let addrs = vec![None; reference.table().nodes.len()];
        Self(Arc::new(Mutex::new(Inner { reference, dice, trace: Vec::new(), addrs, mishaps: 0, begin: Instant::now() })))
    }

    /// Another mutex holder's panic is part of the game.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// What the tree looks like to the reference now.
    pub(crate) fn table(&self) -> Table {
        let mut inner = self.lock();
        let now = inner.now();
        inner.reference.advance(now);
        inner.reference.table().clone()
    }

    pub(crate) fn tell(&self, id: Id, event: &Event) {
        let mut inner = self.lock();
        let now = inner.now();
        let line = format!("{now:>7} {} {event:?}", inner.reference.table().nodes[id].name);
        inner.trace.push(line);
        inner.reference.hear(id, event, now);
    }
}

impl Inner {
    pub(crate) fn now(&self) -> Ms {
        self.begin.elapsed().as_millis() as Ms
    }

    fn mishap(&mut self) -> bool {
        self.dice.u8(0..100) < self.mishaps
    }
}

/// A leaf, known to the reference by its row.
pub(crate) struct Puppet {
    id: Id,
    world: World,
    /// Messages handled in this life.
    count: u32,
    lives: bool,
}

impl Puppet {
    pub(crate) fn new(id: Id, world: &World) -> Self {
        Self { id, world: world.clone(), count: 0, lives: false }
    }

    /// Ends this actor in the given way, after telling so.
    fn fail(&self, how: Fail, ctx: &mut Context<Self>) {
        let normally = matches!(how, Fail::Stop | Fail::ExitNormally);
        self.world.tell(self.id, &Event::Fails { normally });
        match how {
            Fail::Stop => ctx.stop(),
            Fail::ExitNormally => exit(Exit::Shutdown),
            Fail::Exit => exit(Exit::InitFailed("not really".to_owned())),
            Fail::InHandler | Fail::InAsyncHandler | Fail::InSpawnedFuture => panic!("a planted panic"),
        }
    }
}

impl Actor for Puppet {
    type Context = Context<Self>;
}

impl Supervised for Puppet {}

impl Service for Puppet {
    fn init(&mut self, ctx: &mut Context<Self>) -> ResponseActFuture<Self, InitResult> {
        self.world.tell(self.id, &Event::Init { dirty: self.count > 0 || self.lives });
        self.lives = true;
        let (pause, how) = {
            let mut world = self.world.lock();
            world.addrs[self.id] = Some(ctx.address());
            let pause = world.dice.choice(INITS).unwrap_or_default();
            (pause, world.mishap().then(|| world.dice.u8(0..5)))
        };
        if how == Some(0) {
            return Box::pin(std::future::pending().into_actor(self));
        }
        Box::pin(sleep(pause).into_actor(self).map(move |(), puppet, ctx| {
            match how {
                Some(1) => puppet.fail(Fail::Stop, ctx),
                Some(2) => puppet.fail(Fail::InHandler, ctx),
                Some(3) => puppet.fail(Fail::ExitNormally, ctx),
                Some(_) => {
                    puppet.world.tell(puppet.id, &Event::Fails { normally: false });
                    return Err("a planted error".into());
                }
                None => puppet.world.tell(puppet.id, &Event::Ready),
            }
            Ok(())
        }))
    }

    fn terminate(&mut self, _: Duration, _: &mut Context<Self>) -> ResponseActFuture<Self, ()> {
        self.world.tell(self.id, &Event::Terminate);
        let (pause, how) = {
            let mut world = self.world.lock();
            let pause = world.dice.choice(TERMINATES).unwrap_or_default();
            (pause, world.mishap().then(|| world.dice.bool()))
        };
        if how == Some(true) {
            return Box::pin(std::future::pending().into_actor(self));
        }
        Box::pin(sleep(pause).into_actor(self).map(move |(), puppet, ctx| {
            if how.is_some() {
                puppet.fail(Fail::InHandler, ctx);
            }
        }))
    }
}

impl Drop for Puppet {
    fn drop(&mut self) {
        if self.lives {
            self.world.tell(self.id, &Event::Gone);
            assert!(!self.world.lock().mishap(), "a planted panic in a drop");
        }
    }
}

/// A zero pause takes no turn of the runtime.
async fn sleep(pause: Ms) {
    if pause > 0 {
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}

/// Asks for the number of messages in this life.
#[derive(Message)]
#[rtype(result = "u32")]
pub(crate) struct Count;

impl Handler<Count> for Puppet {
    type Result = u32;

    fn handle(&mut self, _: Count, _: &mut Context<Self>) -> u32 {
        self.count += 1;
        self.count
    }
}

/// Ends an actor, in one of the ways there are.
#[derive(Message, Clone, Copy, Debug)]
#[rtype(result = "()")]
pub(crate) enum Fail {
    InHandler,
    InAsyncHandler,
    InSpawnedFuture,
    Stop,
    ExitNormally,
    Exit,
}

impl Fail {
    pub(crate) const ALL: [Fail; 6] =
        [Fail::InHandler, Fail::InAsyncHandler, Fail::InSpawnedFuture, Fail::Stop, Fail::ExitNormally, Fail::Exit];
}

impl Handler<Fail> for Puppet {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, how: Fail, ctx: &mut Context<Self>) -> Self::Result {
        self.count += 1;
        match how {
            Fail::InAsyncHandler => return Box::pin(fut::ready(()).map(move |(), puppet: &mut Self, ctx| puppet.fail(how, ctx))),
            Fail::InSpawnedFuture => {
                ctx.spawn(fut::ready(()).map(move |(), puppet: &mut Self, ctx| puppet.fail(how, ctx)));
            }
            _ => self.fail(how, ctx),
        }
        Box::pin(fut::ready(()))
    }
}
