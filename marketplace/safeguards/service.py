"""The safeguards of a proposal: claimed by the group, shown by accepted evidence, checked by somebody outside it.

Who may verify the evidence may check the safeguard; the group never does. Locks the proposal, then the safeguard.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.evidence import policy
from marketplace.evidence.models import Evidence, EvidenceVersion, Verification
from marketplace.evidence.rules import VerifierFacts, verification_reasons
from marketplace.evidence.service import counts_on
from marketplace.governance.rules import Act
from marketplace.governance.service import require_authority
from marketplace.identity.models import Organisation
from marketplace.identity.organisations import freshly
from marketplace.pipeline.models import PensionArrangement
from marketplace.pipeline.service import audience_of
from marketplace.proposals.drafted import drafted_facts
from marketplace.proposals.models import Proposal
from marketplace.proposals.sharing import changeable, own_proposal
from marketplace.reference import codelists
from marketplace.safeguards.models import Safeguard, SafeguardVerification, Stakes
from marketplace.safeguards.rules import (
    STATUTORY,
    Check,
    Claim,
    Known,
    MayNotVerifySafeguard,
    NotEvidenced,
    Promise,
    SafeguardContradicted,
    SafeguardFaults,
    Stake,
    StakesFaults,
    claim_faults,
    contradictions,
    level_of,
    locked_by_law,
    stakes_faults,
)
from marketplace.store.base import new_id
from marketplace.store.journal import only, record
from marketplace.values.actor import Actor
from marketplace.values.clock import now, today
from marketplace.values.permissions import Action, permit
from marketplace.values.reasons import Reason, unmet
from marketplace.values.refusals import NotFound

Precondition = Callable[[Any], None]
STAKES = (
    *("private_stake_bp", "public_stake_bp", "staff_votes_bp", "community_votes_bp"),
    *("board_seats", "board_staff_seats", "board_private_seats"),
)


@dataclass(frozen=True, slots=True)
class SafeguardSeen:
    """A safeguard of the checklist with how well it is known today; `by_law` where the legal form brings it.

    `by_law` is None and `reasons` empty for others than the group: they rest on its draft.
    """

    kept: Safeguard
    level: str | None
    by_law: bool | None
    verified_by_organisation_id: UUID | None
    verifier: dict[str, str] | None
    verified_at: datetime | None
    reasons: list[Reason]


def put_safeguard(
    current: Session, actor: Actor, proposal_id: UUID, slug: str, draft: dict[str, Any], precondition: Precondition
) -> SafeguardSeen:
    """Claim a safeguard, or claim it anew: what was checked of the earlier claim counts no more.

    SafeguardFaults for what is missing, SafeguardContradicted with every rule that the claim breaks.
    """
    proposal = _own(current, actor, proposal_id)
    kept = _held(current, proposal_id, slug)
    precondition(kept)
    claim = Claim(slug, draft.get("limit_bp"), draft.get("months"))
    faults = claim_faults(claim) + _evidence_faults(current, proposal_id, draft.get("evidence_id"))
    if faults:
        raise SafeguardFaults("`errors` names each fault.", errors=faults)
    others = [each for each in _claims(current, proposal_id) if each.safeguard != slug]
    known = drafted(current, proposal_id)
    wrong = contradictions([*others, claim], known)
    before = contradictions(others, known)
    _refuse([reason for reason in wrong if reason not in before])
    for name in ("words", "limit_bp", "months", "evidence_id"):
        setattr(kept, name, draft.get(name))
    kept.retracted, kept.claimed_by, kept.claimed_at = False, actor.person, now()
    kept.version += 1
    current.add(kept)
    current.flush()
    _note(current, actor, proposal, kept, "safeguard.claimed")
    return _seen(current, kept, known)


def retract_safeguard(current: Session, actor: Actor, proposal_id: UUID, slug: str, precondition: Precondition) -> None:
    """Take a claim back; what was checked of it can still be read. NotFound where it is not claimed."""
    proposal = _own(current, actor, proposal_id)
    kept = _held(current, proposal_id, slug)
    if not _is_claimed(kept):
        raise NotFound()
    precondition(kept)
    kept.retracted = True
    kept.version += 1
    current.flush()
    _note(current, actor, proposal, kept, "safeguard.retracted")


def check_safeguard(
    current: Session, actor: Actor, proposal_id: UUID, slug: str, decision: str, reason: str
) -> SafeguardSeen:
    """Confirm or refuse, for an organisation that may verify its evidence, that the accepted document shows it.

    MayNotVerifySafeguard with every reason; NotEvidenced where no accepted document counts; SafeguardDecided when the
    organisation has said so of this claim and document already.
    """
    policy.see_workings(current, actor, proposal_id)
    found = current.get(Safeguard, (proposal_id, slug))
    if found is None or found.retracted:
        raise NotFound()
    proposal = current.get_one(Proposal, proposal_id, with_for_update={"read": True}, populate_existing=True)
    kept = current.get_one(Safeguard, (proposal_id, slug), with_for_update={"key_share": True}, populate_existing=True)
    shown = _standing(current, [kept]).get(kept.evidence_id) if kept.evidence_id else None
    organisation = _verifier(current, freshly(current, actor), kept, shown)
    if shown is None:
        raise NotEvidenced("Somebody outside the group has to accept its document first.")
    made = SafeguardVerification(
        id=new_id(),
        proposal_id=proposal_id,
        safeguard=slug,
        safeguard_version=kept.version,
        evidence_version_id=shown.id,
        organisation_id=organisation,
        decision=decision,
        reason=reason,
        verified_by=actor.person,
    )
    current.add(made)
    current.flush()
    _note(current, actor, proposal, kept, f"safeguard.{decision}", organisation)
    return _seen(current, kept, None)


def checklist(current: Session, actor: Actor, proposal_id: UUID) -> list[SafeguardSeen]:
    """Every safeguard of the codelist, claimed or not, for those who see the proposal's way."""
    known = _known_to(current, actor, proposal_id)
    rows = {row.safeguard: row for row in _rows(current, proposal_id)}
    return [
        _seen(current, rows.get(slug) or _unclaimed(proposal_id, slug), known) for slug in codelists.slugs("safeguards")
    ]


def safeguard_seen(current: Session, actor: Actor, proposal_id: UUID, slug: str) -> SafeguardSeen:
    """One safeguard of the checklist."""
    known = _known_to(current, actor, proposal_id)
    return _seen(current, _held(current, proposal_id, slug), known)


def promises_of(current: Session, proposal_id: UUID) -> list[Promise]:
    """Every safeguard that is claimed, with how well it is known today."""
    rows = _rows(current, proposal_id)
    standing = _standing(current, rows)
    promises = []
    for row in rows:
        level, check = _level(current, row, standing)
        verifier = None if check is None else current.get_one(Organisation, check.organisation_id).name
        promises.append(Promise(_claim(row), level, verifier))
    return promises


def put_stakes(
    current: Session, actor: Actor, proposal_id: UUID, draft: dict[str, Any], precondition: Precondition
) -> Stakes:
    """Say who holds what; replaces what was said. StakesFaults with every fault and every safeguard contradicted."""
    proposal = _own(current, actor, proposal_id)
    kept = _stakes(current, proposal_id)
    precondition(kept)
    known = drafted(current, proposal_id)
    stake = Stake(**{name: draft.get(name) for name in STAKES})
    wrong = contradictions(_claims(current, proposal_id), Known(known.legal_form, stake, known.pension))
    wrong = [reason for reason in wrong if reason not in contradictions(_claims(current, proposal_id), known)]
    faults = stakes_faults(stake, known.legal_form)
    faults += [{"pointer": "#", "detail": f"Contradicts a safeguard that is claimed: {each.code}."} for each in wrong]
    if faults:
        raise StakesFaults("`errors` names each fault.", errors=faults, reasons=[reason.as_json() for reason in wrong])
    for name in STAKES:
        setattr(kept, name, draft.get(name))
    kept.updated_by, kept.updated_at = actor.person, now()
    kept.version += 1
    current.add(kept)
    current.flush()
    record(
        current,
        "stakes.stated",
        "stakes",
        proposal.id,
        actor=actor,
        audience=only(*audience_of(current, proposal)),
        path=f"/v1/proposals/{proposal.id}/stakes",
        after={name: getattr(kept, name) for name in STAKES},
    )
    return kept


def stakes_of(current: Session, actor: Actor, proposal_id: UUID) -> Stakes:
    """Who holds what, for those who see the proposal's way; nothing before anything was said."""
    policy.see_workings(current, actor, proposal_id)
    return _stakes(current, proposal_id)


def drafted(current: Session, proposal_id: UUID) -> Known:
    """What safeguards are held against while the group writes: its draft's form, its stakes, its pensions."""
    return known_from(current, proposal_id, drafted_facts(current, proposal_id))


def known_from(current: Session, proposal_id: UUID, facts: dict[str, Any]) -> Known:
    """The form of those facts, the stakes, and the pension arrangement: the record's, else the fact."""
    kept = _stakes(current, proposal_id)
    pension = current.get(PensionArrangement, proposal_id)
    return Known(
        legal_form=facts.get("legal_form"),
        stake=Stake(**{name: getattr(kept, name) for name in STAKES}),
        pension=facts.get("pension_arrangement") if pension is None else pension.arrangement,
    )


def claims_kept(current: Session, proposal_id: UUID) -> list[Claim]:
    """The safeguards that are claimed."""
    return _claims(current, proposal_id)


def _own(current: Session, actor: Actor, proposal_id: UUID) -> Proposal:
    proposal = own_proposal(current, actor, proposal_id, Action.WRITE_PROPOSAL, lock=True)
    permit(freshly(current, actor), Action.WRITE_PROPOSAL, proposal.organisation_id)
    return changeable(proposal)


def _held(current: Session, proposal_id: UUID, slug: str) -> Safeguard:
    if slug not in codelists.slugs("safeguards"):
        raise NotFound()
    return current.get(Safeguard, (proposal_id, slug), populate_existing=True) or _unclaimed(proposal_id, slug)


def _unclaimed(proposal_id: UUID, slug: str) -> Safeguard:
    """One of version 0 that says nothing yet and is not kept."""
    return Safeguard(proposal_id=proposal_id, safeguard=slug, version=0, retracted=False)


def _is_claimed(kept: Safeguard) -> bool:
    return kept.version > 0 and not kept.retracted


def _stakes(current: Session, proposal_id: UUID) -> Stakes:
    held = current.get(Stakes, proposal_id, populate_existing=True)
    return held or Stakes(id=proposal_id, version=0)


def _rows(current: Session, proposal_id: UUID) -> list[Safeguard]:
    rows = select(Safeguard).where(Safeguard.proposal_id == proposal_id, ~Safeguard.retracted)
    return list(current.scalars(rows.order_by(Safeguard.safeguard)))


def _claims(current: Session, proposal_id: UUID) -> list[Claim]:
    return [_claim(row) for row in _rows(current, proposal_id)]


def _claim(row: Safeguard) -> Claim:
    return Claim(row.safeguard, row.limit_bp, row.months)


def _refuse(reasons: list[Reason]) -> None:
    if reasons:
        raise SafeguardContradicted(
            "`reasons` names each rule that it breaks.",
            errors=[{"pointer": "#", "detail": f"Contradicts {reason.code}."} for reason in reasons],
            reasons=[reason.as_json() for reason in reasons],
        )


def _evidence_faults(current: Session, proposal_id: UUID, evidence_id: UUID | None) -> list[dict[str, str]]:
    if evidence_id is None:
        return []
    evidence = current.get(Evidence, evidence_id)
    if evidence is not None and evidence.proposal_id == proposal_id:
        return []
    return [{"pointer": "#/evidence_id", "detail": "Name an evidence of this proposal."}]


def _standing(current: Session, rows: list[Safeguard]) -> dict[UUID, EvidenceVersion]:
    """For each evidence the latest version whose acceptance counts today."""
    wanted = {row.evidence_id for row in rows if row.evidence_id is not None}
    if not wanted:
        return {}
    accepted = select(EvidenceVersion).join(Verification, Verification.evidence_version_id == EvidenceVersion.id)
    found = accepted.where(EvidenceVersion.evidence_id.in_(wanted), counts_on(today()))
    return {version.evidence_id: version for version in current.scalars(found.order_by(EvidenceVersion.number))}


def _level(
    current: Session, row: Safeguard, standing: dict[UUID, EvidenceVersion]
) -> tuple[str, SafeguardVerification | None]:
    """How well the safeguard is known today, and the check that it rests on where it is verified."""
    shown = None if row.evidence_id is None else standing.get(row.evidence_id)
    if shown is None:
        return level_of(evidenced=False, checks=[]), None
    checks = select(SafeguardVerification).where(
        SafeguardVerification.proposal_id == row.proposal_id,
        SafeguardVerification.safeguard == row.safeguard,
        SafeguardVerification.safeguard_version == row.version,
        SafeguardVerification.evidence_version_id == shown.id,
    )
    made = list(current.scalars(checks.order_by(SafeguardVerification.id)))
    level = level_of(evidenced=True, checks=[Check(each.decision == "confirmed") for each in made])
    return level, made[-1] if level == "verified" else None


def _known_to(current: Session, actor: Actor, proposal_id: UUID) -> Known | None:
    """What the draft says, for the group and its guests; None for parties, NotFound for everybody else."""
    group = policy.see_workings(current, actor, proposal_id)
    return drafted(current, proposal_id) if policy.of_the_group(actor, group, proposal_id) else None


def _seen(current: Session, kept: Safeguard, known: Known | None) -> SafeguardSeen:
    by_law = None if known is None else kept.safeguard == STATUTORY and locked_by_law(known.legal_form)
    if not _is_claimed(kept):
        return SafeguardSeen(kept, None, by_law, None, None, None, [])
    level, check = _level(current, kept, _standing(current, [kept]))
    verifier = None if check is None else current.get_one(Organisation, check.organisation_id).name
    reasons = [] if known is None else contradictions([_claim(kept)], known)
    by, at = (None, None) if check is None else (check.organisation_id, check.created_at)
    return SafeguardSeen(kept, level, by_law, by, verifier, at, reasons)


def _verifier(current: Session, actor: Actor, kept: Safeguard, shown: EvidenceVersion | None) -> UUID:
    """The organisation for which the caller checks the safeguard: the one for which they may verify its evidence."""
    evidence = None if kept.evidence_id is None else current.get(Evidence, kept.evidence_id)
    if evidence is None:
        raise NotEvidenced("The group has named no evidence for it.")
    facts = VerifierFacts(
        in_group=policy.of_the_group(actor, evidence.organisation_id, evidence.proposal_id),
        submitted_it=shown is not None and shown.submitted_by == actor.user_id,
        named_for=policy.named_verifier(current, actor, evidence),
    )
    against = unmet(verification_reasons(facts))
    if against or facts.named_for is None:
        raise MayNotVerifySafeguard(
            "A verifier may verify its evidence, and belongs to neither the group nor the submission.",
            reasons=[reason.as_json() for reason in against],
        )
    permit(actor, Action.VERIFY_EVIDENCE, facts.named_for)
    if shown is not None:
        about = kept.proposal_id
        require_authority(current, actor, Act.VERIFICATION, facts.named_for, shown.id, None, proposal_id=about)
    return facts.named_for


def _note(
    current: Session, actor: Actor, proposal: Proposal, kept: Safeguard, type_: str, other: UUID | None = None
) -> None:
    record(
        current,
        type_,
        "safeguard",
        proposal.id,
        actor=actor,
        audience=only(*audience_of(current, proposal), other),
        path=f"/v1/proposals/{proposal.id}/safeguards/{kept.safeguard}",
        after={"safeguard": kept.safeguard, "version": kept.version, "retracted": kept.retracted},
    )
