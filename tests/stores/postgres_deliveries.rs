//! Deliveries of several servers over one PostgreSQL database: each is sent by one of them, and all together send so many to an endpoint.

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use safelight::domain::webhook::{Attempted, DeliveryId};
use safelight::stores::webhooks::{Due, WebhookStore};

use crate::conformance::webhooks::{added, cancelled, due, settle, taken};
use crate::fixtures::*;
use crate::postgres_fixtures::Postgres;

#[test]
fn a_delivery_is_sent_by_one_node_until_that_falls_silent() {
    let Some(engine) = Postgres::fresh() else { return };
    let (mine, other) = (engine.db(), engine.beside("other"));
    let webhook = added(&*mine, None).id;
    let all: BTreeSet<_> = cancelled(&engine, webhook, 4).iter().map(|delivery| delivery.id.to_string()).collect();
    let taken = |node: &dyn WebhookStore, each| taken(node, each).iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    let (first, rest) = (taken(&*mine, 2), taken(&*other, 9));
    assert_eq!((first.len(), rest.len(), &first | &rest), (2, 2, all.clone()), "each is one node's");
    assert_eq!(taken(&*mine, 9), first);
    engine.clock.advance(Duration::from_secs(61));
    assert_eq!((taken(&*other, 9), taken(&*mine, 9)), (all, BTreeSet::new()));
}

#[test]
fn an_endpoint_has_so_many_places_over_all_nodes() {
    let Some(engine) = Postgres::fresh() else { return };
    let (mine, other) = (engine.db(), engine.beside("other"));
    let [webhook, elsewhere] = [0; 2].map(|_| added(&*mine, None).id);
    let all = cancelled(&engine, webhook, 4);
    let seen_before = due(&*other, 2);
    assert_eq!((taken(&*mine, 2).len(), due(&*other, 2)), (2, vec![]), "there is no place left");
    let rest: Vec<Due> = all[2..].iter().map(|delivery| Due { delivery: delivery.id, webhook }).collect();
    for asked in [seen_before, rest] {
        assert_eq!(block_on(other.take(asked, 2)), Ok(vec![]), "nor for who has looked before");
    }
    let apart = cancelled(&engine, elsewhere, 1)[0].id;
    assert_eq!(taken(&*other, 2), [apart], "another endpoint has places of its own");
    settle(&*mine, all[0].id, Attempted::Answered(200));
    assert_eq!(taken(&*other, 2).len(), 2, "one was settled");
    assert_eq!(taken(&*mine, 2), [all[1].id]);
    assert_eq!(due(&*other, 3).iter().filter(|due| due.webhook == webhook).count(), 2, "one of them is a third place");
    drop(other);
    let again = engine.beside("other");
    assert_eq!(taken(&*again, 2).len(), 2, "who begins anew goes on with its own");
}

#[test]
fn who_goes_on_asking_keeps_what_it_has() {
    let Some(engine) = Postgres::fresh() else { return };
    let (mine, other) = (engine.db(), engine.beside("other"));
    let webhook = added(&*mine, None).id;
    cancelled(&engine, webhook, 1);
    let first = taken(&*mine, 1);
    for _ in 0..3 {
        engine.clock.advance(Duration::from_secs(40));
        assert_eq!(taken(&*mine, 1), first);
    }
    engine.clock.advance(Duration::from_secs(59));
    assert_eq!(due(&*other, 1), []);
    engine.clock.advance(Duration::from_secs(1));
    assert_eq!(taken(&*other, 1), first);
    settle(&*mine, first[0], Attempted::Answered(200));
    assert_eq!((taken(&*other, 1), taken(&*mine, 1)), (vec![], vec![]), "what was sent all the same is settled");
}

#[test]
fn the_places_are_as_many_when_nodes_take_at_the_same_moment() {
    let Some(engine) = Postgres::fresh() else { return };
    let webhook = added(&*engine.db(), None).id;
    let ids: Vec<DeliveryId> = cancelled(&engine, webhook, 24).iter().map(|delivery| delivery.id).collect();
    let nodes: Vec<_> = (0..6).map(|node| engine.beside(&format!("node-{node}"))).collect();
    let start = Barrier::new(nodes.len());
    let taken: usize = thread::scope(|threads| {
        // Each asks for others than the rest, so that nothing but the number of places stands against it.
        let hands = nodes.iter().zip(ids.chunks(4)).map(|(node, ids)| {
            let (start, asked) = (&start, ids.iter().map(|id| Due { delivery: *id, webhook }).collect());
            threads.spawn(move || {
                start.wait();
                block_on(node.take(asked, 3)).unwrap().len()
            })
        });
        let hands: Vec<_> = hands.collect();
        hands.into_iter().map(|hand| hand.join().unwrap()).sum()
    });
    assert_eq!(taken, 3);
}
