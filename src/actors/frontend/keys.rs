//! What the frontend can be asked about API keys: a passage to the keys.

use std::time::Duration;

use actix::{Context, Handler, Message, ResponseActFuture, WrapFuture};

use crate::actors::frontend::{ASK_DEADLINE, Frontend, FrontendError};
use crate::actors::keys::{AddKey, AllKeys, EndKey, ReplaceSecret};
use crate::domain::access::{Key, KeyId, NewKey};

pub use crate::actors::keys::{Gate, NotAdmitted, ShownKey};

/// The reply of a question about keys.
type Answer<T> = ResponseActFuture<Frontend, Result<T, FrontendError>>;

/// Asks for a new key.
#[derive(Message)]
#[rtype(result = "Result<ShownKey, FrontendError>")]
pub struct CreateKey(pub NewKey);

impl Handler<CreateKey> for Frontend {
    type Result = Answer<ShownKey>;

    fn handle(&mut self, CreateKey(new): CreateKey, _: &mut Context<Self>) -> Self::Result {
        let keys = self.services.keys.clone();
        Box::pin(async move { Ok(keys.send(AddKey(new)).timeout(ASK_DEADLINE).await??) }.into_actor(self))
    }
}

/// Asks for every key, oldest first.
#[derive(Message)]
#[rtype(result = "Result<Vec<Key>, FrontendError>")]
pub struct ListKeys;

impl Handler<ListKeys> for Frontend {
    type Result = Answer<Vec<Key>>;

    fn handle(&mut self, _: ListKeys, _: &mut Context<Self>) -> Self::Result {
        let keys = self.services.keys.clone();
        Box::pin(async move { Ok(keys.send(AllKeys).timeout(ASK_DEADLINE).await?) }.into_actor(self))
    }
}

/// Asks for one key; one that was revoked is in the list only.
#[derive(Message)]
#[rtype(result = "Result<Key, FrontendError>")]
pub struct GetKey {
    /// The key.
    pub id: KeyId,
}

impl Handler<GetKey> for Frontend {
    type Result = Answer<Key>;

    fn handle(&mut self, GetKey { id }: GetKey, _: &mut Context<Self>) -> Self::Result {
        let keys = self.services.keys.clone();
        let find = async move {
            let all = keys.send(AllKeys).timeout(ASK_DEADLINE).await?;
            all.into_iter().find(|key| key.id == id && key.revoked_at.is_none()).ok_or(FrontendError::NoSuchApiKey)
        };
        Box::pin(find.into_actor(self))
    }
}

/// Asks for a new secret of a key.
#[derive(Message)]
#[rtype(result = "Result<ShownKey, FrontendError>")]
pub struct RotateKey {
    /// The key.
    pub id: KeyId,
    /// How long its present secret stays good beside the new one.
    pub overlap: Duration,
}

impl Handler<RotateKey> for Frontend {
    type Result = Answer<ShownKey>;

    fn handle(&mut self, RotateKey { id, overlap }: RotateKey, _: &mut Context<Self>) -> Self::Result {
        let keys = self.services.keys.clone();
        Box::pin(async move { Ok(keys.send(ReplaceSecret { id, overlap }).timeout(ASK_DEADLINE).await??) }.into_actor(self))
    }
}

/// Asks to end a key.
#[derive(Message)]
#[rtype(result = "Result<(), FrontendError>")]
pub struct RevokeKey {
    /// The key.
    pub id: KeyId,
}

impl Handler<RevokeKey> for Frontend {
    type Result = Answer<()>;

    fn handle(&mut self, RevokeKey { id }: RevokeKey, _: &mut Context<Self>) -> Self::Result {
        let keys = self.services.keys.clone();
        Box::pin(async move { Ok(keys.send(EndKey { id }).timeout(ASK_DEADLINE).await??) }.into_actor(self))
    }
}
