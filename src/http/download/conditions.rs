//! What a request that may have conditions and a range gets of a file: RFC 9110, sections 13 and 14.

use std::time::{SystemTime, UNIX_EPOCH};

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::{
    ByteRangeSpec, EntityTag, Header, HttpDate, IfMatch, IfModifiedSince, IfNoneMatch, IfRange, IfUnmodifiedSince, RANGE, Range,
};

/// What is compared with the conditions of a request.
#[derive(Debug)]
pub(super) struct Validators {
    /// Strong: the digest of the bytes.
    pub(super) tag: EntityTag,
    /// When they came to be, where that is known. They never change, so it is as strong.
    pub(super) modified: Option<HttpDate>,
}

/// What the request gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Selection {
    /// Everything.
    Whole,
    /// The bytes from the first to the last.
    Part {
        /// Counted from 0.
        first: u64,
        /// The last one that belongs to it.
        last: u64,
    },
    /// The client has them already.
    NotModified,
    /// They are not what the client expects them to be.
    PreconditionFailed,
    /// There are no such bytes.
    Unsatisfiable,
}

impl Selection {
    /// Judges the conditions in the order of RFC 9110, 13.2.2, then the range.
    pub(super) fn of(request: &HttpRequest, validators: &Validators, len: u64) -> Self {
        if !validators.are_expected(request) {
            Self::PreconditionFailed
        } else if validators.are_known(request) {
            Self::NotModified
        } else if request.method() == Method::GET && validators.allow_range(request) {
            one_range(request).map_or(Self::Whole, |range| part(&range, len))
        } else {
            Self::Whole
        }
    }
}

impl Validators {
    /// `If-Match`, or without one `If-Unmodified-Since`.
    fn are_expected(&self, request: &HttpRequest) -> bool {
        match (given(request), given(request)) {
            (Some(IfMatch::Any), _) => true,
            (Some(IfMatch::Items(tags)), _) => tags.iter().any(|tag| tag.strong_eq(&self.tag)),
            (None, Some(IfUnmodifiedSince(date))) => self.modified.is_none_or(|modified| seconds(modified) <= seconds(date)),
            (None, None) => true,
        }
    }

    /// `If-None-Match`, or without one `If-Modified-Since`.
    fn are_known(&self, request: &HttpRequest) -> bool {
        match (given(request), given(request)) {
            (Some(IfNoneMatch::Any), _) => true,
            (Some(IfNoneMatch::Items(tags)), _) => tags.iter().any(|tag| tag.weak_eq(&self.tag)),
            (None, Some(IfModifiedSince(date))) => self.modified.is_some_and(|modified| seconds(modified) <= seconds(date)),
            (None, None) => false,
        }
    }

    /// `If-Range`: a part is of use only to whoever has the rest of the same bytes.
    fn allow_range(&self, request: &HttpRequest) -> bool {
        match IfRange::parse(request) {
            Ok(IfRange::EntityTag(tag)) => tag.strong_eq(&self.tag),
            Ok(IfRange::Date(date)) => self.modified.is_some_and(|modified| seconds(modified) == seconds(date)),
            // One that is there and cannot be read matches nothing.
            Err(_) => !request.headers().contains_key(IfRange::name()),
        }
    }
}

/// A header field that the request has. A date that cannot be read is as if it were not there; a list of tags then has none.
fn given<H: Header>(request: &HttpRequest) -> Option<H> {
    // The parser takes a field that is missing for an empty list.
    request.headers().get(H::name()).and_then(|_| H::parse(request).ok())
}

/// HTTP knows no smaller unit.
fn seconds(date: HttpDate) -> u64 {
    SystemTime::from(date).duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// The range, if the request names one. Several are answered with the whole, as a server may (RFC 9110, 14.2).
fn one_range(request: &HttpRequest) -> Option<ByteRangeSpec> {
    let text = request.headers().get(RANGE)?.to_str().ok()?;
    match Range::parse(request).ok()? {
        Range::Bytes(ranges) if !text.contains(',') => ranges.into_iter().next(),
        Range::Bytes(_) | Range::Unregistered(..) => None,
    }
}

fn part(range: &ByteRangeSpec, len: u64) -> Selection {
    match *range {
        // Not even a range (RFC 9110, 14.1.1).
        ByteRangeSpec::FromTo(first, last) if last < first => Selection::Whole,
        _ => range.to_satisfiable_range(len).map_or(Selection::Unsatisfiable, |(first, last)| Selection::Part { first, last }),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use actix_web::test::TestRequest;

    use super::*;

    const LEN: u64 = 1000;
    /// The example of RFC 9110: an origin's moment, a second earlier and a second later.
    const MODIFIED: u64 = 784_111_777;
    const AT: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const AFTER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

    fn judged(method: Method, headers: &[(&'static str, &str)]) -> Selection {
        let request = headers.iter().fold(TestRequest::default().method(method), |request, header| request.insert_header(*header));
        let modified = Some((UNIX_EPOCH + Duration::from_millis(MODIFIED * 1000 + 250)).into());
        Selection::of(&request.to_http_request(), &Validators { tag: EntityTag::new_strong("mine".to_owned()), modified }, LEN)
    }

    fn selected(headers: &[(&'static str, &str)]) -> Selection {
        judged(Method::GET, headers)
    }

    #[test]
    fn one_range_is_a_part_and_what_is_none_is_ignored() {
        let part = |first, last| Selection::Part { first, last };
        for (range, expected) in [
            ("bytes=0-0", part(0, 0)),
            ("bytes=0-499", part(0, 499)),
            ("bytes=999-", part(999, 999)),
            ("bytes=500-5000", part(500, 999)),
            ("bytes=-1", part(999, 999)),
            ("bytes=-5000", part(0, 999)),
            ("bytes=1000-", Selection::Unsatisfiable),
            ("bytes=-0", Selection::Unsatisfiable),
            ("bytes=5-4", Selection::Whole),
            ("bytes=0-1,5-6", Selection::Whole),
            ("bytes=0-1,", Selection::Whole),
            ("bytes=a-b", Selection::Whole),
            ("bytes=-", Selection::Whole),
            ("bytes", Selection::Whole),
            ("lines=0-1", Selection::Whole),
        ] {
            assert_eq!(selected(&[("range", range)]), expected, "{range}");
        }
        assert_eq!(judged(Method::HEAD, &[("range", "bytes=0-0")]), Selection::Whole, "ranges are of GET alone");
    }

    #[test]
    fn conditions_are_judged_by_tags_first() {
        use Selection::{NotModified, PreconditionFailed, Whole};
        for (headers, expected) in [
            (&[("if-none-match", r#""mine""#)][..], NotModified),
            (&[("if-none-match", r#"W/"mine""#)], NotModified),
            (&[("if-none-match", r#""other", "mine""#)], NotModified),
            (&[("if-none-match", "*")], NotModified),
            (&[("if-none-match", r#""other""#)], Whole),
            (&[("if-none-match", r#""other""#), ("if-modified-since", AFTER)], Whole),
            (&[("if-modified-since", AT)], NotModified),
            (&[("if-modified-since", BEFORE)], Whole),
            (&[("if-modified-since", "yesterday")], Whole),
            (&[("if-match", r#""mine""#)], Whole),
            (&[("if-match", "*")], Whole),
            (&[("if-match", r#"W/"mine""#)], PreconditionFailed),
            (&[("if-match", r#""other""#)], PreconditionFailed),
            (&[("if-match", r#""mine""#), ("if-unmodified-since", BEFORE)], Whole),
            (&[("if-unmodified-since", AT)], Whole),
            (&[("if-unmodified-since", BEFORE)], PreconditionFailed),
            (&[("if-match", r#""other""#), ("if-none-match", r#""mine""#)], PreconditionFailed),
            (&[("if-none-match", r#""mine""#), ("range", "bytes=5000-")], NotModified),
        ] {
            assert_eq!(selected(headers), expected, "{headers:?}");
            assert_eq!(judged(Method::HEAD, headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn a_part_is_for_those_who_have_the_rest() {
        let part = Selection::Part { first: 1, last: 2 };
        for (condition, expected) in [
            (r#""mine""#, part),
            (AT, part),
            (r#"W/"mine""#, Selection::Whole),
            (r#""other""#, Selection::Whole),
            (BEFORE, Selection::Whole),
            (AFTER, Selection::Whole),
            ("yesterday", Selection::Whole),
        ] {
            assert_eq!(selected(&[("range", "bytes=1-2"), ("if-range", condition)]), expected, "{condition}");
        }
    }
}
