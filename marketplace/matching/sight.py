"""What a funder's member may look at for a programme: which proposals, and over which facts of them. Nothing else."""

from uuid import UUID

from sqlalchemy import ColumnElement, case, literal, null, or_

from marketplace.proposals.queries import excludes, is_public, of_group, visible_to
from marketplace.values.actor import Actor


def facts_through(actor: Actor, organisation_id: UUID) -> ColumnElement[UUID]:
    """The organisation whose grants count; none where another of the caller's organisations is kept out."""
    own = literal(organisation_id)
    others = {each.organisation_id for each in actor.memberships} - {organisation_id}
    if not others:
        return own
    return case((or_(*(excludes(literal(each)) for each in sorted(others))), null()), else_=own)


def proposals_in_sight(actor: Actor, organisation_id: UUID) -> list[ColumnElement[bool]]:
    """What the organisation sees, less what the caller may not see because of another of their organisations.

    The same as `visible_to(organisation)` and `seen_by(actor)`, of which the one makes most of the other needless.
    """
    sees = visible_to(literal(organisation_id))
    others = {each.organisation_id for each in actor.memberships} - {organisation_id}
    if not others:
        return [sees]
    kept_out = or_(*(excludes(literal(each)) for each in sorted(others)))
    return [sees, or_(of_group(actor), is_public(), ~kept_out)]
