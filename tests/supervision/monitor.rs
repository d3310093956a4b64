//! Monitors hear of every end, also after their supervisor was restarted.

use std::time::Duration;

use actix::prelude::*;
use safelight::actors::supervision::*;

use crate::harness::*;

struct Watcher(Journal);

impl Actor for Watcher {
    type Context = Context<Self>;
}

impl Handler<Down> for Watcher {
    type Result = ();

    fn handle(&mut self, down: Down, _: &mut Context<Self>) {
        self.0.note(format!("{}/{}: {}", down.supervisor, down.child, down.exit));
    }
}

#[test]
fn a_monitor_hears_of_every_end_across_restarts_of_the_supervisor() {
    run(async {
        let (journal, quiet) = (Journal::default(), Journal::default());
        let (a, addr) = Probe::child("a", Options::default(), &quiet, &Script::default());
        let once = Policy::new(0, Duration::from_secs(1), Backoff::NONE).unwrap();
        let (engine, engine_addr) = supervisor("engine", Strategy::OneForOne, once, vec![a]).unwrap();
        let root = root(Strategy::OneForOne, vec![engine]).await;
        engine_addr.send(Monitor(Watcher(journal.clone()).start().recipient())).await.unwrap();
        for _ in 0..2 {
            addr.do_send(Fail::InHandler);
            assert_eq!(addr.send(Count).await, Ok(1));
        }
        root.stop(Duration::from_secs(1)).await;
        settle().await;
        assert_eq!(journal.take(), ["engine/a: panicked: kaboom", "engine/a: panicked: kaboom", "engine/a: stopped on order"]);
    });
}
