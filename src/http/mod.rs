//! The HTTP surface: the whole route table on one screen.
//!
//! A handler parses, asks the frontend, and maps the reply; what a request means is decided by the actors.

mod accept;
mod assets;
mod body;
mod classic;
mod download;
#[cfg(feature = "faults")]
mod faults;
mod health;
mod pipelines;
mod problem;
mod request_id;
mod settings;
mod tasks;
mod time;
mod tree;

use std::future::ready;
use std::time::Duration;

use actix::Addr;
use actix_web::http::Method;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, Resource, Route, guard};

use crate::actors::frontend::Frontend;
use crate::actors::supervision::Supervisor;
use crate::config::UploadConfig;

pub use request_id::request_id;

/// What every handler needs.
#[derive(Clone)]
pub struct HttpState {
    /// The one actor that HTTP talks to.
    pub frontend: Addr<Frontend>,
    /// The root of the supervision tree.
    pub tree: Addr<Supervisor>,
    /// Limits on the time and the size of a body.
    pub uploads: UploadConfig,
}

/// How long a handler waits for the frontend before it answers 503.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);

/// Registers every route.
pub fn routes(state: HttpState) -> impl FnOnce(&mut ServiceConfig) {
    move |app: &mut ServiceConfig| {
        app.app_data(Data::new(state))
            .app_data(problem::query_config())
            .service(resource("/newImage", [(Method::POST, web::to(classic::new_image))]))
            .service(resource("/image/isReady", [(Method::GET, web::to(classic::is_ready))]))
            .service(resource("/image/get", [(Method::GET, web::to(classic::get_image))]))
            .service(resource("/livez", [(Method::GET, web::to(health::livez))]))
            .service(resource("/readyz", [(Method::GET, web::to(health::readyz))]))
            .service(resource("/v1/tree", [(Method::GET, web::to(tree::get))]))
            .service(resource("/v1/tasks", [(Method::GET, web::to(tasks::list))]))
            .service(resource("/v1/tasks/{id}", [(Method::GET, web::to(tasks::get))]))
            .service(resource("/v1/tasks/{id}/variants/{name}", [(Method::GET, web::to(tasks::get_variant))]))
            .service(resource("/v1/assets", [(Method::GET, web::to(assets::list))]))
            .service(resource(
                "/v1/assets/{name}",
                [(Method::GET, web::to(assets::get)), (Method::PUT, web::to(assets::put)), (Method::DELETE, web::to(assets::delete))],
            ))
            .service(resource("/v1/pipelines/explain", [(Method::POST, web::to(pipelines::explain))]))
            .service(resource("/v1/settings", [(Method::GET, web::to(settings::list))]))
            .service(resource(
                "/v1/settings/{key}",
                [(Method::GET, web::to(settings::get)), (Method::PUT, web::to(settings::put)), (Method::DELETE, web::to(settings::delete))],
            ));
        #[cfg(feature = "faults")]
        app.service(resource("/v1/faults/{point}", [(Method::PUT, web::to(faults::arm))]));
        app.default_service(web::route().to(problem::no_route));
    }
}

/// A path and what each method does there; any other method is answered with 405 and `Allow` (RFC 9110, 15.5.6).
/// What answers GET answers HEAD as well, without the body.
fn resource<const N: usize>(path: &str, routes: [(Method, Route); N]) -> Resource {
    let mut resource = web::resource(path);
    let mut allow = Vec::new();
    for (method, route) in routes {
        allow.push(method.to_string());
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
