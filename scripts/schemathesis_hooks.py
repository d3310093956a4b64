"""What a valid request to Safelight looks like where JSON Schema cannot say it: images, pipelines, times.

Schemathesis loads this file for `scripts/schemathesis`.
"""

import os
import struct
import zlib

import schemathesis
from hypothesis import strategies as st


def png(width, height):
    """A PNG of one colour, from its specification alone."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = b"".join(b"\0" + b"\x20\x60\xc0" * width for _ in range(height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


IMAGES = st.sampled_from([png(1, 1), png(7, 5), png(64, 48)])

schemathesis.openapi.format("binary", IMAGES)
schemathesis.openapi.media_type("application/octet-stream", IMAGES)
schemathesis.openapi.format("pipeline", st.sampled_from(["invert", "default", "resize:4x4/grayscale/jpeg:q=80", "rotate:90/webp"]))
schemathesis.openapi.format("preset", st.just("default"))
schemathesis.openapi.format("variants", st.sampled_from(["a=invert", "thumb=resize:4x4/png large=jpeg"]))
schemathesis.openapi.format("variant", st.sampled_from(["result", "thumb"]))
schemathesis.openapi.format("metadata", st.sampled_from(["order 7", '{"order":7}']))
# A public address; nothing is sent there, since no task names a webhook that there is.
schemathesis.openapi.format("webhook_url", st.just("https://1.1.1.1/hooks"))
schemathesis.openapi.format("retention", st.sampled_from(["never", "90", "12h", "7d"]))
schemathesis.openapi.format("priority", st.sampled_from(["low", "normal", "high"]))


@schemathesis.hook
def before_call(context, case, kwargs):
    """Makes a valid request mean something: one of a pipeline, a preset and variants, nothing said twice, a setting of one's own."""
    if case.method != "GET" and (case.path_parameters or {}).get("id") == os.environ.get("SAFELIGHT_KEY_ID"):
        # The key that all requests show is not to be ended by one of them.
        case.path_parameters["id"] = "0" * 16
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if case.operation.path == "/v1/settings/{key}" and case.path_parameters:
        # A key of the configuration takes values of its own kind only.
        case.path_parameters["key"] = "my." + case.path_parameters["key"][:200]
    form = case.body if isinstance(case.body, dict) else {}
    query = case.query if isinstance(case.query, dict) else {}
    for names in (("pipeline", "preset", "variants"), ("metadata",), ("expires_in",), ("priority",), ("webhook",)):
        said = [name for name in names if name in query]
        for name in said if any(name in form for name in names) else said[1:]:
            del query[name]
