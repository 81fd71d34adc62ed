"""The cohort of a programme: which groups take its places, counted from pledges each time it is asked.

An offer holds the limit's row, after its pledge and tranches and before governance, so that two offers never share a
last place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, String, and_, func, or_, select, type_coerce
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from marketplace.pipeline.models import ProposalPipeline
from marketplace.pledges import cohort_rules as rules
from marketplace.pledges import hooks, queries
from marketplace.pledges.cohort_rules import Held, Limit, Standing
from marketplace.pledges.models import Decision, Pledge
from marketplace.programmes.cohort_models import CohortLimit
from marketplace.programmes.service import own_programme
from marketplace.proposals.models import Ask
from marketplace.values.actor import Actor
from marketplace.values.clock import now
from marketplace.values.permissions import Action
from marketplace.values.reasons import Reason


@dataclass(frozen=True, slots=True)
class Place:
    """A place that a proposal takes, in a sector, and what for."""

    id: UUID
    sector: str | None
    held_for: Held


def place_reasons(session: Session, pledge: Pledge, ask: Ask, sector: str | None) -> list[Reason]:
    """Whether the programme's cohort has a place for this offer, held until the transaction ends; met or not.

    Nothing without a limit, and for an ask after the launch.
    """
    if ask.stage not in rules.BEFORE_LAUNCH:
        return []
    row = session.get(CohortLimit, pledge.programme_id, with_for_update={"key_share": True}, populate_existing=True)
    limit = _limit(row)
    if limit is None:
        return []
    return [rules.place_for(limit, pledge.proposal_id, sector, _standings(session, pledge.programme_id))]


def cohort_of(session: Session, actor: Actor, programme_id: UUID) -> dict[str, Any]:
    """How many places of one's own programme are taken: in all, and in each sector that has any."""
    programme = own_programme(session, actor, programme_id, Action.READ_PROGRAMME)
    row = session.get(CohortLimit, programme.id)
    noted = row is not None and row.learning_note_required
    standings = _standings(session, programme.id)
    by_sector = rules.places_by_sector(standings, learning_note_required=noted)
    return {
        "limit": None if row is None or row.limit is None else row,
        "taken": sum(by_sector.values()),
        "sectors": [
            {"sector": sector, "taken": by_sector[sector]}
            for sector in sorted(by_sector, key=lambda each: (each is None, each or ""))
        ],
    }


def places_of(session: Session, actor: Actor, programme_id: UUID, after: UUID | None, limit: int) -> list[Place]:
    """The places of one's own programme by proposal, as far as the caller may see the promises; `limit` + 1."""
    programme = own_programme(session, actor, programme_id, Action.READ_PROGRAMME)
    row = session.get(CohortLimit, programme.id)
    noted = row is not None and row.learning_note_required
    found = _standings(session, programme.id, queries.may_see(actor))
    places = [
        Place(each.proposal_id, each.sector, held)
        for each, held in rules.takers(found, learning_note_required=noted)
        if after is None or each.proposal_id > after
    ]
    return places[: limit + 1]


def _limit(row: CohortLimit | None) -> Limit | None:
    if row is None or row.limit is None:
        return None
    return Limit(row.limit, row.per_sector, row.learning_note_required)


def _standings(session: Session, programme_id: UUID, *conditions: ColumnElement[bool]) -> Sequence[Standing]:
    """Every proposal that the programme has promised something before its launch, by the sector of the latest offer."""
    live = queries.state_at(now()).in_(sorted(rules.LIVE))
    signed = Pledge.signed_on.is_not(None)
    noted = [clause(Pledge.proposal_id, Pledge.offered_at) for clause in hooks.NOTE_CLAUSES]
    told = func.array_agg(aggregate_order_by(Decision.facts["sector"].astext, Pledge.offered_at.desc()))
    query = (
        select(
            Pledge.proposal_id,
            type_coerce(told, ARRAY(String))[1],
            func.bool_or(live),
            ProposalPipeline.stage.in_(sorted(rules.BEFORE_LAUNCH)),
            func.bool_or(and_(signed, ~or_(*noted)) if noted else signed),
        )
        .join(Ask, Ask.id == Pledge.ask_id)
        .join(ProposalPipeline, ProposalPipeline.proposal_id == Pledge.proposal_id)
        .outerjoin(Decision, Decision.pledge_id == Pledge.id)
        .where(
            Pledge.programme_id == programme_id,
            Ask.stage.in_(sorted(rules.BEFORE_LAUNCH)),
            or_(live, signed),
            *conditions,
        )
        .group_by(Pledge.proposal_id, ProposalPipeline.stage)
        .order_by(Pledge.proposal_id)
    )
    return [Standing(*row) for row in session.execute(query)]
