//! The courier: carries one delivery to its endpoint, once, and says what came of it. Each goes on a thread of its own, since the client
//! blocks; the actor bounds how many there are. The threads are waited for by nobody: a server that stops does not wait for endpoints.

use std::io::{self, Read};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use ureq::Agent;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, Resolver};
use ureq::unversioned::transport::{Connector, DefaultConnector, NextTimeout, time};

use crate::actors::webhooks::guard::{Guard, NotPublic};
use crate::domain::timestamp::Timestamp;
use crate::domain::webhook::{Attempted, Delivery, Webhook, WebhookUrl};

/// How much of an answer is read, in bytes; what it says is its status.
const MAX_ANSWER: u64 = 64 << 10;

/// The longest head of an answer, in bytes.
const MAX_ANSWER_HEAD: usize = 32 << 10;

/// How long the addresses of a new endpoint may take to be found: somebody waits for it.
const LOOK_UP: Duration = Duration::from_secs(5);

/// How endpoints are reached.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    /// Whether addresses that are not public are good.
    pub allow_private: bool,
    /// Whether plain http is.
    pub allow_http: bool,
    /// How long one attempt may take.
    pub deadline: Duration,
}

/// Why an endpoint is none that the server would send to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    /// Not by https.
    #[error("the URL must begin with https://; this server sends nothing that can be read on the way (webhooks.allow_http)")]
    Plain,
    /// Not public.
    #[error("the host has an address that is not public, and this server sends to public ones only (webhooks.allow_private)")]
    NotPublic,
    /// No such host, as far as it can be told now.
    #[error("the host is not known: {0}")]
    UnknownHost(String),
}

/// What carries deliveries.
#[derive(Clone)]
pub struct Courier {
    agent: Agent,
    guard: Arc<dyn Resolver>,
    reach: Reach,
}

impl Courier {
    /// One that asks the system for addresses.
    #[must_use]
    pub fn new(reach: Reach) -> Self {
        Self::with(reach, DefaultConnector::default(), DefaultResolver::default)
    }

    /// One that connects and resolves in its own way.
    fn with<R: Resolver>(reach: Reach, connector: impl Connector, resolver: impl Fn() -> R) -> Self {
        let guard = || Guard::new(resolver(), reach.allow_private);
        // A redirect is an answer like any other, and no good one: it could lead to where the guard has not looked. A connection is used
        // once, so that each attempt resolves anew; a proxy, which resolves by itself, is never asked.
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .https_only(!reach.allow_http)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .max_idle_connections(0)
            .max_response_header_size(MAX_ANSWER_HEAD)
            .timeout_global(Some(reach.deadline))
            .user_agent(concat!("safelight/", env!("CARGO_PKG_VERSION"), " (webhooks)"))
            .accept("*/*")
            .build();
        Self { agent: Agent::with_parts(config, connector, guard()), guard: Arc::new(guard()), reach }
    }

    /// Whether deliveries would be sent there, as it looks now.
    ///
    /// # Errors
    /// [`Unreachable`].
    pub async fn check(&self, url: WebhookUrl) -> Result<(), Unreachable> {
        if url.is_plain() && !self.reach.allow_http {
            return Err(Unreachable::Plain);
        }
        let courier = self.clone();
        aside(move || courier.look_up(&url)).await.unwrap_or_else(|why| Err(Unreachable::UnknownHost(why)))
    }

    fn look_up(&self, url: &WebhookUrl) -> Result<(), Unreachable> {
        let uri: Uri = url.as_str().parse().map_err(|error| Unreachable::UnknownHost(format!("{error}")))?;
        let timeout = NextTimeout { after: time::Duration::Exact(LOOK_UP), reason: ureq::Timeout::Resolve, ..NextTimeout::default() };
        match self.guard.resolve(&uri, self.agent.config(), timeout) {
            Ok(_) => Ok(()),
            Err(error) if is_not_public(&error) => Err(Unreachable::NotPublic),
            Err(error) => Err(Unreachable::UnknownHost(error.to_string())),
        }
    }

    /// Sends a delivery, once.
    pub async fn deliver(&self, webhook: Webhook, delivery: Delivery) -> Attempted {
        let agent = self.agent.clone();
        let sent = aside(move || send(&agent, &webhook, &delivery)).await;
        match sent {
            Ok(Ok(status)) => Attempted::Answered(status),
            Ok(Err(error)) => Attempted::Unanswered(error.to_string()),
            Err(why) => Attempted::Unanswered(why),
        }
    }
}

fn is_not_public(error: &ureq::Error) -> bool {
    matches!(error, ureq::Error::Io(error) if error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<NotPublic>))
}

fn send(agent: &Agent, webhook: &Webhook, delivery: &Delivery) -> Result<u16, ureq::Error> {
    let now = Timestamp::now();
    let answer = agent
        .post(webhook.url.as_str())
        .header("content-type", "application/json")
        .header("webhook-id", delivery.id.to_string())
        .header("webhook-timestamp", (now.0 / 1000).to_string())
        .header("webhook-signature", webhook.signatures(delivery.id, &delivery.body, now))
        .send(delivery.body.as_str())?;
    let status = answer.status().as_u16();
    // Read to its end where that is near, so that the endpoint's side is closed in order; what becomes of it changes nothing.
    let _ = io::copy(&mut answer.into_body().into_reader().take(MAX_ANSWER), &mut io::sink());
    Ok(status)
}

/// Runs something that blocks, on a thread of its own.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    let (answer_in, answer) = oneshot::channel();
    let thread = thread::Builder::new().name("webhook".to_owned()).spawn(move || {
        // Whoever asked may be gone.
        let _ = answer_in.send(work());
    });
    match thread {
        Ok(_) => answer.await.map_err(|_| "the attempt failed by a defect of the server".to_owned()),
        Err(error) => Err(format!("no thread could be started: {error}")),
    }
}

#[cfg(test)]
mod tests;
