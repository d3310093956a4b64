//! What an upload is to become: in the client's words, and once they are understood.

use actix::{Context, Handler, Message, ResponseActFuture, WrapFuture, fut};

use crate::actors::frontend::{Frontend, FrontendError, assets, webhooks};
use crate::domain::access::Caller;
use crate::domain::blob::BlobMeta;
use crate::domain::pipeline::{Accepted, Pipeline, Variants};
use crate::domain::task::{Fingerprint, Idempotency, IdempotencyKey, Metadata, Priority, Retention};
use crate::domain::webhook::WebhookId;

/// The preset of an upload that names no pipeline.
const DEFAULT_PRESET: &str = "default";

/// What a client says about an upload beside its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters {
    /// What it is to become.
    pub wanted: Wanted,
    /// The formats that the client takes, for an output that is to be chosen.
    pub accepted: Accepted,
    /// What is kept with the task and shown again.
    pub metadata: Option<Metadata>,
    /// How soon it gets its turn.
    pub priority: Priority,
    /// How long the task is kept once it has ended; as the settings say if nothing is said.
    pub expires_in: Option<Retention>,
    /// Who is told when the task has ended.
    pub webhook: Option<WebhookId>,
}

/// What an upload is to become, in the words of the client.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Wanted {
    /// What the default preset makes of it.
    #[default]
    Default,
    /// What a pipeline in either form, or the preset of that name, makes of it.
    Pipeline(String),
    /// What the preset of that name makes of it.
    Preset(String),
    /// A result for each of some variants, in either form.
    Variants(String),
}

/// Parameters that were understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TaskSpec {
    /// What to make of the image.
    pub(crate) variants: Variants,
    /// What is kept with the task.
    pub(crate) metadata: Option<Metadata>,
    /// How soon it gets its turn.
    pub(crate) priority: Priority,
    /// How long the task is kept once it has ended.
    pub(crate) retention: Retention,
    /// Who is told when the task has ended.
    pub(crate) webhook: Option<WebhookId>,
}

impl TaskSpec {
    /// What makes this upload of an image the same as another one under the same key.
    pub(super) fn idempotency(&self, key: &IdempotencyKey, image: BlobMeta) -> Idempotency {
        let metadata = self.metadata.as_ref().map(Metadata::to_string).unwrap_or_default();
        let webhook = self.webhook.map(|webhook| webhook.to_string()).unwrap_or_default();
        let said = [self.variants.to_string(), metadata, self.retention.to_string(), self.priority.to_string(), webhook];
        Idempotency { key: key.clone(), fingerprint: Fingerprint::new(image.sha256, &said.each_ref().map(String::as_str)) }
    }
}

/// Asks what parameters mean, before they are used.
#[derive(Message)]
#[rtype(result = "Result<Understood, FrontendError>")]
pub struct ReadParameters {
    /// Who says them.
    pub caller: Caller,
    /// What is said.
    pub parameters: Parameters,
}

/// Parameters that can be used for an upload; what they say is the frontend's business.
#[derive(Debug, Clone)]
pub struct Understood(pub(super) TaskSpec);

impl Handler<ReadParameters> for Frontend {
    type Result = ResponseActFuture<Self, Result<Understood, FrontendError>>;

    fn handle(&mut self, ReadParameters { caller, parameters }: ReadParameters, _: &mut Context<Self>) -> Self::Result {
        let spec = match self.read(parameters) {
            Ok(spec) => spec,
            Err(error) => return Box::pin(fut::ready(Err(error))),
        };
        let services = self.services.clone();
        let there = async move {
            assets::are_stored(&services, &spec.variants).await?;
            webhooks::is_own(&services, caller, spec.webhook).await?;
            Ok(Understood(spec))
        };
        Box::pin(there.into_actor(self))
    }
}

impl Frontend {
    /// Reads parameters by the settings in force; with what the client accepts, so that every attempt makes the same of the image.
    ///
    /// # Errors
    /// When what is wanted cannot be read, or has more steps than it may.
    pub(super) fn read(
        &self,
        Parameters { wanted, accepted, metadata, priority, expires_in, webhook }: Parameters,
    ) -> Result<TaskSpec, FrontendError> {
        let presets = self.live.presets();
        let variants = match wanted {
            Wanted::Default => Variants::only(Pipeline::parse_with(DEFAULT_PRESET, presets)?),
            Wanted::Pipeline(text) => Variants::only(Pipeline::parse_with(&text, presets)?),
            Wanted::Preset(name) => Variants::only(presets.find(&name)?.clone()),
            Wanted::Variants(text) => Variants::parse_with(&text, presets)?,
        };
        let variants = variants.accepting(accepted);
        variants.iter().try_for_each(|(_, pipeline)| self.live.limits().check_steps(pipeline))?;
        Ok(TaskSpec { variants, metadata, priority, retention: expires_in.unwrap_or(self.live.retention()), webhook })
    }
}
