//! Blobs in an S3 store under test: each in a place of its own of the binary's SeaweedFS.

use std::sync::Arc;
use std::time::Duration;

use safelight::stores::blobs::BlobStore;
use safelight::stores::s3::{S3Blobs, S3Options};
use tempfile::TempDir;

use crate::blob_fixtures::BlobEngine;
use crate::fixtures::{HandClock, scratch};
use crate::proxy::Proxy;
use crate::seaweedfs::Seaweed;

/// [`S3Blobs`] with a place and a spool of their own.
pub(crate) struct S3 {
    clock: HandClock,
    pub(crate) options: S3Options,
    pub(crate) spool: TempDir,
    store: Option<Arc<S3Blobs>>,
}

/// The server, unless there is none here.
fn server() -> Option<&'static Seaweed> {
    Seaweed::shared().inspect_err(|why| println!("skipped: {why}")).ok()
}

impl S3 {
    /// A new place, where there is a server.
    pub(crate) fn fresh() -> Option<Self> {
        server().map(|server| Self::with(server.options(&server.endpoint())))
    }

    /// The same over a store that does not refuse to overwrite.
    pub(crate) fn that_overwrites() -> Option<Self> {
        server().map(|server| Self::with(S3Options { conditional_put: false, ..server.options(&server.endpoint()) }))
    }

    /// A new place, reached through a proxy; a request may take two seconds.
    pub(crate) fn through_proxy() -> Option<(Self, Proxy)> {
        let server = server()?;
        let proxy = Proxy::before(server.port());
        let options = S3Options { timeout: Duration::from_secs(2), ..server.options(&proxy.endpoint()) };
        Some((Self::with(options), proxy))
    }

    fn with(options: S3Options) -> Self {
        let clock = HandClock::default();
        let options = S3Options { clock: clock.clock(), ..options };
        let mut engine = Self { clock, options, spool: scratch(), store: None };
        engine.reopen();
        engine
    }

    pub(crate) fn store(&self) -> Arc<S3Blobs> {
        Arc::clone(self.store.as_ref().unwrap())
    }
}

impl BlobEngine for S3 {
    fn blobs(&self) -> Arc<dyn BlobStore> {
        self.store()
    }

    fn clock(&self) -> &HandClock {
        &self.clock
    }

    fn reopen(&mut self) {
        self.store = None;
        self.store = Some(Arc::new(S3Blobs::open(&self.options, self.spool.path()).unwrap()));
    }
}
