"""Organisations: registering and changing them, and who may see how much of one.

Members and the operator see everything; others see the card of a verified organisation that is not a staff group.
A staff group does not exist for strangers, nor does an unverified or suspended organisation.
"""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, aliased

from marketplace.identity.authentication import memberships_of
from marketplace.identity.identifiers import refuse_listed_numbers
from marketplace.identity.models import Membership, Organisation, OrganisationIdentifier, VerificationAct
from marketplace.identity.rules import (
    check_organisation,
    loses_verification,
    normal_identifiers,
)
from marketplace.store import journal
from marketplace.store.base import new_id
from marketplace.values.actor import VERIFIED_STATES, Actor, Role
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import NotFound

ON_VERIFICATION: list[Callable[[Session, UUID, str], None]] = []
"""Called in the transaction in which an organisation enters another state of verification, with that state."""


def tell_of_verification(current: Session, organisation_id: UUID, state: str) -> None:
    """Tell those above that the organisation is trusted more, or less."""
    for heard in ON_VERIFICATION:
        heard(current, organisation_id, state)


def register_organisation(current: Session, actor: Actor, draft: dict[str, Any]) -> Organisation:
    """A new, unverified organisation with the caller as its owner.

    OrganisationNotValid with every fault; IdentifierTaken for the number of a listed organisation.
    """
    check_organisation(draft, draft["kind"])
    given = {name: value for name, value in draft.items() if name != "identifiers"}
    organisation = Organisation(id=new_id(), verification="unverified", **given)
    numbers = normal_identifiers(draft.get("identifiers") or [])
    refuse_listed_numbers(current, organisation.id, numbers)
    for scheme, number in numbers:
        organisation.identifiers.append(OrganisationIdentifier(scheme=scheme, number=number))
    current.add(organisation)
    current.flush()
    owner = Membership(id=new_id(), organisation_id=organisation.id, user_id=actor.user_id, role=Role.OWNER)
    current.add(owner)
    current.flush()
    record_organisation(current, "organisation.registered", organisation, actor, after=content_of(organisation))
    return organisation


def change_organisation(
    current: Session, actor: Actor, organisation_id: UUID, change: dict[str, Any], precondition: Callable[[Any], None]
) -> Organisation:
    """Change what is said of the organisation. A new name or number undoes its verification: those were checked."""
    permit(actor, Action.CHANGE_ORGANISATION, organisation_id)
    organisation = locked_organisation(current, organisation_id)
    permit(freshly(current, actor), Action.CHANGE_ORGANISATION, organisation_id)
    precondition(organisation)
    check_organisation(change, organisation.kind)
    before = content_of(organisation)
    renamed = "name" in change and change["name"] != organisation.name
    numbers = normal_identifiers(change.get("identifiers") or [])
    renumbered = "identifiers" in change and _renumber(organisation, numbers)
    if renumbered:
        refuse_listed_numbers(current, organisation.id, numbers)
    for name in change.keys() - {"identifiers"}:
        setattr(organisation, name, change[name])
    organisation.version += 1
    if loses_verification(organisation.verification, renamed=renamed, renumbered=renumbered):
        current.add(
            VerificationAct(
                organisation_id=organisation.id,
                was=organisation.verification,
                became="unverified",
                by_user_id=actor.user_id,
                by_organisation_id=organisation.id,
                reason="Its name or identifiers changed.",
            )
        )
        organisation.verification = "unverified"
        record_organisation(current, "organisation.unverified", organisation, actor)
        tell_of_verification(current, organisation.id, "unverified")
    current.flush()
    record_organisation(
        current, "organisation.changed", organisation, actor, before=before, after=content_of(organisation)
    )
    return organisation


def visible_organisation(current: Session, actor: Actor, organisation_id: UUID) -> tuple[Organisation, bool]:
    """The organisation, and whether the caller sees all of it; NotFound where they see nothing."""
    organisation = current.get(Organisation, organisation_id)
    if organisation is not None and (actor.operator or actor.membership_in(organisation_id) is not None):
        return organisation, True
    if organisation is None or not is_listed(organisation):
        raise NotFound("There is no such thing, or you may not see it.")
    return organisation, False


def is_listed(organisation: Organisation) -> bool:
    """Whether anyone who is logged in may see its card."""
    return organisation.verification in VERIFIED_STATES and organisation.kind != "staff_group"


def own_organisations(
    current: Session, actor: Actor, kind: str | None, after: UUID | None, limit: int
) -> Sequence[Organisation]:
    """The caller's organisations (not those where they are a guest), oldest first; `limit` + 1 of them."""
    query = select(Organisation).where(Organisation.id.in_(actor.organisation_ids))
    return _page(current, query, kind, after, limit)


def search_organisations(
    current: Session, words: str, kind: str | None, after: UUID | None, limit: int
) -> Sequence[Organisation]:
    """Listed organisations with `words` in a name, or with that number or whole identifier; `limit` + 1 of them."""
    number = aliased(OrganisationIdentifier)
    identified = (
        select(number.organisation_id)
        .where(or_(number.number == words.upper(), number.scheme + "-" + number.number == words.upper()))
        .scalar_subquery()
    )
    query = select(Organisation).where(
        Organisation.verification.in_(VERIFIED_STATES),
        Organisation.kind != "staff_group",
        or_(_named("en", words), _named("cy", words), Organisation.id.in_(identified)),
    )
    return _page(current, query, kind, after, limit)


def locked_organisation(current: Session, organisation_id: UUID) -> Organisation:
    """The organisation, locked until the end of the transaction and read afresh; NotFound where there is none."""
    query = select(Organisation).where(Organisation.id == organisation_id).with_for_update(key_share=True)
    organisation = current.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if organisation is None:
        raise NotFound("There is no such thing, or you may not see it.")
    return organisation


def freshly(current: Session, actor: Actor) -> Actor:
    """The caller with the roles they hold now: read again after waiting for a lock."""
    if actor.user_id is None:
        return actor
    return Actor(actor.user_id, memberships_of(current, actor.user_id, fresh=True), actor.operator)


def record_organisation(
    current: Session,
    type_: str,
    organisation: Organisation,
    actor: Actor,
    *,
    also: UUID | None = None,
    before: Any = None,
    after: Any = None,
) -> None:
    """Write an event about the organisation for itself (and `also` one other)."""
    audience = journal.only(organisation.id, also)
    path = f"/v1/organisations/{organisation.id}"
    journal.record(
        current,
        type_,
        "organisation",
        organisation.id,
        actor=actor,
        audience=audience,
        path=path,
        before=before,
        after=after,
    )


def content_of(organisation: Organisation) -> dict[str, Any]:
    """What is said of it, for the journal's digests."""
    return {
        "name": organisation.name,
        "kind": organisation.kind,
        "funder_kinds": list(organisation.funder_kinds or []),
        "area_code": organisation.area_code,
        "legal_form": organisation.legal_form,
        "website": organisation.website,
        "verification": organisation.verification,
        "identifiers": [f"{each.scheme}-{each.number}" for each in organisation.identifiers],
    }


def _renumber(organisation: Organisation, wanted: list[tuple[str, str]]) -> bool:
    """Give it exactly those identifiers; whether that changed any."""
    held = {(each.scheme, each.number): each for each in organisation.identifiers}
    if set(held) == set(wanted):
        return False
    for pair, row in held.items():
        if pair not in wanted:
            organisation.identifiers.remove(row)
    for scheme, number in wanted:
        if (scheme, number) not in held:
            organisation.identifiers.append(OrganisationIdentifier(scheme=scheme, number=number))
    return True


def _named(language: str, words: str) -> ColumnElement[bool]:
    return func.lower(Organisation.name[language].astext).contains(words.lower(), autoescape=True)


def _page(current: Session, query: Any, kind: str | None, after: UUID | None, limit: int) -> Sequence[Organisation]:
    if kind is not None:
        query = query.where(Organisation.kind == kind)
    if after is not None:
        query = query.where(Organisation.id > after)
    return list(current.scalars(query.order_by(Organisation.id).limit(limit + 1)))
