//! Schemas: small ones made here, large ones from the types of the replies.

use utoipa::openapi::schema::{AllOfBuilder, ArrayBuilder, KnownFormat, Object, ObjectBuilder, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{Components, ComponentsBuilder, Ref, Schema};
use utoipa::{Number, PartialSchema, ToSchema};

use crate::domain::access::Quota;
use crate::http::assets::{AssetBody, AssetPageBody};
use crate::http::keys::{KeyBody, NewKeyBody, RotateBody};
use crate::http::nodes::NodeBody;
use crate::http::openapi::operation::AnySchema;
use crate::http::problem::ProblemBody;
use crate::http::tasks::bodies::{HistoryBody, TaskBody, TaskPageBody};
use crate::http::webhooks::{DeliveryBody, NewWebhookBody, WebhookBody};

/// Any text.
pub(super) fn text() -> Object {
    ObjectBuilder::new().schema_type(Type::String).build()
}

/// A text of a form that JSON Schema does not know; the description of the parameter tells it.
pub(super) fn formatted(format: &str) -> Object {
    ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::Custom(format.to_owned()))).build()
}

/// A text that fits a regular expression.
pub(super) fn pattern(pattern: &str) -> Object {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).build()
}

/// The id of a task.
pub(super) fn uuid() -> Object {
    formatted("uuid")
}

/// One of some words.
pub(super) fn one_of<'w>(words: impl IntoIterator<Item = &'w str>) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build()
}

/// A whole number.
pub(super) fn integer(min: u64, max: u64) -> Object {
    let exact = |number| Number::UInt(usize::try_from(number).unwrap_or(usize::MAX));
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(exact(min))).maximum(Some(exact(max))).build()
}

/// A frame of a stream of events.
pub(super) fn event() -> Object {
    object([("id", text().into()), ("event", text().into()), ("data", text().into())])
}

/// Bytes.
pub(super) fn bytes() -> Object {
    ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary))).build()
}

/// Whatever JSON there is.
pub(super) fn anything() -> Object {
    ObjectBuilder::new().schema_type(SchemaType::AnyValue).build()
}

/// An object with properties that are always there.
pub(super) fn object<const N: usize>(properties: [(&str, AnySchema); N]) -> Object {
    let object = ObjectBuilder::new().schema_type(Type::Object);
    properties.into_iter().fold(object, |object, (name, schema)| object.property(name, schema).required(name)).build()
}

/// A list.
pub(super) fn list(of: impl Into<AnySchema>) -> AnySchema {
    ArrayBuilder::new().items(of.into()).build().into()
}

/// What may be `null`.
pub(super) fn or_null(kind: Type) -> AnySchema {
    ObjectBuilder::new().schema_type(SchemaType::from_iter([kind, Type::Null])).build().into()
}

fn named<T: ToSchema>() -> AnySchema {
    AnySchema::Ref(Ref::from_schema_name(T::name()))
}

/// A refusal or failure.
pub(super) fn problem() -> AnySchema {
    named::<ProblemBody<'_>>()
}

/// A task.
pub(super) fn task() -> AnySchema {
    named::<TaskBody<'_>>()
}

/// A page of tasks.
pub(super) fn task_page() -> AnySchema {
    named::<TaskPageBody<'_>>()
}

/// A task with its history.
pub(super) fn task_with_history() -> AnySchema {
    named::<HistoryBody<'_>>()
}

/// An asset.
pub(super) fn asset() -> AnySchema {
    named::<AssetBody<'_>>()
}

/// A page of assets.
pub(super) fn asset_page() -> AnySchema {
    named::<AssetPageBody<'_>>()
}

/// An API key.
pub(super) fn key() -> AnySchema {
    named::<KeyBody>()
}

/// An API key with its secret, in the one answer that has it.
pub(super) fn shown_key() -> AnySchema {
    AnySchema::T(Schema::AllOf(AllOfBuilder::new().item(key()).item(object([("key", text().into())])).build()))
}

/// What an API key is made from.
pub(super) fn new_key() -> AnySchema {
    named::<NewKeyBody>()
}

/// A server.
pub(super) fn node() -> AnySchema {
    named::<NodeBody<'_>>()
}

/// A webhook.
pub(super) fn webhook() -> AnySchema {
    named::<WebhookBody>()
}

/// A webhook with its secret, in the one answer that has it.
pub(super) fn shown_webhook() -> AnySchema {
    AnySchema::T(Schema::AllOf(AllOfBuilder::new().item(webhook()).item(object([("secret", text().into())])).build()))
}

/// What a webhook is made from.
pub(super) fn new_webhook() -> AnySchema {
    named::<NewWebhookBody>()
}

/// What a webhook was told, or is to be told.
pub(super) fn delivery() -> AnySchema {
    named::<DeliveryBody>()
}

/// How a secret is rotated.
pub(super) fn rotation() -> AnySchema {
    named::<RotateBody>()
}

/// Everything that is referred to by name.
pub(super) fn components() -> Components {
    let mut schemas = Vec::new();
    macro_rules! add {
        ($($body:ty),* $(,)?) => { $( schemas.push((<$body>::name().into_owned(), <$body>::schema())); <$body>::schemas(&mut schemas); )* };
    }
    add!(
        ProblemBody<'_>,
        TaskBody<'_>,
        HistoryBody<'_>,
        TaskPageBody<'_>,
        AssetBody<'_>,
        AssetPageBody<'_>,
        Quota,
        KeyBody,
        NewKeyBody,
        RotateBody,
        WebhookBody,
        NewWebhookBody,
        DeliveryBody,
        NodeBody<'_>
    );
    ComponentsBuilder::new().schemas_from_iter(schemas).build()
}
