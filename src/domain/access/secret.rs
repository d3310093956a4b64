//! What the holder of a key shows: `slk_<id>_<secret><checksum>`, and the digest of it that the server keeps.
//!
//! The prefix lets scanners for leaked secrets find it. The checksum tells a slip of the finger from a key that is not there, without any
//! look-up. The secret has 256 bits from the system's generator, so a plain SHA-256 keeps it: slow hashes (Argon2) exist because people
//! choose passwords that can be guessed, and nobody guesses this.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256 as Hasher};
use subtle::ConstantTimeEq;

use crate::domain::access::KeyId;
use crate::domain::blob::Sha256;

/// What every key begins with.
const PREFIX: &str = "slk_";

/// The length of the secret in bytes.
const SECRET: usize = 32;

/// The digits of the checksum: a CRC-32.
const CHECKSUM: usize = 8;

/// A whole key, as it is shown once. It prints nothing of itself where it is not asked to.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    id: KeyId,
    secret: [u8; SECRET],
}

impl ApiKey {
    /// A new secret under a name.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn random(id: KeyId) -> Result<Self, getrandom::Error> {
        let mut secret = [0; SECRET];
        getrandom::fill(&mut secret)?;
        Ok(Self { id, secret })
    }

    /// The name in it.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// What is kept of it.
    #[must_use]
    pub fn digest(&self) -> SecretDigest {
        SecretDigest(Sha256(Hasher::digest(self.secret).into()))
    }

    /// The text that its holder shows from now on.
    #[must_use]
    pub fn reveal(&self) -> String {
        // A digest is written as a secret is: two digits a byte.
        let body = format!("{PREFIX}{}_{}", self.id, Sha256(self.secret));
        format!("{body}{:08x}", crc32fast::hash(body.as_bytes()))
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({}, ...)", self.id)
    }
}

/// The text was not a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidApiKey {
    /// It does not look like one.
    #[error("that is not a key of this server: those begin with {PREFIX}")]
    Foreign,
    /// It looks like one, but something in it was changed or is missing.
    #[error("the key is misspelled or incomplete: its checksum does not fit")]
    Checksum,
}

impl FromStr for ApiKey {
    type Err = InvalidApiKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.strip_prefix(PREFIX).ok_or(InvalidApiKey::Foreign)?;
        let spoiled = InvalidApiKey::Checksum;
        let (body, checksum) = text.split_at_checked(text.len().saturating_sub(CHECKSUM)).ok_or(spoiled)?;
        if format!("{:08x}", crc32fast::hash(body.as_bytes())) != checksum {
            return Err(spoiled);
        }
        let (id, secret) = rest[..rest.len().saturating_sub(CHECKSUM)].split_once('_').ok_or(spoiled)?;
        let secret: Sha256 = secret.parse().map_err(|_| spoiled)?;
        Ok(Self { id: id.parse().map_err(|_| spoiled)?, secret: secret.0 })
    }
}

/// The digest of a secret: enough to know the secret again, useless to show.
#[derive(Clone, Copy, Debug)]
pub struct SecretDigest(pub Sha256);

impl PartialEq for SecretDigest {
    /// Takes the same time wherever they differ, so that nobody can feel a digest out byte by byte.
    fn eq(&self, other: &Self) -> bool {
        self.0.0.ct_eq(&other.0.0).into()
    }
}

impl Eq for SecretDigest {}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> ApiKey {
        ApiKey { id: KeyId([0xab; 8]), secret: [0x5a; SECRET] }
    }

    #[test]
    fn a_key_is_prefix_id_secret_and_the_crc_of_all_that() {
        let body = format!("slk_{}_{}", "ab".repeat(8), "5a".repeat(32));
        // The CRC-32 of ISO 3309, bit by bit.
        let crc = !body.bytes().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 })
        });
        assert_eq!(key().reveal(), format!("{body}{crc:08x}"));
        assert_eq!(key().reveal().parse(), Ok(key()));
    }

    #[test]
    fn slips_are_told_from_foreign_words() {
        let text = key().reveal();
        for index in PREFIX.len()..text.len() {
            let other = if &text[index..=index] == "0" { "1" } else { "0" };
            let slip = format!("{}{other}{}", &text[..index], &text[index + 1..]);
            assert_eq!(slip.parse::<ApiKey>(), Err(InvalidApiKey::Checksum), "{slip}");
        }
        for spoiled in
            [&text[..text.len() - 1], &text.to_uppercase().replace("SLK_", "slk_"), "slk_", "slk_x", "slk_\u{e9}\u{e9}\u{e9}\u{e9}"]
        {
            assert_eq!(spoiled.parse::<ApiKey>(), Err(InvalidApiKey::Checksum), "{spoiled}");
        }
        for foreign in ["", "secret", "ghp_0123"] {
            assert_eq!(foreign.parse::<ApiKey>(), Err(InvalidApiKey::Foreign), "{foreign}");
        }
    }

    #[test]
    fn a_key_is_printed_only_on_purpose() {
        let key = key();
        assert!(!format!("{key:?}").contains("5a5a"), "{key:?}");
        let random = ApiKey::random(key.id()).expect("the system has randomness");
        assert_ne!(random.digest(), key.digest());
        assert_eq!(key.digest(), key.reveal().parse::<ApiKey>().expect("a key").digest());
    }
}
