"""Proposals are found by every filter over what the caller is shown; what is not shared is found by none."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from marketplace.reference import codelists
from marketplace.reference.facts import REGISTRY, FactDefinition
from marketplace.search.proposals import FACETS, SORT_KEYS
from marketplace.search.rules import BY_RANGE, LISTED
from marketplace.search.schemas import PROPOSAL_FILTERS
from marketplace.values.clock import today
from tests.builders import Person, a_member, an_organisation
from tests.matching.builders import the_employers_answer
from tests.search.asking import answer, found, refused
from tests.search.builders import a_proposal

PROPOSALS = "/v1/proposals"
YESTERDAY, TODAY, TOMORROW = (str(today() + timedelta(days=days)) for days in (-1, 0, 1))
LEEDS, YORKSHIRE, ENGLAND = "E08000035", "E12000003", "E92000001"
ASK = {"stage": "set_up", "currency": "EUR", "instruments": ["grant", "equity"], "amount": 2_000_000}
FACTS: dict[str, Any] = {
    "sector": "youth_services",
    "area_code": LEEDS,
    "parent_kind": "nhs_body",
    "registration": "registered",
    "legal_form": "cio",
    "mfa_received": {"amount": 500, "currency": "EUR"},
}
CASES: dict[str, tuple[str, str]] = {
    "stage": ("set_up,growth", "growth"),
    "sector": ("youth_services", "fire_rescue,housing_support"),
    "nation": ("england,wales", "wales"),
    "region": ("yorkshire_humber", "london"),
    "parent_kind": ("nhs_body", "local_authority"),
    "state": ("active", "withdrawn"),
    "ask.gte": ("2000000EUR", "2000001EUR"),
    "ask.lte": ("2000000EUR", "3000000GBP"),
    "currency": ("EUR,USD", "GBP"),
    "instrument": ("equity,guarantee", "guarantee"),
    "publicly_employed": ("true", "false"),
    "historical_example": ("true", "false"),
    "published_on.gte": (TODAY, TOMORROW),
    "published_on.lte": (TODAY, YESTERDAY),
    "place": ("Yorkshire and The Humber", "Wales"),
    "area": (ENGLAND, "W92000004"),
    "q": ("riverside grant leeds", "riverside -youth"),
}
"""For each filter a value that finds the one proposal there is, and one that does not."""


def a_funder(session: Session) -> Person:
    return a_member(session, an_organisation(session, kind="funder"), "viewer")


def one_value(definition: FactDefinition) -> tuple[Any, str, str]:
    """A value of the fact, the same in a query, and another in a query."""
    match definition.type:
        case "boolean":
            return True, "true", "false"
        case "choice" | "choices":
            held, *_, other = codelists.slugs(definition.codelist or "")
            return ([held] if definition.type in LISTED else held), held, other
        case "money":
            return {"amount": 500, "currency": "GBP"}, "500GBP", "500EUR"
        case "decimal":
            return "2.5", "2.50", "2.51"
        case "area":
            return LEEDS, LEEDS, "E06000014"
        case "areas":
            return [LEEDS], LEEDS, "E06000014"
        case "date":
            return "2026-11-22", "2026-11-22", "2026-11-23"
        case _:
            return 40, "40", "41"


@pytest.mark.parametrize("parameter", CASES)
def test_every_filter_finds_and_leaves_out(client: FlaskClient, session: Session, parameter: str) -> None:
    group = an_organisation(session)
    shared = {"area_code": "open"}
    made = a_proposal(
        session, group, a_member(session, group).id, FACTS, ask=ASK, choices=shared, historical_example=True
    )
    finds, leaves_out = CASES[parameter]
    funder = a_funder(session)

    assert found(client, PROPOSALS, funder, **{parameter: finds}) == [str(made.id)]
    assert found(client, PROPOSALS, funder, **{parameter: leaves_out}) == []


def test_no_filter_is_without_a_test() -> None:
    facts = {name for name in PROPOSAL_FILTERS if name.startswith("fact.")}

    assert set(CASES) | {"organisation_id"} == ({*PROPOSAL_FILTERS} - facts) | {"q"}


def test_every_fact_is_found_where_it_is_shared_and_nowhere_else(client: FlaskClient, session: Session) -> None:
    group, funder = an_organisation(session), a_funder(session)
    member = a_member(session, group)
    derived = {"ask", "ask_currency", "stage", "instruments_sought", "staff_publicly_employed", "employer_consent"}
    answered = {slug: one_value(each)[0] for slug, each in REGISTRY.items() if not each.derived}
    shared = dict.fromkeys((slug for slug, each in REGISTRY.items() if not each.derived), "open")
    made = a_proposal(session, group, member.id, answered, choices=shared)
    a_proposal(session, group, member.id, answered, choices=dict.fromkeys(shared, "confidential"))

    for slug, definition in REGISTRY.items():
        if slug in answered:
            _, same, other = one_value(definition)
            assert found(client, PROPOSALS, funder, **{f"fact.{slug}": same}) == [str(made.id)], slug
            assert found(client, PROPOSALS, funder, **{f"fact.{slug}": other}) == [], slug
            if definition.type in BY_RANGE:
                assert found(client, PROPOSALS, funder, **{f"fact.{slug}.gte": same}) == [str(made.id)], slug
                assert found(client, PROPOSALS, funder, **{f"fact.{slug}.lte": same}) == [str(made.id)], slug
                assert found(client, PROPOSALS, funder, **{f"fact.{slug}.gte": other}) == [], slug
        else:
            assert slug in derived or slug in made_of(answered), slug


def made_of(answered: dict[str, Any]) -> set[str]:
    """Facts that follow from answered ones, tested by the filters that have a name of their own, or below."""
    return {slug for slug, each in REGISTRY.items() if each.derived and set(each.derived_from) & {*answered, "ask"}}


def test_a_district_is_found_by_what_holds_it_as_closely_as_it_is_shared(client: FlaskClient, session: Session) -> None:
    group, funder = an_organisation(session), a_funder(session)
    member = a_member(session, group)
    leeds, hidden = (
        a_proposal(session, group, member.id, {"area_code": LEEDS}, choices=choices)
        for choices in ({"area_code": "open"}, {})
    )
    a_proposal(session, group, member.id, {"area_code": "W06000015"}, choices={"area_code": "open"})

    for code, places in ((LEEDS, [leeds]), ("E47000003", [leeds]), (YORKSHIRE, [hidden, leeds])):
        assert found(client, PROPOSALS, funder, area=code) == [str(each.id) for each in places]
    assert len(found(client, PROPOSALS, funder, area=ENGLAND)) == 2
    assert len(found(client, PROPOSALS, funder, place="United Kingdom")) == 3
    assert found(client, PROPOSALS, member, organisation_id=str(group.id), area=LEEDS) == [
        str(hidden.id),
        str(leeds.id),
    ]


def test_a_granted_fact_is_found_by_the_one_it_was_granted_to(client: FlaskClient, session: Session) -> None:
    group, funder = an_organisation(session), an_organisation(session, kind="funder")
    looks, other = a_member(session, funder, "viewer"), a_funder(session)
    owner = a_member(session, group)
    made = a_proposal(session, group, owner.id, {"staff_count": 40}, grants={funder.id: ["staff_count"]})

    for asked in ({"fact__staff_count": "40"}, {"fact__staff_count__gte": "1"}, {"fact__staff_count__lte": "99"}):
        assert found(client, PROPOSALS, looks, **asked) == [str(made.id)]
        assert found(client, PROPOSALS, owner, **asked) == [str(made.id)]
        assert found(client, PROPOSALS, other, **asked) == []


def test_a_consent_is_found_to_its_last_day_and_no_longer(client: FlaskClient, session: Session) -> None:
    group, employer = an_organisation(session), an_organisation(session, kind="public_body")
    by, funder = a_member(session, group).id, a_funder(session)
    standing, expired = (a_proposal(session, group, by) for _ in range(2))
    the_employers_answer(session, standing, employer, by, "explore", today())
    the_employers_answer(session, expired, employer, by, "explore", today() - timedelta(days=1))

    assert found(client, PROPOSALS, funder, fact__employer_consent="true") == [str(standing.id)]


def test_one_s_own_drafts_and_withdrawn_proposals_are_found_by_their_group(
    client: FlaskClient, session: Session
) -> None:
    group = an_organisation(session)
    member, funder = a_member(session, group), a_funder(session)
    draft = a_proposal(session, group, member.id, published=False, title="Unheard of")
    gone = a_proposal(session, group, member.id, title="Given up", withdrawn=True)
    own = {"organisation_id": str(group.id)}

    assert found(client, PROPOSALS, member, **own) == [str(gone.id), str(draft.id)]
    assert found(client, PROPOSALS, member, q="unheard") == [str(draft.id)]
    assert found(client, PROPOSALS, member, state="withdrawn") == [str(gone.id)]
    assert found(client, PROPOSALS, funder) == found(client, PROPOSALS, funder, q="unheard or given") == []
    assert client.get(PROPOSALS, headers=funder.headers, query_string=own).status_code == 404


def test_a_title_is_found_by_those_who_see_it_and_a_pseudonym_by_all(client: FlaskClient, session: Session) -> None:
    group, named = an_organisation(session, name="Heron trust"), an_organisation(session, kind="funder")
    member, by_name, funder = a_member(session, group), a_member(session, named), a_funder(session)
    made = a_proposal(
        session,
        group,
        member.id,
        {"sector": "youth_services"},
        visibility="verified_funders",
        named=[named.id],
        title="Kingfisher clubs",
    )
    ids = [str(made.id)]

    for words in ("kingfisher", "heron", "kingfisher youth grant"):
        assert found(client, PROPOSALS, member, q=words) == found(client, PROPOSALS, by_name, q=words) == ids
        assert found(client, PROPOSALS, funder, q=words) == []
    for words in (made.pseudonym, "youth exploring", "youth -kingfisher"):
        assert found(client, PROPOSALS, funder, q=words) == ids, words
    assert found(client, PROPOSALS, by_name, q="youth -kingfisher") == []


def test_small_counts_are_told_to_the_group_alone(client: FlaskClient, session: Session) -> None:
    group, funder = an_organisation(session), a_funder(session)
    member = a_member(session, group)
    for number in range(6):
        a_proposal(session, group, member.id, {"sector": "youth_services" if number else "fire_rescue"})

    def counts(who: Person, **query: str) -> dict[str, Any]:
        told = answer(client, PROPOSALS, who, facets="sector,historical_example", limit="1", **query)
        return {each.pop("value"): each for each in told["facets"]["sector"]}

    shown = counts(funder)
    assert shown["youth_services"] == {"at_least": 5}
    assert shown["fire_rescue"] == shown["housing_support"] == {"fewer_than": 5}
    own = counts(member, organisation_id=str(group.id))
    assert (own["youth_services"], own["fire_rescue"]) == ({"count": 5}, {"count": 1})
    assert counts(member, organisation_id=str(group.id), sector="fire_rescue") == own


def test_facets_count_what_the_filters_find(client: FlaskClient, session: Session) -> None:
    group = an_organisation(session)
    member = a_member(session, group)
    sectors = ["youth_services", "fire_rescue"]
    for number in range(4):
        facts = {"sector": sectors[number % 2], "area_code": [LEEDS, "W06000015"][number // 2]}
        a_proposal(
            session, group, member.id, facts, ask={**ASK, "stage": ["set_up", "exploring", "set_up"][number % 3]}
        )
    own, asked = {"organisation_id": str(group.id)}, {"stage": "set_up", "instrument": "equity"}

    told = answer(client, PROPOSALS, member, **own, **asked, facets=",".join(FACETS))["facets"]

    for name in FACETS:
        others = {key: value for key, value in asked.items() if key != name}
        for each in told[name]:
            if each["count"] or each is told[name][-1]:
                expected = found(client, PROPOSALS, member, **own, **others, **{name: each["value"]})
                assert each["count"] == len(expected), (name, each)


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        pytest.param({"fact.staff_count": "forty"}, "fact.staff_count", id="no number"),
        pytest.param({"fact.staff_count.gte": "1,2"}, "fact.staff_count.gte", id="two ends"),
        pytest.param({"fact.sector": "money"}, "fact.sector", id="no such slug"),
        pytest.param({"fact.sector.gte": "youth_services"}, "fact.sector.gte", id="a choice has no order"),
        pytest.param({"fact.turnover": "100.50"}, "fact.turnover", id="no minor units"),
        pytest.param({"fact.area_code": "E99999999"}, "fact.area_code", id="no such area"),
        pytest.param({"fact.colour": "red"}, "fact.colour", id="no such fact"),
        pytest.param({"fact.staff_count": ",".join(map(str, range(21)))}, "fact.staff_count", id="too many values"),
        pytest.param({"sort": "closes_on"}, "sort", id="a programme's key"),
    ],
)
def test_what_cannot_be_looked_for_is_refused_by_name(
    client: FlaskClient, session: Session, query: dict[str, str], parameter: str
) -> None:
    assert [name for name, _ in refused(client, PROPOSALS, a_funder(session), **query)] == [parameter]


def test_every_order_is_an_order(client: FlaskClient, session: Session) -> None:
    group, funder = an_organisation(session), a_funder(session)
    made = a_proposal(session, group, a_member(session, group).id, FACTS)

    for key in SORT_KEYS:
        for way in (key, f"-{key}") if key != "relevance" else (key,):
            assert found(client, PROPOSALS, funder, sort=way, q="grant") == [str(made.id)]
