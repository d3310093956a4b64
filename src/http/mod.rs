//! The HTTP surface: the whole route table on one screen.
//!
//! A handler parses, asks the frontend, and maps the reply; what a request means is decided by the actors.

mod accept;
mod body;
mod classic;
mod download;
#[cfg(feature = "faults")]
mod faults;
mod health;
mod problem;
mod request_id;
mod settings;
mod tasks;
mod tree;

use std::time::Duration;

use actix::Addr;
use actix_web::web::{self, Data, ServiceConfig};

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
            .route("/newImage", web::post().to(classic::new_image))
            .route("/image/isReady", web::get().to(classic::is_ready))
            .route("/image/get", web::get().to(classic::get_image))
            .route("/livez", web::get().to(health::livez))
            .route("/readyz", web::get().to(health::readyz))
            .route("/v1/tree", web::get().to(tree::get))
            .route("/v1/tasks", web::get().to(tasks::list))
            .route("/v1/tasks/{id}", web::get().to(tasks::get))
            .route("/v1/settings", web::get().to(settings::list))
            .route("/v1/settings/{key}", web::get().to(settings::get))
            .route("/v1/settings/{key}", web::put().to(settings::put))
            .route("/v1/settings/{key}", web::delete().to(settings::delete));
        #[cfg(feature = "faults")]
        app.route("/v1/faults/{point}", web::put().to(faults::arm));
        app.default_service(web::route().to(problem::no_route));
    }
}
