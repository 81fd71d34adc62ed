"""Receiving a document: its headers are checked and its content kept before the transaction that records it begins.

A slow sender must hold no connection to the database. Knows HTTP and the document store; not who may send what.
"""

import unicodedata
from collections.abc import Callable
from functools import wraps
from io import BytesIO
from typing import Any
from urllib.parse import quote
from uuid import UUID

from flask import Request, Response, current_app, request
from webargs.flaskparser import abort
from werkzeug.http import parse_options_header

from marketplace.evidence import service
from marketplace.evidence.rules import MEDIA_TYPES, DocumentEmpty, content_fits, plain_filename
from marketplace.evidence.service import Upload
from marketplace.store.base import session
from marketplace.store.documents import DocumentTooLarge, keep
from marketplace.web.guard import current_actor

REQUEST_BODY = {
    "required": True,
    "description": "The document itself, not a form. Its first bytes must be those of its media type.",
    "content": {name: {"schema": {"type": "string", "format": "binary"}} for name in MEDIA_TYPES},
}
FILENAME_PARAMETER = {
    "in": "header",
    "name": "Content-Disposition",
    "required": True,
    "description": 'The file\'s name, as in `attachment; filename="plan.pdf"` (RFC 6266).',
    "schema": {"type": "string", "minLength": 1, "maxLength": 1000},
}


def receives_document(view: Callable[..., Any]) -> Callable[..., Any]:
    """Give the view the document as `upload`. Stands outside `@writes`, whose idempotency then compares digests."""

    @wraps(view)
    def received(evidence_id: UUID, **kwargs: Any) -> Response:
        service.admit_upload(session(), current_actor(), evidence_id)
        session().rollback()
        upload = receive(request, current_app.config["UPLOAD_LIMIT"])
        request.stream = BytesIO(repr(upload).encode())  # what is left to read: name, type and digest, for `@writes`
        return view(evidence_id, upload=upload, **kwargs)  # type: ignore[no-any-return]

    return received


def receive(req: Request, limit: int) -> Upload:
    """Keep the request's body, at most `limit` bytes: 415 for a type or content that is not taken, 413, 422."""
    media_type = req.mimetype
    if media_type not in MEDIA_TYPES:
        abort(415, detail=f"Send one of {', '.join(MEDIA_TYPES)}.")
    if req.headers.get("Content-Encoding", "identity").lower() != "identity":
        abort(415, detail="Send the document without Content-Encoding.")
    _, options = parse_options_header(req.headers.get("Content-Disposition"))
    filename = plain_filename(options.get("filename"))
    if req.content_length is not None and req.content_length > limit:
        abort(413, detail=f"A document may have at most {limit} bytes.")
    try:
        stored = keep(req.stream, limit, lambda head: _refuse_unfit(media_type, head))
    except DocumentTooLarge:
        abort(413, detail=f"A document may have at most {limit} bytes.")
    return Upload(filename, media_type, stored)


def attachment_names(filename: str) -> dict[str, str]:
    """The name for Content-Disposition (RFC 6266): as it is, or in ASCII with the whole name beside it (RFC 8187)."""
    if filename.isascii():
        return {"filename": filename}
    plain = unicodedata.normalize("NFKD", filename).encode("ascii", "ignore").decode().strip() or "document"
    return {"filename": plain, "filename*": f"UTF-8''{quote(filename, safe='')}"}


def _refuse_unfit(media_type: str, head: bytes) -> None:
    if not head:
        raise DocumentEmpty("Send the document as the request's body.")
    if not content_fits(media_type, head):
        abort(415, detail=f"The content does not begin like {media_type}.")
