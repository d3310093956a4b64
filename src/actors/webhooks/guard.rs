//! Which addresses a delivery may be sent to (SSRF): the name is resolved once, every address that it has must be public, and the
//! connection is made to one of exactly these. A name that stands for another address a moment later is never asked again.

use std::io;
use std::net::SocketAddr;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use crate::domain::webhook::is_global;

/// A resolver behind which only public addresses are known.
#[derive(Debug)]
pub(super) struct Guard<R> {
    resolver: R,
    allow_private: bool,
}

impl<R> Guard<R> {
    pub(super) fn new(resolver: R, allow_private: bool) -> Self {
        Self { resolver, allow_private }
    }
}

/// The host of an endpoint has an address that is not public. Which one is nobody's business: names of the inside could be looked up so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the host has an address that is not public")]
pub(super) struct NotPublic;

impl<R: Resolver> Resolver for Guard<R> {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let addresses = self.resolver.resolve(uri, config, timeout)?;
        let is_public = |address: &SocketAddr| is_global(address.ip());
        if self.allow_private || addresses.iter().all(is_public) {
            Ok(addresses)
        } else {
            Err(ureq::Error::Io(io::Error::other(NotPublic)))
        }
    }
}
