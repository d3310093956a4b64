//! What form of an answer a request asks for.

use actix_web::HttpRequest;
use actix_web::http::header::{Accept, Header, Quality};
use actix_web::mime::{self, Mime};

/// Whether `Accept` prefers JSON to plain text. A missing header or `*/*` alone asks for plain text.
pub(crate) fn wants_json(request: &HttpRequest) -> bool {
    let Ok(accept) = Accept::parse(request) else { return false };
    let quality =
        |wanted: fn(&Mime) -> bool| accept.iter().filter(|item| wanted(&item.item)).map(|item| item.quality).max().unwrap_or(Quality::ZERO);
    let json = quality(|mime| mime.type_() == mime::APPLICATION && (mime.subtype() == mime::JSON || mime.suffix() == Some(mime::JSON)));
    json > Quality::ZERO && json >= quality(|mime| mime.type_() == mime::TEXT && mime.subtype() == mime::PLAIN)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::wants_json;

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
