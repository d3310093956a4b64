//! Quotas: how much of the server one key may use.

use std::num::NonZeroU32;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::domain::whole;

/// How much one key may use; what is not named is not bounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// Requests in a minute. As many may come at once; each then becomes free again after its share of the minute.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "pace")]
    #[schema(value_type = Option<u32>, format = "uint32", minimum = 1, maximum = 4_294_967_295_u32)]
    pub requests_per_minute: Option<NonZeroU32>,
    /// Tasks that have not ended, uploads under way included.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "whole::optional")]
    #[schema(format = "uint64", maximum = 18_446_744_073_709_551_615_u64)]
    pub tasks_in_flight: Option<u64>,
    /// Bytes of their originals; an upload of unknown length counts as the longest one allowed.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "whole::optional")]
    #[schema(format = "uint64", maximum = 18_446_744_073_709_551_615_u64)]
    pub bytes_in_flight: Option<u64>,
    /// Bytes of all that is stored for its tasks: originals and results.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "whole::optional")]
    #[schema(format = "uint64", maximum = 18_446_744_073_709_551_615_u64)]
    pub stored_bytes: Option<u64>,
}

impl Quota {
    /// No bound on anything.
    pub const NONE: Self = Self { requests_per_minute: None, tasks_in_flight: None, bytes_in_flight: None, stored_bytes: None };
}

fn pace<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NonZeroU32>, D::Error> {
    let read = |number: u64| u32::try_from(number).ok().and_then(NonZeroU32::new);
    let expected = || D::Error::custom(format!("requests_per_minute: expected a whole number from 1 to {}", u32::MAX));
    whole::optional(deserializer)?.map(|number| read(number).ok_or_else(expected)).transpose()
}
