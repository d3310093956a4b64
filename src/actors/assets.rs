//! Assets: which version each name stands for. It puts the store behind a mailbox; the bytes are storage's.
//!
//! [`keep`] is how the frontend writes: it repeats what may not have happened, which the store allows.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, Addr, Context, Handler, MailboxError, Message, ResponseActFuture, Supervised, WrapFuture};
use futures::future::BoxFuture;
use serde_json::json;
use tokio::time::sleep;

use crate::actors::supervision::{Details, Service};
use crate::domain::asset::{Asset, AssetName, AssetVersion, NewAsset};
use crate::domain::faults;
use crate::stores::assets::{AssetPage, AssetQuery, AssetStore, AssetStoreError, StoredAsset};

/// How long an asker waits for a commit before its outcome counts as unknown.
const COMMIT_DEADLINE: Duration = Duration::from_secs(10);

/// Waits between tries; the last try is not followed by one.
const PAUSES: [Duration; 3] = [Duration::from_millis(20), Duration::from_millis(200), Duration::from_secs(1)];

/// What the actor counts since its last start.
#[derive(Debug, Default, Clone, Copy)]
struct AssetsCounters {
    in_flight: u64,
    changes: u64,
    failures: u64,
}

/// The actor. It holds no asset itself, so that a restart forgets nothing.
pub struct Assets {
    store: Arc<dyn AssetStore>,
    counters: AssetsCounters,
}

impl Assets {
    /// Puts `store` behind a mailbox.
    #[must_use]
    pub fn new(store: Arc<dyn AssetStore>) -> Self {
        Self { store, counters: AssetsCounters::default() }
    }

    /// Counts a call of the store until it is answered.
    fn counted<T: 'static>(&mut self, call: BoxFuture<'static, Result<T, AssetStoreError>>) -> Answer<T> {
        self.counters.in_flight += 1;
        Box::pin(call.into_actor(self).map(|answer, assets: &mut Self, _| {
            faults::point("assets.answered");
            assets.counters.in_flight -= 1;
            assets.counters.failures += u64::from(answer.is_err());
            answer
        }))
    }
}

impl Actor for Assets {
    type Context = Context<Self>;
}

impl Supervised for Assets {}

impl Service for Assets {
    fn inspect(&self) -> Details {
        let AssetsCounters { in_flight, changes, failures } = self.counters;
        let details = json!({ "queue_depth": in_flight, "changes": changes, "failures": failures });
        details.as_object().cloned().unwrap_or_default()
    }
}

/// The reply of a call that goes to the store.
type Answer<T> = ResponseActFuture<Assets, Result<T, AssetStoreError>>;

/// Lets a name stand for a version whose bytes are durable; the reply comes after the commit.
#[derive(Message, Clone)]
#[rtype(result = "Result<StoredAsset, AssetStoreError>")]
pub struct KeepAsset {
    /// The asset.
    pub asset: NewAsset,
    /// How many names there may be.
    pub max: u64,
}

impl Handler<KeepAsset> for Assets {
    type Result = Answer<StoredAsset>;

    fn handle(&mut self, KeepAsset { asset, max }: KeepAsset, _: &mut Context<Self>) -> Self::Result {
        faults::point("assets.keep_asset");
        self.counters.changes += 1;
        self.counted(self.store.put(asset, max))
    }
}

/// What a name stands for.
#[derive(Message)]
#[rtype(result = "Result<Option<Asset>, AssetStoreError>")]
pub struct FindAsset {
    /// The name.
    pub name: AssetName,
}

impl Handler<FindAsset> for Assets {
    type Result = Answer<Option<Asset>>;

    fn handle(&mut self, FindAsset { name }: FindAsset, _: &mut Context<Self>) -> Self::Result {
        faults::point("assets.find_asset");
        self.counted(self.store.get(name))
    }
}

/// Takes a name away; says whether it was there.
#[derive(Message)]
#[rtype(result = "Result<bool, AssetStoreError>")]
pub struct RemoveAsset {
    /// The name.
    pub name: AssetName,
}

impl Handler<RemoveAsset> for Assets {
    type Result = Answer<bool>;

    fn handle(&mut self, RemoveAsset { name }: RemoveAsset, _: &mut Context<Self>) -> Self::Result {
        faults::point("assets.remove_asset");
        self.counters.changes += 1;
        self.counted(self.store.delete(name))
    }
}

/// A page of assets.
#[derive(Message)]
#[rtype(result = "Result<AssetPage, AssetStoreError>")]
pub struct PageOfAssets(pub AssetQuery);

impl Handler<PageOfAssets> for Assets {
    type Result = Answer<AssetPage>;

    fn handle(&mut self, PageOfAssets(query): PageOfAssets, _: &mut Context<Self>) -> Self::Result {
        self.counted(self.store.list(query))
    }
}

/// How many names there are.
#[derive(Message)]
#[rtype(result = "Result<u64, AssetStoreError>")]
pub struct CountAssets;

impl Handler<CountAssets> for Assets {
    type Result = Answer<u64>;

    fn handle(&mut self, _: CountAssets, _: &mut Context<Self>) -> Self::Result {
        self.counted(self.store.count())
    }
}

/// Whether anything refers to a version, now or later.
#[derive(Message)]
#[rtype(result = "Result<bool, AssetStoreError>")]
pub struct IsInUse {
    /// The version.
    pub version: AssetVersion,
}

impl Handler<IsInUse> for Assets {
    type Result = Answer<bool>;

    fn handle(&mut self, IsInUse { version }: IsInUse, _: &mut Context<Self>) -> Self::Result {
        faults::point("assets.is_in_use");
        self.counted(self.store.is_in_use(version))
    }
}

/// An asset that was not shown to be durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotKept {
    /// Its name certainly does not stand for it: its bytes may go.
    Refused(AssetStoreError),
    /// It may stand for it: its bytes must stay.
    Unknown,
}

/// Keeps an asset, repeating what may not have happened.
///
/// # Errors
/// [`NotKept`]; after [`NotKept::Unknown`] the asset may still turn out to be there.
pub async fn keep(assets: &Addr<Assets>, keep: KeepAsset) -> Result<StoredAsset, NotKept> {
    let mut last = NotKept::Unknown;
    let mut certain = true;
    for pause in PAUSES.into_iter().map(Some).chain([None]) {
        match assets.send(keep.clone()).timeout(COMMIT_DEADLINE).await {
            Ok(Ok(stored)) => return Ok(stored),
            Ok(Err(AssetStoreError::UnknownOutcome(_))) | Err(MailboxError::Closed | MailboxError::Timeout) => certain = false,
            // It was not taken, but may be in a moment.
            Ok(Err(error @ AssetStoreError::Unavailable(_))) => last = NotKept::Refused(error),
            // A try before this one may have gone through, and a name may have been taken away since.
            Ok(Err(error)) => return Err(if certain { NotKept::Refused(error) } else { NotKept::Unknown }),
        }
        if let Some(pause) = pause {
            sleep(pause).await;
        }
    }
    Err(if certain { last } else { NotKept::Unknown })
}
