//! What happens to the store of images: it answers 503, is slow, or loses replies after it has done what was asked.

use std::time::Duration;

use crate::campaign::fault_matrix::fleet::Fleet;
use crate::campaign::fault_matrix::prove;
use crate::harness::eventually;
use crate::proxy::Manner;

/// Everybody finds the store like that, until whoever takes images knows it.
fn all_find_it(fleet: &Fleet, manner: Manner, until: impl FnOnce()) {
    fleet.members().for_each(|member| member.to_store.be(manner));
    until();
    fleet.members().for_each(|member| member.to_store.be(Manner::Honest));
}

#[test]
fn the_store_answers_503() {
    prove("the store answers 503", "store::the_store_answers_503", |fleet, _| {
        all_find_it(fleet, Manner::Refusing, || {
            for front in &fleet.fronts {
                eventually("the missing store in readyz", || {
                    let answer = front.server()?.try_get("/readyz")?;
                    (answer.status == 503 && answer.text().contains("store of images")).then_some(())
                });
            }
        });
    });
}

#[test]
fn the_store_is_slow() {
    prove("the store is slow", "store::the_store_is_slow", |fleet, dice| {
        let pieces = Duration::from_millis(100) + dice.time(Duration::from_millis(200));
        // Some uploads go through that, and some results.
        all_find_it(fleet, Manner::Slow(pieces), || fleet.is_well());
    });
}

#[test]
fn the_store_loses_replies() {
    prove("the store loses replies", "store::the_store_loses_replies", |fleet, dice| {
        let before: usize = fleet.members().map(|member| member.to_store.lost()).sum();
        for member in fleet.members() {
            let request = *dice.choose(&["PUT", "PUT", "GET", "HEAD"]);
            member.to_store.lose_replies(request, 1 + dice.below(3));
        }
        eventually("lost replies", || (fleet.members().map(|member| member.to_store.lost()).sum::<usize>() > before).then_some(()));
    });
}
