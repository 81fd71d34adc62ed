"""Reading proposals in SQL: who sees which, what is shared with whom. The twin of the policy in `rules.py`.

The functions `proposal_visible_to`, `proposal_excludes`, `own_facts` and `shared_facts` are made by a migration.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, ColumnElement, and_, func, literal, or_, select
from sqlalchemy.orm import Session

from marketplace.eligibility.rules import ASSURANCE_MEMBER
from marketplace.identity.models import Organisation
from marketplace.proposals.models import (
    Proposal,
    ProposalExclusion,
    ProposalNamed,
    ProposalProjection,
    ProposalShare,
)
from marketplace.proposals.rules import Sharing, Visibility, part_of, standing_on
from marketplace.values.actor import Actor, Role
from marketplace.values.clock import today

SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class SharedView:
    """What one organisation sees of a proposal's facts.

    `slugs` are shared whether or not they are answered; `assurance` gives the level of each fact that is more than
    declared.
    """

    facts: dict[str, Any]
    slugs: frozenset[str]
    assurance: dict[str, str]

    @property
    def with_assurance(self) -> dict[str, Any]:
        """The facts as the evaluator's twin in the database takes them: with their levels as a reserved member."""
        return {**self.facts, ASSURANCE_MEMBER: self.assurance} if self.assurance else dict(self.facts)


def visible_to(organisation_id: Any, proposal_id: Any = Proposal.id) -> ColumnElement[bool]:
    """Whether that organisation sees the proposal (`rules.visible_to`); both may be columns."""
    return func.proposal_visible_to(proposal_id, organisation_id, type_=Boolean)


def excludes(organisation_id: Any, proposal_id: Any = Proposal.id) -> ColumnElement[bool]:
    """Whether that organisation is kept out (`rules.excludes`)."""
    return func.proposal_excludes(proposal_id, organisation_id, type_=Boolean)


def of_group(actor: Actor) -> ColumnElement[bool]:
    """Proposals of the caller's own groups, and those they are a guest of."""
    guest_of = [m.proposal_id for m in actor.memberships if m.role is Role.GUEST]
    return or_(Proposal.organisation_id.in_(sorted(actor.organisation_ids)), Proposal.id.in_(guest_of))


def is_public() -> ColumnElement[bool]:
    """Published proposals that everyone sees."""
    return and_(
        Proposal.visibility == Visibility.PUBLIC.value,
        Proposal.state == "active",
        Proposal.current_version_id.is_not(None),
        ~of_suspended_group(),
    )


def of_suspended_group() -> ColumnElement[bool]:
    """Whether the operator has suspended the group: nobody else is served its proposals meanwhile."""
    group = select(Organisation.id).where(Organisation.id == Proposal.organisation_id)
    return group.where(Organisation.verification == SUSPENDED).correlate(Proposal).exists()


def seen_by(actor: Actor) -> ColumnElement[bool]:
    """The proposals that the caller sees (`rules.seen_by`)."""
    every = sorted({membership.organisation_id for membership in actor.memberships})
    ways = [of_group(actor), is_public()]
    looking = sorted(actor.organisation_ids)
    if looking:
        outside = [~excludes(literal(each)) for each in every]
        ways.append(and_(or_(*(visible_to(literal(each)) for each in looking)), *outside))
    return or_(*ways)


def sharing(current: Session, proposal: Proposal) -> Sharing:
    """Who may see the proposal, for the pure policy."""
    return sharings(current, [proposal])[proposal.id]


def sharings(current: Session, proposals: Iterable[Proposal]) -> dict[UUID, Sharing]:
    """Who may see each proposal, for the pure policy; four statements for any number."""
    rows = list(proposals)
    groups = select(Organisation.id).where(Organisation.id.in_({row.organisation_id for row in rows}))
    suspended = set(current.scalars(groups.where(Organisation.verification == SUSPENDED)))
    ids = [row.id for row in rows]
    named: dict[UUID, set[UUID]] = {}
    for each in current.scalars(select(ProposalNamed).where(ProposalNamed.proposal_id.in_(ids))):
        named.setdefault(each.proposal_id, set()).add(each.organisation_id)
    kept_out: dict[tuple[UUID, str], set[UUID]] = {}
    for exclusion in current.scalars(select(ProposalExclusion).where(ProposalExclusion.proposal_id.in_(ids))):
        kept_out.setdefault((exclusion.proposal_id, exclusion.source), set()).add(exclusion.organisation_id)
    return {
        row.id: Sharing(
            proposal_id=row.id,
            organisation_id=row.organisation_id,
            level=Visibility(row.visibility),
            published=row.current_version_id is not None,
            withdrawn=row.state == "withdrawn",
            named=frozenset(named.get(row.id, ())),
            excluded=frozenset(kept_out.get((row.id, "chosen"), ())),
            commissioners=frozenset(kept_out.get((row.id, "commissioner"), ())),
            parent_organisation_id=row.parent_organisation_id,
            parent_identifier=row.parent_identifier,
            exclude_parent=row.exclude_parent,
            suspended=row.organisation_id in suspended,
        )
        for row in rows
    }


def sharing_of(
    current: Session, proposal_id: UUID, organisation_id: UUID | None, as_of: date | None = None
) -> SharedView:
    """What that organisation (None: anyone who sees the proposal) may see of its current facts on a day.

    Says nothing of whether it sees the proposal at all. Empty before the first publication.
    """
    organisations = [] if organisation_id is None else [organisation_id]
    return shared_with(current, [proposal_id], {proposal_id: organisations}, as_of).get(
        proposal_id, SharedView({}, frozenset(), {})
    )


def own_view(current: Session, proposal_id: UUID, as_of: date | None = None) -> SharedView:
    """The group's own sight of its current facts on a day: all of them."""
    row = current.get(ProposalProjection, proposal_id, populate_existing=True)
    if row is None:
        return SharedView({}, frozenset(), {})
    facts = standing_on(row.facts, row.consent_until, as_of or today())
    return SharedView(facts, frozenset(facts), part_of(row.assurance, facts))


def shared_with(
    current: Session, proposal_ids: Iterable[UUID], through: dict[UUID, list[UUID]], as_of: date | None = None
) -> dict[UUID, SharedView]:
    """For each proposal what is open, and what is shared with any of the organisations in `through`."""
    day = as_of or today()
    ids = list(proposal_ids)
    projections = list(current.scalars(select(ProposalProjection).where(ProposalProjection.proposal_id.in_(ids))))
    shares = list(current.scalars(select(ProposalShare).where(ProposalShare.proposal_id.in_(ids))))
    views: dict[UUID, SharedView] = {}
    for row in projections:
        facts, slugs = dict(row.open_facts), set(row.open_slugs)
        for share in shares:
            if share.proposal_id == row.proposal_id and share.organisation_id in through.get(row.proposal_id, ()):
                facts |= share.facts
                slugs |= set(share.slugs)
        standing = standing_on(facts, row.consent_until, day)
        views[row.proposal_id] = SharedView(standing, frozenset(slugs), part_of(row.assurance, standing))
    return views
