"""The document store: content decides the name; nothing a client says ever reaches the file system."""

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from marketplace.store import documents


@pytest.fixture
def folder(app: Flask) -> Iterator[Path]:
    with app.app_context():
        yield documents.documents_folder()


def files_in(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()} if folder.exists() else set()


class Trickle(io.RawIOBase):
    """A sender that hands over a few bytes at a time."""

    def __init__(self, content: bytes) -> None:
        self.inner = io.BytesIO(content)

    def read(self, _size: int = -1, /) -> bytes:
        return self.inner.read(7)


@pytest.mark.parametrize("size", [1, documents.HEAD, documents.CHUNK, documents.CHUNK * 3 + 1])
def test_what_is_kept_is_read_back_unchanged(folder: Path, size: int) -> None:
    content = bytes(place % 251 for place in range(size))

    stored = documents.keep(io.BytesIO(content), limit=size)

    assert stored == documents.Stored(hashlib.sha256(content).hexdigest(), size)
    assert b"".join(documents.content_of(stored.sha256)) == content


def test_the_same_content_is_kept_once(folder: Path) -> None:
    first = documents.keep(io.BytesIO(b"twice the same"), limit=100)
    kept = files_in(folder)

    assert documents.keep(io.BytesIO(b"twice the same"), limit=100) == first
    assert files_in(folder) == kept


@pytest.mark.parametrize("size", [11, documents.CHUNK * 2])
def test_one_byte_too_many_leaves_nothing_behind(folder: Path, size: int) -> None:
    before = files_in(folder)

    with pytest.raises(documents.DocumentTooLarge):
        documents.keep(io.BytesIO(b"x" * size), limit=size - 1)

    assert files_in(folder) == before


def test_a_sender_who_breaks_off_leaves_nothing_behind(folder: Path) -> None:
    class Broken(io.RawIOBase):
        calls = 0

        def read(self, _size: int = -1, /) -> bytes:
            self.calls += 1
            if self.calls > 2:
                raise ConnectionError("gone")
            return b"y" * documents.CHUNK

    before = files_in(folder)

    with pytest.raises(ConnectionError):
        documents.keep(Broken(), limit=10**9)

    assert files_in(folder) == before


def test_the_first_bytes_are_shown_whole_however_they_arrive(folder: Path) -> None:
    seen: list[bytes] = []

    documents.keep(Trickle(b"z" * 3_000), limit=3_000, admit=seen.append)

    assert seen == [b"z" * documents.HEAD]


def test_a_refused_beginning_leaves_nothing_behind(folder: Path) -> None:
    def refuse(_head: bytes) -> None:
        raise LookupError("not this")

    before = files_in(folder)

    with pytest.raises(LookupError):
        documents.keep(io.BytesIO(b"anything new"), limit=100, admit=refuse)

    assert files_in(folder) == before


@pytest.mark.parametrize(
    "name", ["", "../../secret_key", "/etc/passwd", "a" * 63, "A" * 64, "a" * 64 + "\n", "a" * 62 + "/.", "\x00" * 64]
)
def test_only_a_digest_names_a_document(folder: Path, name: str) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        documents.path_of(name)


def test_a_document_is_its_owners_alone(folder: Path) -> None:
    stored = documents.keep(io.BytesIO(b"for few eyes"), limit=100)

    assert documents.path_of(stored.sha256).stat().st_mode & 0o077 == 0
