"""Builders of published programmes and proposals: rows as the services write them, without their many requests."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from marketplace.eligibility.service import publish_version
from marketplace.identity.models import Organisation
from marketplace.programmes.models import Programme
from marketplace.programmes.service import draft_columns
from marketplace.proposals.models import (
    EmployerConsent,
    FactAssurance,
    FactGrant,
    FactVisibility,
    Proposal,
    ProposalExclusion,
    ProposalNamed,
    ProposalVersion,
)
from marketplace.proposals.projection import refresh_projection
from marketplace.reference.facts import derive
from marketplace.store.base import new_id
from marketplace.values.clock import now

AN_ASK: dict[str, Any] = {"stage": "exploring", "currency": "GBP", "instruments": ["grant"], "amount": 1_000_000}


def a_criterion(code: str, fact: str, op: str, value: Any, **members: Any) -> dict[str, Any]:
    """One leaf of an author's tree."""
    return {"code": code, "fact": fact, "op": op, "value": value, **members}


def a_programme(
    session: Session,
    organisation: Organisation,
    by: UUID,
    *criteria: dict[str, Any],
    title: str = "Seed grants",
    published: bool = True,
    **values: Any,
) -> Programme:
    """A programme that asks only for `criteria`, published unless told otherwise."""
    programme = Programme(
        **{
            "organisation_id": organisation.id,
            "title": {"en": title},
            "currency": "GBP",
            "instruments": [],
            "stages": [],
            "criteria": {"schema_version": 1, "criteria": list(criteria)},
            "paused": False,
            "has_budget": False,
            "tranche_template": [],
            "sources": [],
            **values,
        }
    )
    session.add(programme)
    session.flush()
    if published:
        version = publish_version(
            session,
            programme_id=programme.id,
            columns=draft_columns(programme),
            author_tree=programme.criteria,
            published_by=by,
        )
        programme.current_criteria_version_id = version.id
    session.commit()
    return programme


def a_proposal(
    session: Session,
    organisation: Organisation,
    by: UUID,
    facts: Mapping[str, Any] | None = None,
    *,
    ask: Mapping[str, Any] | None = None,
    visibility: str = "public",
    published: bool = True,
    named: Iterable[UUID] = (),
    excluded: Iterable[UUID] = (),
    choices: Mapping[str, str] | None = None,
    grants: Mapping[UUID, list[str]] | None = None,
    levels: Mapping[str, str] | None = None,
    title: str = "Riverside speech therapy",
    **values: Any,
) -> Proposal:
    """A proposal with those answers, published and shared as told. `choices` are the group's own visibilities,
    `levels` those of its facts that are more than declared."""
    asked = {**AN_ASK, **(ask or {})}
    asked.setdefault("lines", [{"purpose": "legal_advice", "amount": asked["amount"]}])
    proposal = Proposal(
        organisation_id=organisation.id,
        pseudonym=f"Group {new_id().hex[-12:]}",
        title={"en": title},
        visibility=visibility,
        exclude_parent=values.pop("exclude_parent", True),
        state="active",
        version=1,
        **values,
    )
    session.add(proposal)
    session.flush()
    session.add_all(ProposalNamed(proposal_id=proposal.id, organisation_id=each) for each in named)
    session.add_all(
        ProposalExclusion(proposal_id=proposal.id, organisation_id=each, source="chosen") for each in excluded
    )
    session.add_all(
        FactVisibility(proposal_id=proposal.id, fact=fact, visibility=each) for fact, each in (choices or {}).items()
    )
    session.add_all(
        FactGrant(proposal_id=proposal.id, organisation_id=each, facts=slugs) for each, slugs in (grants or {}).items()
    )
    if published:
        version = ProposalVersion(
            proposal_id=proposal.id,
            number=1,
            title={"en": title},
            facts=derive(dict(facts or {}), asked, None),
            ask=asked,
            published_by=by,
        )
        session.add(version)
        session.flush()
        session.add_all(
            FactAssurance(proposal_version_id=version.id, fact=fact, level=level, by_user_id=by)
            for fact, level in (levels or {}).items()
        )
        proposal.current_version_id = version.id
        proposal.first_published_at = now()
        refresh_projection(session, proposal)
    session.commit()
    return proposal


def the_employers_answer(
    session: Session, proposal: Proposal, employer: Organisation, by: UUID, answer: str, until: date | None = None
) -> EmployerConsent:
    """The employer, named as the parent, has answered."""
    proposal.parent_organisation_id = employer.id
    consent = EmployerConsent(
        proposal_id=proposal.id,
        parent_organisation_id=employer.id,
        state="answered",
        title={"en": "Our plan"},
        invited_by=by,
        answer=answer,
        decided_on=date(2026, 1, 1),
        expires_on=until,
        answered_by=by,
        answered_at=now(),
    )
    session.add(consent)
    refresh_projection(session, proposal)
    session.commit()
    return consent
