//! The gate: who is let in, decided where the request arrives. It is a view of the keys that the actor publishes and every HTTP thread
//! shares, so that no request costs a message or a read of the database.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use crate::actors::keys::pace::Pace;
use crate::domain::access::{ApiKey, Caller, InvalidApiKey, Key, KeyId, NotGood, Scope};
use crate::domain::timestamp::Timestamp;
use crate::stores::keys::Uses;

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAdmitted {
    /// Nothing was shown.
    #[error("this server needs an API key; send it as Authorization: Bearer slk_...")]
    NoKey,
    /// What was shown is no key.
    #[error(transparent)]
    Invalid(#[from] InvalidApiKey),
    /// What was shown is no longer, or never was, a key of this server's.
    #[error(transparent)]
    NotGood(#[from] NotGood),
    /// The key is good, but not for this.
    #[error("the key lacks the scope {0}, which this needs")]
    MissingScope(Scope),
    /// The key is used more often than it may be.
    #[error("the key may be used {limit} times a minute (requests_per_minute); try again in {} s", .wait.as_millis().div_ceil(1000))]
    TooOften {
        /// How often.
        limit: NonZeroU32,
        /// When the next request is free.
        wait: Duration,
    },
}

/// The keys as every HTTP thread sees them.
#[derive(Clone, Default)]
pub struct Gate(Arc<RwLock<HashMap<KeyId, Known>>>);

/// A key, and how often it was used of late.
struct Known {
    key: Key,
    pace: Option<Arc<Pace>>,
}

impl Known {
    /// A changed key goes on at its pace, unless that was changed.
    fn replacing(former: Option<&Self>, key: Key) -> Self {
        let limit = key.quota.requests_per_minute;
        let pace = match former {
            Some(former) if former.key.quota.requests_per_minute == limit => former.pace.clone(),
            _ => limit.map(|limit| Arc::new(Pace::new(limit))),
        };
        Self { key, pace }
    }

    fn check_pace(&self) -> Result<(), NotAdmitted> {
        let (Some(pace), Some(limit)) = (&self.pace, self.key.quota.requests_per_minute) else { return Ok(()) };
        pace.admit().map_err(|wait| NotAdmitted::TooOften { limit, wait })
    }
}

impl Gate {
    /// Whether there never was a key: then whoever reaches the server is its operator.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.keys().is_empty()
    }

    /// Lets the holder of a key in that is good for what needs `scope`; any key is, where nothing is needed. Each call counts towards the key's pace.
    ///
    /// # Errors
    /// [`NotAdmitted`].
    pub fn admit(&self, shown: Option<&str>, scope: impl Into<Option<Scope>>) -> Result<Caller, NotAdmitted> {
        let keys = self.keys();
        if keys.is_empty() {
            return Ok(Caller::LOCAL);
        }
        let shown: ApiKey = shown.ok_or(NotAdmitted::NoKey)?.parse()?;
        let known = keys.get(&shown.id()).ok_or(NotGood::WrongSecret)?;
        let caller = known.key.holder(shown.digest(), Timestamp::now())?;
        known.check_pace()?;
        match scope.into() {
            Some(scope) if !caller.may(scope) => Err(NotAdmitted::MissingScope(scope)),
            _ => Ok(caller),
        }
    }

    /// Whether somebody who was let in before would still be.
    #[must_use]
    pub fn still_admits(&self, caller: Caller) -> bool {
        let now = Timestamp::now();
        match caller.key() {
            None => self.is_open(),
            Some(key) => self.keys().get(&key).is_some_and(|known| known.key.is_good(now)),
        }
    }

    /// Every key, in the order of their making.
    pub(super) fn list(&self) -> Vec<Key> {
        let mut keys: Vec<Key> = self.keys().values().map(|known| known.key.clone()).collect();
        keys.sort_by_key(|key| (key.created_at, key.id));
        keys
    }

    /// One key.
    pub(super) fn find(&self, id: KeyId) -> Option<Key> {
        self.keys().get(&id).map(|known| known.key.clone())
    }

    /// From now on these keys are as they are here.
    pub(super) fn publish(&self, keys: impl IntoIterator<Item = Key>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for key in keys {
            let now = Known::replacing(known.get(&key.id), key);
            known.insert(now.key.id, now);
        }
    }

    /// How often keys with a pace were let in since this was asked last; nothing where none has one.
    pub(super) fn take_uses(&self) -> Option<Uses> {
        let keys = self.keys();
        let mut paces = keys.values().filter_map(|known| Some((known.key.id, known.pace.as_ref()?))).peekable();
        paces.peek()?;
        Some(paces.map(|(id, pace)| (id, pace.take_untold())).filter(|(_, uses)| *uses > 0).collect())
    }

    /// Takes what other servers have let in out of the measures here.
    pub(super) fn charge(&self, uses: &[(KeyId, u64)]) {
        let keys = self.keys();
        for (id, uses) in uses {
            if let Some(pace) = keys.get(id).and_then(|known| known.pace.as_ref()) {
                pace.charge(*uses);
            }
        }
    }

    /// Nothing panics while it writes, so what is behind a poisoned lock is whole.
    fn keys(&self) -> RwLockReadGuard<'_, HashMap<KeyId, Known>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::access::{KeyChange, NewKey, Quota};

    const ID: KeyId = KeyId([7; 8]);

    /// A gate with one key of a quota, and what its holder shows.
    fn gate(scopes: &str, quota: Quota) -> (Gate, Key, String) {
        let shown = ApiKey::random(ID).expect("randomness");
        let new = NewKey { name: "test".parse().expect("a name"), scopes: scopes.parse().expect("scopes"), quota, expires_in: None };
        let key = Key::create(new, &shown, Timestamp::now());
        let gate = Gate::default();
        gate.publish([key.clone()]);
        (gate, key, shown.reveal())
    }

    #[test]
    fn without_a_key_everybody_is_the_operator_and_with_one_nobody() {
        assert_eq!(Gate::default().admit(Some("nonsense"), Scope::Admin), Ok(Caller::LOCAL));
        let (gate, key, shown) = gate("submit", Quota::default());
        assert_eq!(gate.admit(Some(&shown), Scope::Submit), Ok(Caller::holder(ID, key.scopes, key.quota)));
        assert_eq!(gate.admit(None, Scope::Submit), Err(NotAdmitted::NoKey));
        assert_eq!(gate.admit(Some(&shown), Scope::Read), Err(NotAdmitted::MissingScope(Scope::Read)));
        assert_eq!(gate.admit(Some(&shown[1..]), Scope::Submit), Err(InvalidApiKey::Foreign.into()));
        let stranger = ApiKey::random(ID).expect("randomness").reveal();
        assert_eq!(gate.admit(Some(&stranger), Scope::Submit), Err(NotGood::WrongSecret.into()));
        let unknown = ApiKey::random(KeyId([8; 8])).expect("randomness").reveal();
        assert_eq!(gate.admit(Some(&unknown), Scope::Submit), Err(NotGood::WrongSecret.into()), "told alike");
    }

    #[test]
    fn a_revoked_key_is_refused_by_the_next_request() {
        let (gate, key, shown) = gate("read", Quota::default());
        let shared = gate.clone();
        gate.publish([key.changed(KeyChange::Revoke, Timestamp::now()).expect("it can be revoked")]);
        assert_eq!(shared.admit(Some(&shown), Scope::Read), Err(NotGood::Revoked.into()));
        assert!(!shared.is_open(), "the server does not fall open when its last key is gone");
    }

    #[test]
    fn a_key_has_a_pace_that_outlives_its_rotation() {
        let quota = Quota { requests_per_minute: NonZeroU32::new(2), ..Quota::default() };
        let (gate, key, shown) = gate("read", quota);
        let admit = |shown: &str| gate.admit(Some(shown), Scope::Read);
        assert!(admit(&shown).is_ok());
        let new = ApiKey::random(ID).expect("randomness");
        let rotate = KeyChange::Rotate { secret: new.digest(), overlap: Duration::from_secs(60) };
        gate.publish([key.changed(rotate, Timestamp::now()).expect("not revoked")]);
        assert!(admit(&new.reveal()).is_ok());
        let refused = admit(&shown);
        assert!(
            matches!(refused, Err(NotAdmitted::TooOften { limit, wait }) if limit.get() == 2 && wait > Duration::from_secs(25) && wait <= Duration::from_secs(30)),
            "the third within a minute waits for its half: {refused:?}"
        );
    }

    #[test]
    fn a_pace_is_kept_together_with_what_other_servers_let_in() {
        let paced = Quota { requests_per_minute: NonZeroU32::new(3), ..Quota::default() };
        let (one, key, shown) = gate("read", paced);
        let other = Gate::default();
        assert_eq!(other.take_uses(), None, "no key has a pace");
        other.publish([key]);
        let admit = |gate: &Gate| gate.admit(Some(&shown), Scope::Read);
        assert!(admit(&one).is_ok() && admit(&one).is_ok() && admit(&other).is_ok());
        let uses = one.take_uses().expect("it has a pace");
        assert_eq!(uses, [(ID, 2)]);
        assert_eq!(one.take_uses(), Some(Uses::new()), "told once");
        other.charge(&uses);
        other.charge(&[(KeyId([9; 8]), 5)]);
        assert!(matches!(admit(&other), Err(NotAdmitted::TooOften { .. })), "two there and one here");
        assert_eq!(other.take_uses(), Some(vec![(ID, 1)]), "neither what was refused nor what the others know");
    }
}
