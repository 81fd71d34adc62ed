"""Documents in an S3-compatible store: a real server in this process, spoken to over HTTP."""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from moto.server import ThreadedMotoServer

from marketplace.settings import BadSettings, Bucket, checked_document_store, checked_scanner
from marketplace.store import documents, places
from marketplace.store.base import db

PDF = b"%PDF-1.7\nA business plan."


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[places.InBucket]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "for-tests")
    place = places.InBucket(Bucket("evidence", "kept/here", endpoint, "eu-west-2"))
    place.client.create_bucket(Bucket="evidence", CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
    yield place
    for each in place.client.list_objects_v2(Bucket="evidence").get("Contents", ()):
        place.client.delete_object(Bucket="evidence", Key=each["Key"])
    place.client.delete_bucket(Bucket="evidence")
    place.client.close()


@pytest.fixture
def kept_there(app: Flask, bucket: places.InBucket, monkeypatch: pytest.MonkeyPatch) -> Iterator[places.InBucket]:
    """The application, keeping its documents in the bucket."""
    monkeypatch.setitem(app.extensions, "marketplace_documents", bucket)
    with app.app_context():
        yield bucket


def content(size: int) -> bytes:
    return bytes(place % 251 for place in range(size))


def keys(place: places.InBucket) -> list[str]:
    return [each["Key"] for each in place.client.list_objects_v2(Bucket="evidence").get("Contents", ())]


@pytest.mark.parametrize("size", [1, documents.HEAD, places.MULTIPART - 1, places.MULTIPART * 2 + 1])
def test_what_is_kept_is_read_back_unchanged_in_one_part_or_several(kept_there: places.InBucket, size: int) -> None:
    sent = content(size)

    stored = documents.keep(io.BytesIO(sent), limit=size)

    assert stored.sha256 == hashlib.sha256(sent).hexdigest()
    assert keys(kept_there) == [f"kept/here/{stored.sha256[:2]}/{stored.sha256}"]
    assert b"".join(documents.content_of(stored.sha256)) == sent


def test_an_upload_in_parts_that_breaks_off_leaves_no_object(
    kept_there: places.InBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []

    def breaks_off(params: dict[str, Any], **_: Any) -> None:
        sent.append(params["PartNumber"])
        if len(sent) > 1:
            raise OSError("the cable was pulled")

    kept_there.client.meta.events.register("provide-client-params.s3.UploadPart", breaks_off)

    with pytest.raises(places.DocumentStoreAway):
        documents.keep(io.BytesIO(content(places.MULTIPART * 3)), limit=places.MULTIPART * 3)

    assert len(sent) == 2
    assert keys(kept_there) == []


@pytest.mark.parametrize("instead", [b"something else", b"", None], ids=["changed", "emptied", "deleted"])
def test_an_object_that_was_changed_is_never_given_out(kept_there: places.InBucket, instead: bytes | None) -> None:
    stored = documents.keep(io.BytesIO(PDF), limit=100)
    key = kept_there.key_of(stored.sha256)
    if instead is None:
        kept_there.client.delete_object(Bucket="evidence", Key=key)
    else:
        kept_there.client.put_object(Bucket="evidence", Key=key, Body=instead)

    with pytest.raises(documents.DocumentDamaged):
        documents.content_of(stored.sha256)


def test_a_store_that_is_away_is_said_to_be(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    away = places.InBucket(Bucket("evidence", endpoint="http://127.0.0.1:9", region="eu-west-2"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "for-tests")
    monkeypatch.setitem(app.extensions, "marketplace_documents", away)

    assert app.test_client().get("/readyz").json["documents"] == "away"
    with app.app_context(), pytest.raises(places.DocumentStoreAway):
        documents.keep(io.BytesIO(PDF), limit=100)
    with app.app_context(), pytest.raises(places.DocumentStoreAway):
        documents.content_of("0" * 64)
    away.client.close()


def test_a_store_that_refuses_us_is_away_too(kept_there: places.InBucket) -> None:
    kept_there.bucket = replace(kept_there.bucket, name="somebody-elses")

    assert not kept_there.reachable()
    with pytest.raises(places.DocumentStoreAway):
        documents.keep(io.BytesIO(PDF), limit=100)


def test_a_sweep_takes_what_nothing_names_and_nothing_else(kept_there: places.InBucket) -> None:
    old = documents.keep(io.BytesIO(b"nobody names this"), limit=100)
    kept_there.client.put_object(Bucket="evidence", Key="kept/here/notes.txt", Body=b"not ours")
    kept_there.client.put_object(Bucket="evidence", Key=f"elsewhere/{old.sha256[:2]}/{old.sha256}", Body=b"not ours")
    unfinished = kept_there.client.create_multipart_upload(Bucket="evidence", Key=kept_there.key_of("a" * 64))
    later = datetime.now(UTC) + timedelta(minutes=1)
    session = db.session()

    assert documents.sweep(session, later - timedelta(days=1), remove=False).unnamed == []
    assert old in documents.sweep(session, later, remove=False).unnamed
    assert len(keys(kept_there)) == 3
    swept = documents.sweep(session, later, remove=True)

    assert old in swept.unnamed
    assert swept.unfinished == 1
    assert unfinished["UploadId"]
    assert sorted(keys(kept_there)) == sorted(["kept/here/notes.txt", f"elsewhere/{old.sha256[:2]}/{old.sha256}"])


def test_an_object_without_a_row_is_swept_as_well(kept_there: places.InBucket) -> None:
    stray = hashlib.sha256(b"stray").hexdigest()
    kept_there.client.put_object(Bucket="evidence", Key=kept_there.key_of(stray), Body=b"stray")

    swept = documents.sweep(db.session(), datetime.now(UTC) + timedelta(minutes=1), remove=True)

    assert documents.Stored(stray, 5) in swept.unnamed
    assert keys(kept_there) == []


@pytest.mark.parametrize(
    ("address", "bucket"),
    [
        pytest.param("disk", None, id="the default"),
        pytest.param("s3://evidence", Bucket("evidence"), id="AWS itself"),
        pytest.param(
            "s3://evidence/a/b?endpoint=https://store.example:9000&region=eu-west-2",
            Bucket("evidence", "a/b", "https://store.example:9000", "eu-west-2"),
            id="any other",
        ),
        pytest.param(
            "s3://evidence?endpoint=http://127.0.0.1:9000",
            Bucket("evidence", endpoint="http://127.0.0.1:9000"),
            id="on this machine",
        ),
    ],
)
def test_the_address_of_a_store_is_read(address: str, bucket: Bucket | None) -> None:
    assert checked_document_store(address, "production") == bucket


@pytest.mark.parametrize(
    "address",
    [
        "s3://", "s3:///evidence", "s3://Evidence", "https://store.example/evidence", "folder/of/mine",
        "s3://evidence?endpoint=store.example", "s3://evidence?endpoint=http://store.example",
        "s3://evidence?endpoint=https://store.example:port", "s3://evidence?colour=red", "s3://evidence?region",
        "s3://user:password@evidence", "s3://evidence/../up?x", "s3://evidence?endpoint=ftp://store.example",
    ],
)  # fmt: skip
def test_an_address_that_is_none_stops_the_program_from_starting(address: str) -> None:
    with pytest.raises(BadSettings, match="MARKETPLACE_DOCUMENT_STORE"):
        checked_document_store(address, "production")


@pytest.mark.parametrize(
    "address", ["127.0.0.1:3310", "tcp://127.0.0.1", "tcp://:3310", "unix:///run/clamd", "tcp://a:b"]
)
def test_a_scanner_needs_a_host_and_a_port(address: str) -> None:
    with pytest.raises(BadSettings, match="MARKETPLACE_DOCUMENT_SCANNER"):
        checked_scanner(address)
