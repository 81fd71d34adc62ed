"""A funder's shortlist for a programme: which proposals it keeps in sight, which it passed on and why, and its notes.

Private to the programme's organisation: no event, no feed, no count tells the group of it. Of a proposal that may no
longer be seen the entry stays, with the funder's own words and nothing of the proposal.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from marketplace.programmes.service import own_programme
from marketplace.proposals.models import Proposal
from marketplace.store.constraints import refuse_on
from marketplace.values.actor import Actor
from marketplace.values.clock import now
from marketplace.values.permissions import Action
from marketplace.values.refusals import Conflict, NotFound
from marketplace.watches import sight
from marketplace.watches.models import ShortlistEntry
from marketplace.watches.rules import check_entry
from marketplace.web.paging import Page, by_id, cut

Precondition = Callable[[Any], None]
NONE = "none"
NO_PROPOSAL = "There is no such thing, or you may not see it."

refuse_on(
    "uq_shortlist_entry_programme_id_proposal_id", lambda: Conflict("A colleague was faster: read the entry again.")
)


class Stamp:
    """The ETag of a place on the shortlist, also of an empty one."""

    def __init__(self, identity: str, version: int) -> None:
        self.id: Any = identity
        self.version: Any = version


def stamp(entry: Mapping[str, Any], row: ShortlistEntry | None) -> Stamp:
    """The stamp of the entry, or of the empty place where there is none."""
    if row is not None:
        return Stamp(row.id.hex, row.version)
    return Stamp(f"{entry['programme_id'].hex}{entry['subject']['id'].hex}", 0)


def entry(
    current: Session, actor: Actor, programme_id: UUID, proposal_id: UUID
) -> tuple[dict[str, Any], ShortlistEntry | None]:
    """What is thought of a proposal: `none` of one that is seen and was not looked at yet, else NotFound."""
    programme = own_programme(current, actor, programme_id, Action.BROWSE_PROPOSALS)
    row = _row(current, actor, programme.organisation_id, programme_id, proposal_id)
    cards = sight.proposal_cards(current, programme.organisation_id, actor, [proposal_id])
    if row is None and proposal_id not in cards:
        raise NotFound(NO_PROPOSAL)
    return _card(programme_id, proposal_id, row, cards), row


def keep_entry(
    current: Session,
    actor: Actor,
    programme_id: UUID,
    proposal_id: UUID,
    draft: Mapping[str, Any],
    precondition: Precondition,
) -> tuple[dict[str, Any], ShortlistEntry | None]:
    """Put a proposal on the shortlist, or pass on it; replaces what was there. NotFound for one that is not seen."""
    programme = own_programme(current, actor, programme_id, Action.KEEP_SHORTLIST)
    if proposal_id not in sight.proposal_cards(current, programme.organisation_id, actor, [proposal_id]):
        raise NotFound(NO_PROPOSAL)
    row = _row(current, actor, programme.organisation_id, programme_id, proposal_id, lock=True)
    precondition(stamp(_card(programme_id, proposal_id, row, {}), row))
    check_entry(draft["state"], draft.get("reason"))
    if row is None:
        row = ShortlistEntry(programme_id=programme_id, proposal_id=proposal_id, version=0)
        current.add(row)
    row.state = draft["state"]
    row.reason, row.words, row.note = (draft.get(name) for name in ("reason", "words", "note"))
    row.changed_by, row.changed_at = actor.person, now()
    row.version += 1
    current.flush()
    return entry(current, actor, programme_id, proposal_id)


def drop_entry(
    current: Session, actor: Actor, programme_id: UUID, proposal_id: UUID, precondition: Precondition
) -> None:
    """Take a proposal off the shortlist, with the notes on it. NotFound where there is no entry."""
    programme = own_programme(current, actor, programme_id, Action.KEEP_SHORTLIST)
    row = _row(current, actor, programme.organisation_id, programme_id, proposal_id, lock=True)
    if row is None:
        raise NotFound(NO_PROPOSAL)
    precondition(stamp(_card(programme_id, proposal_id, row, {}), row))
    current.delete(row)
    current.flush()


def list_entries(
    current: Session, actor: Actor, programme_id: UUID, query: Mapping[str, Any], place: list[Any] | None
) -> Page:
    """The shortlist, what was put there last first. `place` is [id of the last entry before]."""
    programme = own_programme(current, actor, programme_id, Action.BROWSE_PROPOSALS)
    rows = select(ShortlistEntry).where(
        ShortlistEntry.programme_id == programme_id,
        *sight.not_kept_out(programme.organisation_id, actor, ShortlistEntry.proposal_id),
    )
    if "state" in query:
        rows = rows.where(ShortlistEntry.state == query["state"])
    if place is not None:
        rows = rows.where(ShortlistEntry.id < UUID(place[0]))
    found = list(current.scalars(rows.order_by(ShortlistEntry.id.desc()).limit(query["limit"] + 1)))
    page = cut(found, query["limit"], by_id)
    ids = [row.proposal_id for row in page.items]
    cards = sight.proposal_cards(current, programme.organisation_id, actor, ids)
    return Page([_card(programme_id, row.proposal_id, row, cards) for row in page.items], page.after)


# For the list of matches


def states_of(current: Session, programme_id: UUID, proposal_ids: Sequence[UUID]) -> dict[UUID, str]:
    """What is thought of each of the proposals; `none` of the others."""
    rows = current.execute(
        select(ShortlistEntry.proposal_id, ShortlistEntry.state).where(
            ShortlistEntry.programme_id == programme_id, ShortlistEntry.proposal_id.in_(list(proposal_ids))
        )
    )
    return dict.fromkeys(proposal_ids, NONE) | {row[0]: row[1] for row in rows}


def is_in_state(programme_id: UUID, state: str) -> ColumnElement[bool]:
    """Proposals that stand so on the programme's shortlist; `none`: those that are not on it."""
    here = select(ShortlistEntry.id).where(
        ShortlistEntry.programme_id == programme_id, ShortlistEntry.proposal_id == Proposal.id
    )
    if state == NONE:
        return ~here.correlate(Proposal).exists()
    return here.where(ShortlistEntry.state == state).correlate(Proposal).exists()


def _row(
    current: Session,
    actor: Actor,
    organisation_id: UUID,
    programme_id: UUID,
    proposal_id: UUID,
    *,
    lock: bool = False,
) -> ShortlistEntry | None:
    rows = select(ShortlistEntry).where(
        ShortlistEntry.programme_id == programme_id,
        ShortlistEntry.proposal_id == proposal_id,
        *sight.not_kept_out(organisation_id, actor, ShortlistEntry.proposal_id),
    )
    rows = rows.with_for_update(key_share=True) if lock else rows
    return current.scalars(rows.execution_options(populate_existing=True)).one_or_none()


def _card(
    programme_id: UUID, proposal_id: UUID, row: ShortlistEntry | None, cards: Mapping[UUID, dict[str, Any]]
) -> dict[str, Any]:
    shown = {name: None if row is None else getattr(row, name) for name in ("reason", "words", "note", "changed_at")}
    return shown | {
        "programme_id": programme_id,
        "subject": cards.get(proposal_id, {"id": proposal_id, "available": False}),
        "state": NONE if row is None else row.state,
    }
