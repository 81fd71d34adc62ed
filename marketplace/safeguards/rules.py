"""What holds of safeguards: what contradicts form, stakes or pensions, how well each is known, and the statement.

Pure: told everything. A contradiction is named by its rule; what is not known contradicts nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from marketplace.reference import codelists
from marketplace.reference.assurance_sentences import LEVELS, LINES, SAFEGUARDS, filled, percent
from marketplace.values.reasons import Outcome, Reason
from marketplace.values.refusals import Conflict, Forbidden, Unprocessable
from marketplace.values.words import Words

WHOLE = 10_000
"""100% in basis points."""
CIC_DIVIDEND_CAP = 3_500
"""The most of a year's distributable profits that a CIC limited by shares may pay out, in basis points.

Community Interest Company Regulations 2005 (SI 2005/1788), regulation 22: the aggregate dividend cap.
"""
CIC_WITH_SHARES = "cic_limited_by_shares"
AUTHORITY_CONTROLLED = "la_controlled_company"
LAW_LOCKS = frozenset({"statutory", "optional_statutory"})
UNPROTECTED = frozenset({"undecided", "auto_enrolment_only"})
CLAIMED, SHOWN, EVIDENCED, VERIFIED = "claimed", "shown", "evidenced", "verified"
LAW, NOT_SAID = "law", "not_said"
STATUTORY, VOLUNTARY = "asset_lock_statutory", "asset_lock_voluntary"
PROFIT_CAP, CONTROL, DIRECTOR = "profit_cap", "majority_staff_control", "staff_director"
TUPE, PENSION = "tupe_terms", "pension_protection"
MOST_STATEMENTS, MOST_OPEN_REMARKS, MOST_OPEN_BY_ONE = 200, 200, 10
Fault = dict[str, str]


class SafeguardContradicted(Unprocessable):
    """The claim contradicts the legal form, the stakes or the pensions; `reasons` names each rule."""

    code = "safeguard-contradicted"
    title = "The safeguard cannot be claimed as things stand"


class SafeguardFaults(Unprocessable):
    """The claim misses or says too much; `errors` names each fault."""

    code = "safeguard-faults"
    title = "The safeguard cannot be kept as it stands"


class StakesFaults(Unprocessable):
    """The stakes contradict themselves, the form or a safeguard; `errors` and `reasons` name each fault."""

    code = "stakes-faults"
    title = "The stakes contradict themselves"


class NotEvidenced(Conflict):
    """No document of the safeguard's evidence counts today: there is nothing to check it by."""

    code = "safeguard-not-evidenced"
    title = "There is no accepted document to check by"


class SafeguardDecided(Conflict):
    """Your organisation has decided on the safeguard as it is claimed now."""

    code = "safeguard-decided"
    title = "Your organisation has decided already"


class MayNotVerifySafeguard(Forbidden):
    """A verifier is somebody who may verify its evidence, outside the group; `reasons` says what is missing."""

    code = "may-not-verify-safeguard"
    title = "You may not verify this safeguard"


class StatementContradicted(Conflict):
    """Safeguards contradict what was published of the group; `reasons` names each rule."""

    code = "statement-contradicted"
    title = "The statement would contradict itself"


class NothingPublished(Conflict):
    """A statement is made of what the proposal's published version says."""

    code = "nothing-published-to-assure"
    title = "The proposal has not been published"


class TooManyStatements(Conflict):
    """The proposal has as many versions of its statement as it may have."""

    code = "too-many-statements"
    title = "No more versions fit here"


class RemarksWaiting(Conflict):
    """Many remarks on this statement, or of this organisation, have not been answered yet."""

    code = "remarks-waiting"
    title = "Too many remarks wait for an answer"


class RemarkNotOpen(Conflict):
    """The remark is in another state than this step needs; `state` says which."""

    code = "remark-state"
    title = "The remark's state does not allow this"


class OwnStatement(Forbidden):
    """Who belongs to the group answers remarks and makes none."""

    code = "own-statement"
    title = "It is your own group's statement"


class OwnRemark(Forbidden):
    """No operator moderates between their own organisation and another."""

    code = "own-remark"
    title = "It concerns your own organisation"


# What contradicts what


@dataclass(frozen=True, slots=True)
class Stake:
    """Who holds what, in basis points, and the seats on the board. None: not said."""

    private_stake_bp: int | None = None
    public_stake_bp: int | None = None
    staff_votes_bp: int | None = None
    community_votes_bp: int | None = None
    board_seats: int | None = None
    board_staff_seats: int | None = None
    board_private_seats: int | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A safeguard as it is claimed: its limit in basis points, or for how many months, where it has one."""

    safeguard: str
    limit_bp: int | None = None
    months: int | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What safeguards are held against: the legal form, the stakes and the pension arrangement; None: not said."""

    legal_form: str | None
    stake: Stake
    pension: str | None


def claim_faults(claim: Claim) -> list[Fault]:
    """What is missing from a claim or does not belong to it: a limit to the cap, months to terms and conditions."""
    faults: list[Fault] = []
    for name, value, of in (("limit_bp", claim.limit_bp, PROFIT_CAP), ("months", claim.months, TUPE)):
        if value is None and claim.safeguard == of:
            faults.append({"pointer": f"#/{name}", "detail": f"Is needed for {of}."})
        if value is not None and claim.safeguard != of:
            faults.append({"pointer": f"#/{name}", "detail": f"Belongs to {of} alone."})
    return faults


def contradictions(claims: Iterable[Claim], known: Known) -> list[Reason]:
    """Every claim that cannot be true, by the rule that it breaks.

    STATUTORY_LOCK_BY_FORM: only some forms have, or may adopt, a lock that law protects. ONE_ASSET_LOCK: the lock is
    statutory or voluntary. CIC_DIVIDEND_CAP: a CIC's cap is no higher than law's. STAFF_CONTROL_BY_FORM: an
    authority controls its company. STAFF_CONTROL_BY_VOTES and STAFF_DIRECTOR_SEAT: the stakes say otherwise.
    PENSION_ARRANGED: pensions are undecided, or an auto-enrolment scheme only.
    """
    held = {claim.safeguard: claim for claim in claims}
    found = [
        _statutory_lock(known.legal_form) if STATUTORY in held else None,
        _unmet("ONE_ASSET_LOCK", "asset_lock", [STATUTORY], [STATUTORY, VOLUNTARY])
        if {STATUTORY, VOLUNTARY} <= held.keys()
        else None,
        _dividend_cap(held[PROFIT_CAP], known.legal_form) if PROFIT_CAP in held else None,
        *(_staff_control(known) if CONTROL in held else ()),
        _staff_director(known.stake) if DIRECTOR in held else None,
        _unmet("PENSION_ARRANGED", "pension_arrangement", "a scheme that protects", known.pension)
        if PENSION in held and known.pension in UNPROTECTED
        else None,
    ]
    return [reason for reason in found if reason is not None]


def _unmet(code: str, fact: str | None, wanted: Any, found: Any) -> Reason:
    return Reason(code, Outcome.UNMET, "eq", fact, wanted, found)


def _statutory_lock(form: str | None) -> Reason | None:
    if form is None:
        return None
    lock = codelists.entry("legal_forms", form)["asset_lock"]
    if lock in LAW_LOCKS or lock not in codelists.slugs("asset_locks"):
        return None
    return _unmet("STATUTORY_LOCK_BY_FORM", "legal_form", sorted(LAW_LOCKS), form)


def locked_by_law(form: str | None) -> bool:
    """Whether law locks the assets of every organisation of that form."""
    return form is not None and bool(codelists.entry("legal_forms", form)["asset_lock"] == "statutory")


def _dividend_cap(claim: Claim, form: str | None) -> Reason | None:
    if form == CIC_WITH_SHARES and (claim.limit_bp or 0) > CIC_DIVIDEND_CAP:
        return Reason("CIC_DIVIDEND_CAP", Outcome.UNMET, "lte", "legal_form", CIC_DIVIDEND_CAP, claim.limit_bp)
    return None


def _staff_control(known: Known) -> list[Reason]:
    """More than half of the votes or of the seats: it fails where both are said and neither is."""
    found = []
    if known.legal_form == AUTHORITY_CONTROLLED:
        found.append(_unmet("STAFF_CONTROL_BY_FORM", "legal_form", "a form that staff can control", known.legal_form))
    stake = known.stake
    votes = None if stake.staff_votes_bp is None else 2 * stake.staff_votes_bp > WHOLE
    seats = None
    if stake.board_seats is not None and stake.board_staff_seats is not None:
        seats = 2 * stake.board_staff_seats > stake.board_seats
    said = [each for each in (votes, seats) if each is not None]
    if said and not any(said):
        found.append(_unmet("STAFF_CONTROL_BY_VOTES", "staff_control", "more than 5000", stake.staff_votes_bp))
    return found


def _staff_director(stake: Stake) -> Reason | None:
    return _unmet("STAFF_DIRECTOR_SEAT", None, "at least 1", 0) if stake.board_staff_seats == 0 else None


def stakes_faults(stake: Stake, form: str | None) -> list[Fault]:
    """Every way in which stakes contradict themselves or the form: shares of a whole, seats of a board."""
    faults: list[Fault] = []
    for names in (("private_stake_bp", "public_stake_bp"), ("staff_votes_bp", "community_votes_bp")):
        if sum(getattr(stake, name) or 0 for name in names) > WHOLE:
            detail = f"Together with {names[0]} it comes to more than {WHOLE} basis points (100%)."
            faults.append({"pointer": f"#/{names[1]}", "detail": detail})
    taken = [each for each in (stake.board_staff_seats, stake.board_private_seats) if each is not None]
    if taken and stake.board_seats is None:
        faults.append({"pointer": "#/board_seats", "detail": "Is needed where the seats of some are given."})
    elif sum(taken) > (stake.board_seats or 0):
        faults.append({"pointer": "#/board_seats", "detail": "Are fewer seats than staff and investors have together."})
    if stake.private_stake_bp and form is not None and not codelists.entry("legal_forms", form)["can_issue_shares"]:
        detail = f"An organisation of the form {form} has no shares that a private investor could hold."
        faults.append({"pointer": "#/private_stake_bp", "detail": detail})
    return faults


# How well a safeguard is known


@dataclass(frozen=True, slots=True)
class Check:
    """What somebody outside the group said of a safeguard as it is claimed now, by a document that counts today."""

    confirmed: bool
    verifier: Words | None = None


def level_of(*, evidenced: bool, checks: Iterable[Check]) -> str:
    """claimed; evidenced by a document that was accepted and counts; verified where it was also confirmed, and nobody
    who checked it by such a document has refused it."""
    if not evidenced:
        return CLAIMED
    said = [check.confirmed for check in checks]
    return VERIFIED if said and all(said) else EVIDENCED


# The statement


@dataclass(frozen=True, slots=True)
class Promise:
    """A safeguard with how well it is known, and by whom it was checked."""

    claim: Claim
    level: str
    verifier: Words | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence of a statement, how well it is known, and that in words. `safeguard` where it is about one."""

    code: str
    level: str
    words: Words
    level_words: Words
    safeguard: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The line as it is kept."""
        names = ("code", "level", "words", "level_words", "safeguard")
        return {name: getattr(self, name) for name in names}


def composed(
    known: Known, incorporated: bool | None, assurance: Mapping[str, str], promises: Iterable[Promise]
) -> list[Line]:
    """A statement's lines, in order: form, asset lock, stakes and votes, every safeguard promised or not, pensions.

    `assurance` gives the level of facts that are more than declared. Nothing that is not known is left out: it is said
    that it is not known, and what is not promised is said not to be.
    """
    made = {promise.claim.safeguard: promise for promise in promises}
    return [
        *_form_lines(known.legal_form, incorporated, assurance),
        *_stake_lines(known.stake),
        *(_safeguard_line(slug, made.get(slug)) for slug in codelists.slugs("safeguards")),
        _pension_line(known.pension, assurance),
    ]


def _said(code: str, level: str = CLAIMED, **given: object) -> Line:
    known = NOT_SAID if code.endswith("_UNKNOWN") else level
    return Line(code, known, filled(LINES[code], **given), LEVELS[known])


def _form_lines(form: str | None, incorporated: bool | None, assurance: Mapping[str, str]) -> list[Line]:
    if form is None:
        return [_said("FORM_UNKNOWN"), _said("LOCK_UNKNOWN")]
    registered = {True: "REGISTERED", False: "NOT_REGISTERED", None: "REGISTRATION_UNKNOWN"}[incorporated]
    entry = codelists.entry("legal_forms", form)
    lock = entry["asset_lock"]
    known_lock = lock in codelists.slugs("asset_locks")
    return [
        _said("FORM", _fact_level("legal_form", assurance), form=entry["label"]),
        _said(registered, _fact_level("registration", assurance)),
        _said(f"LOCK_{lock.upper()}", LAW) if known_lock else _said("LOCK_UNKNOWN"),
    ]


def _stake_lines(stake: Stake) -> list[Line]:
    private, votes = stake.private_stake_bp, stake.staff_votes_bp
    lines = [
        _said("PRIVATE_STAKE_UNKNOWN")
        if private is None
        else _said("PRIVATE_STAKE", percent=percent(private))
        if private
        else _said("NO_PRIVATE_STAKE")
    ]
    if stake.public_stake_bp:
        lines.append(_said("PUBLIC_STAKE", percent=percent(stake.public_stake_bp)))
    lines.append(_said("STAFF_VOTES_UNKNOWN") if votes is None else _said("STAFF_VOTES", percent=percent(votes)))
    if stake.community_votes_bp:
        lines.append(_said("COMMUNITY_VOTES", percent=percent(stake.community_votes_bp)))
    if stake.board_staff_seats is not None:
        lines.append(_said("BOARD_STAFF", seats=stake.board_seats, staff=stake.board_staff_seats))
    if stake.board_private_seats is not None:
        lines.append(_said("BOARD_PRIVATE", seats=stake.board_seats, private=stake.board_private_seats))
    return lines


def _safeguard_line(slug: str, promise: Promise | None) -> Line:
    code = f"SAFEGUARD_{slug.upper()}"
    if promise is None:
        return Line(code, NOT_SAID, SAFEGUARDS[slug]["not_promised"], LEVELS[NOT_SAID], slug)
    given = {"percent": percent(promise.claim.limit_bp or 0), "months": promise.claim.months}
    words = filled(SAFEGUARDS[slug]["promised"], **given)
    return Line(code, promise.level, words, _level_words(promise), slug)


def _level_words(promise: Promise) -> Words:
    words = LEVELS[promise.level]
    if promise.level != VERIFIED or promise.verifier is None:
        return words
    return {each: text.format(verifier=named_in(promise.verifier, each)) for each, text in words.items()}


def named_in(name: Words, language: str) -> str:
    """The name in that language, or in whichever there is."""
    return name.get(language) or next(iter(name.values()))


def _pension_line(arrangement: str | None, assurance: Mapping[str, str]) -> Line:
    if arrangement is None:
        return _said("PENSION_UNKNOWN")
    if arrangement == "undecided":
        return _said("PENSION_UNDECIDED")
    label = codelists.entry("pension_arrangements", arrangement)["label"]
    return _said("PENSION", _fact_level("pension_arrangement", assurance), arrangement=label)


def _fact_level(fact: str, assurance: Mapping[str, str]) -> str:
    """How well a fact is known, in the statement's words: facts are evidenced by a document that was only handed in."""
    return {"evidenced": SHOWN, "verified": EVIDENCED}.get(assurance.get(fact, ""), CLAIMED)


# Remarks


def refuse_remark_state(state: str, *wanted: str) -> None:
    """RemarkNotOpen unless the remark is in one of the wanted states."""
    if state not in wanted:
        raise RemarkNotOpen(f"It is {state}.", state=state, wanted=list(wanted))
