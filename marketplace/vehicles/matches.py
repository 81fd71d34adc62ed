"""Employer matches: the group invites, the employer commits and gives, the fund pays no more than was given, and gets
its share back out of a verified saving.

Lock order: whatever the fund's pledge needs, then the match, then the accounts. Flushes, never commits.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, ColumnElement, Uuid, bindparam, func, or_, select, text
from sqlalchemy.orm import Session

from marketplace.evidence.models import Evidence, EvidenceVersion, Verification
from marketplace.evidence.service import counts_on
from marketplace.governance.rules import Involved
from marketplace.hosting.service import agreed_hosting, host_may_hold
from marketplace.identity.organisations import freshly
from marketplace.instruments.amounts import in_order
from marketplace.instruments.employer_match import (
    MatchTerms,
    due_by_month,
    last_day_to_save,
    matched,
    whole_months,
)
from marketplace.ledger.reconciliation import Owners
from marketplace.pledges import authority, queries
from marketplace.pledges.aggregate import hold_pledge
from marketplace.pledges.lifecycle import BINDING, OPEN
from marketplace.pledges.models import Pledge, PledgePart, Tranche
from marketplace.pledges.rules import refuse_future
from marketplace.pledges.tranches import take_back
from marketplace.proposals.models import EmployerConsent, Proposal
from marketplace.store import journal
from marketplace.values.actor import Actor
from marketplace.values.clock import now, today
from marketplace.values.permissions import Action, permit
from marketplace.values.reasons import Outcome, Reason, unmet
from marketplace.values.refusals import NotFound
from marketplace.vehicles import booking, rules
from marketplace.vehicles.models import EmployerContribution, EmployerMatch, EmployerReturn, Vehicle
from marketplace.vehicles.service import vehicle_behind
from marketplace.vehicles.simulations import match_terms

KIND = "employer_match"
WILLING = frozenset({"explore", "receive_funding"})
"""Answers of an employer under which it may be invited to match."""


def invite(session: Session, actor: Actor, pledge_id: UUID, draft: dict[str, Any]) -> EmployerMatch:
    """Bring the employer to a fund's pledge, for the group: neither learns of the other but by this.

    The employer has to have answered the group's invitation, to explore or to receive funding.
    """
    pledge = queries.pledge_for(session, actor, pledge_id)
    permit(actor, Action.INVITE_PARTY, pledge.group_organisation_id)
    vehicle = vehicle_behind(session, pledge.programme_id, KIND)
    if vehicle is None:
        raise rules.WrongVehicle("The pledge's programme matches no employers.", kind=None)
    consent = session.get(EmployerConsent, draft["consent_id"])
    if consent is None or consent.proposal_id != pledge.proposal_id:
        raise NotFound()
    live = pledge.state in BINDING | OPEN
    refuse_unmet([_check("PLEDGE_LIVE", live, found=pledge.state), _consents(consent)])
    match = EmployerMatch(
        vehicle_id=vehicle.id,
        pledge_id=pledge.id,
        organisation_id=pledge.organisation_id,
        group_organisation_id=pledge.group_organisation_id,
        employer_organisation_id=consent.parent_organisation_id,
        consent_id=consent.id,
        state="invited",
        currency=pledge.currency,
        cash=0,
        staff_time=0,
        message=draft.get("message"),
        invited_by=actor.person,
    )
    session.add(match)
    session.flush()
    _note(session, actor, match, "employer_match.invited")
    return match


def answer(session: Session, actor: Actor, match_id: UUID, draft: dict[str, Any] | None) -> EmployerMatch:
    """Agree for the employer, with what it commits and its conflict as later commissioner declared; or decline."""
    found = match_for(session, actor, match_id)
    permit(actor, Action.ANSWER_CONSENT, found.employer_organisation_id)
    match = _locked(session, match_id)
    permit(freshly(session, actor), Action.ANSWER_CONSENT, match.employer_organisation_id)
    refuse_unmet(
        [
            _check("INVITED", match.state == "invited", found=match.state),
            _check("ANOTHER_PERSON", actor.person != match.invited_by),
            _consents(session.get_one(EmployerConsent, match.consent_id)),
        ]
        if draft is not None
        else [_check("INVITED", match.state == "invited", found=match.state)]
    )
    match.answered_by, match.answered_at = actor.person, now()
    match.version += 1
    if draft is None:
        match.state = "declined"
    else:
        cash, staff_time = (_in_currency(match, draft[name], f"#/{name}") for name in ("cash", "staff_time"))
        if cash + staff_time == 0:
            raise rules.AmountWrong("Commit cash or staff time.", pointer="#/cash")
        match.state, match.cash, match.staff_time = "agreed", cash, staff_time
        match.later_commissioner, match.conflict = draft["later_commissioner"], draft["conflict"]
        session.flush()
        booking.commit_match(session, actor, match.id, match.currency, cash, staff_time)
    session.flush()
    _note(session, actor, match, f"employer_match.{match.state}")
    return match


def pay_cash(session: Session, actor: Actor, match_id: UUID, draft: dict[str, Any]) -> EmployerContribution:
    """Record the employer's cash: paid to the group, or to its fiscal host where it has no legal form yet. It counts
    once the group confirms it."""
    found = match_for(session, actor, match_id)
    permit(actor, Action.ANSWER_CONSENT, found.employer_organisation_id)
    match = _agreed(session, match_id)
    permit(freshly(session, actor), Action.ANSWER_CONSENT, match.employer_organisation_id)
    refuse_future(draft["given_on"], today(), "#/given_on")
    amount = _within(session, match, draft["amount"], "cash")
    proposal_id = _pledge(session, match).proposal_id
    facts = session.scalar(select(func.own_facts(proposal_id, today()))) or {}
    hosting = None if facts.get("incorporated") is True else agreed_hosting(session, proposal_id)
    holds = facts.get("incorporated") is True or (hosting is not None and host_may_hold(session, hosting))
    refuse_unmet([_check("LEGAL_FORM_OR_HOST", holds)])
    contribution = EmployerContribution(
        match_id=match.id,
        kind="cash",
        amount=amount,
        given_on=draft["given_on"],
        reference=draft["reference"],
        payee_organisation_id=hosting.host_organisation_id if hosting else match.group_organisation_id,
        fiscal_hosting_id=hosting.id if hosting else None,
        recorded_by=actor.person,
    )
    return _kept(session, actor, match, contribution, "employer_contribution.recorded")


def confirm(session: Session, actor: Actor, contribution_id: UUID) -> EmployerContribution:
    """Confirm for the group that the cash arrived: it counts from now on. Confirmed already, it stays as it is."""
    found = session.get(EmployerContribution, contribution_id)
    if found is None:
        raise NotFound()
    match = match_for(session, actor, found.match_id)
    permit(actor, Action.CLAIM_TRANCHE, match.group_organisation_id)
    match = _locked(session, match.id)
    permit(freshly(session, actor), Action.CLAIM_TRANCHE, match.group_organisation_id)
    contribution = session.get_one(EmployerContribution, contribution_id, populate_existing=True)
    refuse_unmet(
        [
            _check("UNCONFIRMED", contribution.confirmed_at is None),
            _check("ANOTHER_PERSON", contribution.recorded_by != actor.person),
        ]
    )
    contribution.confirmed_by, contribution.confirmed_at = actor.person, now()
    match.version += 1
    session.flush()
    booking.give(session, actor, match.id, contribution.id, contribution.kind, contribution.amount)
    _note(session, actor, match, "employer_contribution.confirmed")
    return contribution


def give_staff_time(session: Session, actor: Actor, match_id: UUID, draft: dict[str, Any]) -> EmployerContribution:
    """Record staff time for the group, valued, by signed timesheets: evidence that the fund has accepted. Counts."""
    found = match_for(session, actor, match_id)
    permit(actor, Action.CLAIM_TRANCHE, found.group_organisation_id)
    match = _agreed(session, match_id)
    permit(freshly(session, actor), Action.CLAIM_TRANCHE, match.group_organisation_id)
    refuse_future(draft["given_on"], today(), "#/given_on")
    amount = _within(session, match, draft["amount"], "staff_time")
    shown = _accepted(session, match, draft["evidence_version_id"])
    verifier = None if shown is None else shown.verifier_user_id
    refuse_unmet([_check("TIMESHEETS_ACCEPTED", shown is not None), _check("ANOTHER_PERSON", verifier != actor.person)])
    contribution = EmployerContribution(
        match_id=match.id,
        kind="staff_time",
        amount=amount,
        given_on=draft["given_on"],
        reference=draft["reference"],
        evidence_version_id=draft["evidence_version_id"],
        recorded_by=actor.person,
        confirmed_by=verifier,
        confirmed_at=now(),
    )
    made = _kept(session, actor, match, contribution, "employer_contribution.recorded")
    booking.give(session, actor, match.id, made.id, made.kind, made.amount)
    return made


def record_launch(session: Session, actor: Actor, match_id: UUID, launched_on: Any) -> EmployerMatch:
    """Record for the fund that the mutual has launched: from that day a saving can make its share repayable."""
    match = _for_fund(session, actor, match_id)
    refuse_future(launched_on, today(), "#/launched_on")
    refuse_unmet([_check("NOT_LAUNCHED", match.launched_on is None, found=str(match.launched_on))])
    match.launched_on = launched_on
    return _changed(session, actor, match, "employer_match.launched")


def record_saving(session: Session, actor: Actor, match_id: UUID, draft: dict[str, Any]) -> EmployerMatch:
    """Record the employer's yearly saving, shown by evidence that the fund accepted, within the months after launch.

    Once those are over without one, the fund's share is a grant and stays one.
    """
    match = _for_fund(session, actor, match_id)
    saving = _in_currency(match, draft["yearly_saving"], "#/yearly_saving")
    refuse_future(draft["saving_from"], today(), "#/saving_from")
    launched = match.launched_on
    terms = _terms(session, match)
    refuse_unmet(
        [
            _check("LAUNCHED", launched is not None),
            _check("AFTER_LAUNCH", launched is not None and draft["saving_from"] >= launched),
            _check("NOT_A_GRANT_YET", launched is not None and today() <= last_day_to_save(terms, launched)),
            _check("NO_SAVING_YET", match.saving is None),
            _check("SAVING_ACCEPTED", _accepted(session, match, draft["evidence_version_id"]) is not None),
        ]
    )
    match.saving, match.saving_from = saving, draft["saving_from"]
    match.saving_evidence_version_id, match.saving_recorded_by = draft["evidence_version_id"], actor.person
    return _changed(session, actor, match, "employer_match.saving_verified")


def record_return(session: Session, actor: Actor, match_id: UUID, draft: dict[str, Any]) -> EmployerReturn:
    """Record what the employer returned of the fund's share: it comes back on the pledge's paid tranches, the oldest
    first, at most what is still out."""
    found = match_for(session, actor, match_id)
    permit(actor, Action.RECORD_RETURN, found.organisation_id)
    pledge, _, _ = hold_pledge(session, actor, found.pledge_id, Action.RECORD_RETURN)
    match = _locked(session, match_id)
    refuse_future(draft["received_on"], today(), "#/received_on")
    refuse_unmet([_check("SAVING_VERIFIED", match.saving is not None)])
    paid = _paid_tranches(pledge)
    left = [each.outstanding - each.demanded for each in paid]
    amount = _in_currency(match, draft["amount"], "#/amount", sum(left))
    made = EmployerReturn(
        match_id=match.id,
        amount=amount,
        received_on=draft["received_on"],
        reference=draft["reference"],
        recorded_by=actor.person,
    )
    session.add(made)
    match.version += 1
    session.flush()
    for tranche, share in zip(paid, in_order(amount, left), strict=True):
        if share:
            reference = f"employer:{draft['reference']}"
            authority.may_record_return(session, actor, tranche, share, reference)
            take_back(session, actor, tranche, share, reference)
    _note(session, actor, match, "employer_match.returned")
    return made


def match_for(session: Session, actor: Actor, match_id: UUID) -> EmployerMatch:
    """A match that one of the caller's organisations is party to; NotFound otherwise."""
    match = session.get(EmployerMatch, match_id)
    if match is None or not actor.organisation_ids & _parties(match):
        raise NotFound()
    return match


def matches_for(session: Session, actor: Actor, after: UUID | None, limit: int) -> list[EmployerMatch]:
    """The matches that the caller's organisations are party to, newest first; one more than `limit`."""
    own = sorted(actor.organisation_ids)
    columns = (
        EmployerMatch.organisation_id,
        EmployerMatch.group_organisation_id,
        EmployerMatch.employer_organisation_id,
    )
    party: ColumnElement[bool] = or_(*(column.in_(own) for column in columns))
    query = select(EmployerMatch).where(party)
    if after is not None:
        query = query.where(EmployerMatch.id < after)
    return list(session.scalars(query.order_by(EmployerMatch.id.desc()).limit(limit + 1)))


def card(session: Session, actor: Actor, match: EmployerMatch) -> dict[str, Any]:
    """A match as its reader may see it: the employer is not told which pledge and proposal it stands beside."""
    names = (
        *("id", "state", "organisation_id", "employer_organisation_id", "consent_id", "currency", "cash"),
        *("staff_time", "message", "later_commissioner", "conflict", "launched_on", "saving", "saving_from"),
    )
    inside = actor.organisation_ids & {match.organisation_id, match.group_organisation_id}
    terms, pledge = _terms(session, match), _pledge(session, match)
    cash, staff_time = given_to(session, [match.id])
    paid = sum(each.amount for each in _paid_tranches(pledge))
    back = select(func.coalesce(func.sum(EmployerReturn.amount), 0)).where(EmployerReturn.match_id == match.id)
    until = None if match.launched_on is None else last_day_to_save(terms, match.launched_on)
    due = 0
    if match.saving is not None and match.saving_from is not None:
        due = due_by_month(terms, paid, match.saving, whole_months(match.saving_from, today()))
    contributions = select(EmployerContribution).where(EmployerContribution.match_id == match.id)
    return {name: getattr(match, name) for name in names} | {
        "pledge_id": match.pledge_id if inside else None,
        "vehicle_id": match.vehicle_id,
        "cash_given": cash,
        "staff_time_given": staff_time,
        "matched": matched(terms, cash, staff_time),
        "fund_paid": paid,
        "saving_until": until,
        "became_a_grant": match.saving is None and until is not None and today() > until,
        "due": due,
        "returned": int(session.scalars(back).one()),
        "contributions": list(session.scalars(contributions.order_by(EmployerContribution.id).limit(200))),
    }


# What the fund's pledge asks


def offer_reasons(session: Session, pledge: Pledge, _: Proposal) -> list[tuple[str, Reason]]:
    """A matching fund gives grants, at most its cap for one stage."""
    vehicle = vehicle_behind(session, pledge.programme_id, KIND)
    if vehicle is None:
        return []
    promised = queries.promised_to(session, pledge.programme_id, pledge.ask_id) + pledge.amount
    cap = match_terms(vehicle.terms).cap
    return rules.layered(
        "vehicle",
        [
            _check("GRANTS_ALONE", all(part.instrument == "grant" for part in pledge.parts)),
            _check("STAGE_CAP", promised <= cap, wanted=cap, found=promised),
        ],
    )


def payment_reasons(session: Session, tranche: Tranche) -> list[Reason]:
    """A matching fund has paid to one ask, with this tranche, at most what employers gave to it, as it counts."""
    pledge = tranche.part.pledge
    vehicle = vehicle_behind(session, pledge.programme_id, KIND)
    if vehicle is None:
        return []
    beside = select(EmployerMatch.id).join(Pledge, Pledge.id == EmployerMatch.pledge_id)
    same = (Pledge.programme_id == pledge.programme_id, Pledge.ask_id == pledge.ask_id)
    query = beside.where(*same, EmployerMatch.state == "agreed").order_by(EmployerMatch.id)
    ids = list(session.scalars(query.with_for_update(of=EmployerMatch, key_share=True)))
    most = matched(match_terms(vehicle.terms), *given_to(session, ids))
    paid = select(func.coalesce(func.sum(PledgePart.paid), 0)).join(Pledge).where(*same)
    found = int(session.scalars(paid).one()) + tranche.amount
    return [
        _check("MATCH_AGREED", bool(ids)),
        _check("EMPLOYER_MATCHED", found <= most, wanted=most, found=found),
    ]


def given_to(session: Session, match_ids: list[UUID]) -> tuple[int, int]:
    """Cash and staff time that employers gave and that counts."""
    query = (
        select(EmployerContribution.kind, func.sum(EmployerContribution.amount))
        .where(EmployerContribution.match_id.in_(match_ids), EmployerContribution.confirmed_at.is_not(None))
        .group_by(EmployerContribution.kind)
    )
    given = {kind: int(amount) for kind, amount in session.execute(query)}
    return given.get("cash", 0), given.get("staff_time", 0)


def involved_employers(session: Session, proposal_id: UUID) -> list[Involved]:
    """For finding conflicts of interest: the employers that agreed to match, where the proposal names another parent
    by now. The one that it names is involved as its parent."""
    query = (
        select(EmployerMatch.employer_organisation_id)
        .join(Pledge, Pledge.id == EmployerMatch.pledge_id)
        .join(Proposal, Proposal.id == Pledge.proposal_id)
        .where(
            Proposal.id == proposal_id,
            EmployerMatch.state == "agreed",
            Proposal.parent_organisation_id.is_distinct_from(EmployerMatch.employer_organisation_id),
        )
    )
    return [Involved("parent", each) for each in session.scalars(query.distinct())]


def refuse_unmet(reasons: list[Reason]) -> None:
    """MatchRefused with every reason that is not met."""
    missing = unmet(reasons)
    if missing:
        raise rules.MatchRefused("It lacks what `reasons` names.", reasons=[each.as_json() for each in missing])


# Within


def _check(code: str, holds: bool, *, wanted: Any = None, found: Any = None) -> Reason:
    return Reason(code, Outcome.MET if holds else Outcome.UNMET, op="lte", wanted=wanted, found=found)


def _consents(consent: EmployerConsent) -> Reason:
    standing = consent.state == "answered" and (consent.expires_on is None or consent.expires_on >= today())
    return _check("EMPLOYER_WILLING", standing and consent.answer in WILLING, wanted=sorted(WILLING))


def _terms(session: Session, match: EmployerMatch) -> MatchTerms:
    return match_terms(session.get_one(Vehicle, match.vehicle_id).terms)


def _pledge(session: Session, match: EmployerMatch) -> Pledge:
    return session.get_one(Pledge, match.pledge_id)


def _paid_tranches(pledge: Pledge) -> list[Tranche]:
    rows = [each for part in pledge.parts for each in part.tranches if each.state == "paid" and not part.in_kind]
    return sorted(rows, key=lambda each: (str(each.paid_on), each.id))


def _parties(match: EmployerMatch) -> set[UUID]:
    return {match.organisation_id, match.group_organisation_id, match.employer_organisation_id}


def _in_currency(match: EmployerMatch, money: Any, pointer: str, most: int | None = None) -> int:
    if money.currency != match.currency or (most is not None and money.amount > most):
        told: dict[str, Any] = {} if most is None else {"most": {"amount": most, "currency": match.currency}}
        raise rules.AmountWrong(f"Give at most what may be, in {match.currency}.", pointer=pointer, **told)
    return int(money.amount)


def _within(session: Session, match: EmployerMatch, money: Any, kind: str) -> int:
    """An amount that fits into what was committed of that kind and not recorded yet."""
    recorded = select(func.coalesce(func.sum(EmployerContribution.amount), 0)).where(
        EmployerContribution.match_id == match.id, EmployerContribution.kind == kind
    )
    left = getattr(match, kind) - int(session.scalars(recorded).one())
    return _in_currency(match, money, "#/amount", left)


def _accepted(session: Session, match: EmployerMatch, version_id: UUID) -> Verification | None:
    """The acceptance of that document by the fund, or by whom its pledge names, where it counts today."""
    pledge = _pledge(session, match)
    query = (
        select(Verification)
        .join(EvidenceVersion, EvidenceVersion.id == Verification.evidence_version_id)
        .join(Evidence, Evidence.id == EvidenceVersion.evidence_id)
        .where(
            EvidenceVersion.id == version_id,
            Evidence.proposal_id == pledge.proposal_id,
            Verification.verifier_organisation_id.in_([pledge.organisation_id, *pledge.verifier_organisation_ids]),
            counts_on(today()),
        )
    )
    return session.scalars(query.limit(1)).one_or_none()


def _locked(session: Session, match_id: UUID) -> EmployerMatch:
    return session.get_one(EmployerMatch, match_id, with_for_update={"key_share": True}, populate_existing=True)


def _agreed(session: Session, match_id: UUID) -> EmployerMatch:
    match = _locked(session, match_id)
    refuse_unmet([_check("MATCH_AGREED", match.state == "agreed", found=match.state)])
    return match


def _for_fund(session: Session, actor: Actor, match_id: UUID) -> EmployerMatch:
    found = match_for(session, actor, match_id)
    permit(actor, Action.CONFIRM_REVENUE, found.organisation_id)
    match = _agreed(session, match_id)
    permit(freshly(session, actor), Action.CONFIRM_REVENUE, match.organisation_id)
    return match


def _kept(
    session: Session, actor: Actor, match: EmployerMatch, contribution: EmployerContribution, type_: str
) -> EmployerContribution:
    session.add(contribution)
    match.version += 1
    session.flush()
    _note(session, actor, match, type_)
    return contribution


def _changed(session: Session, actor: Actor, match: EmployerMatch, type_: str) -> EmployerMatch:
    match.version += 1
    session.flush()
    _note(session, actor, match, type_)
    return match


def _note(session: Session, actor: Actor, match: EmployerMatch, type_: str) -> None:
    journal.record(
        session, type_, "employer_match", match.id, actor=actor, audience=journal.only(*sorted(_parties(match))),
        path=f"/v1/employer-matches/{match.id}", after={"state": match.state, "version": match.version},
    )  # fmt: skip


DIFFERENCES = text(
    """
WITH books AS (
  SELECT owner_id AS id, sum(balance) FILTER (WHERE name = 'cash_paid') AS cash_paid,
         sum(balance) FILTER (WHERE name = 'time_given') AS time_given,
         sum(balance) FILTER (WHERE name = 'cash_committed') AS cash_committed,
         sum(balance) FILTER (WHERE name = 'time_committed') AS time_committed
  FROM ledger_account WHERE owner_kind = 'employer_match' GROUP BY owner_id
), given AS (
  SELECT match_id AS id, coalesce(sum(amount) FILTER (WHERE kind = 'cash'), 0) AS cash,
         coalesce(sum(amount) FILTER (WHERE kind = 'staff_time'), 0) AS staff_time
  FROM employer_contribution WHERE confirmed_at IS NOT NULL GROUP BY match_id
)
SELECT 'employer match ' || m.id || ': the ledger says cash ' || coalesce(b.cash_paid, 0) || ' of '
       || coalesce(b.cash_paid + b.cash_committed, 0) || ' and staff time ' || coalesce(b.time_given, 0) || ' of '
       || coalesce(b.time_given + b.time_committed, 0) || ', its contributions ' || coalesce(g.cash, 0) || ' of '
       || m.cash || ' and ' || coalesce(g.staff_time, 0) || ' of ' || m.staff_time
FROM employer_match m LEFT JOIN books b ON b.id = m.id LEFT JOIN given g ON g.id = m.id
WHERE (:everybody OR m.pledge_id = ANY (:owners))
  AND (coalesce(b.cash_paid, 0), coalesce(b.time_given, 0), coalesce(b.cash_paid + b.cash_committed, 0),
       coalesce(b.time_given + b.time_committed, 0))
      IS DISTINCT FROM (coalesce(g.cash, 0), coalesce(g.staff_time, 0), m.cash, m.staff_time)
UNION ALL
SELECT 'employer match ' || m.id || ': ' || sum(r.amount) || ' was returned, and less came back on its pledge'
FROM employer_match m JOIN employer_return r ON r.match_id = m.id
WHERE (:everybody OR m.pledge_id = ANY (:owners))
GROUP BY m.id, m.pledge_id
HAVING sum(r.amount) > (SELECT sum(part.returned) FROM pledge_part part WHERE part.pledge_id = m.pledge_id)
ORDER BY 1 LIMIT 1000
"""
).bindparams(bindparam("everybody", type_=Boolean()), bindparam("owners", type_=ARRAY(Uuid())))


def matches_and_books_differ(session: Session, owners: Owners = None) -> list[str]:
    """For `flask reconcile`: employer matches, what was given and returned, and their ledger accounts say the same."""
    asked = {"everybody": owners is None, "owners": sorted(owners or ())}
    return [str(found) for found in session.scalars(DIFFERENCES, asked)]
