"""Near misses both ways, the ways into a programme, and what to answer or to share next, over HTTP."""

from random import Random
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from marketplace.matching import candidates, near
from marketplace.programmes.models import Programme
from marketplace.proposals.models import Proposal
from marketplace.proposals.queries import own_view, sharing_of
from marketplace.reference.facts import REGISTRY
from tests.builders import Person, a_member, an_organisation
from tests.matching.builders import a_criterion, a_programme, a_proposal
from tests.matching.markets import AUTHORED, THE_DAY, RandomMarket, a_value, some_facts
from tests.matching.test_secrecy import published_again


class Town:
    """A funder and a group with a member each."""

    def __init__(self, client: FlaskClient, session: Session) -> None:
        self.client, self.session = client, session
        self.funder = an_organisation(session, kind="funder", name="The fund")
        self.group = an_organisation(session)
        self.looks, self.member = a_member(session, self.funder), a_member(session, self.group)

    def programme(self, *criteria: dict[str, Any], **values: Any) -> Programme:
        return a_programme(self.session, self.funder, self.looks.id, *criteria, **values)

    def proposal(self, facts: dict[str, Any] | None = None, **values: Any) -> Proposal:
        return a_proposal(self.session, self.group, self.member.id, facts, **values)

    def asked(self, who: Person, path: str, **query: Any) -> Any:
        answer = self.client.get(path, headers=who.headers, query_string=query)
        assert answer.status_code == 200, answer.json
        return answer.json

    def near(self, proposal: Proposal, **query: Any) -> Any:
        return self.asked(self.member, f"/v1/proposals/{proposal.id}/near-misses", **query)

    def ways(self, proposal: Proposal, programme: Programme, **query: Any) -> Any:
        return self.asked(self.member, f"/v1/proposals/{proposal.id}/matches/{programme.id}/ways-in", **query)

    def next(self, proposal: Proposal, **query: Any) -> Any:
        return self.asked(self.member, f"/v1/proposals/{proposal.id}/next-questions", **query)


@pytest.fixture
def town(client: FlaskClient, session: Session) -> Town:
    return Town(client, session)


REPAYS = a_criterion("REPAYS", "repayment_plan", "eq", True)
IN_WALES = a_criterion("WALES", "lead_nation", "eq", "wales")
IN_CONTROL = a_criterion("CONTROL", "staff_control", "eq", True)
ENOUGH_STAFF = a_criterion("STAFF", "staff_count", "gte", 10)
ENGLISH = {"lead_nation": "england", "repayment_plan": False, "staff_control": False, "staff_count": 5}


def titles(answer: Any, name: str = "programme") -> list[str]:
    return [item[name]["title"] for item in answer["data"]]


def test_a_group_s_near_misses_are_the_programmes_that_at_most_two_criteria_refuse(town: Town) -> None:
    town.programme(REPAYS, IN_CONTROL, title="Two gates")
    town.programme(REPAYS, a_criterion("TRADES", "trades_commercially", "eq", True), title="One gate, one unknown")
    town.programme(REPAYS, title="One gate")
    town.programme(REPAYS, IN_CONTROL, IN_WALES, title="Three gates")
    town.programme(title="No gate")
    town.programme(a_criterion("TRADES", "trades_commercially", "eq", True), title="Not yet told")
    answer = town.near(town.proposal(ENGLISH))
    assert titles(answer) == ["One gate", "One gate, one unknown", "Two gates"]
    assert [item["gates"] for item in answer["data"]] == [
        {"unmet": 1, "unknown": 0},
        {"unmet": 1, "unknown": 1},
        {"unmet": 2, "unknown": 0},
    ]
    assert answer["capped"] is False
    [way] = answer["data"][0]["ways"]
    assert [(step["kind"], step["fact"], step["from"], step["to"]) for step in way["steps"]] == [
        ("change", "repayment_plan", False, True)
    ]
    assert (way["points"], way["months"], answer["data"][0]["exhaustive"]) == (3, 2, True)


def test_near_misses_can_be_kept_to_open_programmes(town: Town) -> None:
    town.programme(REPAYS, title="Over", closes_on=THE_DAY.replace(year=2020))
    town.programme(REPAYS, title="Open")
    proposal = town.proposal(ENGLISH)
    assert titles(town.near(proposal, as_of=THE_DAY, window="open")) == ["Open"]
    assert titles(town.near(proposal, as_of=THE_DAY)) == ["Over", "Open"]


def test_more_near_misses_than_are_told_are_said_to_be_capped(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(4):
        town.programme(REPAYS)
    proposal = town.proposal(ENGLISH)
    assert town.near(proposal)["capped"] is False
    monkeypatch.setattr(candidates, "MOST_NEAR", 3)
    told = town.near(proposal)
    assert (len(told["data"]), told["capped"]) == (3, True)
    monkeypatch.setattr(candidates, "MOST_NEAR", 20)
    monkeypatch.setattr(candidates, "MOST_LOOKED_AT", 2)
    told = town.near(proposal)
    assert (len(told["data"]), told["capped"]) == (2, True)


def test_a_search_that_ends_among_eligible_ones_says_that_it_looked_no_further(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    subsidised = a_criterion("MFA", "mfa_total_with_ask", "lte", {"parameter": "mfa_limit"})
    for _ in range(3):
        town.programme(subsidised)
    proposal = town.proposal({**ENGLISH, "mfa_received": {"amount": 1, "currency": "GBP"}})
    assert town.near(proposal) == {"data": [], "capped": False}
    monkeypatch.setattr(candidates, "MOST_LOOKED_AT", 2)
    assert town.near(proposal) == {"data": [], "capped": True}


def test_where_only_time_is_missing_the_day_is_told_with_the_window_then(town: Town) -> None:
    a_year = a_criterion("YEAR", "trading_since", "at_least_months_before", 12)
    closing = THE_DAY.replace(year=2027, month=1)
    town.programme(a_year, title="Stays open")
    town.programme(a_year, title="Closes before", closes_on=closing)
    town.programme(a_year, REPAYS, title="Wants more than time")
    proposal = town.proposal({**ENGLISH, "trading_since": "2026-02-28"})
    told = {item["programme"]["title"]: item["eligible_from"] for item in town.near(proposal, as_of=THE_DAY)["data"]}
    assert told == {
        "Stays open": {"day": "2027-02-28", "window": "open"},
        "Closes before": {"day": "2027-02-28", "window": "after"},
        "Wants more than time": None,
    }


def test_ways_into_one_programme_say_what_to_share_too(town: Town) -> None:
    programme = town.programme(
        REPAYS, ENOUGH_STAFF, a_criterion("MFA", "mfa_total_with_ask", "lte", {"parameter": "mfa_limit"})
    )
    money = {"amount": 1, "currency": "GBP"}
    proposal = town.proposal({**ENGLISH, "staff_count": 12, "mfa_received": money})
    told = town.ways(proposal, programme)
    assert told["result"] == "ineligible"
    assert told["gates"] == {"unmet": 1, "unknown": 0}
    assert [[step["fact"] for step in way["steps"]] for way in told["ways"]] == [["repayment_plan"]]
    assert told["they_see"] == {"visible": True, "result": "ineligible"}
    assert [(step["kind"], step["fact"], step["cost"]) for step in told["share"]] == [
        ("share", "staff_count", "none"),
        ("share", "mfa_received", "none"),
    ]


def test_an_eligible_group_that_shares_too_little_is_told_what_to_share(town: Town) -> None:
    programme = town.programme(ENOUGH_STAFF)
    told = town.ways(town.proposal({"staff_count": 12}), programme)
    assert (told["result"], told["ways"], told["eligible_from"]) == ("eligible", [], None)
    assert told["they_see"] == {"visible": True, "result": "needs_information"}
    assert [(step["kind"], step["fact"]) for step in told["share"]] == [("share", "staff_count")]


def test_ways_into_a_programme_that_is_no_match_are_not_found(town: Town, session: Session) -> None:
    programme, proposal = town.programme(REPAYS, published=False), town.proposal(ENGLISH)
    path = f"/v1/proposals/{proposal.id}/matches/{programme.id}/ways-in"
    assert town.client.get(path, headers=town.member.headers).status_code == 404


def test_the_question_that_settles_most_programmes_comes_first(town: Town) -> None:
    trades = a_criterion("TRADES", "trades_commercially", "eq", True)
    years = a_criterion("YEARS", "years_trading", "gte", 2)
    locked = a_criterion("LOCK", "asset_lock", "eq", "statutory")
    town.programme(trades)
    town.programme(trades, IN_WALES)
    town.programme(years)
    town.programme(years, title="Again")
    town.programme(years, locked)
    town.programme({"any": [years, locked]})
    told = town.next(town.proposal({"lead_nation": "wales"}))
    assert [(each["fact"], each["settles"], each["part_of"]) for each in told["questions"]] == [
        ("years_trading", 2, 4),
        ("trades_commercially", 2, 2),
        ("legal_form", 0, 2),
    ]
    assert told["questions"][0]["question"].endswith("?")
    assert (told["looked_at"], told["of"]) == (6, 6)


def test_the_fact_to_share_next_is_the_one_that_settles_most_funders(town: Town) -> None:
    town.programme(ENOUGH_STAFF)
    town.programme(ENOUGH_STAFF, title="Again")
    town.programme(a_criterion("TURNS", "turnover", "gte", {"amount": 1, "currency": "GBP"}))
    proposal = town.proposal({"staff_count": 12, "turnover": {"amount": 5, "currency": "GBP"}})
    told = town.next(proposal)
    assert told["questions"] == []
    assert [(each["fact"], each["settles"]) for each in told["share_next"]] == [("staff_count", 2), ("turnover", 1)]
    assert (told["shares_looked_at"], told["shares_of"]) == (3, 3)


def test_questions_say_over_how_many_programmes_they_were_counted(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        town.programme(REPAYS)
    monkeypatch.setattr(near, "MOST_EVALUATED", 2)
    told = town.next(town.proposal())
    assert (told["looked_at"], told["of"]) == (2, 3)


def test_a_funder_s_near_misses_are_told_without_ways(town: Town) -> None:
    programme = town.programme(REPAYS, IN_CONTROL)
    town.proposal({"repayment_plan": True, "staff_control": False}, title="One gate")
    town.proposal({"repayment_plan": False, "staff_control": False}, title="Two gates")
    town.proposal({"repayment_plan": True, "staff_control": True}, title="No gate")
    town.proposal({"repayment_plan": False}, title="Private", visibility="private")
    told = town.asked(town.looks, f"/v1/programmes/{programme.id}/near-misses")
    assert [(item["proposal"]["title"], item["gates"]["unmet"]) for item in told["data"]] == [
        ("One gate", 1),
        ("Two gates", 2),
    ]
    assert told["capped"] is False
    assert not {"ways", "eligible_from"} & told["data"][0].keys()


def test_a_high_fit_never_lifts_a_blocked_result(town: Town) -> None:
    soft = a_criterion("NICE", "lead_nation", "eq", "england", level="soft", weight=9)
    programme = town.programme(REPAYS, soft)
    proposal = town.proposal(ENGLISH)
    told = town.asked(town.member, f"/v1/proposals/{proposal.id}/matches/{programme.id}")
    assert (told["result"], told["fit"]) == ("ineligible", 0)
    assert told["fit_makeup"] == [{"code": "NICE", "weight": 9, "outcome": "met"}]
    assert told["confidence"] == {"score": 50, "verified": 0, "evidenced": 0, "declared": 1, "unknown": 0}
    theirs = town.asked(town.looks, f"/v1/programmes/{programme.id}/matches/{proposal.id}")
    assert {name: theirs[name] for name in ("result", "fit", "fit_makeup", "confidence")} == {
        name: told[name] for name in ("result", "fit", "fit_makeup", "confidence")
    }


# No oracle


def near_of(client: FlaskClient, who: Person, programme_id: Any) -> tuple[int, bytes]:
    answer = client.get(f"/v1/programmes/{programme_id}/near-misses", headers=who.headers)
    return answer.status_code, answer.data


@pytest.mark.parametrize(
    "slug",
    [
        pytest.param(slug, marks=[pytest.mark.slow] if place % 3 else [])
        for place, slug in enumerate(AUTHORED)
        if not REGISTRY[slug].never_hard
    ],
)
def test_an_unshared_fact_changes_no_byte_of_a_funder_s_near_misses(
    client: FlaskClient, session: Session, slug: str
) -> None:
    random = Random(slug)
    town, definition = Town(client, session), REGISTRY[slug]
    listed = definition.type in {"choices", "areas"}
    value = a_value(random, definition)
    leaf = a_criterion("ORACLE", slug, "contains_any" if listed else "in", value if listed else [value])
    blocks = a_criterion("BLOCKS", "staff_publicly_employed", "eq", False)
    programme = town.programme(blocks, {"any": [leaf, {"not": {**leaf, "code": "TURNED"}}]}, {**leaf, "code": "ALONE"})
    others = {fact: held for fact, held in some_facts(random).items() if fact != slug}
    proposal = town.proposal({**others, slug: value}, visibility="verified_funders", choices={slug: "confidential"})
    shared = sharing_of(session, proposal.id, town.funder.id).facts
    first, compared = near_of(client, town.looks, programme.id), 0
    own = {str(own_view(session, proposal.id).facts)}
    for number, other in enumerate([None, *(a_value(random, definition) for _ in range(3))], start=2):
        facts = others if other is None else {**others, slug: other}
        levels = {} if other is None or number % 2 else {slug: "verified"}
        published_again(session, proposal, town.member.id, facts, number, levels)
        if sharing_of(session, proposal.id, town.funder.id).facts == shared:
            compared += 1
            own.add(str(own_view(session, proposal.id).facts))
            assert near_of(client, town.looks, programme.id) == first
    assert first[0] == 200
    assert compared > 0 or slug == "area_code"
    assert len(own) > 1 or slug == "area_code"


def test_near_misses_of_a_random_market_agree_with_the_evaluator(client: FlaskClient, session: Session) -> None:
    """The application is strict here: a distance that the database counts otherwise is an error."""
    market = RandomMarket(session, Random(31)).fill(8, 6)
    seen = 0
    for proposal, member in market.proposals:
        if proposal.current_version_id is not None:
            answer = client.get(
                f"/v1/proposals/{proposal.id}/near-misses", headers=member.headers, query_string={"as_of": THE_DAY}
            )
            assert answer.status_code == 200
            seen += len(answer.json["data"])
            gates = [(item["gates"]["unmet"], item["gates"]["unknown"]) for item in answer.json["data"]]
            assert gates == sorted(gates)
            assert all(1 <= unmet <= 2 for unmet, _ in gates)
    assert seen > 0
