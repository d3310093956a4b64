//! The server's HTTP side as one client uses it: upload, ask, download.

use std::io::Read;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use ureq::Agent;

use crate::Outcome;

/// How long one task may take to end before the run is given up.
const PATIENCE: Duration = Duration::from_secs(600);

/// The pause between two questions about a task that is not ready.
const PAUSE: Duration = Duration::from_millis(5);

/// What becomes of an upload.
pub(crate) enum Answer {
    /// Image and task are durable, under this id.
    Accepted(String),
    /// The server has no room for it now; whether it said when to come again.
    Refused { come_again: bool },
}

/// A client with connections of its own.
pub(crate) struct Client {
    agent: Agent,
    url: String,
}

impl Client {
    pub(crate) fn new(url: &str) -> Self {
        // No timeout over a whole call: `ureq` would start a thread for every request, to look the name up within it.
        let config =
            Agent::config_builder().http_status_as_error(false).timeout_recv_response(Some(PATIENCE)).timeout_recv_body(Some(PATIENCE));
        let agent = config.build().new_agent();
        Self { agent, url: url.to_owned() }
    }

    /// Uploads `image` and returns the id; the answer means that image and task are durable.
    pub(crate) fn upload(&self, image: &[u8], pipeline: Option<&str>) -> Outcome<String> {
        let request = self.agent.post(format!("{}/newImage", self.url)).content_type("application/octet-stream");
        let request = pipeline.into_iter().fold(request, |request, pipeline| request.query("pipeline", pipeline));
        let mut answer = request.send(image)?;
        let text = answer.body_mut().read_to_string()?;
        if answer.status() == 202 { Ok(text) } else { Err(format!("{}: {text}", answer.status()).into()) }
    }

    /// Uploads `image`, waits for the end of its task on the same request, and returns the moment of that end since 1970.
    pub(crate) fn upload_and_wait(&self, image: &[u8]) -> Outcome<Duration> {
        let request = self.agent.post(format!("{}/v1/tasks", self.url)).header("prefer", "wait=60");
        let task: Value = request.send(image)?.body_mut().read_json()?;
        let ended: jiff::Timestamp = task["ended_at"].as_str().ok_or_else(|| format!("not ended: {task}"))?.parse()?;
        Ok(Duration::try_from(ended.duration_since(jiff::Timestamp::UNIX_EPOCH))?)
    }

    /// The answer of a handler that has nothing to do.
    pub(crate) fn livez(&self) -> Outcome<String> {
        self.text("/livez")
    }

    /// Uploads `image` to a server that may refuse it.
    pub(crate) fn try_upload(&self, image: &[u8], pipeline: &str) -> Outcome<Answer> {
        let request = self.agent.post(format!("{}/newImage", self.url)).content_type("application/octet-stream");
        let mut answer = request.query("pipeline", pipeline).send(image)?;
        let text = answer.body_mut().read_to_string()?;
        match answer.status().as_u16() {
            202 => Ok(Answer::Accepted(text)),
            429 | 503 => Ok(Answer::Refused { come_again: answer.headers().contains_key("retry-after") }),
            status => Err(format!("{status}: {text}").into()),
        }
    }

    /// Asks for a page that is there.
    pub(crate) fn get(&self, path: &str) -> Outcome<()> {
        let answer = self.text(path)?;
        if answer.is_empty() { Err(format!("{path}: an empty answer").into()) } else { Ok(()) }
    }

    /// Waits until the task has ended, and says how.
    pub(crate) fn wait(&self, id: &str) -> Outcome<String> {
        let start = Instant::now();
        loop {
            let state = self.text(&format!("/image/isReady?id={id}"))?;
            if state == "finished" || state.starts_with("failed") {
                return Ok(state);
            }
            if start.elapsed() > PATIENCE {
                return Err(format!("task {id} has not ended within {} s: {state}", PATIENCE.as_secs()).into());
            }
            sleep(PAUSE);
        }
    }

    /// The task as the server tells it.
    pub(crate) fn task(&self, id: &str) -> Outcome<Value> {
        Ok(serde_json::from_str(&self.text(&format!("/v1/tasks/{id}"))?)?)
    }

    /// The result.
    pub(crate) fn image(&self, id: &str) -> Outcome<Vec<u8>> {
        let mut answer = self.agent.get(format!("{}/image/get?id={id}", self.url)).call()?;
        let mut bytes = Vec::new();
        answer.body_mut().as_reader().read_to_end(&mut bytes)?;
        if answer.status() == 200 { Ok(bytes) } else { Err(format!("{}: no result of {id}", answer.status()).into()) }
    }

    /// Cancels the task, and says what its state is then, or why it was not cancelled.
    pub(crate) fn cancel(&self, id: &str) -> Outcome<String> {
        let text = self.agent.post(format!("{}/v1/tasks/{id}/cancel", self.url)).send_empty()?.body_mut().read_to_string()?;
        let answer: Value = serde_json::from_str(&text)?;
        Ok(answer["state"].as_str().map_or(text, str::to_owned))
    }

    /// The supervision tree.
    pub(crate) fn tree(&self) -> Outcome<Value> {
        Ok(serde_json::from_str(&self.text("/v1/tree")?)?)
    }

    fn text(&self, path: &str) -> Outcome<String> {
        Ok(self.agent.get(format!("{}{path}", self.url)).call()?.body_mut().read_to_string()?)
    }
}
