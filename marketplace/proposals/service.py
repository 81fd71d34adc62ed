"""Proposals: drafting in sections, publishing immutable versions, keeping the asks in step, withdrawing."""

import secrets
from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.proposals.assurance import carry_assurance
from marketplace.proposals.hooks import BEFORE_PUBLICATION, BEFORE_WITHDRAWAL, ON_FIRST_VERSION, tell_of_change
from marketplace.proposals.models import Ask, AskLine, Proposal, ProposalSection, ProposalVersion
from marketplace.proposals.projection import refresh_projection
from marketplace.proposals.rules import (
    STAFF_GROUP,
    NotAStaffGroup,
    ProposalNotReady,
    SectionFaults,
    amount_of,
    ask_faults,
    checked_answers,
    checked_facts,
    publication_faults,
    refuse_ask_below,
    same_lines,
)
from marketplace.proposals.sharing import (
    audience_of,
    changeable,
    discoverable,
    exclude_commissioners,
    may_have_lost,
    note_proposal,
    own_proposal,
)
from marketplace.questions.service import definitions
from marketplace.reference.facts import SECTIONS, derive
from marketplace.reference.identifiers import SCHEMES, InvalidIdentifier, check_identifier
from marketplace.store.journal import Audience
from marketplace.values.actor import Actor
from marketplace.values.clock import now
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import NotFound

Precondition = Callable[[Any], None]
PSEUDONYM_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
SUMMARY, ASK, EMPLOYER = "summary", "ask", "employer"
QUESTIONS = "questions"
SECTION_NAMES = (SUMMARY, ASK, EMPLOYER, *SECTIONS, QUESTIONS)
ANSWERED = (*SECTIONS, QUESTIONS)
"""The sections that hold facts: the registry's, and the answers to funders' own questions."""


def draft_proposal(current: Session, actor: Actor, draft: dict[str, Any]) -> Proposal:
    """Draft a proposal for a staff group: private, every section empty, under a pseudonym."""
    membership = permit(actor, Action.WRITE_PROPOSAL, draft["organisation_id"])
    if membership.kind != STAFF_GROUP:
        raise NotAStaffGroup("Staff groups post proposals; register one.")
    proposal = Proposal(
        organisation_id=draft["organisation_id"],
        pseudonym=_pseudonym(current),
        title=draft.get("title"),
        visibility="private",
        state="active",
        exclude_parent=True,
    )
    current.add(proposal)
    current.flush()
    for name, content in _empty_sections(draft.get("title")).items():
        current.add(ProposalSection(proposal_id=proposal.id, name=name, content=content, updated_by=actor.user_id))
    current.flush()
    note_proposal(current, actor, proposal, "proposal.drafted", audience_of(current, proposal))
    return proposal


# Sections


def sections(current: Session, actor: Actor, proposal_id: UUID) -> list[ProposalSection]:
    """Every section of one's own draft, in order."""
    proposal = own_proposal(current, actor, proposal_id, Action.READ_PROPOSAL)
    rows = current.scalars(select(ProposalSection).where(ProposalSection.proposal_id == proposal.id))
    return sorted(rows, key=lambda row: SECTION_NAMES.index(row.name))


def section(current: Session, actor: Actor, proposal_id: UUID, name: str) -> ProposalSection:
    """One section of one's own draft."""
    proposal = own_proposal(current, actor, proposal_id, Action.READ_PROPOSAL)
    row = current.scalar(
        select(ProposalSection).where(ProposalSection.proposal_id == proposal.id, ProposalSection.name == name)
    )
    if row is None:
        raise NotFound("There is no section of that name.")
    return row


def write_facts(
    current: Session, actor: Actor, proposal_id: UUID, name: str, facts: dict[str, Any], precondition: Precondition
) -> ProposalSection:
    """Replace a section's answers. InvalidFacts with every fault; a fact that is left out is unknown."""
    proposal = changeable(own_proposal(current, actor, proposal_id, Action.WRITE_PROPOSAL))
    if name not in ANSWERED:
        raise NotFound("There is no section of that name.")
    row = _locked_section(current, proposal, name, precondition)
    if name == QUESTIONS:
        asked = definitions(current, facts, retired=False)
        return _keep(current, actor, proposal, row, {"facts": checked_answers(facts, asked, row.content["facts"])})
    return _keep(current, actor, proposal, row, {"facts": checked_facts(name, facts)})


def write_summary(
    current: Session, actor: Actor, proposal_id: UUID, content: dict[str, Any], precondition: Precondition
) -> ProposalSection:
    """Replace the draft's title and summary."""
    proposal = changeable(own_proposal(current, actor, proposal_id, Action.WRITE_PROPOSAL, lock=True))
    row = _locked_section(current, proposal, SUMMARY, precondition)
    proposal.title = content["title"]
    return _keep(current, actor, proposal, row, content)


def write_ask(
    current: Session, actor: Actor, proposal_id: UUID, content: dict[str, Any], precondition: Precondition
) -> ProposalSection:
    """Replace the draft of the ask: nothing is asked of anyone until it is published."""
    proposal = changeable(own_proposal(current, actor, proposal_id, Action.WRITE_PROPOSAL))
    row = _locked_section(current, proposal, ASK, precondition)
    faults = ask_faults(content)
    if faults:
        raise SectionFaults("`errors` names each fault.", errors=faults)
    return _keep(current, actor, proposal, row, content)


def write_employer(
    current: Session, actor: Actor, proposal_id: UUID, content: dict[str, Any], precondition: Precondition
) -> ProposalSection:
    """Name the parent and the commissioners. It notifies nobody, grants nothing, and keeps them out at once."""
    proposal = changeable(own_proposal(current, actor, proposal_id, Action.WRITE_PROPOSAL, lock=True))
    row = _locked_section(current, proposal, EMPLOYER, precondition)
    content = _checked_employer(current, proposal, row.content, content)
    seen_before = audience_of(current, proposal)
    for name in ("parent_organisation_id", "parent_identifier", "parent_name", "exclude_parent"):
        setattr(proposal, name, content[name])
    exclude_commissioners(current, proposal.id, content["commissioner_organisation_ids"])
    proposal.version += 1
    refresh_projection(current, proposal)
    kept = _keep(current, actor, proposal, row, _plain(content))
    if may_have_lost(seen_before, audience_of(current, proposal)):
        note_proposal(current, actor, proposal, "proposal.hidden", seen_before)
    tell_of_change(current, proposal.id, "shared")
    return kept


# Publishing


def publish_proposal(current: Session, actor: Actor, proposal_id: UUID) -> ProposalVersion:
    """Publish the draft as the next immutable version, and its ask. ProposalNotReady with all that is missing.

    It makes the proposal visible to nobody to whom it is not shared.
    """
    proposal = changeable(own_proposal(current, actor, proposal_id, Action.WRITE_PROPOSAL, lock=True))
    held = {row.name: row.content for row in sections(current, actor, proposal_id)}
    summary, ask = held[SUMMARY], held[ASK]
    faults = publication_faults(summary.get("title"), ask)
    if faults:
        raise ProposalNotReady("`errors` names all that is missing.", errors=faults)
    for refuse in BEFORE_PUBLICATION:
        refuse(current, actor, proposal, ask["stage"])
    authored = {slug: value for name in ANSWERED for slug, value in held[name]["facts"].items()}
    is_first = proposal.current_version_id is None
    version = _publish(current, actor, proposal, summary, authored, {**ask, "amount": amount_of(ask)})
    if is_first:
        for heard in ON_FIRST_VERSION:
            heard(current, actor, proposal, ask["stage"])
    tell_of_change(current, proposal.id, "published")
    return version


def publish_at_stage(current: Session, actor: Actor, proposal: Proposal, stage: str) -> ProposalVersion:
    """Publish what the proposal says now once more, at another stage; the draft's ask follows it.

    An ask to which nothing was accepted goes along. One with accepted pledges stays with the stage that it was made
    for, is taken up again when the proposal comes back there, and nothing is asked at another stage until the group
    publishes an ask for it. The caller holds the proposal locked.
    """
    present = current.get_one(ProposalVersion, proposal.current_version_id)
    pledged = _pledged_asks(current, proposal.id)
    asked = {**present.ask, "stage": stage}
    if stage in pledged:
        asked |= _as_published(pledged[stage])
    elif present.ask["stage"] in pledged:
        asked |= {"lines": [], "amount": 0}
    content = {"title": present.title, "summary": present.summary}
    version = _publish(current, actor, proposal, content, present.facts, asked)
    draft = _locked_section(current, proposal, ASK, lambda _: None)
    draft.content = {**draft.content, "stage": stage}
    draft.version += 1
    draft.updated_by, draft.updated_at = actor.user_id, now()
    current.flush()
    tell_of_change(current, proposal.id, "published")
    return version


def _publish(
    current: Session,
    actor: Actor,
    proposal: Proposal,
    summary: dict[str, Any],
    authored: dict[str, Any],
    asked: dict[str, Any],
) -> ProposalVersion:
    """Keep the next version, bring the ask and the projection in line with it, and tell who may know."""
    earlier = select(func.count()).where(ProposalVersion.proposal_id == proposal.id)
    version = ProposalVersion(
        proposal_id=proposal.id,
        number=current.scalars(earlier).one() + 1,
        title=summary["title"],
        summary=summary.get("summary"),
        facts=derive(authored, asked, None),
        ask=asked,
        published_by=actor.person,
    )
    current.add(version)
    current.flush()
    if proposal.current_version_id is not None:
        carry_assurance(current, current.get_one(ProposalVersion, proposal.current_version_id), version)
    open_ask(current, proposal.id, asked)
    proposal.current_version_id = version.id
    proposal.first_published_at = proposal.first_published_at or now()
    proposal.version += 1
    refresh_projection(current, proposal)
    after = {"version": version.number, "facts": version.facts, "ask": asked}
    note_proposal(current, actor, proposal, "proposal.published", audience_of(current, proposal), after=after)
    return version


def versions(current: Session, actor: Actor, proposal_id: UUID) -> list[ProposalVersion]:
    """What the group published over time, the newest first. For the group alone."""
    proposal = own_proposal(current, actor, proposal_id, Action.READ_PROPOSAL)
    rows = select(ProposalVersion).where(ProposalVersion.proposal_id == proposal.id)
    return list(current.scalars(rows.order_by(ProposalVersion.number.desc()).limit(1000)))


def version(current: Session, actor: Actor, proposal_id: UUID, version_id: UUID) -> ProposalVersion:
    """One published version. For the group alone."""
    proposal = own_proposal(current, actor, proposal_id, Action.READ_PROPOSAL)
    row = current.get(ProposalVersion, version_id)
    if row is None or row.proposal_id != proposal.id:
        raise NotFound("There is no such version.")
    return row


def open_ask(current: Session, proposal_id: UUID, asked: dict[str, Any]) -> Ask | None:
    """Bring the stage's open ask in line with what was published, or open one; None where nothing is asked.

    AskBelowPledged and AskCurrencyFixed where accepted pledges stand against it. Open asks of other stages are closed
    unless something was accepted to them.
    """
    rows = current.scalars(
        select(Ask)
        .where(Ask.proposal_id == proposal_id, Ask.state == "open")
        .order_by(Ask.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    ask: Ask | None = None
    for row in rows:
        if row.stage == asked["stage"]:
            ask = row
        elif row.accepted == 0:
            row.state = "closed"
            row.version += 1
    if ask is None and not asked["lines"]:
        current.flush()
        return None
    if ask is None:
        ask = Ask(proposal_id=proposal_id, stage=asked["stage"], accepted=0, state="open", version=0)
        current.add(ask)
    else:
        refuse_ask_below(ask.filled, ask.currency, asked["amount"], asked["currency"])
    ask.currency, ask.amount, ask.instruments = asked["currency"], asked["amount"], asked["instruments"]
    ask.version += 1
    _bring_lines(current, ask, asked["lines"])
    return ask


def _pledged_asks(current: Session, proposal_id: UUID) -> dict[str, Ask]:
    """The open asks with accepted pledges, locked, by stage."""
    query = select(Ask).where(Ask.proposal_id == proposal_id, Ask.state == "open", Ask.accepted > 0)
    return {ask.stage: ask for ask in current.scalars(query.order_by(Ask.id).with_for_update(key_share=True))}


def _as_published(ask: Ask) -> dict[str, Any]:
    lines = [{"purpose": each.purpose, "description": each.description, "amount": each.amount} for each in ask.lines]
    return {"currency": ask.currency, "instruments": list(ask.instruments), "lines": lines, "amount": ask.amount}


def _bring_lines(current: Session, ask: Ask, asked: list[dict[str, Any]]) -> None:
    """Make the ask's lines those asked for. One that money was promised to stays the line that it is."""
    filled = [(line.purpose, line.filled) for line in ask.lines]
    places = same_lines(filled, [(line["purpose"], line["amount"]) for line in asked], ask.currency)
    rows = list(ask.lines)
    staying = [None if place is None else rows[place] for place in places]
    ask.lines[:] = [line for line in staying if line is not None]
    for position, kept in enumerate(ask.lines):
        kept.position = -1 - position
    current.flush()
    for position, (line, wanted) in enumerate(zip(staying, asked, strict=True)):
        kept = line or AskLine(accepted=0, outside=0)
        kept.position, kept.amount = position, wanted["amount"]
        kept.purpose, kept.description = wanted["purpose"], wanted.get("description")
        if line is None:
            ask.lines.append(kept)
    current.flush()
    current.expire(ask, ["lines"])


# Withdrawing


def withdraw_proposal(current: Session, actor: Actor, proposal_id: UUID) -> Proposal:
    """Hide every version from all but the group and the parties to a promise; those who saw it are told to forget.

    Refused by what depends on the proposal (accepted pledges).
    """
    return take_off_market(
        current, actor, changeable(own_proposal(current, actor, proposal_id, Action.WITHDRAW_PROPOSAL, lock=True))
    )


def take_off_market(current: Session, actor: Actor, proposal: Proposal) -> Proposal:
    """What a withdrawal does, for a caller who holds the proposal locked and has asked who may."""
    for refuse_or_end in BEFORE_WITHDRAWAL:
        refuse_or_end(current, actor, proposal)
    seen_before = audience_of(current, proposal)
    proposal.state = "withdrawn"
    proposal.withdrawn_at = now()
    proposal.version += 1
    unpledged = select(Ask).where(Ask.proposal_id == proposal.id, Ask.state == "open", Ask.accepted == 0)
    for ask in current.scalars(unpledged.order_by(Ask.id).with_for_update(key_share=True)):
        ask.state = "closed"
        ask.version += 1
    current.flush()
    note_proposal(current, actor, proposal, "proposal.withdrawn", seen_before)
    tell_of_change(current, proposal.id, "withdrawn")
    return proposal


# Answers to other features


def owner_of(current: Session, proposal_id: UUID) -> UUID | None:
    """The group's organisation, None if there is no such proposal."""
    return current.scalar(select(Proposal.organisation_id).where(Proposal.id == proposal_id))


def belongs_to(current: Session, organisation_id: UUID, proposal_id: UUID) -> bool:
    """Whether the proposal is that organisation's."""
    return owner_of(current, proposal_id) == organisation_id


def _pseudonym(current: Session) -> str:
    """A name that says nothing, such as Group 7F3K2."""
    while True:
        name = "Group " + "".join(secrets.choice(PSEUDONYM_LETTERS) for _ in range(5))
        if current.scalar(select(func.count()).where(Proposal.pseudonym == name)) == 0:
            return name


def _empty_sections(title: dict[str, str] | None) -> dict[str, dict[str, Any]]:
    employer: dict[str, Any] = {
        "parent_organisation_id": None,
        "parent_identifier": None,
        "parent_name": None,
        "commissioner_organisation_ids": [],
        "exclude_parent": True,
    }
    return {
        SUMMARY: {"title": title, "summary": None},
        ASK: {"stage": None, "currency": "GBP", "instruments": [], "lines": []},
        EMPLOYER: employer,
        **{name: {"facts": {}} for name in ANSWERED},
    }


def _locked_section(current: Session, proposal: Proposal, name: str, precondition: Precondition) -> ProposalSection:
    row = current.scalars(
        select(ProposalSection)
        .where(ProposalSection.proposal_id == proposal.id, ProposalSection.name == name)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    precondition(row)
    return row


def _keep(
    current: Session, actor: Actor, proposal: Proposal, row: ProposalSection, content: dict[str, Any]
) -> ProposalSection:
    before, row.content = row.content, content
    row.version += 1
    row.updated_by, row.updated_at = actor.user_id, now()
    current.flush()
    own = Audience(frozenset({proposal.organisation_id}), owner=proposal.organisation_id)
    note_proposal(current, actor, proposal, "proposal.edited", own, before=before, after=content)
    return row


def _plain(content: dict[str, Any]) -> dict[str, Any]:
    parent = content["parent_organisation_id"]
    return {
        **content,
        "parent_organisation_id": None if parent is None else str(parent),
        "commissioner_organisation_ids": [str(each) for each in content["commissioner_organisation_ids"]],
    }


def _checked_employer(
    current: Session, proposal: Proposal, held: dict[str, Any], content: dict[str, Any]
) -> dict[str, Any]:
    """The content with its identifier in normal writing; organisations have to be findable, or named before."""
    faults: list[dict[str, str]] = []
    parent: UUID | None = content["parent_organisation_id"]
    commissioners: list[UUID] = content["commissioner_organisation_ids"]
    named = {held["parent_organisation_id"], *held["commissioner_organisation_ids"]}
    known = discoverable(current, {*commissioners, *([parent] if parent else [])})
    unknown = "There is no such organisation to name."
    if parent is not None and (
        parent == proposal.organisation_id or (parent not in known and str(parent) not in named)
    ):
        faults.append({"pointer": "#/parent_organisation_id", "detail": unknown})
    for place, each in enumerate(commissioners):
        if each == proposal.organisation_id or (each not in known and str(each) not in named):
            faults.append({"pointer": f"#/commissioner_organisation_ids/{place}", "detail": unknown})
    identifier = content["parent_identifier"]
    if identifier is not None:
        try:
            identifier = normal_identifier(identifier)
        except InvalidIdentifier as refusal:
            faults.append({"pointer": "#/parent_identifier", "detail": refusal.detail})
    if faults:
        raise SectionFaults("`errors` names each fault.", errors=faults)
    return {**content, "parent_identifier": identifier}


def normal_identifier(identifier: str) -> str:
    """`SCHEME-number` in its normal writing; InvalidIdentifier otherwise. Schemes have hyphens: the longest fits."""
    schemes = [scheme for scheme in SCHEMES if identifier.startswith(f"{scheme}-")]
    if not schemes:
        raise InvalidIdentifier("scheme", "there is no such register in the list of org-id.guide")
    scheme = max(schemes, key=len)
    return f"{scheme}-{check_identifier(scheme, identifier[len(scheme) + 1 :])}"
