"""Reports over HTTP: the same figures in three forms, small numbers told to nobody, hidden proposals of no effect."""

import csv
import io
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.insight import counting, reports
from marketplace.insight.tables import Basis
from marketplace.pipeline.models import ProposalPipeline, StageMove
from marketplace.proposals.models import Ask, Proposal, ProposalProjection, ProposalVersion
from marketplace.store.base import new_id
from tests.builders import a_person, an_organisation

SVG = "{http://www.w3.org/2000/svg}"
SLUGS = list(reports.KINDS)


class Market:
    """Proposals put straight into the tables: what a report counts of them, and nothing more."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.person = a_person(session).id
        self.group = an_organisation(session).id

    def proposal(self, stage: str = "feasibility", sector: str = "youth_services", **given: Any) -> UUID:
        """A published proposal with an open ask; public unless told otherwise."""
        id_, version_id, facts = new_id(), new_id(), given.get("facts", {"initiation": "bottom_up"})
        proposal = Proposal(
            id=id_,
            organisation_id=self.group,
            pseudonym=f"P-{id_.hex[-12:]}",
            title={"en": "A plan"},
            visibility=given.get("visibility", "public"),
            historical_example=given.get("historical", False),
            first_published_at=datetime(2025, 3, 1, tzinfo=UTC),
        )
        self.session.add(proposal)
        self.session.flush()
        version = ProposalVersion(
            id=version_id,
            proposal_id=id_,
            number=1,
            title={"en": "A plan"},
            facts=facts,
            ask={},
            published_by=self.person,
        )
        self.session.add(version)
        self.session.flush()
        proposal.current_version_id = version_id
        projection = ProposalProjection(
            proposal_id=id_,
            version_id=version_id,
            title={"en": "A plan"},
            stage=stage,
            currency="GBP",
            ask=given.get("amount", 10_000_00),
            sector=sector,
            region="london",
            facts=facts,
            open_facts=facts,
            open_slugs=sorted(facts),
        )
        ask = Ask(proposal_id=id_, stage=stage, currency="GBP", amount=given.get("amount", 10_000_00))
        pipeline = ProposalPipeline(proposal_id=id_, template="standard", template_version=1, stage=stage)
        self.session.add_all([projection, ask, pipeline])
        self.session.flush()
        return id_

    def moves(self, proposal_id: UUID, *stages: str, days: int = 30) -> None:
        """It came to each of those stages, so many days apart."""
        at = datetime(2025, 3, 1, tzinfo=UTC)
        for number, stage in enumerate(stages, 1):
            before = stages[number - 2] if number > 1 else None
            move = StageMove(
                proposal_id=proposal_id,
                number=number,
                kind="entered" if before is None else "forward",
                from_stage=before,
                to_stage=stage,
                conditions=[],
                by_user_id=self.person,
                created_at=at + timedelta(days=days * number),
            )
            self.session.add(move)
        self.session.flush()


@pytest.fixture
def market(session: Session) -> Market:
    return Market(session)


def rows_of(client: FlaskClient, slug: str, table: str, basis: str = "live") -> dict[str, Any]:
    told = client.get(f"/v1/market/reports/{slug}?basis={basis}").json
    found = next(each for each in told["tables"] if each["name"] == table)
    return {row["key"]: row for row in found["rows"]} | {"total": found["total"]}


@pytest.mark.parametrize("basis", ["live", "historical"])
@pytest.mark.parametrize("slug", SLUGS)
def test_every_report_is_there_as_json_csv_and_chart(client: FlaskClient, slug: str, basis: str) -> None:
    told = client.get(f"/v1/market/reports/{slug}?basis={basis}")
    listed = client.get(told.json["csv"])
    lines = list(csv.DictReader(io.StringIO(listed.text)))

    assert told.status_code == 200, told.json
    assert told.headers["Cache-Control"] == "public, max-age=300"
    assert listed.content_type.startswith("text/csv")
    assert {line["table"] for line in lines} == {each["name"] for each in told.json["tables"] if each["rows"]}
    again = client.get(told.request.path + f"?basis={basis}", headers={"If-None-Match": told.headers["ETag"]})
    assert again.status_code == 304
    assert basis == "live" or slug == "coverage" or told.json["sources"]


@pytest.mark.parametrize("slug", ["seed_gap", "survival"])
def test_a_chart_says_in_words_what_it_shows_and_is_the_same_bytes_again(client: FlaskClient, slug: str) -> None:
    drawn = client.get(f"/v1/market/reports/{slug}?basis=historical", headers={"Accept": "image/svg+xml"})
    root = ET.fromstring(drawn.data)
    named = root.attrib["aria-labelledby"].split()

    assert drawn.content_type == "image/svg+xml; charset=utf-8"
    assert root.attrib["role"] == "img"
    assert [root.find(f"{SVG}title").attrib["id"], root.find(f"{SVG}desc").attrib["id"]] == named  # type: ignore[union-attr]
    assert "public record" in (root.findtext(f"{SVG}desc") or "")
    assert "script" not in drawn.text
    from marketplace.insight import charts

    charts._KEPT.clear()
    assert client.get(f"/v1/market/reports/{slug}?basis=historical&format=svg").data == drawn.data


@pytest.mark.slow
@pytest.mark.parametrize("basis", ["live", "historical"])
@pytest.mark.parametrize("slug", SLUGS)
def test_every_chart_is_drawn(client: FlaskClient, slug: str, basis: str) -> None:
    drawn = client.get(f"/v1/market/reports/{slug}?basis={basis}&format=svg")

    assert drawn.status_code == 200
    assert ET.fromstring(drawn.data).tag == f"{SVG}svg"


def test_the_seed_gap_is_told_in_bands_and_small_cells_with_their_neighbours_not_at_all(
    client: FlaskClient, session: Session, market: Market
) -> None:
    counts = {"exploring": 3, "feasibility": 2, "business_case": 7, "decision": 6, "set_up": 5, "launched": 9}
    for stage, number in counts.items():
        for _ in range(number):
            market.proposal(stage)
    session.commit()
    rows = rows_of(client, "seed_gap", "stage")

    assert rows["business_case"]["values"]["count"] == {"at_least": 5, "at_most": 9}
    assert rows["business_case"]["values"]["sought"] == {"amount": 70_000_00, "currency": "GBP"}
    assert rows["exploring"]["suppressed"] == rows["feasibility"]["suppressed"] == ["count", "sought"]
    assert "launched" not in rows
    assert rows["total"]["values"]["count"] == {"at_least": 20, "at_most": 24}


def test_origins_compare_what_became_of_groups_by_threat_and_duty(
    client: FlaskClient, session: Session, market: Market
) -> None:
    for threatened, launched, waiting in ((True, 6, 5), (False, 7, 0), (None, 0, 5)):
        facts = {"statutory_duty": "no" if threatened else "yes"}
        facts |= {} if threatened is None else {"cuts_threat": threatened}
        for number in range(launched + waiting):
            made = market.proposal("launched" if number < launched else "decision", facts=facts)
            market.moves(made, "decision", *(["launched"] if number < launched else []))
    ended = market.proposal("wound_up", facts={"cuts_threat": True, "statutory_duty": "part"})
    market.moves(ended, "launched")
    session.commit()

    assert counting.fates_by_cuts_threat(session) == {
        "true": {"running": 6, "before_launch": 5, "wound_up": 1},
        "false": {"running": 7},
        "not_told": {"before_launch": 5},
    }
    assert counting.fates_by_statutory_duty(session) == {
        "no": {"running": 6, "before_launch": 5},
        "yes": {"running": 7, "before_launch": 5},
        "part": {"wound_up": 1},
    }
    rows = rows_of(client, "origins", "cuts_threat")
    assert rows["true"]["values"]["count"] == {"at_least": 10, "at_most": 14}
    assert rows["true"]["values"]["wound_up"] is None
    assert rows["false"]["values"]["count"] == {"at_least": 5, "at_most": 9}


@pytest.mark.parametrize("slug", SLUGS)
def test_no_report_changes_by_what_is_not_public_or_is_a_case_of_the_record(
    app: Flask, session: Session, market: Market, slug: str
) -> None:
    for _ in range(6):
        market.moves(market.proposal("launched"), "feasibility", "launched")
    session.flush()
    before = reports.make_report(session, slug, reports.Asked(Basis.LIVE))
    for hidden in ("private", "named", "verified_funders"):
        for _ in range(6):
            proposal = market.proposal("launched", "arts_culture", visibility=hidden, facts={"initiation": "top_down"})
            market.moves(proposal, "feasibility", "launched", days=300)
            market.proposal("feasibility", "arts_culture", visibility=hidden)
    for _ in range(6):
        market.moves(market.proposal("launched", historical=True), "feasibility", "launched")

    assert reports.make_report(session, slug, reports.Asked(Basis.LIVE)) == before


def test_time_in_a_stage_is_told_of_five_stays_and_more(client: FlaskClient, session: Session, market: Market) -> None:
    for _ in range(11):
        market.moves(market.proposal("launched"), "set_up", "launched")
    for _ in range(6):
        market.moves(market.proposal("set_up"), "set_up")
    session.commit()
    rows = rows_of(client, "funnel", "stage")

    assert rows["set_up"]["values"]["went_on"] is None or rows["set_up"]["values"]["days"] == 30
    assert counting.stays(session)["set_up"] | {"days_so_far": None} == {
        "count": 17,
        "went_on": 11,
        "days": 30,
        "days_so_far": None,
    }
    assert counting.days_to_launch(session)["median"] == 60
    assert counting.launches(session) == {"2025": 11}


def test_an_end_counts_where_the_proposal_was_public(session: Session, market: Market) -> None:
    for visibility in ("public", "public", "named"):
        ended = market.proposal("launched", visibility=visibility)
        market.moves(ended, "launched")
        session.get_one(ProposalPipeline, ended).stage = "returned_in_house"
        proposal = session.get_one(Proposal, ended)
        proposal.state, proposal.withdrawn_at = "withdrawn", func.now()
    market.moves(market.proposal("launched"), "launched")
    session.flush()

    assert counting.fates(session) == {"returned_in_house": {"count": 2}, "running": {"count": 1}}
    assert session.scalar(select(func.count()).select_from(Proposal)) == 4


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ("/market/reports/nothing", 404, "no-such-report"),
        ("/market/reports/funnel?market=5", 422, "not-for-this-report"),
        ("/market/reports/adoption?market=500", 422, "not-for-this-report"),
        ("/market/reports/adoption?basis=historical&market=5", 422, "market-too-small"),
        ("/market/reports/coverage?from=2026-13", 422, None),
        ("/market/reports/coverage?from=٢٠٢٦-01", 422, None),
        ("/market/reports/funnel?format=pdf", 422, None),
        ("/market/diffusion?market=114", 422, "market-too-small"),
    ],
)
def test_what_a_report_cannot_be_asked_is_refused_by_name(
    client: FlaskClient, target: str, status: int, code: str | None
) -> None:
    refused = client.get(f"/v1{target}")

    assert refused.status_code == status, refused.json
    assert code is None or refused.json["code"] == code


def test_the_page_of_charts_is_written_by_its_command(app: Flask, tmp_path: Any) -> None:
    ended = app.test_cli_runner().invoke(args=["report-charts", str(tmp_path)])
    page = (tmp_path / "market.md").read_text()

    assert ended.exit_code == 0, ended.output
    for slug in (*SLUGS, "scenarios"):
        assert f"charts/{slug}.svg" in page
        assert (tmp_path / "charts" / f"{slug}.svg").read_bytes().startswith(b"<?xml")
