"""The authorisation table (docs/authorisation.yaml) is what happens: every operation, every caller, and no secret told.

The world is made once and committed; each request is made in a transaction of its own that is rolled back.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from typing import Any
from uuid import UUID, uuid4
from zlib import crc32

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text
from werkzeug.test import TestResponse

from marketplace.app import create_app
from marketplace.store.base import db, new_id
from tests.builders import Person, a_person
from tests.conftest import FreshClient, fresh_database, test_settings
from tests.promises.committed import authorisation_table, committed_openapi
from tests.promises.worlds import CHANGED, ROLES, Building, Sent, World, requests_of

TABLE = authorisation_table()
CALLERS: list[str] = list(TABLE["callers"])
METHODS = {"get", "post", "put", "patch", "delete"}
OUTCOMES = {"ok", "n/a", 401, 403, 404}
KEYS = count(1)
SAME_ELSEWHERE = (".editor", ".approver", ".viewer")
"""What is not there is compared for owners only: to what is another's, the other roles are strangers as they are."""
FEW = settings(
    max_examples=6,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # an example is a hundred requests: none is shrunk
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


# The table


@cache
def operations() -> dict[str, tuple[str, str]]:
    """operationId -> (method, path), out of openapi.yaml."""
    described = committed_openapi()
    return {
        operation["operationId"]: (method.upper(), path)
        for path, item in described["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def callers_in(named: list[str]) -> set[str]:
    """The callers that a list of callers and sets stands for."""
    return {each for name in named for each in TABLE["sets"].get(name, [name])}


def outcome(row: str, who: str) -> Any:
    """What the table says of a caller: `ok`, `n/a`, 401, 403 or 404."""
    said = TABLE["operations"][row]
    pattern = TABLE["patterns"][said] if isinstance(said, str) else said
    for result, named in pattern.items():
        if result != "rest" and who in callers_in(named):
            return result
    return pattern["rest"]


def cells() -> Iterator[tuple[str, str, Any]]:
    """(row, caller, outcome) of every request that has a meaning."""
    for row in TABLE["operations"]:
        for who in CALLERS:
            if outcome(row, who) != "n/a":
                yield row, who, outcome(row, who)


# The world


@pytest.fixture(scope="module")
def served(
    clone: Callable[[], fresh_database], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Flask, World]]:
    """An application on a database of its own, with the world committed to it."""
    with clone() as url:
        app = create_app(test_settings(url, tmp_path_factory.mktemp("instance")))
        app.test_client_class = FreshClient
        with app.app_context():
            world = Building(db.session(), app.test_client()).build()
            db.session.remove()
        yield app, world
        with app.app_context():
            db.session.remove()
            for engine in db.engines.values():
                engine.dispose()


class Walker:
    """Makes requests in the world and undoes what they did."""

    def __init__(self, app: Flask, world: World, connection: Connection) -> None:
        self.app, self.world, self.connection = app, world, connection
        self.client: FlaskClient = app.test_client()

    @contextmanager
    def undone(self) -> Iterator[None]:
        """What happens inside has not happened afterwards."""
        transaction = self.connection.begin()
        try:
            yield
        finally:
            transaction.rollback()

    def make(self, row: str, who: str, *, absent: bool = False) -> TestResponse:
        """The row's request by that caller; `absent`: about things that do not exist."""
        sent = requests_of(self.world, who)[row]()
        method, path = operations()[row.split("/")[0]]
        if absent:
            sent = unknown(sent)
        with self.undone():
            if who in CHANGED:
                self.enter(self.world.organisations[CHANGED[who][1]], CHANGED[who][2])
            return self.client.open(
                re.sub(r"\{(\w+)\}", lambda part: str(sent.path[part[1]]), path),
                method=method,
                json=sent.json,
                data=sent.data,
                query_string=sent.query,
                headers=self.headers(who, method) | sent.headers,
            )

    def headers(self, who: str, method: str) -> dict[str, str]:
        person = self.world.people.get(self.world.person_of(who))
        given = {} if person is None else dict(person.headers)
        if method != "GET":
            given |= {"Idempotency-Key": f"walk-{next(KEYS)}", "If-Match": "*"}
        return given

    def enter(self, organisation: UUID, state: str) -> None:
        """Put an organisation into a state of verification."""
        words = text("UPDATE organisation SET verification = :state WHERE id = :id")
        self.connection.execute(words, {"state": state, "id": organisation})


def unknown(sent: Sent) -> Sent:
    """The same request about things that were never there: in the path, else in the query and the body."""
    new = {
        name: str(uuid4()) if re.fullmatch(r"[0-9a-f-]{36}", str(value)) else value for name, value in sent.path.items()
    }
    if new != sent.path:
        return Sent(new, sent.json, sent.query, sent.data, sent.headers)
    rest = re.sub(
        r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", lambda _: str(uuid4()), json.dumps([sent.json, sent.query])
    )
    body, query = json.loads(rest)
    return Sent(new, body, query, sent.data, sent.headers)


@pytest.fixture
def walker(served: tuple[Flask, World]) -> Iterator[Walker]:
    """A walker whose every request is in a transaction that it rolls back."""
    app, world = served
    with app.app_context():
        engine = db.engines[None]
        connection = engine.connect()
        db.engines[None] = connection  # type: ignore[assignment]
        db.session.session_factory.configure(join_transaction_mode="create_savepoint")
    try:
        yield Walker(app, world, connection)
    finally:
        with app.app_context():
            db.session.remove()
            db.engines[None] = engine
            db.session.session_factory.configure(join_transaction_mode="conditional_savepoint")
        connection.close()


# Who reads what


def readers(world: World) -> dict[str, set[str]]:
    """Everything that is planted, and the callers in whose answers it may be."""
    told = {word: callers_in(TABLE["secrets"][name]) for name, words in world.secrets.items() for word in words}
    accounts = {who: world.person_of(who) for who in CALLERS}
    for person, (name, address) in world.personal.items():
        home = world.homes.get(person, "")
        inside = {who for who, account in accounts.items() if world.homes.get(account) == home != ""}
        inside -= {"group.guest"}
        own = {who for who, account in accounts.items() if account == person}
        told[name] = inside | own
        told[address.split("@")[0]] = {who for who in inside if _owns(accounts[who])} | own
    return told


def _owns(account: str) -> bool:
    return account.endswith((".owner", ".co-owner")) or account in {
        "commissioner",
        "stranger",
        "unverified",
        "neighbour",
    }


def told_in(answer: TestResponse, planted: re.Pattern[str]) -> set[str]:
    """What of the planted is in an answer, body and headers, unless the caller named it in the path or the query."""
    asked = f"{answer.request.path}?{answer.request.query_string.decode()}"
    found = set(planted.findall(answer.get_data().decode("utf-8", "replace") + str(answer.headers)))
    return {word for word in found if word not in asked}


def comparable(answer: TestResponse) -> Any:
    """An answer without what names the request."""
    body = {name: value for name, value in answer.json.items() if name not in {"instance", "request_id"}}
    headers = {name: value for name, value in answer.headers if name not in {"X-Request-Id", "Date"}}
    return answer.status_code, body, headers


# The tests


def test_the_table_has_every_operation_and_names_only_what_there_is(served: tuple[Flask, World]) -> None:
    _, world = served
    rows = set(TABLE["operations"])
    patterns = [each for each in (*TABLE["patterns"].values(), *TABLE["operations"].values()) if isinstance(each, dict)]
    named = {name for each in patterns for key, names in each.items() if key != "rest" for name in names}
    named |= {name for names in (*TABLE["secrets"].values(), *TABLE["sets"].values()) for name in names}

    assert {row.split("/")[0] for row in rows} == set(operations())
    assert rows == set(requests_of(world, "group.owner"))
    assert named <= set(CALLERS) | set(TABLE["sets"])
    assert {each for each in TABLE["operations"].values() if isinstance(each, str)} == set(TABLE["patterns"])
    assert {key if key != "rest" else each["rest"] for each in patterns for key in each} <= OUTCOMES
    assert set(TABLE["secrets"]) == set(world.secrets)


def test_every_operation_answers_every_caller_as_the_table_says(
    walker: Walker, capsys: pytest.CaptureFixture[str]
) -> None:
    """And tells nobody a secret. One cell in fourteen; the slow walk makes every request."""
    walk(walker, capsys, comparing=False, one_in=14)


@pytest.mark.slow
def test_what_is_not_theirs_is_as_if_it_were_not_there(walker: Walker, capsys: pytest.CaptureFixture[str]) -> None:
    """The same walk; each 404 is compared with the answer about something that does not exist."""
    walk(walker, capsys, comparing=True)


def walk(walker: Walker, capsys: pytest.CaptureFixture[str], *, comparing: bool, one_in: int = 1) -> None:
    """Make every request of the table, or one in so many."""
    told = readers(walker.world)
    planted = re.compile("|".join(map(re.escape, told)))
    wrong: list[str] = []
    leaks: list[str] = []
    telling: list[str] = []
    seen: set[str] = set()
    walked = compared = 0
    for row, who, expected in cells():
        if crc32(f"{row} by {who}".encode()) % one_in:
            continue
        answer = walker.make(row, who)
        walked += 1
        found = "ok" if answer.status_code < 300 else answer.status_code
        if found != expected:
            wrong.append(f"{row} by {who}: {answer.status_code} instead of {expected}: {answer.text[:300]}")
        found_out = told_in(answer, planted)
        seen |= found_out
        leaks += [f"{row} tells {who} {word}" for word in found_out if who not in told[word]]
        if comparing and found == expected == 404 and not who.endswith(SAME_ELSEWHERE):
            compared += 1
            absent = walker.make(row, who, absent=True)
            if comparable(absent) != comparable(answer):
                telling.append(f"{row} by {who}: {answer.text} is not {absent.text}")
    with capsys.disabled():
        print(f"\nauthorisation: {walked} cells walked, {compared} compared with things that are not there")

    assert wrong == []
    assert leaks == []
    assert telling == []
    if one_in == 1:
        assert {name for name, words in walker.world.secrets.items() if not seen & set(words)} == set()


def test_naming_a_verifier_tells_nothing_of_organisations_that_nobody_finds(walker: Walker) -> None:
    """Not even which group stands behind a pseudonym."""
    at = walker.world.organisations
    told = []
    for named in (at["group"], at["neighbours"], at["new fund"], uuid4()):
        sent = requests_of(walker.world, "stranger")["postPledge/of the stranger's programme"]()
        body = sent.json | {"verifier_organisation_ids": [str(named)]}
        headers = walker.headers("stranger", "POST")
        with walker.undone():
            told.append(comparable(walker.client.post("/v1/pledges", json=body, headers=headers)))

    assert told[0][0] == 422
    assert all(each == told[0] for each in told)


ORGANISATIONS = (
    "group",
    "neighbours",
    "funder",
    "host",
    "employer",
    "adviser",
    "commissioner",
    "other fund",
    "new fund",
)
STATES = ("unverified", "register_checked", "vouched", "suspended")


class Sight:
    """What one caller finds in the lists, and what they can read one by one."""

    def __init__(self, walker: Walker, person: Person, organisations: list[UUID]) -> None:
        self.walker, self.person, self.organisations = walker, person, organisations

    def listed(self, path: str, **query: Any) -> set[str]:
        """The ids of a whole list; nothing where the list itself is refused."""
        answer = self.walker.client.get(path, query_string=query, headers=self.person.headers)
        assert answer.status_code in {200, 403, 404}, answer.text
        assert not answer.json.get("has_more"), "the world has grown: ask for larger pages"
        return {each["id"] for each in answer.json["data"]} if answer.status_code == 200 else set()

    def readable(self, path: str, ids: list[str]) -> set[str]:
        """Those of the ids that can be read one by one."""
        return {
            each
            for each in ids
            if self.walker.client.get(f"{path}/{each}", headers=self.person.headers).status_code == 200
        }


def everything(walker: Walker, table: str) -> list[str]:
    return [str(each) for each in walker.connection.execute(text(f'SELECT id FROM "{table}"')).scalars()]


def test_a_list_holds_exactly_what_its_reader_can_read_one_by_one(walker: Walker) -> None:
    memberships = st.lists(
        st.tuples(st.sampled_from(ORGANISATIONS), st.sampled_from(ROLES)),
        max_size=3,
        unique_by=lambda each: each[0],
    )
    states = st.dictionaries(st.sampled_from(ORGANISATIONS), st.sampled_from(STATES), max_size=2)

    @FEW
    @given(belongs=memberships, states=states, guest=st.booleans(), operator=st.booleans())
    def look(belongs: list[tuple[str, str]], states: dict[str, str], guest: bool, operator: bool) -> None:
        with walker.undone():
            sight = a_sight(walker, belongs, states, guest=guest, operator=operator)
            proposals = everything(walker, "proposal")
            own = sight.organisations

            assert sight.listed("/v1/proposals") == sight.readable("/v1/proposals", proposals)
            assert sight.listed("/v1/pledges") == sight.readable("/v1/pledges", everything(walker, "pledge"))
            programmes = sight.listed("/v1/programmes").union(
                *(sight.listed("/v1/programmes", organisation_id=each) for each in own)
            )
            assert programmes == sight.readable("/v1/programmes", everything(walker, "programme"))
            evidence = set().union(*(sight.listed(f"/v1/proposals/{each}/evidence") for each in proposals))
            assert evidence == sight.readable("/v1/evidence", everything(walker, "evidence"))
            hostings = set().union(
                *(sight.listed("/v1/fiscal-hostings", organisation_id=each) for each in own),
                *(sight.listed(f"/v1/proposals/{each}/fiscal-hostings") for each in proposals),
            )
            assert hostings == sight.readable("/v1/fiscal-hostings", everything(walker, "fiscal_hosting"))
            consents = set().union(
                *(sight.listed("/v1/employer-consents", organisation_id=each) for each in own),
                *(sight.listed(f"/v1/proposals/{each}/employer-consents") for each in proposals),
            )
            assert consents == sight.readable("/v1/employer-consents", everything(walker, "employer_consent"))

    look()


def a_sight(
    walker: Walker, belongs: list[tuple[str, str]], states: dict[str, str], *, guest: bool, operator: bool
) -> Sight:
    """A new person with those memberships, in organisations in those states."""
    at = walker.world.organisations
    with walker.app.app_context():
        person = a_person(db.session(), operator=operator)
    joining = text(
        "INSERT INTO membership (id, organisation_id, user_id, role, proposal_id, until, version)"
        " VALUES (:id, :organisation, :person, :role, :proposal, :until, 1)"
    )
    rows = [(name, role, None, None) for name, role in belongs]
    if guest and "group" not in dict(belongs):
        rows.append(("group", "guest", walker.world.things["shared"], "2999-01-01"))
    for name, role, proposal, until in rows:
        values = {"role": role, "proposal": proposal, "until": until, "person": person.id}
        walker.connection.execute(joining, {"id": new_id(), "organisation": at[name], **values})
    for name, state in states.items():
        walker.enter(at[name], state)
    return Sight(walker, person, [at[name] for name, _ in belongs])
