//! The test's own table: every route, and who is to be let in. It is written by hand, so that a change of the server's table must be
//! meant.

/// Who is to be let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    Nothing,
    AnyKey,
    Submit,
    Read,
    Admin,
}

use Needs::{Admin, AnyKey, Nothing, Read, Submit};

/// Method, path as the server writes it, who is let in, and a path to ask. `TASK` stands for the id of a task: such a route is one about
/// somebody's task.
pub(crate) const ROUTES: &[(&str, &str, Needs, &str)] = &[
    ("POST", "/newImage", Submit, "/newImage"),
    ("GET", "/image/isReady", Read, "/image/isReady?id=TASK"),
    ("GET", "/image/get", Read, "/image/get?id=TASK"),
    ("GET", "/livez", Nothing, "/livez"),
    ("GET", "/readyz", Nothing, "/readyz"),
    ("GET", "/openapi.json", AnyKey, "/openapi.json"),
    ("GET", "/v1/tree", Admin, "/v1/tree"),
    ("GET", "/v1/nodes", Admin, "/v1/nodes"),
    ("GET", "/v1/nodes/{id}/tree", Admin, "/v1/nodes/none/tree"),
    ("GET", "/v1/tasks", Read, "/v1/tasks"),
    ("POST", "/v1/tasks", Submit, "/v1/tasks"),
    ("GET", "/v1/tasks/{id}", Read, "/v1/tasks/TASK"),
    ("DELETE", "/v1/tasks/{id}", Submit, "/v1/tasks/TASK"),
    ("POST", "/v1/tasks/{id}/cancel", Submit, "/v1/tasks/TASK/cancel"),
    ("POST", "/v1/tasks/{id}/retry", Submit, "/v1/tasks/TASK/retry"),
    ("GET", "/v1/tasks/{id}/result", Read, "/v1/tasks/TASK/result"),
    ("GET", "/v1/tasks/{id}/original", Read, "/v1/tasks/TASK/original"),
    ("GET", "/v1/tasks/{id}/events", Read, "/v1/tasks/TASK/events"),
    ("GET", "/v1/events", Read, "/v1/events"),
    ("GET", "/v1/tasks/{id}/variants/{name}", Read, "/v1/tasks/TASK/variants/result"),
    ("GET", "/v1/assets", Read, "/v1/assets"),
    ("GET", "/v1/assets/{name}", Read, "/v1/assets/logo"),
    ("PUT", "/v1/assets/{name}", Admin, "/v1/assets/logo"),
    ("DELETE", "/v1/assets/{name}", Admin, "/v1/assets/logo"),
    ("POST", "/v1/pipelines/explain", Submit, "/v1/pipelines/explain"),
    ("GET", "/v1/keys", Admin, "/v1/keys"),
    ("POST", "/v1/keys", Admin, "/v1/keys"),
    ("GET", "/v1/keys/{id}", Admin, "/v1/keys/0011223344556677"),
    ("DELETE", "/v1/keys/{id}", Admin, "/v1/keys/0011223344556677"),
    ("POST", "/v1/keys/{id}/rotate", Admin, "/v1/keys/0011223344556677/rotate"),
    ("GET", "/v1/webhooks", Read, "/v1/webhooks"),
    ("POST", "/v1/webhooks", Submit, "/v1/webhooks"),
    ("GET", "/v1/webhooks/{id}", Read, "/v1/webhooks/x"),
    ("DELETE", "/v1/webhooks/{id}", Submit, "/v1/webhooks/x"),
    ("POST", "/v1/webhooks/{id}/rotate", Submit, "/v1/webhooks/x/rotate"),
    ("GET", "/v1/webhooks/{id}/deliveries", Read, "/v1/webhooks/x/deliveries"),
    ("POST", "/v1/webhooks/{id}/deliveries/{delivery}/retry", Submit, "/v1/webhooks/x/deliveries/x/retry"),
    ("GET", "/v1/settings", Admin, "/v1/settings"),
    ("GET", "/v1/settings/{key}", Admin, "/v1/settings/my.key"),
    ("PUT", "/v1/settings/{key}", Admin, "/v1/settings/my.key"),
    ("DELETE", "/v1/settings/{key}", Admin, "/v1/settings/my.key"),
    ("PUT", "/v1/faults/{point}", Admin, "/v1/faults/no.point"),
];
