"""A check without an account: what a group with the same answers would be told, and nothing of it is kept."""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from marketplace.app import create_app
from marketplace.checks import service
from marketplace.checks.routes import CHECK_LIMIT, LARGEST_CHECK
from marketplace.proposals.models import EmployerConsent, FactAssurance, Proposal, ProposalVersion
from marketplace.proposals.projection import refresh_projection
from marketplace.reference.facts import REGISTRY, SECTIONS, authored_in
from marketplace.store.base import db
from marketplace.values.clock import today
from marketplace.web.limits import limiter
from tests.builders import Person, a_member, an_organisation
from tests.conftest import test_settings
from tests.matching.builders import a_criterion, a_programme
from tests.matching.markets import THE_DAY, RandomMarket
from tests.matching.walking import walk

ANSWER = ("result", "fit", "unmet", "unknown", "soft_unmet", "soft_unknown", "reasons", "programme")
GBP = {"amount": 900_000, "currency": "GBP"}
ASK: dict[str, Any] = {"amount": GBP, "stage": "exploring", "instruments": ["grant"]}
IN_ENGLAND = a_criterion("NATION", "lead_nation", "eq", "england", reason={"en": "England", "cy": "Lloegr"})
TRADING = a_criterion("TRADING", "years_trading", "gte", 2)
OF_STAFF = a_criterion("CONTROL", "staff_control", "eq", True)


@pytest.fixture
def funder(session: Session) -> tuple[Any, Person]:
    organisation = an_organisation(session, kind="funder", name="Northern Foundation")
    return organisation, a_member(session, organisation)


@pytest.fixture
def without_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    """No tree is small enough to be searched for ways in: they take time and are other tests' matter."""
    monkeypatch.setattr(service, "LARGEST_SEARCHED", -1)


def offered(session: Session, funder: tuple[Any, Person], *criteria: dict[str, Any], **values: Any) -> str:
    """A published programme of that funder."""
    return str(a_programme(session, funder[0], funder[1].id, *criteria, **values).id)


def check(client: FlaskClient, **body: Any) -> dict[str, Any]:
    answer = client.post("/v1/check", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json)


def checked_to_the_end(client: FlaskClient, **body: Any) -> list[dict[str, Any]]:
    """Every programme, page by page; `more` counts down to nothing."""
    told = check(client, **body)
    items, total = list(told["data"]), len(told["data"]) + told["more"]
    while told["after"]:
        told = check(client, **body, after=told["after"])
        items += told["data"]
        assert told["more"] == total - len(items)
    assert told["more"] == 0
    return items


def answers_of(session: Session, proposal: Proposal) -> tuple[dict[str, Any], dict[str, Any]]:
    """What its group answered and asked for, as a check takes it."""
    version = session.get_one(ProposalVersion, proposal.current_version_id)
    facts = {slug: value for slug, value in version.facts.items() if not REGISTRY[slug].derived}
    amount = {"amount": version.ask["amount"], "currency": version.ask["currency"]}
    return facts, {"amount": amount, "stage": version.ask["stage"], "instruments": version.ask["instruments"]}


# What it says


@pytest.mark.usefixtures("without_ways")
@pytest.mark.parametrize(
    ("seed", "programmes", "proposals"),
    [
        pytest.param(7, 12, 6, id="72 pairs"),
        pytest.param(2811, 40, 40, id="1600 pairs", marks=pytest.mark.slow),
    ],
)
def test_a_check_tells_what_a_published_proposal_with_these_answers_is_told(
    client: FlaskClient, session: Session, seed: int, programmes: int, proposals: int
) -> None:
    market = RandomMarket(session, Random(seed)).fill(programmes, proposals)
    only_declared(session, market)
    compared, results = 0, set()
    for proposal, member in market.proposals:
        if proposal.current_version_id is None:
            continue
        answers, ask = answers_of(session, proposal)
        day = THE_DAY.isoformat()
        path = f"/v1/proposals/{proposal.id}"
        theirs = walk(client, member.headers, f"{path}/matches", over="own", as_of=THE_DAY, limit=50)
        ours = checked_to_the_end(client, answers=answers, ask=ask, as_of=day, limit=5)
        counts = client.get(f"{path}/match-summary", headers=member.headers, query_string={"as_of": day}).json

        assert [part(each) for each in ours] == [part(each) for each in theirs]
        assert check(client, answers=answers, ask=ask, as_of=day)["counts"] == counts
        compared += len(ours)
        results |= {each["result"] for each in ours}
    print(f"\n{compared} pairs compared, 0 differences")
    assert results == {"eligible", "needs_information", "ineligible"}


def only_declared(session: Session, market: RandomMarket) -> None:
    """Nothing that the groups say has been shown to anyone, and no employer has answered: as it is in a check."""
    session.execute(delete(FactAssurance))
    session.execute(delete(EmployerConsent))
    for proposal, _ in market.proposals:
        refresh_projection(session, proposal)
    session.commit()


def part(item: dict[str, Any]) -> dict[str, Any]:
    return {name: item[name] for name in ANSWER}


def test_nothing_answered_is_nothing_known_and_never_a_no(
    client: FlaskClient, session: Session, funder: tuple[Any, Person]
) -> None:
    offered(session, funder, IN_ENGLAND)

    told = check(client)

    assert told["counts"] == {
        "eligible": {"count": 0},
        "needs_information": {"count": 1},
        "ineligible": {"count": 0},
    }
    assert told["as_of"] == today().isoformat()
    assert told["data"][0]["confidence"]["unknown"] == 2


def test_only_what_is_published_by_a_verified_organisation_is_checked(
    client: FlaskClient, session: Session, funder: tuple[Any, Person]
) -> None:
    unverified = an_organisation(session, kind="funder", name="Newcomer", verification="unverified")
    suspended = an_organisation(session, kind="funder", name="Suspended", verification="suspended")
    listed = offered(session, funder)
    offered(session, funder, published=False)
    for organisation in (unverified, suspended):
        a_programme(session, organisation, funder[1].id)

    assert [each["programme"]["id"] for each in check(client)["data"]] == [listed]


def test_result_window_and_instrument_choose_from_the_list(
    client: FlaskClient, session: Session, funder: tuple[Any, Person]
) -> None:
    loans = offered(session, funder, instruments=["loan_unsecured"])
    grants = offered(session, funder, instruments=["grant"])
    ended = offered(session, funder, instruments=["grant"], closes_on=THE_DAY)
    asked = {"ask": ASK, "as_of": "2026-11-23"}

    def listed(**filters: str) -> set[str]:
        return {each["programme"]["id"] for each in check(client, **asked, **filters)["data"]}

    assert listed() == {loans, grants, ended}
    assert listed(window="open") == {loans, grants}
    assert listed(window="after") == {ended}
    assert listed(instrument="loan_unsecured") == {loans}
    assert listed(result="eligible") == {grants, ended}
    assert listed(result="eligible", window="open") == {grants}
    counts = check(client, **asked, result="eligible", window="open")["counts"]
    assert counts == {"eligible": {"count": 1}, "needs_information": {"count": 0}, "ineligible": {"count": 1}}


def test_reasons_are_worded_in_the_caller_s_language(
    client: FlaskClient, session: Session, funder: tuple[Any, Person]
) -> None:
    offered(session, funder, IN_ENGLAND)

    answer = client.post("/v1/check", json={}, headers={"Accept-Language": "cy"})

    assert answer.json["data"][0]["reasons"][-1]["words"] == "Lloegr"


# What would help


def test_each_way_in_applied_leads_in(client: FlaskClient, session: Session, funder: tuple[Any, Person]) -> None:
    offered(session, funder, TRADING, OF_STAFF, ask_max=500_000)
    offered(
        session,
        funder,
        a_criterion("FORM", "legal_form", "in", ["cic_limited_by_shares", "community_benefit_society"]),
        title="Forms",
    )
    answers = {"staff_control": False, "legal_form": "unincorporated_staff_group", "registration": "not_registered"}
    ways = 0

    for item in check(client, answers=answers, ask=ASK)["data"]:
        assert item["result"] != "eligible"
        assert len(item["ways"]) <= service.MOST_WAYS
        for way in item["ways"]:
            changed, ask = dict(answers), dict(ASK)
            for step in way["steps"]:
                if step["fact"] == "ask":
                    ask["amount"] = step["to"]
                else:
                    changed[step["fact"]] = step["to"]
            again = checked_to_the_end(client, answers=changed, ask=ask)
            (same,) = [each for each in again if each["programme"]["id"] == item["programme"]["id"]]
            assert same["result"] == "eligible"
            assert not {"ways", "exhaustive", "eligible_from"} & set(same)
            ways += 1
    assert ways >= 2


def test_what_time_alone_brings_is_told_with_its_day(
    client: FlaskClient, session: Session, funder: tuple[Any, Person]
) -> None:
    offered(session, funder, a_criterion("YEAR", "trading_since", "at_least_months_before", 12))
    answers = {"trading_since": "2026-03-01"}

    (item,) = check(client, answers=answers, ask=ASK, as_of="2026-11-22")["data"]
    (later,) = check(client, answers=answers, ask=ASK, as_of="2027-03-01")["data"]

    assert (item["result"], later["result"]) == ("ineligible", "eligible")
    assert item["eligible_from"] == {"day": "2027-03-01", "window": "open"}


def test_what_the_answers_miss_by_least_comes_first(
    client: FlaskClient, session: Session, funder: tuple[Any, Person]
) -> None:
    far = offered(session, funder, IN_ENGLAND, TRADING, OF_STAFF)
    two = offered(session, funder, TRADING, OF_STAFF)
    one = [offered(session, funder, OF_STAFF) for _ in range(service.MOST_NEAR - 1)]
    asked = {"answers": {"lead_nation": "wales", "years_trading": 1, "staff_control": False}, "ask": ASK}

    first = check(client, **asked)["near_misses"]
    offered(session, funder, OF_STAFF)
    second = check(client, **asked)["near_misses"]

    ids = [each["programme"]["id"] for each in first["data"]]
    assert (set(ids[:-1]), ids[-1], first["capped"]) == (set(one), two, False)
    assert far not in ids
    assert first["data"][-1]["gates"] == {"unmet": 2, "unknown": 0}
    assert [way["steps"][0]["fact"] for way in first["data"][0]["ways"]] == ["staff_control"]
    assert (len(second["data"]), second["capped"]) == (service.MOST_NEAR, True)


def test_ways_are_not_searched_without_end(
    client: FlaskClient, session: Session, funder: tuple[Any, Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    leaves = [a_criterion(f"C{number}", "staff_control", "eq", True) for number in range(service.LARGEST_SEARCHED + 1)]
    long = offered(session, funder, *leaves)
    for _ in range(3):
        offered(session, funder, OF_STAFF)
    monkeypatch.setattr(service, "MOST_SEARCHED", 2)

    items = check(client, answers={"staff_control": False}, ask=ASK)["data"]

    assert items[0]["programme"]["id"] == long
    found = [(len(each["ways"]), each["exhaustive"]) for each in items]
    assert found == [(0, False), (1, True), (0, False), (0, False)]


def test_the_next_question_is_the_one_that_settles_most(
    client: FlaskClient, session: Session, funder: tuple[Any, Person]
) -> None:
    for _ in range(2):
        offered(session, funder, TRADING)
    offered(session, funder, OF_STAFF)
    offered(session, funder, OF_STAFF, TRADING, a_criterion("CONSENT", "employer_consent", "eq", True))

    told = check(client, ask=ASK)["next_questions"]

    found = [(each["slug"], each["settles"], each["part_of"]) for each in told["data"]]
    assert found == [("years_trading", 2, 3), ("staff_control", 1, 2)]
    assert (told["looked_at"], told["of"]) == (4, 4)
    assert told["data"][0]["question"]


def test_amount_and_currency_are_one_question(
    client: FlaskClient, session: Session, funder: tuple[Any, Person]
) -> None:
    offered(session, funder, ask_max=1_000_000)

    (first,) = check(client, ask={"stage": "exploring"})["next_questions"]["data"]

    assert (first["slug"], first["ask_member"], first["settles"], first["may_be_skipped"]) == (
        "ask",
        "amount",
        1,
        False,
    )


@pytest.mark.usefixtures("without_ways")
def test_without_what_may_not_be_skipped_no_programme_is_eligible(client: FlaskClient, session: Session) -> None:
    market = RandomMarket(session, Random(31)).fill(10, 4)
    held = client.get("/v1/check/questions").json["data"]
    needed = [each["ask_member"] for each in held if not each["may_be_skipped"]]

    assert needed == ["amount"]
    for proposal, _ in market.proposals:
        if proposal.current_version_id is not None:
            answers, ask = answers_of(session, proposal)
            told = check(client, answers=answers, ask={name: ask[name] for name in ask if name not in needed})
            assert told["counts"]["eligible"] == {"count": 0}


# The questions


def test_the_questions_stand_section_by_section_and_the_ask_comes_last(client: FlaskClient) -> None:
    told = client.get("/v1/check/questions").json

    in_order = [each.slug for section in SECTIONS for each in authored_in(section)]
    assert [each["slug"] for each in told["data"]] == [*in_order, "ask", "stage", "instruments_sought"]
    assert [each["ask_member"] for each in told["data"][-4:]] == [None, "amount", "stage", "instruments"]
    assert all(each["question"] for each in told["data"])


def test_the_questions_are_sent_once(client: FlaskClient) -> None:
    first = client.get("/v1/check/questions")
    again = client.get("/v1/check/questions", headers={"If-None-Match": first.headers["ETag"]})
    welsh = client.get("/v1/check/questions", headers={"If-None-Match": first.headers["ETag"], "Accept-Language": "cy"})

    assert (first.status_code, again.status_code, again.data) == (200, 304, b"")
    assert welsh.status_code in {200, 304}
    assert (welsh.status_code == 304) == (welsh.headers["ETag"] == first.headers["ETag"])


# What is refused


def test_every_fault_of_the_answers_is_named(client: FlaskClient) -> None:
    answer = client.post("/v1/check", json={"answers": {"staff_count": "40", "incorporated": True, "nonsense": 1}})

    assert (answer.status_code, answer.json["code"]) == (422, "invalid-answers")
    pointers = {each["pointer"] for each in answer.json["errors"]}
    assert pointers == {"#/answers/staff_count", "#/answers/incorporated", "#/answers/nonsense"}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"ask": {"amount": {"amount": -1, "currency": "GBP"}}}, "#/ask/amount/amount"),
        ({"ask": {"stage": "dreaming"}}, "#/ask/stage"),
        ({"ask": {"instruments": ["gold"]}}, "#/ask/instruments/0"),
        ({"ask": {"lines": []}}, "#/ask/lines"),
        ({"limit": 51}, "#/limit"),
        ({"window": "ajar"}, "#/window"),
        ({"after": "made up"}, "#/after"),
        ({"consent": True}, "#/consent"),
    ],
)
def test_every_other_fault_is_pointed_at(client: FlaskClient, body: dict[str, Any], pointer: str) -> None:
    answer = client.post("/v1/check", json=body)

    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json["errors"]] == [pointer]


def test_a_page_s_end_belongs_to_its_body(client: FlaskClient, session: Session, funder: tuple[Any, Person]) -> None:
    for _ in range(3):
        offered(session, funder)
    end = check(client, answers={"staff_count": 4}, limit=1)["after"]

    assert check(client, answers={"staff_count": 4}, limit=2, after=end)["more"] == 0
    for other in ({"staff_count": 5}, {}):
        answer = client.post("/v1/check", json={"answers": other, "after": end})
        assert (answer.status_code, [each["pointer"] for each in answer.json["errors"]]) == (422, ["#/after"])


def test_a_page_s_end_says_nothing_to_its_holder(
    client: FlaskClient, session: Session, funder: tuple[Any, Person]
) -> None:
    first, second = sorted(offered(session, funder) for _ in range(2))
    end = check(client, limit=1)["after"]

    assert [each for each in (first, second, "2026") if each in end] == []


def test_later_pages_leave_out_what_the_first_has_told(
    client: FlaskClient, session: Session, funder: tuple[Any, Person]
) -> None:
    for _ in range(2):
        offered(session, funder)
    first = check(client, limit=1)

    assert set(first) - set(check(client, limit=1, after=first["after"])) == {
        "near_misses",
        "next_questions",
        "answer_file",
    }


def test_a_body_of_more_than_64_kib_is_refused(client: FlaskClient) -> None:
    body = json.dumps({"answers": {}}).ljust(LARGEST_CHECK + 1)

    assert client.post("/v1/check", data=body[:-1], content_type="application/json").status_code == 200
    assert client.post("/v1/check", data=body, content_type="application/json").status_code == 413


def test_checks_are_limited_by_network_address(
    clone: Callable[[], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limiter, "enabled", limiter.enabled)
    allowed = int(CHECK_LIMIT.split()[0])
    with clone() as url:
        app = create_app(replace(test_settings(url, tmp_path), rate_limits_enabled=True))
        limiter.reset()
        client = app.test_client()
        refused = {"answers": {"nonsense": 1}}
        statuses = [client.post("/v1/check", json=refused).status_code for _ in range(allowed + 2)]
        elsewhere = client.post("/v1/check", json=refused, environ_base={"REMOTE_ADDR": "203.0.113.9"}).status_code
        limiter.reset()
        with app.app_context():
            db.engine.dispose()

    assert statuses == [422] * allowed + [429] * 2
    assert elsewhere == 422


# Nothing is kept

TABLES = text("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'")


def state_of(app: Flask, folder: Path) -> dict[str, Any]:
    """How many rows each table holds, and every file of the instance."""
    with app.app_context():
        current = db.session()
        names = list(current.scalars(TABLES))
        rows = {name: current.scalar(text(f'SELECT count(*) FROM "{name}"')) for name in names}
        db.session.remove()
    return rows | {str(path): path.stat().st_size for path in folder.rglob("*") if path.is_file()}


def test_nothing_of_a_check_is_stored_or_logged(
    committed_app: Flask, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with committed_app.app_context():
        organisation = an_organisation(db.session(), kind="funder", name="Northern Foundation")
        person = a_member(db.session(), organisation)
        for _ in range(2):
            a_programme(db.session(), organisation, person.id, IN_ENGLAND, TRADING)
    before = state_of(committed_app, tmp_path)
    client = committed_app.test_client()
    told_nobody = {"turnover": {"amount": 48_151_623_42, "currency": "GBP"}, "staff_count": 815162342}

    with caplog.at_level(logging.DEBUG):
        first = client.post("/v1/check", json={"answers": told_nobody, "ask": ASK, "limit": 1})
        after = first.json["after"]
        client.post("/v1/check", json={"answers": told_nobody, "ask": ASK, "limit": 1, "after": after})
        client.post("/v1/check", json={"answers": {**told_nobody, "sector": "4815162342"}})
        client.post("/v1/check", json={"answers": told_nobody}, headers=person.headers)

    assert first.status_code == 200
    assert len(before) > 30
    assert before["programme"] == 2
    assert state_of(committed_app, tmp_path) == before
    written = caplog.text + "".join(capfd.readouterr())
    assert [secret for secret in ("4815162342", "815162342") if secret in written] == []
    assert "Set-Cookie" not in first.headers
    assert first.headers["Cache-Control"] == "no-store"


def test_a_check_runs_where_nothing_can_be_written(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(*_: Any, **__: Any) -> Any:
        return session.execute(text("INSERT INTO idempotent_request SELECT * FROM idempotent_request"))

    monkeypatch.setattr(service.candidates, "count_for_proposal", careless)

    with session.begin_nested() as undone:
        with pytest.raises(DBAPIError, match="read-only transaction"):
            service.check(session, {"answers": {}, "ask": {}, "limit": 1}, None, strict=True)
        undone.rollback()
