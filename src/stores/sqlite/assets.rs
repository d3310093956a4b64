//! Assets in SQLite, through the same writer as the tasks.

use std::collections::HashMap;

use futures::FutureExt;
use futures::future::BoxFuture;
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use uuid::Uuid;

use crate::domain::asset::{Asset, AssetName, AssetRef, AssetVersion, NewAsset};
use crate::domain::blob::{BlobMeta, Sha256};
use crate::domain::pipeline::Variants;
use crate::domain::task::Task;
use crate::domain::timestamp::Timestamp;
use crate::stores::assets::{AssetPage, AssetQuery, AssetStore, AssetStoreError, StoredAsset};
use crate::stores::sqlite::SqliteDb;
use crate::stores::sqlite::columns::{parsed, uint};
use crate::stores::sqlite::fault::Fault;
use crate::stores::sqlite::rows::{Now, int};

impl AssetStore for SqliteDb {
    fn put(&self, asset: NewAsset, max: u64) -> BoxFuture<'static, Result<StoredAsset, AssetStoreError>> {
        let stored = self.write::<_, AssetStoreError>(move |connection, now| put(connection, asset, max, now));
        async move { stored.await?.ok_or(AssetStoreError::TooMany { max }) }.boxed()
    }

    fn get(&self, name: AssetName) -> BoxFuture<'static, Result<Option<Asset>, AssetStoreError>> {
        self.read(move |connection, _| find(connection, &name))
    }

    fn delete(&self, name: AssetName) -> BoxFuture<'static, Result<bool, AssetStoreError>> {
        self.write(move |connection, _| Ok(connection.prepare_cached("DELETE FROM assets WHERE name = ?1")?.execute([name.as_str()])? == 1))
    }

    fn list(&self, query: AssetQuery) -> BoxFuture<'static, Result<AssetPage, AssetStoreError>> {
        self.read(move |connection, _| list(connection, &query))
    }

    fn count(&self) -> BoxFuture<'static, Result<u64, AssetStoreError>> {
        self.read(|connection, _| count(connection))
    }

    fn is_in_use(&self, version: AssetVersion) -> BoxFuture<'static, Result<bool, AssetStoreError>> {
        self.read(move |connection, _| is_in_use(connection, version))
    }
}

/// `None` where there are as many names as there may be.
fn put(connection: &Connection, asset: NewAsset, max: u64, now: Now) -> Result<Option<StoredAsset>, Fault> {
    let former = find(connection, &asset.name)?;
    if former.is_none() && count(connection)? >= max {
        return Ok(None);
    }
    let replaced = former.is_some_and(|former| former.version != asset.version);
    let asset = Asset::create(asset, now.wall);
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO assets (name, version, len, sha256, format, width, height, stored_at)
         VALUES (:name, :version, :len, :sha256, :format, :width, :height, :stored_at)",
    )?;
    statement.execute(named_params! {
        ":name": asset.name.as_str(),
        ":version": asset.version.as_uuid().as_bytes(),
        ":len": int(asset.blob.len),
        ":sha256": asset.blob.sha256.0,
        ":format": asset.format.name(),
        ":width": asset.width,
        ":height": asset.height,
        ":stored_at": int(asset.stored_at.0),
    })?;
    Ok(Some(StoredAsset { asset, replaced }))
}

fn find(connection: &Connection, name: &AssetName) -> Result<Option<Asset>, Fault> {
    let mut statement = connection.prepare_cached("SELECT * FROM assets WHERE name = ?1")?;
    statement.query_row([name.as_str()], |row| Ok(asset(row))).optional()?.transpose()
}

fn list(connection: &Connection, query: &AssetQuery) -> Result<AssetPage, Fault> {
    let limit = query.limit.clamp(1, AssetQuery::MAX_LIMIT);
    let after = query.after.as_ref().map_or("", AssetName::as_str);
    // One row more than asked for tells whether there is a next page.
    let mut statement = connection.prepare_cached("SELECT * FROM assets WHERE name > ?1 ORDER BY name LIMIT ?2")?;
    let rows = statement.query_map((after, int(limit as u64 + 1)), |row| Ok(asset(row)))?;
    let mut assets = rows.map(|row| row?).collect::<Result<Vec<_>, _>>()?;
    let more = assets.len() > limit;
    assets.truncate(limit);
    let next = assets.last().filter(|_| more).map(|asset| asset.name.clone());
    Ok(AssetPage { assets, next })
}

fn count(connection: &Connection) -> Result<u64, Fault> {
    connection.prepare_cached("SELECT count(*) AS names FROM assets")?.query_row([], |row| Ok(uint(row, "names")))?
}

fn is_in_use(connection: &Connection, version: AssetVersion) -> Result<bool, Fault> {
    let mut statement = connection
        .prepare_cached("SELECT 1 FROM assets WHERE version = ?1 UNION ALL SELECT 1 FROM task_assets WHERE version = ?1 LIMIT 1")?;
    Ok(statement.exists([version.as_uuid().as_bytes()])?)
}

/// The variants with the version of each asset that its name stands for now; `Err` names one that is not there, or not in that version.
pub(super) fn pinned(connection: &Connection, variants: Variants) -> Result<Result<Variants, AssetRef>, Fault> {
    let mut versions = HashMap::new();
    for asset in variants.assets() {
        match find(connection, &asset.name)?.map(|found| found.version) {
            Some(version) if asset.version.is_none_or(|asked| asked == version) => versions.insert(asset.name, version),
            _ => return Ok(Err(asset)),
        };
    }
    Ok(variants.pinned(|asset| versions.get(&asset.name).copied().ok_or_else(|| asset.clone())))
}

/// Keeps the versions that a new task needs.
pub(super) fn hold(connection: &Connection, task: &Task) -> Result<(), Fault> {
    let mut statement = connection.prepare_cached("INSERT OR IGNORE INTO task_assets (seq, version) VALUES (?1, ?2)")?;
    for version in task.variants.assets().iter().filter_map(|asset| asset.version) {
        statement.execute((int(task.seq), version.as_uuid().as_bytes()))?;
    }
    Ok(())
}

/// Reads a row of `SELECT * FROM assets`.
pub(super) fn asset(row: &Row<'_>) -> Result<Asset, Fault> {
    Ok(Asset {
        name: parsed(row, "name")?,
        version: AssetVersion::from(Uuid::from_bytes(row.get("version")?)),
        blob: BlobMeta { len: uint(row, "len")?, sha256: Sha256(row.get("sha256")?) },
        format: parsed(row, "format")?,
        width: row.get("width")?,
        height: row.get("height")?,
        stored_at: Timestamp(uint(row, "stored_at")?),
    })
}
