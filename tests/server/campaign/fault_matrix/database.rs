//! What happens to the database: it crashes and comes back, or is away for long.

use std::time::Duration;

use crate::campaign::fault_matrix::fleet::{Fleet, Member};
use crate::campaign::fault_matrix::prove;
use crate::harness::eventually;
use crate::proof;
use crate::waiting::stays;

/// Uploads are refused, and `readyz` tells what is missing.
fn assert_known(member: &Member) {
    eventually("the missing database in readyz", || {
        let answer = member.server()?.try_get("/readyz")?;
        (answer.status == 503 && answer.text().contains("database")).then_some(())
    });
}

fn lives(member: &Member) -> bool {
    member.server().and_then(|server| server.try_get("/livez")).is_some_and(|answer| answer.status == 200)
}

fn away(fleet: &Fleet, time: Duration) {
    fleet.database.stop();
    fleet.fronts.iter().for_each(assert_known);
    stays("servers live without their database", time, || fleet.fronts.iter().all(lives));
    fleet.database.run().expect("it starts again");
}

#[test]
fn the_database_crashes() {
    prove("PostgreSQL crashes and is started again", "database::the_database_crashes", |fleet, _| {
        fleet.database.stop();
        fleet.database.run().expect("it starts again");
    });
}

#[test]
fn the_database_is_away() {
    prove("PostgreSQL is away for 60 s", "database::the_database_is_away", |fleet, _| {
        away(fleet, proof::size(Duration::from_secs(3), Duration::from_mins(1)));
    });
}
