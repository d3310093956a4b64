//! The description of the interface, OpenAPI 3.1: every route of the table with every status that can come. docs/openapi.json is the
//! committed copy; tests hold both to the code.
//!
//! | file | what lives there |
//! |---|---|
//! | this one | the document as a whole, and its route |
//! | `operation` | one operation, and what all have in common |
//! | `schemas` | small schemas, and the names of the large ones |
//! | `tasks`, `files`, `classic`, `webhooks`, `server` | the operations |

mod classic;
mod files;
mod operation;
mod schemas;
mod server;
mod tasks;
mod webhooks;

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::header::ContentType;
use utoipa::openapi::path::{HttpMethod, PathItem, Paths};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};

use crate::http::route_table;
use operation::Described;

/// The name of the one way to be let in.
const KEY: &str = "key";

/// The document as JSON, indented for people.
///
/// # Panics
/// Never: texts and numbers can be written as JSON.
#[must_use]
pub fn openapi_json() -> String {
    let mut text = document().to_pretty_json().expect("texts and numbers can be written as JSON");
    text.push('\n');
    text
}

/// `GET /openapi.json`.
pub(crate) async fn get() -> HttpResponse {
    static TEXT: LazyLock<String> = LazyLock::new(openapi_json);
    HttpResponse::Ok().content_type(ContentType::json()).body(TEXT.as_str())
}

/// Every route that is described, in the order of the table.
fn described() -> Vec<Described> {
    [classic::operations(), server::operations(), tasks::operations(), files::operations(), webhooks::operations()]
        .into_iter()
        .flatten()
        .collect()
}

fn document() -> OpenApi {
    let mut paths = Paths::new();
    for (method, path, access) in route_table() {
        // Test servers alone have the others.
        let Some(operation) = described().into_iter().find(|described| described.is(&method, path)) else { continue };
        let item = PathItem::new(http_method(&method), operation.build(access));
        match paths.paths.get_mut(path) {
            Some(known) => known.merge_operations(item),
            None => drop(paths.paths.insert(path.to_owned(), item)),
        }
    }
    let key = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("slk_...").description(Some(KEYS)).build();
    let mut components = schemas::components();
    components.add_security_scheme(KEY, SecurityScheme::Http(key));
    let license = LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build();
    let info = InfoBuilder::new().title("Safelight").version(env!("CARGO_PKG_VERSION")).description(Some(ABOUT)).license(Some(license));
    OpenApiBuilder::new().info(info).paths(paths).components(Some(components)).build()
}

const ABOUT: &str = "An asynchronous image-processing server: hand in an image and a pipeline, get an id at once, ask whether it is ready, \
                     download the result. What answers GET answers HEAD, too, without a body. A server whose \
                     role is `work` answers what needs the scope `admin` and health; everything else is 421 `misdirected` there.";

const KEYS: &str = "An API key. A server on which no key was ever made needs none.";

fn http_method(method: &Method) -> HttpMethod {
    match method.as_str() {
        "POST" => HttpMethod::Post,
        "PUT" => HttpMethod::Put,
        "DELETE" => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Access;

    #[test]
    fn every_route_is_described_and_no_other() {
        let described = described();
        let table = route_table();
        for (method, path, _) in table.iter().filter(|(_, path, _)| !path.starts_with("/v1/faults/")) {
            assert!(described.iter().any(|described| described.is(method, path)), "describe {method} {path} in src/http/openapi");
        }
        for route in &described {
            assert!(table.iter().any(|(method, path, _)| route.is(method, path)), "there is no {route:?}");
        }
    }

    #[test]
    fn what_needs_a_key_says_so() {
        let document = serde_json::to_value(document()).expect("JSON");
        for (method, path, access) in route_table().iter().filter(|(_, path, _)| !path.starts_with("/v1/faults/")) {
            let operation = &document["paths"][path][method.as_str().to_lowercase()];
            let is_open = *access == Access::Open;
            assert_eq!(operation["security"].as_array().map(Vec::is_empty), Some(is_open), "{method} {path}");
            assert_eq!(operation["responses"]["401"].is_object(), !is_open, "{method} {path}");
        }
    }
}
