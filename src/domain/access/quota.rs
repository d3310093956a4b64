//! Quotas: how much of the server one key may use.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How much one key may use; what is not named is not bounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// Requests in a minute. As many may come at once; each then becomes free again after its share of the minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>, minimum = 1)]
    pub requests_per_minute: Option<NonZeroU32>,
    /// Tasks that have not ended, uploads under way included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks_in_flight: Option<u64>,
    /// Bytes of their originals; an upload of unknown length counts as the longest one allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_in_flight: Option<u64>,
    /// Bytes of all that is stored for its tasks: originals and results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored_bytes: Option<u64>,
}

impl Quota {
    /// No bound on anything.
    pub const NONE: Self = Self { requests_per_minute: None, tasks_in_flight: None, bytes_in_flight: None, stored_bytes: None };
}
