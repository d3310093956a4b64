//! The HTTP surface: the whole route table on one screen.
//!
//! A handler parses, asks the frontend, and maps the reply; what a request means is decided by the actors.

mod accept;
mod assets;
mod body;
mod caller;
mod classic;
mod cors;
mod download;
mod events;
#[cfg(feature = "faults")]
mod faults;
mod health;
mod keys;
mod nodes;
mod openapi;
mod panics;
mod pipelines;
mod prefer;
mod problem;
mod request_id;
mod settings;
mod tasks;
mod time;
mod tree;
mod webhooks;

use std::future::ready;
use std::time::Duration;

use actix::Addr;
use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, Resource, Route, guard};

use crate::actors::frontend::{Frontend, Gate, Lookup};
use crate::actors::supervision::Supervisor;
use crate::config::{UploadConfig, WatchConfig};
use crate::domain::access::Scope;
use crate::domain::node::Role;

pub use caller::note_connection;
pub use cors::cors;
pub use keys::{KeyBody, NewKeyBody, RotateBody};
pub use openapi::openapi_json;
pub use request_id::request_id;
pub use webhooks::letter;

/// What every handler needs.
#[derive(Clone)]
pub struct HttpState {
    /// The one actor that HTTP talks to.
    pub frontend: Addr<Frontend>,
    /// How single tasks are, which needs no turn of the frontend.
    pub lookup: Lookup,
    /// Who is let in.
    pub gate: Gate,
    /// What the server is for.
    pub role: Role,
    /// The root of the supervision tree.
    pub tree: Addr<Supervisor>,
    /// Limits on the time and the size of a body.
    pub uploads: UploadConfig,
    /// How long a request may wait, and how silent a stream may be.
    pub watch: WatchConfig,
}

/// How long a handler waits for the frontend before it answers 503.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody, with a key or without: health, which must never depend on anything.
    Open,
    /// Whoever has a key.
    AnyKey,
    /// Callers with this scope.
    Scope(Scope),
}

impl Access {
    /// Whether operators and their probes use the route: a server that has no clients answers it, too.
    fn is_operators(self) -> bool {
        matches!(self, Self::Open | Self::Scope(Scope::Admin))
    }
}

const OPEN: Access = Access::Open;
const ANY_KEY: Access = Access::AnyKey;
const SUBMIT: Access = Access::Scope(Scope::Submit);
const READ: Access = Access::Scope(Scope::Read);
const ADMIN: Access = Access::Scope(Scope::Admin);

/// The route table: each path with its methods, who may use them, and what answers.
fn table() -> Vec<Entry> {
    vec![
        entry("/newImage", [(Method::POST, SUBMIT, web::to(classic::new_image))]),
        entry("/image/isReady", [(Method::GET, READ, web::to(classic::is_ready))]),
        entry("/image/get", [(Method::GET, READ, web::to(classic::get_image))]),
        entry("/livez", [(Method::GET, OPEN, web::to(health::livez))]),
        entry("/readyz", [(Method::GET, OPEN, web::to(health::readyz))]),
        entry("/openapi.json", [(Method::GET, ANY_KEY, web::to(openapi::get))]),
        entry("/v1/tree", [(Method::GET, ADMIN, web::to(tree::get))]),
        entry("/v1/nodes", [(Method::GET, ADMIN, web::to(nodes::list))]),
        entry("/v1/nodes/{id}/tree", [(Method::GET, ADMIN, web::to(nodes::tree))]),
        entry("/v1/tasks", [(Method::GET, READ, web::to(tasks::list)), (Method::POST, SUBMIT, web::to(tasks::submit))]),
        entry("/v1/tasks/{id}", [(Method::GET, READ, web::to(tasks::get)), (Method::DELETE, SUBMIT, web::to(tasks::delete))]),
        entry("/v1/tasks/{id}/cancel", [(Method::POST, SUBMIT, web::to(tasks::cancel))]),
        entry("/v1/tasks/{id}/retry", [(Method::POST, SUBMIT, web::to(tasks::retry))]),
        entry("/v1/tasks/{id}/result", [(Method::GET, READ, web::to(tasks::get_result))]),
        entry("/v1/tasks/{id}/original", [(Method::GET, READ, web::to(tasks::get_original))]),
        entry("/v1/tasks/{id}/events", [(Method::GET, READ, web::to(events::of_task))]),
        entry("/v1/tasks/{id}/variants/{name}", [(Method::GET, READ, web::to(tasks::get_variant))]),
        entry("/v1/events", [(Method::GET, READ, web::to(events::of_all))]),
        entry("/v1/assets", [(Method::GET, READ, web::to(assets::list))]),
        entry(
            "/v1/assets/{name}",
            [
                (Method::GET, READ, web::to(assets::get)),
                (Method::PUT, ADMIN, web::to(assets::put)),
                (Method::DELETE, ADMIN, web::to(assets::delete)),
            ],
        ),
        entry("/v1/pipelines/explain", [(Method::POST, SUBMIT, web::to(pipelines::explain))]),
        entry("/v1/keys", [(Method::GET, ADMIN, web::to(keys::list)), (Method::POST, ADMIN, web::to(keys::create))]),
        entry("/v1/keys/{id}", [(Method::GET, ADMIN, web::to(keys::get)), (Method::DELETE, ADMIN, web::to(keys::revoke))]),
        entry("/v1/keys/{id}/rotate", [(Method::POST, ADMIN, web::to(keys::rotate))]),
        entry("/v1/webhooks", [(Method::GET, READ, web::to(webhooks::list)), (Method::POST, SUBMIT, web::to(webhooks::create))]),
        entry("/v1/webhooks/{id}", [(Method::GET, READ, web::to(webhooks::get)), (Method::DELETE, SUBMIT, web::to(webhooks::delete))]),
        entry("/v1/webhooks/{id}/rotate", [(Method::POST, SUBMIT, web::to(webhooks::rotate))]),
        entry("/v1/webhooks/{id}/deliveries", [(Method::GET, READ, web::to(webhooks::deliveries))]),
        entry("/v1/webhooks/{id}/deliveries/{delivery}/retry", [(Method::POST, SUBMIT, web::to(webhooks::retry))]),
        entry("/v1/settings", [(Method::GET, ADMIN, web::to(settings::list))]),
        entry(
            "/v1/settings/{key}",
            [
                (Method::GET, ADMIN, web::to(settings::get)),
                (Method::PUT, ADMIN, web::to(settings::put)),
                (Method::DELETE, ADMIN, web::to(settings::delete)),
            ],
        ),
        #[cfg(feature = "faults")]
        entry("/v1/faults/{point}", [(Method::PUT, ADMIN, web::to(faults::arm))]),
    ]
}

/// Every method of every path, and who may use it.
#[must_use]
pub fn route_table() -> Vec<(Method, &'static str, Access)> {
    let methods = |entry: Entry| entry.methods.into_iter().map(move |(method, access, _)| (method, entry.path, access));
    table().into_iter().flat_map(methods).collect()
}

/// Registers every route.
pub fn routes(state: HttpState) -> impl FnOnce(&mut ServiceConfig) {
    move |app: &mut ServiceConfig| {
        app.app_data(Data::new(state)).app_data(problem::query_config()).app_data(problem::path_config());
        for entry in table() {
            app.service(resource(entry));
        }
        app.default_service(web::route().to(problem::no_route));
    }
}

/// A path of the table.
struct Entry {
    path: &'static str,
    methods: Vec<(Method, Access, Route)>,
}

fn entry<const N: usize>(path: &'static str, methods: [(Method, Access, Route); N]) -> Entry {
    Entry { path, methods: methods.into() }
}

/// A path and what each method does there; any other method is answered with 405 and `Allow` (RFC 9110, 15.5.6).
/// What answers GET answers HEAD as well, without the body.
fn resource(Entry { path, methods }: Entry) -> Resource {
    let mut resource = web::resource(path);
    let mut allow = Vec::new();
    for (method, access, route) in methods {
        allow.push(method.to_string());
        let route = route.wrap(from_fn(move |request, next| caller::identify(access, request, next)));
        let route = if method == Method::GET {
            allow.push(Method::HEAD.to_string());
            route.guard(guard::Any(guard::Get()).or(guard::Head()))
        } else {
            route.method(method)
        };
        resource = resource.route(route);
    }
    let allow = allow.join(", ");
    resource.default_service(web::to(move |request: HttpRequest| ready(problem::method_not_allowed(&request, &allow))))
}
