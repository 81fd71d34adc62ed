"""Reading proposals: what the group sees of its own, and what anyone else does. One policy for lists and details."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from marketplace.identity.models import Organisation
from marketplace.proposals import queries
from marketplace.proposals.consents import consent_card
from marketplace.proposals.hooks import PARTY_CLAUSES, is_party
from marketplace.proposals.models import (
    Ask,
    EmployerConsent,
    Proposal,
    ProposalSection,
    ProposalVersion,
)
from marketplace.proposals.queries import SharedView
from marketplace.proposals.rules import (
    NOBODY,
    Sharing,
    Visibility,
    belongs_to_group,
    part_of,
    seeing_organisations,
    seen_by,
)
from marketplace.proposals.sharing import sharing_card
from marketplace.values.actor import Actor
from marketplace.values.money import Money
from marketplace.values.refusals import NotFound

PLACE = {"beneficiary_nation": "nation", "region": "region"}


def proposal_seen(current: Session, actor: Actor, proposal_id: UUID) -> Proposal:
    """A proposal that the caller may see: by the policy, or as party to a promise. NotFound otherwise."""
    proposal = current.get(Proposal, proposal_id)
    if proposal is not None and (
        seen_by(queries.sharing(current, proposal), actor) or is_party(current, proposal_id, actor.organisation_ids)
    ):
        return proposal
    raise NotFound("There is no such thing, or you may not see it.")


def detail(current: Session, actor: Actor, proposal: Proposal) -> dict[str, Any]:
    """One proposal as the caller sees it; the group also sees its draft's sections, its sharing and the consents."""
    (card,) = cards(current, actor, [proposal])
    if card["perspective"] == "group":
        card["sections"] = _sections(current, proposal.id)
        card["sharing"] = sharing_card(current, proposal)
        consents = select(EmployerConsent).where(EmployerConsent.proposal_id == proposal.id)
        rows = current.scalars(consents.order_by(EmployerConsent.id.desc()).limit(20))
        card["employer_consents"] = [consent_card(row, for_group=True) for row in rows]
    return card


def cards(current: Session, actor: Actor, proposals: Sequence[Proposal]) -> list[dict[str, Any]]:
    """Proposals as the caller sees them. Absent members are not known to them, or not there."""
    ids = [row.id for row in proposals]
    sharings = queries.sharings(current, proposals)
    through = {row.id: sorted(_hats(sharings[row.id], actor)) for row in proposals}
    shared = queries.shared_with(current, ids, through)
    organisations = _names(current, {row.organisation_id for row in proposals})
    versions = _versions(current, {row.current_version_id for row in proposals if row.current_version_id})
    asks = _asks(current, ids)
    promised = _promised(current, actor, ids)
    made = []
    for row in proposals:
        sharing = sharings[row.id]
        known = (sharing, row, organisations[row.organisation_id], versions.get(row.id), asks.get(row.id, []))
        if belongs_to_group(sharing, actor):
            made.append(_for_group(current, *known))
        else:
            made.append(_for_others(*known, shared.get(row.id), actor, party=row.id in promised))
    return made


def _promised(current: Session, actor: Actor, ids: list[UUID]) -> frozenset[UUID]:
    """Those of the proposals to which one of the caller's organisations is party: it must know whom it pays."""
    if not actor.organisation_ids or not PARTY_CLAUSES:
        return NOBODY
    parties = or_(*(clause(actor.organisation_ids, Proposal.id) for clause in PARTY_CLAUSES))
    return frozenset(current.scalars(select(Proposal.id).where(Proposal.id.in_(ids), parties)))


def _hats(sharing: Sharing, actor: Actor) -> frozenset[UUID]:
    """The organisations whose grants count: those that see the proposal, else (a party) all of the caller's."""
    if seen_by(sharing, actor):
        return seeing_organisations(sharing, actor)
    return actor.organisation_ids


def _for_group(
    current: Session,
    sharing: Sharing,
    row: Proposal,
    organisation_name: dict[str, str],
    version: ProposalVersion | None,
    asks: list[Ask],
) -> dict[str, Any]:
    view = queries.own_view(current, row.id)
    card = _common(row, view, version, asks)
    return card | {
        "perspective": "group",
        "organisation_id": row.organisation_id,
        "organisation_name": organisation_name,
        "visibility": sharing.level.value,
        "asks": [_ask(ask, plain=True) | {"accepted": Money(ask.accepted, ask.currency)} for ask in asks],
        **_given(title=row.title, summary=version.summary if version else None, withdrawn_at=row.withdrawn_at),
        **_given(version_number=version.number if version else None),
    }


def _for_others(
    sharing: Sharing,
    row: Proposal,
    organisation_name: dict[str, str],
    version: ProposalVersion | None,
    asks: list[Ask],
    view: SharedView | None,
    actor: Actor,
    *,
    party: bool,
) -> dict[str, Any]:
    is_named = bool(seeing_organisations(sharing, actor) & sharing.named)
    plain = is_named or party or (sharing.level is Visibility.PUBLIC and not sharing.withdrawn)
    stage = version.ask["stage"] if version else None
    current_asks = [ask for ask in asks if ask.stage == stage and ask.state == "open"]
    card = _common(row, view or SharedView({}, frozenset(), {}), version, current_asks, plain=plain)
    card["perspective"] = "outsider"
    if plain and version is not None:
        card |= {"organisation_id": row.organisation_id, "organisation_name": organisation_name}
        card |= _given(title=version.title, summary=version.summary)
    return card


def _common(
    row: Proposal, view: SharedView, version: ProposalVersion | None, asks: list[Ask], *, plain: bool = True
) -> dict[str, Any]:
    stage = version.ask["stage"] if version else None
    ask = next((each for each in asks if each.stage == stage and each.state == "open"), None)
    return {
        "id": row.id,
        "pseudonym": row.pseudonym,
        "state": row.state,
        "historical_example": row.historical_example,
        "place": {PLACE[slug]: value for slug, value in part_of(view.facts, PLACE).items()},
        "facts": view.facts,
        "shared_facts": sorted(view.slugs),
        "assurance": view.assurance,
        **_given(
            stage=stage,
            first_published_at=row.first_published_at,
            parent_kind=view.facts.get("parent_kind"),
            ask=None if ask is None else _ask(ask, plain=plain),
        ),
    }


def _ask(ask: Ask, *, plain: bool) -> dict[str, Any]:
    """An ask; under a pseudonym its lines have no description, since free text gives a group away."""
    lines = [
        {"id": line.id, "purpose": line.purpose, "amount": line.amount}
        | _given(description=line.description if plain else None)
        for line in ask.lines
    ]
    names = ("id", "stage", "currency", "instruments", "state")
    money = {"amount": Money(ask.amount, ask.currency), "open_gap": Money(ask.open_gap, ask.currency)}
    return {name: getattr(ask, name) for name in names} | money | {"lines": lines}


def _sections(current: Session, proposal_id: UUID) -> list[dict[str, Any]]:
    rows = current.scalars(select(ProposalSection).where(ProposalSection.proposal_id == proposal_id))
    return [{"name": row.name, "version": row.version, "updated_at": row.updated_at} for row in rows]


def _names(current: Session, ids: Iterable[UUID]) -> dict[UUID, dict[str, str]]:
    rows = current.execute(select(Organisation.id, Organisation.name).where(Organisation.id.in_(list(ids))))
    return {row.id: row.name for row in rows}


def _versions(current: Session, ids: Iterable[UUID]) -> dict[UUID, ProposalVersion]:
    rows = current.scalars(select(ProposalVersion).where(ProposalVersion.id.in_(list(ids))))
    return {row.proposal_id: row for row in rows}


def _asks(current: Session, proposal_ids: list[UUID]) -> dict[UUID, list[Ask]]:
    found: dict[UUID, list[Ask]] = {}
    for ask in current.scalars(select(Ask).where(Ask.proposal_id.in_(proposal_ids)).order_by(Ask.id)):
        found.setdefault(ask.proposal_id, []).append(ask)
    return found


def _given(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
