//! Monitors: whoever asks hears of every end of a supervisor's children.

use std::sync::{Arc, PoisonError};

use actix::prelude::*;

use super::{Exit, Supervisor};

/// A child ended, for whatever reason; whether it is restarted is its supervisor's matter.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct Down {
    /// The id of its supervisor.
    pub supervisor: Arc<str>,
    /// Its own id.
    pub child: Arc<str>,
    /// Why it ended.
    pub exit: Exit,
}

/// Asks a supervisor for a [`Down`] per child that ends, from now on, also across the supervisor's own restarts.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Monitor(pub Recipient<Down>);

impl Handler<Monitor> for Supervisor {
    type Result = ();

    fn handle(&mut self, Monitor(monitor): Monitor, _: &mut Context<Self>) {
        self.plan.monitors.lock().unwrap_or_else(PoisonError::into_inner).push(monitor);
    }
}
