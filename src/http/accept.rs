//! What form of an answer a request asks for, and which images its client takes.

use actix_web::HttpRequest;
use actix_web::http::header::{Accept, Header, Quality};
use actix_web::mime::{self, Mime};

use crate::domain::format::Format;
use crate::domain::pipeline::{Accepted, Output};

/// Whether `Accept` prefers JSON to plain text. A missing header or `*/*` alone asks for plain text.
pub(crate) fn wants_json(request: &HttpRequest) -> bool {
    let Ok(accept) = Accept::parse(request) else { return false };
    let quality =
        |wanted: fn(&Mime) -> bool| accept.iter().filter(|item| wanted(&item.item)).map(|item| item.quality).max().unwrap_or(Quality::ZERO);
    let json = quality(|mime| mime.type_() == mime::APPLICATION && (mime.subtype() == mime::JSON || mime.suffix() == Some(mime::JSON)));
    json > Quality::ZERO && json >= quality(|mime| mime.type_() == mime::TEXT && mime.subtype() == mime::PLAIN)
}

/// The formats that `Accept` names beside those that every client takes. Ranges such as `image/*` or `*/*` do not name any: clients
/// send them that show no WebP.
pub(crate) fn images(request: &HttpRequest) -> Accepted {
    let Ok(accept) = Accept::parse(request) else { return Accepted::None };
    let names = |media_type: &str| accept.iter().any(|item| item.item.essence_str() == media_type && item.quality > Quality::ZERO);
    // What this build cannot write is not kept with the task: another build would make something else of it at the next attempt.
    let avif = names(Format::Avif.media_type()) && Output::is_built(Format::Avif.name());
    Accepted::new(avif, names(Format::Webp.media_type()))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn only_what_is_named_is_accepted() {
        for (accept, expected) in [
            ("image/webp", Accepted::Webp),
            ("image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", Accepted::new(Output::is_built("avif"), true)),
            ("application/json, image/webp;q=0.1", Accepted::Webp),
            ("image/webp;q=0, image/png", Accepted::None),
            ("image/*, */*", Accepted::None),
        ] {
            let request = TestRequest::default().insert_header(("Accept", accept)).to_http_request();
            assert_eq!(images(&request), expected, "{accept}");
        }
        assert_eq!(images(&TestRequest::default().to_http_request()), Accepted::None);
    }

    #[test]
    fn json_only_when_asked_for() {
        for (accept, expected) in [
            ("application/json", true),
            ("application/problem+json", true),
            ("text/plain;q=0.5, application/json", true),
            ("text/plain, application/json;q=0.5", false),
            ("*/*", false),
            ("text/html", false),
            ("application/json;q=0", false),
        ] {
            let request = TestRequest::default().insert_header(("Accept", accept)).to_http_request();
            assert_eq!(wants_json(&request), expected, "{accept}");
        }
        assert!(!wants_json(&TestRequest::default().to_http_request()));
    }
}
