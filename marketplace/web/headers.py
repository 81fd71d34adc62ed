"""What every answer carries: a request id, safe headers, caching rules; and CORS for the frontends that are allowed."""

import re

from flask import Flask, Response, g, request
from flask_cors import CORS

from marketplace.store.base import new_id
from marketplace.web.guard import current_actor

EXPOSED = [
    "ETag",
    "Link",
    "Location",
    "Retry-After",
    "RateLimit",
    "RateLimit-Policy",
    "Deprecation",
    "Sunset",
    "Idempotent-Replayed",
    "X-Request-Id",
]
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


def register_headers(app: Flask, cors_origins: tuple[str, ...]) -> None:
    """Set them on every answer, refusals included."""

    @app.before_request
    def name_request() -> None:
        trace = _TRACEPARENT.fullmatch(request.headers.get("traceparent", ""))
        g.request_id = trace.group(1) if trace else new_id().hex

    @app.after_request
    def set_headers(response: Response) -> Response:
        headers = response.headers
        headers["X-Request-Id"] = g.get("request_id", "")
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"
        headers.setdefault("X-Frame-Options", "DENY")
        headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
        if "Cache-Control" not in headers:
            known = current_actor().user_id is not None or "Authorization" in request.headers
            public = not known and response.status_code == 200 and request.method == "GET"
            headers["Cache-Control"] = "public, max-age=30" if public else "private, no-cache"
        for name in ("Accept", "Accept-Language", "Authorization", "Origin"):
            response.vary.add(name)
        return response

    CORS(
        app,
        resources={r"/v1/.*": {"origins": list(cors_origins)}},
        expose_headers=EXPOSED,
        max_age=7200,
        supports_credentials=False,
    )
