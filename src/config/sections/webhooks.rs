//! How endpoints of webhooks are told, how long it is tried, and where they may be.

use std::time::Duration;

use crate::config::kind::{Count, Switch, Time};
use crate::config::schema::section;

section! {
    /// Webhooks: endpoints that are told when tasks have ended.
    pub struct WebhooksConfig = "webhooks" {
        /// Whether endpoints may have addresses that are not public, such as those of an intranet or of this machine. Then whoever may
        /// hand in tasks can let this server send requests to its neighbours.
        allow_private: bool = fixed(Switch, "false"),
        /// Whether endpoints may be reached by http, where everybody on the way can read what is sent.
        allow_http: bool = fixed(Switch, "false"),
        /// How many deliveries may be under way at the same time; the others wait in the database. At most a half of them go to
        /// endpoints that did not take their last one.
        in_flight: u32 = fixed(Count { min: 1_u32, max: 256 }, "16"),
        /// How many may go to the same endpoint; servers that share a database count theirs together.
        per_endpoint: u32 = fixed(Count { min: 1_u32, max: 16 }, "2"),
        /// How long one attempt may take, from the name of the host to the end of the answer.
        deadline: Duration = fixed(Time { min: Duration::from_millis(100), max: Duration::from_mins(1) }, "10s"),
        /// The pause after the first attempt; it doubles with each further one.
        backoff_min: Duration = fixed(Time { min: Duration::from_millis(10), max: Duration::from_hours(1) }, "5s"),
        /// The longest pause between two attempts.
        backoff_max: Duration = fixed(Time { min: Duration::from_millis(10), max: Duration::from_hours(24) }, "1h"),
        /// How long a delivery is tried; then it is given up, and can be sent again by hand.
        give_up: Duration = fixed(Time { min: Duration::ZERO, max: Duration::from_hours(24 * 30) }, "24h"),
        /// How long deliveries are kept for inspection once they were delivered or given up.
        keep: Duration = fixed(Time { min: Duration::ZERO, max: Duration::from_hours(24 * 365) }, "7d"),
    }
}
