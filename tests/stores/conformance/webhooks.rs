//! What every store promises about webhooks: endpoints, and what they are to be told.

use std::sync::Arc;
use std::time::Duration;

use safelight::domain::access::KeyId;
use safelight::domain::ids::TaskId;
use safelight::domain::task::{Change, NewTask, Task, TaskState};
use safelight::domain::timestamp::Timestamp;
use safelight::domain::webhook::{
    Attempted, Delivery, DeliveryId, DeliveryState, FormerWebhookSecret, Occasion, Patience, Webhook, WebhookId, WebhookSecret,
};
use safelight::stores::tasks::TaskStoreError;
use safelight::stores::webhooks::{DeliveryQuery, Due, Settlement, WebhookStore, plain_letter};

use crate::fixtures::*;

const MINE: KeyId = KeyId([1; 8]);
const PATIENCE: Patience = Patience { min: Duration::from_secs(10), max: Duration::from_mins(1), give_up: Duration::from_hours(1) };

fn webhook(caller: Option<KeyId>) -> Webhook {
    let secret = WebhookSecret::random().unwrap();
    let url = "https://example.com/hooks?a=b".parse().unwrap();
    Webhook { id: WebhookId::random(), caller, url, secret, former: None, created_at: Timestamp(1_700_000_000_123) }
}

pub(crate) fn added(store: &dyn WebhookStore, caller: Option<KeyId>) -> Webhook {
    let webhook = webhook(caller);
    assert_eq!(block_on(store.add(webhook.clone(), 100)), Ok(true));
    webhook
}

fn insert_for(engine: &impl TaskEngine, caller: Option<KeyId>, webhook: WebhookId) -> Result<Task, TaskStoreError> {
    apply(&*engine.tasks(), Change::Insert(NewTask { caller, webhook: Some(webhook), ..new_task(1) }))
}

/// Tasks of an endpoint of nobody in particular, each cancelled; their deliveries, oldest first.
pub(crate) fn cancelled(engine: &impl TaskEngine, webhook: WebhookId, tasks: usize) -> Vec<Delivery> {
    for _ in 0..tasks {
        let id = insert_for(engine, None, webhook).unwrap().id;
        apply(&*engine.tasks(), Change::Cancel { id }).unwrap();
    }
    let mut all = deliveries(&*engine.webhooks(), webhook, 1000);
    all.reverse();
    all
}

/// Every delivery of an endpoint, latest first, read in pages of so many.
fn deliveries(store: &dyn WebhookStore, webhook: WebhookId, limit: usize) -> Vec<Delivery> {
    let (mut all, mut before) = (Vec::new(), None);
    loop {
        let page = block_on(store.deliveries(DeliveryQuery { webhook, before, limit })).unwrap();
        assert!(page.deliveries.len() <= limit.max(1));
        all.extend(page.deliveries);
        match page.next {
            Some(next) => before = Some(next),
            None => return all,
        }
    }
}

pub(crate) fn due(store: &dyn WebhookStore, each: usize) -> Vec<Due> {
    block_on(store.due(each)).unwrap()
}

/// What a server has that looks, and takes all that it finds.
pub(crate) fn taken(store: &dyn WebhookStore, each: usize) -> Vec<DeliveryId> {
    let mut ids: Vec<_> = block_on(store.take(due(store, each), each)).unwrap().into_iter().map(|due| due.delivery).collect();
    ids.sort();
    ids
}

pub(crate) fn settle(store: &dyn WebhookStore, delivery: DeliveryId, attempted: Attempted) -> Option<Delivery> {
    block_on(store.settle(Settlement { delivery, attempted, patience: PATIENCE, luck: 1.0 })).unwrap()
}

pub(crate) fn an_endpoint_is_read_back_as_it_was_kept(engine: &mut impl TaskEngine) {
    let store = engine.webhooks();
    let (mine, nobodys) = (added(&*store, Some(MINE)), added(&*store, None));
    let secret = WebhookSecret::random().unwrap();
    let rotated = block_on(store.rotate(mine.id, secret.clone(), Duration::from_secs(5))).unwrap().unwrap();
    let until = rotated.former.as_ref().map(|former| former.until).unwrap();
    let former = Some(FormerWebhookSecret { secret: mine.secret.clone(), until });
    assert_eq!(rotated, Webhook { secret, former, ..mine.clone() });
    assert_eq!(block_on(store.rotate(WebhookId::random(), mine.secret, Duration::ZERO)), Ok(None));
    drop(store);
    engine.reopen();
    let store = engine.webhooks();
    assert_eq!(block_on(store.webhook(mine.id)), Ok(Some(rotated.clone())));
    assert_eq!(block_on(store.webhooks(None)), Ok(vec![rotated.clone(), nobodys]));
    assert_eq!(block_on(store.webhooks(Some(MINE))), Ok(vec![rotated]));
    assert_eq!(block_on(store.webhook(WebhookId::random())), Ok(None));
}

pub(crate) fn a_caller_has_only_so_many_endpoints(engine: &mut impl TaskEngine) {
    let store = engine.webhooks();
    for caller in [Some(MINE), None] {
        let add = || block_on(store.add(webhook(caller), 2));
        assert_eq!([add(), add(), add()], [Ok(true), Ok(true), Ok(false)], "{caller:?}");
    }
    assert_eq!(block_on(store.webhooks(None)).unwrap().len(), 4);
}

pub(crate) fn a_task_names_an_endpoint_of_its_own_caller(engine: &mut impl TaskEngine) {
    let mine = added(&*engine.webhooks(), Some(MINE)).id;
    let gone = WebhookId::random();
    for (caller, webhook) in [(None, mine), (Some(KeyId([2; 8])), mine), (Some(MINE), gone)] {
        assert_eq!(insert_for(engine, caller, webhook), Err(TaskStoreError::NoSuchWebhook(webhook)));
    }
    let task = insert_for(engine, Some(MINE), mine).unwrap();
    assert_eq!(task.webhook, Some(mine));
    engine.reopen();
    assert_eq!(get(&*engine.tasks(), task.id), task);
}

pub(crate) fn the_end_of_every_run_is_to_be_told(engine: &mut impl TaskEngine) {
    let store = engine.tasks();
    let webhook = added(&*engine.webhooks(), None).id;
    let id = insert_for(engine, None, webhook).unwrap().id;
    let silent = insert(&*store, 2).id;
    apply(&*store, Change::Cancel { id: silent }).unwrap();
    let first = claim_one(&*store).claim;
    apply(&*store, Change::Heartbeat { claim: first, lease: LEASE }).unwrap();
    block_on(store.recover()).unwrap();
    assert_eq!(deliveries(&*engine.webhooks(), webhook, 10), [], "nothing has ended yet");
    let failed = apply(&*store, Change::Fail { claim: claim_one(&*store).claim, failure: failure() }).unwrap();
    apply(&*store, Change::Retry { id, run: 1 }).unwrap();
    let cancelled = apply(&*store, Change::Cancel { id }).unwrap();
    apply(&*store, Change::Cancel { id }).unwrap_err();
    apply(&*store, Change::Retry { id, run: 2 }).unwrap();
    let finished = apply(&*store, finish(claim_one(&*store).claim)).unwrap();
    apply(&*store, Change::MarkDeleting { id }).unwrap();
    apply(&*store, Change::Remove { id }).unwrap();
    drop(store);
    engine.reopen();
    let told = deliveries(&*engine.webhooks(), webhook, 2);
    let told: Vec<_> = told.into_iter().rev().map(|told| (told.task, told.occasion, told.body, told.state, told.attempts)).collect();
    let ends = [(Occasion::Failed, failed), (Occasion::Cancelled, cancelled), (Occasion::Finished, finished)];
    let expected = ends.map(|(occasion, task)| (id, occasion, plain_letter(occasion, &task), DeliveryState::Waiting, 0));
    assert_eq!(told, expected, "also of a task that is gone, as it was when it ended");
}

pub(crate) fn the_endpoints_deliveries_are_due_in_turn(engine: &mut impl TaskEngine) {
    let store = engine.webhooks();
    let [one, other] = [0; 2].map(|_| added(&*store, None).id);
    assert_eq!(due(&*store, 2), []);
    let of_one = cancelled(engine, one, 4);
    let of_other = cancelled(engine, other, 1);
    let ids = |of: WebhookId| due(&*store, 2).into_iter().filter(|due| due.webhook == of).map(|due| due.delivery).collect::<Vec<_>>();
    assert_eq!((ids(one).len(), ids(other)), (2, vec![of_other[0].id]), "two of each");
    let (webhook, loaded) = block_on(store.load(of_one[0].id)).unwrap().unwrap();
    assert_eq!((webhook.id, &loaded), (one, &of_one[0]));

    let failed = settle(&*store, of_one[0].id, Attempted::Unanswered("no answer".to_owned())).unwrap();
    assert_eq!((failed.state, failed.attempts), (DeliveryState::Waiting, 1));
    assert!(!ids(one).contains(&failed.id));
    let taken = settle(&*store, of_one[1].id, Attempted::Answered(204)).unwrap();
    assert_eq!((taken.state, block_on(store.load(taken.id))), (DeliveryState::Delivered, Ok(None)));
    engine.clock().advance(Duration::from_secs(9));
    assert!(!due(&*store, 9).iter().any(|due| due.delivery == failed.id));
    engine.clock().advance(Duration::from_secs(1));
    assert!(due(&*store, 9).iter().any(|due| due.delivery == failed.id));
    drop(store);
    // Pauses outlive the engine, as retention does.
    let again = settle(&*engine.webhooks(), failed.id, Attempted::Answered(500)).unwrap();
    engine.reopen();
    let store = engine.webhooks();
    assert!(!due(&*store, 9).iter().any(|due| due.delivery == failed.id));
    assert_eq!(deliveries(&*store, one, 3).into_iter().rev().take(2).collect::<Vec<_>>(), [again, taken]);
}

pub(crate) fn what_is_taken_stays_due_until_it_is_settled(engine: &mut impl TaskEngine) {
    let store = engine.webhooks();
    let webhook = added(&*store, None).id;
    let all = cancelled(engine, webhook, 4);
    let sorted = |deliveries: &[Delivery]| {
        let mut ids: Vec<_> = deliveries.iter().map(|delivery| delivery.id).collect();
        ids.sort();
        ids
    };
    assert_eq!(block_on(store.take(Vec::new(), 2)), Ok(vec![]));
    for _ in 0..2 {
        assert_eq!(taken(&*store, 2), sorted(&all[..2]), "those that are due longest");
    }
    settle(&*store, all[0].id, Attempted::Answered(204));
    assert_eq!(taken(&*store, 2), sorted(&all[1..3]), "its place is free");
    settle(&*store, all[1].id, Attempted::Answered(500));
    assert_eq!(taken(&*store, 2), sorted(&all[2..]), "the next attempt has no place before its time");
}

pub(crate) fn a_delivery_is_sent_anew_when_somebody_says_so(engine: &mut impl TaskEngine) {
    let store = engine.webhooks();
    let [webhook, other] = [0; 2].map(|_| added(&*store, None).id);
    let id = cancelled(engine, webhook, 1)[0].id;
    let given_up = settle(&*store, id, Attempted::Answered(410)).unwrap();
    assert_eq!((given_up.state, due(&*store, 9)), (DeliveryState::GivenUp, vec![]));
    assert_eq!(block_on(store.replay(other, id)), Ok(None), "it is not that endpoint's");
    let again = block_on(store.replay(webhook, id)).unwrap().unwrap();
    assert_eq!((again.state, again.attempts, again.last), (DeliveryState::Waiting, 1, Some(Attempted::Answered(410))));
    assert_eq!(due(&*store, 9), [Due { delivery: id, webhook }]);
}

pub(crate) fn what_ended_long_ago_is_forgotten(engine: &mut impl TaskEngine) {
    let store = engine.webhooks();
    let webhook = added(&*store, None).id;
    let all = cancelled(engine, webhook, 3);
    settle(&*store, all[0].id, Attempted::Answered(200));
    engine.clock().advance(Duration::from_mins(1));
    settle(&*store, all[1].id, Attempted::Answered(200));
    engine.clock().advance(Duration::from_mins(1));
    assert_eq!(block_on(store.forget(Duration::from_secs(90))), Ok(1));
    assert_eq!(deliveries(&*store, webhook, 9).iter().map(|left| left.id).collect::<Vec<_>>(), [all[2].id, all[1].id]);
    assert_eq!(block_on(store.forget(Duration::ZERO)), Ok(1), "what waits is kept");
    assert_eq!(settle(&*store, all[0].id, Attempted::Answered(200)), None);
}

pub(crate) fn an_endpoint_goes_with_all_that_it_was_to_be_told(engine: &mut impl TaskEngine) {
    let store: Arc<dyn WebhookStore> = engine.webhooks();
    let webhook = added(&*store, None).id;
    let task: TaskId = insert_for(engine, None, webhook).unwrap().id;
    cancelled(engine, webhook, 2);
    assert_eq!((block_on(store.remove(webhook)), block_on(store.remove(webhook))), (Ok(true), Ok(false)));
    assert_eq!((deliveries(&*store, webhook, 9), due(&*store, 9)), (vec![], vec![]));
    let ended = apply(&*engine.tasks(), Change::Cancel { id: task }).unwrap();
    assert_eq!((ended.state, deliveries(&*store, webhook, 9)), (TaskState::Cancelled, vec![]), "its tasks end without it");
}
