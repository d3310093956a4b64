//! `safelight keys`: makes, lists, rotates and revokes API keys. While a server runs on the data directory they go through it.
//!
//! A new key is all that is printed to standard output, so that a script can take it; what people want to know goes to standard error.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use crate::app::{KeyBody, KeysCommand, run_keys_command};
use crate::cli::place::Place;
use crate::cli::print;
use crate::config::{parse_duration, parse_size};
use crate::domain::access::{KeyChange, KeyId, KeyName, NewKey, Quota, Scopes};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Arguments {
    /// Make a key and print it, this once.
    Create {
        /// What people call it
        #[arg(long)]
        name: KeyName,
        /// What it is good for: some of submit, read and admin, divided by commas
        #[arg(long, default_value = "submit,read")]
        scopes: Scopes,
        /// How much it may use, such as requests_per_minute=600,tasks_in_flight=100,bytes_in_flight=1GiB,stored_bytes=10GiB
        #[arg(long, value_parser = quota, default_value = "")]
        quota: Quota,
        /// How long it is good for, such as 90d [default: for ever]
        #[arg(long, value_parser = life, value_name = "TIME")]
        expires: Option<Duration>,
        #[command(flatten)]
        place: Place,
    },
    /// List every key that was ever made, oldest first.
    List {
        #[command(flatten)]
        place: Place,
    },
    /// End a key at once.
    Revoke {
        /// Its id, as listed
        id: KeyId,
        #[command(flatten)]
        place: Place,
    },
    /// Give a key a new secret and print it, this once; its id and its tasks stay.
    Rotate {
        /// Its id, as listed
        id: KeyId,
        /// How long the present secret stays good beside the new one, 90d at most [default: 1d]
        #[arg(long, value_parser = overlap, value_name = "TIME")]
        overlap: Option<Duration>,
        #[command(flatten)]
        place: Place,
    },
}

/// A duration as the configuration writes it, in whole seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let whole = parse_duration(text).filter(|time| time.subsec_millis() == 0);
    whole.ok_or_else(|| "expected a number of seconds, minutes, hours or days such as 90d".to_owned())
}

fn life(text: &str) -> Result<Duration, String> {
    let time = duration(text)?;
    if NewKey::LIFE.contains(&time) { Ok(time) } else { Err("expected a time from 1s to a hundred years".to_owned()) }
}

fn overlap(text: &str) -> Result<Duration, String> {
    let time = duration(text)?;
    if time <= KeyChange::LONGEST_OVERLAP { Ok(time) } else { Err("expected 90d at most".to_owned()) }
}

/// A quota as `name=amount`, divided by commas.
fn quota(text: &str) -> Result<Quota, String> {
    let mut quota = Quota::default();
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (name, amount) = part.split_once('=').ok_or_else(|| format!("expected name=amount, found {part:?}"))?;
        let size = || parse_size(amount).ok_or_else(|| format!("{name}: expected a size such as 1GiB, found {amount:?}"));
        let number = || amount.parse().map_err(|_| format!("{name}: expected a whole number, found {amount:?}"));
        match name {
            "requests_per_minute" => quota.requests_per_minute = Some(amount.parse().map_err(|_| number_above_zero(name, amount))?),
            "tasks_in_flight" => quota.tasks_in_flight = Some(number()?),
            "bytes_in_flight" => quota.bytes_in_flight = Some(size()?),
            "stored_bytes" => quota.stored_bytes = Some(size()?),
            _ => {
                return Err(format!(
                    "{name:?} is no quota: expected requests_per_minute, tasks_in_flight, bytes_in_flight or stored_bytes"
                ));
            }
        }
    }
    Ok(quota)
}

fn number_above_zero(name: &str, amount: &str) -> String {
    format!("{name}: expected a whole number above zero, found {amount:?}")
}

pub(super) fn run(arguments: Arguments) -> ExitCode {
    let (command, place) = match arguments {
        Arguments::Create { name, scopes, quota, expires, place } => {
            (KeysCommand::Create(NewKey { name, scopes, quota, expires_in: expires }), place)
        }
        Arguments::List { place } => (KeysCommand::List, place),
        Arguments::Revoke { id, place } => (KeysCommand::Revoke(id), place),
        Arguments::Rotate { id, overlap, place } => (KeysCommand::Rotate(id, overlap.unwrap_or(KeyChange::USUAL_OVERLAP)), place),
    };
    let config = match place.load() {
        Ok(config) => config,
        Err(unusable) => return unusable,
    };
    match run_keys_command(&config, &command) {
        Ok(keys) => tell(&command, &keys),
        Err(error) => {
            eprintln!("safelight: {error}");
            ExitCode::FAILURE
        }
    }
}

fn tell(command: &KeysCommand, keys: &[KeyBody]) -> ExitCode {
    match (command, keys) {
        (KeysCommand::List, _) => print(&table(keys)),
        (KeysCommand::Revoke(id), _) => {
            eprintln!("key {id} is revoked");
            ExitCode::SUCCESS
        }
        (_, [KeyBody { id, name, scopes, key: Some(key), .. }]) => {
            eprintln!("key {id} ({name}) is good for {scopes}; keep what follows, it is shown this once");
            print(&format!("{key}\n"))
        }
        _ => ExitCode::FAILURE,
    }
}

/// The keys as lines with columns.
fn table(keys: &[KeyBody]) -> String {
    let mut text = format!("{:16}  {:18}  {:24}  {:24}  NAME\n", "ID", "SCOPES", "CREATED", "GOOD UNTIL");
    for key in keys {
        let until = match (&key.revoked_at, &key.expires_at) {
            (Some(_), _) => "revoked",
            (None, Some(expires)) => expires,
            (None, None) => "for ever",
        };
        let _ = writeln!(text, "{:16}  {:18}  {:24}  {until:24}  {}", key.id, key.scopes.to_string(), key.created_at, key.name);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_read_part_by_part() {
        let all = quota("requests_per_minute=60,tasks_in_flight=5,bytes_in_flight=1GiB,stored_bytes=0").expect("a quota");
        let expected = (Some(60), Some(5), Some(1 << 30), Some(0));
        assert_eq!((all.requests_per_minute.map(u32::from), all.tasks_in_flight, all.bytes_in_flight, all.stored_bytes), expected);
        assert_eq!(quota(""), Ok(Quota::default()));
        for bad in ["requests_per_minute=0", "tasks_in_flight=x", "bytes_in_flight=1XB", "tasks", "speed=1"] {
            assert!(quota(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn times_are_bounded_as_on_the_route() {
        assert_eq!(overlap("1d"), Ok(KeyChange::USUAL_OVERLAP));
        assert_eq!((overlap("90d"), overlap("0s")), (Ok(KeyChange::LONGEST_OVERLAP), Ok(Duration::ZERO)));
        assert!(overlap("91d").is_err() && life("0s").is_err() && life("36601d").is_err() && life("1500ms").is_err());
    }
}
