"""What holds of a proposal: who sees it, which facts are shared, when it can be published, what an ask may become.

Pure: told everything. `proposal_visible_to` and `shared_facts` in the database are the twins of `visible_to` and
`shared_slugs`; property tests hold them together.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from marketplace.reference.codelists import entry
from marketplace.reference.facts import (
    REGISTRY,
    FactDefinition,
    InvalidFact,
    check_answer,
    is_question,
    normalise,
)
from marketplace.values.actor import FUNDING_KINDS, Actor, Membership, Role
from marketplace.values.money import LARGEST_AMOUNT
from marketplace.values.refusals import Conflict, Forbidden, Unprocessable

STAFF_GROUP = "staff_group"
CONSENT = "employer_consent"
OPEN, CONFIDENTIAL = "open", "confidential"
NOBODY: frozenset[UUID] = frozenset()
Fault = dict[str, str]


class Visibility(StrEnum):
    """The `visibility_levels` codelist, a ladder."""

    PRIVATE = "private"
    NAMED = "named"
    VERIFIED_FUNDERS = "verified_funders"
    PUBLIC = "public"


class NotAStaffGroup(Forbidden):
    """Only staff groups post proposals."""

    code = "not-a-staff-group"
    title = "An organisation of this kind has no proposals"


class InvalidFacts(Unprocessable):
    """Some answers are not accepted; `errors` points at each (`#/facts/<slug>`)."""

    code = "invalid-facts"
    title = "Some facts cannot be answered like that"


class SectionFaults(Unprocessable):
    """The section contradicts itself or names what does not exist; `errors` points at each fault."""

    code = "section-faults"
    title = "The section cannot be kept as it stands"


class ProposalNotReady(Unprocessable):
    """Something that every published proposal has is missing; `errors` names all of it."""

    code = "proposal-not-ready"
    title = "The proposal is not ready to be published"


class SharingFaults(Unprocessable):
    """The sharing contradicts itself or names what cannot be named; `errors` points at each fault."""

    code = "sharing-faults"
    title = "The proposal cannot be shared like that"


class ProposalWithdrawn(Conflict):
    """The proposal was withdrawn and changes no more."""

    code = "proposal-withdrawn"
    title = "The proposal has been withdrawn"


class AskBelowPledged(Conflict):
    """The ask would fall below what funders' accepted pledges already promise."""

    code = "ask-below-pledged"
    title = "The ask would be less than what has been pledged and accepted"


class AskCurrencyFixed(Conflict):
    """Pledges were accepted in the ask's currency."""

    code = "ask-currency-fixed"
    title = "The ask's currency can no longer change"


class NotTheEmployer(Unprocessable):
    """The organisation is not a verified public body that the proposal names as its parent."""

    code = "not-the-employer"
    title = "That organisation cannot be invited to consent"


class ConsentAlreadyInvited(Conflict):
    """An invitation to this employer is waiting for its answer."""

    code = "consent-already-invited"
    title = "The employer has been invited and has not answered yet"


class ConsentAlreadyAnswered(Conflict):
    """The invitation has been answered; withdraw the answer, or wait for another invitation."""

    code = "consent-already-answered"
    title = "The invitation has been answered"


class ConsentNotAnswered(Conflict):
    """There is no standing answer to withdraw."""

    code = "consent-not-answered"
    title = "There is no standing answer"


class ConsentFaults(Unprocessable):
    """The answer contradicts itself; `errors` points at each fault."""

    code = "consent-faults"
    title = "The answer cannot be kept as it stands"


# Who sees


@dataclass(frozen=True, slots=True)
class Sharing:
    """Everything that decides who sees a proposal. `published` means that it has a current version.

    `suspended` says that the operator has suspended its group: nobody else is served it meanwhile.
    """

    proposal_id: UUID
    organisation_id: UUID
    level: Visibility
    published: bool
    withdrawn: bool
    named: frozenset[UUID] = NOBODY
    excluded: frozenset[UUID] = NOBODY
    commissioners: frozenset[UUID] = NOBODY
    parent_organisation_id: UUID | None = None
    parent_identifier: str | None = None
    exclude_parent: bool = True
    suspended: bool = False

    @property
    def shown(self) -> bool:
        """Whether there is anything for outsiders: published, not withdrawn, and its group not suspended."""
        return self.published and not self.withdrawn and not self.suspended


@dataclass(frozen=True, slots=True)
class Viewer:
    """An organisation that looks."""

    organisation_id: UUID
    kind: str
    verified: bool
    identifiers: frozenset[str] = frozenset()


def viewer_of(membership: Membership) -> Viewer:
    """The organisation of a membership as one that looks."""
    return Viewer(membership.organisation_id, membership.kind, membership.verified, frozenset(membership.identifiers))


def excludes(sharing: Sharing, viewer: Viewer) -> bool:
    """Whether the organisation is kept out: chosen by the group, or the parent or a commissioner who is not named."""
    organisation = viewer.organisation_id
    if organisation in sharing.excluded:
        return True
    if not sharing.exclude_parent or organisation in sharing.named:
        return False
    is_parent = organisation == sharing.parent_organisation_id or sharing.parent_identifier in viewer.identifiers
    return is_parent or organisation in sharing.commissioners


def visible_to(sharing: Sharing, viewer: Viewer) -> bool:
    """Whether an organisation that is not the group's own sees the published proposal."""
    if not sharing.shown:
        return False
    if sharing.level is Visibility.PUBLIC:
        return True
    if not viewer.verified or excludes(sharing, viewer) or sharing.level is Visibility.PRIVATE:
        return False
    if viewer.organisation_id in sharing.named:
        return True
    return sharing.level is Visibility.VERIFIED_FUNDERS and viewer.kind in FUNDING_KINDS


def belongs_to_group(sharing: Sharing, actor: Actor) -> bool:
    """Whether the caller is a member of the group, or a guest of this proposal."""
    return actor.membership_in(sharing.organisation_id) is not None or actor.guest_of(sharing.proposal_id) is not None


def seeing_organisations(sharing: Sharing, actor: Actor) -> frozenset[UUID]:
    """The caller's verified organisations through which they see the proposal.

    None of them where any of the caller's organisations is kept out: nobody looks past an exclusion by another hat.
    """
    if any(excludes(sharing, viewer_of(membership)) for membership in actor.memberships):
        return NOBODY
    return frozenset(
        membership.organisation_id
        for membership in actor.memberships
        if membership.role is not Role.GUEST and membership.verified and visible_to(sharing, viewer_of(membership))
    )


def seen_by(sharing: Sharing, actor: Actor) -> bool:
    """Whether the caller sees the proposal: the one policy for detail, list, event and everything else."""
    if belongs_to_group(sharing, actor):
        return True
    is_public = sharing.level is Visibility.PUBLIC and sharing.shown
    return is_public or bool(seeing_organisations(sharing, actor))


# Which facts are shared


def may_choose_visibility(slug: str) -> bool:
    """Whether the group decides who sees the fact. What is derived goes with what it is derived from.

    An answer to a funder's own question is one of them, whether or not there is such a question.
    """
    if is_question(slug):
        return True
    definition = REGISTRY.get(slug)
    return definition is not None and (not definition.derived or slug == CONSENT)


def shared_slugs(
    chosen: Mapping[str, str], granted: Iterable[str] = (), registry: Mapping[str, Any] = REGISTRY
) -> frozenset[str]:
    """The facts shared with someone who sees the proposal, whether or not they are answered.

    `chosen` are the group's own visibilities over the registry's defaults, `granted` what this one may see besides.
    A derived fact that follows others is shared where all of them are; any other derived fact is hidden where the
    group itself has closed one of the (else open) facts that it is derived from. Answers to funders' own questions
    are shared only where the group chose so.
    """
    held = frozenset(granted)

    def closed(slug: str) -> bool:
        return registry[slug].visibility == OPEN and chosen.get(slug) == CONFIDENTIAL

    def shared(slug: str) -> bool:
        definition = registry[slug]
        if definition.follows:
            return all(shared(each) for each in definition.follows)
        if any(closed(each) and each not in held for each in definition.derived_from):
            return False
        return slug in held or chosen.get(slug, definition.visibility) == OPEN

    asked = {slug for slug, visibility in chosen.items() if is_question(slug) and visibility == OPEN}
    asked |= {slug for slug in held if is_question(slug)}
    return frozenset(slug for slug in registry if shared(slug)) | asked


def part_of(facts: Mapping[str, Any], slugs: Iterable[str]) -> dict[str, Any]:
    """Those of the facts whose slugs are given."""
    wanted = frozenset(slugs)
    return {slug: value for slug, value in facts.items() if slug in wanted}


def standing_on(facts: Mapping[str, Any], consent_until: date | None, day: date) -> dict[str, Any]:
    """The facts on `day`: the employer's consent is unknown again once it has expired."""
    if consent_until is None or day <= consent_until:
        return dict(facts)
    return {slug: value for slug, value in facts.items() if slug != CONSENT}


# Writing and publishing


def checked_answers(
    answers: Mapping[str, Any], definitions: Mapping[str, FactDefinition], held: Mapping[str, Any]
) -> dict[str, Any]:
    """Answers to funders' own questions in their normal writing; null clears one. InvalidFacts with every fault.

    `definitions` are the questions in use, `held` what was answered before: an answer to a question that is not in use
    any more may stay as it is.
    """
    faults: list[Fault] = []
    kept: dict[str, Any] = {}
    for slug, value in answers.items():
        place = f"#/facts/{slug[:60].replace('~', '~0').replace('/', '~1')}"
        if value is None or held.get(slug) == value:
            kept |= {} if value is None else {slug: value}
        elif slug not in definitions:
            faults.append({"pointer": place, "detail": "there is no such question in use"})
        else:
            try:
                kept[slug] = normalise(definitions[slug], value)
            except InvalidFact as refusal:
                faults.append({"pointer": place, "detail": refusal.detail})
    if faults:
        raise InvalidFacts("`errors` names each answer that is not accepted.", errors=faults)
    return kept


def checked_facts(section: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The section's answers in their normal writing; null clears one. InvalidFacts with every fault."""
    faults: list[Fault] = []
    kept: dict[str, Any] = {}
    for slug, value in facts.items():
        place = f"#/facts/{slug[:60].replace('~', '~0').replace('/', '~1')}"
        definition = REGISTRY.get(slug)
        if definition is not None and not definition.derived and definition.section != section:
            faults.append({"pointer": place, "detail": f"Belongs to the section {definition.section}."})
        elif value is not None or definition is None:
            try:
                kept[slug] = check_answer(slug, value)
            except InvalidFact as refusal:
                faults.append({"pointer": place, "detail": refusal.detail})
    if faults:
        raise InvalidFacts("`errors` names each answer that is not accepted.", errors=faults)
    return kept


def ask_faults(ask: Mapping[str, Any]) -> list[Fault]:
    """What an ask's draft may never say, complete or not."""
    total = sum(line["amount"] for line in ask.get("lines", []))
    if total > LARGEST_AMOUNT:
        return [{"pointer": "#/lines", "detail": f"The lines may sum to at most {LARGEST_AMOUNT}."}]
    return []


def publication_faults(title: Mapping[str, str] | None, ask: Mapping[str, Any]) -> list[Fault]:
    """Everything that is still missing from a proposal, by section."""
    faults: list[Fault] = []
    if not title:
        faults.append({"pointer": "#/sections/summary/title", "detail": "Give the proposal a title."})
    if not ask.get("stage"):
        faults.append({"pointer": "#/sections/ask/stage", "detail": "Say for which stage you ask."})
    if not ask.get("lines"):
        faults.append({"pointer": "#/sections/ask/lines", "detail": "Ask for something: at least one line."})
    if not ask.get("instruments"):
        faults.append({"pointer": "#/sections/ask/instruments", "detail": "Say which instruments you would take."})
    return faults


def amount_of(ask: Mapping[str, Any]) -> int:
    """The sum of an ask's lines, in minor units."""
    return sum(line["amount"] for line in ask["lines"])


def refuse_ask_below(accepted: int, old_currency: str, amount: int, currency: str) -> None:
    """Refuse an ask that contradicts the pledges that were accepted to it."""
    if accepted and currency != old_currency:
        raise AskCurrencyFixed("Pledges were accepted in it.", currency=old_currency)
    if amount < accepted:
        raise AskBelowPledged("Ask at least for what has been accepted.", accepted=accepted, currency=old_currency)


def same_lines(present: Sequence[tuple[str, int]], asked: Sequence[tuple[str, int]], currency: str) -> list[int | None]:
    """For each line asked for (purpose, amount) the place of the present line (purpose, filled) that it goes on being.

    Lines go by purpose, those that hold money first and in their order; None is a new line. AskBelowPledged, naming
    the line's purpose, where one that holds money would be gone or smaller than what it holds.
    """
    left = sorted(range(len(present)), key=lambda place: (present[place][1] == 0, place))
    kept: list[int | None] = []
    for purpose, amount in asked:
        place = next((each for each in left if present[each][0] == purpose and present[each][1] <= amount), None)
        if place is not None:
            left.remove(place)
        kept.append(place)
    for place in sorted(left):
        purpose, filled = present[place]
        if filled:
            raise AskBelowPledged(
                "Ask in each line at least for what fills it.", accepted=filled, currency=currency, line=purpose
            )
    return kept


def sharing_faults(
    own: UUID,
    named: Sequence[UUID],
    excluded: Sequence[UUID],
    granted: Sequence[UUID],
    facts: Mapping[str, str],
    grants: Sequence[Sequence[str]],
) -> list[Fault]:
    """Every way in which a sharing contradicts itself."""
    faults: list[Fault] = []
    for name, listed in (("named", named), ("excluded", excluded)):
        if own in listed:
            faults.append({"pointer": f"#/{name}", "detail": "The group always sees its own proposal."})
    if set(named) & set(excluded):
        faults.append({"pointer": "#/excluded", "detail": "An organisation is named and excluded at once."})
    if len(set(granted)) != len(granted):
        faults.append({"pointer": "#/fact_grants", "detail": "Give one entry for each organisation."})
    for number, organisation in enumerate(granted):
        if organisation in excluded:
            pointer = f"#/fact_grants/{number}/organisation_id"
            faults.append({"pointer": pointer, "detail": "An excluded organisation is shown no facts."})
    for slug in facts:
        if not may_choose_visibility(slug):
            place = f"#/facts/{slug[:60].replace('~', '~0').replace('/', '~1')}"
            faults.append({"pointer": place, "detail": "Is no fact whose visibility you choose."})
    for number, slugs in enumerate(grants):
        for turn, slug in enumerate(slugs):
            if not may_choose_visibility(slug):
                words = "Is no fact whose visibility you choose."
                faults.append({"pointer": f"#/fact_grants/{number}/facts/{turn}", "detail": words})
    return faults


# The employer's consent


@dataclass(frozen=True, slots=True)
class ConsentAnswer:
    """What the employer answered, of which the latest that was not withdrawn stands."""

    answer: str
    expires_on: date | None
    answered_at: Any = field(compare=False)


def standing_answer(answers: Iterable[ConsentAnswer]) -> ConsentAnswer | None:
    """The latest answer, if there is one."""
    return max(answers, key=lambda answer: answer.answered_at, default=None)


def consent_faults(decided_on: date, expires_on: date | None, today: date) -> list[Fault]:
    """What is wrong with an answer's days."""
    faults: list[Fault] = []
    if decided_on > today:
        faults.append({"pointer": "#/decided_on", "detail": "Lies in the future."})
    if expires_on is not None and expires_on < max(decided_on, today):
        faults.append({"pointer": "#/expires_on", "detail": "Has passed already, or lies before the decision."})
    return faults


def consents(answer: str | None) -> bool | None:
    """Whether that answer consents: yes, no, or unknown."""
    if answer is None:
        return None
    agreed: bool | None = entry("employer_consent_answers", answer)["employer_consent"]
    return agreed
