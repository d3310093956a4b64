//! The schema and its versions, checked at every start.

use crate::stores::postgres::connection::OpenError;
use crate::stores::postgres::session::{Session, column};

/// One script per version of the schema; the table `schema_versions` names those that were run. Never edit one that was released.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("schema_1.sql"),
    include_str!("schema_2.sql"),
    include_str!("schema_3.sql"),
    include_str!("schema_4.sql"),
    include_str!("schema_5.sql"),
    include_str!("schema_6.sql"),
    include_str!("schema_7.sql"),
    include_str!("schema_8.sql"),
];

/// The first PostgreSQL whose statements are all that is used here.
const OLDEST_SERVER: i32 = 130_000;

/// Held while the schema is looked at and changed, so that of several servers that start at once one does it and the others find it done.
const LOCK: i64 = 0x5AFC << 48;

/// Brings the database to the latest schema, in one transaction.
///
/// # Errors
/// If the server is too old, the schema is newer than this program, or a statement failed; the schema is as it was then.
pub(super) async fn migrate(session: &Session, scripts: &[&str]) -> Result<(), OpenError> {
    check_server(session).await?;
    // A migration may take longer than anything else, and others wait for it.
    session.run("BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0").await?;
    session.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    let found = version(session).await?;
    let known = usize::try_from(found).unwrap_or(0);
    let pending = scripts.get(known..).ok_or(OpenError::Newer { found, known: scripts.len() })?;
    for (version, script) in (found + 1..).zip(pending) {
        if version == 1 {
            session.run("CREATE SCHEMA IF NOT EXISTS safelight; CREATE TABLE schema_versions (version integer PRIMARY KEY)").await?;
        }
        session.run(script).await?;
        session.execute("INSERT INTO schema_versions VALUES ($1)", &[&version]).await?;
        log::info!(schema = version; "database migrated");
    }
    Ok(session.run("COMMIT").await?)
}

async fn check_server(session: &Session) -> Result<(), OpenError> {
    let row = session.query_one("SELECT current_setting('server_version_num')::integer AS number, version() AS name", &[]).await?;
    let (number, name): (i32, String) = (column(&row, "number")?, column(&row, "name")?);
    if number < OLDEST_SERVER {
        return Err(OpenError::OldServer { found: name });
    }
    let fsync: String = column(&session.query_one("SELECT current_setting('fsync') AS fsync", &[]).await?, "fsync")?;
    if fsync != "on" {
        log::warn!(fsync; "the database loses what it has acknowledged when its machine fails");
    }
    Ok(())
}

/// The version of the schema that is there; zero if there is none.
async fn version(session: &Session) -> Result<i32, OpenError> {
    let row = session.query_one("SELECT to_regclass('safelight.schema_versions') IS NOT NULL AS there", &[]).await?;
    if !column::<bool>(&row, "there")? {
        return Ok(0);
    }
    let row = session.query_one("SELECT coalesce(max(version), 0) AS version FROM safelight.schema_versions", &[]).await?;
    Ok(column(&row, "version")?)
}
