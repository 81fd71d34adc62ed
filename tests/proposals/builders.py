"""Proposals for tests, made by the services, with fixed values that a test may override."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from marketplace.identity.models import Organisation
from marketplace.proposals import service, sharing
from marketplace.proposals.models import Proposal
from tests.builders import Person, a_member, an_organisation

FACTS: dict[str, dict[str, Any]] = {
    "service": {"sector": "community_health", "area_code": "E08000035", "parent_kind": "nhs_body"},
    "people": {"staff_count": 40},
    "finance": {"mfa_received": {"amount": 100_000, "currency": "GBP"}},
}
ASK: dict[str, Any] = {
    "stage": "feasibility",
    "currency": "GBP",
    "instruments": ["grant"],
    "lines": [{"purpose": "legal", "description": {"en": "A solicitor"}, "amount": 900_000}],
}
EMPLOYER: dict[str, Any] = {
    "parent_organisation_id": None,
    "parent_identifier": None,
    "parent_name": None,
    "commissioner_organisation_ids": [],
    "exclude_parent": True,
}
SHARING: dict[str, Any] = {"visibility": "private", "named": [], "excluded": [], "facts": {}, "fact_grants": []}


def seen(_: Any) -> None:
    """A precondition that always holds."""


def a_group(session: Session) -> tuple[Organisation, Person]:
    """A staff group and its owner."""
    group = an_organisation(session, kind="staff_group", name="Riverside speech therapy", verification="unverified")
    return group, a_member(session, group)


def a_proposal(
    session: Session,
    group: Organisation,
    person: Person,
    *,
    facts: dict[str, dict[str, Any]] | None = None,
    ask: dict[str, Any] | None = None,
    employer: dict[str, Any] | None = None,
    shared: dict[str, Any] | None = None,
    published: bool = True,
) -> Proposal:
    """A proposal with facts and an ask, shared and published as told."""
    actor = person.actor(session)
    draft = {"organisation_id": group.id, "title": {"en": "Speech therapy by its staff"}}
    made = service.draft_proposal(session, actor, draft)
    for name, answers in (FACTS if facts is None else facts).items():
        service.write_facts(session, actor, made.id, name, answers, seen)
    service.write_ask(session, actor, made.id, ask or ASK, seen)
    if employer:
        service.write_employer(session, actor, made.id, EMPLOYER | employer, seen)
    if shared:
        share(session, made.id, person, **shared)
    if published:
        service.publish_proposal(session, actor, made.id)
    session.commit()
    return made


def share(session: Session, proposal_id: UUID, person: Person, **members: Any) -> None:
    """Replace the sharing."""
    sharing.share_proposal(session, person.actor(session), proposal_id, SHARING | members, seen)
    session.commit()
