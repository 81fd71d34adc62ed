"""Programmes: drafting, changing, publishing, pausing, closing. Knows no proposal and no pledge."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from marketplace.eligibility import service as eligibility
from marketplace.eligibility.models import CriteriaVersion
from marketplace.eligibility.tree import SCHEMA_VERSION
from marketplace.identity.models import Organisation
from marketplace.programmes import listings, queries
from marketplace.programmes.cohort_models import CohortLimit, FirstMoverTerms
from marketplace.programmes.hooks import ON_PUBLIC_CHANGE
from marketplace.programmes.models import Programme
from marketplace.programmes.rules import (
    CurrencyFixed,
    NotAFunder,
    NotAListing,
    ProgrammeAlreadyPaused,
    ProgrammeClosed,
    ProgrammeFaults,
    ProgrammeNotPaused,
    ProgrammeNotPublished,
    Status,
    faults_of,
    status_of,
)
from marketplace.store.journal import Audience, only, record
from marketplace.values.actor import FUNDING_KINDS, Actor
from marketplace.values.clock import now
from marketplace.values.money import Money
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import NotFound

Precondition = Callable[[Any], None]
AMOUNTS = ("ask_min", "ask_max", "ticket_max")
DRAFT_MEMBERS = frozenset({"currency", "instruments", "stages", "ask_min", "ask_max", "criteria"})
"""What a change only prepares for the next publication."""
WHOLESALE = "wholesale_vehicle"
STAFF_GROUP = "staff_group"
FUNDERS_OWN = frozenset({Action.SET_BUDGET, Action.BROWSE_PROPOSALS})
"""What whoever keeps a listing may not do with it: it is for the programme's funder."""


def no_criteria() -> dict[str, Any]:
    """The tree of a programme that asks nothing beyond its columns."""
    return {"schema_version": SCHEMA_VERSION, "criteria": []}


def draft_programme(current: Session, actor: Actor, draft: dict[str, Any]) -> Programme:
    """Draft a programme for an organisation that funds. ProgrammeFaults with every contradiction."""
    membership = permit(actor, Action.WRITE_PROGRAMME, draft["organisation_id"])
    listing = draft.pop("listing", None)
    if membership.kind not in FUNDING_KINDS and (listing is None or membership.kind == STAFF_GROUP):
        raise NotAFunder("Funders, intermediaries, wholesale vehicles and public bodies have programmes.")
    _refuse_faults(current, draft, listing=listing)
    programme = Programme(
        instruments=[], stages=[], criteria=no_criteria(), paused=False, has_budget=False, tranche_template=[]
    )
    _write(programme, draft)
    current.add(programme)
    current.flush()
    if listing is not None:
        listings.write_listing(current, programme, listing)
    note_programme(current, actor, programme, "programme.drafted", before=None)
    return programme


def change_programme(
    current: Session, actor: Actor, programme_id: UUID, change: dict[str, Any], precondition: Precondition
) -> Programme:
    """Change a programme. Columns and criteria of a published one stay a draft until they are published again."""
    programme = own_programme(current, actor, programme_id, Action.WRITE_PROGRAMME, lock=True)
    precondition(stamp(programme))
    published = programme.current_criteria_version_id is not None
    if change.get("currency", programme.currency) != programme.currency and (published or programme.has_budget):
        raise CurrencyFixed("Make another programme for another currency.", currency=programme.currency)
    listing = change.pop("listing", None)
    if listing is not None and not listings.is_unclaimed(current, programme.id):
        raise NotAListing("Only a listing that its funder has not claimed says where it was found.")
    _refuse_faults(current, {**_members(programme), **change}, programme, listing=listing)
    before = snapshot(programme)
    _write(programme, change)
    programme.version += 1
    current.flush()
    if listing is not None:
        listings.write_listing(current, programme, listing)
    prepares = listing is None and set(change) <= DRAFT_MEMBERS
    note_programme(current, actor, programme, "programme.changed", before=before, public=published and not prepares)
    return programme


def publish_criteria(current: Session, actor: Actor, programme_id: UUID) -> CriteriaVersion:
    """Publish columns and criteria as the next version, which counts from now on. InvalidCriteria with every fault."""
    programme = own_programme(current, actor, programme_id, Action.PUBLISH_PROGRAMME, lock=True)
    if programme.ended_at is not None:
        raise ProgrammeClosed("A closed programme publishes nothing.")
    before = snapshot(programme)
    version = eligibility.publish_version(
        current,
        programme_id=programme.id,
        columns=draft_columns(programme),
        author_tree=programme.criteria,
        published_by=actor.person,
    )
    programme.current_criteria_version_id = version.id
    programme.version += 1
    current.flush()
    note_programme(current, actor, programme, "programme.published", before=before)
    return version


def pause_programme(current: Session, actor: Actor, programme_id: UUID) -> Programme:
    """Take no new pledges and applications until resumed."""
    programme = _published(current, actor, programme_id)
    if programme.paused:
        raise ProgrammeAlreadyPaused("There is nothing to do.")
    return _turn(current, actor, programme, "programme.paused", paused=True)


def resume_programme(current: Session, actor: Actor, programme_id: UUID) -> Programme:
    """End the pause."""
    programme = _published(current, actor, programme_id)
    if not programme.paused:
        raise ProgrammeNotPaused("There is nothing to do.")
    return _turn(current, actor, programme, "programme.resumed", paused=False)


def close_programme(current: Session, actor: Actor, programme_id: UUID) -> Programme:
    """Close the programme for good, whatever its window says."""
    return _turn(current, actor, _published(current, actor, programme_id), "programme.closed", ended_at=now())


def programme_seen(current: Session, actor: Actor, programme_id: UUID) -> Programme:
    """A programme that the caller may see: one that anyone may see, or one of their own. NotFound otherwise."""
    own = Programme.organisation_id.in_(sorted(actor.organisation_ids))
    seen = select(Programme).where(Programme.id == programme_id, or_(queries.published(), own))
    programme = current.scalar(seen)
    if programme is None:
        raise NotFound("There is no such thing, or you may not see it.")
    return programme


def own_programme(
    current: Session, actor: Actor, programme_id: UUID, action: Action, *, lock: bool = False
) -> Programme:
    """A programme for which the caller may do `action`, its row locked if so wished.

    ProgrammeUnclaimed where only a funder may do it and the programme's has not joined.
    """
    query = select(Programme).where(Programme.id == programme_id).execution_options(populate_existing=lock)
    programme = current.scalar(query.with_for_update(key_share=True) if lock else query)
    if programme is None:
        raise NotFound("There is no such thing, or you may not see it.")
    permit(actor, action, programme.organisation_id)
    if action in FUNDERS_OWN:
        listings.refuse_unclaimed(current, programme.id)
    return programme


def criteria_versions(current: Session, actor: Actor, programme_id: UUID) -> list[CriteriaVersion]:
    """What the programme asked over time, the newest first."""
    programme = programme_seen(current, actor, programme_id)
    versions = select(CriteriaVersion).where(CriteriaVersion.programme_id == programme.id)
    return list(current.scalars(versions.order_by(CriteriaVersion.number.desc())))


# What is shown


class Stamp:
    """The programme's ETag: its row's version and its status by the clock, for both are in the answer."""

    def __init__(self, identity: UUID, version: str) -> None:
        self.id: Any = identity
        self.version: Any = version


def stamp(programme: Programme) -> Stamp:
    """The stamp of a programme as it is now."""
    return Stamp(programme.id, f"{programme.version}-{status_of(programme, now())}")


def card(current: Session, actor: Actor, programme: Programme) -> dict[str, Any]:
    """One programme as `ProgrammeView` shows it to the caller."""
    return cards(current, actor, [programme])[0]


def cards(current: Session, actor: Actor, programmes: Sequence[Programme]) -> list[dict[str, Any]]:
    """Programmes as `ProgrammeView` shows them: published columns to all, the draft to members."""
    organisations = _by_id(current, Organisation, {each.organisation_id for each in programmes})
    versions = _by_id(
        current,
        CriteriaVersion,
        {each.current_criteria_version_id for each in programmes if each.current_criteria_version_id is not None},
    )
    ids = [each.id for each in programmes]
    funded = intermediaries_of(current, ids)
    limits, first_movers = _by_id(current, CohortLimit, ids), _by_id(current, FirstMoverTerms, ids)
    return [
        _card(
            programme,
            organisations[programme.organisation_id],
            versions.get(programme.current_criteria_version_id),
            funded.get(programme.id, []),
            member=actor.membership_in(programme.organisation_id) is not None,
        )
        | _said_of_cohorts(limits.get(programme.id), first_movers.get(programme.id))
        for programme in programmes
    ]


def draft_columns(programme: Programme) -> dict[str, Any]:
    """The programme's columns as JSON values, amounts in minor units."""
    names = ("currency", "instruments", "stages", "ask_min", "ask_max")
    return {name: getattr(programme, name) for name in names}


def _card(
    programme: Programme,
    organisation: Organisation,
    version: CriteriaVersion | None,
    intermediaries: list[dict[str, Any]],
    *,
    member: bool,
) -> dict[str, Any]:
    draft = {**draft_columns(programme), "criteria": programme.criteria}
    shown = draft if version is None else {**version.columns, "criteria": version.author_tree}
    names = (
        *("id", "organisation_id", "title", "summary", "opens_on", "closes_on", "ended_at", "has_budget"),
        *("public_money", "recycles", "tranche_template", "funded_by_programme_id", "current_criteria_version_id"),
        *("historical_example", "provenance", "sources", "created_at"),
    )
    made = {name: getattr(programme, name) for name in names} | _priced(shown)
    made |= {
        "organisation_name": organisation.name,
        "status": status_of(programme, now()).value,
        "ticket_max": _amount(programme.ticket_max, programme.currency),
        "wholesale": organisation.kind == WHOLESALE,
    }
    if organisation.kind == WHOLESALE:
        made["intermediaries"] = intermediaries
    if programme.listing is not None:
        made["listing"] = listings.listing_card(programme.listing)
    if member:
        made["draft"] = _priced(draft)
    return made


def _said_of_cohorts(limit: CohortLimit | None, terms: FirstMoverTerms | None) -> dict[str, Any]:
    return {
        "cohort_limit": None if limit is None or limit.limit is None else limit,
        "first_mover_terms": None if terms is None or terms.words is None else terms,
    }


def _priced(columns: dict[str, Any]) -> dict[str, Any]:
    currency = columns["currency"]
    return {**columns, **{name: _amount(columns[name], currency) for name in ("ask_min", "ask_max")}}


def _amount(amount: int | None, currency: str) -> Money | None:
    return None if amount is None else Money(amount, currency)


def intermediaries_of(current: Session, programme_ids: list[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """The published programmes that each of those wholesale programmes funds, with their organisations."""
    rows = current.execute(
        select(Programme.funded_by_programme_id, Programme.id, Organisation.id, Organisation.name)
        .join(Organisation, Organisation.id == Programme.organisation_id)
        .where(Programme.funded_by_programme_id.in_(programme_ids), queries.published())
        .order_by(Programme.id)
        .limit(1000)
    )
    found: dict[UUID, list[dict[str, Any]]] = {}
    for funder, programme_id, organisation_id, name in rows:
        if funder is not None:
            one = {"organisation_id": organisation_id, "name": name, "programme_id": programme_id}
            found.setdefault(funder, []).append(one)
    return found


def _by_id(current: Session, kind: Any, ids: Iterable[Any]) -> dict[Any, Any]:
    return {row.id: row for row in current.scalars(select(kind).where(kind.id.in_(list(ids))))}


# Writing


def _write(programme: Programme, members: dict[str, Any]) -> None:
    for name, value in members.items():
        setattr(programme, name, value.amount if isinstance(value, Money) else value)


def _members(programme: Programme) -> dict[str, Any]:
    names = ("currency", "opens_on", "closes_on", "tranche_template", "funded_by_programme_id")
    kept = {name: getattr(programme, name) for name in names}
    return kept | {name: _amount(getattr(programme, name), programme.currency) for name in AMOUNTS}


def _refuse_faults(
    current: Session,
    members: dict[str, Any],
    programme: Programme | None = None,
    *,
    listing: dict[str, Any] | None = None,
) -> None:
    faults = faults_of(members) + listings.listing_faults(listing or {})
    funder = members.get("funded_by_programme_id")
    unchanged = programme is not None and funder == programme.funded_by_programme_id
    if funder is not None and not unchanged and not _is_wholesale(current, funder):
        detail = "Is not the published programme of a wholesale vehicle."
        faults.append({"pointer": "#/funded_by_programme_id", "detail": detail})
    if faults:
        raise ProgrammeFaults("`errors` names each fault.", errors=faults)


def _is_wholesale(current: Session, programme_id: UUID) -> bool:
    found = (
        select(Programme.id)
        .join(Organisation, Organisation.id == Programme.organisation_id)
        .where(Programme.id == programme_id, queries.published(), Organisation.kind == WHOLESALE)
    )
    return current.scalar(found) is not None


def _published(current: Session, actor: Actor, programme_id: UUID) -> Programme:
    programme = own_programme(current, actor, programme_id, Action.PUBLISH_PROGRAMME, lock=True)
    if status_of(programme, now()) is Status.DRAFT:
        raise ProgrammeNotPublished("Publish its criteria first.")
    if programme.ended_at is not None:
        raise ProgrammeClosed("It was closed for good.")
    return programme


def _turn(current: Session, actor: Actor, programme: Programme, type_: str, **values: Any) -> Programme:
    before = snapshot(programme)
    for name, value in values.items():
        setattr(programme, name, value)
    programme.version += 1
    current.flush()
    note_programme(current, actor, programme, type_, before=before)
    return programme


def snapshot(programme: Programme) -> dict[str, Any]:
    """Every column, for the journal's digests."""
    return {column.key: getattr(programme, column.key) for column in Programme.__table__.columns}


def note_programme(
    current: Session,
    actor: Actor,
    programme: Programme,
    type_: str,
    *,
    before: Any,
    public: bool | None = None,
    also: UUID | None = None,
) -> None:
    """One event, for everyone once the programme is published (or as `public` says); `also` for one other's record."""
    own = only(programme.organisation_id, also)
    if public is None:
        public = programme.current_criteria_version_id is not None
    record(
        current,
        type_,
        "programme",
        programme.id,
        actor=actor,
        audience=Audience(own.organisations, public=public),
        path=f"/v1/programmes/{programme.id}",
        before=before,
        after=snapshot(programme),
    )
    if public:
        for heard in ON_PUBLIC_CHANGE:
            heard(current, programme, type_)
