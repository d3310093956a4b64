//! Webhooks: whom a caller wants to be told when a task has ended, by the rules of Standard Webhooks (standardwebhooks.com).
//!
//! | file | what lives there |
//! |---|---|
//! | this one | an endpoint, and the names of endpoints and deliveries |
//! | `delivery` | one thing to be told, and every way in which it can go |
//! | `secret` | secrets and signatures |
//! | `url` | where an endpoint may be |
//! | `address` | which addresses of the network are public |

mod address;
mod delivery;
mod secret;
mod url;

use std::time::Duration;

pub use address::is_global;
pub use delivery::{Attempted, Delivery, DeliveryState, InvalidDeliveryState, InvalidOccasion, Occasion, Patience};
pub use secret::{InvalidWebhookSecret, WebhookSecret};
pub use url::{InvalidWebhookUrl, WebhookUrl};

use crate::domain::access::KeyId;
use crate::domain::ids::uuid_names;
use crate::domain::timestamp::Timestamp;

uuid_names! {
    /// The id of an endpoint: a random UUID.
    WebhookId, InvalidWebhookId = "the id of a webhook";
    /// The id of a delivery: the same over all attempts at it (the header `webhook-id`), so that a receiver knows it again.
    DeliveryId, InvalidDeliveryId = "the id of a delivery";
}

/// An endpoint as it was at one moment: a copy of its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its name.
    pub id: WebhookId,
    /// The key that it belongs to, and whose tasks may name it; `None` if it was registered without one.
    pub caller: Option<KeyId>,
    /// Where it is.
    pub url: WebhookUrl,
    /// What deliveries are signed with.
    pub secret: WebhookSecret,
    /// The secret before it, while deliveries are signed with both.
    pub former: Option<FormerWebhookSecret>,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// A secret that was replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormerWebhookSecret {
    /// The secret.
    pub secret: WebhookSecret,
    /// Until when deliveries are signed with it as well.
    pub until: Timestamp,
}

impl Webhook {
    /// How many endpoints a caller may have.
    pub const MAX: u64 = 100;

    /// The endpoint with a new secret. The present one signs beside it for a while; the one before that ends at once.
    #[must_use]
    pub fn rotated(self, secret: WebhookSecret, overlap: Duration, now: Timestamp) -> Self {
        let former = FormerWebhookSecret { secret: self.secret, until: now.after(overlap) };
        Self { secret, former: Some(former), ..self }
    }

    /// The value of `webhook-signature`: a signature by the secret, and one by the secret before it while both are good.
    #[must_use]
    pub fn signatures(&self, delivery: DeliveryId, body: &str, now: Timestamp) -> String {
        let former = self.former.as_ref().filter(|former| now < former.until).map(|former| &former.secret);
        let secrets = std::iter::once(&self.secret).chain(former);
        let (id, seconds) = (delivery.to_string(), now.0 / 1000);
        secrets.map(|secret| secret.sign(&id, seconds, body)).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_secrets_sign_while_they_overlap() {
        let [first, second, third] = [1, 2, 3].map(|byte| WebhookSecret::from_bytes([byte; 32]));
        let url = "https://example.com/".parse().expect("a URL");
        let id = WebhookId::random();
        let new = Webhook { id, caller: None, url, secret: first.clone(), former: None, created_at: Timestamp(0) };
        let delivery = DeliveryId::random();
        let signed = |webhook: &Webhook, now| webhook.signatures(delivery, "{}", Timestamp(now));
        let by = |secrets: &[&WebhookSecret], now: u64| {
            secrets.iter().map(|secret| secret.sign(&delivery.to_string(), now / 1000, "{}")).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(signed(&new, 1999), by(&[&first], 1999));
        let rotated = new.rotated(second.clone(), Duration::from_secs(5), Timestamp(1000));
        assert_eq!(signed(&rotated, 5999), by(&[&second, &first], 5999));
        assert_eq!(signed(&rotated, 6000), by(&[&second], 6000));
        let again = rotated.rotated(third.clone(), Duration::from_secs(5), Timestamp(1000));
        assert_eq!(signed(&again, 1000), by(&[&third, &second], 1000), "the oldest ends at once");
    }
}
