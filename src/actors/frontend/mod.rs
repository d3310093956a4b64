//! The frontend: the one actor that HTTP talks to. It parses nothing of HTTP and stores nothing itself; it admits
//! uploads, asks the other services and puts their answers into the words of the outside.
//!
//! | file | what lives there |
//! |---|---|
//! | this one | the actor and `NewImage` |
//! | `upload` | the bytes on their way in |
//! | `submission` | an upload that becomes a task, to its acknowledgement |
//! | `reservations` | idempotency keys of uploads under way |
//! | `parameters` | what a client says about it, and what that means |
//! | `assets` | storing, reading and removing assets |
//! | `life` | `Cancel`, `Retry`, `Delete` |
//! | `files` | `GetImage`: originals and results |
//! | `lookup` | how one task is, asked without a turn of the actor: `IsReady`, `GetTask` |
//! | `questions` | pages of tasks, readiness |
//! | `watching` | waiting for the end of a task |
//! | `feed` | events, those that happened and those that happen |
//! | `explain` | what a pipeline would do |
//! | `settings`, `keys`, `webhooks`, `nodes` | the ways to the key-values, to the API keys, to the webhooks and to the nodes |
//! | `error` | what is answered when it cannot be done |

mod assets;
mod error;
mod explain;
mod feed;
mod files;
mod keys;
mod life;
mod lookup;
mod nodes;
mod parameters;
mod questions;
mod reservations;
mod settings;
mod submission;
mod upload;
mod watching;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, Message, ResponseActFuture, Supervised, WrapFuture, fut};
use serde_json::json;

use crate::actors::assets::Assets;
use crate::actors::janitor::Janitor;
use crate::actors::key_values::{GetLive, KeyValues, SettingsChanged};
use crate::actors::keys::Keys;
use crate::actors::master::{Admit, Master, Permit};
use crate::actors::nodes::Nodes;
use crate::actors::notifier::Notifier;
use crate::actors::storage::{AdmitBytes, Storage};
use crate::actors::supervision::{Details, InitResult, Service};
use crate::actors::task_db::TaskDb;
use crate::actors::webhooks::Webhooks;
use crate::actors::workers::Inspector;
use crate::config::Live;
use crate::domain::access::Caller;
use crate::domain::faults;
use crate::domain::node::Role;
use crate::domain::task::IdempotencyKey;

pub use crate::stores::assets::StoredAsset;
pub use crate::stores::tasks::{Cursor as TaskCursor, TaskPage, TaskQuery, TaskView};
pub use assets::{AssetFile, AssetPage, AssetQuery, DeleteAsset, GetAsset, ListAssets, PutAsset};
pub use error::FrontendError;
pub use explain::Explain;
pub use feed::{Feed, OpenFeed, Told};
pub use files::{GetImage, Image, Part};
pub use keys::{CreateKey, Gate, GetKey, ListKeys, NotAdmitted, RevokeKey, RotateKey, ShownKey};
pub use life::{Cancel, Delete, Retry};
pub use lookup::{GetTask, IsReady, Lookup, Readiness};
pub use nodes::ListNodes;
pub use parameters::{Parameters, ReadParameters, Understood, Wanted};
pub use questions::{GetReadiness, ListTasks};
pub use settings::{DeleteSetting, GetSetting, ListSettings, PutSetting, Setting};
pub use submission::{AcceptedTask, Submission};
pub use upload::Upload;
pub use watching::{WatchEnd, await_end};
pub use webhooks::{
    AddWebhook, AskWebhooks, DeliveriesOf, DeliveryPage, DeliveryQuery, FindWebhook, ListWebhooks, RemoveWebhook, ReplayDelivery,
    RotateWebhook, ShownWebhook, WebhooksError,
};

use parameters::TaskSpec;
use reservations::{Reservation, Reservations};
use submission::Admitted;

/// How long another service may take to answer; whoever asked the frontend is then told to try again.
const ASK_DEADLINE: Duration = Duration::from_secs(8);

/// The services that the frontend asks.
#[derive(Clone)]
pub struct Services {
    /// What this server is for.
    pub role: Role,
    /// Settings.
    pub key_values: Addr<KeyValues>,
    /// API keys.
    pub keys: Addr<Keys>,
    /// Blobs.
    pub storage: Addr<Storage>,
    /// Tasks.
    pub task_db: Addr<TaskDb>,
    /// Names of assets.
    pub assets: Addr<Assets>,
    /// Decodes what is to become an asset.
    pub inspector: Inspector,
    /// Admission, and whoever has a task in hand.
    pub master: Addr<Master>,
    /// Who waits, and events.
    pub notifier: Addr<Notifier>,
    /// Endpoints that are told when tasks have ended.
    pub webhooks: Addr<Webhooks>,
    /// Removes what was deleted.
    pub janitor: Addr<Janitor>,
    /// The servers.
    pub nodes: Addr<Nodes>,
}

/// What the frontend counts since its last start.
#[derive(Debug, Default, Clone, Copy)]
struct FrontendCounters {
    uploading: u64,
    storing_assets: u64,
    accepted: u64,
    replayed: u64,
    not_accepted: u64,
}

/// The actor. Its state is the settings in force and its counters; both are fresh after a restart.
pub struct Frontend {
    services: Services,
    live: Arc<Live>,
    reservations: Reservations,
    counters: FrontendCounters,
}

impl Frontend {
    /// A frontend that asks `services` and begins with the settings of the configuration.
    #[must_use]
    pub fn new(services: Services, live: Arc<Live>) -> Self {
        Self { services, live, reservations: Reservations::default(), counters: FrontendCounters::default() }
    }

    /// Reads what is said about an upload and reserves its key, before anything else is asked.
    fn begin(
        &self,
        caller: Caller,
        parameters: Parameters,
        key: Option<IdempotencyKey>,
    ) -> Result<(TaskSpec, Option<Reservation>), FrontendError> {
        let spec = self.read(parameters)?;
        Ok((spec, key.map(|key| self.reservations.reserve(caller.key(), key)).transpose()?))
    }

    /// Opens the upload that was admitted; its steps run beside whatever else the frontend does, client or no client.
    fn open_upload(&mut self, spec: TaskSpec, length: Option<u64>, admitted: Admitted, context: &mut Context<Self>) -> Submission {
        let (submission, submitted, verdict_in) = Submission::channel(spec, length);
        self.counters.uploading += 1;
        let accepted = submission::accept(self.services.clone(), admitted, submitted).into_actor(self);
        context.spawn(accepted.map(|verdict, frontend, _| {
            frontend.count(&verdict);
            // A client that is gone does not hear it.
            let _ = verdict_in.send(verdict);
        }));
        submission
    }

    fn count(&mut self, verdict: &Result<AcceptedTask, FrontendError>) {
        self.counters.uploading -= 1;
        match verdict {
            Ok(AcceptedTask { task, replayed: true, .. }) => {
                self.counters.replayed += 1;
                log::info!(task:% = task.id; "upload sent again");
            }
            Ok(AcceptedTask { task, .. }) => {
                self.counters.accepted += 1;
                log::info!(task:% = task.id; "task accepted");
            }
            Err(error) => {
                self.counters.not_accepted += 1;
                log::info!(code:% = error.code(); "upload not accepted");
            }
        }
    }
}

impl Actor for Frontend {
    type Context = Context<Self>;
}

impl Supervised for Frontend {}

impl Service for Frontend {
    fn init(&mut self, _: &mut Context<Self>) -> ResponseActFuture<Self, InitResult> {
        let live = self.services.key_values.send(GetLive).timeout(ASK_DEADLINE);
        Box::pin(live.into_actor(self).map(|live, frontend, _| {
            frontend.live = live?;
            Ok(())
        }))
    }

    fn inspect(&self) -> Details {
        let FrontendCounters { uploading, storing_assets, accepted, replayed, not_accepted } = self.counters;
        let details = json!({ "queue_depth": uploading, "storing_assets": storing_assets, "accepted": accepted, "replayed": replayed, "not_accepted": not_accepted });
        details.as_object().cloned().unwrap_or_default()
    }
}

impl Handler<SettingsChanged> for Frontend {
    type Result = ();

    fn handle(&mut self, SettingsChanged(live): SettingsChanged, _: &mut Context<Self>) {
        self.live = live;
    }
}

/// What an upload needs before its body is read: the assets that its pipelines name, room on the disk, and a permit.
async fn admit(services: Services, caller: Caller, spec: TaskSpec, length: Option<u64>) -> Result<(TaskSpec, Permit), FrontendError> {
    assets::are_stored(&services, &spec.variants).await?;
    services.storage.send(AdmitBytes { length }).timeout(ASK_DEADLINE).await??;
    let permit = services.master.send(Admit { caller, length }).timeout(ASK_DEADLINE).await??;
    Ok((spec, permit))
}

/// Asks to upload an image; the reply is where its bytes go.
#[derive(Message)]
#[rtype(result = "Result<Submission, FrontendError>")]
pub struct NewImage {
    /// Whose it will be.
    pub caller: Caller,
    /// What is said about it so far.
    pub parameters: Parameters,
    /// The length of the image in bytes, where the client announced it.
    pub length: Option<u64>,
    /// A bound on the length, where the client announced that of something around the image.
    pub at_most: Option<u64>,
    /// The key under which the client may send it again.
    pub idempotency_key: Option<IdempotencyKey>,
}

impl Handler<NewImage> for Frontend {
    type Result = ResponseActFuture<Self, Result<Submission, FrontendError>>;

    fn handle(&mut self, new_image: NewImage, _: &mut Context<Self>) -> Self::Result {
        faults::point("frontend.new_image");
        let NewImage { caller, parameters, length, at_most, idempotency_key } = new_image;
        let (spec, reservation) = match self.begin(caller, parameters, idempotency_key) {
            Ok(begun) => begun,
            Err(error) => return Box::pin(fut::ready(Err(error))),
        };
        let admitted = admit(self.services.clone(), caller, spec, length.or(at_most)).into_actor(self);
        Box::pin(admitted.map(move |admitted, frontend, context| {
            let (spec, permit) = admitted?;
            Ok(frontend.open_upload(spec, length, Admitted { caller: caller.key(), permit, reservation }, context))
        }))
    }
}
