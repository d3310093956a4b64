//! Why a child ended. What is done about it is decided in [`machine`](super::machine).

use std::panic::resume_unwind;

/// The reason a child ended, in OTP's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Exit {
    /// It stopped itself: its work is done.
    #[error("ended normally")]
    Normal,
    /// Its supervisor asked it to stop, and it did so in time.
    #[error("stopped on order")]
    Shutdown,
    /// It was asked to stop and did not do so within its deadline.
    #[error("killed at its deadline")]
    Killed,
    /// Its code panicked.
    #[error("panicked: {message}")]
    Panic {
        /// The text of the panic.
        message: String,
        /// `file:line:column` of the panic, where it is known.
        location: Option<String>,
    },
    /// A supervisor gave up: a child failed too often or could not be started.
    #[error("{child}: {cause}")]
    Escalated {
        /// The id of the child that could not be kept alive.
        child: String,
        /// What that child ended with at last.
        cause: Box<Exit>,
    },
    /// [`Service::init`](super::Service::init) returned an error, took too long, or the service stopped before it was ready.
    #[error("init failed: {0}")]
    InitFailed(String),
    /// The arbiter it lived on is gone or does not respond any more. Its mailbox went with it, so it cannot be restarted.
    #[error("lost: its arbiter is gone or does not respond")]
    Lost,
}

impl Exit {
    /// Whether a transient child that ended so is left alone.
    pub fn is_normal(&self) -> bool {
        matches!(self, Exit::Normal | Exit::Shutdown)
    }

    /// Whether a restart cannot help, so that every supervisor above passes it on at once.
    pub fn is_final(&self) -> bool {
        matches!(self.root_cause(), Exit::Lost)
    }

    /// The exit at the bottom of a chain of escalations.
    pub fn root_cause(&self) -> &Exit {
        match self {
            Exit::Escalated { cause, .. } => cause.root_cause(),
            exit => exit,
        }
    }

    /// `file:line:column` of the panic it began with, if it began with one.
    pub fn location(&self) -> Option<&str> {
        match self.root_cause() {
            Exit::Panic { location, .. } => location.as_deref(),
            _ => None,
        }
    }
}

/// Ends the calling actor with `reason`, like Erlang's `exit/1`: its supervisor hears exactly that reason.
///
/// Only to be called inside a supervised actor: in a handler, in a spawned actor future, or in a hook of
/// [`Service`](super::Service).
///
/// # Panics
/// Always: that is how it leaves. The panic hook is not run.
pub fn exit(reason: Exit) -> ! {
    resume_unwind(Box::new(reason))
}
