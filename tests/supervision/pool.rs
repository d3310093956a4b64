//! Pools grow at once, shrink as work ends, and keep their size across restarts.

use std::time::Duration;

use actix::prelude::*;
use safelight::actors::supervision::{Supervisor, *};

use crate::harness::*;

const JOB: Duration = Duration::from_secs(10);

struct Bench {
    journal: Journal,
    script: Script,
    pool: Addr<Supervisor>,
    root: Root,
}

/// A pool named `workers` of probes, which need ten seconds to finish their job; and a sibling before it, for `rest_for_one`.
async fn bench(count: usize) -> (Bench, Addr<Probe>) {
    let (journal, script) = (Journal::default(), Script::terminates(Terminate::After(JOB)));
    let (sibling, addr) = Probe::child("master", Options::default(), &Journal::default(), &Script::default());
    let (notes, plan) = (journal.clone(), script.clone());
    let options = Options { shutdown: 2 * JOB, ..Options::default() };
    let template = Template::new("worker", options, move |number| Probe::new(&number.to_string(), &notes, &plan));
    let (spec, pool) = pool("workers", policy(), count, template);
    let root = root(Strategy::RestForOne, vec![sibling, spec]).await;
    (Bench { journal, script, pool, root }, addr)
}

impl Bench {
    async fn scale(&self, count: usize) {
        self.pool.send(Scale { count }).await.unwrap().unwrap();
        settle().await;
    }

    fn happened(&self) -> String {
        self.journal.take().join(" ")
    }

    /// `<number>:<state>` of each worker.
    async fn workers(&self) -> String {
        let tree = self.root.addr().send(Tree::default()).await.unwrap();
        let workers = tree.children[1].children.iter().map(|child| format!("{}:{:?}", child.id.replace("worker-", ""), child.state));
        workers.collect::<Vec<_>>().join(" ")
    }
}

#[test]
fn a_pool_grows_at_once() {
    run(async {
        let (bench, _) = bench(2).await;
        assert_eq!(bench.happened(), "+0 +1");
        bench.scale(4).await;
        assert_eq!(bench.happened(), "+2 +3");
        assert_eq!(bench.workers().await, "0:Running 1:Running 2:Running 3:Running");
    });
}

#[test]
fn a_pool_shrinks_from_the_top_as_jobs_end() {
    run(async {
        let (bench, _) = bench(12).await;
        bench.happened();
        bench.scale(9).await;
        assert_eq!(bench.happened(), "", "they finish their jobs first");
        assert!(bench.workers().await.ends_with("8:Running 9:Stopping 10:Stopping 11:Stopping"), "{}", bench.workers().await);
        tokio::time::sleep(JOB).await;
        let mut ended = bench.journal.take();
        ended.sort();
        assert_eq!(ended, ["-10", "-11", "-9"]);
        assert!(bench.workers().await.ends_with("8:Running"));
        assert_eq!(bench.root.addr().send(Tree::default()).await.unwrap().children[1].restarts, 0, "retiring is no failure");
    });
}

#[test]
fn a_pool_that_grows_again_while_others_retire_starts_new_ones_at_once() {
    run(async {
        let (bench, _) = bench(4).await;
        bench.scale(1).await;
        bench.scale(3).await;
        assert_eq!(bench.happened(), "+0 +1 +2 +3 +4 +5");
        assert_eq!(bench.workers().await, "0:Running 1:Stopping 2:Stopping 3:Stopping 4:Running 5:Running");
        tokio::time::sleep(JOB).await;
        assert_eq!(bench.workers().await, "0:Running 4:Running 5:Running");
        bench.scale(5).await;
        assert_eq!(bench.workers().await, "0:Running 4:Running 5:Running 1:Running 2:Running");
    });
}

#[test]
fn a_retiring_child_that_fails_is_not_restarted_and_not_counted() {
    run(async {
        let (bench, _) = bench(2).await;
        bench.script.set(|plan| plan.terminate = Terminate::Panic);
        for _ in 0..10 {
            bench.scale(0).await;
            bench.scale(2).await;
        }
        assert_eq!(bench.workers().await, "0:Running 1:Running");
    });
}

#[test]
fn the_wanted_size_survives_a_restart_of_the_pool() {
    run(async {
        let (bench, sibling) = bench(2).await;
        bench.scale(3).await;
        bench.script.set(|plan| plan.terminate = Terminate::Ok);
        bench.happened();
        sibling.do_send(Fail::InHandler);
        settle().await;
        assert_eq!(bench.happened(), "-2 -1 -0 +0 +1 +2");
        assert_eq!(bench.root.addr().send(Tree::default()).await.unwrap().children[1].details["wanted"], 3);
    });
}

#[test]
fn a_size_set_while_the_pool_is_down_is_the_size_it_starts_with() {
    run(async {
        let (bench, sibling) = bench(2).await;
        sibling.do_send(Fail::InHandler);
        settle().await;
        assert_eq!(bench.workers().await, "0:Stopping 1:Stopping");
        bench.scale(3).await;
        assert_eq!(bench.workers().await, "0:Stopping 1:Stopping", "nothing starts while it stops");
        tokio::time::sleep(JOB).await;
        assert_eq!(bench.workers().await, "0:Running 1:Running 2:Running");
    });
}

#[test]
fn sizes_asked_for_while_the_pool_is_down_count_when_it_is_back() {
    run(async {
        let journal = Journal::default();
        let notes = journal.clone();
        let template = Template::new("worker", Options::default(), move |number| {
            Probe::new(&number.to_string(), &notes, &Script::inits([Init::After(JOB)]))
        });
        let (spec, pool) = pool("workers", policy(), 2, template);
        pool.do_send(Scale { count: 1 });
        pool.do_send(Scale { count: 3 });
        let root = root(Strategy::OneForOne, vec![spec]).await;
        let tree = root.addr().send(Tree::default()).await.unwrap();
        assert_eq!(tree.children[0].children.len(), 3, "{tree:?}");
        assert_eq!(journal.take().len(), 3);
    });
}

#[test]
fn only_a_pool_can_be_scaled() {
    run(async {
        let root = root(Strategy::OneForOne, vec![]).await;
        assert_eq!(root.addr().send(Scale { count: 1 }).await.unwrap(), Err(NotAPool));
    });
}
