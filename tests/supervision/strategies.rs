//! Whom a failure takes along, and who is started again.

use actix::prelude::*;
use safelight::actors::supervision::*;

use crate::harness::*;

struct Family {
    journal: Journal,
    addrs: Vec<Addr<Probe>>,
    _root: Root,
}

/// Children `a` to `d`; `b` is of the given kind.
async fn family(strategy: Strategy, b: Restart) -> Family {
    let journal = Journal::default();
    let kind = |id| Options { restart: if id == "b" { b } else { Restart::Permanent }, ..Options::default() };
    let child = |id| Probe::child(id, kind(id), &journal, &Script::default());
    let (specs, addrs) = ["a", "b", "c", "d"].map(child).into_iter().unzip();
    let root = root(strategy, specs).await;
    assert_eq!(journal.take(), ["+a", "+b", "+c", "+d"]);
    Family { journal, addrs, _root: root }
}

impl Family {
    /// Lets a child fail; returns what happened then.
    async fn after(&self, at: usize, fail: Fail) -> String {
        self.addrs[at].do_send(fail);
        settle().await;
        self.journal.take().join(" ")
    }
}

#[test]
fn one_for_one_restarts_the_child_that_failed() {
    run(async {
        let family = family(Strategy::OneForOne, Restart::Permanent).await;
        assert_eq!(family.after(1, Fail::InHandler).await, "-b +b");
        assert_eq!(family.addrs[0].send(Count).await, Ok(1));
    });
}

#[test]
fn rest_for_one_takes_along_what_was_started_later() {
    run(async {
        let family = family(Strategy::RestForOne, Restart::Permanent).await;
        assert_eq!(family.after(1, Fail::InHandler).await, "-b -d -c +b +c +d");
        assert_eq!(family.after(3, Fail::InHandler).await, "-d +d");
    });
}

#[test]
fn one_for_all_takes_along_all() {
    run(async {
        let family = family(Strategy::OneForAll, Restart::Permanent).await;
        assert_eq!(family.after(1, Fail::InHandler).await, "-b -d -c -a +a +b +c +d");
    });
}

#[test]
fn a_transient_child_is_restarted_only_when_it_failed() {
    run(async {
        let family = family(Strategy::OneForOne, Restart::Transient).await;
        assert_eq!(family.after(1, Fail::InHandler).await, "-b +b");
        assert_eq!(family.after(1, Fail::Exit(Exit::Shutdown)).await, "-b");
        assert_eq!(family.addrs[1].send(Count).await, Err(MailboxError::Closed), "nobody waits for the dead");
    });
}

#[test]
fn a_temporary_child_is_never_restarted_and_takes_nobody_along() {
    run(async {
        let family = family(Strategy::OneForAll, Restart::Temporary).await;
        assert_eq!(family.after(1, Fail::InHandler).await, "-b");
        assert_eq!(family.addrs[1].send(Count).await, Err(MailboxError::Closed));
    });
}

#[test]
fn a_temporary_child_stopped_for_a_sibling_is_done_for_good() {
    run(async {
        let family = family(Strategy::OneForAll, Restart::Temporary).await;
        assert_eq!(family.after(0, Fail::InHandler).await, "-a -d -c -b +a +c +d");
        assert_eq!(family.addrs[1].send(Count).await, Err(MailboxError::Closed));
    });
}

#[test]
fn exit_tells_the_supervisor_exactly_that_reason() {
    run(async {
        let family = family(Strategy::OneForOne, Restart::Permanent).await;
        family.after(1, Fail::Exit(Exit::InitFailed("of something else".to_owned()))).await;
        let tree = family._root.addr().send(Tree::default()).await.unwrap();
        assert_eq!(tree.children[1].last_failure.as_ref().unwrap().reason, "init failed: of something else");
    });
}
