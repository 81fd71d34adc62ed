"""Proposing, answering and ending a fiscal hosting: a two-party record, like the employer's consent."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.governance.rules import Involved
from marketplace.hosting import rules
from marketplace.hosting.models import FiscalHosting
from marketplace.identity.models import Organisation
from marketplace.proposals.models import Proposal
from marketplace.store import journal
from marketplace.store.constraints import refuse_on
from marketplace.values.actor import VERIFIED_STATES, Actor
from marketplace.values.clock import now, today
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import NotFound

refuse_on("uq_fiscal_hosting_agreed", lambda: rules.AlreadyHosted("End the present hosting first."))


def propose_hosting(session: Session, actor: Actor, proposal_id: UUID, draft: dict[str, Any]) -> FiscalHosting:
    """Ask an organisation to hold the group's money. The host learns of it; nobody else does."""
    proposal = session.get(Proposal, proposal_id)
    if proposal is None:
        raise NotFound()
    permit(actor, Action.INVITE_PARTY, proposal.organisation_id)
    host = session.get(Organisation, draft["host_organisation_id"])
    if (
        host is None
        or host.id == proposal.organisation_id
        or host.kind not in rules.HOSTING_KINDS
        or host.verification not in VERIFIED_STATES
    ):
        raise rules.NotAHost(
            "Name a verified organisation that holds money for others.", pointer="#/host_organisation_id"
        )
    hosting = FiscalHosting(
        proposal_id=proposal.id,
        group_organisation_id=proposal.organisation_id,
        host_organisation_id=host.id,
        fee=draft["fee"],
        terms=draft["terms"],
        signatories=[{**each, "side": "group"} for each in draft["signatories"]],
    )
    session.add(hosting)
    session.flush()
    _record(session, actor, hosting, "hosting.proposed")
    return hosting


def hosting_of(session: Session, actor: Actor, hosting_id: UUID, *, lock: bool = False) -> FiscalHosting:
    """A hosting that the caller is a party to; NotFound for anyone else."""
    hosting = session.get(
        FiscalHosting, hosting_id, with_for_update={"key_share": True} if lock else None, populate_existing=lock
    )
    if hosting is None or not actor.organisation_ids & {hosting.group_organisation_id, hosting.host_organisation_id}:
        raise NotFound()
    return hosting


def hostings_of_proposal(session: Session, actor: Actor, proposal_id: UUID) -> list[FiscalHosting]:
    """Every hosting of a proposal, newest first, for its group."""
    proposal = session.get(Proposal, proposal_id)
    if proposal is None:
        raise NotFound()
    permit(actor, Action.READ_PROPOSAL, proposal.organisation_id)
    query = select(FiscalHosting).where(FiscalHosting.proposal_id == proposal_id).order_by(FiscalHosting.id.desc())
    return list(session.scalars(query.limit(100)))


def hostings_for_host(
    session: Session, actor: Actor, organisation_id: UUID, after: UUID | None, limit: int
) -> list[FiscalHosting]:
    """A host's hostings, newest first; one more than `limit` where there are more."""
    permit(actor, Action.READ_ORGANISATION, organisation_id)
    query = select(FiscalHosting).where(FiscalHosting.host_organisation_id == organisation_id)
    if after is not None:
        query = query.where(FiscalHosting.id < after)
    return list(session.scalars(query.order_by(FiscalHosting.id.desc()).limit(limit + 1)))


def answer_hosting(session: Session, actor: Actor, hosting_id: UUID, answer: dict[str, Any]) -> FiscalHosting:
    """Agree to hold the group's money, with the host's signatories, or decline."""
    hosting = hosting_of(session, actor, hosting_id, lock=True)
    permit(actor, Action.ANSWER_HOSTING, hosting.host_organisation_id)
    agreed = answer["answer"] == "agreed"
    hosting.state = rules.next_state(hosting.state, "agree" if agreed else "decline")
    if agreed:
        signed = [*hosting.signatories, *({**each, "side": "host"} for each in answer.get("signatories", []))]
        rules.check_signatories(signed)
        hosting.signatories = signed
        hosting.agreed_on = today()
    hosting.reason = answer.get("reason")
    hosting.answered_by = actor.person
    hosting.answered_at = now()
    hosting.version += 1
    session.flush()
    _record(session, actor, hosting, f"hosting.{hosting.state}")
    return hosting


def end_hosting(session: Session, actor: Actor, hosting_id: UUID, reason: dict[str, str]) -> FiscalHosting:
    """End a hosting, from either side. Money already paid to the host stays recorded there."""
    hosting = hosting_of(session, actor, hosting_id, lock=True)
    if actor.membership_in(hosting.host_organisation_id) is not None:
        permit(actor, Action.ANSWER_HOSTING, hosting.host_organisation_id)
    else:
        permit(actor, Action.INVITE_PARTY, hosting.group_organisation_id)
    hosting.state = rules.next_state(hosting.state, "end")
    hosting.ended_at = now()
    hosting.reason = reason
    hosting.version += 1
    session.flush()
    _record(session, actor, hosting, "hosting.ended")
    return hosting


def agreed_hosting(session: Session, proposal_id: UUID) -> FiscalHosting | None:
    """The proposal's present fiscal host, held in place (FOR SHARE) until the transaction ends."""
    query = select(FiscalHosting).where(FiscalHosting.proposal_id == proposal_id, FiscalHosting.state == "agreed")
    return session.scalars(query.with_for_update(read=True)).one_or_none()


def involved_hosts(session: Session, proposal_id: UUID) -> list[Involved]:
    """The organisations that hold, or were asked to hold, the group's money."""
    query = select(FiscalHosting.host_organisation_id).where(
        FiscalHosting.proposal_id == proposal_id, FiscalHosting.state.in_(["proposed", "agreed"])
    )
    return [Involved("host", each) for each in session.scalars(query.distinct())]


def host_may_hold(session: Session, hosting: FiscalHosting) -> bool:
    """Whether the host may be paid: verified now, and kept so (FOR SHARE) until the transaction ends."""
    host = select(Organisation.verification).where(Organisation.id == hosting.host_organisation_id)
    return session.scalar(host.with_for_update(read=True)) in VERIFIED_STATES


def _record(session: Session, actor: Actor, hosting: FiscalHosting, type_: str) -> None:
    journal.record(
        session,
        type_,
        "fiscal_hosting",
        hosting.id,
        actor=actor,
        audience=journal.only(hosting.group_organisation_id, hosting.host_organisation_id),
        path=f"/v1/fiscal-hostings/{hosting.id}",
        after={"state": hosting.state, "fee": hosting.fee, "signatories": hosting.signatories},
    )
