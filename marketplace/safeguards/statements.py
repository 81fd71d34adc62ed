"""The public assurance statement: composed of what is known, published in numbered versions that never change."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.identity.models import Organisation
from marketplace.identity.organisations import freshly
from marketplace.proposals.models import Proposal, ProposalVersion
from marketplace.proposals.queries import own_view
from marketplace.proposals.sharing import changeable, own_proposal
from marketplace.safeguards.models import AssuranceStatement
from marketplace.safeguards.rules import (
    MOST_STATEMENTS,
    NOT_SAID,
    Line,
    NothingPublished,
    StatementContradicted,
    TooManyStatements,
    composed,
    contradictions,
)
from marketplace.safeguards.service import claims_kept, known_from, promises_of
from marketplace.safeguards.sight import is_open_to_all, latest_number, statement_seen
from marketplace.store.base import new_id
from marketplace.store.journal import Audience, record
from marketplace.values.actor import Actor
from marketplace.values.permissions import Action, permit
from marketplace.values.reasons import Reason
from marketplace.values.refusals import NotFound


@dataclass(frozen=True, slots=True)
class StatementSeen:
    """A version of a statement, or the draft of the next (without number), with each line's level today."""

    proposal_id: UUID
    number: int | None
    title: dict[str, str]
    group_name: dict[str, str]
    introduction: dict[str, str] | None
    lines: list[dict[str, Any]]
    open_to_all: bool
    published_at: datetime | None


def draft_statement(current: Session, actor: Actor, proposal_id: UUID) -> StatementSeen:
    """What a statement would say if it were published now, for the group. NothingPublished before the proposal was."""
    proposal = own_proposal(current, actor, proposal_id, Action.READ_PROPOSAL)
    version, lines, _ = _composed(current, proposal)
    name = current.get_one(Organisation, proposal.organisation_id).name
    shown = _with_levels(current, proposal_id, [line.as_json() for line in lines])
    return StatementSeen(proposal_id, None, version.title, name, None, shown, False, None)


def publish_statement(current: Session, actor: Actor, proposal_id: UUID, draft: dict[str, Any]) -> StatementSeen:
    """Publish the statement's next version. StatementContradicted, with every rule, where safeguards break some."""
    proposal = own_proposal(current, actor, proposal_id, Action.SHARE_PROPOSAL, lock=True)
    permit(freshly(current, actor), Action.SHARE_PROPOSAL, proposal.organisation_id)
    changeable(proposal)
    version, lines, wrong = _composed(current, proposal)
    if wrong:
        raise StatementContradicted(
            "Put right what the published proposal and the safeguards say.",
            reasons=[reason.as_json() for reason in wrong],
        )
    number = (latest_number(current, proposal_id) or 0) + 1
    if number > MOST_STATEMENTS:
        raise TooManyStatements(f"A statement has at most {MOST_STATEMENTS} versions.")
    was_open = is_open_to_all(current, proposal_id)
    made = AssuranceStatement(
        id=new_id(),
        proposal_id=proposal_id,
        proposal_version_id=version.id,
        number=number,
        title=version.title,
        group_name=current.get_one(Organisation, proposal.organisation_id).name,
        introduction=draft.get("introduction"),
        lines=[line.as_json() for line in lines],
        open_to_all=draft["open_to_all"],
        published_by=actor.person,
    )
    current.add(made)
    current.flush()
    current.refresh(made)
    is_open = is_open_to_all(current, proposal_id)
    _note(current, actor, proposal, made, "published", public=is_open)
    if was_open and not is_open:
        _note(current, actor, proposal, made, "hidden", public=True)
    return _seen(current, made)


def statements_of(current: Session, actor: Actor, proposal_id: UUID) -> list[AssuranceStatement]:
    """Every version of a statement that the caller may read, the newest first; at most MOST_STATEMENTS."""
    statement_seen(current, actor, proposal_id)
    rows = select(AssuranceStatement).filter_by(proposal_id=proposal_id).order_by(AssuranceStatement.number.desc())
    return list(current.scalars(rows))


def statement(current: Session, actor: Actor, proposal_id: UUID, number: int) -> StatementSeen:
    """One version, with how well each safeguard is known today beside what was said then."""
    statement_seen(current, actor, proposal_id)
    if number > MOST_STATEMENTS:
        raise NotFound()
    found = current.scalar(select(AssuranceStatement).filter_by(proposal_id=proposal_id, number=number))
    if found is None:
        raise NotFound()
    return _seen(current, found)


def _note(
    current: Session, actor: Actor, proposal: Proposal, made: AssuranceStatement, step: str, *, public: bool
) -> None:
    """`hidden` tells whoever kept an open statement to forget it."""
    group = proposal.organisation_id
    record(
        current,
        f"assurance_statement.{step}",
        "assurance_statement",
        made.id,
        actor=actor,
        audience=Audience(frozenset({group}), public=public, owner=group),
        path=f"/v1/proposals/{proposal.id}/assurance-statements/{made.number}",
        after={"number": made.number, "open_to_all": made.open_to_all, "lines": made.lines},
    )


def _composed(current: Session, proposal: Proposal) -> tuple[ProposalVersion, list[Line], list[Reason]]:
    """The lines over what the proposal has published, and what of it the safeguards contradict."""
    if proposal.current_version_id is None:
        raise NothingPublished("Publish it first, shared as narrowly as you wish.")
    view = own_view(current, proposal.id)
    known = known_from(current, proposal.id, view.facts)
    lines = composed(known, view.facts.get("incorporated"), view.assurance, promises_of(current, proposal.id))
    version = current.get_one(ProposalVersion, proposal.current_version_id)
    return version, lines, contradictions(claims_kept(current, proposal.id), known)


def _seen(current: Session, made: AssuranceStatement) -> StatementSeen:
    return StatementSeen(
        made.proposal_id,
        made.number,
        made.title,
        made.group_name,
        made.introduction,
        _with_levels(current, made.proposal_id, made.lines),
        made.open_to_all,
        made.created_at,
    )


def _with_levels(current: Session, proposal_id: UUID, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    now = {promise.claim.safeguard: promise.level for promise in promises_of(current, proposal_id)}
    return [
        line | {"level_now": now.get(line["safeguard"], NOT_SAID) if line["safeguard"] is not None else None}
        for line in lines
    ]
