"""Many groups with offers from one programme that has room for a few of them: the scene of the races."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.identity.models import Organisation
from marketplace.pledges.models import Pledge, PledgePart, Tranche
from marketplace.proposals.models import Ask
from marketplace.store.base import new_id
from marketplace.values.clock import now, today
from tests.builders import Person, a_member, an_organisation
from tests.pledges.scene import a_funded_programme
from tests.proposals.builders import a_proposal

EACH = 1_000_00
ENDLESS = 10**12


@dataclass(frozen=True)
class Group:
    """A group's owner, its proposal and its ask."""

    person: Person
    organisation_id: UUID
    proposal_id: UUID
    ask_id: UUID


def many_groups(
    session: Session,
    number: int,
    ask: int = ENDLESS,
    facts: dict[str, Any] | None = None,
    *,
    stage: str = "business_case",
) -> list[Group]:
    """Groups with a published ask."""
    lines = [{"purpose": "legal", "description": None, "amount": ask}]
    asked = {"stage": stage, "currency": "GBP", "instruments": ["grant"], "lines": lines}
    made = []
    for place in range(number):
        organisation = an_organisation(session, name=f"Group {place}")
        person = a_member(session, organisation)
        shared = {"visibility": "verified_funders"}
        proposal = a_proposal(session, organisation, person, facts=facts or {}, ask=asked, shared=shared)
        ask_id = session.scalars(select(Ask.id).where(Ask.proposal_id == proposal.id)).one()
        made.append(Group(person, organisation.id, proposal.id, ask_id))
    return made


def a_round(session: Session, funder: Organisation, groups: list[Group], room: int) -> tuple[UUID, list[UUID]]:
    """A programme with room for `room` pledges, and an offer of it to every group."""
    programme = a_funded_programme(session, funder, room * EACH, instruments=["grant"], tranche_template=[])
    pledges = [offered(programme.id, funder.id, group) for group in groups]
    session.add_all(pledges)
    session.commit()
    return programme.id, [pledge.id for pledge in pledges]


def offered(programme_id: UUID, funder_id: UUID, group: Group) -> Pledge:
    """An offer, straight into the database."""
    tranche = Tranche(position=0, basis="on_agreement", amount=EACH)
    return Pledge(
        id=new_id(),
        programme_id=programme_id,
        proposal_id=group.proposal_id,
        ask_id=group.ask_id,
        organisation_id=funder_id,
        group_organisation_id=group.organisation_id,
        state="offered",
        currency="GBP",
        amount=EACH,
        expires_on=today() + timedelta(days=9),
        drafted_by=new_id(),
        shown_at=now(),
        offered_at=now(),
        parts=[PledgePart(position=0, instrument="grant", in_kind=False, amount=EACH, tranches=[tranche])],
        waivers=[],
    )


def all_at_once(acts: list[Callable[[], Any]]) -> list[Any]:
    """Every act from a thread of its own, let go at one barrier; the results in order."""
    barrier = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        barrier.wait(timeout=60)
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))
