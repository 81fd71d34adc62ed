"""What the caller sees of each proposal, as SQL: the twin of `reading.cards`, for filters, order and counts.

Every expression is over `Proposal` and its (outer-joined) `ProposalProjection`. A filter on anything else would be a
question about what the caller may not see. The policy of `rules.py` is written here once more, for callers whose
memberships are known: `proposal_visible_to` has to look them up for every row, which a whole list cannot afford.
Property tests hold rows and cards together.
"""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Uuid,
    and_,
    case,
    cast,
    column,
    exists,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from marketplace.proposals.hooks import PARTY_CLAUSES
from marketplace.proposals.models import (
    Proposal,
    ProposalExclusion,
    ProposalNamed,
    ProposalProjection,
    ProposalShare,
)
from marketplace.proposals.queries import is_public, of_group, of_suspended_group
from marketplace.proposals.rules import CONSENT, Visibility
from marketplace.values.actor import FUNDING_KINDS, Actor, Role

NOTHING = cast(literal("{}"), JSONB)


def listed_to(actor: Actor) -> ColumnElement[bool]:
    """The proposals that the caller sees: by the policy (`rules.seen_by`), or as party to a promise."""
    return or_(_seen_by(actor), _is_party(actor))


def facts_seen(actor: Actor, day: date) -> ColumnElement[Any]:
    """The facts as the caller sees them on `day`, all of them for the group; NULL before the first publication."""
    shown = ProposalProjection.open_facts.op("||", return_type=JSONB())(func.coalesce(_granted(actor), NOTHING))
    facts = case((of_group(actor), ProposalProjection.facts), else_=shown)
    without: Any = facts.op("-", return_type=JSONB())(CONSENT)
    return case((ProposalProjection.consent_until < day, without), else_=facts)


def seen_plainly(actor: Actor) -> ColumnElement[bool]:
    """Whether the caller is told title, summary and name of the group: never under a pseudonym."""
    shown = and_(Proposal.visibility == Visibility.PUBLIC.value, Proposal.state == "active")
    named = and_(_is_shown(actor), Proposal.visibility != Visibility.PRIVATE.value, _names(_looking(actor)))
    published = Proposal.current_version_id.is_not(None)
    return or_(of_group(actor), and_(published, or_(shown, named, _is_party(actor))))


def sees_plainly(current: Session, actor: Actor, proposal_id: UUID) -> bool:
    """Whether the caller sees that proposal under the group's name."""
    query = select(Proposal.id).where(Proposal.id == proposal_id, seen_plainly(actor))
    return current.scalars(query).first() is not None


def _granted(actor: Actor) -> Any:
    """The confidential facts granted to the organisations that the caller looks through (`reading._hats`)."""
    own = sorted(actor.organisation_ids)
    if not own:
        return NOTHING
    each = func.jsonb_each(ProposalShare.facts).table_valued(column("key"), column("value", JSONB)).lateral("granted")
    seeing = and_(ProposalShare.organisation_id.in_(_looking(actor)), _sees(actor, ProposalShare.organisation_id))
    return (
        select(func.jsonb_object_agg(each.c.key, each.c.value, type_=JSONB))
        .select_from(ProposalShare)
        .join(each, true())
        .where(ProposalShare.proposal_id == Proposal.id, ProposalShare.organisation_id.in_(own))
        .where(or_(seeing, ~_seen_by(actor)))
        .correlate(Proposal)
        .scalar_subquery()
    )


def _seen_by(actor: Actor) -> ColumnElement[bool]:
    return or_(of_group(actor), is_public(), _sees(actor, None))


def _looking(actor: Actor) -> list[UUID]:
    """The verified organisations that the caller acts for."""
    return sorted({each.organisation_id for each in actor.memberships if each.role is not Role.GUEST and each.verified})


def _sees(actor: Actor, organisation: Any) -> ColumnElement[bool]:
    """Whether the caller sees the proposal through that organisation of theirs (a column), or through any (None)."""
    looking = _looking(actor)
    funding = sorted({each.organisation_id for each in actor.memberships if each.kind in FUNDING_KINDS} & set(looking))
    to_funders = Proposal.visibility == Visibility.VERIFIED_FUNDERS.value
    through = (true() if funding else false()) if organisation is None else organisation.in_(funding)
    level = or_(
        Proposal.visibility == Visibility.PUBLIC.value if looking else false(),
        and_(
            Proposal.visibility != Visibility.PRIVATE.value, _names(looking if organisation is None else organisation)
        ),
        and_(to_funders, through),
    )
    return and_(level, _is_shown(actor))


def _is_shown(actor: Actor) -> ColumnElement[bool]:
    """Whether there is anything for outsiders, and none of the caller's organisations is kept out."""
    every = sorted({each.organisation_id for each in actor.memberships})
    kept_out = ProposalExclusion.organisation_id
    chosen = _excludes("chosen", kept_out.in_(every))
    unnamed = _excludes("commissioner", kept_out.in_(every), ~_names(kept_out))
    parent = and_(Proposal.parent_organisation_id.in_(every), ~_names(Proposal.parent_organisation_id))
    registered = [
        and_(Proposal.parent_identifier.in_(each.identifiers), ~_names([each.organisation_id]))
        for each in actor.memberships
        if each.identifiers
    ]
    as_parent = and_(Proposal.exclude_parent, func.coalesce(or_(parent, *registered, unnamed), false()))
    published = and_(Proposal.state == "active", Proposal.current_version_id.is_not(None), ~of_suspended_group())
    return and_(published, ~chosen, ~as_parent)


def _names(organisations: Any) -> ColumnElement[bool]:
    """Whether the proposal is shared by name with that organisation (a column), or with one of those (a list)."""
    named = ProposalNamed.organisation_id
    meant = named.in_(organisations) if isinstance(organisations, list) else named == organisations
    return exists().where(ProposalNamed.proposal_id == Proposal.id, meant).correlate_except(ProposalNamed)


def _excludes(source: str, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    excluded = exists().where(ProposalExclusion.proposal_id == Proposal.id, ProposalExclusion.source == source)
    return excluded.where(*conditions).correlate_except(ProposalExclusion)


def _is_party(actor: Actor) -> ColumnElement[bool]:
    if not actor.organisation_ids:
        return false()
    this = literal_column("proposal.id", Uuid())  # a column of Proposal would join it anew, inside a lateral's subquery
    return or_(false(), *(clause(actor.organisation_ids, this) for clause in PARTY_CLAUSES))
