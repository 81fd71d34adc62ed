"""What governance is told of a funder's acts on a pledge: how much, about which proposal, and on which terms.

The terms are what an approver has to have seen: whatever else the act fixes. Called with the pledge locked, before any
account. Knows pledges and tranches; what limits and conflicts come to is for `governance` to say.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.governance.approvals import Subject
from marketplace.governance.rules import Act
from marketplace.governance.service import require_authority
from marketplace.pledges import queries
from marketplace.pledges.lifecycle import BINDING
from marketplace.pledges.models import Pledge, Tranche
from marketplace.values.actor import Actor
from marketplace.values.canonical import canonical_json, sha256_of
from marketplace.values.money import Money


def may_offer(session: Session, actor: Actor, pledge: Pledge, terms: dict[str, Any]) -> None:
    """Let the offer pass: its parts with their tranches, its last day, what is waived and the named verifiers."""
    parts = [
        {
            "instrument": part.instrument,
            "in_kind": part.in_kind,
            "amount": part.amount,
            "terms": part.terms,
            "tranches": [
                {
                    "basis": each.basis,
                    "amount": each.amount,
                    "milestone": each.milestone,
                    "due_on": None if each.due_on is None else each.due_on.isoformat(),
                }
                for each in part.tranches
            ],
        }
        for part in pledge.parts
    ]
    waived = sorted((waiver["code"], waiver["reason"]) for waiver in terms.get("waivers", []))
    verifiers = [str(each) for each in pledge.verifier_organisation_ids]
    fixed = {
        "ask": str(pledge.ask_id),
        "expires_on": terms["expires_on"].isoformat(),
        "parts": ", ".join(f"{part.instrument} {part.amount}" for part in pledge.parts)[:2000],
        "details_sha256": sha256_of(canonical_json({"parts": parts, "waivers": waived, "verifiers": verifiers})),
        **({"waived": ", ".join(code for code, _ in waived)[:2000]} if waived else {}),
    }
    _require(session, actor, Act.OFFER, pledge, pledge.id, pledge.amount, fixed)


def may_terminate(session: Session, actor: Actor, pledge: Pledge) -> None:
    """Let the termination pass: of what is still unpaid."""
    _require(session, actor, Act.TERMINATION, pledge, pledge.id, sum(part.unpaid for part in pledge.parts), {})


def may_approve_claim(session: Session, actor: Actor, tranche: Tranche) -> None:
    """Let the approval of a claim pass."""
    _require(session, actor, Act.TRANCHE_APPROVAL, tranche.part.pledge, tranche.id, tranche.amount, {})


def may_pay(session: Session, actor: Actor, tranche: Tranche) -> None:
    """Let the payment or delivery pass: to that payee."""
    fixed = {"payee": str(tranche.payee_organisation_id)}
    _require(session, actor, Act.PAYMENT, tranche.part.pledge, tranche.id, tranche.amount, fixed)


def may_record_return(session: Session, actor: Actor, tranche: Tranche, amount: int, reference: str) -> None:
    """Let the return pass: under that reference."""
    _require(session, actor, Act.RETURN, tranche.part.pledge, tranche.id, amount, {"reference": reference})


def may_reverse_payment(session: Session, actor: Actor, tranche: Tranche) -> None:
    """Let the undoing of a payment pass: of that payment."""
    fixed = {"payment": str(tranche.payment_reference)}
    _require(session, actor, Act.REVERSAL, tranche.part.pledge, tranche.id, tranche.amount, fixed)


def may_claw_back(session: Session, actor: Actor, pledge: Pledge, draft: dict[str, Any]) -> None:
    """Let the demand pass: of these amounts of these tranches, due on that day."""
    lines = sorted((str(line["tranche_id"]), line["amount"].amount) for line in draft["tranches"])
    fixed = {"due_on": draft["due_on"].isoformat(), "tranches": ", ".join(f"{each} {amount}" for each, amount in lines)}
    _require(session, actor, Act.CLAWBACK, pledge, pledge.id, sum(amount for _, amount in lines), fixed)


def may_write_off(session: Session, actor: Actor, pledge: Pledge, write_off_id: UUID, amount: int) -> None:
    """Let the approval of a write-off pass: of exactly the one that was asked for."""
    _require(session, actor, Act.WRITE_OFF, pledge, pledge.id, amount, {"write_off": str(write_off_id)})


def pledge_subject(session: Session, actor: Actor, pledge_id: UUID) -> Subject | None:
    """The pledge as governance asks for it; NotFound where the caller may not see it."""
    return _subject(queries.pledge_for(session, actor, pledge_id))


def tranche_subject(session: Session, actor: Actor, tranche_id: UUID) -> Subject | None:
    """The tranche as governance asks for it; NotFound where the caller may not see it."""
    return _subject(queries.tranche_for(session, actor, tranche_id).part.pledge)


def knows_group(session: Session, group_organisation_id: UUID, organisation_id: UUID) -> bool:
    """True where that organisation has promised that group money that was accepted."""
    query = select(Pledge.id).where(
        Pledge.group_organisation_id == group_organisation_id,
        Pledge.organisation_id == organisation_id,
        Pledge.state.in_(sorted(BINDING)),
    )
    return session.scalars(query.limit(1)).first() is not None


def _subject(pledge: Pledge) -> Subject:
    return Subject(pledge.organisation_id, pledge.proposal_id)


def _require(
    session: Session, actor: Actor, act: Act, pledge: Pledge, subject_id: UUID, amount: int, terms: dict[str, str]
) -> None:
    money = Money(amount, pledge.currency)
    about = pledge.proposal_id
    require_authority(session, actor, act, pledge.organisation_id, subject_id, money, proposal_id=about, terms=terms)
