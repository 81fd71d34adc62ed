"""Learning notes: written by a group of its own proposal, public after an embargo, shown to groups like it.

Knows who may read which note; must not tell whose an anonymous one is, nor anything of the proposal behind it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_, select
from sqlalchemy.orm import Session

from marketplace.evidence.models import Evidence
from marketplace.identity.models import Organisation
from marketplace.identity.organisations import freshly
from marketplace.learning import rules
from marketplace.learning.models import LearningNote, LearningNoteVersion
from marketplace.learning.rules import Setting
from marketplace.pipeline.models import ProposalPipeline
from marketplace.pipeline.rules import PipelineNotEntered
from marketplace.proposals import reading
from marketplace.proposals.models import Proposal
from marketplace.proposals.sharing import own_proposal
from marketplace.proposals.sight import seen_plainly
from marketplace.store import journal
from marketplace.store.base import new_id
from marketplace.values.actor import Actor
from marketplace.values.clock import now, today
from marketplace.values.permissions import Action, permit
from marketplace.values.reasons import Reason
from marketplace.values.refusals import NotFound

Precondition = Callable[[Any], None]
Rows = Select[LearningNote, Organisation]
CONTENT = (
    "kind",
    "stage",
    "sector",
    "route",
    "region",
    "title",
    "body",
    "anonymous",
    "embargo_until",
    "evidence_id",
)
SETTING = ("stage", "sector", "route", "region")


@dataclass(frozen=True, slots=True)
class NoteSeen:
    """A note as its reader is shown it: whose it is, and of which proposal, where they may know. `own`: all of it."""

    note: LearningNote
    organisation: Organisation | None
    proposal_id: UUID | None
    own: bool
    reasons: Sequence[Reason] = ()


def write_note(session: Session, actor: Actor, draft: dict[str, Any]) -> NoteSeen:
    """A note about a proposal of the caller's group that was published once. LearningNoteFaults with every fault."""
    proposal = own_proposal(session, actor, draft["proposal_id"], Action.WRITE_PROPOSAL, lock=True)
    permit(freshly(session, actor), Action.WRITE_PROPOSAL, proposal.organisation_id)
    kept = session.scalar(select(func.count()).where(LearningNote.proposal_id == proposal.id))
    if kept is not None and kept >= rules.MOST_NOTES:
        raise rules.TooManyRecords(f"A proposal has at most {rules.MOST_NOTES} notes.")
    _refuse_faults(session, proposal.id, draft)
    note = LearningNote(
        id=new_id(),
        organisation_id=proposal.organisation_id,
        proposal_id=proposal.id,
        version=1,
        state="standing",
        created_at=now(),
    )
    session.add(note)
    _write(session, actor, note, draft)
    _record(session, actor, note, "learning_note.written", after=_content(note))
    return _own(session, note)


def rewrite_note(
    session: Session, actor: Actor, note_id: UUID, draft: dict[str, Any], precondition: Precondition
) -> NoteSeen:
    """Another version of a note; earlier ones stay, for its group alone."""
    note = _own_note(session, actor, note_id)
    precondition(note)
    _refuse_faults(session, note.proposal_id, draft)
    before = _content(note)
    note.version += 1
    _write(session, actor, note, draft)
    _record(session, actor, note, "learning_note.rewritten", before=before, after=_content(note))
    return _own(session, note)


def withdraw_note(session: Session, actor: Actor, note_id: UUID) -> NoteSeen:
    """Nobody but the group reads it any more. AlreadyWithdrawn."""
    note = _own_note(session, actor, note_id)
    note.state, note.updated_at = "withdrawn", now()
    note.version += 1
    session.flush()
    _record(session, actor, note, "learning_note.withdrawn", before={"state": "standing"}, after={"state": note.state})
    return _own(session, note)


def public_notes(
    session: Session, actor: Actor, query: Mapping[str, Any], after: UUID | None, limit: int
) -> list[NoteSeen]:
    """Notes that anyone may read, the newest first; `limit` + 1.

    `query`: if wished kind, stage, sector, route, region.
    """
    wanted = [getattr(LearningNote, name) == query[name] for name in ("kind", *SETTING) if name in query]
    return _seen(session, actor, _page(_notes().where(is_public(today()), *wanted), after, limit))


def own_notes(session: Session, actor: Actor, organisation_id: UUID, after: UUID | None, limit: int) -> list[NoteSeen]:
    """Every note of one's own organisation, embargoed and withdrawn ones too, the newest first; `limit` + 1."""
    permit(actor, Action.READ_ORGANISATION, organisation_id)
    return _seen(session, actor, _page(_notes().where(LearningNote.organisation_id == organisation_id), after, limit))


def note_seen(session: Session, actor: Actor, note_id: UUID) -> NoteSeen:
    """One note that the caller may read; NotFound otherwise."""
    mine = LearningNote.organisation_id.in_(sorted(actor.organisation_ids))
    seen = _seen(session, actor, _notes().where(LearningNote.id == note_id, or_(mine, is_public(today()))))
    if not seen:
        raise NotFound()
    return seen[0]


def versions_of(
    session: Session, actor: Actor, note_id: UUID, after: UUID | None, limit: int
) -> Sequence[LearningNoteVersion]:
    """A note of one's own as it was written, the newest first; `limit` + 1."""
    note = session.get(LearningNote, note_id)
    if note is None:
        raise NotFound()
    permit(actor, Action.READ_ORGANISATION, note.organisation_id)
    rows = select(LearningNoteVersion).where(LearningNoteVersion.learning_note_id == note_id)
    if after is not None:
        rows = rows.where(LearningNoteVersion.id < after)
    return list(session.scalars(rows.order_by(LearningNoteVersion.id.desc()).limit(limit + 1)))


def notes_like(session: Session, actor: Actor, proposal_id: UUID, limit: int) -> list[NoteSeen]:
    """What other groups like this one learned, the most alike first, each with what they have in common.

    For whoever sees the proposal, over the facts that they see of it. NotFound for all others.
    """
    proposal = reading.proposal_seen(session, actor, proposal_id)
    (card,) = reading.cards(session, actor, [proposal])
    here = setting_of(card)
    alike = _likeness(here)
    others = and_(is_public(today()), LearningNote.organisation_id != proposal.organisation_id)
    rows = _notes().where(others, alike >= rules.LEAST_ALIKE).order_by(alike.desc(), LearningNote.id.desc())
    return [
        NoteSeen(each.note, each.organisation, each.proposal_id, each.own, rules.likeness(_setting(each.note), here))
        for each in _seen(session, actor, rows.limit(limit))
    ]


def setting_of(card: Mapping[str, Any]) -> Setting:
    """Where a group is, out of its proposal as somebody is shown it."""
    facts, place = card["facts"], card["place"]
    return Setting(card.get("stage"), facts.get("sector"), facts.get("route"), place.get("region"))


def is_public(day: date) -> ColumnElement[bool]:
    """The notes that anyone may read on `day`: standing, past their embargo, of groups that are not suspended."""
    over = or_(LearningNote.embargo_until.is_(None), LearningNote.embargo_until <= day)
    return and_(LearningNote.state == "standing", over, Organisation.verification != "suspended")


def written_since(proposal_id: Any, moment: Any) -> ColumnElement[bool]:
    """Whether a note of that proposal stands that was first written since then, public or under its embargo."""
    note = select(LearningNote.id).where(LearningNote.proposal_id == proposal_id, LearningNote.created_at >= moment)
    return note.where(LearningNote.state == "standing").correlate_except(LearningNote).exists()


def _likeness(here: Setting) -> ColumnElement[int]:
    """`rules.weight` of `rules.likeness` in SQL."""
    total: ColumnElement[int] = literal(0)
    for name, counts in rules.WEIGHTS.items():
        wanted = getattr(here, name)
        if wanted is not None:
            total = total + case((getattr(LearningNote, name) == wanted, counts), else_=0)
    return total


def _setting(note: LearningNote) -> Setting:
    return Setting(*(getattr(note, name) for name in SETTING))


def _notes() -> Rows:
    return select(LearningNote, Organisation).join(Organisation, Organisation.id == LearningNote.organisation_id)


def _page(rows: Rows, after: UUID | None, limit: int) -> Rows:
    if after is not None:
        rows = rows.where(LearningNote.id < after)
    return rows.order_by(LearningNote.id.desc()).limit(limit + 1)


def _seen(session: Session, actor: Actor, rows: Rows) -> list[NoteSeen]:
    found = [(row[0], row[1]) for row in session.execute(rows)]
    named = [note.proposal_id for note, _ in found if not note.anonymous]
    plain = set(session.scalars(select(Proposal.id).where(Proposal.id.in_(named), seen_plainly(actor))))
    made = []
    for note, organisation in found:
        own = note.organisation_id in actor.organisation_ids
        shown = own or not note.anonymous
        known = note.proposal_id if own or note.proposal_id in plain else None
        made.append(NoteSeen(note, organisation if shown else None, known, own))
    return made


def _own(session: Session, note: LearningNote) -> NoteSeen:
    return NoteSeen(note, session.get_one(Organisation, note.organisation_id), note.proposal_id, own=True)


def _own_note(session: Session, actor: Actor, note_id: UUID) -> LearningNote:
    note = session.get(LearningNote, note_id)
    if note is None:
        raise NotFound()
    permit(actor, Action.WRITE_PROPOSAL, note.organisation_id)
    note = session.get_one(LearningNote, note_id, with_for_update={"key_share": True}, populate_existing=True)
    permit(freshly(session, actor), Action.WRITE_PROPOSAL, note.organisation_id)
    if note.state == "withdrawn":
        raise rules.AlreadyWithdrawn("Write another one.")
    return note


def _refuse_faults(session: Session, proposal_id: UUID, draft: Mapping[str, Any]) -> None:
    pinned = session.get(ProposalPipeline, proposal_id)
    if pinned is None:
        raise PipelineNotEntered("Publish the proposal first; it stays private until you share it.")
    faults = rules.note_faults(draft, pinned.stage, today())
    evidence_id = draft.get("evidence_id")
    if evidence_id is not None:
        shown = session.get(Evidence, evidence_id)
        if shown is None or shown.proposal_id != proposal_id:
            faults.append({"pointer": "#/evidence_id", "detail": "Name evidence of this proposal."})
    if faults:
        raise rules.LearningNoteFaults("`errors` names each fault.", errors=faults)


def _write(session: Session, actor: Actor, note: LearningNote, draft: Mapping[str, Any]) -> None:
    for name in CONTENT:
        setattr(note, name, draft.get(name))
    note.written_by, note.updated_at = actor.person, now()
    session.flush()
    kept = {name: value if isinstance(value, str | bool | dict) else str(value) for name, value in _given(note)}
    session.add(
        LearningNoteVersion(
            id=new_id(), learning_note_id=note.id, number=note.version, content=kept, written_by=actor.person
        )
    )
    session.flush()


def _given(note: LearningNote) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in _content(note).items() if value is not None]


def _content(note: LearningNote) -> dict[str, Any]:
    return {name: getattr(note, name) for name in CONTENT}


def _record(
    session: Session, actor: Actor, note: LearningNote, type_: str, *, before: Any = None, after: Any = None
) -> None:
    """Told to the group alone: an event says when, and to whom it belongs, which an anonymous note does not."""
    journal.record(
        session,
        type_,
        "learning_note",
        note.id,
        actor=actor,
        audience=journal.only(note.organisation_id),
        path=f"/v1/learning-notes/{note.id}",
        before=before,
        after=after,
    )
