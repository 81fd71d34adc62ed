"""D1 in what came after the offer: frozen rows lose a person's name, address and words, and nothing else."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace import personal_data
from marketplace.evidence.models import Evidence, EvidenceAccess, EvidenceAccessGrant, EvidenceVersion, Reliance
from marketplace.feeds.verification import verify
from marketplace.governance.models import Approval, AuthorisedAct, ConflictPlan, GovernanceVersion, Interest
from marketplace.identity.models import User
from marketplace.identity.personal import ERASED
from marketplace.ledger.reconciliation import reconcile
from marketplace.monitoring.models import AgreedUse, ChangeRequest, Duty, Report
from marketplace.pipeline.models import Ballot, PensionArrangement, StageMove
from marketplace.pledges.condition_models import OutsideAward, PledgeSubsidy
from marketplace.pledges.models import Pledge, PledgePart, Tranche
from marketplace.pledges.recovery_models import Demand, PaymentReversal
from marketplace.pledges.schedule_models import Schedule
from marketplace.questions.models import Question
from marketplace.repayments.models import Repayment, Reschedule, RevenueReport, SuccessEvent, WriteOff
from marketplace.store.base import new_id
from marketplace.values.clock import now, today
from tests.builders import Person, a_member
from tests.identity.canary import EMAIL, NAME, WORDS, become, erase, places_that_hold
from tests.pledges.scene import Scene, a_scene

SAID = {"en": f"{WORDS}, {EMAIL}"}
LINE = f"{WORDS}, {EMAIL}"
SHORT = f"{NAME} 1"
FUNDING = (
    *personal_data._of_evidence(),
    *personal_data._of_governance(),
    *personal_data._of_pledges(),
    *personal_data._of_monitoring_and_repayments(),
)
WRITTEN_ELSEWHERE = {"verification.reason"}
"""Where other tests leave the traces."""


@pytest.fixture
def scene(session: Session, client: FlaskClient) -> Scene:
    """The nurse of the scene is the one who asks; another owner of her group stays."""
    scene = a_scene(session, client)
    become(session, scene.nurse)
    a_member(session, scene.group)
    return scene


@pytest.fixture
def written(scene: Scene) -> dict[str, Any]:
    """A signed pledge whose first tranche is paid, and the person's words wherever they can stand beside it."""
    pledge_id = scene.signed()
    tranche = scene.tranches(pledge_id)[0]["id"]
    scene.pay(scene.approved(tranche))
    scene.prove("business_plan_v1")
    session = scene.session
    pledge = session.scalars(select(Pledge)).one()
    evidence = session.scalars(select(Evidence)).one()
    places = {
        "pledge": pledge,
        "tranche": session.get_one(Tranche, pledge.parts[0].tranches[0].id),
        "evidence": evidence,
        "version": session.scalars(select(EvidenceVersion)).one(),
        "duty": session.scalars(select(Duty).order_by(Duty.position)).first() or a_duty(session, pledge),
    }
    session.add_all(rows_of(scene, places, scene.nurse, scene.director, 1))
    session.add_all(rows_of(scene, places, scene.director, scene.nurse, 2))
    session.add_all(rows_of_one(scene, places, scene.nurse))
    session.flush()
    write_unsigned(session, places)
    session.commit()
    return places


def a_duty(session: Session, pledge: Pledge) -> Duty:
    duty = Duty(id=new_id(), pledge_id=pledge.id, position=9, kind="progress", due_on=today())
    session.add(duty)
    session.flush()
    return duty


def words_of(person: Person, scene: Scene) -> dict[str, str]:
    """Only the person's own words name them here: what others write of them is another matter."""
    return SAID if person is scene.nurse else {"en": "So be it."}


def rows_of(scene: Scene, at: dict[str, Any], asking: Person, answering: Person, number: int) -> Iterator[Any]:
    """What one person says and another answers, all of it over: from here on triggers keep it."""
    pledge, tranche, part = at["pledge"].id, at["tranche"].id, at["tranche"].part_id
    later = now()
    asked, answered = words_of(asking, scene), words_of(answering, scene)
    yield Schedule(
        pledge_id=pledge, state="rejected", parts=[], replaces=[], reason=asked, answer=answered,
        proposed_by=asking.id, proposed_for=scene.group.id, proposed_at=later,
        answered_by=answering.id, answered_for=scene.funder.id, answered_at=later,
    )  # fmt: skip
    yield PaymentReversal(
        tranche_id=tranche, state="rejected", amount=1, paid_by=asking.id, paid_on=today(),
        payment_reference=asked["en"], reason=asked,
        requested_by=asking.id, decided_by=answering.id, decided_at=later, decision_reason=answered,
    )  # fmt: skip
    yield Demand(
        pledge_id=pledge, state="withdrawn", due_on=today(), reason=asked, demanded_by=asking.id,
        ended_by=answering.id, ended_at=later, ending_reason=answered,
    )  # fmt: skip
    yield Report(
        duty_id=at["duty"].id, number=number, state="sent_back", words=asked, outcome=asked, lessons=asked,
        reason=answered,
        submitted_by=asking.id, decided_by=answering.id, decided_at=later,
    )  # fmt: skip
    yield ChangeRequest(
        pledge_id=pledge, state="rejected", purpose=asked, decreases=[], reason=asked, answer=answered,
        requested_by=asking.id, decided_by=answering.id, decided_at=later,
    )  # fmt: skip
    yield Reschedule(
        pledge_id=pledge, tranche_id=tranche, side="group", months=12, holiday_months=0, reason=asked, state="declined",
        proposed_by=asking.id, answered_by=answering.id, answered_at=later,
    )  # fmt: skip
    yield WriteOff(
        pledge_id=pledge, part_id=part, amount=1, ground="uncollectable", reason=asked, state="refused",
        requested_by=asking.id, decided_by=answering.id, decided_at=later,
    )  # fmt: skip
    yield RevenueReport(
        pledge_id=pledge, part_id=part, year_ended_on=today(), revenue=1, free_cash_was_negative=False,
        state="rejected", reported_by=asking.id, decided_by=answering.id, decided_on=today(), reason=answered,
    )  # fmt: skip
    yield Reliance(
        evidence_version_id=at["version"].id, organisation_id=scene.funder.id, state="withdrawn", message=asked["en"],
        requested_by=asking.id, answer_reason=answered["en"], answered_by=answering.id, answered_at=later,
        ended_by=asking.id, ended_at=later,
    )  # fmt: skip
    yield Approval(
        organisation_id=scene.funder.id, act="return", subject_id=tranche, amount=1, currency="GBP",
        terms={"reference": asked["en"]}, terms_sha256=str(number) * 64, words=asked, state="rejected",
        expires_at=later + timedelta(days=30), requested_by=asking.id, answered_by=answering.id, answered_at=later,
        answer=answered,
    )  # fmt: skip
    yield ConflictPlan(
        organisation_id=scene.funder.id, user_id=asking.id, proposal_id=scene.proposal.id, words=SAID,
        state="rejected", proposed_by=answering.id, answered_by=answering.id, answered_at=later,
    )  # fmt: skip
    yield GovernanceVersion(
        organisation_id=scene.funder.id, number=number, state="rejected", currency="GBP", approval_limits=[],
        delegated_limits=[
            {"user_id": str(scene.nurse.id), "amount": 500}, {"user_id": str(scene.officer.id), "amount": 900},
        ],
        proposed_by=asking.id, answered_by=answering.id,
    )  # fmt: skip


def rows_of_one(scene: Scene, at: dict[str, Any], person: Person) -> Iterator[Any]:
    """What nobody answers."""
    pledge, part = at["pledge"].id, at["tranche"].part_id
    yield OutsideAward(
        proposal_id=scene.proposal.id, organisation_id=scene.group.id, funder_name=SHORT, programme_name=SHORT,
        instrument="grant", currency="GBP", amount=1, awarded_on=today(), is_subsidy=False, benefit=0, reference=SHORT,
        declared_by=person.id,
    )  # fmt: skip
    if scene.session.get(PledgeSubsidy, pledge) is None:
        yield PledgeSubsidy(
            pledge_id=pledge, route="mfa", benefit=1, window_from=today(), mfa_limit=1, statement=LINE,
            confirmed_by=person.id, confirmed_at=now(),
        )  # fmt: skip
    yield Repayment(
        pledge_id=pledge, part_id=part, amount=1, received_on=today(), reference=SHORT, fee=0, interest=1, principal=0,
        premium=0, recycled=False, recorded_by=person.id,
    )  # fmt: skip
    yield SuccessEvent(
        pledge_id=pledge, part_id=part, happened_on=today(), evidence_version_id=at["version"].id,
        recorded_by=person.id,
    )  # fmt: skip
    yield StageMove(
        proposal_id=scene.proposal.id, number=99, kind="back", from_stage="business_case", to_stage="idea",
        reason=SAID, conditions=[], by_user_id=person.id,
    )  # fmt: skip
    yield Ballot(
        proposal_id=scene.proposal.id, evidence_id=at["evidence"].id, question=SAID, electorate=9, votes_for=5,
        votes_against=1, spoiled=0, held_on=today(), scrutineer=NAME, quorum_bp=5000, threshold_bp=5000,
        recorded_by=person.id,
    )  # fmt: skip
    yield PensionArrangement(id=scene.proposal.id, arrangement="nhs", updated_by=person.id)
    yield Interest(
        user_id=person.id, proposal_id=scene.proposal.id, kind="family", words={"en": "My sister works there."},
        from_on=today(),
    )  # fmt: skip
    yield AuthorisedAct(
        organisation_id=scene.funder.id, act="payment", subject_id=at["tranche"].id, scope_id=scene.proposal.id,
        user_id=person.id, amount=1, currency="GBP", terms_sha256="0" * 64, done_at=now(),
    )  # fmt: skip
    yield EvidenceAccessGrant(evidence_id=at["evidence"].id, email=EMAIL, granted_by=scene.officer.id)
    yield EvidenceAccessGrant(
        evidence_id=at["evidence"].id, email="somebody.else@example.org", granted_by=person.id
    )  # fmt: skip
    yield EvidenceAccess(
        evidence_id=at["evidence"].id, user_id=person.id, standing="granted", what="metadata"
    )  # fmt: skip
    yield Question(
        slug="x_sings", organisation_id=scene.funder.id, type="boolean", question=SAID, help=SAID, asked_by=person.id
    )  # fmt: skip


def write_unsigned(session: Session, at: dict[str, Any]) -> None:
    """Words beside which no writer is named, and the agreed use, which takes them over from a change."""
    pledge = session.get_one(Pledge, at["pledge"].id)
    pledge.message = pledge.reason = SAID
    pledge.waivers = [{"code": "CONSENT", "reason": SAID}]
    pledge.agreement_reference = SHORT
    session.get_one(PledgePart, at["tranche"].part_id).terms = SAID
    tranche = session.get_one(Tranche, at["tranche"].id)
    tranche.reason = tranche.claim_note = SAID
    tranche.payment_reference, tranche.paid_by = SHORT, tranche.claimed_by
    session.get_one(Evidence, at["evidence"].id).title = SAID
    session.get_one(Duty, at["duty"].id).reason = SAID
    change = session.scalars(select(ChangeRequest).where(ChangeRequest.requested_by == tranche.claimed_by)).one()
    session.add(AgreedUse(pledge_id=pledge.id, number=2, purpose=SAID, amount=1, change_request_id=change.id))


def all_places(session: Session) -> set[str]:
    return set().union(*(places_that_hold(session, canary) for canary in (NAME, EMAIL, WORDS)))


def test_no_frozen_row_keeps_an_erased_persons_name_address_or_words(scene: Scene, written: dict[str, Any]) -> None:
    session = scene.session
    before, faults = all_places(session), reconcile(session)
    within_reach = {place for source in FUNDING for place in source.words}
    assert within_reach - before - WRITTEN_ELSEWHERE - {"interest.words"} == set(), "leave a trace there, too"

    answer = erase(scene)

    assert answer.status_code == 204, answer.json
    session.expire_all()
    print(f"D1: {len(before)} columns held name, address or words before, {len(all_places(session))} after")
    assert all_places(session) == set()
    assert session.scalars(select(Interest.words)).one() == {"en": ERASED}
    assert session.scalars(select(EvidenceAccessGrant.email)).all() == ["somebody.else@example.org"]
    assert reconcile(session) == faults
    assert [str(each) for each in verify(session).faults] == []


def test_a_person_is_told_what_they_did_about_money_and_evidence(scene: Scene, written: dict[str, Any]) -> None:
    answer = scene.client.get("/v1/me/data", headers=scene.nurse.headers)

    held = answer.json["held"]
    for source in FUNDING:
        if source.collect is not None and source.name not in {"verification", "monitoring"}:
            assert held[source.name], source.name
    assert held["interest"][0]["words"] == {"en": "My sister works there."}
    assert {each["as"] for each in held["evidence_access_grant"]} == {"email", "granted_by"}
    assert [each["amount"] for each in held["delegated_limit"]] == [500, 500]
    assert "somebody.else@example.org" not in answer.text
    assert "scrutineer" not in answer.text
    for other in scene.session.scalars(select(User).where(User.id != scene.nurse.id)):
        assert str(other.id) not in answer.text


def test_a_name_stays_in_the_words_of_pledges_that_its_bearer_had_no_part_in(scene: Scene) -> None:
    pledge = scene.session.get_one(Pledge, scene.offered())
    pledge.message = SAID
    scene.session.commit()

    erase(scene)

    scene.session.expire_all()
    assert pledge.message == {"en": f"{WORDS}, {ERASED}"}


STAYS = (
    "UPDATE stage_move SET to_stage = 'trading'",
    "UPDATE repayment SET amount = 2, interest = 2",
    "UPDATE report SET submitted_by = decided_by, decided_by = submitted_by",
    "UPDATE schedule SET state = 'withdrawn'",
    "UPDATE reliance SET requested_by = answered_by",
    "UPDATE approval SET terms_sha256 = repeat('a', 64)",
    "UPDATE question SET slug = 'x_other'",
    "UPDATE evidence_access SET created_at = now() - interval '1 day'",
    "UPDATE ledger_transaction SET description = 'Another'",
    "DELETE FROM stage_move",
    "DELETE FROM report",
    "DELETE FROM reliance",
    "TRUNCATE stage_move",
)
SAID_FOR_GOOD = (
    "UPDATE stage_move SET reason = '{}'",
    "UPDATE report SET words = '{}'",
    "UPDATE question SET question = '{}'",
    "UPDATE reliance SET message = ''",
)


def test_an_erasure_changes_nothing_but_words_and_nobody_else_changes_them(
    written: dict[str, Any], session: Session
) -> None:
    for erasing, statements in (("on", STAYS), ("off", SAID_FOR_GOOD)):
        session.execute(text("SELECT set_config('marketplace.erasing', :erasing, true)"), {"erasing": erasing})
        for statement in statements:
            with pytest.raises(IntegrityError), session.begin_nested():
                session.execute(text(statement))
