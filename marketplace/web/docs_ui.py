"""The pages a person reads: the API reference at /docs (no outside request), and a page per problem type."""

from html import escape
from pathlib import Path

import flask_swagger_ui
import orjson
from flask import Blueprint, Flask, Response, abort, current_app, redirect, send_from_directory, url_for
from werkzeug.wrappers import Response as AnyResponse

from marketplace.values.refusals import MarketplaceError
from marketplace.web.limits import limiter
from marketplace.web.openapi import MarketApi, document
from marketplace.web.problems import CODES_OF_HTTP, STATUS_OF_KIND

docs = Blueprint("docs", __name__)
ASSETS = Path(flask_swagger_ui.__file__).parent / "dist"
PAGE_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "frame-ancestors 'none'; base-uri 'none'"
)
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">{head}</head><body>{body}</body></html>
"""
START_SCRIPT = """window.ui = SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#ui", deepLinking: true, validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis], docExpansion: "none", tagsSorter: "alpha"
});
"""


def page(title: str, body: str, head: str = "") -> Response:
    """An HTML page for a person, with a policy that allows nothing from outside."""
    made = PAGE.format(title=escape(title), head=head, body=body)
    return Response(made, mimetype="text/html", headers={"Content-Security-Policy": PAGE_POLICY})


@docs.get("/")
def get_front() -> AnyResponse:
    """Send a visitor to the reference."""
    return redirect(url_for("docs.get_reference"), 302)


@docs.get("/docs")
def get_reference() -> Response:
    """The API reference, served from this host alone."""
    head = '<link rel="stylesheet" href="/docs/assets/swagger-ui.css">'
    scripts = ("/docs/assets/swagger-ui-bundle.js", "/docs/start.js")
    body = '<div id="ui"></div>' + "".join(f'<script src="{each}"></script>' for each in scripts)
    return page("Mutuals Marketplace: API reference", body, head)


@docs.get("/docs/start.js")
def get_start_script() -> Response:
    """Start the reference page (a file, because the policy forbids inline scripts)."""
    return Response(START_SCRIPT, mimetype="text/javascript", headers={"Content-Security-Policy": PAGE_POLICY})


@docs.get("/docs/assets/<name>")
def get_asset(name: str) -> Response:
    """A file of the reference page."""
    if name not in {"swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"}:
        abort(404)
    return send_from_directory(ASSETS, name)


@docs.get("/openapi.json")
def get_document() -> Response:
    """The OpenAPI 3.1 document of this very program."""
    api: MarketApi = current_app.extensions["market_api"]
    return Response(orjson.dumps(document(api)), mimetype="application/json")


@docs.get("/problems/<code>")
def get_problem_page(code: str) -> Response:
    """What a problem type means."""
    found = problem_catalogue().get(code)
    if found is None:
        abort(404)
    status, title, words = found
    return page(
        title,
        f"<h1>{escape(title)}</h1><p>Status {status}, code <code>{escape(code)}</code>.</p><p>{escape(words)}</p>",
    )


def problem_catalogue() -> dict[str, tuple[int, str, str]]:
    """Every problem code with its status, title and meaning: our refusals and those of HTTP itself."""
    made = {
        code: (status, code.replace("-", " ").capitalize(), "A condition of HTTP itself; `detail` says what was wrong.")
        for status, code in CODES_OF_HTTP.items()
    }
    waiting = list(MarketplaceError.__subclasses__())
    while waiting:
        kind = waiting.pop()
        waiting.extend(kind.__subclasses__())
        status = next(status for base, status in STATUS_OF_KIND.items() if issubclass(kind, base))
        made[kind.code] = (status, kind.title, " ".join((kind.__doc__ or "").split()))
    return dict(sorted(made.items()))


def register_docs(app: Flask) -> None:
    """Serve the pages, outside the limits."""
    limiter.exempt(docs)
    app.register_blueprint(docs)
