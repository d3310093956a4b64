//! What the command line does with API keys: through the server that runs on the data directory, or in the store itself where none does.

use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

use futures::executor::block_on;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::actors::keys::{self, KeysError, MAX_KEYS, ShownKey};
use crate::app::{AppError, admin_socket, database};
use crate::config::Config;
use crate::domain::access::{Key, KeyChange, KeyId, NewKey};
use crate::domain::timestamp::Timestamp;
use crate::http::{KeyBody, NewKeyBody, RotateBody};
use crate::stores::data_dir::{DataDir, DataDirError};
use crate::stores::keys::KeyStore;
use crate::stores::monotonic_clock;

/// How long the server may take for each piece of its answer.
const DEADLINE: Duration = Duration::from_secs(15);

/// What is to be done with keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeysCommand {
    /// Make one.
    Create(NewKey),
    /// Tell all.
    List,
    /// End one.
    Revoke(KeyId),
    /// Give one a new secret; the present one stays good for a while.
    Rotate(KeyId, Duration),
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum KeysCommandError {
    /// The data directory cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The database cannot be opened.
    #[error(transparent)]
    Database(#[from] AppError),
    /// The server that runs on the directory cannot be reached.
    #[error("the server that runs on the data directory did not answer: {0}; is this its user, and has it started?")]
    NoAnswer(#[from] io::Error),
    /// The server, or the store, said no.
    #[error("{0}")]
    Refused(String),
}

impl From<KeysError> for KeysCommandError {
    fn from(error: KeysError) -> Self {
        Self::Refused(error.to_string())
    }
}

/// Does what is asked and returns the keys that it is about. Blocks.
///
/// # Errors
/// When it was not done, or that is not known.
pub fn run_keys_command(config: &Config, command: &KeysCommand) -> Result<Vec<KeyBody>, KeysCommandError> {
    let directory = &config.data.dir;
    match DataDir::lock(directory) {
        Ok(locked) => in_store(&*database::open(config, &locked, monotonic_clock())?, command),
        Err(DataDirError::InUse { .. }) => through_server(directory, command),
        Err(error) => Err(error.into()),
    }
}

/// In the store, while no server runs and none can start.
fn in_store(store: &dyn KeyStore, command: &KeysCommand) -> Result<Vec<KeyBody>, KeysCommandError> {
    let all = block_on(store.all()).map_err(KeysError::from)?;
    let find = |id: KeyId| all.iter().find(|key| key.id == id).ok_or(KeysError::NotFound);
    let save = |key: &Key| block_on(store.save(key.clone())).map_err(KeysError::from);
    let shown = |shown: ShownKey| save(&shown.key).map(|()| vec![KeyBody::from(&shown)]);
    Ok(match command {
        KeysCommand::List => all.iter().map(KeyBody::from).collect(),
        KeysCommand::Create(_) if all.len() >= MAX_KEYS => return Err(KeysError::TooMany.into()),
        KeysCommand::Create(new) => shown(keys::make(new.clone())?)?,
        KeysCommand::Rotate(id, overlap) => shown(keys::rotate(find(*id)?, *overlap)?)?,
        KeysCommand::Revoke(id) => {
            let revoked = find(*id)?.changed(KeyChange::Revoke, Timestamp::now()).map_err(KeysError::from)?;
            save(&revoked)?;
            vec![KeyBody::from(&revoked)]
        }
    })
}

/// The list as the server tells it.
#[derive(Deserialize)]
struct Listed {
    keys: Vec<KeyBody>,
}

/// Through the running server, which would not notice a change of its store.
fn through_server(directory: &Path, command: &KeysCommand) -> Result<Vec<KeyBody>, KeysCommandError> {
    let one = |id: &KeyId| format!("/v1/keys/{id}");
    match command {
        KeysCommand::List => Ok(ask::<Listed>(directory, "GET", "/v1/keys", None)?.keys),
        KeysCommand::Create(NewKey { name, scopes, quota, expires_in }) => {
            let expires_in = expires_in.map(|time| time.as_secs());
            let body = NewKeyBody { name: name.to_string(), scopes: *scopes, quota: *quota, expires_in };
            ask(directory, "POST", "/v1/keys", Some(serde_json::json!(body))).map(|key| vec![key])
        }
        KeysCommand::Rotate(id, overlap) => {
            let body = RotateBody { overlap: Some(overlap.as_secs()) };
            ask(directory, "POST", &format!("{}/rotate", one(id)), Some(serde_json::json!(body))).map(|key| vec![key])
        }
        KeysCommand::Revoke(id) => {
            exchange(directory, "DELETE", &one(id), None)?;
            let all = ask::<Listed>(directory, "GET", "/v1/keys", None)?.keys;
            Ok(all.into_iter().filter(|key| key.id == id.to_string()).collect())
        }
    }
}

/// Asks the server for JSON.
fn ask<T: DeserializeOwned>(directory: &Path, method: &str, path: &str, body: Option<Value>) -> Result<T, KeysCommandError> {
    let answer = exchange(directory, method, path, body)?;
    serde_json::from_slice(&answer).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error).into())
}

/// One request of HTTP/1.0, whose answer ends with the connection; returns the body of a good answer.
fn exchange(directory: &Path, method: &str, path: &str, body: Option<Value>) -> Result<Vec<u8>, KeysCommandError> {
    let mut connection = admin_socket::connect(directory)?;
    connection.set_read_timeout(Some(DEADLINE))?;
    connection.set_write_timeout(Some(DEADLINE))?;
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    let length = body.len();
    write!(
        connection,
        "{method} {path} HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer)?;
    good_body(&answer)
}

/// The body of an answer that says 2xx; else what its problem says.
fn good_body(answer: &[u8]) -> Result<Vec<u8>, KeysCommandError> {
    let no_http = || io::Error::new(io::ErrorKind::InvalidData, "it does not speak HTTP");
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").ok_or_else(no_http)?;
    let (head, body) = (String::from_utf8_lossy(&answer[..end]), &answer[end + 4..]);
    let status = head.split(' ').nth(1).ok_or_else(no_http)?;
    if status.starts_with('2') {
        return Ok(body.to_vec());
    }
    let problem: Option<Value> = serde_json::from_slice(body).ok();
    let detail = problem.as_ref().and_then(|problem| problem["detail"].as_str());
    Err(KeysCommandError::Refused(detail.map_or_else(|| format!("the server answers {status}"), str::to_owned)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_told_in_its_own_words() {
        let good = good_body(b"HTTP/1.0 201 Created\r\na: b\r\n\r\n{}").expect("it is good");
        assert_eq!(good, b"{}");
        let told = |answer: &[u8]| good_body(answer).expect_err("it is not good").to_string();
        assert_eq!(told(b"HTTP/1.0 409 Conflict\r\n\r\n{\"detail\":\"it was revoked\"}"), "it was revoked");
        assert_eq!(told(b"HTTP/1.0 500 Internal\r\n\r\nwhat?"), "the server answers 500");
        assert!(told(b"SSH-2.0").contains("does not speak HTTP"));
    }
}
