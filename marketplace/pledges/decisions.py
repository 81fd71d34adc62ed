"""Deciding whether a programme may make an offer, keeping what was decided, and deciding it again years later.

The evaluation is `eligibility`'s; here are the facts that it is made over (those shared with the funder, no others)
and the record of it. Flushes, never commits.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.eligibility import decisions as made
from marketplace.eligibility.decisions import EVALUATOR, Basis, Replay
from marketplace.eligibility.models import CriteriaVersion
from marketplace.eligibility.rules import Evaluation, Result
from marketplace.pledges import queries
from marketplace.pledges.models import Decision, Pledge
from marketplace.programmes.models import Programme
from marketplace.proposals.models import Proposal
from marketplace.proposals.queries import sharing_of
from marketplace.reference.parameters import values_on
from marketplace.store import journal
from marketplace.values.actor import Actor
from marketplace.values.canonical import sha256_of
from marketplace.values.clock import today
from marketplace.values.reasons import Outcome, Reason
from marketplace.values.refusals import NotFound

BOUND_AS = "decision"
"""The name under which audit entries bind a decision."""
BATCH = 200
"""Decisions held in memory at a time when all are replayed."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A basis and what it came to."""

    basis: Basis
    evaluation: Evaluation

    def blocking(self, waivers: Mapping[str, Any]) -> list[Reason]:
        """What of it stands in an offer's way: hard criteria not met or not known, and waivers of none that can be."""
        by_code = {reason.code: reason for reason in self.evaluation.reasons}
        blocking = [by_code[code] for code in (*self.evaluation.unmet, *self.evaluation.unknown)]
        if self.evaluation.result is not Result.ELIGIBLE and not blocking:
            raise AssertionError("an evaluation that is not eligible names what stands in the way")
        return blocking + [
            Reason(code, Outcome.UNMET, op="waiver", wanted="a waivable criterion")
            for code in waivers
            if code not in by_code or not by_code[code].waivable
        ]


@dataclass(frozen=True, slots=True)
class Verified:
    """A pledge that was offered, and how the replay of its decision went; None where there is no decision."""

    pledge_id: UUID
    replay: Replay | None


def decide_offer(
    session: Session,
    programme: Programme,
    proposal: Proposal,
    waivers: Mapping[str, Any],
    *,
    shared_with: UUID | None = None,
) -> Decided:
    """Evaluate the programme's published criteria over the facts shared with its organisation, as of today.

    `shared_with`: over those shared with another, who acts under its rules and knows what it may see.
    """
    if programme.current_criteria_version_id is None or proposal.current_version_id is None:
        raise AssertionError("an offer rests on published criteria and a published proposal")
    day = today()
    criteria = session.get_one(CriteriaVersion, programme.current_criteria_version_id)
    view = sharing_of(session, proposal.id, shared_with or programme.organisation_id, day)
    basis = Basis(
        evaluator=EVALUATOR,
        criteria_version_id=criteria.id,
        proposal_version_id=proposal.current_version_id,
        tree_sha256=made.tree_digest(criteria.tree),
        as_of=day,
        facts={slug: value for slug, value in view.facts.items() if slug in view.slugs},
        shared=sorted(view.slugs),
        assurance=view.assurance,
        waived=sorted(waivers),
        parameters=values_on(day),
    )
    return Decided(basis, made.decide(criteria.tree, basis))


def keep_decision(session: Session, pledge: Pledge, decided: Decided) -> Decision:
    """Keep what the pledge's offer rests on, in the offer's transaction."""
    basis, result = decided.basis, made.result_text(decided.evaluation)
    decision = Decision(
        pledge_id=pledge.id,
        criteria_version_id=basis.criteria_version_id,
        proposal_version_id=basis.proposal_version_id,
        evaluator=basis.evaluator,
        as_of=basis.as_of,
        tree_sha256=basis.tree_sha256,
        facts=dict(basis.facts),
        shared=list(basis.shared),
        assurance=dict(basis.assurance),
        waived=list(basis.waived),
        parameters=dict(basis.parameters),
        basis_sha256=basis.sha256,
        result=result,
        result_sha256=sha256_of(result),
    )
    session.add(decision)
    session.flush()
    journal.bind(session, BOUND_AS, pledge.id, decision_digest(decision))
    return decision


def decision_digest(decision: Decision) -> str:
    """What the audit chain keeps of a decision: the digests of its basis and result as they are now."""
    return sha256_of(f"{basis_of(decision).sha256} {sha256_of(decision.result)}")


def digests_of(session: Session, pledge_ids: Iterable[UUID]) -> dict[UUID, str]:
    """The digests of the decisions behind these pledges as they stand now; those that are not there are left out."""
    found = session.scalars(select(Decision).where(Decision.pledge_id.in_(list(pledge_ids))))
    return {each.pledge_id: decision_digest(each) for each in found}


def ids_after(session: Session, after: UUID | None, limit: int) -> list[UUID]:
    """The next pledges with a decision, in order."""
    query = select(Decision.pledge_id).order_by(Decision.pledge_id).limit(limit)
    return list(session.scalars(query if after is None else query.where(Decision.pledge_id > after)))


def decision_for(session: Session, actor: Actor, pledge_id: UUID) -> Decision:
    """The decision behind a pledge that the caller may see; NotFound before it is offered."""
    pledge = queries.pledge_for(session, actor, pledge_id)
    decision = session.get(Decision, pledge.id)
    if decision is None:
        raise NotFound()
    return decision


def decision_card(decision: Decision) -> dict[str, Any]:
    """The decision as it is shown: what its digests are of, unchanged."""
    return {
        "pledge_id": decision.pledge_id,
        "created_at": decision.created_at,
        "basis": basis_of(decision),
        "basis_sha256": decision.basis_sha256,
        "result": json.loads(decision.result),
        "result_sha256": decision.result_sha256,
    }


def basis_of(decision: Decision) -> Basis:
    """What was kept of the basis."""
    return Basis(
        evaluator=decision.evaluator,
        criteria_version_id=decision.criteria_version_id,
        proposal_version_id=decision.proposal_version_id,
        tree_sha256=decision.tree_sha256,
        as_of=decision.as_of,
        facts=decision.facts,
        shared=decision.shared,
        assurance=decision.assurance,
        waived=decision.waived,
        parameters=decision.parameters,
    )


def replayed(session: Session, decision: Decision) -> Replay:
    """Decide again, from what was kept and the criteria version's own tree."""
    return _replayed(decision, session.get_one(CriteriaVersion, decision.criteria_version_id).tree)


def replay_all(session: Session) -> Iterator[Verified]:
    """Every pledge that was offered, the earliest first, with its replay. Holds a batch in memory, never all."""
    after: UUID | None = None
    while True:
        query = (
            select(Pledge.id, Decision, CriteriaVersion.tree)
            .outerjoin(Decision, Decision.pledge_id == Pledge.id)
            .outerjoin(CriteriaVersion, CriteriaVersion.id == Decision.criteria_version_id)
            .where(Pledge.offered_at.is_not(None) | Decision.pledge_id.is_not(None))
        )
        if after is not None:
            query = query.where(Pledge.id > after)
        rows = session.execute(query.order_by(Pledge.id).limit(BATCH)).all()
        for pledge_id, decision, tree in rows:
            yield Verified(pledge_id, None if decision is None else _replayed(decision, tree))
        if len(rows) < BATCH:
            return
        after = rows[-1][0]


def _replayed(decision: Decision, tree: Mapping[str, Any]) -> Replay:
    return made.replay(tree, basis_of(decision), decision.basis_sha256, decision.result, decision.result_sha256)
