//! What the frontend can be asked about settings: a passage to the key-values.

use actix::{Context, Handler, Message, ResponseActFuture, WrapFuture};
use serde_json::Value;

use crate::actors::frontend::{ASK_DEADLINE, Frontend, FrontendError};
use crate::actors::key_values::{DeleteValue, GetValue, ListValues, SetValue};

pub use crate::actors::key_values::Setting;

/// Asks for one setting.
#[derive(Message)]
#[rtype(result = "Result<Setting, FrontendError>")]
pub struct GetSetting {
    /// The key.
    pub key: String,
}

impl Handler<GetSetting> for Frontend {
    type Result = ResponseActFuture<Self, Result<Setting, FrontendError>>;

    fn handle(&mut self, GetSetting { key }: GetSetting, _: &mut Context<Self>) -> Self::Result {
        let key_values = self.services.key_values.clone();
        Box::pin(async move { Ok(key_values.send(GetValue { key }).timeout(ASK_DEADLINE).await??) }.into_actor(self))
    }
}

/// Asks for every setting.
#[derive(Message)]
#[rtype(result = "Result<Vec<Setting>, FrontendError>")]
pub struct ListSettings;

impl Handler<ListSettings> for Frontend {
    type Result = ResponseActFuture<Self, Result<Vec<Setting>, FrontendError>>;

    fn handle(&mut self, _: ListSettings, _: &mut Context<Self>) -> Self::Result {
        let key_values = self.services.key_values.clone();
        Box::pin(async move { Ok(key_values.send(ListValues).timeout(ASK_DEADLINE).await??) }.into_actor(self))
    }
}

/// Changes one setting.
#[derive(Message)]
#[rtype(result = "Result<Setting, FrontendError>")]
pub struct PutSetting {
    /// The key.
    pub key: String,
    /// Its new value.
    pub value: Value,
}

impl Handler<PutSetting> for Frontend {
    type Result = ResponseActFuture<Self, Result<Setting, FrontendError>>;

    fn handle(&mut self, PutSetting { key, value }: PutSetting, _: &mut Context<Self>) -> Self::Result {
        let key_values = self.services.key_values.clone();
        Box::pin(async move { Ok(key_values.send(SetValue { key, value }).timeout(ASK_DEADLINE).await??) }.into_actor(self))
    }
}

/// Removes one setting.
#[derive(Message)]
#[rtype(result = "Result<(), FrontendError>")]
pub struct DeleteSetting {
    /// The key.
    pub key: String,
}

impl Handler<DeleteSetting> for Frontend {
    type Result = ResponseActFuture<Self, Result<(), FrontendError>>;

    fn handle(&mut self, DeleteSetting { key }: DeleteSetting, _: &mut Context<Self>) -> Self::Result {
        let key_values = self.services.key_values.clone();
        Box::pin(async move { Ok(key_values.send(DeleteValue { key }).timeout(ASK_DEADLINE).await??) }.into_actor(self))
    }
}
