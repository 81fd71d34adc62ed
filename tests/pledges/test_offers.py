"""Pledges from draft to end, over HTTP: what an offer needs, what it commits, and what its end gives back."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlalchemy.orm import Session

from marketplace.identity.models import Membership
from marketplace.pledges.booking import parts_and_books_differ
from marketplace.pledges.models import Pledge
from marketplace.pledges.offers import record_expired_offers
from marketplace.programmes.models import Programme
from marketplace.proposals import service as proposals
from marketplace.proposals.models import Ask
from marketplace.values.clock import today
from tests.builders import a_member, an_organisation
from tests.pledges.scene import ASK, CONSENT, NATION, Scene, a_funded_programme, a_scene, criteria
from tests.programmes.builders import an_open_programme
from tests.proposals.builders import share


@pytest.fixture
def scene(session: Session, client: FlaskClient) -> Scene:
    return a_scene(session, client)


def codes(answer: Any) -> list[str]:
    return [reason["code"] for reason in answer.json["reasons"]]


def test_an_accepted_offer_is_committed_in_budget_and_ask(scene: Scene) -> None:
    pledge = scene.accepted(6_000_00)

    assert scene.read(scene.nurse, f"/pledges/{pledge}").json["state"] == "accepted"
    assert scene.balances() == {"budget_source": -100_000_00, "available": 94_000_00, "committed": 6_000_00}
    ask = scene.read(scene.nurse, f"/proposals/{scene.proposal.id}").json["asks"][0]
    assert ask["accepted"]["amount"] == 6_000_00
    assert parts_and_books_differ(scene.session) == []


def test_the_programmes_template_makes_the_tranches(scene: Scene) -> None:
    tranches = scene.tranches(scene.offered())

    assert [(each["basis"], each["amount"]["amount"], each["state"]) for each in tranches] == [
        ("on_agreement", 4_000_00, "scheduled"),
        ("on_milestone", 6_000_00, "scheduled"),
    ]


def test_an_offer_is_refused_with_all_its_reasons(session: Session, client: FlaskClient) -> None:
    welsh = NATION | {"value": "wales"}
    scene = a_scene(
        session, client, budget=5_000_00, programme={"criteria": criteria(welsh, CONSENT), "ticket_max": 100}
    )
    pledge = scene.drafted(ASK + 1)

    answer = scene.offer(pledge)

    assert answer.status_code == 409
    assert answer.json["code"] == "offer-refused"
    assert codes(answer) == ["OPEN_GAP", "BUDGET_LEFT", "TICKET_MAX", "NATION", "CONSENT"]
    assert scene.read(scene.officer, f"/pledges/{pledge}").json["state"] == "draft"


def test_a_waivable_criterion_can_be_waived_with_a_reason(session: Session, client: FlaskClient) -> None:
    scene = a_scene(session, client, programme={"criteria": criteria(NATION, CONSENT)})
    pledge = scene.drafted()
    assert codes(scene.offer(pledge)) == ["CONSENT"]

    answer = scene.offer(pledge, waivers=[{"code": "CONSENT", "reason": "The board meets next month."}])

    assert answer.status_code == 200
    assert answer.json["waivers"] == [{"code": "CONSENT", "reason": "The board meets next month."}]
    decision = scene.read(scene.officer, f"/pledges/{pledge}/decision").json
    assert (decision["result"]["result"], decision["basis"]["waived"]) == ("eligible", ["CONSENT"])


def test_a_criterion_that_is_not_waivable_stays(session: Session, client: FlaskClient) -> None:
    scene = a_scene(session, client, programme={"criteria": criteria(NATION | {"value": "wales"})})

    answer = scene.offer(scene.drafted(), waivers=[{"code": "NATION", "reason": "We like them."}])

    assert answer.status_code == 409
    assert codes(answer) == ["NATION", "NATION"]


def test_what_is_not_shared_counts_as_unknown(session: Session, client: FlaskClient) -> None:
    control = NATION | {"code": "CONTROL", "fact": "staff_control", "value": True}
    facts = {"people": {"staff_control": True}}
    scene = a_scene(session, client, facts=facts, programme={"criteria": criteria(control)})
    share(session, scene.proposal.id, scene.nurse, visibility="public", facts={"staff_control": "confidential"})

    answer = scene.offer(scene.drafted())

    assert answer.status_code == 409
    (reason,) = answer.json["reasons"]
    assert (reason["code"], reason["outcome"], reason["not_shared"]) == ("CONTROL", "unknown", True)
    assert reason["found"] is None


def test_a_programme_without_a_budget_cannot_offer(session: Session, client: FlaskClient) -> None:
    scene = a_scene(session, client, budget=None)

    assert scene.offer(scene.drafted()).json["code"] == "programme-has-no-budget"


def test_another_currency_is_an_unmet_criterion(session: Session, client: FlaskClient) -> None:
    scene = a_scene(session, client, ask_currency="EUR")

    assert "CURRENCY" in codes(scene.offer(scene.drafted()))


def test_a_wholesale_vehicle_is_refused_with_its_intermediaries(session: Session, client: FlaskClient) -> None:
    scene = a_scene(session, client)
    vehicle = an_organisation(session, kind="wholesale_vehicle", name="Wholesale Capital")
    facility = a_funded_programme(session, vehicle, 100_00)
    lender = an_organisation(session, kind="intermediary", name="Mutual Lender")
    an_open_programme(session, lender, funded_by_programme_id=facility.id)
    body = {"programme_id": str(facility.id), "proposal_id": str(scene.proposal.id)}
    part = {"parts": [{"instrument": "grant", "amount": 1_00}]}

    answer = scene.do(a_member(session, vehicle), "/pledges", body | part)

    assert answer.status_code == 409
    assert answer.json["code"] == "wholesale-only"
    assert [each["name"] for each in answer.json["intermediaries"]] == [{"en": "Mutual Lender"}]


def test_the_group_sees_nothing_of_a_draft(scene: Scene) -> None:
    pledge = scene.drafted()

    assert scene.read(scene.nurse, f"/pledges/{pledge}").status_code == 404
    assert scene.read(scene.nurse, "/pledges").json["data"] == []


def test_a_draft_that_was_withdrawn_never_shows(scene: Scene) -> None:
    pledge = scene.drafted()

    assert scene.do(scene.officer, f"/pledges/{pledge}/withdrawal", {"reason": "A mistake"}).status_code == 200
    assert scene.read(scene.nurse, f"/pledges/{pledge}").status_code == 404


def test_strangers_find_no_pledge(scene: Scene) -> None:
    stranger = a_member(scene.session, an_organisation(scene.session, kind="funder", name="Another fund"))
    pledge = scene.offered()

    for path in (f"/pledges/{pledge}", f"/pledges/{pledge}/tranches", f"/pledges/{pledge}/statement"):
        assert scene.read(stranger, path).status_code == 404
    assert scene.do(stranger, f"/pledges/{pledge}/acceptance").status_code == 404


def test_an_indication_is_seen_and_commits_nothing(scene: Scene) -> None:
    pledge = scene.drafted()
    scene.do(scene.officer, f"/pledges/{pledge}/indication")

    assert scene.read(scene.nurse, f"/pledges/{pledge}").json["state"] == "indicated"
    assert scene.balances() == {"budget_source": -100_000_00, "available": 100_000_00}


def test_only_the_group_accepts(scene: Scene) -> None:
    pledge = scene.offered()

    answer = scene.do(scene.officer, f"/pledges/{pledge}/acceptance")

    assert answer.status_code == 404


def test_an_editor_of_the_group_may_not_accept(scene: Scene) -> None:
    editor = a_member(scene.session, scene.group, "editor")

    answer = scene.do(editor, f"/pledges/{scene.offered()}/acceptance")

    assert (answer.status_code, answer.json["code"]) == (403, "role-not-enough")


def test_accepting_twice_with_one_key_happens_once(scene: Scene) -> None:
    pledge = scene.offered()
    first = scene.accept(pledge, key="same")
    again = scene.accept(pledge, key="same")

    assert first.status_code == again.status_code == 200
    assert first.data == again.data
    assert again.headers["Idempotent-Replayed"] == "true"
    assert scene.balances()["committed"] == ASK


def test_accepting_twice_with_two_keys_is_refused_the_second_time(scene: Scene) -> None:
    pledge = scene.accepted()

    answer = scene.accept(pledge)

    assert (answer.status_code, answer.json["code"]) == (409, "no-such-step")
    assert scene.balances()["committed"] == ASK


def test_money_asks_for_a_key(scene: Scene) -> None:
    pledge = scene.offered()

    answer = scene.client.post(f"/v1/pledges/{pledge}/acceptance", headers=scene.nurse.headers)

    assert answer.status_code == 400


def test_a_second_offer_cannot_overfill_the_ask(scene: Scene) -> None:
    first, second = scene.offered(6_000_00), scene.offered(6_000_00)
    scene.accept(first)

    answer = scene.accept(second)

    assert (answer.status_code, answer.json["code"]) == (409, "ask-already-funded")
    assert answer.json["open_gap"] == 4_000_00
    assert scene.balances()["committed"] == 6_000_00


def test_an_offer_cannot_be_accepted_beyond_the_budget(session: Session, client: FlaskClient) -> None:
    scene = a_scene(session, client, budget=10_000_00, ask=20_000_00)
    first, second = scene.offered(7_000_00), scene.offered(7_000_00)
    scene.accept(first)

    answer = scene.accept(second)

    assert (answer.status_code, answer.json["code"]) == (409, "budget-exhausted")
    ask = scene.read(scene.nurse, f"/proposals/{scene.proposal.id}").json["asks"][0]
    assert ask["accepted"]["amount"] == 7_000_00


def test_an_expired_offer_is_expired_by_the_clock_before_anyone_records_it(scene: Scene) -> None:
    pledge = scene.offered()
    scene.session.execute(update(Pledge).values(expires_on=today() - timedelta(days=1)))
    scene.session.commit()

    assert scene.read(scene.nurse, f"/pledges/{pledge}").json["state"] == "expired"
    assert scene.accept(pledge).json["code"] == "offer-expired"
    assert record_expired_offers(scene.session) == 1
    assert record_expired_offers(scene.session) == 0


def test_a_declined_offer_commits_nothing_and_is_over(scene: Scene) -> None:
    pledge = scene.offered()
    answer = scene.do(scene.nurse, f"/pledges/{pledge}/decline", {"reason": "Too many strings"})

    assert answer.json["state"] == "declined"
    assert scene.accept(pledge).json["code"] == "no-such-step"


def test_withdrawing_an_accepted_pledge_gives_budget_and_ask_back(scene: Scene) -> None:
    pledge = scene.accepted()
    answer = scene.do(scene.officer, f"/pledges/{pledge}/withdrawal", {"reason": "The board changed its mind"})

    assert answer.json["state"] == "withdrawn"
    assert scene.balances() == {"budget_source": -100_000_00, "available": 100_000_00}
    assert scene.session.query(Ask).one().accepted == 0
    assert parts_and_books_differ(scene.session) == []


def test_terminating_a_signed_pledge_frees_only_what_is_unpaid(scene: Scene) -> None:
    pledge = scene.signed()
    scene.pay(scene.approved(scene.tranches(pledge)[0]["id"]))

    answer = scene.do(scene.officer, f"/pledges/{pledge}/termination", {"reason": "The plan was dropped"})

    assert answer.json["state"] == "terminated"
    assert scene.balances() == {"budget_source": -100_000_00, "available": 96_000_00, "paid": 4_000_00}
    assert scene.session.query(Ask).one().accepted == 4_000_00
    assert parts_and_books_differ(scene.session) == []


def test_a_withdrawn_proposal_lapses_its_offers_and_an_accepted_pledge_forbids_it(scene: Scene) -> None:
    offer = scene.offered(1_00)
    withdrawal = f"/proposals/{scene.proposal.id}/withdrawal"
    accepted = scene.accepted(2_00)

    refused = scene.do(scene.nurse, withdrawal)
    assert (refused.status_code, refused.json["code"]) == (409, "proposal-has-pledges")

    scene.do(scene.officer, f"/pledges/{accepted}/withdrawal", {"reason": "Made way"})
    assert scene.do(scene.nurse, withdrawal).status_code == 200
    assert scene.read(scene.officer, f"/pledges/{offer}").json["state"] == "expired"


def test_a_changed_draft_needs_the_version_that_was_read(scene: Scene) -> None:
    pledge = scene.drafted()
    tag = scene.read(scene.officer, f"/pledges/{pledge}").headers["ETag"]
    change = {"parts": [{"instrument": "grant", "amount": 5_00}]}

    def patch(**headers: str) -> int:
        sent = scene.officer.headers | headers
        return scene.client.patch(f"/v1/pledges/{pledge}", json=change, headers=sent).status_code

    assert patch() == 428
    assert patch(**{"If-Match": tag}) == 200
    assert patch(**{"If-Match": tag}) == 412
    assert scene.read(scene.officer, f"/pledges/{pledge}").json["amount"]["amount"] == 5_00


def test_a_hidden_proposal_takes_no_pledge(scene: Scene) -> None:
    share(scene.session, scene.proposal.id, scene.nurse, visibility="private")

    assert scene.draft().status_code == 404


def test_pledges_are_listed_page_by_page(scene: Scene) -> None:
    made = {scene.offered(1_00) for _ in range(5)}
    seen: list[str] = []
    cursor = ""
    while True:
        page = scene.read(scene.nurse, f"/pledges?limit=2{cursor}").json
        seen += [each["id"] for each in page["data"]]
        if not page["has_more"]:
            break
        cursor = f"&cursor={page['next_cursor']}"

    assert len(seen) == 5
    assert set(seen) == made


def test_an_offer_rests_on_published_criteria(session: Session, client: FlaskClient) -> None:
    scene = a_scene(session, client)
    pledge = scene.drafted()
    session.execute(update(Programme).values(current_criteria_version_id=None))
    session.commit()

    assert scene.offer(pledge).json["code"] == "programme-unpublished"


def test_published_instruments_count_not_those_of_the_draft(scene: Scene) -> None:
    pledge = scene.drafted()
    scene.session.execute(update(Programme).values(instruments=["equity"]))
    scene.session.commit()

    assert scene.offer(pledge).status_code == 200


def test_a_party_goes_on_seeing_a_proposal_that_was_hidden_and_lists_what_it_can_get(scene: Scene) -> None:
    scene.signed()
    share(scene.session, scene.proposal.id, scene.nurse, visibility="private")

    listed = [each["id"] for each in scene.read(scene.officer, "/proposals").json["data"]]

    assert scene.read(scene.officer, f"/proposals/{scene.proposal.id}").status_code == 200
    assert listed == [str(scene.proposal.id)]


def test_a_funder_whose_offer_was_declined_is_no_party(scene: Scene) -> None:
    scene.do(scene.nurse, f"/pledges/{scene.offered()}/decline", {})
    share(scene.session, scene.proposal.id, scene.nurse, visibility="private")

    assert scene.read(scene.officer, f"/proposals/{scene.proposal.id}").status_code == 404
    assert scene.read(scene.officer, "/proposals").json["data"] == []


def test_the_open_gap_is_shown_to_whoever_sees_the_ask(scene: Scene) -> None:
    scene.accepted(4_000_00)

    assert scene.read(scene.officer, f"/proposals/{scene.proposal.id}").json["ask"]["open_gap"]["amount"] == 6_000_00


def test_accepted_evidence_of_a_fact_makes_it_verified(scene: Scene) -> None:
    scene.signed()
    draft = {"kind": "governing_document", "fact": "registration", "title": "Our articles"}
    evidence = scene.do(scene.nurse, f"/proposals/{scene.proposal.id}/evidence", draft).json["id"]
    sent = scene.nurse.headers | {
        "Content-Type": "application/pdf",
        "Content-Disposition": 'attachment; filename="articles.pdf"',
    }
    version = scene.client.post(f"/v1/evidence/{evidence}/versions", data=b"%PDF-1.7", headers=sent).json["id"]
    decision = {"decision": "accepted", "reason": "Read."}
    scene.do(scene.adviser, f"/evidence-versions/{version}/verification", decision)

    assert scene.read(scene.officer, f"/proposals/{scene.proposal.id}").json["assurance"]["registration"] == "verified"


def republished(scene: Scene, **change: Any) -> None:
    """The group publishes another ask."""
    ask = {
        "stage": "business_case",
        "currency": "GBP",
        "instruments": ["grant"],
        "lines": [{"purpose": "legal", "description": None, "amount": ASK}],
    }
    actor = scene.nurse.actor(scene.session)
    if "stage" in change:
        back = {"to": change["stage"], "reason": "Once more."}
        assert scene.do(scene.nurse, f"/proposals/{scene.proposal.id}/stage-moves", back).status_code == 201
    proposals.write_ask(scene.session, actor, scene.proposal.id, ask | change, lambda _: None)
    proposals.publish_proposal(scene.session, actor, scene.proposal.id)
    scene.session.commit()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"currency": "EUR"}, id="another currency"),
        pytest.param({"instruments": ["loan_unsecured"]}, id="no grant any more"),
        pytest.param({"stage": "feasibility"}, id="another stage"),
    ],
)
def test_an_offer_made_for_another_ask_cannot_be_accepted(scene: Scene, change: dict[str, Any]) -> None:
    pledge = scene.offered()
    republished(scene, **change)

    answer = scene.accept(pledge)

    assert (answer.status_code, answer.json["code"]) == (409, "ask-changed")
    assert "committed" not in scene.balances()


def test_an_offer_is_made_for_the_stage_that_the_group_is_at(scene: Scene) -> None:
    pledge = scene.drafted(1_00)
    scene.accepted(1_00)
    republished(scene, stage="feasibility")

    assert scene.offer(pledge).status_code == 200
    assert scene.accept(pledge).status_code == 200
    asks = scene.read(scene.nurse, f"/proposals/{scene.proposal.id}").json["asks"]
    assert {each["stage"]: each["accepted"]["amount"] for each in asks} == {"business_case": 1_00, "feasibility": 1_00}


def test_two_pledges_do_not_pass_a_ticket_limit_together(session: Session, client: FlaskClient) -> None:
    scene = a_scene(session, client, programme={"ticket_max": 4_000_00})
    first, second = scene.offered(4_000_00), scene.offered(4_000_00)
    scene.accept(first)

    assert scene.accept(second).json["code"] == "ticket-exceeded"
    assert codes(scene.offer(scene.drafted(1))) == ["TICKET_MAX"]


def test_a_suspended_funders_offer_cannot_be_accepted(scene: Scene) -> None:
    pledge = scene.offered()
    scene.funder.verification = "suspended"
    scene.session.commit()

    assert scene.accept(pledge).json["code"] == "funder-not-verified"


def test_whoever_made_the_offer_does_not_accept_it(scene: Scene) -> None:
    pledge = scene.offered()
    scene.session.add(Membership(organisation_id=scene.group.id, user_id=scene.officer.id, role="owner"))
    scene.session.commit()

    assert scene.do(scene.officer, f"/pledges/{pledge}/acceptance").json["code"] == "both-sides"


def test_somebody_who_also_acts_for_an_excluded_organisation_reaches_nothing_through_the_funder(scene: Scene) -> None:
    trust = an_organisation(scene.session, kind="public_body", name="The trust")
    pledge = scene.offered(1_00)
    scene.session.add(Membership(organisation_id=trust.id, user_id=scene.officer.id, role="viewer"))
    scene.session.commit()
    share(scene.session, scene.proposal.id, scene.nurse, visibility="verified_funders", excluded=[trust.id])

    assert scene.draft().status_code == 404
    assert scene.read(scene.officer, f"/pledges/{pledge}").status_code == 404
    assert scene.read(scene.officer, "/pledges").json["data"] == []
    assert scene.read(scene.director, f"/pledges/{pledge}").status_code == 200


def test_a_programme_closed_for_good_offers_nothing(scene: Scene) -> None:
    pledge = scene.drafted()
    assert scene.do(scene.officer, f"/programmes/{scene.programme.id}/closure").status_code == 200

    assert codes(scene.offer(pledge)) == ["PROGRAMME_STATUS"]


def test_pledges_are_filtered_by_the_state_that_the_clock_tells(scene: Scene) -> None:
    pledge = scene.offered()
    scene.session.execute(update(Pledge).values(expires_on=today() - timedelta(days=1)))
    scene.session.commit()

    def listed(state: str) -> list[str]:
        return [each["id"] for each in scene.read(scene.nurse, f"/pledges?state={state}").json["data"]]

    assert (listed("offered"), listed("expired")) == ([], [pledge])


def test_parts_that_are_too_large_together_are_refused(scene: Scene) -> None:
    part = {"instrument": "grant", "amount": 10**15}

    answer = scene.draft(parts=[part, part])

    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "#/parts"
