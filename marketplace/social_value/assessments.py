"""Assessments of a proposal's social value: made by the group, in versions that never change, compared with each other.

Who sees one: the group and its guests; where it is not confidential, whoever sees the proposal under its name and is
not kept out of it. Versions of different proposals are never set side by side.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.evidence import policy
from marketplace.identity.organisations import freshly
from marketplace.instruments.amounts import half_up
from marketplace.proposals.models import Proposal
from marketplace.proposals.sharing import changeable, own_proposal
from marketplace.proposals.sight import sees_plainly
from marketplace.social_value.accounts import account_of, content_of, result_of, totals_of
from marketplace.social_value.models import SocialValueAssessment, SocialValueVersion
from marketplace.social_value.rules import (
    MOST_ASSESSMENTS,
    MOST_VERSIONS,
    Pair,
    RatiosNotComparable,
    SocialReturn,
    TooManyAssessments,
    paired,
    restated,
    social_return,
)
from marketplace.social_value.sight import Precondition, sees_workings_of_group
from marketplace.store import journal
from marketplace.store.base import new_id
from marketplace.values.actor import Actor
from marketplace.values.clock import today
from marketplace.values.permissions import Action, permit
from marketplace.values.reasons import Outcome, Reason
from marketplace.values.refusals import NotFound

COMPARED = ("deadweight_bp", "displacement_bp", "attribution_bp", "drop_off_bp", "duration_years", "start_year")


# Making


def open_assessment(session: Session, actor: Actor, proposal_id: UUID, draft: dict[str, Any]) -> SocialValueAssessment:
    """An assessment without an account yet. At most MOST_ASSESSMENTS for a proposal."""
    proposal = _written(session, actor, proposal_id)
    so_far = select(func.count()).where(SocialValueAssessment.proposal_id == proposal_id)
    if session.scalars(so_far).one() >= MOST_ASSESSMENTS:
        raise TooManyAssessments(f"A proposal has at most {MOST_ASSESSMENTS} assessments.")
    made = SocialValueAssessment(id=new_id(), proposal_id=proposal_id, made_by=actor.person, **draft)
    session.add(made)
    session.flush()
    session.refresh(made)
    _record(session, actor, proposal, "social_value_assessment.opened", made, draft)
    return made


def share_assessment(
    session: Session, actor: Actor, assessment_id: UUID, precondition: Precondition, *, confidential: bool
) -> SocialValueAssessment:
    """Show the assessment to those who see the proposal under its name, or keep it confidential again."""
    kept = assessment_seen(session, actor, assessment_id)
    proposal = _written(session, actor, kept.proposal_id)
    session.refresh(kept)
    precondition(kept)
    before = {"confidential": kept.confidential}
    kept.confidential = confidential
    kept.version += 1
    session.flush()
    after = {"confidential": confidential}
    _record(session, actor, proposal, "social_value_assessment.shared", kept, after, before)
    return kept


def add_version(session: Session, actor: Actor, assessment_id: UUID, draft: dict[str, Any]) -> SocialValueVersion:
    """The assessment's next account, computed and kept for good. AccountFaults; at most MOST_VERSIONS of them."""
    kept = assessment_seen(session, actor, assessment_id)
    proposal = _written(session, actor, kept.proposal_id)
    kind = draft.pop("kind")
    content = content_of(draft, today())
    result = result_of(content)
    so_far = select(func.count()).where(SocialValueVersion.assessment_id == assessment_id)
    number = session.scalars(so_far).one() + 1
    if number > MOST_VERSIONS:
        raise TooManyAssessments(f"An assessment has at most {MOST_VERSIONS} versions.")
    made = SocialValueVersion(
        id=new_id(),
        assessment_id=assessment_id,
        number=number,
        kind=kind,
        convention=content["convention"],
        method=result["method"],
        content=content,
        result=result,
        made_by=actor.person,
    )
    session.add(made)
    session.flush()
    session.refresh(made)
    after = {"number": number, "kind": kind, "content": content, "result": result}
    _record(session, actor, proposal, "social_value_version.added", kept, after)
    return made


def _written(session: Session, actor: Actor, proposal_id: UUID) -> Proposal:
    """The caller's own proposal, locked, which may still be written to."""
    proposal = own_proposal(session, actor, proposal_id, Action.WRITE_PROPOSAL, lock=True)
    permit(freshly(session, actor), Action.WRITE_PROPOSAL, proposal.organisation_id)
    return changeable(proposal)


# Reading


def assessment_seen(session: Session, actor: Actor, assessment_id: UUID) -> SocialValueAssessment:
    """An assessment that the caller may see; NotFound otherwise."""
    kept = session.get(SocialValueAssessment, assessment_id)
    if kept is None or not (
        sees_workings_of_group(session, actor, kept.proposal_id)
        or (not kept.confidential and _looks_on(session, actor, kept.proposal_id))
    ):
        raise NotFound()
    return kept


def assessments_of(
    session: Session, actor: Actor, proposal_id: UUID, after: UUID | None, limit: int
) -> list[SocialValueAssessment]:
    """The proposal's assessments that the caller sees, the oldest first, one more than `limit` where there are more."""
    query = select(SocialValueAssessment).where(SocialValueAssessment.proposal_id == proposal_id)
    if not sees_workings_of_group(session, actor, proposal_id):
        if not _looks_on(session, actor, proposal_id):
            raise NotFound()
        query = query.where(SocialValueAssessment.confidential.is_(False))
    if after is not None:
        query = query.where(SocialValueAssessment.id > after)
    return list(session.scalars(query.order_by(SocialValueAssessment.id).limit(limit + 1)))


def versions_of(
    session: Session, actor: Actor, assessment_id: UUID, after: UUID | None, limit: int
) -> list[SocialValueVersion]:
    """The assessment's versions, the newest first, one more than `limit` where there are more."""
    assessment_seen(session, actor, assessment_id)
    query = select(SocialValueVersion).where(SocialValueVersion.assessment_id == assessment_id)
    if after is not None:
        query = query.where(SocialValueVersion.id < after)
    return list(session.scalars(query.order_by(SocialValueVersion.id.desc()).limit(limit + 1)))


def version_seen(session: Session, actor: Actor, version_id: UUID) -> SocialValueVersion:
    """A version of an assessment that the caller may see; NotFound otherwise."""
    version = session.get(SocialValueVersion, version_id)
    if version is None:
        raise NotFound()
    assessment_seen(session, actor, version.assessment_id)
    return version


def _looks_on(session: Session, actor: Actor, proposal_id: UUID) -> bool:
    kept_out = any(each(session, actor, proposal_id) for each in policy.KEPT_OUT)
    return not kept_out and sees_plainly(session, actor, proposal_id)


# Comparing


@dataclass(frozen=True, slots=True)
class _Side:
    """One of two versions, as the comparison needs it."""

    version: SocialValueVersion
    proposal_id: UUID


def compare_versions(session: Session, actor: Actor, first_id: UUID, second_id: UUID) -> dict[str, Any]:
    """Two accounts of one proposal, outcome by outcome; the first is restated under the second's convention and rates.

    RatiosNotComparable for different proposals, and for a version with itself. NotFound for what one may not see.
    """
    first, second = (_side(session, actor, each) for each in (first_id, second_id))
    if first.proposal_id != second.proposal_id:
        proposals = [str(each.proposal_id) for each in (first, second)]
        reason = Reason("SAME_PROPOSAL", Outcome.UNMET, "eq", wanted=proposals[0], found=proposals[1])
        raise RatiosNotComparable(
            "Each account counts other things, values them by other proxies and judges them otherwise: a ratio says"
            " how one service does over time, and ranks nothing. Compare versions of one proposal.",
            parameter="second",
            reasons=[reason.as_json()],
        )
    if first_id == second_id:
        reason = Reason("TWO_VERSIONS", Outcome.UNMET, "ne", wanted=2, found=1)
        raise RatiosNotComparable("Name two different versions.", parameter="second", reasons=[reason.as_json()])
    return _compared(first.version, second.version)


def _side(session: Session, actor: Actor, version_id: UUID) -> _Side:
    version = version_seen(session, actor, version_id)
    return _Side(version, session.get_one(SocialValueAssessment, version.assessment_id).proposal_id)


def _compared(first: SocialValueVersion, second: SocialValueVersion) -> dict[str, Any]:
    before, after = account_of(first.content), account_of(second.content)
    as_it_would_be, as_it_is = social_return(restated(before, after)), social_return(after)
    pairs = paired(before.outcomes, after.outcomes)
    totals, measured = totals_of(as_it_would_be), totals_of(as_it_is)
    return {
        "first": _shown_side(first),
        "second": _shown_side(second),
        "restated": totals,
        "difference": measured["total_present_value"] - totals["total_present_value"],
        "outcomes": [_compared_outcome(pair, first, second, as_it_would_be, as_it_is) for pair in pairs],
    }


def _shown_side(version: SocialValueVersion) -> dict[str, Any]:
    return {
        "version_id": version.id,
        "assessment_id": version.assessment_id,
        "number": version.number,
        "kind": version.kind,
        "convention": version.convention,
        "standard_bp": version.content["rates"]["standard_bp"],
        "health_bp": version.content["rates"]["health_bp"],
        "totals": version.result,
    }


def _compared_outcome(
    pair: Pair, first: SocialValueVersion, second: SocialValueVersion, told: SocialReturn, is_told: SocialReturn
) -> dict[str, Any]:
    sides = [_assumed(first, pair.first, told), _assumed(second, pair.second, is_told)]
    before, after = sides
    changed = [] if before is None or after is None else [name for name in _NAMES if before[name] != after[name]]
    worth = [0 if side is None else side["present_value"] for side in sides]
    return {
        "beneficiary": pair.beneficiary,
        "proxy": pair.proxy,
        "first": before,
        "second": after,
        "changed": changed,
        "difference": worth[1] - worth[0],
    }


_NAMES = ("quantity", "proxy_value", *COMPARED)


def _assumed(version: SocialValueVersion, place: int | None, told: SocialReturn) -> dict[str, Any] | None:
    if place is None:
        return None
    outcome = version.content["outcomes"][place]
    return {
        "quantity": outcome["quantity"],
        "proxy_value": outcome["proxy"]["value"]["amount"],
        **{name: outcome[name] for name in COMPARED},
        "present_value": half_up(told.outcomes[place].present_value),
    }


def _record(
    session: Session,
    actor: Actor,
    proposal: Proposal,
    type_: str,
    kept: SocialValueAssessment,
    after: dict[str, Any],
    before: dict[str, Any] | None = None,
) -> None:
    journal.record(
        session,
        type_,
        "social_value_assessment",
        kept.id,
        actor=actor,
        audience=journal.only(proposal.organisation_id),
        path=f"/v1/social-value-assessments/{kept.id}",
        before=before,
        after=after,
    )
