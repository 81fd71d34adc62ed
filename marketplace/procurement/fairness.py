"""The record that a competition was fair: who saw which document when, conflicts, sponsors, evaluators, and what was
offered to other providers. Kept by the group and by the authority that it shows its proposal to.

Entries are only ever added. The whole record is read by the group, that authority, and whom the group names; what is
public of it, once the group has published it, by whoever sees the proposal under its name. Flushes, never commits.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.evidence import policy
from marketplace.evidence.access import accesses_of_proposal
from marketplace.evidence.models import Evidence, EvidenceAccess
from marketplace.governance.interests import interests_shown
from marketplace.identity.models import Organisation
from marketplace.identity.organisations import freshly
from marketplace.pipeline.parties import named_parties
from marketplace.procurement.models import FairCompetitionEntry, FairCompetitionReader, FairCompetitionRecord
from marketplace.procurement.record_rules import (
    MOST_ENTRIES,
    AlreadyCorrected,
    AlreadyPublished,
    EntryFaults,
    TooManyRecords,
    entry_faults,
)
from marketplace.proposals.models import Proposal
from marketplace.proposals.queries import SUSPENDED
from marketplace.proposals.sharing import changeable, discoverable, own_proposal
from marketplace.proposals.sight import sees_plainly
from marketplace.store import journal
from marketplace.store.base import new_id
from marketplace.values.actor import Actor
from marketplace.values.clock import now, today
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import NotFound
from marketplace.web.paging import Page

AUTHORITIES = frozenset({"employer", "commissioner"})
"""Parties of a gate that are the authority: the group shows them its proposal by name."""
PUBLIC_BODY = "public_body"

Precondition = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Standing:
    """As what somebody reads the record: group, authority, reader (named by the group) or public."""

    name: str
    organisations: frozenset[UUID] = frozenset()

    @property
    def whole(self) -> bool:
        return self.name != "public"


def record_entry(session: Session, actor: Actor, proposal_id: UUID, draft: dict[str, Any]) -> FairCompetitionEntry:
    """Add to the record, for the group or for the authority. EntryFaults with every fault; AlreadyCorrected.

    A correction names an entry of the same organisation's that nothing has corrected yet.
    """
    _acting_for(session, actor, proposal_id)
    proposal = session.get_one(Proposal, proposal_id, with_for_update={"key_share": True}, populate_existing=True)
    organisation_id = _acting_for(session, freshly(session, actor), proposal_id)
    changeable(proposal)
    faults = entry_faults(draft, today())
    corrects = draft.get("corrects_id")
    earlier = None if corrects is None else session.get(FairCompetitionEntry, corrects)
    foreign = earlier is None or (earlier.proposal_id, earlier.organisation_id) != (proposal_id, organisation_id)
    if corrects is not None and foreign:
        faults.append({"pointer": "#/corrects_id", "detail": "Name an entry of your organisation's in this record."})
    if faults:
        raise EntryFaults("`errors` names each fault.", errors=faults)
    if corrects is not None and corrects in _corrections(session, [corrects]):
        raise AlreadyCorrected("Correct the entry that stands in its place.")
    last = select(func.coalesce(func.max(FairCompetitionEntry.number), 0))
    number = session.scalars(last.where(FairCompetitionEntry.proposal_id == proposal_id)).one() + 1
    if number > MOST_ENTRIES:
        raise TooManyRecords(f"A record has at most {MOST_ENTRIES} entries.")
    entry = FairCompetitionEntry(
        id=new_id(),
        proposal_id=proposal_id,
        number=number,
        organisation_id=organisation_id,
        recorded_by=actor.person,
        **draft,
    )
    session.add(entry)
    session.flush()
    session.refresh(entry)
    after = {"number": number, "kind": entry.kind, "corrects": entry.corrects_id}
    _note(session, actor, proposal, "fair_competition.entry_recorded", after=after)
    return entry


def record_of(session: Session, actor: Actor, proposal_id: UUID) -> dict[str, Any]:
    """The head of the record: as what the caller reads it, who else may, whether it is published, and the conflicts
    that people of the group and of the authority declared. Its version is 0 before anything was said of it."""
    standing = standing_of(session, actor, proposal_id)
    return _head(session, proposal_id, standing)


def put_readers(
    session: Session, actor: Actor, proposal_id: UUID, organisations: Sequence[UUID], precondition: Precondition
) -> dict[str, Any]:
    """Name the organisations that may read the whole record. EntryFaults for those that cannot be named."""
    proposal = own_proposal(session, actor, proposal_id, Action.SHARE_PROPOSAL, lock=True)
    permit(freshly(session, actor), Action.SHARE_PROPOSAL, proposal.organisation_id)
    changeable(proposal)
    record = _held_record(session, proposal_id)
    precondition(record)
    present = _readers(session, proposal_id)
    fit = (discoverable(session, organisations) | present) - policy.EXCLUDED(session, proposal_id)
    faults = [
        {"pointer": f"#/organisations/{place}", "detail": "There is no such organisation to share with."}
        for place, each in enumerate(organisations)
        if each not in fit or each == proposal.organisation_id
    ]
    if faults:
        raise EntryFaults("`errors` names each fault.", errors=faults)
    for reader in session.scalars(select(FairCompetitionReader).filter_by(proposal_id=proposal_id)):
        if reader.organisation_id not in organisations:
            session.delete(reader)
    record.version += 1
    session.add(record)
    session.flush()
    for each in sorted(set(organisations) - present):
        session.add(FairCompetitionReader(proposal_id=proposal_id, organisation_id=each))
    session.flush()
    _note(
        session, actor, proposal, "fair_competition.readers_changed",
        before={"readers": sorted(present)}, after={"readers": sorted(organisations)}, others=present,
    )  # fmt: skip
    return _head(session, proposal_id, Standing("group", actor.organisation_ids))


def publish_record(session: Session, actor: Actor, proposal_id: UUID) -> dict[str, Any]:
    """Let whoever sees the proposal under its name read the public part, from now on. AlreadyPublished."""
    proposal = own_proposal(session, actor, proposal_id, Action.SHARE_PROPOSAL, lock=True)
    permit(freshly(session, actor), Action.SHARE_PROPOSAL, proposal.organisation_id)
    changeable(proposal)
    record = _held_record(session, proposal_id)
    if record.published_at is not None:
        raise AlreadyPublished("What is public of it is read already; correct entries to change what that is.")
    record.published_at, record.published_by = now(), actor.person
    record.version += 1
    session.add(record)
    session.flush()
    _note(session, actor, proposal, "fair_competition.published", after={"published_at": record.published_at})
    return _head(session, proposal_id, Standing("group", actor.organisation_ids))


def lines_of(session: Session, actor: Actor, proposal_id: UUID, after: UUID | None, limit: int) -> Page:
    """The record's lines, the oldest first: entries, and readings of documents where the caller reads all of it."""
    standing = standing_of(session, actor, proposal_id)
    entries = select(FairCompetitionEntry).where(FairCompetitionEntry.proposal_id == proposal_id)
    if after is not None:
        entries = entries.where(FairCompetitionEntry.id > after)
    if not standing.whole:
        corrected = select(FairCompetitionEntry.corrects_id).where(
            FairCompetitionEntry.proposal_id == proposal_id, FairCompetitionEntry.corrects_id.is_not(None)
        )
        standing_ones = ~FairCompetitionEntry.id.in_(corrected) & ~FairCompetitionEntry.taken_back
        entries = entries.where(FairCompetitionEntry.public, standing_ones)
    found = list(session.scalars(entries.order_by(FairCompetitionEntry.id).limit(limit + 1)))
    corrections = _corrections(session, [each.id for each in found])
    lines = [_entry_line(each, corrections.get(each.id), standing) for each in found]
    if standing.whole:
        lines += _readings(session, actor, proposal_id, standing, after, limit)
    lines.sort(key=lambda line: UUID(str(line["id"])))
    page = lines[:limit]
    return Page(page, [str(page[-1]["id"])] if len(lines) > limit else None)


def standing_of(session: Session, actor: Actor, proposal_id: UUID) -> Standing:
    """As what the caller reads the record; NotFound where they do not. Whom the group keeps out reads what all do."""
    proposal = session.get(Proposal, proposal_id)
    if proposal is None:
        raise NotFound()
    if policy.of_the_group(actor, proposal.organisation_id, proposal_id):
        return Standing("group", actor.organisation_ids)
    if not any(each(session, actor, proposal_id) for each in policy.KEPT_OUT):
        authorities = _authorities(session, actor, proposal_id)
        if authorities:
            return Standing("authority", authorities)
        named = policy.verified_organisations(actor) & _readers(session, proposal_id)
        if named and proposal.state == "active" and not _suspended(session, proposal.organisation_id):
            return Standing("reader", named)
    record = session.get(FairCompetitionRecord, proposal_id)
    if record is not None and record.published_at is not None and sees_plainly(session, actor, proposal_id):
        return Standing("public", actor.organisation_ids)
    raise NotFound()


def _acting_for(session: Session, actor: Actor, proposal_id: UUID) -> UUID:
    """The organisation that the caller adds to the record for: the group, else the authority."""
    proposal = session.get(Proposal, proposal_id)
    if proposal is None:
        raise NotFound()
    if actor.membership_in(proposal.organisation_id) is None:
        for organisation_id in sorted(_authorities(session, actor, proposal_id)):
            permit(actor, Action.RECORD_FAIR_COMPETITION, organisation_id)
            return organisation_id
    permit(actor, Action.RECORD_FAIR_COMPETITION, proposal.organisation_id)
    return proposal.organisation_id


def _authorities(session: Session, actor: Actor, proposal_id: UUID) -> frozenset[UUID]:
    parties = named_parties(session, actor, proposal_id)
    return frozenset(organisation for organisation, parts in parties.items() if parts & AUTHORITIES)


def _suspended(session: Session, organisation_id: UUID) -> bool:
    return session.get_one(Organisation, organisation_id).verification == SUSPENDED


def _held_record(session: Session, proposal_id: UUID) -> FairCompetitionRecord:
    """The record's row, or one of version 0 that says nothing yet and is not kept. Under the proposal's lock."""
    held = session.get(FairCompetitionRecord, proposal_id, populate_existing=True)
    return held or FairCompetitionRecord(id=proposal_id, version=0)


def _readers(session: Session, proposal_id: UUID) -> frozenset[UUID]:
    query = select(FairCompetitionReader.organisation_id).where(FairCompetitionReader.proposal_id == proposal_id)
    return frozenset(session.scalars(query))


def _head(session: Session, proposal_id: UUID, standing: Standing) -> dict[str, Any]:
    record = _held_record(session, proposal_id)
    entries = select(func.count()).where(FairCompetitionEntry.proposal_id == proposal_id)
    head: dict[str, Any] = {
        "stamped": record,
        "standing": standing.name,
        "published_at": record.published_at,
        "readers": sorted(_readers(session, proposal_id)) if standing.name == "group" else None,
        "entries": session.scalars(entries).one() if standing.whole else None,
        "conflicts": _conflicts(session, proposal_id) if standing.whole else None,
    }
    return head


def _conflicts(session: Session, proposal_id: UUID) -> list[dict[str, Any]]:
    """Conflicts declared or managed by people of the group, and of the authorities that have entries in the record."""
    group = session.get_one(Proposal, proposal_id).organisation_id
    others = select(FairCompetitionEntry.organisation_id).where(FairCompetitionEntry.proposal_id == proposal_id)
    authorities = sorted(set(session.scalars(others.distinct())) - {group})
    return [
        {"side": "group" if organisation == group else "authority", "about": each["side"], **_plain(each)}
        for organisation in (group, *authorities)
        for each in interests_shown(session, organisation, proposal_id)
    ]


def _plain(conflict: dict[str, Any]) -> dict[str, Any]:
    return {name: conflict[name] for name in ("kind", "declared", "managed")}


def _corrections(session: Session, entries: Iterable[UUID]) -> dict[UUID, UUID]:
    """Corrected entry -> its correction."""
    query = select(FairCompetitionEntry.corrects_id, FairCompetitionEntry.id).where(
        FairCompetitionEntry.corrects_id.in_(list(entries))
    )
    return {before: after for before, after in session.execute(query) if before is not None}


def _entry_line(entry: FairCompetitionEntry, corrected_by: UUID | None, standing: Standing) -> dict[str, Any]:
    """An entry as a line; the public is told no person's name, and of no entry that is not public itself."""
    names = ("number", "kind", "happened_on", "organisation_name", "role", "words", "public", "taken_back")
    told = {name: getattr(entry, name) for name in names}
    whole = standing.whole
    return {
        **_line(entry.id, entry.created_at, "entry"),
        **told,
        "person_name": entry.person_name if whole else None,
        "corrects_id": entry.corrects_id if whole else None,
        "corrected_by_id": corrected_by if whole else None,
    }


def _readings(
    session: Session, actor: Actor, proposal_id: UUID, standing: Standing, after: UUID | None, limit: int
) -> list[dict[str, Any]]:
    """Who read which document. Outside the group a title is told to who sees that document, and a reader's name where
    it is a public body or the caller's own: who else looks at a group's papers is not the authority's to know."""
    titles: dict[UUID, bool] = {}
    lines = []
    for access, evidence, number, organisation in accesses_of_proposal(session, proposal_id, after, limit):
        if evidence.id not in titles:
            titles[evidence.id] = standing.name == "group" or policy.may_see(session, actor, evidence)
        lines.append(_reading(access, evidence, number, organisation, standing, titled=titles[evidence.id]))
    return lines


def _reading(
    access: EvidenceAccess,
    evidence: Evidence,
    number: int | None,
    organisation: Organisation | None,
    standing: Standing,
    *,
    titled: bool,
) -> dict[str, Any]:
    named = organisation is not None and (
        standing.name == "group" or organisation.kind == PUBLIC_BODY or organisation.id in standing.organisations
    )
    return {
        **_line(access.id, access.created_at, "reading"),
        "evidence_id": evidence.id if titled else None,
        "evidence_kind": evidence.kind,
        "evidence_title": evidence.title if titled else None,
        "evidence_version": number,
        "what": access.what,
        "reader_standing": access.standing,
        "reader_name": organisation.name if organisation is not None and named else None,
    }


MEMBERS = (
    *("number", "kind", "happened_on", "organisation_name", "person_name", "role", "words", "public", "taken_back"),
    *("corrects_id", "corrected_by_id", "evidence_id", "evidence_kind", "evidence_title", "evidence_version", "what"),
    *("reader_standing", "reader_name"),
)
"""What a line may have beside its id, its time and what it is."""


def _line(line_id: UUID, recorded_at: datetime, type_: str) -> dict[str, Any]:
    return {"id": line_id, "recorded_at": recorded_at, "type": type_, **dict.fromkeys(MEMBERS)}


def _note(
    session: Session,
    actor: Actor,
    proposal: Proposal,
    type_: str,
    *,
    before: Any = None,
    after: Any = None,
    others: frozenset[UUID] = frozenset(),
) -> None:
    """Tell the group, whom it has named, and the authorities that write in the record, unless they are kept out."""
    writers = select(FairCompetitionEntry.organisation_id).where(FairCompetitionEntry.proposal_id == proposal.id)
    excluded = policy.EXCLUDED(session, proposal.id) - {proposal.organisation_id}
    told = _readers(session, proposal.id) | others | frozenset(session.scalars(writers.distinct()))
    group = proposal.organisation_id
    journal.record(
        session,
        type_,
        "fair_competition_record",
        proposal.id,
        actor=actor,
        audience=journal.Audience((told - excluded) | {group}, excluded=excluded, owner=group),
        path=f"/v1/proposals/{proposal.id}/fair-competition-record",
        before=before,
        after=after,
    )
