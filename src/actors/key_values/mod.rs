//! Key-values: the system's settings that may change while the server runs, beside free keys of the user's own.
//!
//! A system key overrides the configuration; deleting it falls back. Whoever follows the settings is told of every
//! change as one consistent [`Live`] view.

mod error;
mod setting;

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, Recipient, ResponseActFuture, Supervised, WrapFuture};
use serde_json::{Value, json};

use crate::actors::supervision::{Details, InitResult, Service};
use crate::actors::task_db::ChangedElsewhere;
use crate::config::Live;
use crate::domain::faults;
use crate::stores::hints::Hint;
use crate::stores::key_values::KeyValueStore;

pub use error::KeyValuesError;
pub use setting::Setting;

/// How often settings are looked for that other servers have changed, whether they said so or not.
const FOLLOW: Duration = Duration::from_secs(2);

/// The actor. What it knows of the settings is read from the store at every start.
pub struct KeyValues {
    store: Arc<dyn KeyValueStore>,
    configured: Arc<Live>,
    live: Arc<Live>,
    followers: Vec<Recipient<SettingsChanged>>,
    changes: u64,
    follows: bool,
}

impl KeyValues {
    /// Keeps settings in `store` over those of the configuration, and tells `followers` of every change.
    #[must_use]
    pub fn new(store: Arc<dyn KeyValueStore>, configured: Arc<Live>, followers: Vec<Recipient<SettingsChanged>>) -> Self {
        Self { store, live: Arc::clone(&configured), configured, followers, changes: 0, follows: false }
    }

    /// Looks every so often for what other servers have set.
    #[must_use]
    pub fn following(self) -> Self {
        Self { follows: true, ..self }
    }

    /// The look for what nobody said.
    fn look(&mut self, context: &mut Context<Self>) {
        if !faults::soft("key_values.look") {
            self.follow(context);
        }
    }

    /// Reads the overrides again. What was read while they were changed here may be what was before.
    fn follow(&mut self, context: &mut Context<Self>) {
        let changes = self.changes;
        let overrides = setting::overrides(Arc::clone(&self.store), Arc::clone(&self.configured));
        context.spawn(overrides.into_actor(self).map(move |live, key_values, _| match live {
            Ok(live) if key_values.changes == changes => key_values.publish(live),
            Ok(_) => {}
            Err(error) => log::debug!(error:%; "settings not looked for; the next look finds them"),
        }));
    }

    /// Makes `live` the settings in force, if they differ.
    fn publish(&mut self, live: Live) {
        if *self.live == live {
            return;
        }
        self.changes += 1;
        self.live = Arc::new(live);
        for follower in &self.followers {
            // A follower that is down asks for the settings when it starts.
            follower.do_send(SettingsChanged(Arc::clone(&self.live)));
        }
    }
}

impl Actor for KeyValues {
    type Context = Context<Self>;
}

impl Supervised for KeyValues {}

impl Service for KeyValues {
    fn init(&mut self, context: &mut Context<Self>) -> ResponseActFuture<Self, InitResult> {
        if self.follows {
            context.run_interval(FOLLOW, Self::look);
        }
        let overrides = setting::overrides(Arc::clone(&self.store), Arc::clone(&self.configured));
        Box::pin(overrides.into_actor(self).map(|live, key_values, _| {
            key_values.publish(live?);
            Ok(())
        }))
    }

    fn inspect(&self) -> Details {
        let details = json!({ "settings_changed": self.changes });
        details.as_object().cloned().unwrap_or_default()
    }
}

impl Handler<ChangedElsewhere> for KeyValues {
    type Result = ();

    fn handle(&mut self, ChangedElsewhere(hint): ChangedElsewhere, context: &mut Context<Self>) {
        if hint.is_about(Hint::SETTINGS) {
            self.follow(context);
        }
    }
}

/// News: the settings in force have changed.
#[derive(Message, Clone)]
#[rtype(result = "()")]
pub struct SettingsChanged(pub Arc<Live>);

/// The settings in force.
#[derive(Message)]
#[rtype(result = "Arc<Live>")]
pub struct GetLive;

impl Handler<GetLive> for KeyValues {
    type Result = Arc<Live>;

    fn handle(&mut self, _: GetLive, _: &mut Context<Self>) -> Self::Result {
        Arc::clone(&self.live)
    }
}

/// The value of a key.
#[derive(Message)]
#[rtype(result = "Result<Setting, KeyValuesError>")]
pub struct GetValue {
    /// The key.
    pub key: String,
}

impl Handler<GetValue> for KeyValues {
    type Result = ResponseActFuture<Self, Result<Setting, KeyValuesError>>;

    fn handle(&mut self, GetValue { key }: GetValue, _: &mut Context<Self>) -> Self::Result {
        faults::point("key_values.get_value");
        Box::pin(setting::get(Arc::clone(&self.store), Arc::clone(&self.live), key).into_actor(self))
    }
}

/// Every key that has a value, the system's with the value in force.
#[derive(Message)]
#[rtype(result = "Result<Vec<Setting>, KeyValuesError>")]
pub struct ListValues;

impl Handler<ListValues> for KeyValues {
    type Result = ResponseActFuture<Self, Result<Vec<Setting>, KeyValuesError>>;

    fn handle(&mut self, _: ListValues, _: &mut Context<Self>) -> Self::Result {
        Box::pin(setting::list(Arc::clone(&self.store), Arc::clone(&self.live)).into_actor(self))
    }
}

/// Sets a key; a system key is checked first and takes effect once it is durable.
#[derive(Message)]
#[rtype(result = "Result<Setting, KeyValuesError>")]
pub struct SetValue {
    /// The key.
    pub key: String,
    /// Its value.
    pub value: Value,
}

impl Handler<SetValue> for KeyValues {
    type Result = ResponseActFuture<Self, Result<Setting, KeyValuesError>>;

    fn handle(&mut self, SetValue { key, value }: SetValue, _: &mut Context<Self>) -> Self::Result {
        faults::point("key_values.set_value");
        let set = setting::set(Arc::clone(&self.store), Arc::clone(&self.live), key, value);
        Box::pin(set.into_actor(self).then(|set, key_values, _| key_values.reloaded(set)))
    }
}

/// Removes a key; a system key falls back to the configuration.
#[derive(Message)]
#[rtype(result = "Result<(), KeyValuesError>")]
pub struct DeleteValue {
    /// The key.
    pub key: String,
}

impl Handler<DeleteValue> for KeyValues {
    type Result = ResponseActFuture<Self, Result<(), KeyValuesError>>;

    fn handle(&mut self, DeleteValue { key }: DeleteValue, _: &mut Context<Self>) -> Self::Result {
        faults::point("key_values.delete_value");
        let delete = setting::delete(Arc::clone(&self.store), key);
        Box::pin(delete.into_actor(self).then(|deleted, key_values, _| key_values.reloaded(deleted)))
    }
}

impl KeyValues {
    /// Reads the overrides again after a change, also one whose outcome is unknown, and answers with that change's `answer`.
    fn reloaded<T: 'static>(&self, answer: Result<T, KeyValuesError>) -> ResponseActFuture<Self, Result<T, KeyValuesError>> {
        let overrides = setting::overrides(Arc::clone(&self.store), Arc::clone(&self.configured));
        Box::pin(overrides.into_actor(self).map(|live, key_values, _| {
            faults::point("key_values.reloaded");
            key_values.publish(live?);
            answer
        }))
    }
}
