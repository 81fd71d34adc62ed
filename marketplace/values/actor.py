"""Who acts: a person, the organisations they act for and in what role. Plain values, read afresh for each request."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID


class Role(StrEnum):
    """The `membership_roles` codelist."""

    OWNER = "owner"
    EDITOR = "editor"
    APPROVER = "approver"
    VIEWER = "viewer"
    GUEST = "guest"


VERIFIED_STATES = frozenset({"register_checked", "vouched"})
FUNDING_KINDS = frozenset({"funder", "intermediary", "wholesale_vehicle", "public_body"})
"""Organisation kinds that may publish programmes; a public body does so as employer or commissioner."""


@dataclass(frozen=True, slots=True)
class Membership:
    """One live membership. `proposal_id` and `until` bind a guest to one proposal until a date."""

    organisation_id: UUID
    role: Role
    kind: str
    verification: str
    proposal_id: UUID | None = None
    until: date | None = None
    identifiers: tuple[str, ...] = ()

    @property
    def suspended(self) -> bool:
        return self.verification == "suspended"

    @property
    def verified(self) -> bool:
        return self.verification in VERIFIED_STATES


@dataclass(frozen=True, slots=True)
class Actor:
    """The caller. An anonymous caller has no user; the operator verifies and suspends and cannot read drafts."""

    user_id: UUID | None = None
    memberships: tuple[Membership, ...] = ()
    operator: bool = False

    def membership_in(self, organisation_id: UUID) -> Membership | None:
        """The caller's full membership in that organisation, if there is one (a guest's is bound to a proposal)."""
        for membership in self.memberships:
            if membership.organisation_id == organisation_id and membership.role is not Role.GUEST:
                return membership
        return None

    def guest_of(self, proposal_id: UUID) -> Membership | None:
        """The caller's guest membership for that proposal, if there is one."""
        for membership in self.memberships:
            if membership.proposal_id == proposal_id and membership.role is Role.GUEST:
                return membership
        return None

    def has_role(self, organisation_id: UUID, *roles: Role) -> bool:
        """True when the caller holds one of `roles` in that organisation; an owner holds every role but guest's."""
        membership = self.membership_in(organisation_id)
        return membership is not None and (membership.role in roles or membership.role is Role.OWNER)

    @property
    def person(self) -> UUID:
        """The caller's user id; LookupError for an anonymous caller, whom no closed door lets in."""
        if self.user_id is None:
            raise LookupError("an anonymous caller has no user")
        return self.user_id

    @property
    def organisation_ids(self) -> frozenset[UUID]:
        """Organisations that the caller acts for (not those where they are a guest)."""
        return frozenset(m.organisation_id for m in self.memberships if m.role is not Role.GUEST)


ANONYMOUS = Actor()
