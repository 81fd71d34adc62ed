"""Several funders around one ask, over HTTP: lines, outside awards, conditions, pools, subsidy control."""

from datetime import date, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from marketplace.ledger.reconciliation import reconcile
from marketplace.pledges.commitments import record_lapses
from marketplace.pledges.condition_models import PledgeCondition, PledgeSubsidy
from marketplace.pledges.models import Pledge
from marketplace.proposals import service as proposals
from marketplace.proposals.models import Ask
from marketplace.proposals.rules import AskBelowPledged
from marketplace.store.journal import Event
from marketplace.values.clock import today
from tests.builders import Person, a_member, an_organisation
from tests.pledges.scene import Scene, a_funded_programme, a_scene
from tests.proposals.builders import seen, share

pytestmark = pytest.mark.slow

LEGAL, HR, OTHER = 4_000_00, 3_000_00, 3_000_00
LINES = [
    {"purpose": "legal", "description": None, "amount": LEGAL},
    {"purpose": "hr", "description": None, "amount": HR},
    {"purpose": "other", "description": None, "amount": OTHER},
]
LATER = (today() + timedelta(days=20)).isoformat()
LOANS = ["grant", "in_kind_support", "loan_unsecured"]


@pytest.fixture
def scene(session: Session, client: FlaskClient) -> Scene:
    return a_scene(session, client, lines=LINES, sought=LOANS, programme={"instruments": LOANS})


class Rival:
    """Another funder with a programme, who offers to the same ask."""

    def __init__(self, scene: Scene, name: str = "Second Fund", **programme: Any) -> None:
        self.scene = scene
        self.funder = an_organisation(scene.session, kind="funder", name=name)
        values = {"instruments": LOANS, "tranche_template": []} | programme
        self.programme = a_funded_programme(scene.session, self.funder, 100_000_00, **values)
        self.officer = a_member(scene.session, self.funder, "editor")

    def offered(self, amount: int, instrument: str = "grant", **members: Any) -> str:
        parts = [{"instrument": instrument, "amount": amount}]
        body = {"programme_id": str(self.programme.id), "proposal_id": str(self.scene.proposal.id), "parts": parts}
        made = self.scene.do(self.officer, "/pledges", body | members)
        assert made.status_code == 201, made.json
        pledge = str(made.json["id"])
        answer = self.scene.do(self.officer, f"/pledges/{pledge}/offer", {"expires_on": LATER})
        assert answer.status_code == 200, answer.json
        return pledge

    def accepted(self, amount: int, instrument: str = "grant", **members: Any) -> str:
        pledge = self.offered(amount, instrument, **members)
        answer = self.scene.accept(pledge)
        assert answer.status_code == 200, answer.json
        return pledge

    def withdraw(self, pledge: str) -> TestResponse:
        return self.scene.do(self.officer, f"/pledges/{pledge}/withdrawal", {"reason": "No."})


def line_ids(scene: Scene) -> list[str]:
    ask = scene.read(scene.nurse, f"/proposals/{scene.proposal.id}").json["asks"][0]
    return [line["id"] for line in ask["lines"]]


def deal(scene: Scene, person: Person | None = None) -> Any:
    answer = scene.read(person or scene.nurse, f"/proposals/{scene.proposal.id}/deal")
    assert answer.status_code == 200, answer.json
    return answer.json


def gaps(scene: Scene, person: Person | None = None) -> list[int]:
    return [line["open_gap"] for line in deal(scene, person)["lines"]]


def declare(scene: Scene, amount: int, **members: Any) -> TestResponse:
    body = {
        "funder_name": "Town lottery",
        "instrument": "grant",
        "amount": {"amount": amount, "currency": "GBP"},
        "awarded_on": today().isoformat(),
        "is_subsidy": False,
    }
    return scene.do(scene.nurse, f"/proposals/{scene.proposal.id}/outside-awards", body | members)


def take_back(scene: Scene, award: Any) -> TestResponse:
    path = f"/v1/proposals/{scene.proposal.id}/outside-awards/{award['id']}"
    tag = scene.client.get(path, headers=scene.nurse.headers).headers["ETag"]
    sent = scene.nurse.headers | {"Idempotency-Key": f"take back {award['id']}", "If-Match": tag}
    return scene.client.delete(path, headers=sent)


def threshold(amount: int, **members: Any) -> dict[str, Any]:
    return {"kind": "threshold", "amount": amount, "by": LATER} | members


def codes(answer: Any) -> list[str]:
    return [reason["code"] for reason in answer.json["reasons"]]


def state(scene: Scene, pledge: str) -> str:
    return str(scene.read(scene.nurse, f"/pledges/{pledge}").json["state"])


def the_day_passes(session: Session) -> None:
    """Every threshold's last day was yesterday."""
    yesterday = today() - timedelta(days=1)
    session.execute(update(PledgeCondition).where(PledgeCondition.kind == "threshold").values(by=yesterday))
    session.execute(update(Pledge).where(Pledge.lapses_on.is_not(None)).values(lapses_on=yesterday))
    session.commit()
    session.expire_all()


# Lines


def test_an_acceptance_fills_the_open_lines_in_order(scene: Scene) -> None:
    pledge = scene.accepted(5_000_00)

    assert gaps(scene) == [0, 2_000_00, OTHER]
    paid = [line["amount"] for line in scene.read(scene.nurse, f"/pledges/{pledge}").json["lines"]]
    assert sorted(paid) == [1_000_00, 4_000_00]
    assert reconcile(scene.session) == []


def test_a_pledge_pays_the_lines_that_it_names(scene: Scene) -> None:
    legal, _, other = line_ids(scene)
    named = [{"line": other, "amount": 2_000_00}, {"line": legal, "amount": 1_000_00}]

    scene.accepted(3_000_00, lines=named)

    assert gaps(scene) == [LEGAL - 1_000_00, HR, OTHER - 2_000_00]


def test_a_line_is_never_paid_twice_and_the_refusal_names_it(scene: Scene) -> None:
    legal = line_ids(scene)[0]
    both = [{"line": legal, "amount": LEGAL}]
    first, second = scene.offered(LEGAL, lines=both), scene.offered(LEGAL, lines=both)
    assert scene.accept(first).status_code == 200

    answer = scene.accept(second)

    assert (answer.status_code, answer.json["code"]) == (409, "ask-already-funded")
    assert (answer.json["line"], answer.json["purpose"], answer.json["open_gap"]) == (legal, "legal", 0)
    assert gaps(scene) == [0, HR, OTHER]
    assert reconcile(scene.session) == []


def test_an_offer_for_a_filled_line_names_the_line_among_its_reasons(scene: Scene) -> None:
    legal = line_ids(scene)[0]
    scene.accepted(1_000_00)

    answer = scene.offer(scene.drafted(LEGAL, lines=[{"line": legal, "amount": LEGAL}]))

    assert codes(answer) == ["LINE_GAP"]
    assert answer.json["reasons"][0]["wanted"] == {"line": legal, "amount": LEGAL - 1_000_00}


def test_lines_that_do_not_add_up_are_refused_with_their_places(scene: Scene) -> None:
    legal = line_ids(scene)[0]

    answer = scene.draft(5_00, lines=[{"line": legal, "amount": 1_00}, {"line": str(scene.group.id), "amount": 2_00}])

    assert (answer.status_code, answer.json["code"]) == (422, "lines-wrong")
    assert [fault["pointer"] for fault in answer.json["errors"]] == ["#/lines/1/line", "#/lines"]


def test_other_parts_need_other_lines(scene: Scene) -> None:
    legal = line_ids(scene)[0]
    pledge = scene.drafted(5_00, lines=[{"line": legal, "amount": 5_00}])
    path, parts = f"/v1/pledges/{pledge}", [{"instrument": "grant", "amount": 7_00}]

    def change(body: dict[str, Any]) -> TestResponse:
        tag = scene.client.get(path, headers=scene.officer.headers).headers["ETag"]
        return scene.client.patch(path, json=body, headers=scene.officer.headers | {"If-Match": tag})

    assert change({"parts": parts}).json["code"] == "lines-wrong"
    assert change({"parts": parts, "lines": None}).json["lines"] == []
    again = change({"lines": [{"line": legal, "amount": 7_00}]})
    assert [line["amount"] for line in again.json["lines"]] == [7_00]


def test_a_cancelled_tranche_frees_the_last_of_the_pledges_lines(scene: Scene) -> None:
    pledge = scene.accepted(5_000_00)
    tranche = scene.tranches(pledge)[1]["id"]

    assert scene.do(scene.officer, f"/tranches/{tranche}/cancellation", {"reason": "No."}).status_code == 200

    assert gaps(scene) == [2_000_00, HR, OTHER]
    assert reconcile(scene.session) == []


def test_a_withdrawn_pledge_opens_exactly_its_lines_again(scene: Scene) -> None:
    rival = Rival(scene)
    scene.accepted(2_000_00)
    pledge = rival.accepted(4_000_00)
    assert gaps(scene) == [0, 1_000_00, OTHER]

    assert rival.withdraw(pledge).status_code == 200

    assert gaps(scene) == [2_000_00, HR, OTHER]
    assert reconcile(scene.session) == []


def republish(scene: Scene, lines: list[dict[str, Any]]) -> None:
    actor = scene.nurse.actor(scene.session)
    ask = {"stage": "business_case", "currency": "GBP", "instruments": LOANS, "lines": lines}
    proposals.write_ask(scene.session, actor, scene.proposal.id, ask, seen)
    proposals.publish_proposal(scene.session, actor, scene.proposal.id)
    scene.session.commit()


def test_a_line_with_money_stays_itself_when_the_ask_is_published_anew(scene: Scene) -> None:
    scene.accepted(LEGAL + 1_000_00)
    legal, hr, _ = line_ids(scene)

    republish(scene, [LINES[1] | {"amount": 2_000_00}, LINES[0], {**LINES[2], "purpose": "finance"}])

    after = deal(scene)["lines"]
    assert [(line["id"], line["purpose"], line["open_gap"]) for line in after[:2]] == [
        (hr, "hr", 1_000_00),
        (legal, "legal", 0),
    ]
    assert after[2]["purpose"] == "finance"
    assert reconcile(scene.session) == []


@pytest.mark.parametrize(
    "lines",
    [
        [LINES[0] | {"amount": LEGAL - 1}, LINES[1] | {"amount": HR + 1}, LINES[2]],
        [*LINES[1:], LINES[1] | {"amount": LEGAL}],
    ],
    ids=["smaller", "gone"],
)
def test_a_line_cannot_fall_below_what_fills_it(scene: Scene, lines: list[dict[str, Any]]) -> None:
    scene.accepted(LEGAL)

    with pytest.raises(AskBelowPledged) as refused:
        republish(scene, lines)

    assert refused.value.facts["line"] == "legal"


# The deal


def test_the_deal_shows_each_party_what_it_may_see(scene: Scene) -> None:
    rival, prospect = Rival(scene), Rival(scene, "Third Fund")
    mine = scene.accepted(2_000_00, conditions=[{"kind": "beside_loan"}])
    theirs = rival.accepted(1_000_00, conditions=[{"kind": "loan_share", "ratio_bp": 1}])
    prospect.offered(500_00)
    declare(scene, 700_00)

    group, party, outside = (deal(scene, who) for who in (scene.nurse, rival.officer, prospect.officer))

    assert [each["perspective"] for each in (group, party, outside)] == ["group", "party", "prospect"]
    assert [(each["pledge_id"], each["amount"]) for each in group["pledges"]] == [(mine, 2_000_00), (theirs, 1_000_00)]
    assert [[reason["code"] for reason in each["reasons"]] for each in group["pledges"]] == [
        ["BESIDE_LOAN"],
        ["LOAN_SHARE"],
    ]
    assert [each.get("reasons") is None for each in party["pledges"]] == [True, False]
    assert party["lines"][0]["pledges"] == group["lines"][0]["pledges"]
    assert [line["outside"] for line in party["lines"]] == [700_00, 0, 0]
    assert outside["pledges"] == []
    assert set(outside["lines"][0]) == {"id", "purpose", "amount", "open_gap"}
    assert "outside_awards" not in outside
    assert outside["lines"] == [{name: line[name] for name in outside["lines"][0]} for line in group["lines"]]


def test_whoever_has_no_pledge_sees_no_deal(scene: Scene) -> None:
    stranger = Rival(scene)
    path = f"/proposals/{scene.proposal.id}/deal"
    assert scene.read(stranger.officer, path).status_code == 404
    pledge = stranger.offered(1_00)
    assert scene.read(stranger.officer, path).status_code == 200

    stranger.withdraw(pledge)

    assert scene.read(stranger.officer, path).status_code == 404


def test_below_acceptance_the_deal_ends_with_the_sight_of_the_proposal(scene: Scene) -> None:
    prospect = Rival(scene)
    prospect.offered(1_00)

    share(scene.session, scene.proposal.id, scene.nurse, visibility="private")

    assert scene.read(prospect.officer, f"/proposals/{scene.proposal.id}/deal").status_code == 404


# Outside awards


def test_an_outside_award_fills_lines_and_nobody_pays_them_again(scene: Scene) -> None:
    legal = line_ids(scene)[0]
    pledge = scene.offered(LEGAL, lines=[{"line": legal, "amount": LEGAL}])

    award = declare(scene, LEGAL, lines=[{"line": legal, "amount": LEGAL}])

    assert award.status_code == 201
    assert gaps(scene) == [0, HR, OTHER]
    assert scene.accept(pledge).json["line"] == legal
    assert codes(scene.offer(scene.drafted(HR + OTHER + 1))) == ["OPEN_GAP"]
    again = declare(scene, 1, lines=[{"line": legal, "amount": 1}])
    assert (again.status_code, again.json["line"]) == (409, legal)
    assert reconcile(scene.session) == []


def test_an_award_without_lines_of_its_own_fills_the_open_ones_and_an_old_one_none(scene: Scene) -> None:
    assert declare(scene, LEGAL + 1_00).json["lines"][0]["amount"] in {LEGAL, 1_00}
    assert declare(scene, 90_000_00, lines=[]).json["ask_id"] is None

    assert gaps(scene) == [0, HR - 1_00, OTHER]
    assert declare(scene, 90_000_00).json["code"] == "ask-already-funded"


def test_a_withdrawn_award_opens_its_lines_and_stays_out_of_the_list(scene: Scene) -> None:
    award = declare(scene, LEGAL).json

    assert take_back(scene, award).status_code == 204

    assert gaps(scene) == [LEGAL, HR, OTHER]
    listed = scene.read(scene.nurse, f"/proposals/{scene.proposal.id}/outside-awards").json["data"]
    assert listed == []
    assert reconcile(scene.session) == []


def test_an_award_that_a_signature_rests_on_is_not_withdrawn(scene: Scene) -> None:
    award = declare(scene, LEGAL).json
    scene.signed(1_000_00, conditions=[threshold(LEGAL + 1_000_00)])

    answer = take_back(scene, award)

    assert (answer.status_code, answer.json["code"]) == (409, "award-relied-upon")
    assert codes(answer) == ["THRESHOLD"]
    assert gaps(scene)[0] == 0


def test_a_waiting_pledge_waits_again_when_the_award_behind_it_goes(scene: Scene) -> None:
    award = declare(scene, LEGAL).json
    pledge = scene.accepted(1_000_00, conditions=[threshold(LEGAL + 1_000_00)])
    assert scene.read(scene.nurse, f"/pledges/{pledge}").json["lapses_on"] is None

    assert take_back(scene, award).status_code == 204

    assert scene.read(scene.nurse, f"/pledges/{pledge}").json["lapses_on"] == LATER


# Thresholds


def test_a_threshold_that_is_not_reached_lapses_by_the_clock_and_frees_exactly_its_money(scene: Scene) -> None:
    rival = Rival(scene)
    rival.accepted(1_000_00)
    pledge = scene.accepted(5_000_00, conditions=[threshold(9_000_00)])
    assert state(scene, pledge) == "accepted"
    the_day_passes(scene.session)

    assert state(scene, pledge) == "expired"
    listed = scene.read(scene.officer, "/pledges?state=expired").json["data"]
    assert [each["id"] for each in listed] == [pledge]
    assert record_lapses(scene.session) == 1
    assert record_lapses(scene.session) == 0

    assert gaps(scene) == [3_000_00, HR, OTHER]
    assert scene.balances() == {"budget_source": -100_000_00, "available": 100_000_00}
    assert reconcile(scene.session) == []


def test_two_pledges_that_wait_for_each_other_go_through(scene: Scene) -> None:
    rival = Rival(scene)
    mine = scene.accepted(4_000_00, conditions=[threshold(9_000_00)])
    theirs = rival.offered(5_000_00, conditions=[threshold(9_000_00)])
    assert scene.read(scene.nurse, f"/pledges/{mine}").json["lapses_on"] == LATER

    scene.accept(theirs)

    the_day_passes(scene.session)
    assert record_lapses(scene.session) == 0
    assert [state(scene, each) for each in (mine, theirs)] == ["accepted", "accepted"]
    signed = scene.do(scene.officer, f"/pledges/{mine}/agreement", {"signed_on": today().isoformat()})
    assert signed.status_code == 200


def test_what_was_reached_by_its_day_stays_when_another_goes_later(scene: Scene) -> None:
    rival = Rival(scene)
    mine = scene.accepted(4_000_00, conditions=[threshold(9_000_00)])
    theirs = rival.accepted(5_000_00)
    the_day_passes(scene.session)

    assert rival.withdraw(theirs).status_code == 200

    assert record_lapses(scene.session) == 0
    assert state(scene, mine) == "accepted"


def test_money_that_comes_after_the_day_revives_nothing(scene: Scene) -> None:
    rival = Rival(scene)
    mine = scene.accepted(4_000_00, conditions=[threshold(9_000_00)])
    theirs = rival.offered(5_000_00)
    the_day_passes(scene.session)

    assert scene.accept(theirs).status_code == 200

    assert state(scene, mine) == "expired"
    assert gaps(scene) == [0, 2_000_00, OTHER]
    assert reconcile(scene.session) == []


def test_nothing_is_signed_while_it_waits(scene: Scene) -> None:
    pledge = scene.accepted(4_000_00, conditions=[threshold(9_000_00)])

    answer = scene.do(scene.officer, f"/pledges/{pledge}/agreement", {"signed_on": today().isoformat()})

    assert (answer.status_code, answer.json["code"], codes(answer)) == (409, "conditions-unmet", ["THRESHOLD"])


def test_a_lapsed_acceptance_is_neither_withdrawn_nor_cancelled(scene: Scene) -> None:
    pledge = scene.accepted(4_000_00, conditions=[threshold(9_000_00)])
    tranche = scene.tranches(pledge)[0]["id"]
    the_day_passes(scene.session)

    ended = scene.do(scene.officer, f"/pledges/{pledge}/withdrawal", {"reason": "No."})
    cancelled = scene.do(scene.officer, f"/tranches/{tranche}/cancellation", {"reason": "No."})

    assert [each.json["code"] for each in (ended, cancelled)] == ["no-such-step", "no-such-step"]


def test_a_threshold_whose_day_is_over_is_neither_offered_nor_accepted(scene: Scene) -> None:
    offered = scene.offered(1_00, conditions=[threshold(9_000_00)])
    drafted = scene.drafted(1_00, conditions=[threshold(9_000_00)])
    the_day_passes(scene.session)

    assert codes(scene.offer(drafted)) == ["THRESHOLD_DAY"]
    assert codes(scene.accept(offered)) == ["THRESHOLD_DAY"]
    assert scene.draft(1_00, conditions=[threshold(1, by="2020-01-01")]).json["code"] == "conditions-wrong"


def test_both_sides_learn_when_a_threshold_is_reached_and_when_it_is_lost(scene: Scene) -> None:
    rival = Rival(scene)
    scene.accepted(4_000_00, conditions=[threshold(9_000_00)])
    theirs = rival.accepted(5_000_00)
    rival.withdraw(theirs)

    heard = select(Event.organisation_ids, Event.type).where(Event.type.startswith("pledge.threshold"))
    both = sorted([scene.funder.id, scene.group.id])
    assert [tuple(row) for row in scene.session.execute(heard.order_by(Event.seq))] == [
        (both, "pledge.threshold_reached"),
        (both, "pledge.threshold_lost"),
    ]


# Conditions before release


def approved(scene: Scene, **members: Any) -> str:
    """The first tranche of a signed pledge of 5,000 pounds, approved: 2,000 pounds."""
    return scene.approved(scene.tranches(scene.signed(5_000_00, **members))[0]["id"])


def test_a_match_pays_no_more_than_its_ratio_of_the_others(scene: Scene) -> None:
    rival = Rival(scene)
    tranche = approved(scene, conditions=[{"kind": "match_ratio", "ratio_bp": 5000}])
    rival.accepted(3_999_98)
    assert codes(scene.pay(tranche)) == ["MATCH_RATIO"]

    declare(scene, 2)

    assert scene.pay(tranche).status_code == 200


def test_cofunding_waits_for_what_others_have_paid(scene: Scene) -> None:
    rival = Rival(scene)
    condition = {"kind": "cofunding_before_release", "amount": 1_000_00, "counts": "paid"}
    tranche = approved(scene, conditions=[condition])
    pledge = rival.accepted(1_000_00)
    assert codes(scene.pay(tranche)) == ["COFUNDING_BEFORE_RELEASE"]

    scene.do(rival.officer, f"/pledges/{pledge}/agreement", {"signed_on": today().isoformat()})
    theirs = scene.tranches(pledge)[0]["id"]
    director = a_member(scene.session, rival.funder, "approver")
    scene.do(scene.nurse, f"/tranches/{theirs}/claim", {})
    scene.do(director, f"/tranches/{theirs}/approval")
    body = {"paid_on": today().isoformat(), "reference": "BACS 9"}
    assert scene.do(rival.officer, f"/tranches/{theirs}/payment", body).status_code == 200

    assert scene.pay(tranche).status_code == 200


def test_a_grant_beside_a_loan_is_paid_once_the_loan_is_accepted(scene: Scene) -> None:
    rival = Rival(scene)
    conditions = [{"kind": "beside_loan"}, {"kind": "loan_share", "ratio_bp": 2000}]
    tranche = approved(scene, conditions=conditions)
    assert codes(scene.pay(tranche)) == ["BESIDE_LOAN", "LOAN_SHARE"]
    rival.accepted(1_000_00, "loan_unsecured")
    assert codes(scene.pay(tranche)) == ["LOAN_SHARE"]

    rival.accepted(250_00, "loan_unsecured")

    assert scene.pay(tranche).status_code == 200


def test_money_that_still_waits_counts_for_no_one(scene: Scene) -> None:
    rival = Rival(scene)
    tranche = approved(scene, conditions=[{"kind": "cofunding_before_release", "amount": 1_000_00}])
    rival.accepted(1_000_00, conditions=[threshold(10_000_00)])

    assert codes(scene.pay(tranche)) == ["COFUNDING_BEFORE_RELEASE"]


def test_a_funders_own_other_pledge_is_no_cofunding(scene: Scene) -> None:
    tranche = approved(scene, conditions=[{"kind": "cofunding_before_release", "amount": 1_00}])
    scene.accepted(1_00)

    assert codes(scene.pay(tranche)) == ["COFUNDING_BEFORE_RELEASE"]


# Pools


def a_pool(scene: Scene, amount: int) -> Any:
    body = {"name": "Libraries", "amount": {"amount": amount, "currency": "GBP"}}
    answer = scene.do(scene.director, f"/programmes/{scene.programme.id}/pools", body)
    assert answer.status_code == 201, answer.json
    return answer.json


def test_pledges_share_a_pool_until_it_is_exhausted(scene: Scene) -> None:
    pool = a_pool(scene, 3_000_00)
    draws = [{"kind": "pool", "pool_id": pool["id"]}]
    first, second = (scene.offered(2_000_00, conditions=draws) for _ in range(2))
    assert scene.accept(first).status_code == 200

    answer = scene.accept(second)

    assert (answer.status_code, answer.json["code"], answer.json["left"]) == (409, "pool-exhausted", 1_000_00)
    assert codes(scene.offer(scene.drafted(1_000_01, conditions=draws))) == ["POOL_LEFT"]
    scene.do(scene.officer, f"/pledges/{first}/withdrawal", {"reason": "No."})
    assert scene.accept(second).status_code == 200
    assert reconcile(scene.session) == []


def test_a_pool_never_falls_below_what_is_drawn(scene: Scene) -> None:
    pool = a_pool(scene, 3_000_00)
    scene.accepted(2_000_00, conditions=[{"kind": "pool", "pool_id": pool["id"]}])
    path = f"/v1/programmes/{scene.programme.id}/pools/{pool['id']}"

    def resize(amount: int) -> TestResponse:
        tag = scene.client.get(path, headers=scene.director.headers).headers["ETag"]
        sent = scene.director.headers | {"If-Match": tag, "Idempotency-Key": f"resize {amount}"}
        return scene.client.patch(path, json={"amount": amount}, headers=sent)

    assert (resize(1_999_99).json["code"], resize(1_999_99).status_code) == ("pool-below-drawn", 409)
    assert resize(2_000_00).json["left"] == 0


def test_another_programmes_pool_is_no_pool(scene: Scene) -> None:
    rival = Rival(scene)
    director = a_member(scene.session, rival.funder, "approver")
    body = {"name": "Theirs", "amount": {"amount": 5, "currency": "GBP"}}
    pool = scene.do(director, f"/programmes/{rival.programme.id}/pools", body).json["id"]

    answer = scene.draft(1_00, conditions=[{"kind": "pool", "pool_id": pool}])

    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "#/conditions/0/pool_id")


# Subsidy control


def public_money(scene: Scene, **terms: Any) -> None:
    path = f"/v1/programmes/{scene.programme.id}/subsidy-terms"
    tag = scene.client.get(path, headers=scene.officer.headers).headers["ETag"]
    body = {"public_money": True} | terms
    assert scene.client.put(path, json=body, headers=scene.officer.headers | {"If-Match": tag}).status_code == 200


def share_what_was_received(scene: Scene) -> None:
    grant = {"organisation_id": scene.funder.id, "facts": ["mfa_received"]}
    share(scene.session, scene.proposal.id, scene.nurse, visibility="verified_funders", fact_grants=[grant])


def headroom(scene: Scene, person: Person | None = None, on: date | None = None) -> TestResponse:
    query = f"?on={on}" if on else ""
    return scene.read(person or scene.nurse, f"/proposals/{scene.proposal.id}/subsidy-headroom{query}")


def test_the_headroom_counts_declarations_and_pledges_of_three_financial_years(scene: Scene) -> None:
    public_money(scene)
    for day, amount in (("2023-06-01", 100_000_00), ("2024-11-10", 150_000_00)):
        assert declare(scene, amount, awarded_on=day, is_subsidy=True, lines=[]).status_code == 201

    found = headroom(scene, on=date(2025, 9, 1)).json
    later = headroom(scene, on=date(2026, 4, 1)).json

    assert (found["window_from"], found["used"], found["left"]) == ("2023-04-01", 250_000_00, 65_000_00)
    assert (later["window_from"], later["used"]) == ("2024-04-01", 150_000_00)
    scene.accepted(1_000_00)
    assert headroom(scene).json["committed"] == 1_000_00


def test_an_offer_over_the_limit_warns_and_needs_another_route(scene: Scene) -> None:
    public_money(scene)
    share_what_was_received(scene)
    declare(scene, 315_000_00 - 1_000_00, is_subsidy=True, lines=[])
    pledge = scene.drafted(1_000_01)
    assert codes(scene.offer(pledge)) == ["SUBSIDY_ROUTE", "MFA_LIMIT"]

    answer = scene.offer(pledge, subsidy={"route": "streamlined_scheme"})

    assert answer.status_code == 200
    (warning,) = answer.json["subsidy"]["warnings"]
    assert (warning["code"], warning["level"], warning["outcome"]) == ("MFA_LIMIT", "soft", "unmet")
    assert (warning["found"], warning["wanted"]) == (315_000_01, 315_000_00)
    exact = scene.offer(scene.drafted(1_000_00))
    assert (exact.json["subsidy"]["route"], exact.json["subsidy"]["warnings"]) == ("mfa", [])


def test_a_programme_that_gives_nothing_but_minimal_assistance_refuses_over_the_limit(scene: Scene) -> None:
    public_money(scene, mfa_only=True)
    share_what_was_received(scene)
    declare(scene, 315_000_00, is_subsidy=True, lines=[])
    pledge = scene.drafted(1_00)

    assert codes(scene.offer(pledge)) == ["MFA_LIMIT"]
    assert codes(scene.offer(pledge, subsidy={"route": "assessed"})) == ["MFA_LIMIT", "SUBSIDY_ROUTE"]


def test_what_is_not_shared_is_unknown_and_tells_nothing(scene: Scene) -> None:
    public_money(scene)
    answers = []
    for _ in range(2):
        answers.append(scene.offer(scene.drafted(1_00)).json["subsidy"])
        declare(scene, 315_000_00, is_subsidy=True, lines=[])

    assert answers[0] == answers[1]
    assert [(each["code"], each["not_shared"]) for each in answers[0]["warnings"]] == [("MFA_LIMIT", True)]
    assert headroom(scene, scene.officer).status_code == 404
    share_what_was_received(scene)
    assert headroom(scene, scene.officer).json["used"] == 2 * 315_000_00


def test_minimal_assistance_is_paid_once_the_group_has_confirmed(scene: Scene) -> None:
    public_money(scene)
    pledge = scene.signed(5_000_00)
    tranche = scene.approved(scene.tranches(pledge)[0]["id"])
    assert codes(scene.pay(tranche)) == ["SUBSIDY_CONFIRMATION"]

    confirmed = scene.do(scene.nurse, f"/pledges/{pledge}/subsidy-confirmation", {"statement": "It is kept."})

    assert confirmed.json["subsidy"]["confirmed_at"] is not None
    assert scene.pay(tranche).status_code == 200
    again = scene.do(scene.nurse, f"/pledges/{pledge}/subsidy-confirmation", {})
    assert (again.status_code, again.json["code"]) == (409, "no-such-step")


def test_nobody_confirms_what_is_known_to_be_wrong(scene: Scene) -> None:
    public_money(scene)
    pledge = scene.accepted(5_000_00)
    declare(scene, 310_000_01, is_subsidy=True, lines=[])

    answer = scene.do(scene.nurse, f"/pledges/{pledge}/subsidy-confirmation", {})

    assert (answer.status_code, answer.json["code"]) == (409, "subsidy-over-limit")
    assert answer.json["reasons"][0]["found"] == 315_000_01
    assert scene.session.scalars(select(PledgeSubsidy.confirmed_at)).one() is None


def test_a_loan_of_public_money_needs_its_benefit_declared(scene: Scene) -> None:
    public_money(scene)
    pledge = scene.drafted(parts=[{"instrument": "loan_unsecured", "amount": 5_000_00}])
    assert codes(scene.offer(pledge)) == ["SUBSIDY_BENEFIT"]

    assert scene.offer(pledge, subsidy={"benefit": 300_00}).json["subsidy"]["benefit"] == 300_00
    assert scene.accept(pledge).status_code == 200
    assert headroom(scene).json["committed"] == 300_00


def test_what_is_said_of_a_subsidy_has_to_fit_the_offer(scene: Scene) -> None:
    pledge = scene.drafted(1_00)
    private = scene.offer(pledge, subsidy={"route": "mfa"})
    public_money(scene)
    too_much = scene.offer(pledge, subsidy={"benefit": 1_01})

    assert [each.status_code for each in (private, too_much)] == [422, 422]
    assert [each.json["errors"][0]["pointer"] for each in (private, too_much)] == ["#/subsidy", "#/subsidy/benefit"]


# Budgets (P2)


def test_a_budget_stays_above_what_is_committed_and_keeps_its_currency(scene: Scene) -> None:
    scene.accepted(6_000_00)
    path = f"/v1/programmes/{scene.programme.id}"

    def changed(method: str, where: str, body: dict[str, Any]) -> TestResponse:
        tag = scene.client.get(path, headers=scene.director.headers).headers["ETag"]
        sent = scene.director.headers | {"If-Match": tag, "Idempotency-Key": f"{method} {body}"}
        who = sent if method == "put" else sent | scene.officer.headers
        return scene.client.open(where, method=method.upper(), json=body, headers=who)

    lower = changed("put", f"{path}/budget", {"amount": {"amount": 5_999_99, "currency": "GBP"}})
    assert (lower.status_code, lower.json["code"]) == (409, "insufficient-balance")
    other = changed("patch", path, {"currency": "EUR"})
    assert (other.status_code, other.json["code"]) == (409, "programme-currency-fixed")
    assert changed("put", f"{path}/budget", {"amount": {"amount": 6_000_00, "currency": "GBP"}}).status_code == 200
    assert scene.session.scalars(select(Ask.currency)).one() == "GBP"
