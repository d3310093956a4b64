//! Supervision as in OTP, for actix actors: child specifications, strategies, restarts with backoff, escalation, ordered start and stop.
//!
//! It knows no service. It exists because actix restarts an actor that stops but not one that panics (`tests/supervision/facts.rs` shows
//! what it does instead), and it is the only place that uses `actix::dev`.
//!
//! | file | what lives there |
//! |---|---|
//! | `service` | [`Service`]: what an actor must be to have a supervisor |
//! | `policy` | [`Restart`], [`Strategy`], [`Backoff`], [`Policy`] |
//! | `exit`, `panics` | [`Exit`]: why a child ended, and the place of its panic |
//! | `spec` | [`child()`], [`ChildSpec`]: what to start; the orders and reports behind it |
//! | `cell`, `life` | the task a child lives in; what it does to the actor's context from outside |
//! | `machine`, `child` | the decisions of a supervisor, without actors and timers |
//! | `supervisor`, `pool`, `root` | the actor that carries them out; children by number; the top of the tree |
//! | `parked` | [`Parked`]: replies that come later |
//! | `lifeline` | [`Lifeline`], [`Link`]: how others hear that a life is over |
//! | `tree`, `probe`, `monitor` | [`Tree`]: the state of everything; asking children; [`Down`]: news of every end |
//!
//! ```no_run
//! # use safelight::actors::supervision::*;
//! # use actix::prelude::*;
//! # struct KeyValues;
//! # impl Actor for KeyValues { type Context = Context<Self>; }
//! # impl Supervised for KeyValues {}
//! # impl Service for KeyValues {}
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let (key_values, key_values_addr) = child("key_values", Options::default(), || KeyValues);
//! let root = Root::start(Strategy::OneForOne, Policy::default(), vec![key_values]).await?;
//! let tree = root.addr().send(Tree::default()).await?;
//! root.stop(std::time::Duration::from_secs(30)).await;
//! # Ok(())
//! # }
//! ```

mod cell;
mod child;
mod exit;
mod life;
mod lifeline;
mod machine;
mod monitor;
mod panics;
mod parked;
mod policy;
mod pool;
mod probe;
mod root;
mod service;
mod spec;
mod supervisor;
mod tree;

pub use exit::{Exit, exit};
pub use lifeline::{Lifeline, Link};
pub use monitor::{Down, Monitor};
pub use parked::{Parked, ParkedReply, parked};
pub use policy::{Backoff, Policy, PolicyError, Restart, Strategy};
pub use pool::{NotAPool, Scale, Template, pool};
pub use root::{Root, RootError};
pub use service::{Details, InitResult, Service};
pub use spec::{ChildSpec, Mailbox, Options, child};
pub use supervisor::{DuplicateId, Supervisor, supervisor};
pub use tree::{Failure, Node, State, Tree};
