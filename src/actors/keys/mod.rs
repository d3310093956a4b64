//! API keys: who made which, and when each stops being good. It is the one writer of keys; whoever is let in by one is decided at the
//! [`Gate`], which shows every change before the change is acknowledged.
//!
//! | file | what lives there |
//! |---|---|
//! | this one | the actor: keys that are made and changed |
//! | `gate` | who is let in |
//! | `pace` | how often one key may be used |
//! | `exchange` | what servers tell each other of that |

mod exchange;
mod gate;
mod pace;

use std::sync::Arc;
use std::time::Duration;

use actix::{
    Actor, ActorFutureExt, AsyncContext, AtomicResponse, Context, Handler, Message, MessageResult, ResponseActFuture, Supervised,
    WrapFuture, fut,
};
use serde_json::json;

use crate::actors::keys::exchange::{Exchange, SHARE};
use crate::actors::supervision::{Details, InitResult, Service};
use crate::actors::task_db::ChangedElsewhere;
use crate::domain::access::{ApiKey, Key, KeyChange, KeyId, KeyIsRevoked, NewKey};
use crate::domain::faults;
use crate::domain::timestamp::Timestamp;
use crate::stores::hints::Hint;
use crate::stores::keys::{KeyStore, KeyStoreError};

pub use gate::{Gate, NotAdmitted};

/// How many keys there may be, revoked ones included: all of them are held in memory.
pub const MAX_KEYS: usize = 10_000;

/// Why a key was not made or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// No key of that id.
    #[error("there is no key of that id; list the keys to see which there are")]
    NotFound,
    /// It cannot change any more.
    #[error(transparent)]
    Revoked(#[from] KeyIsRevoked),
    /// There are as many as there may be.
    #[error("the server keeps {MAX_KEYS} keys, as many as it may")]
    TooMany,
    /// The system gave no randomness.
    #[error("the system has no randomness for a secret: {0}")]
    NoRandomness(String),
    /// The store did not keep it.
    #[error(transparent)]
    Store(#[from] KeyStoreError),
}

/// The actor. What it knows is in the store, and in the gate, which outlives it.
pub struct Keys {
    store: Arc<dyn KeyStore>,
    gate: Gate,
    changes: u64,
    follows: bool,
    exchange: Exchange,
}

/// How often keys are looked for that other servers have made or ended, whether they said so or not.
const FOLLOW: Duration = Duration::from_secs(2);

impl Keys {
    /// Keeps keys in `store` and publishes them at `gate`.
    #[must_use]
    pub fn new(store: Arc<dyn KeyStore>, gate: Gate) -> Self {
        Self { store, gate, changes: 0, follows: false, exchange: Exchange::default() }
    }

    /// Looks every so often for what other servers have changed, and how often they have let keys in.
    #[must_use]
    pub fn following(self) -> Self {
        Self { follows: true, ..self }
    }

    /// The look for what nobody said.
    fn look(&mut self, context: &mut Context<Self>) {
        if !faults::soft("keys.look") {
            self.follow(context);
        }
    }

    /// Reads all keys again. What was read while one was changed here may be what was before: a key that was revoked must not come back.
    fn follow(&mut self, context: &mut Context<Self>) {
        let changes = self.changes;
        context.spawn(self.store.all().into_actor(self).map(move |all, keys, _| match all {
            Ok(all) if keys.changes == changes => keys.gate.publish(all),
            Ok(_) => {}
            Err(error) => log::debug!(error:%; "keys not looked for; the next look finds them"),
        }));
    }

    /// Makes a key durable, then lets the gate go by it. Nothing else is handled meanwhile, so that no change is lost under another one.
    fn keep<T: 'static>(&mut self, key: Key, answer: T) -> AtomicResponse<Self, Result<T, KeysError>> {
        self.changes += 1;
        let kept = keep(Arc::clone(&self.store), self.gate.clone(), key);
        AtomicResponse::new(Box::pin(kept.into_actor(self).map(|kept, _, _| kept.map(|()| answer))))
    }
}

/// A refusal that needs no store.
fn refused<T: 'static>(error: KeysError) -> AtomicResponse<Keys, Result<T, KeysError>> {
    AtomicResponse::new(Box::pin(fut::ready(Err(error))))
}

async fn keep(store: Arc<dyn KeyStore>, gate: Gate, key: Key) -> Result<(), KeysError> {
    match store.save(key.clone()).await {
        Ok(()) => gate.publish([key]),
        Err(unknown @ KeyStoreError::UnknownOutcome(_)) => {
            let kept = store.all().await?;
            let is_kept = kept.contains(&key);
            gate.publish(kept);
            if !is_kept {
                return Err(unknown.into());
            }
        }
        Err(error) => return Err(error.into()),
    }
    faults::point("keys.published");
    Ok(())
}

impl Actor for Keys {
    type Context = Context<Self>;
}

impl Supervised for Keys {}

impl Service for Keys {
    fn init(&mut self, context: &mut Context<Self>) -> ResponseActFuture<Self, InitResult> {
        if self.follows {
            context.run_interval(FOLLOW, Self::look);
            context.run_interval(SHARE, Self::share);
        }
        let all = self.store.all();
        Box::pin(all.into_actor(self).map(|all, keys, context| {
            keys.gate.publish(all?);
            if keys.follows {
                // What the others let in from now on counts.
                keys.share(context);
            }
            Ok(())
        }))
    }

    fn inspect(&self) -> Details {
        let (changes, used_elsewhere) = (self.changes, self.exchange.used_elsewhere);
        let details = json!({ "keys": self.gate.list().len(), "changes": changes, "used_elsewhere": used_elsewhere });
        details.as_object().cloned().unwrap_or_default()
    }
}

impl Handler<ChangedElsewhere> for Keys {
    type Result = ();

    fn handle(&mut self, ChangedElsewhere(hint): ChangedElsewhere, context: &mut Context<Self>) {
        if hint.is_about(Hint::KEYS) {
            self.follow(context);
        }
    }
}

/// A key that was made or rotated, with the secret that is shown this once.
#[derive(Debug, Clone)]
pub struct ShownKey {
    /// The key.
    pub key: Key,
    /// What its holder shows.
    pub secret: ApiKey,
}

/// The key that was asked for, not kept anywhere yet.
///
/// # Errors
/// Without randomness.
pub fn make(new: NewKey) -> Result<ShownKey, KeysError> {
    let randomness = |error: getrandom::Error| KeysError::NoRandomness(error.to_string());
    let secret = ApiKey::random(KeyId::random().map_err(randomness)?).map_err(randomness)?;
    Ok(ShownKey { key: Key::create(new, &secret, Timestamp::now()), secret })
}

/// A key with a new secret, not kept anywhere yet; the present one stays good for `overlap`.
///
/// # Errors
/// Without randomness, or when it was revoked.
pub fn rotate(key: &Key, overlap: Duration) -> Result<ShownKey, KeysError> {
    let secret = ApiKey::random(key.id).map_err(|error| KeysError::NoRandomness(error.to_string()))?;
    let change = KeyChange::Rotate { secret: secret.digest(), overlap };
    Ok(ShownKey { key: key.changed(change, Timestamp::now())?, secret })
}

/// Makes a key; the reply comes after the commit.
#[derive(Message)]
#[rtype(result = "Result<ShownKey, KeysError>")]
pub struct AddKey(pub NewKey);

impl Handler<AddKey> for Keys {
    type Result = AtomicResponse<Self, Result<ShownKey, KeysError>>;

    fn handle(&mut self, AddKey(new): AddKey, _: &mut Context<Self>) -> Self::Result {
        faults::point("keys.add_key");
        if self.gate.list().len() >= MAX_KEYS {
            return refused(KeysError::TooMany);
        }
        match make(new) {
            Ok(shown) => self.keep(shown.key.clone(), shown),
            Err(error) => refused(error),
        }
    }
}

/// Gives a key a new secret.
#[derive(Message)]
#[rtype(result = "Result<ShownKey, KeysError>")]
pub struct ReplaceSecret {
    /// The key.
    pub id: KeyId,
    /// How long its present secret stays good.
    pub overlap: Duration,
}

impl Handler<ReplaceSecret> for Keys {
    type Result = AtomicResponse<Self, Result<ShownKey, KeysError>>;

    fn handle(&mut self, ReplaceSecret { id, overlap }: ReplaceSecret, _: &mut Context<Self>) -> Self::Result {
        faults::point("keys.replace_secret");
        let rotated = self.gate.find(id).ok_or(KeysError::NotFound).and_then(|key| rotate(&key, overlap));
        match rotated {
            Ok(shown) => self.keep(shown.key.clone(), shown),
            Err(error) => refused(error),
        }
    }
}

/// Ends a key; once this is answered, no request is let in by it.
#[derive(Message)]
#[rtype(result = "Result<(), KeysError>")]
pub struct EndKey {
    /// The key.
    pub id: KeyId,
}

impl Handler<EndKey> for Keys {
    type Result = AtomicResponse<Self, Result<(), KeysError>>;

    fn handle(&mut self, EndKey { id }: EndKey, _: &mut Context<Self>) -> Self::Result {
        faults::point("keys.end_key");
        let key = self.gate.find(id).ok_or(KeysError::NotFound);
        match key.and_then(|key| Ok(key.changed(KeyChange::Revoke, Timestamp::now())?)) {
            Ok(revoked) => self.keep(revoked, ()),
            Err(error) => refused(error),
        }
    }
}

/// Every key, oldest first.
#[derive(Message)]
#[rtype(result = "Vec<Key>")]
pub struct AllKeys;

impl Handler<AllKeys> for Keys {
    type Result = MessageResult<AllKeys>;

    fn handle(&mut self, _: AllKeys, _: &mut Context<Self>) -> Self::Result {
        faults::point("keys.all_keys");
        MessageResult(self.gate.list())
    }
}
