"""What holds of accounts, organisations, memberships and verification. Pure: told the facts and the time.

Knows the refusals of the feature and its durations. Must not know the database, HTTP, or how a password is hashed.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from marketplace.reference import areas
from marketplace.reference.identifiers import InvalidIdentifier, check_identifier
from marketplace.values.actor import FUNDING_KINDS, VERIFIED_STATES, Actor, Role
from marketplace.values.refusals import Conflict, Forbidden, Unprocessable

SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 200
WRONG_PASSWORDS = 10
LOCKED_FOR = timedelta(minutes=15)
CONFIRMATION_LASTS = timedelta(hours=24)
RESET_LASTS = timedelta(hours=1)
INVITATION_LASTS = timedelta(days=14)
MOST_LINKS_PER_HOUR = 5
MOST_OPEN_INVITATIONS = 100
MOST_IDENTIFIERS = 10
LONGEST_GUEST_STAY = timedelta(days=366)


class PasswordTooPlain(Unprocessable):
    """The password is the e-mail address, or one sign repeated."""

    code = "password-too-plain"
    title = "Choose another password"


class WrongPassword(Unprocessable):
    """The present password was not given rightly. Ten wrong ones lock the account for a quarter of an hour."""

    code = "wrong-password"
    title = "That is not your present password"


class LinkNotUsable(Unprocessable):
    """The one-use link is unknown, was used, or has expired. Ask for a new one."""

    code = "link-not-usable"
    title = "That link does not work, or no longer"


class OrganisationNotValid(Unprocessable):
    """An identifier, area or funder kind of the organisation cannot be right; `errors` names each."""

    code = "organisation-not-valid"
    title = "Something about the organisation cannot be right"


class IdentifierTaken(Conflict):
    """A verified organisation here has that identifier. If it is yours, write to the operator."""

    code = "identifier-taken"
    title = "Another organisation has that identifier"


class LastOwner(Conflict):
    """Every organisation keeps an owner: name another before you leave or step down."""

    code = "last-owner"
    title = "The last owner cannot leave or step down"


class AlreadyMember(Conflict):
    """The person already belongs to the organisation (or is already a guest of that proposal)."""

    code = "already-member"
    title = "You are a member already"


class GuestRoleFixed(Conflict):
    """A guest's membership is bound to one proposal: end it and invite the person anew."""

    code = "guest-role-fixed"
    title = "A guest's role does not change"


class GuestTermsNotValid(Unprocessable):
    """A guest is invited to one proposal of the organisation, until a day; the other roles know neither."""

    code = "guest-terms-not-valid"
    title = "The invitation's terms do not fit its role"


class InvitationNotUsable(Unprocessable):
    """The invitation is unknown, used, revoked, expired, or was sent to another address than yours."""

    code = "invitation-not-usable"
    title = "That invitation does not work for you"


class InvitationClosed(Conflict):
    """The invitation was accepted, revoked or has expired: there is nothing left to revoke."""

    code = "invitation-closed"
    title = "The invitation is no longer open"


class TooManyInvitations(Conflict):
    """The organisation has a hundred open invitations: revoke some first."""

    code = "too-many-invitations"
    title = "Too many invitations are open"


class OperatorOnly(Forbidden):
    """Only the operator of the marketplace does this."""

    code = "operator-only"
    title = "Only the operator may do this"


class OwnOrganisation(Forbidden):
    """Nobody verifies, or vouches for, an organisation to which they belong."""

    code = "own-organisation"
    title = "Somebody outside your organisation has to do this"


class CannotVouch(Forbidden):
    """Vouching is for owners of a verified organisation that is not a staff group."""

    code = "cannot-vouch"
    title = "Your organisation cannot vouch for others"


class NotOpenToVouching(Conflict):
    """Only an unverified organisation can be vouched for; a suspended or doubtful one is for the operator."""

    code = "not-open-to-vouching"
    title = "It is not open to vouching"


class VerificationUnchanged(Conflict):
    """The organisation is in that state already."""

    code = "verification-unchanged"
    title = "It is in that state already"


class NothingToCheck(Conflict):
    """`register_checked` says that identifier and name agree, and the organisation has no identifier."""

    code = "nothing-to-check"
    title = "It has no identifier that a register could confirm"


def check_new_password(password: str, email: str, *, pointer: str = "#/password") -> None:
    """PasswordTooPlain for the e-mail address, its local part repeated, or hardly any different signs.

    Length is the schema's; there is no rule about kinds of sign (NIST SP 800-63B, 3.1.1.2).
    """
    plain = password.strip().casefold()
    if plain == email.strip().casefold():
        raise PasswordTooPlain("The password may not be your e-mail address.", pointer=pointer)
    if len(set(plain)) < 4:
        raise PasswordTooPlain("The password repeats the same few signs.", pointer=pointer)


def organisation_faults(draft: dict[str, Any], kind: str) -> list[dict[str, str]]:
    """Everything wrong with what was given for an organisation of that kind, as problem parts."""
    faults: list[dict[str, str]] = []
    if draft.get("funder_kinds") and kind not in FUNDING_KINDS:
        faults.append(_fault("/funder_kinds", f"Only {', '.join(sorted(FUNDING_KINDS))} have funder kinds."))
    faults += _area_faults(draft.get("area_code"))
    seen: set[tuple[str, str]] = set()
    for place, identifier in enumerate(draft.get("identifiers") or []):
        try:
            number = check_identifier(identifier["scheme"], identifier["number"])
        except InvalidIdentifier as error:
            faults.append(_fault(f"/identifiers/{place}/{error.field}", f"Not valid: {error.detail}."))
            continue
        if (identifier["scheme"], number) in seen:
            faults.append(_fault(f"/identifiers/{place}", "Says the same thing twice."))
        seen.add((identifier["scheme"], number))
    return faults


def check_organisation(draft: dict[str, Any], kind: str) -> None:
    """OrganisationNotValid with every fault."""
    faults = organisation_faults(draft, kind)
    if faults:
        raise OrganisationNotValid("Correct what `errors` names and send it again.", errors=faults)


def normal_identifiers(given: Iterable[dict[str, str]]) -> list[tuple[str, str]]:
    """Scheme and number in normal writing; InvalidIdentifier for what `check_organisation` would have refused."""
    return [(each["scheme"], check_identifier(each["scheme"], each["number"])) for each in given]


def loses_verification(verification: str, *, renamed: bool, renumbered: bool) -> bool:
    """Whether a change undoes what was verified: a name and identifiers were checked, and neither is that any more."""
    return verification in VERIFIED_STATES and (renamed or renumbered)


def check_owner_remains(owners: Collection[UUID], leaving: UUID) -> None:
    """LastOwner when `leaving` (a membership) is the only one of the memberships that own the organisation."""
    if set(owners) == {leaving}:
        raise LastOwner("Make someone else an owner first.")


def check_guest_terms(role: str, proposal_id: UUID | None, until: date | None, today: date) -> None:
    """GuestTermsNotValid with every fault of an invitation's role, proposal and end taken together."""
    faults: list[dict[str, str]] = []
    if role == Role.GUEST:
        if proposal_id is None:
            faults.append(_fault("/proposal_id", "Name the proposal that the guest may read."))
        if until is None:
            faults.append(_fault("/until", "Name the guest's last day."))
        elif not today <= until <= today + LONGEST_GUEST_STAY:
            faults.append(_fault("/until", "Give a day from today, at most a year ahead."))
    else:
        faults += [
            _fault(f"/{name}", "Only a guest's invitation has this.")
            for name, value in (("proposal_id", proposal_id), ("until", until))
            if value is not None
        ]
    if faults:
        raise GuestTermsNotValid("Correct what `errors` names and send it again.", errors=faults)


def invitation_is_open(
    *, used_at: datetime | None, revoked_at: datetime | None, expires_at: datetime, now: datetime
) -> bool:
    """Whether the invitation can still be accepted."""
    return used_at is None and revoked_at is None and now < expires_at


def check_operator_change(actor: Actor, organisation_id: UUID, was: str, becomes: str, identifiers: int) -> None:
    """Refuse a change of verification by the operator that is none, is unfounded, or is their own affair."""
    if any(each.organisation_id == organisation_id for each in actor.memberships):
        raise OwnOrganisation("You belong to it: another operator has to do this.")
    if was == becomes:
        raise VerificationUnchanged(f"It is {was} already.", state=was)
    if becomes == "register_checked" and not identifiers:
        raise NothingToCheck("Ask for its number in a register, or vouch for it.")


def vouchers_of(actor: Actor) -> Sequence[UUID]:
    """The organisations in whose name the caller may vouch: verified, owned, not staff groups."""
    return sorted(
        each.organisation_id
        for each in actor.memberships
        if each.role is Role.OWNER and each.verified and each.kind != "staff_group"
    )


def check_vouch(actor: Actor, organisation_id: UUID, was: str) -> None:
    """Refuse vouching for one's own organisation, or for one that is not simply unverified."""
    if any(each.organisation_id == organisation_id for each in actor.memberships):
        raise OwnOrganisation("You belong to it: someone outside has to vouch.")
    if was != "unverified":
        raise NotOpenToVouching("Only an unverified organisation can be vouched for.")


def _area_faults(code: str | None) -> list[dict[str, str]]:
    if code is None:
        return []
    try:
        live = areas.live(code)
    except areas.UnknownArea:
        return [_fault("/area_code", "There is no area with that code.")]
    return [] if live == code else [_fault("/area_code", f"That area has ended; use {live}.")]


def _fault(pointer: str, detail: str) -> dict[str, str]:
    return {"pointer": f"#{pointer}", "detail": detail}
