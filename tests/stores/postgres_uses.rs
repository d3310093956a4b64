//! How often keys were used, as servers over one database tell each other.

use std::time::Duration;

use safelight::domain::access::KeyId;
use safelight::stores::keys::{KeyStore, Uses};
use safelight::stores::postgres::PostgresDb;

use crate::fixtures::block_on;
use crate::postgres::updates;
use crate::postgres_fixtures::Postgres;

const A: KeyId = KeyId([1; 8]);
const B: KeyId = KeyId([2; 8]);

/// Tells what was used, and returns what the others have told.
fn share(node: &PostgresDb, uses: &[(KeyId, u64)]) -> Uses {
    block_on(node.share_uses(uses.to_vec())).unwrap()
}

#[test]
fn nodes_hear_of_all_uses_but_their_own() {
    let Some(engine) = Postgres::fresh() else { return };
    let [one, two, three] = ["one", "two", "three"].map(|node| engine.beside(node));
    assert_eq!(share(&one, &[(B, 1), (A, 2)]), Uses::new());
    assert_eq!(share(&two, &[(A, 3)]), [(A, 2), (B, 1)]);
    assert_eq!(share(&one, &[(A, 10)]), [(A, 3)]);
    assert_eq!(share(&two, &[]), [(A, 12), (B, 1)]);
    assert_eq!(share(&three, &[]), [(A, 15), (B, 1)]);
}

#[test]
fn a_node_that_begins_anew_goes_on_where_it_was() {
    let Some(engine) = Postgres::fresh() else { return };
    let first = engine.beside("other");
    share(&first, &[(A, 100)]);
    drop(first);
    let again = engine.beside("other");
    assert_eq!(share(&again, &[(A, 1)]), Uses::new(), "what it told in its former life is its own");
    assert_eq!(share(&engine.db(), &[]), [(A, 101)]);
}

#[test]
fn what_nobody_has_used_for_minutes_is_forgotten_by_whoever_tells_something() {
    let Some(engine) = Postgres::fresh() else { return };
    let (mine, other) = (engine.db(), engine.beside("other"));
    share(&mine, &[(A, 1)]);
    share(&other, &[(A, 5), (B, 7)]);
    engine.clock.advance(Duration::from_mins(3));
    share(&other, &[(B, 1)]);
    assert_eq!(share(&mine, &[]), [(A, 5), (B, 8)]);
    engine.clock.advance(Duration::from_mins(1));
    assert_eq!(share(&mine, &[]), [(A, 5), (B, 8)], "an idle node writes nothing");
    share(&mine, &[(B, 1)]);
    assert_eq!(share(&mine, &[]), [(B, 8)]);
    assert_eq!(share(&other, &[(A, 2)]), [(B, 1)]);
    assert_eq!(share(&mine, &[]), [(A, 2), (B, 8)], "it begins anew");
}

#[test]
fn an_exchange_writes_no_index() {
    let Some(engine) = Postgres::fresh() else { return };
    for _ in 0..51 {
        engine.clock.advance(Duration::from_secs(1));
        share(&engine.db(), &[(A, 1)]);
    }
    let (updates, heap_only) = updates(engine, "uses");
    // A minute has passed once at the most.
    assert!(updates == 50 && heap_only >= 40, "{heap_only} of {updates}");
}
