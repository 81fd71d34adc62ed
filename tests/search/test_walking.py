"""Any order, any page size, any filter: walking gives each row once, in the order of one query, whatever comes in."""

from random import Random
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from marketplace.search import programmes, proposals
from marketplace.web import paging
from tests.builders import Person, a_member, an_organisation
from tests.matching.builders import a_programme
from tests.search.asking import answer, parameters, refused
from tests.search.builders import a_proposal

pytestmark = pytest.mark.slow

SOME = settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
DAYS = [None, "2026-01-01", "2026-06-30", "2026-12-31"]
TITLES = ["Alpha", "alpha", "Älpha", "Beta", "Šeta " * 30, "Šeta " * 30 + "end", "Ŵeta"]


def orders(keys: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Up to four different keys, each either way."""
    named = [key for key in keys if key != "relevance"]
    chosen = st.lists(st.sampled_from(named), min_size=1, max_size=4, unique=True)
    return chosen.flatmap(
        lambda names: st.tuples(*(st.sampled_from([name, f"-{name}"]) for name in names)).map(",".join)
    )


def walk(client: FlaskClient, path: str, who: Person, between: Any = None, **query: str) -> list[str]:
    """Every id, page by page; `between` is called between two pages."""
    ids: list[str] = []
    asked = dict(query)
    while True:
        told = answer(client, path, who, **asked)
        ids += [item["id"] for item in told["data"]]
        if not told["has_more"]:
            return ids
        asked = {**query, "cursor": told["next_cursor"]}
        if between is not None:
            between()


def some_programme(session: Session, random: Random, funder: Any, by: Any) -> Any:
    return a_programme(
        session,
        funder,
        by,
        title=random.choice(TITLES),
        opens_on=random.choice(DAYS[:2]),
        closes_on=random.choice([None, *DAYS[2:]]),
        ask_min=random.choice([None, 0, 5]),
        ask_max=random.choice([None, 10, 20]),
        ticket_max=random.choice([None, 1]),
        instruments=random.choice([[], ["grant"]]),
        public_money=random.random() < 0.5,
    )


def some_proposal(session: Session, random: Random, group: Any, by: Any) -> Any:
    return a_proposal(
        session,
        group,
        by,
        {
            slug: value
            for slug, value in {"sector": "youth_services", "area_code": "E08000035", "staff_count": 4}.items()
            if random.random() < 0.6
        },
        title=random.choice(TITLES),
        visibility=random.choice(["public", "verified_funders", "private"]),
        ask={"stage": random.choice(["exploring", "set_up"]), "amount": random.choice([1, 1, 5])},
        choices={"area_code": random.choice(["open", "confidential"])},
    )


@pytest.mark.parametrize("listed", ["programmes", "proposals"])
def test_walking_gives_each_row_once_in_the_order_of_one_query(
    client: FlaskClient, session: Session, listed: str
) -> None:
    random = Random(listed)
    funder, group = an_organisation(session, kind="funder"), an_organisation(session)
    looks, member = a_member(session, funder, "viewer"), a_member(session, group)
    for _ in range(24):
        if listed == "programmes":
            some_programme(session, random, funder, looks.id)
        else:
            some_proposal(session, random, group, member.id)
    keys = programmes.SORT_KEYS if listed == "programmes" else proposals.SORT_KEYS
    narrowed = st.sampled_from(
        [{}, {"instrument": "equity"}, {"public_money": "true"}, {"ask": "15"}]
        if listed == "programmes"
        else [{}, {"stage": "set_up"}, {"fact.sector": "youth_services"}, {"q": "grant"}]
    )
    path = f"/v1/{listed}"

    @SOME
    @given(order=orders(keys), size=st.integers(1, 9), query=narrowed, who=st.sampled_from([looks, member]))
    def walked(order: str, size: int, query: dict[str, str], who: Person) -> None:
        whole = [item["id"] for item in answer(client, path, who, sort=order, limit="100", **query)["data"]]

        assert walk(client, path, who, sort=order, limit=str(size), **query) == whole
        assert len(set(whole)) == len(whole)

    walked()


@pytest.mark.parametrize("listed", ["programmes", "proposals"])
def test_rows_that_come_in_meanwhile_move_no_other(client: FlaskClient, session: Session, listed: str) -> None:
    random = Random(listed)
    funder, group = an_organisation(session, kind="funder"), an_organisation(session)
    looks, member = a_member(session, funder, "viewer"), a_member(session, group)

    def comes_in() -> Any:
        if listed == "programmes":
            return some_programme(session, random, funder, looks.id)
        return some_proposal(session, random, group, member.id)

    there = {str(comes_in().id) for _ in range(9)}
    key = "ask_max" if listed == "programmes" else "ask"
    for order in ("title", f"-{key},title", f"{key},-title", "created_at"):
        standing = [each["id"] for each in answer(client, f"/v1/{listed}", member, sort=order, limit="100")["data"]]
        seen = walk(client, f"/v1/{listed}", member, comes_in, sort=order, limit="5")

        assert len(set(seen)) == len(seen)
        assert [each for each in seen if each in standing] == standing
        assert set(standing) >= there


@pytest.mark.parametrize(
    ("sort", "last"),
    [("closes_on", ["A", "B", None]), ("-closes_on", ["B", "A", None])],
)
def test_rows_without_a_value_stand_last_either_way(
    client: FlaskClient, session: Session, sort: str, last: list[Any]
) -> None:
    funder = an_organisation(session, kind="funder")
    looks = a_member(session, funder)
    for title, day in (("A", "2027-01-01"), ("B", "2027-02-01"), ("None", None)):
        a_programme(session, funder, looks.id, title=title, closes_on=day)

    told = answer(client, "/v1/programmes", sort=sort)["data"]

    assert [each["title"] if each["closes_on"] else None for each in told] == last


def test_a_list_goes_on_in_the_language_in_which_it_began(client: FlaskClient, session: Session) -> None:
    funder = an_organisation(session, kind="funder")
    by = a_member(session, funder).id
    for english, welsh in (("A", "C"), ("B", "B"), ("C", "A")):
        made = a_programme(session, funder, by)
        made.title = {"en": english, "cy": welsh}
    session.commit()

    def titles(language: str, **query: str) -> tuple[list[str], Any]:
        told = client.get("/v1/programmes", headers={"Accept-Language": language}, query_string=parameters(query)).json
        return [each["title"] for each in told["data"]], told["next_cursor"]

    first, cursor = titles("cy", sort="title", limit="1")
    assert first == ["A"]
    assert titles("cy", sort="title", limit="2", cursor=cursor)[0] == ["B", "C"]
    assert titles("en", sort="title", limit="2", cursor=cursor)[0] == ["B", "A"]


def test_a_cursor_belongs_to_its_order_and_filters_but_not_to_its_facets(client: FlaskClient, session: Session) -> None:
    funder = an_organisation(session, kind="funder")
    looks = a_member(session, funder)
    for title in ("A", "B", "C"):
        a_programme(session, funder, looks.id, title=title)
    told = answer(client, "/v1/programmes", sort="title", limit="1", facets="status")
    cursor = told["next_cursor"]

    assert answer(client, "/v1/programmes", sort="title", limit="1", cursor=cursor)["data"][0]["title"] == "B"
    assert "facets" not in answer(client, "/v1/programmes", sort="title", limit="1", cursor=cursor)
    assert refused(client, "/v1/programmes", sort="-title", cursor=cursor)[0][0] == "cursor"
    assert refused(client, "/v1/programmes", sort="title", stage="set_up", cursor=cursor)[0][0] == "cursor"


def test_a_cursor_of_another_release_is_refused(client: FlaskClient, session: Session) -> None:
    """Places have had another form; whoever kept one is told to begin again."""
    with client.application.test_request_context("/v1/programmes?sort=title"):
        old = paging._sealed([paging._binding(), ["01a20621-0035-74b7-a663-477492804bfe"]])

    assert refused(client, "/v1/programmes", sort="title", cursor=old)[0][0] == "cursor"
