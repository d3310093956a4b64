//! What is downloaded: originals, results, assets.

use super::{MISSING, Operation, Seen, Walk, damaged};
use crate::harness::Options;
use crate::images::{rgb, small_png};

const RESULT: &str = "GET /v1/tasks/{id}/result";
const VARIANT: &str = "GET /v1/tasks/{id}/variants/{name}";
const ORIGINAL: &str = "GET /v1/tasks/{id}/original";
const IMAGE: &str = "GET /image/get";

pub(super) fn walk(seen: &Seen) {
    let server = Options::new().set("limits.max_assets", 1).start();
    let walk = Walk::new(&server, seen);
    assets(&walk);
    let finished = walk.ended("", &small_png());
    for (operation, path) in [
        (RESULT, format!("/v1/tasks/{finished}/result")),
        (VARIANT, format!("/v1/tasks/{finished}/variants/result")),
        (ORIGINAL, format!("/v1/tasks/{finished}/original")),
        (IMAGE, format!("/image/get?id={finished}")),
    ] {
        downloaded(&walk, operation, &path);
    }
    let (open, failed) = (walk.task("?pipeline=fault_loop", &small_png()), walk.ended("", &damaged()));
    for (status, id) in [(404, MISSING), (409, open.as_str()), (422, failed.as_str())] {
        walk.get(status, RESULT, &format!("/v1/tasks/{id}/result"));
        walk.get(status, VARIANT, &format!("/v1/tasks/{id}/variants/result"));
        walk.get(status, IMAGE, &format!("/image/get?id={id}"));
    }
    walk.get(404, ORIGINAL, &format!("/v1/tasks/{MISSING}/original"));
    walk.get(400, IMAGE, "/image/get");
}

/// Whole, in part, and not at all.
fn downloaded(walk: &Walk<'_>, operation: Operation, path: &str) {
    let tag = walk.get(200, operation, path).header("etag").to_owned();
    walk.want(206, operation, path, &[("range", "bytes=0-9")], b"");
    walk.want(304, operation, path, &[("if-none-match", &tag)], b"");
    walk.want(412, operation, path, &[("if-match", "\"another\"")], b"");
    walk.want(416, operation, path, &[("range", "bytes=1000000000-")], b"");
}

fn assets(walk: &Walk<'_>) {
    const PUT: &str = "PUT /v1/assets/{name}";
    const GET: &str = "GET /v1/assets/{name}";
    const DELETE: &str = "DELETE /v1/assets/{name}";
    const LIST: &str = "GET /v1/assets";
    const LOGO: &str = "/v1/assets/logo";
    let another = crate::images::encode(&rgb(8, 8), image::ImageFormat::Png);
    walk.want(201, PUT, LOGO, &[], &small_png());
    walk.want(200, PUT, LOGO, &[], &another);
    walk.want(400, PUT, LOGO, &[], b"");
    walk.want(409, PUT, "/v1/assets/another", &[], &another);
    walk.want(415, PUT, LOGO, &[], b"a text that is no image, and long enough to show it");
    walk.want(422, PUT, LOGO, &[], &damaged());
    downloaded(walk, GET, LOGO);
    walk.get(404, GET, "/v1/assets/another");
    walk.get(200, LIST, "/v1/assets");
    walk.get(400, LIST, "/v1/assets?limit=0");
    walk.get(404, DELETE, "/v1/assets/another");
    walk.server.arm("tasks.full", "return(error)");
    walk.get(507, DELETE, LOGO);
    walk.server.arm("tasks.full", "off");
    walk.get(204, DELETE, LOGO);
}
