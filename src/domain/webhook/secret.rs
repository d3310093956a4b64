//! Secrets and signatures, as Standard Webhooks writes them: `whsec_` and the secret in base64; `v1,` and the HMAC-SHA256 of
//! `id.timestamp.body` in base64 (github.com/standard-webhooks/standard-webhooks, spec, "Signature scheme").

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// What every secret begins with.
const PREFIX: &str = "whsec_";

/// The secret of an endpoint. It prints nothing of itself where it is not asked to. The server must keep it as it is: it signs with it.
#[derive(Clone)]
pub struct WebhookSecret([u8; Self::LEN]);

impl WebhookSecret {
    /// Its length in bytes; the specification allows 24 to 64.
    pub const LEN: usize = 32;

    /// A new secret.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; Self::LEN];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// The secret of these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// Its bytes, to be kept.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// The text that the receiver is given, once.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(self.0))
    }

    /// A signature, `seconds` after 1970.
    #[must_use]
    pub fn sign(&self, id: &str, seconds: u64, body: &str) -> String {
        signature(&self.0, id, seconds, body)
    }
}

/// # Panics
/// Never: HMAC takes a key of any length.
fn signature(key: &[u8], id: &str, seconds: u64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length (RFC 2104, 2)");
    mac.update(format!("{id}.{seconds}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

impl PartialEq for WebhookSecret {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for WebhookSecret {}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(...)")
    }
}

/// The text was not a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the secret of a webhook: expected {PREFIX} and {} bytes in base64", WebhookSecret::LEN)]
pub struct InvalidWebhookSecret;

impl FromStr for WebhookSecret {
    type Err = InvalidWebhookSecret;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = text.strip_prefix(PREFIX).and_then(|text| STANDARD.decode(text).ok()).ok_or(InvalidWebhookSecret)?;
        bytes.try_into().map(Self).map_err(|_| InvalidWebhookSecret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_one_of_the_specification() {
        // The example of the specification and of its reference libraries.
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("base64");
        let signed = signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, "{\"test\": 2432232314}");
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_reads_what_it_reveals_and_is_printed_only_on_purpose() {
        let secret = WebhookSecret::random().expect("the system has randomness");
        assert_eq!(secret.reveal().parse(), Ok(secret.clone()));
        assert_ne!(secret, WebhookSecret::random().expect("the system has randomness"));
        assert_eq!(format!("{secret:?}"), "WebhookSecret(...)");
        for text in ["", "whsec_", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ", "whsec_?"] {
            assert_eq!(text.parse::<WebhookSecret>(), Err(InvalidWebhookSecret), "{text}");
        }
    }
}
