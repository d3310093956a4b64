//! Who asks, what they may do, and the keys that say so.
//!
//! A task belongs to its caller for ever: to the key that it was handed in with, or to nobody in particular on a server that had
//! no keys.

mod key;
mod quota;
mod scope;
mod secret;

use std::fmt;
use std::str::FromStr;

pub use key::{FormerSecret, InvalidKeyName, Key, KeyChange, KeyIsRevoked, KeyName, NewKey, NotGood};
pub use quota::Quota;
pub use scope::{InvalidScopes, Scope, Scopes};
pub use secret::{ApiKey, InvalidApiKey, SecretDigest};

/// The name of a key, which is no secret: it stands in lists, in logs and beside the tasks that belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub [u8; KeyId::LEN]);

impl KeyId {
    /// Its length in bytes; it is written with twice as many digits.
    pub const LEN: usize = 8;

    /// A fresh id.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut id = [0; Self::LEN];
        getrandom::fill(&mut id)?;
        Ok(Self(id))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

/// The text was not the name of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a key: expected 16 hexadecimal digits in lower case")]
pub struct InvalidKeyId;

impl FromStr for KeyId {
    type Err = InvalidKeyId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // One id has one spelling.
        let is_spelled = text.len() == 2 * Self::LEN && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let number = is_spelled.then(|| u64::from_str_radix(text, 16).ok()).flatten().ok_or(InvalidKeyId)?;
        Ok(Self(number.to_be_bytes()))
    }
}

/// Whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    key: Option<KeyId>,
    scopes: Scopes,
    quota: Quota,
}

impl Caller {
    /// Somebody who needs no key: anybody on a server that has none, or the operator on the server's own machine.
    pub const LOCAL: Self = Self { key: None, scopes: Scopes::ALL, quota: Quota::NONE };

    /// The holder of a key.
    #[must_use]
    pub fn holder(key: KeyId, scopes: Scopes, quota: Quota) -> Self {
        Self { key: Some(key), scopes, quota }
    }

    /// How much the caller may use.
    #[must_use]
    pub fn quota(&self) -> Quota {
        self.quota
    }

    /// The key that was shown; what this caller hands in belongs to it.
    #[must_use]
    pub fn key(&self) -> Option<KeyId> {
        self.key
    }

    /// The same caller, for what uses bytes that are stored already.
    #[must_use]
    pub fn storing_nothing(self) -> Self {
        Self { quota: Quota { stored_bytes: None, ..self.quota }, ..self }
    }

    /// Whether the caller may do what needs this scope.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.include(scope)
    }

    /// Whether the caller may know of what belongs to `owner`. What one may not know of is answered exactly like what is not there.
    #[must_use]
    pub fn sees(&self, owner: Option<KeyId>) -> bool {
        self.confined_to().is_none_or(|own| owner == Some(own))
    }

    /// The only key whose tasks the caller may know of; `None` if all may be known.
    ///
    /// # Panics
    /// Never: whoever has no key has every scope.
    #[must_use]
    pub fn confined_to(&self) -> Option<KeyId> {
        if self.may(Scope::Admin) {
            None
        } else {
            Some(self.key.expect("only a holder of a key lacks a scope, by the two ways to make a caller"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINE: KeyId = KeyId([0, 1, 2, 3, 4, 5, 0xfe, 0xff]);
    const THEIRS: KeyId = KeyId([1; 8]);

    #[test]
    fn an_id_reads_what_it_prints_and_nothing_else() {
        assert_eq!(MINE.to_string(), "000102030405feff");
        assert_eq!("000102030405feff".parse(), Ok(MINE));
        for text in ["", "102030405feff", "000102030405FEFF", "+00102030405feff", "000102030405feff0", "000102030405fefg"] {
            assert_eq!(text.parse::<KeyId>(), Err(InvalidKeyId), "{text}");
        }
    }

    #[test]
    fn a_holder_sees_what_is_theirs_and_an_admin_everything() {
        let scopes = |text: &str| text.parse().expect("scopes");
        let (user, admin) = (Caller::holder(MINE, scopes("submit,read"), Quota::NONE), Caller::holder(MINE, scopes("admin"), Quota::NONE));
        for (owner, seen) in [(Some(MINE), true), (Some(THEIRS), false), (None, false)] {
            assert_eq!(user.sees(owner), seen, "{owner:?}");
            assert!(admin.sees(owner) && Caller::LOCAL.sees(owner));
        }
        assert_eq!((user.confined_to(), admin.confined_to(), Caller::LOCAL.confined_to()), (Some(MINE), None, None));
    }
}
