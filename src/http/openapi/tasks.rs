//! Tasks: handed in, asked about, watched, cancelled, run again, deleted.

use actix_web::http::Method;
use utoipa::openapi::schema::{AdditionalProperties, AnyOfBuilder, Object, ObjectBuilder, Type};
use utoipa::openapi::{Content, Required, Schema};

use crate::domain::error_code::ErrorCode;
use crate::http::openapi::files::{FILE_PROBLEMS, accept_header, image_of, result_problems};
use crate::http::openapi::operation::Described;
use crate::http::openapi::schemas::{bytes, event, formatted, integer, one_of, pattern, task, task_page, task_with_history, text, uuid};

const TAG: &str = "tasks";

pub(super) fn operations() -> Vec<Described> {
    let mut operations = vec![list_tasks(), submit(), get(), delete(), cancel(), retry(), events_of_task(), events_of_all()];
    operations.extend(files());
    operations
}

/// The name of an upload.
const IDEMPOTENCY_KEY: &str = "^[!-~]{1,255}$";

/// A form with an image and further parts, each a text of a form of its own.
pub(super) fn form(parts: &[(&str, &str)]) -> Object {
    let image = ObjectBuilder::new().schema_type(Type::Object).property("image", bytes()).required("image");
    let image = image.additional_properties(Some(AdditionalProperties::FreeForm(false)));
    parts.iter().fold(image, |form, (name, format)| form.property(*name, formatted(format))).build()
}

/// A form for a task: what is wanted is said in one of three ways, if at all.
fn task_form() -> Content {
    let form = |wanted: &str| {
        let parts = PARTS.iter().map(|(name, format, _)| (*name, *format));
        let is_other = |name: &str| WANTED.contains(&name) && name != wanted;
        form(&parts.filter(|(name, _)| !is_other(name)).collect::<Vec<_>>())
    };
    let forms = WANTED.iter().fold(AnyOfBuilder::new(), |forms, wanted| forms.item(form(wanted)));
    Content::new(Some(Schema::AnyOf(forms.build())))
}

/// The three ways.
const WANTED: [&str; 3] = ["pipeline", "preset", "variants"];

/// What any upload of an image for a task is refused with.
pub(super) fn upload_problems() -> Vec<ErrorCode> {
    use ErrorCode as E;
    vec![
        E::InvalidRequest,
        E::EmptyBody,
        E::InvalidPipeline,
        E::UploadTimeout,
        E::PayloadTooLarge,
        E::UnsupportedFormat,
        E::TooManySteps,
        E::UnknownAsset,
        E::TooManyTasksInFlight,
        E::TooManyBytesInFlight,
        E::TooManyStoredBytes,
        E::QueueFull,
        E::Draining,
        E::StorageFull,
    ]
}

/// The parts of a task that are given in the query, or as parts of a form.
const PARTS: [(&str, &str, &str); 7] = [
    ("pipeline", "pipeline", "A pipeline in either form, or the name of a preset. One of `pipeline`, `preset` and `variants`."),
    ("preset", "preset", "The name of a preset."),
    ("variants", "variants", "Pipelines by the names of their results."),
    ("metadata", "metadata", "A JSON object or a text of up to 8 KiB that is kept with the task."),
    ("expires_in", "retention", "How long the task is kept once it has ended: seconds, a time such as `12h` or `7d`, or `never`."),
    ("priority", "priority", "How soon the task gets its turn: `low`, `normal` or `high`."),
    ("webhook", "uuid", "The id of the webhook that is told when the task has ended."),
];

fn prefer(described: Described) -> Described {
    described.header("Prefer", "`wait=N` waits up to N seconds for the end of the task, `respond-async` does not (RFC 7240).", text())
}

fn list_tasks() -> Described {
    let states = ["not_started", "in_progress", "finished", "failed", "cancelled"];
    Described::new(Method::GET, "/v1/tasks", TAG, "listTasks", "List tasks, oldest first")
        .about("A caller sees the own tasks, an admin all.")
        .query("state", "Only tasks in this state.", one_of(states))
        .query("since", "Only tasks accepted at this moment or later.", formatted("date-time"))
        .query("cursor", "`next` of the page before.", integer(0, u64::MAX))
        .query("limit", "Tasks on a page; 50 where nothing is said.", integer(1, 500))
        .json(200, "A page; `next` is the cursor of the page after, `null` on the last one.", task_page())
        .answer_header(200, "Link", "The page after, `rel=\"next\"` (RFC 8288).")
        .problems(&[ErrorCode::InvalidRequest])
}

fn submit() -> Described {
    let described = Described::new(Method::POST, "/v1/tasks", TAG, "submitTask", "Hand in an image")
        .about("The body is the image, or a form with a part `image`; what is to be done is said in the query or in further parts.")
        .body(Required::True, vec![("application/octet-stream", Content::new(Some(bytes()))), ("multipart/form-data", task_form())])
        .header(
            "Idempotency-Key",
            "A name for this upload, so that it can be sent again without making a second task.",
            pattern(IDEMPOTENCY_KEY),
        )
        .json(200, "The task, which has ended within the wait.", task_with_history())
        .json(202, "The image and its task are durable.", task_with_history())
        .answer_header(200, "Location", "The task.")
        .answer_header(200, "Preference-Applied", "How long was waited at most.")
        .answer_header(202, "Location", "The task.")
        .answer_header(202, "Retry-After", "Seconds until it may have ended.")
        .answer_header(202, "Preference-Applied", "How long was waited at most.")
        .answer_header(202, "Idempotent-Replayed", "`true` where the upload was sent before.")
        .problems(&upload_problems())
        .problems(&[ErrorCode::IdempotencyInProgress, ErrorCode::IdempotencyKeyReused, ErrorCode::UnknownWebhook]);
    let described = PARTS.iter().fold(described, |described, (name, format, about)| described.query(name, about, formatted(format)));
    let next = ["getTask", "isReady", "getImage", "cancelTask", "deleteTask", "getOriginal", "getResult", "eventsOfTask"];
    next.into_iter().fold(prefer(described), |described, operation| described.link(202, operation, "id", "$response.body#/id"))
}

/// An operation about one task.
fn one(method: Method, path: &'static str, id: &str, summary: &str) -> Described {
    Described::new(method, path, TAG, id, summary).path("id", "The task.", uuid()).problems(&[ErrorCode::NotFound])
}

fn get() -> Described {
    let get = one(Method::GET, "/v1/tasks/{id}", "getTask", "One task with its history");
    prefer(get)
        .json(200, "The task, as it is or once it has ended.", task_with_history())
        .answer_header(200, "Preference-Applied", "How long was waited at most.")
        .problems(&[ErrorCode::TooManyWatchers])
}

fn delete() -> Described {
    Described::new(Method::DELETE, "/v1/tasks/{id}", TAG, "deleteTask", "Delete a task with everything that belongs to it")
        .about("An unfinished one is cancelled first. One that is not there is deleted already.")
        .path("id", "The task.", uuid())
        .answer(204, "Nobody can see it any more.")
        .problems(&[ErrorCode::NotFound, ErrorCode::StorageFull])
}

fn cancel() -> Described {
    use ErrorCode as E;
    one(Method::POST, "/v1/tasks/{id}/cancel", "cancelTask", "Stop a task")
        .json(200, "The task, cancelled for good and its work stopped.", task())
        .problems(&[E::WrongState, E::UploadTimeout, E::PayloadTooLarge, E::InvalidRequest, E::StorageFull])
        .link(200, "retryTask", "id", "$response.body#/id")
}

fn retry() -> Described {
    use ErrorCode as E;
    one(Method::POST, "/v1/tasks/{id}/retry", "retryTask", "Run a failed or cancelled task again")
        .json(202, "The task in its new run.", task())
        .answer_header(202, "Location", "The task.")
        .problems(&[E::WrongState, E::QueueFull, E::Draining, E::TooManyTasksInFlight, E::TooManyBytesInFlight, E::StorageFull])
        .problems(&[E::UploadTimeout, E::PayloadTooLarge, E::InvalidRequest])
}

/// A stream of events.
fn stream(described: Described) -> Described {
    described
        .header("Last-Event-ID", "The last event that was seen; the stream goes on behind it.", integer(0, u64::MAX))
        .answer(200, "Server-Sent Events: `state`, `progress` and others, as JSON, each with its id.")
        .content(200, "text/event-stream", event())
        .problems(&[ErrorCode::InvalidRequest, ErrorCode::TooManyWatchers])
}

fn events_of_task() -> Described {
    stream(one(Method::GET, "/v1/tasks/{id}/events", "eventsOfTask", "What happens to one task, to the end of its run"))
        .answer(204, "Everything was seen, and nothing more will happen.")
}

fn events_of_all() -> Described {
    stream(Described::new(Method::GET, "/v1/events", TAG, "eventsOfAll", "What happens to all tasks that the caller may see, without end"))
}

fn files() -> Vec<Described> {
    let file = |path, id, summary| accept_header(image_of(one(Method::GET, path, id, summary), "The image."));
    vec![
        file("/v1/tasks/{id}/original", "getOriginal", "The image as it was handed in").problems(&FILE_PROBLEMS),
        file("/v1/tasks/{id}/result", "getResult", "The result of a task that has one").problems(&result_problems()),
        file("/v1/tasks/{id}/variants/{name}", "getVariant", "One of several results, as soon as it is there")
            .problems(&result_problems())
            .path("name", "The name of the result.", formatted("variant")),
    ]
}
