"""Programmes listed from a public source before their funder joins: what is said of them, claims, reports of errors.

A listing is a programme of the organisation that keeps it, published like any other and matched like any other; no
money moves through it. Its funder claims it: at once where the register's number agrees, else the operator decides.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from marketplace.identity.organisations import freshly
from marketplace.identity.rules import OperatorOnly
from marketplace.programmes import queries
from marketplace.programmes.hooks import ON_PUBLIC_CHANGE
from marketplace.programmes.models import ErrorReport, Listing, ListingClaim, Programme
from marketplace.programmes.rules import (
    ClaimDecided,
    ClaimStands,
    NotAFunder,
    NotAListing,
    OwnClaim,
    ProgrammeUnclaimed,
    ReportAnswered,
    ReportsWaiting,
    claim_is_evident,
    is_stale,
)
from marketplace.reference.identifiers import InvalidIdentifier, check_identifier
from marketplace.store.base import new_id
from marketplace.store.journal import Audience, only, record
from marketplace.values.actor import FUNDING_KINDS, Actor, Membership
from marketplace.values.clock import now, today
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import NotFound

MOST_WAITING_REPORTS = 200
"""How many unanswered reports a programme holds: anyone may send one, and nobody may fill the database with them."""

EVIDENT = "The register's number of the claimant is the one that the listing names."
OTHER_ACCEPTED = "Another organisation's claim was accepted."
Fault = dict[str, str]


# What is said of a listing


def listing_faults(given: dict[str, Any]) -> list[Fault]:
    """What is wrong with a listing's members, by JSON pointer."""
    faults = []
    if given.get("checked_on") is not None and given["checked_on"] > today():
        faults.append({"pointer": "#/listing/checked_on", "detail": "Is in the future."})
    number = given.get("funder_identifier")
    if number is not None:
        try:
            check_identifier(**number)
        except InvalidIdentifier as wrong:
            pointer = f"#/listing/funder_identifier/{wrong.field}"
            faults.append({"pointer": pointer, "detail": wrong.detail})
    return faults


def write_listing(current: Session, programme: Programme, given: dict[str, Any]) -> None:
    """Keep what is said of a listing; a new programme's row is made. The members have been checked."""
    listing = current.get(Listing, programme.id)
    if listing is None:
        listing = Listing(programme_id=programme.id, listed_by_organisation_id=programme.organisation_id)
        current.add(listing)
    for name, value in given.items():
        setattr(listing, name, _identifier(value) if name == "funder_identifier" else value)
    current.flush()
    current.refresh(programme, ["listing"])


def is_unclaimed(current: Session, programme_id: UUID) -> bool:
    """Whether the programme is a listing whose funder has not joined."""
    listed = exists().where(Listing.programme_id == programme_id, Listing.claimed_at.is_(None))
    return bool(current.scalar(select(listed)))


def refuse_unclaimed(current: Session, programme_id: UUID) -> None:
    """ProgrammeUnclaimed for a listing whose funder has not joined."""
    if is_unclaimed(current, programme_id):
        raise ProgrammeUnclaimed("It takes pledges once its funder has claimed it.")


def listing_card(listing: Listing) -> dict[str, Any]:
    """What is shown of a programme that is or was a listing."""
    scheme, number = None, None
    if listing.funder_identifier is not None:
        scheme, _, number = listing.funder_identifier.rpartition("-")
    return {
        "funder_name": listing.funder_name,
        "funder_identifier": None if scheme is None else {"scheme": scheme, "number": number},
        "source_url": listing.source_url,
        "checked_on": listing.checked_on,
        "stale": listing.claimed_at is None and is_stale(listing.checked_on, today()),
        "claimed": listing.claimed_at is not None,
        "claimed_at": listing.claimed_at,
        "listed_by_organisation_id": listing.listed_by_organisation_id,
    }


def _identifier(given: dict[str, str] | None) -> str | None:
    return None if given is None else f"{given['scheme']}-{check_identifier(**given)}"


# Claims


def claim_listing(current: Session, actor: Actor, programme_id: UUID, draft: dict[str, Any]) -> ListingClaim:
    """Claim a published listing for one's verified organisation. Accepted at once where the register agrees."""
    organisation_id = draft["organisation_id"]
    permit(actor, Action.CLAIM_LISTING, organisation_id)
    programme, listing = _locked(current, programme_id)
    membership = permit(freshly(current, actor), Action.CLAIM_LISTING, organisation_id)
    if membership.kind not in FUNDING_KINDS:
        raise NotAFunder("Funders, intermediaries, wholesale vehicles and public bodies have programmes.")
    mine = select(ListingClaim).filter_by(programme_id=programme_id, organisation_id=organisation_id, state="open")
    if current.scalar(mine) is not None:
        raise ClaimStands("Your organisation's claim waits for the operator.")
    claim = ListingClaim(
        id=new_id(),
        programme_id=programme_id,
        organisation_id=organisation_id,
        statement=draft["statement"],
        claimed_by=actor.person,
    )
    current.add(claim)
    current.flush()
    _note_claim(current, actor, claim, "listing_claim.made")
    if claim_is_evident(listing.funder_identifier, membership.verification, _identifiers(membership)):
        _accept(current, actor, programme, listing, claim, EVIDENT)
    return claim


def decide_claim(current: Session, actor: Actor, claim_id: UUID, decision: str, reason: str) -> ListingClaim:
    """The operator accepts or refuses a claim. OwnClaim for a claim of an organisation that they belong to."""
    if not actor.operator:
        seen_claim(current, actor, claim_id)
        raise OperatorOnly("The operator decides on claims.")
    found = current.get(ListingClaim, claim_id)
    if found is None:
        raise NotFound()
    programme, listing = _locked(current, found.programme_id, claimed=True)
    claim = _open_claim(current, claim_id)
    if not freshly(current, actor).operator or actor.membership_in(claim.organisation_id) is not None:
        raise OwnClaim("Another operator decides on a claim of your own organisation.")
    if decision == "accepted":
        _accept(current, actor, programme, listing, claim, reason)
    else:
        _close(current, actor, claim, "refused", reason)
    return claim


def withdraw_claim(current: Session, actor: Actor, claim_id: UUID) -> ListingClaim:
    """Take back one's organisation's open claim."""
    found = seen_claim(current, actor, claim_id)
    permit(actor, Action.CLAIM_LISTING, found.organisation_id)
    claim = _open_claim(current, claim_id)
    _close(current, actor, claim, "withdrawn", None)
    return claim


def seen_claim(current: Session, actor: Actor, claim_id: UUID) -> ListingClaim:
    """A claim of one's own organisation, or any for the operator; NotFound otherwise."""
    claim = current.get(ListingClaim, claim_id)
    if claim is None or not (actor.operator or actor.membership_in(claim.organisation_id) is not None):
        raise NotFound()
    return claim


def claims(current: Session, actor: Actor, state: str | None, after: UUID | None, limit: int) -> Sequence[ListingClaim]:
    """Claims of the caller's organisations, for the operator all of them, oldest first; `limit` + 1 of them."""
    query = select(ListingClaim).order_by(ListingClaim.id).limit(limit + 1)
    if not actor.operator:
        query = query.where(ListingClaim.organisation_id.in_(sorted(actor.organisation_ids)))
    if state is not None:
        query = query.where(ListingClaim.state == state)
    if after is not None:
        query = query.where(ListingClaim.id > after)
    return list(current.scalars(query))


def _locked(current: Session, programme_id: UUID, *, claimed: bool = False) -> tuple[Programme, Listing]:
    """The published programme and its listing, locked; NotAListing for what cannot be claimed (any more)."""
    published = select(Programme).where(Programme.id == programme_id, queries.published())
    programme = current.scalar(published.with_for_update().execution_options(populate_existing=True))
    if programme is None:
        raise NotFound()
    listing = current.get(Listing, programme_id, populate_existing=True)
    if listing is None or (listing.claimed_at is not None and not claimed):
        raise NotAListing("It was not listed from a public source, or its funder has claimed it.")
    return programme, listing


def _open_claim(current: Session, claim_id: UUID) -> ListingClaim:
    query = select(ListingClaim).where(ListingClaim.id == claim_id).with_for_update()
    claim = current.scalars(query.execution_options(populate_existing=True)).one()
    if claim.state != "open":
        raise ClaimDecided("It was accepted, refused or withdrawn before.", state=claim.state)
    return claim


def _accept(
    current: Session, actor: Actor, programme: Programme, listing: Listing, claim: ListingClaim, reason: str
) -> None:
    """The programme becomes the claimant's; every other open claim is refused."""
    keeper = programme.organisation_id
    _close(current, actor, claim, "accepted", reason)
    others = select(ListingClaim).where(ListingClaim.programme_id == programme.id, ListingClaim.state == "open")
    for other in current.scalars(others.order_by(ListingClaim.id).with_for_update()):
        _close(current, actor, other, "refused", OTHER_ACCEPTED)
    programme.organisation_id = claim.organisation_id
    programme.version += 1
    listing.claimed_at = now()
    current.flush()
    record(
        current,
        "programme.claimed",
        "programme",
        programme.id,
        actor=actor,
        audience=Audience(frozenset({keeper, claim.organisation_id}), public=True),
        path=f"/v1/programmes/{programme.id}",
        before={"organisation_id": keeper},
        after={"organisation_id": claim.organisation_id},
    )
    for heard in ON_PUBLIC_CHANGE:
        heard(current, programme, "programme.claimed")


def _close(current: Session, actor: Actor, claim: ListingClaim, state: str, reason: str | None) -> None:
    claim.state, claim.reason, claim.decided_by, claim.decided_at = state, reason, actor.user_id, now()
    claim.version += 1
    current.flush()
    _note_claim(current, actor, claim, f"listing_claim.{state}")


def _note_claim(current: Session, actor: Actor, claim: ListingClaim, type_: str) -> None:
    path = f"/v1/listing-claims/{claim.id}"
    audience = only(claim.organisation_id)
    after = {"state": claim.state, "reason": claim.reason}
    record(current, type_, "listing_claim", claim.id, actor=actor, audience=audience, path=path, after=after)


def _identifiers(membership: Membership) -> frozenset[str]:
    return frozenset(membership.identifiers)


# Reports of errors


def report_error(current: Session, actor: Actor, programme_id: UUID, draft: dict[str, Any]) -> ErrorReport:
    """Tell whoever keeps a published programme what is wrong in it. Anyone may, with or without an account."""
    published = select(Programme.organisation_id).where(Programme.id == programme_id, queries.published())
    keeper = current.scalar(published.with_for_update(key_share=True))
    if keeper is None:
        raise NotFound()
    waiting = select(func.count()).select_from(ErrorReport).filter_by(programme_id=programme_id, state="open")
    if (current.scalar(waiting) or 0) >= MOST_WAITING_REPORTS:
        raise ReportsWaiting("So many reports wait for an answer that no other is taken.")
    report = ErrorReport(id=new_id(), programme_id=programme_id, reported_by=actor.user_id, **draft)
    current.add(report)
    current.flush()
    _note_report(current, actor, report, keeper, "error_report.made")
    return report


def answer_report(current: Session, actor: Actor, report_id: UUID, outcome: str, answer: str) -> ErrorReport:
    """Say what became of a report: `corrected` or `no_error`. For editors of the organisation that keeps it."""
    seen, keeper = _seen_report(current, actor, report_id)
    permit(actor, Action.WRITE_PROGRAMME, keeper)
    query = select(ErrorReport).where(ErrorReport.id == seen.id).with_for_update()
    report = current.scalars(query.execution_options(populate_existing=True)).one()
    if report.state != "open":
        raise ReportAnswered("Its answer stands.", state=report.state)
    report.state, report.answer, report.answered_by, report.answered_at = outcome, answer, actor.person, now()
    report.version += 1
    current.flush()
    _note_report(current, actor, report, keeper, "error_report.answered")
    return report


def seen_report(current: Session, actor: Actor, report_id: UUID) -> ErrorReport:
    """A report on a programme of one's own organisation, or one that the caller made; NotFound otherwise."""
    return _seen_report(current, actor, report_id)[0]


def reports(
    current: Session, actor: Actor, programme_id: UUID, state: str | None, after: UUID | None, limit: int
) -> Sequence[ErrorReport]:
    """The reports on a programme, oldest first, for members of the organisation that keeps it; `limit` + 1 of them."""
    keeper = current.scalar(select(Programme.organisation_id).where(Programme.id == programme_id))
    if keeper is None:
        raise NotFound()
    permit(actor, Action.READ_PROGRAMME, keeper)
    query = select(ErrorReport).where(ErrorReport.programme_id == programme_id)
    if state is not None:
        query = query.where(ErrorReport.state == state)
    if after is not None:
        query = query.where(ErrorReport.id > after)
    return list(current.scalars(query.order_by(ErrorReport.id).limit(limit + 1)))


def _seen_report(current: Session, actor: Actor, report_id: UUID) -> tuple[ErrorReport, UUID]:
    found = current.execute(
        select(ErrorReport, Programme.organisation_id)
        .join(Programme, Programme.id == ErrorReport.programme_id)
        .where(ErrorReport.id == report_id)
    ).one_or_none()
    if found is None:
        raise NotFound()
    report, keeper = found
    own = report.reported_by is not None and report.reported_by == actor.user_id
    if not own and actor.membership_in(keeper) is None:
        raise NotFound()
    return report, keeper


def _note_report(current: Session, actor: Actor, report: ErrorReport, keeper: UUID, type_: str) -> None:
    path = f"/v1/error-reports/{report.id}"
    after = {"state": report.state}
    record(current, type_, "error_report", report.id, actor=actor, audience=only(keeper), path=path, after=after)
