//! Events as a stream of Server-Sent Events (WHATWG HTML, 9.2): what happens to one task, or to all that the caller may see.
//!
//! A client that comes back names the last event that it has seen (`Last-Event-ID`) and is told what happened since.

use std::convert::Infallible;
use std::fmt::Write;
use std::future::ready;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, HeaderName};
use actix_web::web::{Bytes, Data, Path, ReqData};
use actix_web::{HttpRequest, HttpResponse};
use futures::StreamExt;
use futures::stream::{self, Stream};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::actors::frontend::{Feed, OpenFeed, Told};
use crate::domain::access::Caller;
use crate::domain::error_code::ErrorCode;
use crate::domain::ids::TaskId;
use crate::domain::task::{Event, EventNo};
use crate::http::problem::Problem;
use crate::http::tasks::named;
use crate::http::time::rfc3339;
use crate::http::{ANSWER_DEADLINE, HttpState};

/// The first bytes of every stream: when to come back after its end. They also let the headers go.
const BEGINNING: &str = "retry: 2000\n\n";

/// A line that means nothing, for whoever might take the connection for dead.
const HEARTBEAT: &str = ":\n\n";

/// Asks nginx, and whoever follows it, not to hold the stream back.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// `GET /v1/tasks/{id}/events`: from the task's first event to the end of its run.
pub(crate) async fn of_task(
    state: Data<HttpState>,
    caller: ReqData<Caller>,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = named(&id)?;
    answer(&state, *caller, &request, Some(id)).await
}

/// `GET /v1/events`: everything that happens from now on.
pub(crate) async fn of_all(state: Data<HttpState>, caller: ReqData<Caller>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    answer(&state, *caller, &request, None).await
}

async fn answer(state: &HttpState, caller: Caller, request: &HttpRequest, task: Option<TaskId>) -> Result<HttpResponse, Problem> {
    let open = OpenFeed { caller, task, after: last_event_id(request)? };
    let mut feed = state.frontend.send(open).timeout(ANSWER_DEADLINE).await??;
    // Tells a browser that there is no use in coming back.
    if feed.is_over().await {
        return Ok(HttpResponse::NoContent().finish());
    }
    let mut response = HttpResponse::Ok();
    response.content_type("text/event-stream").insert_header((CACHE_CONTROL, "no-store")).insert_header((X_ACCEL_BUFFERING, "no"));
    // The body of an answer to HEAD would be read to its end, which may never come.
    if request.method() == Method::HEAD {
        return Ok(response.finish());
    }
    // A stream must not outlive the key that opened it: the frame that would come next, a heartbeat at the latest, is its end.
    let gate = state.gate.clone();
    Ok(response.streaming(frames(feed, state.watch.heartbeat).take_while(move |_| ready(gate.still_admits(caller)))))
}

/// The event that the client has seen last, if it says so.
fn last_event_id(request: &HttpRequest) -> Result<Option<EventNo>, Problem> {
    let Some(value) = request.headers().get("last-event-id") else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.parse().ok());
    number
        .map(Some)
        .ok_or_else(|| Problem::new(ErrorCode::InvalidRequest, "Last-Event-ID is not the id of an event; leave it out to begin anew"))
}

/// The feed as bytes. Nothing is read ahead: a client that takes nothing is not told, and its feed is cut off.
fn frames(feed: Feed, heartbeat: Duration) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::unfold((feed, true), move |(mut feed, begins)| async move {
        if begins {
            return Some((Ok(Bytes::from_static(BEGINNING.as_bytes())), (feed, false)));
        }
        let frame = match timeout(heartbeat, feed.next()).await {
            Ok(Some(told)) => Bytes::from(frame(&told)),
            Ok(None) => return None,
            Err(_) => Bytes::from_static(HEARTBEAT.as_bytes()),
        };
        Some((Ok(frame), (feed, false)))
    })
}

fn frame(told: &Told) -> String {
    let (no, kind, data) = match told {
        Told::Event(event) => (event.no, event.news.kind(), data(event)),
        Told::Gap(no) => (*no, "gap", json!({ "kind": "gap" })),
    };
    let mut frame = String::new();
    write!(frame, "id: {no}\nevent: {kind}\ndata: {data}\n\n").expect("writing to a text cannot fail");
    frame
}

/// One line of JSON.
fn data(event: &Event) -> Value {
    let mut data = json!(event.news);
    data["task"] = json!(event.task);
    data["at"] = json!(rfc3339(event.at));
    data
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::task::{News, TaskState};
    use crate::domain::timestamp::Timestamp;

    #[test]
    fn an_event_is_a_frame_with_its_number() {
        let task: TaskId = "67e55044-10b1-426f-9247-bb680e5fe0c8".parse().expect("an id");
        let news = News::State { state: TaskState::Failed, run: 2, code: Some(ErrorCode::CorruptImage) };
        let event = Event { no: EventNo(17), task, caller: None, at: Timestamp(1125), news };
        assert_eq!(
            frame(&Told::Event(Arc::new(event))),
            "id: 17\nevent: state\ndata: {\"at\":\"1970-01-01T00:00:01.125Z\",\"code\":\"corrupt_image\",\"kind\":\"state\",\"run\":2,\
             \"state\":\"failed\",\"task\":\"67e55044-10b1-426f-9247-bb680e5fe0c8\"}\n\n"
        );
    }
}
