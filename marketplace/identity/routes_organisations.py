"""Organisations, their members, invitations and verification over HTTP."""

from typing import Any
from uuid import UUID

from flask_limiter.util import get_remote_address

from marketplace.identity import members, organisations, verification
from marketplace.identity.models import Invitation, Membership, Organisation, VerificationAct
from marketplace.identity.schemas import (
    AcceptanceDraft,
    InvitationDraft,
    InvitationView,
    MembershipChange,
    MembershipView,
    OrganisationChange,
    OrganisationDraft,
    OrganisationQuery,
    OrganisationVerificationDraft,
    OrganisationView,
    VerificationActView,
    VouchDraft,
)
from marketplace.store.base import session
from marketplace.values.actor import Role
from marketplace.web.conditional import if_match, located, tagged
from marketplace.web.guard import current_actor
from marketplace.web.limits import SIGN_IN_LIMIT, limiter
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.paging import PageQuery, after_id, by_id, cut, page_of, paged
from marketplace.web.writes import writes

Body = dict[str, Any]
INVITATION_LIMIT = "60 per hour"

organisations_blueprint = MarketBlueprint(
    "organisations", __name__, url_prefix="/organisations", description="Organisations, their members and verification"
)
invitations = MarketBlueprint("invitations", __name__, url_prefix="/invitations", description="Accepting an invitation")
verification_queue = MarketBlueprint(
    "verification_queue", __name__, url_prefix="/verification-queue", description="What the operator has to look at"
)


@organisations_blueprint.post("")
@writes
@organisations_blueprint.arguments(OrganisationDraft)
@organisations_blueprint.response(201, OrganisationView)
def post_organisation(draft: Body) -> Body:
    """Register an organisation; the caller becomes its owner.

    It starts unverified: it may draft, not publish, pledge or verify.
    """
    made = organisations.register_organisation(session(), current_actor(), draft)
    session().refresh(made)
    located(f"/v1/organisations/{made.id}")
    return _whole(made)


@organisations_blueprint.get("")
@organisations_blueprint.arguments(OrganisationQuery, location="query")
@organisations_blueprint.response(200, page_of(OrganisationView))
def list_organisations(query: Body) -> Body:
    """List the caller's organisations, or with `q` search the verified ones (staff groups are never found)."""
    current, actor, limit, kind = session(), current_actor(), query["limit"], query.get("kind")
    after = after_id(query)
    if "q" in query:
        found = organisations.search_organisations(current, query["q"], kind, after, limit)
        page = cut(found, limit, by_id)
        return {**paged(page), "data": [_card(each) for each in page.items]}
    page = cut(organisations.own_organisations(current, actor, kind, after, limit), limit, by_id)
    return {**paged(page), "data": [_content(each) for each in page.items]}


@organisations_blueprint.get("/<uuid:organisation_id>")
@organisations_blueprint.response(200, OrganisationView)
def get_organisation(organisation_id: UUID) -> Body:
    """Read an organisation: all of it as a member, else the card of a verified one that is not a staff group."""
    found, everything = organisations.visible_organisation(session(), current_actor(), organisation_id)
    return _whole(found) if everything else _card(found)


@organisations_blueprint.patch("/<uuid:organisation_id>")
@writes
@organisations_blueprint.arguments(OrganisationChange)
@organisations_blueprint.response(200, OrganisationView)
def patch_organisation(change: Body, organisation_id: UUID) -> Body:
    """Change what is said of the organisation. For owners; a new name or identifier has to be verified anew."""
    return _whole(organisations.change_organisation(session(), current_actor(), organisation_id, change, if_match))


@organisations_blueprint.get("/<uuid:organisation_id>/memberships")
@organisations_blueprint.arguments(PageQuery, location="query")
@organisations_blueprint.response(200, page_of(MembershipView))
def list_memberships(query: Body, organisation_id: UUID) -> Body:
    """List the organisation's members, guests included."""
    limit = query["limit"]
    rows = members.members_of(session(), current_actor(), organisation_id, after_id(query), limit)
    page = cut(rows, limit, by_id)
    return {**paged(page), "data": [_member(each) for each in page.items]}


@organisations_blueprint.get("/<uuid:organisation_id>/memberships/<uuid:membership_id>")
@organisations_blueprint.response(200, MembershipView)
def get_membership(organisation_id: UUID, membership_id: UUID) -> Body:
    """Read one membership."""
    return _member(tagged(members.member_of(session(), current_actor(), organisation_id, membership_id)))


@organisations_blueprint.patch("/<uuid:organisation_id>/memberships/<uuid:membership_id>")
@writes
@organisations_blueprint.arguments(MembershipChange)
@organisations_blueprint.response(200, MembershipView)
def patch_membership(change: Body, organisation_id: UUID, membership_id: UUID) -> Body:
    """Give a member another role. For owners; the last owner cannot step down."""
    actor = current_actor()
    changed = members.change_role(session(), actor, organisation_id, membership_id, change["role"], if_match)
    return _member(tagged(changed))


@organisations_blueprint.delete("/<uuid:organisation_id>/memberships/<uuid:membership_id>")
@writes
@organisations_blueprint.response(204)
def delete_membership(organisation_id: UUID, membership_id: UUID) -> None:
    """Leave the organisation, or as an owner end another's membership. The last owner cannot leave."""
    members.end_membership(session(), current_actor(), organisation_id, membership_id, if_match)


@organisations_blueprint.post("/<uuid:organisation_id>/invitations")
@limiter.limit(INVITATION_LIMIT)
@writes
@organisations_blueprint.arguments(InvitationDraft)
@organisations_blueprint.response(201, InvitationView)
def post_invitation(draft: Body, organisation_id: UUID) -> Invitation:
    """Invite somebody by e-mail. For owners.

    The letter's link works once, within 14 days, for an account with that address.
    """
    made = members.invite(session(), current_actor(), organisation_id, draft)
    located(f"/v1/organisations/{organisation_id}/invitations/{made.id}")
    return tagged(made)


@organisations_blueprint.get("/<uuid:organisation_id>/invitations")
@organisations_blueprint.arguments(PageQuery, location="query")
@organisations_blueprint.response(200, page_of(InvitationView))
def list_invitations(query: Body, organisation_id: UUID) -> Body:
    """List the organisation's invitations, accepted and revoked ones included. For owners."""
    limit = query["limit"]
    rows = members.invitations_of(session(), current_actor(), organisation_id, after_id(query), limit)
    return paged(cut(rows, limit, by_id))


@organisations_blueprint.get("/<uuid:organisation_id>/invitations/<uuid:invitation_id>")
@organisations_blueprint.response(200, InvitationView)
def get_invitation(organisation_id: UUID, invitation_id: UUID) -> Invitation:
    """Read one invitation. For owners."""
    return tagged(members.invitation_of(session(), current_actor(), organisation_id, invitation_id))


@organisations_blueprint.delete("/<uuid:organisation_id>/invitations/<uuid:invitation_id>")
@writes
@organisations_blueprint.response(204)
def delete_invitation(organisation_id: UUID, invitation_id: UUID) -> None:
    """Revoke an invitation that nobody has accepted. For owners."""
    members.revoke_invitation(session(), current_actor(), organisation_id, invitation_id, if_match)


@invitations.post("/accept")
@limiter.limit(SIGN_IN_LIMIT, key_func=get_remote_address)
@writes
@invitations.arguments(AcceptanceDraft)
@invitations.response(201, MembershipView)
def post_invitation_acceptance(draft: Body) -> Body:
    """Become a member with the secret from the letter, which has to be the caller's own."""
    made = members.accept_invitation(session(), current_actor(), draft["token"])
    located(f"/v1/organisations/{made.organisation_id}/memberships/{made.id}")
    return _member(tagged(made))


@organisations_blueprint.post("/<uuid:organisation_id>/verification")
@writes
@organisations_blueprint.arguments(OrganisationVerificationDraft)
@organisations_blueprint.response(201, VerificationActView)
def post_organisation_verification(draft: Body, organisation_id: UUID) -> VerificationAct:
    """Verify, suspend or reinstate an organisation. For the operator."""
    return verification.set_verification(session(), current_actor(), organisation_id, draft["state"], draft["reason"])


@organisations_blueprint.get("/<uuid:organisation_id>/verification")
@organisations_blueprint.arguments(PageQuery, location="query")
@organisations_blueprint.response(200, page_of(VerificationActView))
def list_organisation_verification(query: Body, organisation_id: UUID) -> Body:
    """List every change of the organisation's verification. For its members and the operator."""
    limit = query["limit"]
    rows = verification.verification_history(session(), current_actor(), organisation_id, after_id(query), limit)
    return paged(cut(rows, limit, by_id))


@organisations_blueprint.post("/<uuid:organisation_id>/vouches")
@writes
@organisations_blueprint.arguments(VouchDraft)
@organisations_blueprint.response(201, VerificationActView)
def post_vouch(draft: Body, organisation_id: UUID) -> VerificationAct:
    """Vouch for an unverified organisation as an owner of a verified one (not a staff group, not one's own)."""
    voucher = draft.get("by_organisation_id")
    return verification.vouch(session(), current_actor(), organisation_id, draft["reason"], voucher)


@verification_queue.get("")
@verification_queue.arguments(PageQuery, location="query")
@verification_queue.response(200, page_of(OrganisationView))
def list_verification_queue(query: Body) -> Body:
    """List unverified organisations, the longest waiting first. For the operator."""
    limit = query["limit"]
    rows = verification.waiting_for_verification(session(), current_actor(), after_id(query), limit)
    page = cut(rows, limit, by_id)
    return {**paged(page), "data": [_content(each) for each in page.items]}


CARD = (
    "id",
    "name",
    "kind",
    "funder_kinds",
    "identifiers",
    "area_code",
    "legal_form",
    "website",
    "verification",
    "historical_example",
)
INSIDE = ("verification_note", "created_at", "version")


def _card(organisation: Organisation) -> Body:
    return {name: getattr(organisation, name) for name in CARD}


def _content(organisation: Organisation) -> Body:
    return {**_card(organisation), **{name: getattr(organisation, name) for name in INSIDE}}


def _whole(organisation: Organisation) -> Body:
    return _content(tagged(organisation))


def _member(membership: Membership) -> Body:
    person = {"id": membership.user.id, "name": membership.user.name}
    if current_actor().has_role(membership.organisation_id, Role.OWNER):
        person["email"] = membership.user.email
    names = ("id", "organisation_id", "role", "proposal_id", "until", "version")
    return {**{name: getattr(membership, name) for name in names}, "person": person}
