//! What the server is for, where it listens, how many connections it holds, how long it takes to stop.

use std::net::SocketAddr;
use std::time::Duration;

use crate::config::Origins;
use crate::config::kind::{Address, Choice, Count, CountOrCores, OriginList, Switch, Time};
use crate::config::schema::section;
use crate::domain::node::Role;

const ROLES: Choice<Role> = Choice(&[("all", Role::All), ("serve", Role::Serve), ("work", Role::Work)]);

section! {
    /// The server: what it is for, and its HTTP.
    pub struct ServerConfig = "server" {
        /// What this server does: "serve" has clients and no workers, "work" has workers and no clients, "all" both. A server that does one
        /// half needs others that do the other, so it needs a database (`data.tasks`) and a store of images (`data.blobs`) that they share.
        role: Role = fixed(ROLES, "all"),
        /// The address and port to listen on. Port 0 takes a free one; the log tells which.
        listen: SocketAddr = fixed(Address, "127.0.0.1:8080"),
        /// Whether the server may listen on an address that other machines reach although there is no API key: anybody can then use it.
        /// Once a key was made (safelight keys create), it is needed everywhere, whatever is said here.
        insecure: bool = fixed(Switch, "false"),
        /// The sites whose pages may use the server from a browser (CORS).
        cors_origins: Origins = fixed(OriginList, ""),
        /// The threads that answer HTTP requests.
        http_workers: u32 = fixed(CountOrCores { min: 1, max: 256 }, "auto"),
        /// The connections that may be open at the same time, over all threads; more wait in the system's backlog.
        max_connections: u32 = fixed(Count { min: 1_u32, max: 1_000_000 }, "4096"),
        /// How long a request's headers may take to arrive.
        // The HTTP server measures it by a clock that is up to half a second late: less would refuse every connection.
        header_timeout: Duration = fixed(Time { min: Duration::from_secs(1), max: Duration::from_hours(1) }, "5s"),
        /// When the server is told to stop: how long the running jobs may take to finish. What has not finished by then
        /// is put back, costs the task no attempt, and runs after the next start.
        drain: Duration = fixed(Time { min: Duration::ZERO, max: Duration::from_hours(1) }, "30s"),
    }
}
