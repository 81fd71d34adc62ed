"""What a funder's member looks at: what the programme's organisation sees and the caller may see."""

from dataclasses import replace
from random import Random

from sqlalchemy import literal, select
from sqlalchemy.orm import Session

from marketplace.matching.sight import proposals_in_sight
from marketplace.proposals.models import Proposal
from marketplace.proposals.queries import seen_by, visible_to
from tests.matching.markets import RandomMarket


def test_the_short_condition_finds_what_both_policies_together_do(session: Session) -> None:
    """For callers of one, two and three organisations, as members of them or as guests."""
    market = RandomMarket(session, Random(3)).fill(programmes=2, proposals=30, funders=5)
    group = market.proposals[0][1].actor(session).memberships
    held = [person.actor(session).memberships[0] for _, person in market.funders]
    actor = market.funders[0][1].actor(session)
    differing = set()
    for first in held:
        for others in ([], held[:1], held[1:3], [*group], [*held[3:], *group]):
            caller = replace(actor, memberships=(first, *(each for each in others if each != first)))
            own = first.organisation_id
            whole = select(Proposal.id).where(visible_to(literal(own)), seen_by(caller)).order_by(Proposal.id)
            short = select(Proposal.id).where(*proposals_in_sight(caller, own)).order_by(Proposal.id)
            found = session.scalars(whole).all()
            assert session.scalars(short).all() == found
            differing.add((own, tuple(found)))
    assert len(differing) > len(held)
