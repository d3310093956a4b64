//! The pages about the HTTP interface that are made from the code: `make errors` and `make openapi` write them anew; a test fails
//! while one is not what would be written.

use std::fmt::Write as _;
use std::path::Path;

use safelight::domain::error_code::ErrorCode;

/// Set by both.
const WRITE: &str = "SAFELIGHT_WRITE_DOCS";

/// Fails while a page is not what is made from the code, unless it is to be written anew.
fn check(page: &str, command: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(page);
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, made).expect("the page can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == made, "docs/{page} is not what the code says: run `{command}`");
}

const INTRODUCTION: &str = "<!-- Written by `make errors` from src/domain/error_code.rs. -->

# Errors

Every refusal and every failure is `application/problem+json` (RFC 9457):

```json
{
  \"type\": \"urn:safelight:error:queue_full\",
  \"title\": \"The server is full; try again later.\",
  \"status\": 503,
  \"code\": \"queue_full\",
  \"detail\": \"the server holds as many unfinished images as it may; try again in 12 s\",
  \"retryable\": true
}
```

`code` is what programs compare; it never changes. `title` is the same for every occurrence, `detail` tells this one: what happened, which limit,
what to do. `retryable` says whether the same request may succeed later without being changed; `Retry-After` says when, where that is known (429,
503, 507). Every answer carries `X-Request-Id`, the client's own where it sent one (1 to 128 letters, digits, `-`, `_` and `.`), which the log lines
of the request have, too.

On the classic routes the body is the plain word, or `<code>: <detail>`; where `Accept` asks for JSON it is the same object as everywhere.

The failure of a task is told by the same codes: in `failure` of the task, and with status 422 where its result is asked for.

What is no HTTP at all, or has a longer head than the server reads, is refused by the HTTP library with a bare 400 or 431.

| status | code | title | when | again? |
|---|---|---|---|---|
";

fn page_of_errors() -> String {
    let mut page = INTRODUCTION.to_owned();
    let mut codes = ErrorCode::ALL.to_vec();
    codes.sort_by_key(|code| code.status());
    for code in codes {
        let again = if code.retryable() { "yes" } else { "no" };
        let _ = writeln!(page, "| {} | `{code}` | {} | {} | {again} |", code.status(), code.title(), code.meaning());
    }
    page
}

#[test]
fn the_page_of_errors_is_what_the_code_says() {
    check("errors.md", "make errors", &page_of_errors());
}

#[test]
fn the_description_of_the_interface_is_what_the_code_says() {
    check("openapi.json", "make openapi", &safelight::http::openapi_json());
}
