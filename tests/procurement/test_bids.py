"""Bids over HTTP: outcomes with their grounds, surety that no guarantee covers twice, and who reads them."""

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from marketplace.procurement.queries import bids_lost_on_surety, won_again
from marketplace.proposals.models import Proposal
from marketplace.values.clock import today
from tests.pipeline.scene import Scene
from tests.pledges.scene import ASK
from tests.procurement.asking import a_bid, bid, bidden, change, codes, lost, pointers, won
from tests.repayments.scene import a_part, a_repayable_scene

ENDS = date(2029, 3, 1)


def test_a_bid_is_read_by_the_group_and_by_those_who_pledged(scene: Scene) -> None:
    made = bid(scene)

    assert made.status_code == 201, made.json
    assert (made.json["outcome"], made.json["contract_value"]["amount"]) == (None, 1_200_000_00)
    for who in ("nurse", "viewer", "officer"):
        assert [each["id"] for each in scene.read("/bids", who).json["data"]] == [made.json["id"]]
        path = f"/v1/bids/{made.json['id']}"
        assert scene.client.get(path, headers=scene.people[who].headers).json == made.json
    for who in ("director", "buyer", "adviser", "stranger"):
        assert codes(scene.read("/bids", who)) == (404, "not-found")
        assert codes(scene.client.get(path, headers=scene.people[who].headers)) == (404, "not-found")


def test_only_those_of_the_group_who_write_record_bids_and_outcomes(scene: Scene) -> None:
    made = bidden(scene)

    assert codes(bid(scene, "viewer"))[0] == 403
    assert codes(bid(scene, "officer"))[0] == codes(bid(scene, "stranger"))[0] == 404
    body = {"outcome": "withdrawn", "decided_on": "2026-02-01"}
    path = f"/v1/bids/{made}/outcome"
    assert codes(change(scene, path, body, "viewer"))[0] == 403
    assert codes(change(scene, path, body, "officer"))[0] == 404
    assert codes(change(scene, path, body, "stranger"))[0] == 404
    assert change(scene, path, body, "editor").status_code == 200


def test_an_outcome_is_put_by_who_has_seen_the_bid_and_can_be_corrected(scene: Scene) -> None:
    made = bidden(scene)
    seen = scene.client.get(f"/v1/bids/{made}", headers=scene.people["nurse"].headers).headers["ETag"]
    assert lost(scene, made, "price", "financial_standing").json["lost_on"] == ["price", "financial_standing"]

    body = {"outcome": "withdrawn", "decided_on": "2026-02-01"}
    stale = change(scene, f"/v1/bids/{made}/outcome", body, etag=seen)
    assert stale.status_code == 412

    corrected = won(scene, made, ENDS)
    assert corrected.status_code == 200, corrected.json
    told = {name: corrected.json[name] for name in ("outcome", "lost_on", "ends_on")}
    assert told == {"outcome": "won", "lost_on": [], "ends_on": "2029-03-01"}


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"outcome": "lost"}, ["#/lost_on"]),
        ({"outcome": "lost", "lost_on": ["other"]}, ["#/words"]),
        ({"outcome": "withdrawn", "lost_on": ["price"]}, ["#/lost_on"]),
        ({"outcome": "won"}, ["#/starts_on", "#/ends_on"]),
        ({"outcome": "won", "starts_on": "2026-04-01", "ends_on": "2026-03-31"}, ["#/ends_on"]),
        ({"outcome": "withdrawn", "ends_on": "2027-03-31"}, ["#/ends_on"]),
        ({"outcome": "withdrawn", "decided_on": "2026-01-09"}, ["#/decided_on"]),
        ({"outcome": "withdrawn", "decided_on": (today() + timedelta(days=1)).isoformat()}, ["#/decided_on"]),
        ({"outcome": "lost", "lost_on": ["price", "price"]}, ["#/lost_on"]),
    ],
)
def test_an_outcome_that_contradicts_itself_is_refused_with_every_fault(
    scene: Scene, wrong: dict[str, Any], expected: list[str]
) -> None:
    made = bidden(scene)
    answer = change(scene, f"/v1/bids/{made}/outcome", {"decided_on": "2026-02-01"} | wrong)

    assert answer.status_code == 422
    assert pointers(answer) == expected
    assert scene.client.get(f"/v1/bids/{made}", headers=scene.people["nurse"].headers).json["outcome"] is None


def demand(scene: Scene, made: str, *sureties: dict[str, Any]) -> TestResponse:
    return change(scene, f"/v1/bids/{made}/sureties", {"sureties": list(sureties)})


def surety(amount: int = 10_000_000_00, covered_by: str = "none", **members: Any) -> dict[str, Any]:
    return {"kind": "performance_bond", "amount": amount, "covered_by": covered_by, **members}


def test_sureties_are_replaced_as_a_whole_and_say_who_stands_behind_them(scene: Scene) -> None:
    made = bidden(scene)

    told = demand(scene, made, surety(), surety(5, "insurer", kind="pension_bond"))
    assert [(each["amount"], each["covered"]) for each in told.json["sureties"]] == [(10_000_000_00, False), (5, True)]
    assert demand(scene, made).json["sureties"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        surety(covered_by="pledge"),
        surety(covered_by="pledge", pledge_id=str(uuid4())),
        surety(pledge_id=str(uuid4())),
    ],
)
def test_a_surety_names_a_pledge_of_this_proposal_exactly_where_one_covers_it(
    scene: Scene, wrong: dict[str, Any]
) -> None:
    made = bidden(scene)

    assert pointers(demand(scene, made, surety(), wrong)) == ["#/sureties/1/pledge_id"]


class Tendering:
    """A group to which a guarantee was pledged, and its bids."""

    def __init__(self, session: Session, client: FlaskClient) -> None:
        self.scene = a_repayable_scene(session, client)
        terms = {"covers": "A performance bond", "beneficiary": "Leeds Council", "expires_on": str(today())}
        self.pledge = self.scene.signed(parts=[a_part("guarantee", terms, ASK)])
        self.headers = self.scene.nurse.headers

    def bid(self) -> str:
        made = self.scene.do(self.scene.nurse, f"/proposals/{self.scene.proposal.id}/bids", a_bid())
        assert made.status_code == 201, made.json
        return str(made.json["id"])

    def put(self, path: str, body: Any) -> TestResponse:
        at = path.rpartition("/")[0]
        etag = self.scene.client.get(f"/v1{at}", headers=self.headers).headers["ETag"]
        return self.scene.client.put(f"/v1{path}", json=body, headers=self.headers | {"If-Match": etag})

    def cover(self, bid_id: str, *amounts: int) -> TestResponse:
        sureties = [surety(each, "pledge", pledge_id=self.pledge) for each in amounts]
        return self.put(f"/bids/{bid_id}/sureties", {"sureties": sureties})

    def end(self, bid_id: str, outcome: str) -> TestResponse:
        body: dict[str, Any] = {"outcome": outcome, "decided_on": "2026-02-01"}
        body |= {"lost_on": ["price"]} if outcome == "lost" else {"starts_on": "2026-03-01", "ends_on": str(ENDS)}
        return self.put(f"/bids/{bid_id}/outcome", body)


@pytest.fixture
def tendering(session: Session, client: FlaskClient) -> Tendering:
    return Tendering(session, client)


def test_a_pledged_guarantee_covers_sureties_up_to_its_amount_and_no_penny_more(tendering: Tendering) -> None:
    made = tendering.bid()

    assert pointers(tendering.cover(made, ASK - 1, 2)) == ["#/sureties/1/amount"]
    told = tendering.cover(made, ASK - 1, 1)
    assert [each["covered"] for each in told.json["sureties"]] == [True, True]


def test_a_guarantee_that_one_live_bid_counts_on_covers_no_other_until_that_bid_is_lost(tendering: Tendering) -> None:
    first, second = tendering.bid(), tendering.bid()
    assert tendering.cover(first, ASK).status_code == 200
    assert pointers(tendering.cover(second, 1)) == ["#/sureties/0/amount"]

    assert tendering.end(first, "lost").status_code == 200
    assert tendering.cover(second, ASK).status_code == 200

    assert pointers(tendering.end(first, "won")) == ["#/sureties/0/amount"], "won after all, it would need the cover"


def test_a_surety_is_covered_no_longer_once_the_pledge_has_ended(tendering: Tendering) -> None:
    made = tendering.bid()
    tendering.cover(made, ASK)
    scene = tendering.scene

    ended = scene.do(scene.officer, f"/pledges/{tendering.pledge}/termination", {"reason": "It cannot go on"})
    assert ended.status_code == 200, ended.json

    told = scene.read(scene.nurse, f"/bids/{made}")
    assert [each["covered"] for each in told.json["sureties"]] == [False]


def test_reports_count_bids_lost_for_want_of_a_surety_and_contracts_won_again(scene: Scene) -> None:
    first, second, third, fourth = (bidden(scene, occasion=each) for each in ("re_tender", *["new_contract"] * 3))
    demand(scene, second, surety(), surety(7, "own_means"))
    demand(scene, fourth, surety())
    lost(scene, second, "financial_standing")
    lost(scene, third, "financial_standing")
    lost(scene, fourth, "price")
    these, others = select(Proposal.id), select(Proposal.id).where(Proposal.id != scene.proposal.id)

    assert bids_lost_on_surety(scene.session, these) == 1
    assert bids_lost_on_surety(scene.session, others) == 0
    assert scene.session.scalars(these.where(won_again(Proposal.id))).all() == []
    won(scene, first, ENDS)
    assert scene.session.scalars(these.where(won_again(Proposal.id))).all() == [scene.proposal.id]
