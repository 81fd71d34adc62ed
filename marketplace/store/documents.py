"""Documents kept as files, each under the SHA-256 of its content. Knows no feature, and nothing of a client's names.

A file is written whole or not at all: to a temporary name, to the disk, then renamed. The same content is kept once. A
change that is rolled back leaves at most a file that no row names, which harms nobody.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol, cast

from flask import current_app

from marketplace.settings import Settings

CHUNK = 64 * 1024
HEAD = 1024
"""How many bytes of the beginning `admit` is shown (fewer where the document is shorter)."""
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Readable(Protocol):
    """What a document is read from."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Stored:
    """A kept document: the SHA-256 of its content in hexadecimal, and its size in bytes."""

    sha256: str
    size: int


class DocumentTooLarge(ValueError):
    """The stream has more bytes than it may have."""


def keep(stream: Readable, limit: int, admit: Callable[[bytes], None] | None = None) -> Stored:
    """Keep the stream's content, at most `limit` bytes; DocumentTooLarge past that, leaving nothing behind.

    `admit` sees the first bytes before anything is written and may raise.
    """
    folder = documents_folder()
    chunks = _chunks(stream, limit)
    head = next(chunks, b"")
    if admit is not None:
        admit(head[:HEAD])
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".incoming-", delete=False) as file:
        temporary = Path(file.name)
        try:
            stored = _write(file, head, chunks)
            _settle(temporary, path_of(stored.sha256))
        finally:
            temporary.unlink(missing_ok=True)
    return stored


def content_of(sha256: str) -> Iterator[bytes]:
    """The content of the document with that digest, in pieces; FileNotFoundError, at once, where there is none."""
    path = path_of(sha256)
    path.stat()
    return _pieces(path)


def path_of(sha256: str) -> Path:
    """Where a document with that digest is; ValueError for anything but 64 hexadecimal digits."""
    if not _DIGEST.fullmatch(sha256):
        raise ValueError("a document is named by the SHA-256 of its content")
    return documents_folder() / sha256[:2] / sha256


def documents_folder() -> Path:
    """The folder of this application's documents."""
    return cast(Settings, current_app.extensions["marketplace_settings"]).documents_folder


def _pieces(path: Path) -> Iterator[bytes]:
    """Read while the answer is sent, when there is no application context any more."""
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            yield piece


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


def _write(file: IO[bytes], head: bytes, rest: Iterator[bytes]) -> Stored:
    digest = hashlib.sha256(head)
    size = file.write(head)
    for chunk in rest:
        digest.update(chunk)
        size += file.write(chunk)
    file.flush()
    os.fsync(file.fileno())
    return Stored(digest.hexdigest(), size)


def _settle(temporary: Path, target: Path) -> None:
    """Give the written file its name, for good."""
    target.parent.mkdir(exist_ok=True, mode=0o700)
    temporary.replace(target)
    for folder in (target.parent, target.parent.parent):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
