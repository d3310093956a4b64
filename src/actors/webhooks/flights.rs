//! Which deliveries go next: a bounded number at a time, few to the same endpoint, endpoints in turn, and never so many to endpoints that
//! fail that the others wait for them.

use std::collections::{HashMap, HashSet};

use crate::domain::webhook::{DeliveryId, WebhookId};
use crate::stores::webhooks::Due;

/// How many may be under way.
#[derive(Clone, Copy, Debug)]
pub struct FlightLimits {
    /// In all.
    pub all: usize,
    /// To the same endpoint.
    pub each: usize,
}

/// What is under way.
#[derive(Debug)]
pub(super) struct Flights {
    limits: FlightLimits,
    under_way: HashMap<DeliveryId, WebhookId>,
    /// Endpoints whose last delivery failed.
    failing: HashSet<WebhookId>,
    /// When each endpoint was last served, counted in deliveries.
    served: HashMap<WebhookId, u64>,
    turn: u64,
}

impl Flights {
    pub(super) fn new(limits: FlightLimits) -> Self {
        Self { limits, under_way: HashMap::new(), failing: HashSet::new(), served: HashMap::new(), turn: 0 }
    }

    /// How many are under way.
    pub(super) fn len(&self) -> usize {
        self.under_way.len()
    }

    /// What is under way.
    pub(super) fn under_way(&self) -> Vec<Due> {
        self.under_way.iter().map(|(delivery, webhook)| Due { delivery: *delivery, webhook: *webhook }).collect()
    }

    /// Chooses among what is due; what is chosen is under way from now on. Of one endpoint the earlier ones go first.
    pub(super) fn choose(&mut self, due: &[Due]) -> Vec<Due> {
        // What is remembered of endpoints without a delivery that is due is of no use.
        let known: HashSet<WebhookId> = due.iter().map(|due| due.webhook).chain(self.under_way.values().copied()).collect();
        self.served.retain(|webhook, _| known.contains(webhook));
        self.failing.retain(|webhook| known.contains(webhook));
        let mut chosen = Vec::new();
        while let Some(next) = self.next(due) {
            self.turn += 1;
            self.served.insert(next.webhook, self.turn);
            self.under_way.insert(next.delivery, next.webhook);
            chosen.push(next);
        }
        chosen
    }

    fn next(&self, due: &[Due]) -> Option<Due> {
        if self.under_way.len() >= self.limits.all {
            return None;
        }
        let to_failing = self.under_way.values().filter(|webhook| self.failing.contains(webhook)).count();
        let has_room = |due: &&Due| {
            let same = self.under_way.values().filter(|webhook| **webhook == due.webhook).count();
            let is_failing = self.failing.contains(&due.webhook);
            !self.under_way.contains_key(&due.delivery)
                && same < self.limits.each
                && (!is_failing || to_failing < self.limits.all.div_ceil(2))
        };
        due.iter().filter(has_room).min_by_key(|due| self.served.get(&due.webhook).copied().unwrap_or(0)).copied()
    }

    /// A delivery is under way no more; whether it was taken, if it was sent at all.
    pub(super) fn landed(&mut self, Due { delivery, webhook }: Due, taken: Option<bool>) {
        self.under_way.remove(&delivery);
        match taken {
            Some(true) => _ = self.failing.remove(&webhook),
            Some(false) => _ = self.failing.insert(webhook),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(webhook: WebhookId, deliveries: usize) -> Vec<Due> {
        (0..deliveries).map(|_| Due { delivery: DeliveryId::random(), webhook }).collect()
    }

    fn flights(all: usize, each: usize) -> Flights {
        Flights::new(FlightLimits { all, each })
    }

    #[test]
    fn bounds_hold_in_all_and_for_each_endpoint() {
        let [one, two, three] = [0; 3].map(|_| WebhookId::random());
        let all = [due(one, 4), due(two, 4), due(three, 4)].concat();
        let mut flights = flights(5, 2);
        let chosen = flights.choose(&all);
        let of = |webhook| chosen.iter().filter(|due| due.webhook == webhook).count();
        assert_eq!((chosen.len(), of(one), of(two), of(three)), (5, 2, 2, 1), "in turn");
        assert_eq!(flights.choose(&all), [], "none is sent twice");
        flights.landed(chosen[0], Some(true));
        let next = flights.choose(&all[1..]);
        assert_eq!((next.len(), next[0].webhook), (1, three), "who was served longest ago");
    }

    #[test]
    fn endpoints_that_fail_leave_half_of_the_room_to_the_others() {
        let dead: Vec<WebhookId> = (0..20).map(|_| WebhookId::random()).collect();
        let alive = WebhookId::random();
        let of_the_dead: Vec<Due> = dead.iter().flat_map(|webhook| due(*webhook, 2)).collect();
        let mut flights = flights(4, 2);
        // Each of them fails once.
        let mut rest = of_the_dead.clone();
        while dead.iter().any(|webhook| !flights.failing.contains(webhook)) {
            let chosen = flights.choose(&rest);
            assert!(!chosen.is_empty());
            rest.retain(|due| !chosen.contains(due));
            chosen.into_iter().for_each(|due| flights.landed(due, Some(false)));
            rest.extend(dead.iter().filter(|webhook| flights.failing.contains(webhook)).flat_map(|webhook| due(*webhook, 1)));
        }
        assert_eq!(flights.choose(&rest).len(), 2, "half of the room");
        assert_eq!(flights.choose(&[rest, due(alive, 2)].concat()).iter().filter(|due| due.webhook == alive).count(), 2);
    }
}
