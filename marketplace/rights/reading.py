"""Reading claims and what surrounds them: as the group, as the authority; coverage; how often claims are accepted."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import String, cast, func, select
from sqlalchemy.orm import Session

from marketplace.identity.models import Organisation
from marketplace.proposals.drafted import drafted_facts
from marketplace.proposals.models import Proposal, ProposalProjection
from marketplace.proposals.queries import is_public
from marketplace.proposals.sharing import own_proposal
from marketplace.reference import codelists
from marketplace.reference.rights import GAPS, ROUTES, cover, routes_for
from marketplace.rights.models import Motives, RightClaim
from marketplace.rights.rules import MOST_CLAIMS, Counted, Position, Row, position_reasons, statistics_of, timing
from marketplace.values.actor import Actor
from marketplace.values.clock import day_of, today
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import NotFound

UNKNOWN = "unknown"
TOLD = (
    *("id", "route", "authority_organisation_id", "authority_name", "claimant", "title", "statement", "submitted_on"),
    *("state", "outcome", "declared", "modification", "rejection_reason", "answer", "source", "answered_on"),
    *("appeal", "appealed_on", "appeal_answer", "appeal_source", "appeal_decided_on"),
    *("withdrawal_reason", "withdrawn_at", "created_at"),
)


def claim_seen(current: Session, actor: Actor, claim_id: UUID) -> tuple[RightClaim, bool]:
    """A claim that the caller is party to, and whether they are of the group. NotFound for everyone else."""
    claim = current.get(RightClaim, claim_id)
    if claim is not None:
        if actor.membership_in(claim.organisation_id) or actor.guest_of(claim.proposal_id):
            return claim, True
        if claim.authority_organisation_id and actor.membership_in(claim.authority_organisation_id):
            return claim, False
    raise NotFound()


def claims_of_proposal(current: Session, actor: Actor, proposal_id: UUID) -> list[RightClaim]:
    """The claims for one's own proposal, the newest first; there are at most MOST_CLAIMS."""
    proposal = own_proposal(current, actor, proposal_id, Action.READ_PROPOSAL)
    rows = select(RightClaim).where(RightClaim.proposal_id == proposal.id).order_by(RightClaim.id.desc())
    return list(current.scalars(rows.limit(MOST_CLAIMS)))


def claims_for_authority(
    current: Session, actor: Actor, organisation_id: UUID, state: str | None, after: UUID | None, limit: int
) -> Sequence[RightClaim]:
    """The claims made to one's own organisation, the oldest first; `limit` + 1 of them."""
    permit(actor, Action.READ_ORGANISATION, organisation_id)
    rows = select(RightClaim).where(RightClaim.authority_organisation_id == organisation_id)
    if state is not None:
        rows = rows.where(RightClaim.state == state)
    if after is not None:
        rows = rows.where(RightClaim.id > after)
    return list(current.scalars(rows.order_by(RightClaim.id).limit(limit + 1)))


def claim_card(claim: RightClaim, *, for_group: bool) -> dict[str, Any]:
    """A claim as its reader may see it: only the group is told which proposal it is for."""
    route = ROUTES[claim.route]
    told = {name: getattr(claim, name) for name in TOLD if getattr(claim, name) is not None}
    told["timing"] = timing(route, claim.submitted_on, claim.answer_due_on, claim.answered_on, _until(claim))
    told |= {"leads_to": route.leads_to, "leads_to_words": route.leads_to_words, "appeal_to": route.appeal_to}
    return told | {"proposal_id": claim.proposal_id} if for_group else told


def _until(claim: RightClaim) -> date:
    """Up to which day a claim waits: the withdrawal ends it."""
    return today() if claim.withdrawn_at is None else day_of(claim.withdrawn_at)


def coverage_on(day: date) -> dict[str, Any]:
    """For each sector in each nation the rights and policies that live on that day."""
    cells = [
        {"sector": sector, "nation": nation, "cover": cover(routes), "routes": [route.slug for route in routes]}
        for nation in codelists.slugs("nations")
        for sector in codelists.slugs("service_sectors")
        for routes in [routes_for(sector, nation, day)]
    ]
    return {"day": day, "cells": cells, "gaps": GAPS}


def position_of(current: Session, actor: Actor, proposal_id: UUID, day: date) -> dict[str, Any]:
    """Where one's own proposal stands on that day: the rights that live for it, and every flag. For the group."""
    proposal = own_proposal(current, actor, proposal_id, Action.READ_PROPOSAL)
    facts = drafted_facts(current, proposal.id)
    stated = current.get(Motives, proposal.id)
    position = Position(
        sector=facts.get("sector"),
        nation=facts.get("beneficiary_nation"),
        route=facts.get("route"),
        parent_kind=facts.get("parent_kind"),
        initiation=facts.get("initiation"),
        cuts_threat=facts.get("cuts_threat"),
        motives=tuple(stated.motives) if stated else (),
    )
    known = position.sector is not None and position.nation is not None
    living = routes_for(position.sector or "", position.nation or "", day) if known else []
    chosen = ROUTES.get(position.route or "")
    names = ("sector", "nation", "route", "initiation", "cuts_threat")
    return {
        **{name: getattr(position, name) for name in names},
        "day": day,
        "motives": list(position.motives),
        "routes": [route.slug for route in living],
        "leads_to_words": chosen.leads_to_words if chosen else None,
        "reasons": position_reasons(position, chosen, day),
    }


def acceptance(current: Session, by: str) -> dict[str, Any]:
    """How claims for proposals that are public came out, along one axis, suppressed as `rules.statistics_of` says.

    Cases of the public record that were loaded for show are not counted.
    Whether a cut threatens is counted though it is confidential by default: the registry tells groups that reports
    compare outcomes by it.
    """
    claim = (RightClaim.organisation_id, RightClaim.state, RightClaim.submitted_on, RightClaim.answered_on)
    axes: dict[str, Any] = {
        "authority": func.coalesce(RightClaim.authority_name, cast(RightClaim.authority_organisation_id, String)),
        "route": RightClaim.route,
        "sector": ProposalProjection.sector,
        "nation": ProposalProjection.nation,
        "initiation": ProposalProjection.open_facts["initiation"].astext,
        "cuts_threat": ProposalProjection.facts["cuts_threat"].astext,
    }
    rows = (
        select(*claim, axes[by].label("key"), Organisation.name)
        .join(Proposal, Proposal.id == RightClaim.proposal_id)
        .join(ProposalProjection, ProposalProjection.proposal_id == Proposal.id)
        .outerjoin(Organisation, Organisation.id == RightClaim.authority_organisation_id)
        .where(is_public(), ~Proposal.historical_example)
        .order_by(RightClaim.id)
    )
    counted: list[Counted] = []
    labels: dict[str, dict[str, str]] = {}
    for row in current.execute(rows):
        key = " ".join(row.key.casefold().split()) if row.key else UNKNOWN
        if by == "authority":
            labels.setdefault(key, row.name or {"en": row.key})
        days = None if row.answered_on is None else (row.answered_on - row.submitted_on).days
        counted.append(Counted(row.organisation_id, key, row.state, days))
    told, others = statistics_of(counted)
    return {"by": by, "data": [_labelled(row, labels) for row in told], "others": others}


def _labelled(row: Row, labels: dict[str, dict[str, str]]) -> dict[str, Any]:
    card = {name: getattr(row, name) for name in ("key", "claims", "accepted", "rejected", "days")}
    bounds = {"accepted_share_least_bp": row.least_bp, "accepted_share_most_bp": row.most_bp}
    return card | bounds | ({"label": labels[row.key]} if row.key in labels else {})
