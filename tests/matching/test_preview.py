"""Previews of unsaved criteria: what they tell, to whom, over which facts, and that they store nothing."""

from collections.abc import Mapping
from random import Random
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from marketplace.eligibility.rules import Result
from marketplace.identity.models import Organisation
from marketplace.matching import preview
from marketplace.programmes.models import Programme
from marketplace.proposals.models import Proposal
from marketplace.proposals.queries import own_view, sharing_of
from marketplace.reference.facts import REGISTRY
from marketplace.store.base import db
from marketplace.store.journal import Event
from tests.builders import Person, a_member, an_organisation
from tests.matching.builders import a_criterion, a_programme, a_proposal
from tests.matching.markets import AUTHORED, THE_DAY, RandomMarket, a_value, some_criteria, some_facts
from tests.matching.test_secrecy import published_again
from tests.matching.walking import walk

IN_ENGLAND = a_criterion("NATION", "lead_nation", "eq", "england")
FEW_STAFF = a_criterion("STAFF", "staff_count", "lte", 50)
FEW, SOME = {"fewer_than": 5}, {"at_least": 5}


class Desk:
    """A funder with an editor and a programme, and a group to make proposals for."""

    def __init__(self, session: Session, *criteria: dict[str, Any], **values: Any) -> None:
        self.session = session
        self.funder = an_organisation(session, kind="funder", name="Northern Foundation")
        self.edits = a_member(session, self.funder, "editor")
        self.programme = a_programme(session, self.funder, self.edits.id, *criteria, **values)
        self.group = an_organisation(session)
        self.asks = a_member(session, self.group)

    def proposals(self, number: int, facts: Mapping[str, Any], **values: Any) -> list[Proposal]:
        choices = {"staff_count": "open"}
        return [
            a_proposal(self.session, self.group, self.asks.id, facts, choices=choices, **values) for _ in range(number)
        ]

    @property
    def path(self) -> str:
        return f"/v1/programmes/{self.programme.id}/criteria-preview"


def post(client: FlaskClient, path: str, who: Person, body: Any = None) -> Any:
    answer = client.post(path, json={} if body is None else body, headers=who.headers)
    assert answer.status_code == 200, answer.text
    return answer.json


def tree(*criteria: dict[str, Any]) -> dict[str, Any]:
    return {"schema_version": 1, "criteria": list(criteria)}


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """The numbers as they are, before anything of them is kept back."""
    monkeypatch.setattr(preview, "band", lambda count: count)
    monkeypatch.setattr(preview, "guarded_counts", dict)
    monkeypatch.setattr(
        preview,
        "told_toll",
        lambda unmet, unknown, only_this, whole: {"unmet": unmet, "unknown": unknown, "only_this": only_this},
    )


def previewed(session: Session, who: Person, programme: Programme, **draft: Any) -> dict[str, Any]:
    """The preview as the service makes it."""
    return preview.preview_criteria(session, who.actor(session), programme.id, {"as_of": THE_DAY, **draft})


# What is told


def test_the_editor_sees_what_each_criterion_costs(client: FlaskClient, session: Session) -> None:
    desk = Desk(session, published=False)
    desk.proposals(7, {"lead_nation": "england", "staff_count": 20})
    desk.proposals(6, {"lead_nation": "wales", "staff_count": 20})
    desk.proposals(5, {"lead_nation": "wales", "staff_count": 90})
    desk.proposals(5, {"lead_nation": "england"})

    told = post(client, desk.path, desk.edits, {"criteria": tree(IN_ENGLAND, FEW_STAFF)})

    five, ten = {"at_least": 5, "at_most": 9}, {"at_least": 10, "at_most": 14}
    assert told["of"] == {"at_least": 20, "at_most": 24}
    assert told["counts"] == {
        "eligible": five,
        "needs_information": five,
        "ineligible": {"at_least": 10, "at_most": 14},
    }
    tolls = {each.pop("code"): each for each in told["criteria"]}
    assert tolls["NATION"] == {"unmet": ten, "unknown": FEW, "only_this": five}
    assert tolls["STAFF"] == {"unmet": five, "unknown": five, "only_this": five}
    assert tolls["CURRENCY"] == {"unmet": FEW, "unknown": FEW, "only_this": FEW}
    assert (told["against_published"], told["capped"], told["findings"]) == (None, False, [])


def test_numbers_below_five_are_not_told(client: FlaskClient, session: Session) -> None:
    desk = Desk(session, IN_ENGLAND)
    desk.proposals(3, {"lead_nation": "england"})
    desk.proposals(8, {"lead_nation": "wales"})

    told = post(client, desk.path, desk.edits)

    assert told["counts"] == {"eligible": FEW, "needs_information": FEW, "ineligible": SOME}
    assert told["criteria"][-1] == {"code": "NATION", "unmet": SOME, "unknown": FEW, "only_this": SOME}
    assert told["against_published"] == {"would_gain": FEW, "would_lose": FEW, "unchanged": SOME}


def test_it_tells_who_would_gain_and_lose_against_what_is_published(
    client: FlaskClient, session: Session, exact: None
) -> None:
    desk = Desk(session, IN_ENGLAND)
    desk.proposals(2, {"lead_nation": "england"})
    desk.proposals(3, {"lead_nation": "wales"})
    desk.proposals(1, {"lead_nation": "scotland"})

    in_wales = a_criterion("NATION", "lead_nation", "eq", "wales")
    told = previewed(session, desk.edits, desk.programme, criteria=tree(in_wales))

    assert told["against_published"] == {"would_gain": 3, "would_lose": 2, "unchanged": 1}
    same = previewed(session, desk.edits, desk.programme)
    assert same["against_published"] == {"would_gain": 0, "would_lose": 0, "unchanged": 6}


def test_what_the_body_leaves_out_is_the_draft_s(client: FlaskClient, session: Session, exact: None) -> None:
    desk = Desk(session, IN_ENGLAND, published=False, ask_max=500, stages=["launched"])
    desk.proposals(1, {"lead_nation": "england"})

    def ineligible(**draft: Any) -> list[str]:
        return [
            each["code"]
            for each in previewed(session, desk.edits, desk.programme, **draft)["criteria"]
            if each["unmet"]
        ]

    assert ineligible() == ["STAGE", "ASK_MAX"]
    assert ineligible(ask_max=None) == ["STAGE"]
    assert ineligible(ask_max=None, stages=[]) == []
    assert ineligible(ask_max=None, stages=[], criteria=tree(a_criterion("N", "lead_nation", "eq", "wales"))) == ["N"]


def test_findings_come_with_the_preview(client: FlaskClient, session: Session) -> None:
    desk = Desk(session)
    late = a_criterion("LATE", "stage", "eq", "launched")

    told = post(client, desk.path, desk.edits, {"stages": ["exploring"], "criteria": tree(late)})

    assert [each["kind"] for each in told["findings"]] == ["unsatisfiable", "contradiction"]
    assert told["findings"][0]["pointers"] == ["#/stages", "#/criteria/criteria/0"]
    assert told["not_checked"] == []


def test_a_wrong_tree_is_refused_as_on_publishing(client: FlaskClient, session: Session) -> None:
    wrong = tree({"any": [a_criterion("A", "no_such_fact", "eq", 1)]}, {"not": {"all": []}})
    desk = Desk(session, published=False, criteria=wrong)

    published = client.post(f"/v1/programmes/{desk.programme.id}/criteria-versions", headers=desk.edits.headers)
    for path, body in ((desk.path, {"criteria": wrong}), (desk.path, {}), ("/v1/criteria/check", {"criteria": wrong})):
        refused = client.post(path, json=body, headers=desk.edits.headers)
        assert (refused.status_code, refused.json["code"]) == (422, "invalid-criteria")
        assert refused.json["errors"] == published.json["errors"]


@pytest.mark.parametrize(
    "bounds",
    [
        {"ask_min": {"amount": 10, "currency": "GBP"}, "ask_max": {"amount": 5, "currency": "GBP"}},
        {"ask_max": {"amount": 5, "currency": "EUR"}},
    ],
)
def test_columns_that_contradict_themselves_are_refused(
    client: FlaskClient, session: Session, bounds: dict[str, Any]
) -> None:
    desk = Desk(session)

    for path, body in ((desk.path, bounds), ("/v1/criteria/check", {**bounds, "criteria": tree()})):
        refused = client.post(path, json=body, headers=desk.edits.headers)
        assert (refused.status_code, refused.json["code"]) == (422, "programme-faults")
        assert refused.json["errors"][0]["pointer"] == "#/ask_max"


def test_a_preview_stores_nothing(client: FlaskClient, session: Session) -> None:
    desk = Desk(session, IN_ENGLAND)
    before = session.scalar(select(func.count()).select_from(Event))
    version = desk.programme.version

    post(client, desk.path, desk.edits, {"criteria": tree(FEW_STAFF), "ask_max": {"amount": 5, "currency": "GBP"}})

    session.expire_all()
    programme = session.get_one(Programme, desk.programme.id)
    assert (programme.version, programme.ask_max, programme.criteria) == (version, None, tree(IN_ENGLAND))
    assert session.scalar(select(func.count()).select_from(Event)) == before


# Who may


@pytest.mark.parametrize(("role", "status"), [("owner", 200), ("editor", 200), ("approver", 403), ("viewer", 403)])
def test_those_who_write_programmes_preview_them(client: FlaskClient, session: Session, role: str, status: int) -> None:
    desk = Desk(session)
    person = a_member(session, desk.funder, role)

    assert client.post(desk.path, json={}, headers=person.headers).status_code == status


def test_an_unverified_funder_previews_nothing_and_checks_all_it_likes(client: FlaskClient, session: Session) -> None:
    desk = Desk(session)
    session.get_one(Organisation, desk.funder.id).verification = "unverified"
    session.commit()

    refused = client.post(desk.path, json={}, headers=desk.edits.headers)
    assert (refused.status_code, refused.json["code"]) == (403, "organisation-not-verified")
    assert post(client, "/v1/criteria/check", desk.edits, {"criteria": tree()})["findings"] == []


def test_another_s_programme_is_not_there(client: FlaskClient, session: Session) -> None:
    desk = Desk(session)

    assert client.post(desk.path, json={}, headers=desk.asks.headers).status_code == 404


# Checking alone


def test_criteria_are_checked_and_compiled_by_themselves(client: FlaskClient, session: Session) -> None:
    desk = Desk(session)
    body = {"criteria": tree(IN_ENGLAND), "stages": ["exploring"], "as_of": "2026-11-22"}

    told = post(client, "/v1/criteria/check", desk.asks, body)

    assert [leaf["code"] for leaf in told["tree"]["criteria"]] == ["STAGE", "CURRENCY", "NATION"]
    assert (told["as_of"], told["findings"], told["not_checked"]) == ("2026-11-22", [], [])


# The same as the lists


def test_previews_count_what_the_lists_show(client: FlaskClient, session: Session, exact: None) -> None:
    market = RandomMarket(session, Random(11)).fill(programmes=10, proposals=24, funders=4)
    compared = 0
    for programme, person in market.programmes:
        organisation = session.get_one(Organisation, programme.organisation_id)
        if organisation.verification == "suspended" or programme.current_criteria_version_id is None:
            continue
        editor = a_member(session, organisation, "editor")
        items = walk(client, person.headers, f"/v1/programmes/{programme.id}/matches", as_of=THE_DAY, limit=50)
        told = previewed(session, editor, programme)
        results = [item["result"] for item in items]
        assert (told["of"], told["counts"]) == (len(items), {each.value: results.count(each.value) for each in Result})
        for toll in told["criteria"]:
            for way in ("unmet", "unknown"):
                assert toll[way] == sum(toll["code"] in item[way] for item in items), (programme.id, toll)
        assert told["against_published"]["unchanged"] == len(items)
        compared += len(items)
    assert compared > 40


# Over shared facts alone


@pytest.mark.parametrize("slug", AUTHORED)
def test_an_unshared_fact_changes_no_byte_of_a_preview(session: Session, exact: None, slug: str) -> None:
    """Those values are compared that leave the shared facts (derived ones) the same; the numbers are exact here."""
    random = Random(f"preview {slug}")
    definition = REGISTRY[slug]
    desk = Desk(session, *some_criteria(random))
    listed = definition.type in {"choices", "areas"}
    value = a_value(random, definition)
    leaf = a_criterion("ORACLE", slug, "contains_any" if listed else "in", value if listed else [value])
    if definition.never_hard:
        leaf["level"] = "soft"
    asked = tree(leaf, {**leaf, "code": "ANSWERED", "op": "known", "value": True})
    if definition.assurable and not definition.never_hard:
        asked["criteria"].append({**leaf, "code": "SURE", "assurance": "verified"})
    others = {fact: held for fact, held in some_facts(random).items() if fact != slug}
    proposal = a_proposal(
        session,
        desk.group,
        desk.asks.id,
        {**others, slug: value},
        visibility="verified_funders",
        choices={slug: "confidential"},
    )
    shared = sharing_of(session, proposal.id, desk.funder.id).facts
    first = previewed(session, desk.edits, desk.programme, criteria=asked)
    own = {str(own_view(session, proposal.id).facts)}

    for number, other in enumerate([None, *(a_value(random, definition) for _ in range(2))], start=2):
        answers = others if other is None else {**others, slug: other}
        levels = {} if other is None or number % 2 else {slug: "verified"}
        published_again(session, proposal, desk.asks.id, answers, number, levels)
        if sharing_of(session, proposal.id, desk.funder.id).facts == shared:
            own.add(str(own_view(session, proposal.id).facts))
            assert previewed(session, desk.edits, desk.programme, criteria=asked) == first

    assert first["of"] == 1
    assert len(own) > 1 or slug in ("area_code", "sector")


def test_a_proposal_out_of_sight_counts_nowhere(session: Session, exact: None) -> None:
    desk = Desk(session, IN_ENGLAND)
    desk.proposals(2, {"lead_nation": "england"})
    before = previewed(session, desk.edits, desk.programme)

    desk.proposals(1, {"lead_nation": "england"}, visibility="private")
    desk.proposals(1, {"lead_nation": "england"}, published=False)
    desk.proposals(1, {"lead_nation": "england"}, visibility="verified_funders", excluded=[desk.funder.id])

    assert previewed(session, desk.edits, desk.programme) == before
    assert before["of"] == 2


# Bounds


def test_only_the_newest_proposals_are_looked_at_past_the_cap(
    client: FlaskClient, session: Session, exact: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(session, IN_ENGLAND)
    desk.proposals(4, {"lead_nation": "wales"})
    desk.proposals(2, {"lead_nation": "england"})
    monkeypatch.setattr(preview, "MOST_PROPOSALS", 3)

    told = previewed(session, desk.edits, desk.programme)

    assert (told["of"], told["capped"]) == (3, True)
    assert told["counts"] == {"eligible": 2, "needs_information": 0, "ineligible": 1}
    monkeypatch.setattr(preview, "MOST_PROPOSALS", 6)
    assert (previewed(session, desk.edits, desk.programme)["of"], told["capped"]) == (6, True)
    assert previewed(session, desk.edits, desk.programme)["capped"] is False


def test_many_criteria_are_compared_with_fewer_proposals(
    session: Session, exact: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(session, IN_ENGLAND, FEW_STAFF)
    desk.proposals(5, {"lead_nation": "england"})
    monkeypatch.setattr(preview, "MOST_COMPARISONS", 3 * 4)

    told = previewed(session, desk.edits, desk.programme)

    assert (told["of"], told["capped"]) == (4, True)


def test_more_proposals_and_criteria_ask_the_database_no_more_often(client: FlaskClient, session: Session) -> None:
    desk = Desk(session, IN_ENGLAND)
    few = statements(client, desk, {})
    desk.proposals(8, {"lead_nation": "england"})
    more = [a_criterion(f"C{number}", "staff_count", "gte", number) for number in range(40)]

    assert statements(client, desk, {"criteria": tree(*more)}) == few


def statements(client: FlaskClient, desk: Desk, body: dict[str, Any]) -> int:
    made: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        made.append(statement)

    with client.application.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        post(client, desk.path, desk.edits, body)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(made)


def test_the_most_criteria_are_previewed(client: FlaskClient, session: Session) -> None:
    desk = Desk(session)
    desk.proposals(6, {"lead_nation": "england", "staff_count": 3})
    most = [a_criterion(f"C{number}", "staff_count", "gte", number) for number in range(195)]

    told = post(client, desk.path, desk.edits, {"criteria": tree(*most)})

    assert len(told["criteria"]) == 196
    assert told["criteria"][-1]["unmet"] == SOME
