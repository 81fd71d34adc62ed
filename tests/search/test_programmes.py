"""Programmes are found by every filter, or not; counted by every facet; refused where nothing could be meant."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from marketplace.search.programmes import FACETS, SORT_KEYS
from marketplace.search.schemas import PROGRAMME_FILTERS
from marketplace.values.clock import today
from tests.builders import a_member, an_organisation
from tests.matching.builders import a_criterion, a_programme
from tests.search.asking import answer, found, refused

PROGRAMMES = "/v1/programmes"
YESTERDAY, TODAY, TOMORROW = (str(today() + timedelta(days=days)) for days in (-1, 0, 1))
CASES: dict[str, tuple[str, str]] = {
    "status": ("open,closed", "announced"),
    "instrument": ("grant,equity", "equity"),
    "stage": ("exploring", "set_up,growth"),
    "open_on": (TODAY, TOMORROW),
    "currency": ("EUR,USD", "GBP"),
    "ask": ("2000000EUR", "2000001EUR"),
    "ticket_max.gte": ("500EUR", "501EUR"),
    "organisation_kind": ("intermediary", "funder"),
    "funder_kind": ("lottery,foundation", "lottery"),
    "wholesale": ("false", "true"),
    "public_money": ("true", "false"),
    "recycles": ("true", "false"),
    "has_budget": ("false", "true"),
    "historical_example": ("true", "false"),
    "opens_on.gte": (YESTERDAY, TODAY),
    "opens_on.lte": (YESTERDAY, str(today() - timedelta(days=2))),
    "closes_on.gte": (TODAY, TOMORROW),
    "closes_on.lte": (TODAY, YESTERDAY),
    "published_on.gte": (TODAY, TOMORROW),
    "published_on.lte": (TODAY, YESTERDAY),
    "place": ("Leeds", "York"),
    "area": ("E08000035", "E12000003"),
    "q": ("fledgling", "fledgling -leeds"),
}
"""For each filter a value that finds the one programme there is, and one that does not."""


def the_programme(session: Session) -> Any:
    funder = an_organisation(session, kind="intermediary", name="The Fund", funder_kinds=["foundation"])
    return a_programme(
        session,
        funder,
        a_member(session, funder).id,
        a_criterion("PLACE", "areas", "contains_any", ["E08000035"]),
        title="Money for fledgling mutuals",
        instruments=["grant"],
        stages=["exploring"],
        currency="EUR",
        ask_min=100,
        ask_max=2_000_000,
        ticket_max=500,
        opens_on=today() - timedelta(days=1),
        closes_on=today(),
        public_money=True,
        recycles=True,
        historical_example=True,
    )


@pytest.mark.parametrize("parameter", CASES)
def test_every_filter_finds_and_leaves_out(client: FlaskClient, session: Session, parameter: str) -> None:
    programme = the_programme(session)
    finds, leaves_out = CASES[parameter]

    assert found(client, PROGRAMMES, **{parameter: finds}) == [str(programme.id)]
    assert found(client, PROGRAMMES, **{parameter: leaves_out}) == []


def test_the_filters_that_name_another_thing_find_and_leave_out(client: FlaskClient, session: Session) -> None:
    funder, other = an_organisation(session, kind="funder"), an_organisation(session, kind="wholesale_vehicle")
    wholesale = a_programme(session, other, a_member(session, other).id)
    funded = a_programme(session, funder, a_member(session, funder).id, funded_by_programme_id=wholesale.id)

    assert found(client, PROGRAMMES, organisation_id=str(other.id)) == [str(wholesale.id)]
    assert found(client, PROGRAMMES, wholesale="true") == [str(wholesale.id)]
    assert found(client, PROGRAMMES, funded_by_programme_id=str(wholesale.id)) == [str(funded.id)]
    assert found(client, PROGRAMMES, funded_by_programme_id=str(funded.id)) == []


def test_no_filter_is_without_a_test() -> None:
    assert set(CASES) | {"organisation_id", "funded_by_programme_id"} == {*PROGRAMME_FILTERS, "q"}


def test_what_a_programme_leaves_open_is_found_by_every_instrument_and_stage(
    client: FlaskClient, session: Session
) -> None:
    funder = an_organisation(session, kind="funder")
    programme = a_programme(session, funder, a_member(session, funder).id, instruments=[], stages=[])

    assert found(client, PROGRAMMES, instrument="equity", stage="renewal") == [str(programme.id)]


def test_a_place_finds_what_its_groups_are_not_turned_away_from(client: FlaskClient, session: Session) -> None:
    funder = an_organisation(session, kind="funder")
    by = a_member(session, funder).id
    anywhere = a_programme(session, funder, by, title="Anywhere")
    england = a_programme(session, funder, by, a_criterion("A", "beneficiary_nation", "eq", "england"), title="England")
    outside = a_programme(
        session, funder, by, {"not": a_criterion("A", "areas", "contains_any", ["E12000003"])}, title="Not Yorkshire"
    )
    leeds = a_programme(session, funder, by, a_criterion("A", "areas", "contains_any", ["E08000035"]), title="Leeds")

    def serving(name: str) -> set[str]:
        return set(found(client, PROGRAMMES, place=name))

    assert serving("Leeds") == {str(each.id) for each in (anywhere, england, leeds)}
    assert serving("Manchester") == {str(each.id) for each in (anywhere, england, outside)}
    assert serving("Scotland") == {str(each.id) for each in (anywhere, outside)}


def test_drafts_are_found_by_their_members_alone_and_by_what_they_say(client: FlaskClient, session: Session) -> None:
    funder = an_organisation(session, kind="funder")
    member, stranger = a_member(session, funder), a_member(session, an_organisation(session, kind="funder"))
    draft = a_programme(
        session, funder, member.id, title="Unheard of", published=False, instruments=["equity"], ask_max=1_000
    )
    own = {"organisation_id": str(funder.id)}

    for asked in ({"q": "unheard"}, {"instrument": "equity"}, {"status": "draft"}, {"ask": "1000GBP"}, {"q": "equity"}):
        assert found(client, PROGRAMMES, member, **own, **asked) == [str(draft.id)], asked
        assert found(client, PROGRAMMES, stranger, **own, **asked) == []
        assert found(client, PROGRAMMES, member, **asked) == []
    assert found(client, PROGRAMMES, member, **own, ask="1001GBP") == []


def test_facets_count_the_whole_result_each_without_its_own_filter(client: FlaskClient, session: Session) -> None:
    funder = an_organisation(session, kind="funder")
    by = a_member(session, funder).id
    for number in range(4):
        a_programme(
            session,
            funder,
            by,
            instruments=[[], ["grant"], ["grant", "equity"], ["equity"]][number],
            stages=[[], ["exploring"]][number % 2],
            public_money=number == 0,
        )

    told = answer(client, PROGRAMMES, instrument="equity", public_money="false", facets=",".join(FACETS), limit="1")

    assert len(told["data"]) == 1
    for name in FACETS:
        others = {key: value for key, value in {"instrument": "equity", "public_money": "false"}.items() if key != name}
        counts = told["facets"][name]
        for each in [*(each for each in counts if each["count"]), counts[-1]]:
            assert each["count"] == len(found(client, PROGRAMMES, **others, **{name: each["value"]})), (name, each)
    counts = {each["value"]: each["count"] for each in told["facets"]["instrument"]}
    assert (counts["grant"], counts["equity"], counts["guarantee"]) == (2, 2, 0)


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        pytest.param({"place": "Atlantis"}, "place", id="no such place"),
        pytest.param({"place": "West Midlands"}, "place", id="several places"),
        pytest.param({"area": "E99999999"}, "area", id="no such code"),
        pytest.param({"area": "Leeds"}, "area", id="no code"),
        pytest.param({"q": "the"}, "q", id="a word that stands everywhere"),
        pytest.param({"q": "-"}, "q", id="no word"),
        pytest.param({"sort": "relevance"}, "sort", id="relevant to nothing"),
        pytest.param({"sort": "title,-title"}, "sort", id="a key twice"),
        pytest.param({"sort": "colour"}, "sort", id="no such key"),
        pytest.param({"sort": "title,opens_on,closes_on,ask_min,ask_max"}, "sort", id="more keys than there may be"),
        pytest.param({"facets": "title"}, "facets", id="no such facet"),
        pytest.param({"ask": "15000.00"}, "ask", id="no minor units"),
        pytest.param({"ask": "100XXX"}, "ask", id="no such currency"),
        pytest.param({"ask": "9999999999999999"}, "ask", id="more money than there is"),
        pytest.param({"public_money": "yes"}, "public_money", id="no flag"),
        pytest.param({"stage": "exploring,exploring"}, "stage", id="the same twice"),
        pytest.param({"instrument": "money"}, "instrument", id="no such slug"),
        pytest.param({"colour": "red"}, "colour", id="no such filter"),
        pytest.param({"fact.sector": "youth_services"}, "fact.sector", id="a group's fact"),
        pytest.param({name: "2026-01-01" for name in PROGRAMME_FILTERS if "_on" in name}
                     | {"q": "money", "place": "Leeds", "recycles": "true", "public_money": "true", "ask": "1",
                        "stage": "exploring"}, "query", id="more filters than there may be"),
    ],
)  # fmt: skip
def test_what_cannot_be_looked_for_is_refused_by_name(
    client: FlaskClient, session: Session, query: dict[str, str], parameter: str
) -> None:
    assert [name for name, _ in refused(client, PROGRAMMES, **query)] == [parameter]


def test_more_values_than_a_filter_takes_are_refused(client: FlaskClient) -> None:
    from marketplace.reference import codelists

    assert refused(client, PROGRAMMES, currency=",".join(codelists.slugs("currencies")[:21]))[0][0] == "currency"


def test_every_order_is_an_order(client: FlaskClient, session: Session) -> None:
    programme = the_programme(session)

    for key in SORT_KEYS:
        for way in (key, f"-{key}") if key != "relevance" else (key,):
            assert found(client, PROGRAMMES, sort=way, q="fledgling") == [str(programme.id)]
