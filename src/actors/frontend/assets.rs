//! Assets: stored, read, listed and removed by name. What is stored was decoded once, so that no task meets a broken one.

use std::fs::File;

use actix::{ActorFutureExt, AsyncContext, Context, Handler, Message, ResponseActFuture, WrapFuture, fut};

use crate::actors::assets::{self, CountAssets, FindAsset, KeepAsset, NotKept, PageOfAssets, RemoveAsset};
use crate::actors::frontend::upload::{STORAGE_DEADLINE, Upload, UploadedBody};
use crate::actors::frontend::{ASK_DEADLINE, Frontend, FrontendError, Services};
use crate::actors::storage::{AdmitBytes, DeleteBlob, GetBlob, PutBlob, Source};
use crate::config::AssetLimits;
use crate::domain::asset::{Asset, AssetName, AssetVersion, NewAsset};
use crate::domain::blob::BlobKey;
use crate::domain::faults;
use crate::domain::pipeline::Variants;
use crate::stores::assets::StoredAsset;
use crate::stores::blobs::{BlobStoreError, OpenBlob};

pub use crate::stores::assets::{AssetPage, AssetQuery};

/// How many assets may be on their way in at the same time.
const AT_ONCE: u64 = 16;

/// The reply of a question that other services answer.
type Answer<T> = ResponseActFuture<Frontend, Result<T, FrontendError>>;

/// Asks to store an asset; the reply is where its bytes go.
#[derive(Message)]
#[rtype(result = "Result<Upload<StoredAsset>, FrontendError>")]
pub struct PutAsset {
    /// Its name.
    pub name: AssetName,
    /// Its length in bytes, where the client announced it.
    pub length: Option<u64>,
}

impl Handler<PutAsset> for Frontend {
    type Result = Answer<Upload<StoredAsset>>;

    fn handle(&mut self, PutAsset { name, length }: PutAsset, _: &mut Context<Self>) -> Self::Result {
        faults::point("frontend.put_asset");
        let limits = self.live.asset_limits();
        if let Err(refused) = self.may_store_an_asset(length, limits) {
            return Box::pin(fut::ready(Err(refused)));
        }
        let room = has_room(self.services.clone(), name.clone(), length, limits).into_actor(self);
        Box::pin(room.map(move |room, frontend, context| room.map(|()| frontend.open_asset(name, length, limits, context))))
    }
}

impl Frontend {
    fn may_store_an_asset(&self, length: Option<u64>, limits: AssetLimits) -> Result<(), FrontendError> {
        match length {
            Some(0) => Err(FrontendError::EmptyBody),
            Some(length) if length > limits.max_bytes => Err(FrontendError::TooLarge { max: limits.max_bytes }),
            _ if self.counters.storing_assets >= AT_ONCE => Err(FrontendError::Busy),
            _ => Ok(()),
        }
    }

    /// Opens an upload that was admitted; its steps run beside whatever else the frontend does, client or no client.
    fn open_asset(
        &mut self,
        name: AssetName,
        length: Option<u64>,
        limits: AssetLimits,
        context: &mut Context<Self>,
    ) -> Upload<StoredAsset> {
        let (upload, body, verdict_in) = Upload::channel(length);
        self.counters.storing_assets += 1;
        let accepted = accept(self.services.clone(), name, limits, body).into_actor(self);
        context.spawn(accepted.map(|verdict, frontend, _| {
            frontend.counters.storing_assets -= 1;
            // A client that is gone does not hear it.
            let _ = verdict_in.send(verdict);
        }));
        upload
    }
}

/// Whether every asset of some variants is there, before an upload is admitted. Between here and the commit any may be taken away, so the commit
/// has the last word.
///
/// # Errors
/// [`FrontendError::UnknownAsset`] for the first that is not.
pub(super) async fn are_stored(services: &Services, variants: &Variants) -> Result<(), FrontendError> {
    for asset in variants.assets() {
        let found = services.assets.send(FindAsset { name: asset.name.clone() }).timeout(ASK_DEADLINE).await??;
        if found.is_none_or(|found| asset.version.is_some_and(|version| version != found.version)) {
            return Err(FrontendError::UnknownAsset(asset));
        }
    }
    Ok(())
}

/// Before the body is read. Between here and the commit others may store assets, so the commit has the last word.
async fn has_room(services: Services, name: AssetName, length: Option<u64>, limits: AssetLimits) -> Result<(), FrontendError> {
    services.storage.send(AdmitBytes { length }).timeout(ASK_DEADLINE).await??;
    let names = services.assets.send(CountAssets).timeout(ASK_DEADLINE).await??;
    if names < limits.max || services.assets.send(FindAsset { name }).timeout(ASK_DEADLINE).await??.is_some() {
        return Ok(());
    }
    Err(FrontendError::TooManyAssets { max: limits.max })
}

/// Makes an asset durable: the bytes first, then, once they were seen to be an image, the row.
///
/// # Errors
/// When the asset was not acknowledged. Bytes without a row are removed, at once where it is certain that there is none.
async fn accept(services: Services, name: AssetName, limits: AssetLimits, body: UploadedBody) -> Result<StoredAsset, FrontendError> {
    let version = AssetVersion::random();
    match try_accept(&services, version, name, limits, body).await {
        Ok(stored) => {
            log::info!(asset:% = stored.asset.name, version:% = stored.asset.version; "asset stored");
            Ok(stored)
        }
        Err(NotAccepted { error, left_behind }) => {
            if left_behind {
                services.storage.do_send(DeleteBlob { key: BlobKey::Asset(version) });
            }
            log::info!(code:% = error.code(); "asset not stored");
            Err(error)
        }
    }
}

/// Why an asset was not stored.
struct NotAccepted {
    error: FrontendError,
    /// Whether nothing refers to its bytes, certainly.
    left_behind: bool,
}

impl From<FrontendError> for NotAccepted {
    fn from(error: FrontendError) -> Self {
        Self { error, left_behind: true }
    }
}

async fn try_accept(
    services: &Services,
    version: AssetVersion,
    name: AssetName,
    limits: AssetLimits,
    body: UploadedBody,
) -> Result<StoredAsset, NotAccepted> {
    let key = BlobKey::Asset(version);
    let UploadedBody { length, chunks, format } = body;
    let source = Source::Stream { chunks, announced: length, at_most: limits.max_bytes };
    // Its deadline is the client's: an upload that is dropped ends the stream.
    let blob = services.storage.send(PutBlob { key, source }).await.map_err(FrontendError::from)?.map_err(FrontendError::from)?;
    let format = format.await.map_err(|_| FrontendError::from(BlobStoreError::Aborted))?;
    let OpenBlob { file, .. } = open(services, key).await?;
    let info = services.inspector.inspect(&file, limits.image).await.map_err(FrontendError::from)?;
    faults::point("frontend.asset_stored");
    let asset = NewAsset { name, version, blob, format, width: info.width, height: info.height };
    match assets::keep(&services.assets, KeepAsset { asset, max: limits.max }).await {
        Ok(stored) => {
            faults::point("frontend.asset_kept");
            Ok(stored)
        }
        Err(NotKept::Refused(error)) => Err(FrontendError::from(error).into()),
        Err(NotKept::Unknown) => Err(NotAccepted { error: FrontendError::Unavailable, left_behind: false }),
    }
}

async fn open(services: &Services, key: BlobKey) -> Result<OpenBlob, FrontendError> {
    Ok(services.storage.send(GetBlob { key }).timeout(STORAGE_DEADLINE).await??)
}

/// A stored asset, ready to be read.
#[derive(Debug)]
pub struct AssetFile {
    /// What is known of it.
    pub asset: Asset,
    /// Its bytes, from the start.
    pub file: File,
}

/// Asks for an asset with its bytes.
#[derive(Message)]
#[rtype(result = "Result<AssetFile, FrontendError>")]
pub struct GetAsset {
    /// Its name.
    pub name: AssetName,
}

impl Handler<GetAsset> for Frontend {
    type Result = Answer<AssetFile>;

    fn handle(&mut self, GetAsset { name }: GetAsset, _: &mut Context<Self>) -> Self::Result {
        faults::point("frontend.get_asset");
        Box::pin(get_asset(self.services.clone(), name).into_actor(self))
    }
}

async fn get_asset(services: Services, name: AssetName) -> Result<AssetFile, FrontendError> {
    let find = || services.assets.send(FindAsset { name: name.clone() }).timeout(ASK_DEADLINE);
    let asset = find().await??.ok_or(FrontendError::NoSuchAsset)?;
    match services.storage.send(GetBlob { key: asset.key() }).timeout(ASK_DEADLINE).await? {
        Ok(OpenBlob { file, len }) if len == asset.blob.len => return Ok(AssetFile { asset, file }),
        Ok(OpenBlob { len, .. }) => log::error!(blob:% = asset.key(), expected = asset.blob.len, found = len; "blob has the wrong length"),
        // Perhaps it was replaced and swept in between.
        Err(BlobStoreError::NotFound) if find().await??.is_none_or(|now| now.version != asset.version) => {
            return Err(FrontendError::Unavailable);
        }
        Err(error) => return Err(error.into()),
    }
    Err(FrontendError::CorruptBlob)
}

/// Asks for a page of assets.
#[derive(Message)]
#[rtype(result = "Result<AssetPage, FrontendError>")]
pub struct ListAssets(pub AssetQuery);

impl Handler<ListAssets> for Frontend {
    type Result = Answer<AssetPage>;

    fn handle(&mut self, ListAssets(query): ListAssets, _: &mut Context<Self>) -> Self::Result {
        let assets = self.services.assets.clone();
        Box::pin(async move { Ok(assets.send(PageOfAssets(query)).timeout(ASK_DEADLINE).await??) }.into_actor(self))
    }
}

/// Asks to take an asset's name away.
#[derive(Message)]
#[rtype(result = "Result<(), FrontendError>")]
pub struct DeleteAsset {
    /// The name.
    pub name: AssetName,
}

impl Handler<DeleteAsset> for Frontend {
    type Result = Answer<()>;

    fn handle(&mut self, DeleteAsset { name }: DeleteAsset, _: &mut Context<Self>) -> Self::Result {
        faults::point("frontend.delete_asset");
        let removed = self.services.assets.send(RemoveAsset { name }).timeout(ASK_DEADLINE);
        Box::pin(async move { if removed.await?? { Ok(()) } else { Err(FrontendError::NoSuchAsset) } }.into_actor(self))
    }
}
