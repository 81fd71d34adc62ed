"""Documents under the SHA-256 of their content: gathered, known to the database, kept; checked when they are read.

Knows no feature, and nothing of a client's names. A document is first known (a row, committed by itself) and then put
into its place; whatever names it refers to that row. So a change that is rolled back leaves at most a document that
nothing names, and a sweep that holds the row's lock can take it away without ever meeting an upload of the same bytes.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Protocol, cast

from flask import current_app
from sqlalchemy import BigInteger, CheckConstraint, ColumnElement, String, exists, func, not_, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from marketplace.settings import Settings
from marketplace.store.base import Model, Slug, db
from marketplace.store.constraints import refuse_on
from marketplace.store.places import CHUNK, NotKept, OnDisk, Place, place_of
from marketplace.values.refusals import Conflict, Unavailable

HEAD = 1024
"""How many bytes of the beginning `admit` is shown (fewer where the document is shorter)."""
IN_MEMORY = 1024 * 1024
"""A document up to this size is checked in memory, a larger one in a file."""


class Readable(Protocol):
    """What a document is read from."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Stored:
    """A kept document: the SHA-256 of its content in hexadecimal, and its size in bytes."""

    sha256: str
    size: int


class StoredDocument(Model):
    """A document that is in its place, or about to be. `scan_state` is what is known of it, not of its name or use."""

    __tablename__ = "stored_document"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    touched_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    scan_state: Mapped[Slug] = mapped_column(server_default="not_scanned", default="not_scanned")
    scanned_at: Mapped[datetime | None]
    finding: Mapped[str | None] = mapped_column(String(200))
    damaged_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
        CheckConstraint("size > 0", name="size"),
        CheckConstraint(
            "scan_state IN ('not_scanned', 'scan_pending', 'clean', 'infected')",
            name="scan_state",
        ),
        CheckConstraint("(scan_state IN ('clean', 'infected')) = (scanned_at IS NOT NULL)", name="scanned_at"),
        CheckConstraint("finding IS NULL OR scan_state = 'infected'", name="finding"),
    )


class DocumentTooLarge(ValueError):
    """The stream has more bytes than it may have."""


class DocumentGone(Conflict):
    """The document was swept away before anything named it."""

    code = "document-gone"
    title = "The document is kept no longer"


class DocumentDamaged(Unavailable):
    """What is kept is not what was submitted: its digest is another one, or it is not there. It is not given out."""

    code = "document-damaged"
    title = "The document that is kept is not the one that was submitted"


refuse_on("fk_evidence_version_sha256", lambda: DocumentGone("Send it again."))


class Content:
    """The bytes of a document whose digest was found right, in pieces. Closed at its end, or by who sends it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def __iter__(self) -> Iterator[bytes]:
        with self._file:
            while piece := self._file.read(CHUNK):
                yield piece

    def close(self) -> None:
        """Let go of it."""
        self._file.close()


def keep(stream: Readable, limit: int, admit: Callable[[bytes], None] | None = None) -> Stored:
    """Keep the stream's content, at most `limit` bytes; DocumentTooLarge past that, leaving nothing behind.

    `admit` sees the first bytes before anything is written and may raise. DocumentStoreAway where it cannot be kept.
    """
    chunks = _chunks(stream, limit)
    head = next(chunks, b"")
    if admit is not None:
        admit(head[:HEAD])
    place = present_place()
    with place.room() as file:
        stored = _gather(file, head, chunks)
        with Session(db.engine) as own, own.begin():
            know(own, stored)
        place.put(file, stored.sha256)
    return stored


def know(session: Session, stored: Stored) -> None:
    """See that there is a row for that document, and that no sweep takes it within the next day."""
    row = insert(StoredDocument).values(sha256=stored.sha256, size=stored.size)
    touched = {"touched_at": func.clock_timestamp(), "damaged_at": None}
    session.execute(row.on_conflict_do_update(index_elements=["sha256"], set_=touched))


def content_of(sha256: str) -> Content:
    """The content of the document with that digest, read whole and found right before the first byte is given out.

    DocumentDamaged where what is kept has another digest or is not there; DocumentStoreAway where it cannot be read.
    In constant memory: past `IN_MEMORY` bytes it is held in a file of this machine's.
    """
    file = cast(IO[bytes], tempfile.SpooledTemporaryFile(IN_MEMORY))  # noqa: SIM115  (closed by Content)
    try:
        for piece in checked_pieces(sha256):
            file.write(piece)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return Content(file)


def checked_pieces(sha256: str) -> Iterator[bytes]:
    """The pieces as they are read; DocumentDamaged after the last one where their digest is another one."""
    digest = hashlib.sha256()
    try:
        for piece in present_place().pieces(sha256):
            digest.update(piece)
            yield piece
    except NotKept as error:
        raise DocumentDamaged("The group has to submit it again.") from error
    if digest.hexdigest() != sha256:
        raise DocumentDamaged("The group has to submit it again.")


def note_damage(session: Session, sha256: str) -> bool:
    """Remember that what is kept is not that document. False where that was known."""
    row = session.get(StoredDocument, sha256, with_for_update={"key_share": True}, populate_existing=True)
    if row is None or row.damaged_at is not None:
        return False
    row.damaged_at = func.now()
    session.flush()
    return True


def present_place() -> Place:
    """Where this application keeps its documents."""
    place: Place | None = current_app.extensions.get("marketplace_documents")
    if place is None:
        settings = cast(Settings, current_app.extensions["marketplace_settings"])
        place = current_app.extensions["marketplace_documents"] = place_of(settings)
    return place


def path_of(sha256: str) -> Path:
    """Where on the disk a document with that digest is; ValueError for anything but 64 hexadecimal digits."""
    return OnDisk(documents_folder()).path_of(sha256)


def documents_folder() -> Path:
    """The folder of this application's documents, where they are kept on the disk."""
    return cast(Settings, current_app.extensions["marketplace_settings"]).documents_folder


# Sweeping


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep found: documents that nothing names, and uploads that were never finished."""

    unnamed: list[Stored]
    unfinished: int


def sweep(session: Session, before: datetime, *, remove: bool) -> Swept:
    """Find what nothing names and nobody has submitted since `before`; take it away where `remove` says so.

    Each document is taken away under the lock of its row and its row with it. Whoever uploads the same bytes waits for
    that lock, then makes the row anew and puts the bytes back; whoever did so before has touched the row, which is
    then not old any more. Commits after each; what is only looked for is rolled back.
    """
    place = present_place()
    for kept in place.kept():
        if kept.put_at < before:
            row = insert(StoredDocument).values(sha256=kept.sha256, size=max(kept.size, 1), touched_at=kept.put_at)
            session.execute(row.on_conflict_do_nothing())
    wanted = select(StoredDocument).where(StoredDocument.touched_at < before, not_(_named())).order_by("sha256")
    unnamed = [Stored(each.sha256, each.size) for each in session.scalars(wanted)]
    if not remove:
        session.rollback()
        return Swept(unnamed, 0)
    session.commit()
    swept = [each for each in unnamed if _swept(session, place, each.sha256, before)]
    return Swept(swept, place.clear_unfinished(before))


def _swept(session: Session, place: Place, sha256: str, before: datetime) -> bool:
    still = select(StoredDocument).where(
        StoredDocument.sha256 == sha256, StoredDocument.touched_at < before, not_(_named())
    )
    row = session.scalars(still.with_for_update(skip_locked=True).execution_options(populate_existing=True)).first()
    if row is None:
        session.rollback()
        return False
    session.delete(row)
    session.flush()
    place.remove(sha256)
    session.commit()
    return True


def _named() -> ColumnElement[bool]:
    """Whether a row of any table refers to the document: every foreign key to it is asked."""
    columns = [
        column
        for table in Model.metadata.tables.values()
        for column in table.columns
        if any(key.column is StoredDocument.__table__.c.sha256 for key in column.foreign_keys)
    ]
    return or_(*(exists().where(column == StoredDocument.sha256) for column in columns))


# Gathering


def _chunks(stream: Readable, limit: int) -> Iterator[bytes]:
    """The stream in pieces, the first at least `HEAD` bytes long where there are that many."""
    read = 0
    gathered = b""
    while piece := stream.read(CHUNK):
        read += len(piece)
        if read > limit:
            raise DocumentTooLarge(f"more than {limit} bytes")
        gathered += piece
        if len(gathered) >= HEAD:
            yield gathered
            gathered = b""
    if gathered:
        yield gathered


def _gather(file: IO[bytes], head: bytes, rest: Iterator[bytes]) -> Stored:
    digest = hashlib.sha256(head)
    size = file.write(head)
    for chunk in rest:
        digest.update(chunk)
        size += file.write(chunk)
    return Stored(digest.hexdigest(), size)
