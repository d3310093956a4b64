//! How the servers over one database tell each other how often they have let each key in, so that its pace holds over all of them. Nobody
//! waits for it: requests go by what is known.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};

use crate::actors::keys::Keys;
use crate::domain::access::KeyId;
use crate::domain::faults;
use crate::stores::keys::{KeyStoreError, Uses};

/// How often the others are told and heard.
pub(super) const SHARE: Duration = Duration::from_secs(1);

/// What was used elsewhere during a pause of this length was of earlier minutes: a server that stood still must not let anybody wait for all
/// of it. No exchange takes as long.
const PAUSE: Duration = Duration::from_secs(15);

/// What is known of the others.
#[derive(Default)]
pub(super) struct Exchange {
    /// When they were heard last, and how often each key had been used there in all.
    heard: Option<(Instant, HashMap<KeyId, u64>)>,
    under_way: bool,
    /// Uses elsewhere that were taken out of the measures here.
    pub(super) used_elsewhere: u64,
}

impl Exchange {
    /// How often keys were used elsewhere since the others were heard last. What they tell first is where counting begins.
    fn hear(&mut self, totals: Uses, now: Instant) -> Uses {
        let totals: HashMap<KeyId, u64> = totals.into_iter().collect();
        let former = self.heard.take().filter(|(at, _)| now.duration_since(*at) < PAUSE);
        let fresh: Option<Uses> = former.map(|(_, former)| {
            // A total that has shrunk was forgotten and began anew.
            let grown = |(key, total): (&KeyId, &u64)| (*key, total.saturating_sub(former.get(key).copied().unwrap_or(0)));
            totals.iter().map(grown).filter(|(_, uses)| *uses > 0).collect()
        });
        self.heard = Some((now, totals));
        fresh.unwrap_or_default()
    }
}

impl Keys {
    /// Tells what was let in here, and takes out of the measures what was let in elsewhere.
    pub(super) fn share(&mut self, context: &mut Context<Self>) {
        if self.exchange.under_way || faults::soft("keys.share") {
            return;
        }
        let Some(uses) = self.gate.take_uses() else {
            // Whatever is told once there is a pace will be new.
            self.exchange.hear(Uses::new(), Instant::now());
            return;
        };
        self.exchange.under_way = true;
        let shared = self.store.share_uses(uses);
        context.spawn(shared.into_actor(self).map(|totals, keys, _| keys.has_shared(totals)));
    }

    /// While the database is away each server goes by its own measure, and nothing of that time is told or heard later.
    fn has_shared(&mut self, totals: Result<Uses, KeyStoreError>) {
        self.exchange.under_way = false;
        match totals {
            Ok(totals) => {
                let uses = self.exchange.hear(totals, Instant::now());
                self.exchange.used_elsewhere += uses.iter().map(|(_, uses)| uses).sum::<u64>();
                self.gate.charge(&uses);
            }
            Err(error) => {
                self.exchange.heard = None;
                log::debug!(error:%; "uses of keys not shared; the next exchange begins anew");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::FutureExt;
    use futures::future::{BoxFuture, ready};

    use super::*;
    use crate::actors::keys::Gate;
    use crate::domain::access::Key;
    use crate::stores::keys::KeyStore;

    const A: KeyId = KeyId([1; 8]);
    const B: KeyId = KeyId([2; 8]);

    #[test]
    fn only_what_comes_after_the_first_reply_counts() {
        let (mut exchange, now) = (Exchange::default(), Instant::now());
        assert_eq!(exchange.hear(vec![(A, 100)], now), Uses::new());
        assert_eq!(exchange.hear(vec![(A, 103)], now + SHARE), [(A, 3)]);
        assert_eq!(exchange.hear(vec![(A, 103), (B, 2)], now + SHARE), [(B, 2)], "a key that nobody had used");
    }

    #[test]
    fn a_total_that_was_forgotten_begins_anew() {
        let (mut exchange, now) = (Exchange::default(), Instant::now());
        for (totals, fresh) in [(vec![(A, 100)], vec![]), (vec![(A, 2)], vec![]), (vec![(A, 5)], vec![(A, 3)]), (vec![], vec![])] {
            assert_eq!(exchange.hear(totals, now), fresh);
        }
        assert_eq!(exchange.hear(vec![(A, 1)], now), [(A, 1)]);
    }

    #[test]
    fn nothing_is_owed_for_the_time_of_a_pause() {
        let (mut exchange, now) = (Exchange::default(), Instant::now());
        exchange.hear(vec![(A, 1)], now);
        assert_eq!(exchange.hear(vec![(A, 1000)], now + PAUSE), Uses::new());
        assert_eq!(exchange.hear(vec![(A, 1001)], now + PAUSE + SHARE), [(A, 1)]);
    }

    /// A store that is not asked anything.
    struct Unasked;

    impl KeyStore for Unasked {
        fn save(&self, _: Key) -> BoxFuture<'static, Result<(), KeyStoreError>> {
            ready(Ok(())).boxed()
        }

        fn all(&self) -> BoxFuture<'static, Result<Vec<Key>, KeyStoreError>> {
            ready(Ok(Vec::new())).boxed()
        }

        fn share_uses(&self, _: Uses) -> BoxFuture<'static, Result<Uses, KeyStoreError>> {
            ready(Ok(Uses::new())).boxed()
        }
    }

    #[test]
    fn nothing_is_owed_for_the_time_in_which_the_database_was_away() {
        let mut keys = Keys::new(Arc::new(Unasked), Gate::default());
        keys.has_shared(Ok(vec![(A, 1)]));
        keys.has_shared(Err(KeyStoreError::Unavailable("away".to_owned())));
        keys.has_shared(Ok(vec![(A, 1000)]));
        assert_eq!(keys.exchange.used_elsewhere, 0);
        keys.has_shared(Ok(vec![(A, 1002)]));
        assert_eq!(keys.exchange.used_elsewhere, 2);
    }
}
