//! Assets in PostgreSQL, and which versions of them tasks were accepted with.

use std::collections::HashMap;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::domain::asset::{Asset, AssetName, AssetRef, AssetVersion, NewAsset};
use crate::domain::blob::{BlobMeta, Sha256};
use crate::domain::pipeline::Variants;
use crate::domain::task::{NewTask, Task};
use crate::domain::timestamp::Timestamp;
use crate::stores::assets::{AssetPage, AssetQuery, AssetStore, AssetStoreError, StoredAsset};
use crate::stores::postgres::PostgresDb;
use crate::stores::postgres::fault::Fault;
use crate::stores::postgres::rows::{Now, bytes, int, number, parsed};
use crate::stores::postgres::session::{Session, column};

impl AssetStore for PostgresDb {
    fn put(&self, asset: NewAsset, max: u64) -> BoxFuture<'static, Result<StoredAsset, AssetStoreError>> {
        let stored = self.write::<_, AssetStoreError>(move |session, _| put(session, asset.clone(), max).boxed());
        async move { stored.await?.ok_or(AssetStoreError::TooMany { max }) }.boxed()
    }

    fn get(&self, name: AssetName) -> BoxFuture<'static, Result<Option<Asset>, AssetStoreError>> {
        self.read(move |session, _| find(session, name).boxed())
    }

    fn delete(&self, name: AssetName) -> BoxFuture<'static, Result<bool, AssetStoreError>> {
        self.write(move |session, _| delete(session, name.clone()).boxed())
    }

    fn list(&self, query: AssetQuery) -> BoxFuture<'static, Result<AssetPage, AssetStoreError>> {
        self.read(move |session, _| list(session, query).boxed())
    }

    fn count(&self) -> BoxFuture<'static, Result<u64, AssetStoreError>> {
        self.read(|session, _| count(session).boxed())
    }

    fn is_in_use(&self, version: AssetVersion) -> BoxFuture<'static, Result<bool, AssetStoreError>> {
        self.read(move |session, _| is_in_use(session, version).boxed())
    }
}

/// The columns that make an asset.
const ASSET: &str = "name, version, len, sha256, format, width, height, stored_at";

/// `None` where there are as many names as there may be.
async fn put(session: &Session, asset: NewAsset, max: u64) -> Result<Option<StoredAsset>, Fault> {
    // One at a time over all servers, so that the count holds; nobody who only looks names up waits for it.
    session.execute("LOCK TABLE assets IN SHARE ROW EXCLUSIVE MODE", &[]).await?;
    let former = find(session, asset.name.clone()).await?;
    if former.is_none() && count(session).await? >= max {
        return Ok(None);
    }
    let replaced = former.is_some_and(|former| former.version != asset.version);
    let asset = Asset::create(asset, Now::read(session).await?.wall);
    let statement =
        "INSERT INTO assets (name, version, len, sha256, format, width, height, stored_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (name) DO UPDATE SET version = $2, len = $3, sha256 = $4, format = $5, width = $6, height = $7, stored_at = $8";
    session
        .execute(
            statement,
            &[
                &asset.name.as_str(),
                asset.version.as_uuid(),
                &int(asset.blob.len),
                &asset.blob.sha256.0.as_slice(),
                &asset.format.name(),
                &i64::from(asset.width),
                &i64::from(asset.height),
                &int(asset.stored_at.0),
            ],
        )
        .await?;
    Ok(Some(StoredAsset { asset, replaced }))
}

async fn find(session: &Session, name: AssetName) -> Result<Option<Asset>, Fault> {
    let row = session.query_opt(&format!("SELECT {ASSET} FROM assets WHERE name = $1"), &[&name.as_str()]).await?;
    row.as_ref().map(asset).transpose()
}

async fn delete(session: &Session, name: AssetName) -> Result<bool, Fault> {
    Ok(session.execute("DELETE FROM assets WHERE name = $1", &[&name.as_str()]).await? == 1)
}

async fn list(session: &Session, query: AssetQuery) -> Result<AssetPage, Fault> {
    let limit = query.limit.clamp(1, AssetQuery::MAX_LIMIT);
    let after = query.after.as_ref().map_or("", AssetName::as_str);
    // One row more than asked for tells whether there is a next page.
    let statement = format!("SELECT {ASSET} FROM assets WHERE name > $1 ORDER BY name LIMIT $2");
    let rows = session.query(&statement, &[&after, &int(limit as u64 + 1)]).await?;
    let mut assets = rows.iter().map(asset).collect::<Result<Vec<_>, _>>()?;
    let more = assets.len() > limit;
    assets.truncate(limit);
    let next = assets.last().filter(|_| more).map(|asset| asset.name.clone());
    Ok(AssetPage { assets, next })
}

async fn count(session: &Session) -> Result<u64, Fault> {
    number(&session.query_one("SELECT count(*) AS names FROM assets", &[]).await?, "names")
}

/// Of one moment: a new task holds a version before the name that it was found by can stand for another.
async fn is_in_use(session: &Session, version: AssetVersion) -> Result<bool, Fault> {
    let statement =
        "SELECT EXISTS (SELECT 1 FROM assets WHERE version = $1) OR EXISTS (SELECT 1 FROM task_assets WHERE version = $1) AS used";
    column(&session.query_one(statement, &[version.as_uuid()]).await?, "used")
}

/// What the names in the pipelines of new tasks stand for.
pub(super) struct Pins(HashMap<AssetName, AssetVersion>);

/// Looks the assets of new tasks up, and lets none of these names stand for anything else before the transaction ends.
pub(super) async fn pins(session: &Session, new: &[&NewTask]) -> Result<Pins, Fault> {
    let names: Vec<String> = new.iter().flat_map(|new| new.variants.assets()).map(|asset| asset.name.to_string()).collect();
    if names.is_empty() {
        return Ok(Pins(HashMap::new()));
    }
    let statement = format!("SELECT {ASSET} FROM assets WHERE name = ANY($1) ORDER BY name FOR SHARE");
    let rows = session.query(&statement, &[&names]).await?;
    let pins = rows.iter().map(|row| asset(row).map(|asset| (asset.name, asset.version)));
    Ok(Pins(pins.collect::<Result<_, _>>()?))
}

impl Pins {
    /// The variants with the version of each asset that its name stands for; `Err` names one that is not there, or not in that version.
    pub(super) fn pinned(&self, variants: Variants) -> Result<Variants, AssetRef> {
        let version = |asset: &AssetRef| self.0.get(&asset.name).copied().filter(|found| asset.version.is_none_or(|asked| asked == *found));
        variants.pinned(|asset| version(asset).ok_or_else(|| asset.clone()))
    }
}

/// Keeps the versions that new tasks need.
pub(super) async fn hold(session: &Session, tasks: &[Task]) -> Result<(), Fault> {
    let held = tasks.iter().flat_map(|task| task.variants.assets().into_iter().map(|asset| (int(task.seq), asset.version)));
    let (seqs, versions): (Vec<i64>, Vec<Uuid>) = held.filter_map(|(seq, version)| Some((seq, *version?.as_uuid()))).unzip();
    if seqs.is_empty() {
        return Ok(());
    }
    let statement = "INSERT INTO task_assets (seq, version) SELECT * FROM unnest($1::bigint[], $2::uuid[]) ON CONFLICT DO NOTHING";
    session.execute(statement, &[&seqs, &versions]).await.map(drop)
}

/// Reads a row with the columns [`ASSET`].
fn asset(row: &Row) -> Result<Asset, Fault> {
    Ok(Asset {
        name: parsed(row, "name")?,
        version: AssetVersion::from(column::<Uuid>(row, "version")?),
        blob: BlobMeta { len: number(row, "len")?, sha256: Sha256(bytes(row, "sha256")?) },
        format: parsed(row, "format")?,
        width: number(row, "width")?,
        height: number(row, "height")?,
        stored_at: Timestamp(number(row, "stored_at")?),
    })
}
