//! The top of the tree: the one supervisor without another above it. Its failure is the process's.

use std::time::Duration;

use actix::prelude::*;
use futures::{StreamExt, channel::mpsc};
use tokio::{sync::watch, time::timeout};

use super::{
    ChildSpec, DuplicateId, Exit, Policy, Strategy, Supervisor,
    child::GRACE,
    spec::{Handle, News, Order, Report, Run},
    supervisor,
};

/// A running tree. [`stop`](Root::stop) ends it in order; dropping it kills it.
pub struct Root {
    spec: Handle,
    addr: Addr<Supervisor>,
    ended: watch::Receiver<Option<Exit>>,
}

/// The tree could not be started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RootError {
    /// The list of children is wrong.
    #[error(transparent)]
    DuplicateId(#[from] DuplicateId),
    /// A child could not be started; those before it have been stopped again.
    #[error("the tree could not be started: {0}")]
    Failed(Exit),
}

impl Root {
    /// Starts a supervisor named `root` over these children on the calling arbiter, and waits until all are ready.
    ///
    /// # Errors
    /// [`RootError`]; nothing runs then any more.
    pub async fn start(strategy: Strategy, policy: Policy, children: Vec<ChildSpec>) -> Result<Root, RootError> {
        let (ChildSpec(spec), addr) = supervisor("root", strategy, policy, children)?;
        let (reports, mut news) = mpsc::unbounded();
        spec.order(Order::Run(Run::new(0, reports)));
        if let Err(exit) = next(&mut news).await {
            spec.finish();
            return Err(RootError::Failed(exit));
        }
        let (end, ended) = watch::channel(None);
        let root = spec.clone();
        actix::spawn(async move {
            let Err(exit) = next(&mut news).await else { return };
            // Nobody restarts a root: its address, and all below it, close with it.
            root.finish();
            end.send_replace(Some(exit));
        });
        Ok(Root { spec, addr, ended })
    }

    /// The root supervisor, for [`Tree`](super::Tree) and [`Monitor`](super::Monitor).
    pub fn addr(&self) -> &Addr<Supervisor> {
        &self.addr
    }

    /// Waits until the tree has ended, and tells why. Anything but [`Exit::Shutdown`] is a failure that the process should exit with.
    pub async fn ended(&self) -> Exit {
        let mut ended = self.ended.clone();
        // An error means that the arbiter went away with the task that would tell.
        ended.wait_for(Option::is_some).await.ok().and_then(|exit| exit.clone()).unwrap_or(Exit::Lost)
    }

    /// Stops all children in reverse order, each within its own deadline, and kills what is left after `within`.
    ///
    /// Stopping twice is the same as stopping once.
    pub async fn stop(&self, within: Duration) -> Exit {
        self.spec.order(Order::Stop { within });
        if let Ok(exit) = timeout(within, self.ended()).await {
            return exit;
        }
        self.spec.order(Order::Kill);
        timeout(GRACE, self.ended()).await.unwrap_or(Exit::Lost)
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        self.spec.finish();
    }
}

/// The next report about the root: it is ready, or it ended.
async fn next(news: &mut mpsc::UnboundedReceiver<Report>) -> Result<(), Exit> {
    match news.next().await {
        Some(Report { news: News::Ready, .. }) => Ok(()),
        Some(Report { news: News::Gone(exit), .. }) => Err(exit),
        None => Err(Exit::Lost),
    }
}
