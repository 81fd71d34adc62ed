"""Matches over HTTP: who may ask, as of when, which filters, and pages that miss and repeat nothing."""

import csv
import io
from datetime import UTC, date, datetime
from random import Random
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.orm import Session

from marketplace.eligibility.rules import Result
from marketplace.identity.models import Membership
from marketplace.matching import candidates
from marketplace.matching.candidates import Candidate
from marketplace.proposals.models import Proposal
from marketplace.store.base import db, new_id
from tests.builders import Person, a_member, a_person, an_organisation
from tests.matching.builders import a_criterion, a_programme, a_proposal, the_employers_answer
from tests.matching.markets import THE_DAY, RandomMarket
from tests.matching.walking import walk

IN_WORDS = {"en": "England only", "cy": "Lloegr yn unig"}
IN_ENGLAND = a_criterion("NATION", "lead_nation", "eq", "england", reason=IN_WORDS)
FEW_STAFF = a_criterion("STAFF", "staff_count", "lte", 50, waivable=True)


class Pair:
    """One programme and one proposal, a member on each side."""

    def __init__(self, session: Session, *criteria: dict[str, Any], **proposal: Any) -> None:
        self.funder = an_organisation(session, kind="funder", name="Northern Foundation")
        self.funds = a_member(session, self.funder, "viewer")
        self.programme = a_programme(session, self.funder, self.funds.id, *(criteria or (IN_ENGLAND, FEW_STAFF)))
        self.group = an_organisation(session)
        self.asks = a_member(session, self.group, "viewer")
        facts = proposal.pop("facts", {"lead_nation": "england", "staff_count": 12})
        self.proposal = a_proposal(session, self.group, self.asks.id, facts, **proposal)

    @property
    def of_group(self) -> str:
        return f"/v1/proposals/{self.proposal.id}/matches/{self.programme.id}"

    @property
    def of_funder(self) -> str:
        return f"/v1/programmes/{self.programme.id}/matches/{self.proposal.id}"

    @property
    def paths(self) -> list[str]:
        proposal, programme = f"/v1/proposals/{self.proposal.id}", f"/v1/programmes/{self.programme.id}"
        ends = ("/matches", "/match-summary")
        return [*(proposal + end for end in ends), *(programme + end for end in ends), self.of_group, self.of_funder]


@pytest.fixture
def pair(session: Session) -> Pair:
    return Pair(session)


def get(client: FlaskClient, path: str, who: Person, **query: Any) -> Any:
    answer = client.get(path, headers=who.headers, query_string=query)
    assert answer.status_code == 200, answer.text
    return answer.json


# What is told


def test_the_group_learns_what_the_funder_sees(client: FlaskClient, pair: Pair) -> None:
    item = get(client, pair.of_group, pair.asks)

    assert (item["result"], item["they_see"]["visible"]) == ("eligible", True)
    assert (item["they_see"]["result"], item["they_see"]["unknown"]) == ("needs_information", ["STAFF"])
    (staff,) = [reason for reason in item["they_see"]["reasons"] if reason["code"] == "STAFF"]
    assert (staff["not_shared"], staff["found"], staff["waivable"]) == (True, None, True)


def test_matches_are_told_as_a_table_too(client: FlaskClient, pair: Pair) -> None:
    told = {}
    for side, who, path in (
        ("programme", pair.asks, f"/v1/proposals/{pair.proposal.id}/matches"),
        ("proposal", pair.funds, f"/v1/programmes/{pair.programme.id}/matches"),
    ):
        answer = client.get(path, headers=who.headers | {"Accept": "text/csv"})
        assert (answer.status_code, answer.mimetype) == (200, "text/csv")
        (told[side],) = csv.DictReader(io.StringIO(answer.text))

    own = get(client, pair.of_group, pair.asks)
    assert told["programme"]["programme_id"] == str(pair.programme.id)
    assert told["programme"]["result"] == own["result"]
    assert told["programme"]["they_see_result"] == own["they_see"]["result"]
    seen = get(client, pair.of_funder, pair.funds)
    assert told["proposal"]["proposal_pseudonym"] == seen["proposal"]["pseudonym"]
    assert told["proposal"]["unknown"] == "; ".join(seen["unknown"])
    assert told["proposal"]["confidence"] == str(seen["confidence"]["score"])


def test_the_funder_gets_what_the_group_was_told_it_sees(client: FlaskClient, pair: Pair) -> None:
    theirs = get(client, pair.of_group, pair.asks)["they_see"]

    item = get(client, pair.of_funder, pair.funds)

    assert {name: item[name] for name in theirs if name != "visible"} == {
        name: value for name, value in theirs.items() if name != "visible"
    }


def test_a_fact_that_is_granted_counts_for_that_funder_alone(client: FlaskClient, session: Session) -> None:
    pair = Pair(session, FEW_STAFF, published=False)
    other = an_organisation(session, kind="funder")
    theirs = a_programme(session, other, pair.funds.id, FEW_STAFF)
    shared = a_proposal(
        session, pair.group, pair.asks.id, {"staff_count": 12}, grants={pair.funder.id: ["staff_count"]}
    )

    items = walk(client, pair.asks.headers, f"/v1/proposals/{shared.id}/matches", over="shared")

    assert {item["programme"]["id"]: item["result"] for item in items} == {
        str(pair.programme.id): "eligible",
        str(theirs.id): "needs_information",
    }


def test_a_funder_that_does_not_see_the_proposal_sees_nothing(client: FlaskClient, session: Session) -> None:
    pair = Pair(session, visibility="private")

    assert get(client, pair.of_group, pair.asks)["they_see"] == {"visible": False}
    assert get(client, f"/v1/proposals/{pair.proposal.id}/matches", pair.asks, over="shared")["data"] == []
    assert get(client, f"/v1/programmes/{pair.programme.id}/matches", pair.funds)["data"] == []
    assert client.get(pair.of_funder, headers=pair.funds.headers).status_code == 404


def test_a_proposal_is_listed_under_its_pseudonym_below_public(client: FlaskClient, session: Session) -> None:
    pair = Pair(
        session, visibility="verified_funders", facts={"area_code": "E12000007", "sector": "libraries_archives"}
    )

    shown = get(client, pair.of_funder, pair.funds)["proposal"]

    assert "title" not in shown
    assert "organisation_name" not in shown
    seen = (shown["pseudonym"], shown["sector"], shown["nation"])
    assert seen == (pair.proposal.pseudonym, "libraries_archives", "england")


def test_a_reason_is_worded_in_the_caller_s_language(client: FlaskClient, pair: Pair) -> None:
    headers = {**pair.asks.headers, "Accept-Language": "cy"}

    (nation,) = [
        reason for reason in client.get(pair.of_group, headers=headers).json["reasons"] if reason["code"] == "NATION"
    ]

    assert nation["words"] == "Lloegr yn unig"
    everything = get(client, pair.of_group, pair.asks, languages="all")
    assert IN_WORDS in [reason["words"] for reason in everything["reasons"]]


def test_a_wholesale_vehicle_s_programme_is_marked(client: FlaskClient, session: Session, pair: Pair) -> None:
    vehicle = an_organisation(session, kind="wholesale_vehicle")
    wholesale = a_programme(session, vehicle, pair.funds.id)

    items = walk(client, pair.asks.headers, f"/v1/proposals/{pair.proposal.id}/matches")

    assert {item["programme"]["id"]: item["programme"]["wholesale"] for item in items} == {
        str(wholesale.id): True,
        str(pair.programme.id): False,
    }


def test_draft_programmes_and_those_of_suspended_funders_are_not_matched(
    client: FlaskClient, session: Session, pair: Pair
) -> None:
    suspended = an_organisation(session, kind="funder", verification="suspended")
    hidden = [
        a_programme(session, pair.funder, pair.funds.id, published=False),
        a_programme(session, suspended, pair.funds.id),
    ]

    items = walk(client, pair.asks.headers, f"/v1/proposals/{pair.proposal.id}/matches")

    assert [item["programme"]["id"] for item in items] == [str(pair.programme.id)]
    for programme in hidden:
        path = f"/v1/proposals/{pair.proposal.id}/matches/{programme.id}"
        assert client.get(path, headers=pair.asks.headers).status_code == 404


# Who may ask


def test_nobody_asks_for_another_s_matches(client: FlaskClient, session: Session, pair: Pair) -> None:
    strangers = [
        a_member(session, an_organisation(session, kind="funder")),
        a_member(session, an_organisation(session)),
        a_person(session, operator=True),
    ]

    for path in pair.paths:
        assert client.get(path).status_code == 401
        assert {client.get(path, headers=each.headers).status_code for each in strangers} == {404}


def test_seeing_a_proposal_is_not_seeing_its_matches(client: FlaskClient, pair: Pair) -> None:
    path = f"/v1/proposals/{pair.proposal.id}"

    assert client.get(path, headers=pair.funds.headers).status_code == 200
    for end in ("/matches", "/match-summary", f"/matches/{pair.programme.id}"):
        assert client.get(path + end, headers=pair.funds.headers).status_code == 404


def test_a_guest_of_the_proposal_reads_its_matches(client: FlaskClient, session: Session, pair: Pair) -> None:
    guest = a_member(session, pair.group, "guest", proposal_id=pair.proposal.id, until=date(2200, 1, 1))
    elsewhere = a_member(session, pair.group, "guest", proposal_id=pair.programme.id, until=date(2200, 1, 1))

    assert get(client, pair.of_group, guest)["result"] == "eligible"
    assert client.get(pair.of_group, headers=elsewhere.headers).status_code == 404


def test_an_organisation_that_is_not_verified_browses_no_proposals(client: FlaskClient, session: Session) -> None:
    pair = Pair(session)
    pair.funder.verification = "unverified"
    session.commit()

    answer = client.get(pair.of_funder, headers=pair.funds.headers)

    assert (answer.status_code, answer.json["code"]) == (403, "organisation-not-verified")


@pytest.mark.parametrize("side", ["proposal", "programme"])
def test_nothing_is_matched_before_it_is_published(client: FlaskClient, session: Session, side: str) -> None:
    pair = Pair(session, published=False)
    draft = a_programme(session, pair.funder, pair.funds.id, published=False)
    path, who = {
        "proposal": (f"/v1/proposals/{pair.proposal.id}", pair.asks),
        "programme": (f"/v1/programmes/{draft.id}", pair.funds),
    }[side]

    for end in ("/matches", "/match-summary"):
        answer = client.get(path + end, headers=who.headers)
        assert (answer.status_code, answer.json["code"]) == (422, "nothing-to-match")


def test_nobody_looks_past_an_exclusion_by_another_hat(client: FlaskClient, session: Session) -> None:
    pair = Pair(session, visibility="verified_funders")
    council = an_organisation(session, kind="public_body")
    two_hats = a_member(session, council)
    a_hat(session, two_hats, pair.funder)
    out = a_proposal(session, pair.group, pair.asks.id, excluded=[council.id], visibility="verified_funders")
    path = f"/v1/programmes/{pair.programme.id}/matches"

    assert len(walk(client, pair.funds.headers, path)) == 2
    assert [item["proposal"]["id"] for item in walk(client, two_hats.headers, path)] == [str(pair.proposal.id)]
    assert client.get(f"{path}/{out.id}", headers=two_hats.headers).status_code == 404


def test_a_grant_is_not_seen_past_an_exclusion_by_another_hat(client: FlaskClient, session: Session) -> None:
    pair = Pair(session, FEW_STAFF, published=False)
    council = an_organisation(session, kind="public_body")
    two_hats = a_member(session, council)
    a_hat(session, two_hats, pair.funder)
    granted = a_proposal(
        session,
        pair.group,
        pair.asks.id,
        {"staff_count": 12},
        excluded=[council.id],
        grants={pair.funder.id: ["staff_count"]},
    )
    path = f"/v1/programmes/{pair.programme.id}/matches/{granted.id}"

    assert get(client, path, pair.funds)["result"] == "eligible"
    assert get(client, path, two_hats)["result"] == "needs_information"
    assert get(client, path, two_hats)["reasons"][-1]["not_shared"] is True


def a_hat(session: Session, person: Person, organisation: Any) -> None:
    session.add(Membership(id=new_id(), organisation_id=organisation.id, user_id=person.id, role="viewer"))
    session.commit()


# As of when


@pytest.mark.parametrize(
    ("as_of", "window"),
    [
        pytest.param("2026-03-31", "before", id="the day before it opens"),
        pytest.param("2026-04-01", "open", id="the day on which it opens"),
        pytest.param("2026-06-30", "open", id="its closing day belongs to it"),
        pytest.param("2026-07-01", "after", id="the day after"),
    ],
)
def test_the_window_is_that_of_the_day_and_filters_by_it(
    client: FlaskClient, session: Session, as_of: str, window: str
) -> None:
    pair = Pair(session)
    pair.programme.opens_on, pair.programme.closes_on = date(2026, 4, 1), date(2026, 6, 30)
    session.commit()
    path = f"/v1/proposals/{pair.proposal.id}/matches"

    assert get(client, pair.of_group, pair.asks, as_of=as_of)["programme"]["window"] == window
    for asked in ("before", "open", "paused", "after"):
        assert len(get(client, path, pair.asks, as_of=as_of, window=asked)["data"]) == (asked == window)


def test_a_paused_programme_and_one_that_was_closed_early_say_so(client: FlaskClient, session: Session) -> None:
    pair = Pair(session)
    pair.programme.paused = True
    session.commit()
    assert get(client, pair.of_group, pair.asks)["programme"]["window"] == "paused"

    pair.programme.ended_at = datetime(2026, 5, 1, 12, tzinfo=UTC)
    session.commit()
    assert get(client, pair.of_group, pair.asks, as_of="2026-05-01")["programme"]["window"] == "after"
    assert get(client, pair.of_group, pair.asks, as_of="2026-04-30")["programme"]["window"] == "paused"


def test_a_dated_parameter_is_unknown_before_its_law(client: FlaskClient, session: Session) -> None:
    limit = a_criterion("MFA", "mfa_total_with_ask", "lte", {"parameter": "mfa_limit"})
    pair = Pair(session, limit, facts={"mfa_received": {"amount": 0, "currency": "GBP"}})

    assert get(client, pair.of_group, pair.asks, as_of="2023-01-03")["result"] == "needs_information"
    assert get(client, pair.of_group, pair.asks, as_of="2023-01-04")["result"] == "eligible"


def test_an_employer_s_consent_is_unknown_after_its_last_day(client: FlaskClient, session: Session) -> None:
    pair = Pair(session, a_criterion("CONSENT", "employer_consent", "eq", True))
    employer = an_organisation(session, kind="public_body")
    the_employers_answer(session, pair.proposal, employer, pair.asks.id, "explore", date(2026, 12, 31))

    for path, who in ((pair.of_group, pair.asks), (pair.of_funder, pair.funds)):
        until = get(client, path, who, as_of="2026-12-31")
        assert (until["result"], until["reasons"][-1]["assurance"]) == ("eligible", "verified")
        assert get(client, path, who, as_of="2027-01-01")["result"] == "needs_information"


@pytest.mark.parametrize("query", ["as_of=2026-02-30", "as_of=yesterday", "result=maybe", "over=all", "limit=0"])
def test_a_query_that_means_nothing_is_refused(client: FlaskClient, pair: Pair, query: str) -> None:
    assert client.get(f"/v1/proposals/{pair.proposal.id}/matches?{query}", headers=pair.asks.headers).status_code == 422


# Pages


@pytest.fixture
def market(session: Session) -> RandomMarket:
    return RandomMarket(session, Random(5)).fill(programmes=14, proposals=16, funders=3)


FILTERS: list[dict[str, Any]] = [
    {},
    *({"result": result.value} for result in Result),
    {"over": "shared"},
    {"over": "shared", "result": "ineligible"},
    {"instrument": "grant"},
    {"window": "open", "instrument": "equity"},
]


@pytest.mark.parametrize("filters", FILTERS, ids=lambda filters: ", ".join(map(str, filters.values())) or "none")
def test_a_group_s_pages_make_the_whole_list_under_every_filter(
    client: FlaskClient, market: RandomMarket, filters: dict[str, Any]
) -> None:
    proposal, member = a_public_one(market)
    path = f"/v1/proposals/{proposal.id}/matches"
    whole = get(client, path, member, as_of=THE_DAY, limit=100, **filters)["data"]
    everything = get(client, path, member, as_of=THE_DAY, limit=100, over=filters.get("over", "own"))["data"]

    if "result" in filters:
        assert whole == [item for item in everything if item["result"] == filters["result"]]
    assert all(item in everything for item in whole)
    for limit in (1, 2, 5):
        assert walk(client, member.headers, path, as_of=THE_DAY, limit=limit, **filters) == whole


@pytest.mark.parametrize("filters", FILTERS[:4], ids=lambda filters: ", ".join(filters.values()) or "none")
def test_a_funder_s_pages_make_the_whole_list_under_every_filter(
    client: FlaskClient, market: RandomMarket, filters: dict[str, Any]
) -> None:
    for programme, person in market.programmes[:2]:
        path = f"/v1/programmes/{programme.id}/matches"
        whole = get(client, path, person, as_of=THE_DAY, limit=100, **filters)["data"]
        everything = get(client, path, person, as_of=THE_DAY, limit=100)["data"]

        assert len(everything) > 3
        assert whole == [item for item in everything if item["result"] == filters.get("result", item["result"])]
        for limit in (1, 3):
            assert walk(client, person.headers, path, as_of=THE_DAY, limit=limit, **filters) == whole


def a_public_one(market: RandomMarket) -> tuple[Proposal, Person]:
    return next(each for each in market.proposals if each[0].visibility == "public" and each[0].current_version_id)


def test_a_cursor_belongs_to_its_list_and_filters(client: FlaskClient, market: RandomMarket) -> None:
    (first, member), (second, _) = [each for each in market.proposals if each[0].current_version_id][:2]
    path = f"/v1/proposals/{first.id}/matches"
    cursor = get(client, path, member, limit=1)["next_cursor"]

    assert get(client, path, member, limit=2, cursor=cursor)["data"]
    for other, query in ((path, {"result": "eligible"}), (f"/v1/proposals/{second.id}/matches", {})):
        refused = client.get(other, headers=member.headers, query_string={"cursor": cursor, **query})
        assert refused.status_code == 422


def test_a_longer_page_asks_the_database_once_more_for_each_further_result_at_most(
    client: FlaskClient, market: RandomMarket
) -> None:
    proposal, member = a_public_one(market)
    programme, person = market.programmes[0]

    for path, who in (
        (f"/v1/proposals/{proposal.id}/matches", member),
        (f"/v1/programmes/{programme.id}/matches", person),
    ):
        assert statements(client, path, who, 12) <= statements(client, path, who, 3) + 2


def statements(client: FlaskClient, path: str, who: Person, limit: int) -> int:
    made: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        made.append(statement)

    with client.application.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        assert len(get(client, path, who, limit=limit)["data"]) >= 3
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(made)


# Counting


def test_a_group_counts_exactly_and_a_funder_no_small_number(client: FlaskClient, session: Session) -> None:
    pair = Pair(session)
    for staff in (1, 2, 51, 52, 53, 54, 55, 56):
        a_proposal(
            session,
            pair.group,
            pair.asks.id,
            {"lead_nation": "england", "staff_count": staff},
            choices={"staff_count": "open"},
        )

    assert get(client, f"/v1/proposals/{pair.proposal.id}/match-summary", pair.asks) == {
        "eligible": {"count": 1},
        "needs_information": {"count": 0},
        "ineligible": {"count": 0},
    }
    assert get(client, f"/v1/programmes/{pair.programme.id}/match-summary", pair.funds) == {
        "eligible": {"fewer_than": 5},
        "needs_information": {"fewer_than": 5},
        "ineligible": {"at_least": 5},
    }


# The database and the evaluator


def test_a_difference_is_logged_and_the_evaluator_s_answer_served(
    client: FlaskClient, pair: Pair, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = [Candidate(pair.programme.id, 2, 0)]
    monkeypatch.setattr(candidates, "candidates_for_proposal", lambda *_: wrong)
    monkeypatch.setitem(client.application.config, "STRICT_MATCHING", False)

    assert get(client, pair.of_group, pair.asks)["result"] == "eligible"
    (logged,) = [record for record in caplog.records if record.name == "marketplace.matching"]
    assert (logged.levelname, logged.database, logged.evaluator) == ("ERROR", [2, 0], [0, 100])


def test_a_difference_fails_the_tests(client: FlaskClient, pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = [Candidate(pair.programme.id, 0, 99)]
    monkeypatch.setattr(candidates, "candidates_for_proposal", lambda *_: wrong)

    assert client.get(pair.of_group, headers=pair.asks.headers).status_code == 500
