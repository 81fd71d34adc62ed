"""The employer's consent: the group invites, the employer answers. Two parties, and nobody else learns of it.

The employer learns the invitation's own title and message, and nothing else of the proposal; being invited does not
lift its exclusion.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.identity.models import Organisation
from marketplace.proposals.hooks import tell_of_change
from marketplace.proposals.models import EmployerConsent, Proposal
from marketplace.proposals.projection import refresh_projection
from marketplace.proposals.rules import (
    ConsentAlreadyAnswered,
    ConsentAlreadyInvited,
    ConsentFaults,
    ConsentNotAnswered,
    NotTheEmployer,
    consent_faults,
)
from marketplace.proposals.sharing import changeable, own_proposal
from marketplace.store.constraints import refuse_on
from marketplace.store.journal import only, record
from marketplace.values.actor import VERIFIED_STATES, Actor
from marketplace.values.clock import now, today
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import NotFound
from marketplace.web.paging import Page, by_id, cut

refuse_on(
    "uq_employer_consent_invited", lambda: ConsentAlreadyInvited("Wait for its answer, or talk to your employer.")
)


def invite_employer(current: Session, actor: Actor, proposal_id: UUID, draft: dict[str, Any]) -> EmployerConsent:
    """Invite the parent that the proposal names, a verified public body, to answer. NotTheEmployer otherwise."""
    proposal = changeable(own_proposal(current, actor, proposal_id, Action.INVITE_PARTY, lock=True))
    parent = current.get(Organisation, draft["organisation_id"])
    if parent is None or not _is_employer(proposal, parent):
        words = "Name a verified public body as the parent in the section `employer` first, then invite it."
        raise NotTheEmployer(words, pointer="#/organisation_id")
    waiting = select(EmployerConsent.id).where(
        EmployerConsent.proposal_id == proposal.id,
        EmployerConsent.parent_organisation_id == parent.id,
        EmployerConsent.state == "invited",
    )
    if current.scalar(waiting) is not None:
        raise ConsentAlreadyInvited("Wait for its answer, or talk to your employer.")
    consent = EmployerConsent(
        proposal_id=proposal.id,
        parent_organisation_id=parent.id,
        state="invited",
        title=draft["title"],
        message=draft.get("message"),
        invited_by=actor.person,
    )
    current.add(consent)
    current.flush()
    _note(current, actor, proposal, consent, "consent.invited")
    return consent


def answer_consent(current: Session, actor: Actor, consent_id: UUID, answer: dict[str, Any]) -> EmployerConsent:
    """Answer for the employer. What it answers is a verified fact of the proposal until it expires or is withdrawn."""
    consent, proposal = _for_employer(current, actor, consent_id)
    if consent.state != "invited":
        raise ConsentAlreadyAnswered("An answer is given once. Withdraw it, or ask the group for another invitation.")
    faults = consent_faults(answer["decided_on"], answer.get("expires_on"), today())
    if faults:
        raise ConsentFaults("`errors` names each fault.", errors=faults)
    for name in ("answer", "scope", "authority", "decided_on", "expires_on"):
        setattr(consent, name, answer.get(name))
    consent.answered_by, consent.answered_at = actor.user_id, now()
    return _turn(current, actor, proposal, consent, "answered")


def withdraw_consent(current: Session, actor: Actor, consent_id: UUID, reason: str) -> EmployerConsent:
    """Withdraw the employer's answer: whether it consents is unknown again."""
    consent, proposal = _for_employer(current, actor, consent_id)
    if consent.state != "answered":
        raise ConsentNotAnswered("There is nothing to withdraw.")
    consent.withdrawn_at, consent.withdrawal_reason = now(), reason
    return _turn(current, actor, proposal, consent, "withdrawn")


def consents_of_proposal(current: Session, actor: Actor, proposal_id: UUID) -> list[EmployerConsent]:
    """The group's invitations and their answers, the newest first."""
    proposal = own_proposal(current, actor, proposal_id, Action.READ_PROPOSAL)
    rows = select(EmployerConsent).where(EmployerConsent.proposal_id == proposal.id)
    return list(current.scalars(rows.order_by(EmployerConsent.id.desc()).limit(1000)))


def consents_for_employer(
    current: Session, actor: Actor, organisation_id: UUID, limit: int, place: list[Any] | None
) -> Page:
    """The employer's inbox, the newest first."""
    permit(actor, Action.READ_ORGANISATION, organisation_id)
    rows = (
        select(EmployerConsent)
        .where(EmployerConsent.parent_organisation_id == organisation_id)
        .order_by(EmployerConsent.id.desc())
        .limit(limit + 1)
    )
    if place is not None:
        rows = rows.where(EmployerConsent.id < UUID(place[0]))
    return cut(list(current.scalars(rows)), limit, by_id)


def consent_seen(current: Session, actor: Actor, consent_id: UUID) -> tuple[EmployerConsent, bool]:
    """A consent that the caller is party to, and whether they are of the group. NotFound for everyone else."""
    consent = current.get(EmployerConsent, consent_id)
    if consent is not None:
        proposal = current.get_one(Proposal, consent.proposal_id)
        if actor.membership_in(proposal.organisation_id) is not None or actor.guest_of(proposal.id) is not None:
            return consent, True
        if actor.membership_in(consent.parent_organisation_id) is not None:
            return consent, False
    raise NotFound("There is no such thing, or you may not see it.")


def consent_card(consent: EmployerConsent, *, for_group: bool) -> dict[str, Any]:
    """A consent as its reader may see it: only the group learns which proposal it is about."""
    names = (
        *("id", "parent_organisation_id", "state", "title", "message", "answer", "scope", "authority", "decided_on"),
        *("expires_on", "answered_at", "withdrawn_at", "withdrawal_reason", "created_at"),
    )
    card = {name: getattr(consent, name) for name in names if getattr(consent, name) is not None}
    return card | {"proposal_id": consent.proposal_id} if for_group else card


def _is_employer(proposal: Proposal, parent: Organisation) -> bool:
    identifiers = {f"{each.scheme}-{each.number}" for each in parent.identifiers}
    named = parent.id == proposal.parent_organisation_id or proposal.parent_identifier in identifiers
    return named and parent.kind == "public_body" and parent.verification in VERIFIED_STATES


def _for_employer(current: Session, actor: Actor, consent_id: UUID) -> tuple[EmployerConsent, Proposal]:
    """The consent and its proposal, both locked in the fixed order, for one who may answer for the employer."""
    found = current.get(EmployerConsent, consent_id)
    if found is None:
        raise NotFound("There is no such thing, or you may not see it.")
    permit(actor, Action.ANSWER_CONSENT, found.parent_organisation_id)
    proposal = current.get_one(Proposal, found.proposal_id, with_for_update={"key_share": True}, populate_existing=True)
    consent = current.get_one(EmployerConsent, consent_id, with_for_update={"key_share": True}, populate_existing=True)
    return consent, proposal


def _turn(current: Session, actor: Actor, proposal: Proposal, consent: EmployerConsent, state: str) -> EmployerConsent:
    consent.state = state
    consent.version += 1
    refresh_projection(current, proposal)
    _note(current, actor, proposal, consent, f"consent.{state}")
    tell_of_change(current, proposal.id, f"consent_{state}")
    return consent


def _note(current: Session, actor: Actor, proposal: Proposal, consent: EmployerConsent, type_: str) -> None:
    record(
        current,
        type_,
        "employer_consent",
        consent.id,
        actor=actor,
        audience=only(proposal.organisation_id, consent.parent_organisation_id),
        path=f"/v1/employer-consents/{consent.id}",
        after={"state": consent.state, "answer": consent.answer, "expires_on": consent.expires_on},
    )
