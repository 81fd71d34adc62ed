"""Why a group wants to leave: stated by itself, for itself. A threatened cut alone is warned of and never refused."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from marketplace.identity.organisations import freshly
from marketplace.proposals.sharing import changeable, own_proposal
from marketplace.reference import codelists
from marketplace.rights.models import Motives
from marketplace.store.journal import only, record
from marketplace.values.actor import Actor
from marketplace.values.clock import now
from marketplace.values.permissions import Action, permit

Precondition = Callable[[Any], None]


def put_motives(
    current: Session, actor: Actor, proposal_id: UUID, draft: dict[str, Any], precondition: Precondition
) -> Motives:
    """Replace what was stated before, where the caller has seen it."""
    proposal = own_proposal(current, actor, proposal_id, Action.WRITE_PROPOSAL, lock=True)
    permit(freshly(current, actor), Action.WRITE_PROPOSAL, proposal.organisation_id)
    changeable(proposal)
    kept = _held(current, proposal_id)
    precondition(kept)
    kept.motives = sorted(draft["motives"], key=codelists.slugs("motives").index)
    kept.statement = draft.get("statement")
    kept.updated_by, kept.updated_at = actor.person, now()
    kept.version += 1
    current.add(kept)
    current.flush()
    record(
        current,
        "motives.stated",
        "motives",
        proposal.id,
        actor=actor,
        audience=only(proposal.organisation_id),
        path=f"/v1/proposals/{proposal.id}/motives",
        after={"motives": kept.motives},
    )
    return kept


def motives_of(current: Session, actor: Actor, proposal_id: UUID) -> Motives:
    """What one's own group has stated; no motives before anything was."""
    own_proposal(current, actor, proposal_id, Action.READ_PROPOSAL)
    return _held(current, proposal_id)


def _held(current: Session, proposal_id: UUID) -> Motives:
    """The record, or one of version 0 that says nothing yet and is not kept."""
    held = current.get(Motives, proposal_id, populate_existing=True)
    return held or Motives(id=proposal_id, version=0, motives=[])
