"""Sharing: the group says who sees its proposal and which facts; the journal tells exactly those."""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from marketplace.identity.models import Organisation, OrganisationIdentifier
from marketplace.proposals import queries
from marketplace.proposals.hooks import tell_of_change
from marketplace.proposals.models import (
    FactGrant,
    FactVisibility,
    Proposal,
    ProposalExclusion,
    ProposalNamed,
)
from marketplace.proposals.projection import chosen_visibilities, refresh_projection
from marketplace.proposals.rules import (
    STAFF_GROUP,
    Fault,
    ProposalWithdrawn,
    Sharing,
    SharingFaults,
    Visibility,
    sharing_faults,
)
from marketplace.questions.service import definitions
from marketplace.reference.facts import is_question
from marketplace.store.journal import Audience, record
from marketplace.values.actor import VERIFIED_STATES, Actor
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import NotFound

Precondition = Callable[[Any], None]


def own_proposal(current: Session, actor: Actor, proposal_id: UUID, action: Action, *, lock: bool = False) -> Proposal:
    """A proposal of the caller's own group, for which they may do `action`; guests may read. Locked if so wished."""
    query = select(Proposal).where(Proposal.id == proposal_id).execution_options(populate_existing=lock)
    proposal = current.scalar(query.with_for_update(key_share=True) if lock else query)
    if proposal is None:
        raise NotFound("There is no such thing, or you may not see it.")
    if action is Action.READ_PROPOSAL and actor.guest_of(proposal_id) is not None:
        return proposal
    permit(actor, action, proposal.organisation_id)
    return proposal


def changeable(proposal: Proposal) -> Proposal:
    """The proposal, unless it was withdrawn."""
    if proposal.state == "withdrawn":
        raise ProposalWithdrawn("It changes no more. Draft another one.")
    return proposal


def sharing_card(current: Session, proposal: Proposal) -> dict[str, Any]:
    """The sharing as the group reads and writes it."""
    sharing = queries.sharing(current, proposal)
    grants = current.scalars(
        select(FactGrant).where(FactGrant.proposal_id == proposal.id).order_by(FactGrant.organisation_id)
    )
    return {
        "visibility": sharing.level.value,
        "named": sorted(sharing.named),
        "excluded": sorted(sharing.excluded),
        "facts": chosen_visibilities(current, proposal.id),
        "fact_grants": [{"organisation_id": each.organisation_id, "facts": each.facts} for each in grants],
    }


def share_proposal(
    current: Session, actor: Actor, proposal_id: UUID, draft: dict[str, Any], precondition: Precondition
) -> Proposal:
    """Replace the whole sharing. SharingFaults with every fault."""
    proposal = own_proposal(current, actor, proposal_id, Action.SHARE_PROPOSAL, lock=True)
    precondition(proposal)
    changeable(proposal)
    _refuse_faults(current, proposal, draft)
    before, seen_before = sharing_card(current, proposal), audience_of(current, proposal)
    proposal.visibility = draft["visibility"]
    _replace(
        current,
        proposal.id,
        named=draft["named"],
        excluded=draft["excluded"],
        facts=draft["facts"],
        grants=draft["fact_grants"],
    )
    proposal.version += 1
    refresh_projection(current, proposal)
    after, sees_now = sharing_card(current, proposal), audience_of(current, proposal)
    note_proposal(current, actor, proposal, "proposal.shared", sees_now, before=before, after=after)
    if may_have_lost(seen_before, sees_now):
        note_proposal(current, actor, proposal, "proposal.hidden", seen_before, before=before, after=after)
    tell_of_change(current, proposal.id, "shared")
    return proposal


def exclude_commissioners(current: Session, proposal_id: UUID, organisations: Iterable[UUID]) -> None:
    """Replace the commissioners that stay out for as long as the parent does."""
    current.execute(
        delete(ProposalExclusion).where(
            ProposalExclusion.proposal_id == proposal_id, ProposalExclusion.source == "commissioner"
        )
    )
    for each in organisations:
        current.add(ProposalExclusion(proposal_id=proposal_id, organisation_id=each, source="commissioner"))
    current.flush()


def audience_of(current: Session, proposal: Proposal) -> Audience:
    """Who may learn of an event about the proposal: the group, and whoever sees it now."""
    sharing = queries.sharing(current, proposal)
    owner = proposal.organisation_id
    group = Audience(frozenset({owner}), owner=owner)
    if not sharing.shown or sharing.level is Visibility.PRIVATE:
        return group
    if sharing.level is Visibility.PUBLIC:
        return Audience(group.organisations, public=True, owner=owner)
    verified = select(Organisation.id).where(
        Organisation.id.in_(sharing.named - sharing.excluded), Organisation.verification.in_(VERIFIED_STATES)
    )
    return Audience(
        group.organisations | frozenset(current.scalars(verified)),
        verified_funders=sharing.level is Visibility.VERIFIED_FUNDERS,
        excluded=_kept_out(current, sharing) - group.organisations,
        owner=owner,
    )


def kept_out(current: Session, proposal: Proposal) -> frozenset[UUID]:
    """Organisations whose members learn nothing of the proposal below public, however it is shared now."""
    return _kept_out(current, queries.sharing(current, proposal)) - {proposal.organisation_id}


def may_have_lost(before: Audience, after: Audience) -> bool:
    """Whether somebody who could learn of the proposal before can no more."""
    if after.public:
        return False
    if before.public or (before.verified_funders and not after.verified_funders):
        return True
    newly_out = before.verified_funders and not after.excluded <= before.excluded
    return newly_out or not before.organisations <= after.organisations


def note_proposal(
    current: Session,
    actor: Actor,
    proposal: Proposal,
    type_: str,
    audience: Audience,
    *,
    before: Any = None,
    after: Any = None,
) -> None:
    """One event about the proposal."""
    record(
        current,
        type_,
        "proposal",
        proposal.id,
        actor=actor,
        audience=audience,
        path=f"/v1/proposals/{proposal.id}",
        before=before,
        after=after,
    )


def discoverable(current: Session, organisations: Iterable[UUID]) -> frozenset[UUID]:
    """Those of the organisations that anyone may find: verified ones that are no staff group."""
    wanted = list(organisations)
    if not wanted:
        return frozenset()
    found = select(Organisation.id).where(
        Organisation.id.in_(wanted), Organisation.kind != STAFF_GROUP, Organisation.verification.in_(VERIFIED_STATES)
    )
    return frozenset(current.scalars(found))


def _kept_out(current: Session, sharing: Sharing) -> frozenset[UUID]:
    """Every organisation that `rules.excludes` keeps out."""
    if not sharing.exclude_parent:
        return sharing.excluded
    parents = select(Organisation.id).where(
        or_(
            Organisation.id == sharing.parent_organisation_id,
            Organisation.id.in_(
                select(OrganisationIdentifier.organisation_id).where(
                    OrganisationIdentifier.scheme + "-" + OrganisationIdentifier.number == sharing.parent_identifier
                )
            ),
        )
    )
    unnamed = (frozenset(current.scalars(parents)) | sharing.commissioners) - sharing.named
    return sharing.excluded | unnamed


def _refuse_faults(current: Session, proposal: Proposal, draft: dict[str, Any]) -> None:
    granted = [each["organisation_id"] for each in draft["fact_grants"]]
    faults = sharing_faults(
        proposal.organisation_id,
        draft["named"],
        draft["excluded"],
        granted,
        draft["facts"],
        [each["facts"] for each in draft["fact_grants"]],
    )
    wanted = {"named": draft["named"], "excluded": draft["excluded"], "fact_grants": granted}
    known = discoverable(current, {each for listed in wanted.values() for each in listed})
    known |= _mentioned(current, proposal.id)
    for name, listed in wanted.items():
        for place, each in enumerate(listed):
            if each not in known and each != proposal.organisation_id:
                pointer = f"#/{name}/{place}" + ("/organisation_id" if name == "fact_grants" else "")
                faults.append({"pointer": pointer, "detail": "There is no such organisation to share with."})
    faults += _unasked(current, draft)
    if faults:
        raise SharingFaults("`errors` names each fault.", errors=faults)


def _unasked(current: Session, draft: dict[str, Any]) -> list[Fault]:
    """Every slug in the sharing that reads like a funder's own question and is none."""
    places = {f"#/facts/{slug}": slug for slug in draft["facts"]}
    places |= {
        f"#/fact_grants/{number}/facts/{turn}": slug
        for number, grant in enumerate(draft["fact_grants"])
        for turn, slug in enumerate(grant["facts"])
    }
    asked = definitions(current, places.values())
    wrong = [place for place, slug in places.items() if is_question(slug) and slug not in asked]
    return [{"pointer": place, "detail": "There is no such question."} for place in wrong]


def _mentioned(current: Session, proposal_id: UUID) -> frozenset[UUID]:
    """Organisations that the sharing names already: they may stay, whatever became of them."""
    columns = (
        (ProposalNamed.organisation_id, ProposalNamed.proposal_id),
        (ProposalExclusion.organisation_id, ProposalExclusion.proposal_id),
        (FactGrant.organisation_id, FactGrant.proposal_id),
    )
    found: set[UUID] = set()
    for organisation, proposal in columns:
        found |= set(current.scalars(select(organisation).where(proposal == proposal_id)))
    return frozenset(found)


def _replace(
    current: Session,
    proposal_id: UUID,
    *,
    named: list[UUID],
    excluded: list[UUID],
    facts: dict[str, str],
    grants: list[dict[str, Any]],
) -> None:
    chosen = ProposalExclusion.source == "chosen"
    current.execute(delete(ProposalNamed).where(ProposalNamed.proposal_id == proposal_id))
    current.execute(delete(ProposalExclusion).where(ProposalExclusion.proposal_id == proposal_id, chosen))
    current.execute(delete(FactVisibility).where(FactVisibility.proposal_id == proposal_id))
    current.execute(delete(FactGrant).where(FactGrant.proposal_id == proposal_id))
    for each in named:
        current.add(ProposalNamed(proposal_id=proposal_id, organisation_id=each))
    for each in excluded:
        current.add(ProposalExclusion(proposal_id=proposal_id, organisation_id=each, source="chosen"))
    for fact, visibility in facts.items():
        current.add(FactVisibility(proposal_id=proposal_id, fact=fact, visibility=visibility))
    for grant in grants:
        current.add(FactGrant(proposal_id=proposal_id, organisation_id=grant["organisation_id"], facts=grant["facts"]))
    current.flush()
