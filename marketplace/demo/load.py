"""Loading the cases: real programmes and proposals, marked as historical examples, and the demonstration's own cast.

Everything is found again by its case slug or address, so that a second run adds nothing. Goes through the features'
services, as a request would; only verification and the marks of a case are set directly.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.identity.authentication import memberships_of
from marketplace.identity.models import Membership, Organisation, User
from marketplace.identity.passwords import password_hash
from marketplace.programmes import budgets
from marketplace.programmes import service as programmes
from marketplace.programmes.models import Programme
from marketplace.proposals import consents, sharing
from marketplace.proposals import service as proposals
from marketplace.proposals.models import Proposal
from marketplace.reference.facts import SECTIONS, authored_in
from marketplace.store.base import new_id
from marketplace.values.actor import Actor
from marketplace.values.clock import now, today
from marketplace.values.money import Money

CASES = Path(__file__).parent / "cases"
PASSWORD = "a demonstration password"  # noqa: S105  (of demonstration accounts alone, printed with them)
CURATOR = "curator@demo.example"


@dataclass(frozen=True, slots=True)
class Part:
    """Somebody in the demonstration: their address, name, and role in an organisation of the cast."""

    email: str
    name: str
    organisation: str
    role: str


CAST_ORGANISATIONS: dict[str, tuple[str, str, list[str]]] = {
    "demo-nurses": ("Harbourside community nurses (demonstration)", "staff_group", []),
    "demo-trust": ("Harbourside NHS trust (demonstration)", "public_body", ["parent_employer"]),
    "demo-host": ("Common Purse fiscal host (demonstration)", "fiscal_host", []),
    "demonstration-seed-fund": ("Demonstration Seed Fund", "funder", ["foundation"]),
    "demonstration-wholesale-capital": ("Demonstration Wholesale Capital", "wholesale_vehicle", ["wholesale_vehicle"]),
}
CAST = (
    Part("nora@demo.example", "Nora, district nurse", "demo-nurses", "owner"),
    Part("fay@demo.example", "Fay, programme officer", "demonstration-seed-fund", "owner"),
    Part("vera@demo.example", "Vera, grants adviser", "demonstration-seed-fund", "editor"),
    Part("fred@demo.example", "Fred, finance director", "demonstration-seed-fund", "approver"),
    Part("wendy@demo.example", "Wendy, wholesale investor", "demonstration-wholesale-capital", "owner"),
    Part("erin@demo.example", "Erin, trust executive", "demo-trust", "owner"),
    Part("hugo@demo.example", "Hugo, fiscal host", "demo-host", "owner"),
)


def load_demonstration(session: Session, progress: Callable[[str], None]) -> None:
    """Load the cast, then every programme and proposal that is not there yet. Commits after each."""
    curator = _person(session, CURATOR, "Curator of the historical examples")
    _person(session, "olive@demo.example", "Olive, operator", operator=True)
    for slug, (name, kind, funder_kinds) in CAST_ORGANISATIONS.items():
        _organisation(session, slug, name, kind, funder_kinds)
    for part in CAST:
        _member(
            session, _organisation_with(session, part.organisation), _person(session, part.email, part.name), part.role
        )
    session.commit()
    for case in read_cases("programmes"):
        if _load_programme(session, curator, case):
            progress(f"programme  {case['title']['en']}")
    for case in read_cases("proposals"):
        if _load_proposal(session, curator, case):
            progress(f"proposal   {case['title']['en']}")


def read_cases(kind: str) -> list[dict[str, Any]]:
    """The cases of that kind, as they are kept."""
    cases: list[dict[str, Any]] = json.loads((CASES / f"{kind}.json").read_text())[kind]
    return cases


def programme_draft(case: dict[str, Any], organisation_id: UUID, day: date) -> dict[str, Any]:
    """A case as a programme's draft; a demonstration's window moves with `day`."""
    currency = case["currency"]
    draft: dict[str, Any] = {
        "organisation_id": organisation_id,
        "title": case["title"],
        "summary": {"en": case["notes"]} if case.get("notes") else None,
        "currency": currency,
        "instruments": case["instruments"],
        "stages": case["stages"],
        "public_money": case["public_money"],
        "criteria": {"schema_version": 1, "criteria": case["criteria"]},
        "tranche_template": [
            {"basis": each["basis"], "milestone": each["milestone"], "share_bp": each["share"]}
            for each in case["tranches"]
        ],
    }
    for name in ("ask_min", "ask_max"):
        draft[name] = None if case[name] is None else Money(case[name], currency)
    if case["demonstration"]:
        draft["opens_on"] = day + timedelta(days=case["opens_in_days"])
        draft["closes_on"] = day + timedelta(days=case["closes_in_days"])
    else:
        draft["opens_on"] = _day(case["opens_on"])
        draft["closes_on"] = _day(case["closes_on"])
    return draft


def proposal_sections(case: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """A case's answers, section by section, and its ask as one line."""
    ask = case["ask"]
    line = {"purpose": "other", "description": {"en": "The sum that was asked for"}, "amount": ask["amount"]}
    sections: dict[str, dict[str, Any]] = {
        "ask": {
            "stage": ask["stage"],
            "currency": ask["currency"],
            "instruments": ask["instruments"],
            "lines": [line],
        }
    }
    for name in SECTIONS:
        slugs = {definition.slug for definition in authored_in(name)}
        sections[name] = {slug: value for slug, value in case["facts"].items() if slug in slugs}
    return sections


def _load_programme(session: Session, curator: User, case: dict[str, Any]) -> bool:
    if session.scalars(select(Programme.id).where(Programme.case_slug == case["slug"])).first():
        return False
    kind = {"wholesale_vehicle": "wholesale_vehicle", "parent_employer": "public_body"}.get(
        case["funder_kind"], "funder"
    )
    slug = _slug(case["funder"])
    organisation = _organisation(session, slug, case["funder"], kind, [case["funder_kind"]], case["historical_example"])
    _member(session, organisation, curator, "owner")
    actor = _actor(session, curator)
    draft = programme_draft(case, organisation.id, today())
    if case.get("funded_by"):
        wholesale = select(Programme.id).where(Programme.case_slug == case["funded_by"])
        draft["funded_by_programme_id"] = session.scalars(wholesale).one()
    programme = programmes.draft_programme(session, actor, draft)
    programme.case_slug, programme.historical_example = case["slug"], case["historical_example"]
    programme.provenance, programme.sources = case["provenance"], case["sources"]
    session.flush()
    programmes.publish_criteria(session, actor, programme.id)
    if case["demonstration"] and case["budget"]:
        budgets.set_budget(session, actor, programme.id, Money(case["budget"], case["currency"]), _as_it_is)
    session.commit()
    return True


def _load_proposal(session: Session, curator: User, case: dict[str, Any]) -> bool:
    if session.scalars(select(Proposal.id).where(Proposal.case_slug == case["slug"])).first():
        return False
    real = case["historical_example"]
    group = _organisation(session, f"group-{case['slug']}", case["title"]["en"], "staff_group", [], real)
    parent_name = case["parent"]["name"]
    parent = _organisation(session, _slug(parent_name), parent_name, "public_body", ["parent_employer"], real)
    for organisation in (group, parent):
        _member(session, organisation, curator, "owner")
    actor = _actor(session, curator)
    proposal = proposals.draft_proposal(session, actor, {"organisation_id": group.id, "title": case["title"]})
    proposal.case_slug, proposal.historical_example = case["slug"], real
    session.flush()
    summary = {"en": " ".join(case["notes"])} if case["notes"] else None
    proposals.write_summary(session, actor, proposal.id, {"title": case["title"], "summary": summary}, _as_it_is)
    for name, content in proposal_sections(case).items():
        if name == "ask":
            proposals.write_ask(session, actor, proposal.id, content, _as_it_is)
        else:
            proposals.write_facts(session, actor, proposal.id, name, content, _as_it_is)
    employer = {
        "parent_organisation_id": parent.id,
        "parent_identifier": None,
        "parent_name": parent_name,
        "commissioner_organisation_ids": [],
        "exclude_parent": True,
    }
    proposals.write_employer(session, actor, proposal.id, employer, _as_it_is)
    proposals.publish_proposal(session, actor, proposal.id)
    shared = {"visibility": "public", "named": [], "excluded": [], "facts": {}, "fact_grants": []}
    sharing.share_proposal(session, actor, proposal.id, shared, _as_it_is)
    if case["employer_consent"] is not None:
        _answer_for_employer(session, actor, proposal, parent, case)
    session.commit()
    return True


def _answer_for_employer(
    session: Session, actor: Actor, proposal: Proposal, parent: Organisation, case: dict[str, Any]
) -> None:
    invitation = {"organisation_id": parent.id, "title": case["title"], "message": None}
    consent = consents.invite_employer(session, actor, proposal.id, invitation)
    answer = {
        "confirms_parent": True,
        "answer": "explore" if case["employer_consent"] else "refused",
        "scope": "As the case's sources tell it.",
        "authority": "As the case's sources tell it.",
        "decided_on": _day(case["ask_date"]) or today(),
        "expires_on": None,
    }
    consents.answer_consent(session, actor, consent.id, answer)


def _as_it_is(_thing: Any) -> None:
    """No precondition: the loader is alone with what it makes."""


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _slug(name: str) -> str:
    kept = "".join(sign if sign.isalnum() else "-" for sign in name.lower())
    return "-".join(part for part in kept.split("-") if part)[:80]


def _person(session: Session, email: str, name: str, *, operator: bool = False) -> User:
    found = session.scalars(select(User).where(User.email == email)).one_or_none()
    if found is None:
        found = User(id=new_id(), email=email, name=name, password_hash=password_hash(PASSWORD), confirmed_at=now())
        found.operator = operator
        session.add(found)
        session.flush()
    return found


def _organisation(
    session: Session, slug: str, name: str, kind: str, funder_kinds: list[str], historical: bool = False
) -> Organisation:
    found = session.scalars(select(Organisation).where(Organisation.case_slug == slug)).one_or_none()
    if found is None:
        found = Organisation(id=new_id(), name={"en": name}, kind=kind, verification="vouched", case_slug=slug)
        found.funder_kinds = funder_kinds
        found.historical_example = historical
        found.verification_note = "Loaded with the cases."
        session.add(found)
        session.flush()
    return found


def _organisation_with(session: Session, slug: str) -> Organisation:
    return session.scalars(select(Organisation).where(Organisation.case_slug == slug)).one()


def _member(session: Session, organisation: Organisation, person: User, role: str) -> None:
    known = select(Membership.id).where(Membership.organisation_id == organisation.id, Membership.user_id == person.id)
    if session.scalars(known).first() is None:
        session.add(Membership(id=new_id(), organisation_id=organisation.id, user_id=person.id, role=role))
        session.flush()


def _actor(session: Session, person: User) -> Actor:
    return Actor(user_id=person.id, memberships=memberships_of(session, person.id))
