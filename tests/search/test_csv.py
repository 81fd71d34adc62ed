"""The whole of any result as CSV: the same rows, the same sight, and no cell that a spreadsheet computes."""

import csv
import io
from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from marketplace.reference.facts import REGISTRY
from marketplace.values.money import Money
from marketplace.web import csv as web_csv
from marketplace.web.csv import cell
from tests.builders import Person, a_member, an_organisation
from tests.matching.builders import a_programme
from tests.search.asking import parameters
from tests.search.builders import a_proposal


def table(client: FlaskClient, path: str, who: Person | None = None, language: str = "en", **query: str) -> Any:
    headers = {**(who.headers if who else {}), "Accept": "text/csv", "Accept-Language": language}
    told = client.get(path, headers=headers, query_string=parameters(query))
    assert told.status_code == 200, told.text
    assert told.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    return list(csv.DictReader(io.StringIO(told.text)))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, ""),
        (True, "true"),
        (7, "7"),
        (date(2026, 11, 22), "2026-11-22"),
        (datetime(2026, 11, 22, 8, tzinfo=UTC), "2026-11-22T08:00:00Z"),
        (Money(1_500_050, "GBP"), "15000.50"),
        (Money(5, "GBP"), "0.05"),
        (Money(5, "JPY"), "5"),
        ({"en": "Money", "cy": "Arian"}, "Money"),
        (["grant", "equity"], "grant; equity"),
        ("=1+1", "'=1+1"),
        ("+44 20", "'+44 20"),
        ("-5", "'-5"),
        ("@sum", "'@sum"),
        ("\tx", "'\tx"),
        (["=1", "x"], "'=1; x"),
        ({"en": "=HYPERLINK()"}, "'=HYPERLINK()"),
    ],
)
def test_a_cell_is_plain_text_that_no_spreadsheet_computes(value: Any, written: str) -> None:
    assert cell(value) == written


def test_a_table_has_the_whole_result_in_its_order(
    client: FlaskClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_csv, "BATCH", 3)
    funder = an_organisation(session, kind="funder", name='The "Fund", Ltd')
    by = a_member(session, funder).id
    for number in range(8):
        a_programme(session, funder, by, title=f"Fund {number % 4}", public_money=number > 0, ask_max=1_000_050)

    rows = table(client, "/v1/programmes", sort="-title", public_money="true")

    assert [row["title"] for row in rows] == ["Fund 3"] * 2 + ["Fund 2"] * 2 + ["Fund 1"] * 2 + ["Fund 0"]
    listed = client.get("/v1/programmes?sort=-title&public_money=true").json["data"]
    assert [row["id"] for row in rows] == [item["id"] for item in listed]
    assert {row["organisation_name"] for row in rows} == {'The "Fund", Ltd'}
    assert {(row["ask_max"], row["currency"]) for row in rows} == {("10000.50", "GBP")}


def test_an_empty_result_is_a_header_alone(client: FlaskClient, session: Session) -> None:
    told = client.get("/v1/programmes", headers={"Accept": "text/csv"})

    assert told.text.startswith("id,title,summary,")
    assert told.text.count("\r\n") == 1
    assert 'filename="programmes.csv"' in told.headers["Content-Disposition"]
    assert "Accept" in told.headers["Vary"]


def test_labels_and_texts_come_in_the_caller_s_language(client: FlaskClient, session: Session) -> None:
    group, funder = an_organisation(session), an_organisation(session, kind="funder")
    looks = a_member(session, funder)
    made = a_programme(session, funder, looks.id, instruments=["grant", "equity"])
    made.title = {"en": "Money", "cy": "Arian"}
    a_proposal(session, group, a_member(session, group).id, {"sector": "youth_services", "area_code": "W06000015"})

    (english,), (welsh,) = (table(client, "/v1/programmes", language=tag) for tag in ("en", "cy"))
    assert (english["title"], welsh["title"]) == ("Money", "Arian")
    assert english["instruments"] == "grant; equity"
    assert english["instruments_label"] == "Grant; Equity"
    (row,) = table(client, "/v1/proposals", looks, language="cy")
    assert (row["nation"], row["nation_label"], row["sector_label"]) == ("wales", "Cymru", "Youth services")


def test_a_table_shows_what_the_list_shows(client: FlaskClient, session: Session) -> None:
    group, funder = an_organisation(session), an_organisation(session, kind="funder")
    owner, looks = a_member(session, group), a_member(session, funder, "viewer")
    facts = {"staff_count": 40, "mfa_received": {"amount": 12_345, "currency": "GBP"}, "cuts_threat": True}
    a_proposal(
        session,
        group,
        owner.id,
        facts,
        visibility="verified_funders",
        title="Secret",
        grants={funder.id: ["staff_count"]},
    )

    (theirs,) = table(client, "/v1/proposals", looks)
    (own,) = table(client, "/v1/proposals", owner)
    assert (theirs["title"], theirs["organisation_name"], own["title"]) == ("", "", "Secret")
    assert (theirs["fact.staff_count"], own["fact.staff_count"]) == ("40", "40")
    assert (theirs["fact.mfa_received"], own["fact.mfa_received"]) == ("", "123.45 GBP")
    assert (theirs["fact.cuts_threat"], own["fact.cuts_threat"]) == ("", "true")
    assert {f"fact.{slug}" for slug in REGISTRY} <= set(own)
    assert own["ask_amount"] == "10000.00"


def test_a_formula_in_a_title_is_disarmed_where_it_is_read(client: FlaskClient, session: Session) -> None:
    funder = an_organisation(session, kind="funder", name="@SUM(A1:A9)")
    a_programme(session, funder, a_member(session, funder).id, title="=cmd|' /C calc'!A0")

    (row,) = table(client, "/v1/programmes")

    assert (row["title"], row["organisation_name"]) == ("'=cmd|' /C calc'!A0", "'@SUM(A1:A9)")


@pytest.mark.parametrize("parameter", ["limit=5", "cursor=x", "facets=status", "languages=all"])
def test_what_means_nothing_for_a_whole_result_is_refused(client: FlaskClient, parameter: str) -> None:
    told = client.get(f"/v1/programmes?{parameter}", headers={"Accept": "text/csv"})

    assert told.status_code == 422
    assert told.json["errors"][0]["parameter"] == parameter.split("=")[0]


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html", "text/csv;q=0.5, application/json", ""])
def test_whoever_does_not_prefer_a_table_gets_json(client: FlaskClient, accept: str) -> None:
    assert client.get("/v1/programmes", headers={"Accept": accept}).is_json


def test_a_wrong_filter_is_refused_before_a_table_begins(client: FlaskClient) -> None:
    told = client.get("/v1/programmes?place=Atlantis", headers={"Accept": "text/csv"})

    assert (told.status_code, told.headers["Content-Type"]) == (422, "application/problem+json")
