"""Several people at one proposal, with real commits."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from flask import Flask

from marketplace.store.base import db
from tests.builders import Person, a_member
from tests.proposals.builders import a_group, a_proposal


def at_once(app: Flask, person: Person, puts: list[tuple[str, Any, str]]) -> list[int]:
    """The statuses of PUTs that start at the same moment: (path, body, ETag)."""
    barrier = Barrier(len(puts))

    def put(path: str, body: Any, etag: str) -> int:
        client = app.test_client()
        barrier.wait()
        return client.put(path, json=body, headers=person.headers | {"If-Match": etag}).status_code

    with ThreadPoolExecutor(len(puts)) as pool:
        return [each.result() for each in [pool.submit(put, *one) for one in puts]]


def test_two_people_write_two_sections_and_only_one_writes_the_same(committed_app: Flask) -> None:
    with committed_app.app_context():
        group, person = a_group(db.session())
        editor = a_member(db.session(), group, "editor")
        path = f"/v1/proposals/{a_proposal(db.session(), group, person).id}/sections"
    client = committed_app.test_client()

    def etag(name: str) -> str:
        return client.get(f"{path}/{name}", headers=editor.headers).headers["ETag"]

    summary = {"title": "One", "summary": "Two"}
    employer = {"parent_name": "The Trust"}
    facts = {"facts": {"staff_count": 7}}
    bodies = {"summary": summary, "employer": employer, "people": facts}
    different = [(f"{path}/{name}", body, etag(name)) for name, body in bodies.items()]
    assert at_once(committed_app, editor, different) == [200, 200, 200]

    tag = etag("people")
    same = [(f"{path}/people", {"facts": {"staff_count": count}}, tag) for count in range(4)]
    assert sorted(at_once(committed_app, editor, same)) == [200, 412, 412, 412]


def test_one_of_two_sharings_wins(committed_app: Flask) -> None:
    with committed_app.app_context():
        group, person = a_group(db.session())
        path = f"/v1/proposals/{a_proposal(db.session(), group, person).id}/sharing"
    tag = committed_app.test_client().get(path, headers=person.headers).headers["ETag"]
    puts = [(path, {"visibility": level}, tag) for level in ("public", "private", "named")]

    assert sorted(at_once(committed_app, person, puts)) == [200, 412, 412]
