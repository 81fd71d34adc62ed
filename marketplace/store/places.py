"""Where documents are kept: on this machine's disk, or in a bucket of an S3-compatible store. One seam, two places.

A place keeps bytes under the SHA-256 of their content, whole or not at all. Must not know what the documents are, who
may read them, or whether any row names them.
"""

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import IO, Any, ParamSpec, Protocol, TypeVar

from marketplace.settings import Bucket, Settings
from marketplace.values.refusals import Unavailable

CHUNK = 64 * 1024
MULTIPART = 8 * 1024 * 1024
"""From this size on a document is sent to a bucket in parts of this size."""
CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 3, 20, 2
_DIGEST = re.compile(r"[0-9a-f]{64}")
_INCOMING = ".incoming-"
_ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})
Given = ParamSpec("Given")
Result = TypeVar("Result")


class DocumentStoreAway(Unavailable):
    """The store that keeps the documents does not answer, or refuses. Nothing was recorded."""

    code = "document-store-away"
    title = "The document store is away"


class NotKept(LookupError):
    """The place has no document of that digest."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A document in its place: the SHA-256 that it is called by, its size in bytes, and when it was last put there."""

    sha256: str
    size: int
    put_at: datetime


class Place(Protocol):
    """What keeps documents. Every method may raise DocumentStoreAway."""

    def room(self) -> AbstractContextManager[IO[bytes]]:
        """A file to gather a document in before its digest is known; gone afterwards, unless it was put."""

    def put(self, file: IO[bytes], sha256: str) -> None:
        """Keep the gathered file under that digest, in place of what was there."""

    def pieces(self, sha256: str) -> Iterator[bytes]:
        """What is kept under that digest, piece by piece; NotKept, at once, where nothing is."""

    def kept(self) -> Iterator[Kept]:
        """Everything that is kept, in no particular order."""

    def remove(self, sha256: str) -> None:
        """Keep it no longer. Nothing happens where it is not kept."""

    def clear_unfinished(self, before: datetime) -> int:
        """Clear away what was begun before that instant and never finished; how many there were."""

    def reachable(self) -> bool:
        """Whether documents can be kept and read now."""


def place_of(settings: Settings) -> Place:
    """The place that the settings name."""
    if settings.document_store is None:
        return OnDisk(settings.documents_folder)
    return InBucket(settings.document_store)


def checked_name(sha256: str) -> str:
    """The name of a document; ValueError for anything but 64 hexadecimal digits."""
    if not _DIGEST.fullmatch(sha256):
        raise ValueError("a document is named by the SHA-256 of its content")
    return sha256


class OnDisk:
    """Files in a folder, written to the disk under another name and then renamed; their owner's alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path_of(self, sha256: str) -> Path:
        """Where a document with that digest is; ValueError for anything but a digest."""
        return self.folder / checked_name(sha256)[:2] / sha256

    @contextmanager
    def room(self) -> Iterator[IO[bytes]]:
        """A file in the same folder, so that it need only be renamed."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=self.folder, prefix=_INCOMING, delete=False) as file:
            try:
                yield file
            finally:
                Path(file.name).unlink(missing_ok=True)

    def put(self, file: IO[bytes], sha256: str) -> None:
        """Rename the gathered file, for good."""
        file.flush()
        os.fsync(file.fileno())
        target = self.path_of(sha256)
        target.parent.mkdir(exist_ok=True, mode=0o700)
        Path(file.name).replace(target)
        for folder in (target.parent, target.parent.parent):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def pieces(self, sha256: str) -> Iterator[bytes]:
        """The file's content."""
        try:
            file = self.path_of(sha256).open("rb")
        except FileNotFoundError as error:
            raise NotKept(sha256) from error
        return self._pieces(file)

    @staticmethod
    def _pieces(file: IO[bytes]) -> Iterator[bytes]:
        with file:
            while piece := file.read(CHUNK):
                yield piece

    def kept(self) -> Iterator[Kept]:
        """The files that are called by a digest."""
        for path in self.folder.glob("??/*"):
            if _DIGEST.fullmatch(path.name):
                about = path.stat()
                yield Kept(path.name, about.st_size, datetime.fromtimestamp(about.st_mtime, UTC))

    def remove(self, sha256: str) -> None:
        """Unlink the file."""
        self.path_of(sha256).unlink(missing_ok=True)

    def clear_unfinished(self, before: datetime) -> int:
        """Unlink files that a process was gathering when it was killed."""
        old = [each for each in self.folder.glob(f"{_INCOMING}*") if each.stat().st_mtime < before.timestamp()]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def reachable(self) -> bool:
        """Whether the folder, or the one it will be made in, can be written to."""
        standing = next(each for each in (self.folder, *self.folder.parents) if each.exists())
        return os.access(standing, os.R_OK | os.W_OK | os.X_OK)


def answering(method: Callable[Given, Result]) -> Callable[Given, Result]:
    """Turn what goes wrong between here and the bucket into DocumentStoreAway. No word of the store's gets out."""

    @wraps(method)
    def answered(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        try:
            return method(*args, **kwargs)
        except _troubles() as error:
            raise DocumentStoreAway("Try again in a while; nothing was changed.") from error

    return answered


class InBucket:
    """Objects of a bucket, called by an optional prefix and their digest. Sent in parts past `MULTIPART` bytes."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self._client: Any = None

    @property
    def client(self) -> Any:
        """The store's client: made on first use, safe to share among threads."""
        if self._client is None:
            self._client = _client_of(self.bucket)
        return self._client

    def key_of(self, sha256: str) -> str:
        """The object's key; ValueError for anything but a digest."""
        return "/".join(filter(None, (self.bucket.prefix, checked_name(sha256)[:2], sha256)))

    @contextmanager
    def room(self) -> Iterator[IO[bytes]]:
        """A file of this machine's: a document has its name only once it has arrived whole."""
        with tempfile.TemporaryFile() as file:
            yield file

    @answering
    def put(self, file: IO[bytes], sha256: str) -> None:
        """Send the file: the object is there when its last part has been taken, and not before."""
        file.flush()
        file.seek(0)
        parts = _boto3("boto3.s3.transfer").TransferConfig(
            multipart_threshold=MULTIPART, multipart_chunksize=MULTIPART, use_threads=False
        )
        self.client.upload_fileobj(file, self.bucket.name, self.key_of(sha256), Config=parts)

    def pieces(self, sha256: str) -> Iterator[bytes]:
        """The object's content."""
        return self._pieces(self._body(sha256))

    @answering
    def _body(self, sha256: str) -> Any:
        try:
            return self.client.get_object(Bucket=self.bucket.name, Key=self.key_of(sha256))["Body"]
        except _boto3("botocore.exceptions").ClientError as error:
            if error.response.get("Error", {}).get("Code") in _ABSENT:
                raise NotKept(sha256) from error
            raise

    @staticmethod
    def _pieces(body: Any) -> Iterator[bytes]:
        read = answering(body.read)
        with body:
            while piece := read(CHUNK):
                yield piece

    def kept(self) -> Iterator[Kept]:
        """The objects under the prefix that are called by a digest, a page at a time."""
        under = f"{self.bucket.prefix}/" if self.bucket.prefix else ""
        pages = iter(self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket.name, Prefix=under))
        following = answering(lambda: next(pages, None))
        while (page := following()) is not None:
            for each in page.get("Contents", ()):
                name = each["Key"].rpartition("/")[2]
                if _DIGEST.fullmatch(name) and each["Key"] == self.key_of(name):
                    yield Kept(name, each["Size"], each["LastModified"])

    @answering
    def remove(self, sha256: str) -> None:
        """Delete the object."""
        self.client.delete_object(Bucket=self.bucket.name, Key=self.key_of(sha256))

    @answering
    def clear_unfinished(self, before: datetime) -> int:
        """Abort uploads in parts that were never completed, of which the store keeps the parts."""
        under = f"{self.bucket.prefix}/" if self.bucket.prefix else ""
        cleared = 0
        for page in self.client.get_paginator("list_multipart_uploads").paginate(Bucket=self.bucket.name, Prefix=under):
            for each in page.get("Uploads", ()):
                if each["Initiated"] < before and _DIGEST.fullmatch(each["Key"].rpartition("/")[2]):
                    self.client.abort_multipart_upload(
                        Bucket=self.bucket.name, Key=each["Key"], UploadId=each["UploadId"]
                    )
                    cleared += 1
        return cleared

    def reachable(self) -> bool:
        """Whether the store answers for the bucket."""
        try:
            self._head()
        except DocumentStoreAway:
            return False
        return True

    @answering
    def _head(self) -> None:
        self.client.head_bucket(Bucket=self.bucket.name)


def _client_of(bucket: Bucket) -> Any:
    """A client that gives up soon, and asks of the store only what every compatible one has."""
    config = _boto3("botocore.config").Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "path" if bucket.endpoint else "auto"},
    )
    session = _boto3("boto3.session").Session()
    region = bucket.region or session.region_name or "us-east-1"
    return session.client("s3", endpoint_url=bucket.endpoint, region_name=region, config=config)


def _troubles() -> tuple[type[Exception], ...]:
    """Everything that boto3 raises when the store is away, slow or unwilling."""
    core, own = _boto3("botocore.exceptions"), _boto3("boto3.exceptions")
    streams = _boto3("urllib3.exceptions").HTTPError
    return (core.ClientError, core.BotoCoreError, own.Boto3Error, streams, OSError)


def _boto3(module: str) -> Any:
    """A module of boto3's, loaded by those who keep documents in a bucket and by nobody else."""
    return import_module(module)
