//! A key: what it is good for, until when, and how it changes. A key that was made stays on record for ever, so that it is known whose
//! tasks are whose, and so that a server which once had a key never again serves everybody.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use crate::domain::access::{ApiKey, Caller, KeyId, Quota, Scopes, SecretDigest};
use crate::domain::timestamp::Timestamp;

/// What people call a key: one line of 1 to 64 characters. It need not be unique; the id is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyName(String);

impl KeyName {
    /// The longest name, in characters.
    pub const MAX: usize = 64;

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text cannot name a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key's name has 1 to {} characters, none of them a control character", KeyName::MAX)]
pub struct InvalidKeyName;

impl FromStr for KeyName {
    type Err = InvalidKeyName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=Self::MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidKeyName) }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is asked for with a new key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// What people call it.
    pub name: KeyName,
    /// What it is good for.
    pub scopes: Scopes,
    /// How much it may use.
    pub quota: Quota,
    /// How long it is good for; for ever where nothing is said.
    pub expires_in: Option<Duration>,
}

impl NewKey {
    /// How long a key that ends may be good for.
    pub const LIFE: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(24 * 366 * 100);
}

/// A key as it was at one moment: a copy of its row. Expiry goes by the wall clock, since it is a date that people agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name among programs.
    pub id: KeyId,
    /// Its name among people.
    pub name: KeyName,
    /// What it is good for.
    pub scopes: Scopes,
    /// How much it may use.
    pub quota: Quota,
    /// The digest of its secret.
    pub secret: SecretDigest,
    /// The secret before it, while both are good.
    pub former: Option<FormerSecret>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is good for nothing.
    pub expires_at: Option<Timestamp>,
    /// Since when it is good for nothing, because somebody said so.
    pub revoked_at: Option<Timestamp>,
}

/// A secret that was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormerSecret {
    /// Its digest.
    pub secret: SecretDigest,
    /// Until when it is good beside the new one.
    pub until: Timestamp,
}

/// Why a key does not let anybody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotGood {
    /// The secret is not, or no longer, one of the key's.
    #[error("there is no such key")]
    WrongSecret,
    /// Its time is over.
    #[error("the key has expired; ask for another one")]
    Expired,
    /// It was revoked.
    #[error("the key was revoked; ask for another one")]
    Revoked,
}

/// How a key can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyChange {
    /// A new secret; the present one stays good beside it for a while. The one before that ends at once.
    Rotate {
        /// The digest of the new secret.
        secret: SecretDigest,
        /// How long the present one stays good.
        overlap: Duration,
    },
    /// Good for nothing from now on. To revoke a key again changes nothing.
    Revoke,
}

impl KeyChange {
    /// How long a former secret stays good where nothing is said.
    pub const USUAL_OVERLAP: Duration = Duration::from_hours(24);

    /// How long it may stay good at most.
    pub const LONGEST_OVERLAP: Duration = Duration::from_hours(24 * 90);
}

/// A revoked key cannot change any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key was revoked; make another one")]
pub struct KeyIsRevoked;

impl Key {
    /// The key that was asked for.
    #[must_use]
    pub fn create(new: NewKey, shown: &ApiKey, now: Timestamp) -> Self {
        Self {
            id: shown.id(),
            name: new.name,
            scopes: new.scopes,
            quota: new.quota,
            secret: shown.digest(),
            former: None,
            created_at: now,
            expires_at: new.expires_in.map(|time| now.after(time)),
            revoked_at: None,
        }
    }

    /// The holder of the key, if what was shown is good at this moment. Only who knows the secret hears why it is not.
    ///
    /// # Errors
    /// [`NotGood`].
    pub fn holder(&self, shown: SecretDigest, now: Timestamp) -> Result<Caller, NotGood> {
        let is_former = self.former.is_some_and(|former| (former.secret == shown) & (now < former.until));
        if !((self.secret == shown) | is_former) {
            return Err(NotGood::WrongSecret);
        }
        if self.revoked_at.is_some() {
            return Err(NotGood::Revoked);
        }
        if self.expires_at.is_some_and(|end| end <= now) {
            return Err(NotGood::Expired);
        }
        Ok(Caller::holder(self.id, self.scopes, self.quota))
    }

    /// Whether it is neither revoked nor expired.
    #[must_use]
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }

    /// The key after a change.
    ///
    /// # Errors
    /// [`KeyIsRevoked`]: there is no way back.
    pub fn changed(&self, change: KeyChange, now: Timestamp) -> Result<Self, KeyIsRevoked> {
        match change {
            KeyChange::Revoke => Ok(Self { revoked_at: self.revoked_at.or(Some(now)), ..self.clone() }),
            KeyChange::Rotate { .. } if self.revoked_at.is_some() => Err(KeyIsRevoked),
            KeyChange::Rotate { secret, overlap } => {
                let former = FormerSecret { secret: self.secret, until: now.after(overlap) };
                Ok(Self { secret, former: Some(former), ..self.clone() })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn secret(number: u8) -> ApiKey {
        let text = |body: String| format!("{body}{:08x}", crc32fast::hash(body.as_bytes()));
        text(format!("slk_{}_{}", "01".repeat(8), format!("{number:02x}").repeat(32))).parse().expect("a key")
    }

    fn key(expires_in: Option<Duration>) -> Key {
        let (name, scopes) = ("ci".parse().expect("a name"), "submit".parse().expect("scopes"));
        Key::create(NewKey { name, scopes, quota: Quota::default(), expires_in }, &secret(1), NOW)
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp(NOW.0 + seconds * 1000)
    }

    #[test]
    fn a_key_is_good_until_it_expires() {
        let key = key(Some(Duration::from_secs(10)));
        assert_eq!(key.holder(secret(1).digest(), NOW), Ok(Caller::holder(key.id, key.scopes, key.quota)));
        assert!(key.holder(secret(1).digest(), at(9)).is_ok());
        assert_eq!(key.holder(secret(1).digest(), at(10)), Err(NotGood::Expired));
        assert_eq!(key.holder(secret(2).digest(), at(10)), Err(NotGood::WrongSecret), "a stranger learns nothing");
    }

    #[test]
    fn two_secrets_are_good_while_they_overlap() {
        let first = key(None);
        let rotated = |key: &Key, to, overlap| {
            key.changed(KeyChange::Rotate { secret: secret(to).digest(), overlap: Duration::from_secs(overlap) }, NOW).expect("not revoked")
        };
        let good = |key: &Key, now| [1, 2, 3].map(|number| key.holder(secret(number).digest(), now).is_ok());
        let second = rotated(&first, 2, 5);
        assert_eq!(
            (good(&second, NOW), good(&second, at(4)), good(&second, at(5))),
            ([true, true, false], [true, true, false], [false, true, false])
        );
        let third = rotated(&second, 3, 5);
        assert_eq!(good(&third, NOW), [false, true, true], "the oldest ends at once");
        assert_eq!(good(&rotated(&first, 2, 0), NOW), [false, true, false], "no overlap");
        assert_eq!(third.id, first.id, "its tasks stay its own");
    }

    #[test]
    fn a_revoked_key_stays_revoked() {
        let revoked = key(None).changed(KeyChange::Revoke, at(1)).expect("it can be revoked");
        assert_eq!(revoked.holder(secret(1).digest(), at(1)), Err(NotGood::Revoked));
        assert_eq!(revoked.changed(KeyChange::Revoke, at(2)), Ok(revoked.clone()));
        let rotate = KeyChange::Rotate { secret: secret(2).digest(), overlap: Duration::ZERO };
        assert_eq!(revoked.changed(rotate, at(2)), Err(KeyIsRevoked));
    }

    #[test]
    fn names_are_one_line() {
        for name in ["a", "Continuous integration (Köln)", &"x".repeat(64)] {
            assert!(name.parse::<KeyName>().is_ok(), "{name}");
        }
        for text in ["", "a\nb", &"x".repeat(65)] {
            assert_eq!(text.parse::<KeyName>(), Err(InvalidKeyName), "{text}");
        }
    }
}
