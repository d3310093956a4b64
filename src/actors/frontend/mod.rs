//! The frontend: the one actor that HTTP talks to. It parses nothing of HTTP and stores nothing itself; it admits
//! uploads, asks the other services and puts their answers into the words of the outside.
//!
//! | file | what lives there |
//! |---|---|
//! | this one | the actor and `NewImage` |
//! | `upload` | one upload, from its first byte to the acknowledgement |
//! | `assets` | storing, reading and removing assets |
//! | `questions` | `IsReady`, `GetImage`, tasks, readiness |
//! | `explain` | what a pipeline would do |
//! | `settings` | the way to the key-values |
//! | `error` | what is answered when it cannot be done |

mod assets;
mod error;
mod explain;
mod questions;
mod settings;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, Message, ResponseActFuture, Supervised, WrapFuture, fut};
use serde_json::json;

use crate::actors::assets::Assets;
use crate::actors::key_values::{GetLive, KeyValues, SettingsChanged};
use crate::actors::master::{Admit, Master, Permit};
use crate::actors::storage::Storage;
use crate::actors::supervision::{Details, InitResult, Service};
use crate::actors::task_db::TaskDb;
use crate::actors::workers::Inspector;
use crate::config::Live;
use crate::domain::access::Caller;
use crate::domain::faults;
use crate::domain::ids::TaskId;
use crate::domain::pipeline::{Accepted, Pipeline, Variants};

pub use crate::stores::assets::StoredAsset;
pub use crate::stores::tasks::{Cursor as TaskCursor, TaskPage, TaskQuery};
pub use assets::{AssetFile, AssetPage, AssetQuery, DeleteAsset, GetAsset, ListAssets, PutAsset};
pub use error::FrontendError;
pub use explain::Explain;
pub use questions::{GetImage, GetReadiness, GetTask, Image, IsReady, ListTasks, Readiness, TaskView};
pub use settings::{DeleteSetting, GetSetting, ListSettings, PutSetting, Setting};
pub use upload::Upload;

/// The preset of an upload that names no pipeline.
const DEFAULT_PRESET: &str = "default";

/// How long another service may take to answer; whoever asked the frontend is then told to try again.
const ASK_DEADLINE: Duration = Duration::from_secs(8);

/// The services that the frontend asks.
#[derive(Clone)]
pub struct Services {
    /// Settings.
    pub key_values: Addr<KeyValues>,
    /// Blobs.
    pub storage: Addr<Storage>,
    /// Tasks.
    pub task_db: Addr<TaskDb>,
    /// Names of assets.
    pub assets: Addr<Assets>,
    /// Decodes what is to become an asset.
    pub inspector: Inspector,
    /// Admission.
    pub master: Addr<Master>,
}

/// What the frontend counts since its last start.
#[derive(Debug, Default, Clone, Copy)]
struct FrontendCounters {
    uploading: u64,
    storing_assets: u64,
    accepted: u64,
    not_accepted: u64,
}

/// The actor. Its state is the settings in force and its counters; both are fresh after a restart.
pub struct Frontend {
    services: Services,
    live: Arc<Live>,
    counters: FrontendCounters,
}

impl Frontend {
    /// A frontend that asks `services` and begins with the settings of the configuration.
    #[must_use]
    pub fn new(services: Services, live: Arc<Live>) -> Self {
        Self { services, live, counters: FrontendCounters::default() }
    }

    /// What an upload is to become; with what the client accepts, so that every attempt makes the same of it.
    fn variants(&self, wanted: &Wanted, accepted: Accepted) -> Result<Variants, FrontendError> {
        let pipeline = |text| Pipeline::parse_with(text, self.live.presets()).map(Variants::only);
        let variants = match wanted {
            Wanted::Default => pipeline(DEFAULT_PRESET),
            Wanted::Pipeline(text) => pipeline(text),
            Wanted::Variants(text) => Variants::parse_with(text, self.live.presets()),
        }?;
        let variants = variants.accepting(accepted);
        variants.iter().try_for_each(|(_, pipeline)| self.live.limits().check_steps(pipeline))?;
        Ok(variants)
    }

    /// Opens the upload that was admitted; its steps run beside whatever else the frontend does, client or no client.
    fn open_upload(&mut self, order: upload::Order, length: Option<u64>, permit: Permit, context: &mut Context<Self>) -> Upload<TaskId> {
        let (upload, body, verdict_in) = Upload::channel(length);
        self.counters.uploading += 1;
        let accepted = upload::accept(self.services.clone(), order, permit, body).into_actor(self);
        context.spawn(accepted.map(|verdict, frontend, _| {
            frontend.count(&verdict);
            // A client that is gone does not hear it.
            let _ = verdict_in.send(verdict);
        }));
        upload
    }

    fn count(&mut self, verdict: &Result<TaskId, FrontendError>) {
        self.counters.uploading -= 1;
        match verdict {
            Ok(id) => {
                self.counters.accepted += 1;
                log::info!(task:% = id; "task accepted");
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
        let FrontendCounters { uploading, storing_assets, accepted, not_accepted } = self.counters;
        let details =
            json!({ "queue_depth": uploading, "storing_assets": storing_assets, "accepted": accepted, "not_accepted": not_accepted });
        details.as_object().cloned().unwrap_or_default()
    }
}

impl Handler<SettingsChanged> for Frontend {
    type Result = ();

    fn handle(&mut self, SettingsChanged(live): SettingsChanged, _: &mut Context<Self>) {
        self.live = live;
    }
}

/// What an upload needs before its body is read: the assets that its pipelines name, and a permit.
async fn admit(services: Services, variants: Variants, length: Option<u64>) -> Result<(Variants, Permit), FrontendError> {
    assets::are_stored(&services, &variants).await?;
    let permit = services.master.send(Admit { length }).timeout(ASK_DEADLINE).await??;
    Ok((variants, permit))
}

/// Asks to upload an image; the reply is where its bytes go.
#[derive(Message)]
#[rtype(result = "Result<Upload<TaskId>, FrontendError>")]
pub struct NewImage {
    /// Whose it will be.
    pub caller: Caller,
    /// What it is to become.
    pub wanted: Wanted,
    /// The formats that the client takes, for an output that is to be chosen.
    pub accepted: Accepted,
    /// The length of the image in bytes, where the client announced it.
    pub length: Option<u64>,
    /// A bound on the length, where the client announced that of something around the image.
    pub at_most: Option<u64>,
}

/// What an upload is to become, in the words of the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// What the default preset makes of it.
    Default,
    /// What a pipeline in either form, or the preset of that name, makes of it.
    Pipeline(String),
    /// A result for each of some variants, in either form.
    Variants(String),
}

impl Handler<NewImage> for Frontend {
    type Result = ResponseActFuture<Self, Result<Upload<TaskId>, FrontendError>>;

    fn handle(&mut self, NewImage { caller, wanted, accepted, length, at_most }: NewImage, _: &mut Context<Self>) -> Self::Result {
        faults::point("frontend.new_image");
        let variants = match self.variants(&wanted, accepted) {
            Ok(variants) => variants,
            Err(error) => return Box::pin(fut::ready(Err(error))),
        };
        let admitted = admit(self.services.clone(), variants, length.or(at_most)).into_actor(self);
        Box::pin(admitted.map(move |admitted, frontend, context| {
            let (variants, permit) = admitted?;
            Ok(frontend.open_upload(upload::Order { caller: caller.key(), variants }, length, permit, context))
        }))
    }
}
