"""Builders: plain functions that put one thing into the database, with fixed values that a test may override."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask_jwt_extended import create_access_token
from sqlalchemy.orm import Session

from marketplace.identity.authentication import memberships_of
from marketplace.identity.models import Membership, Organisation, OrganisationIdentifier, SessionFamily, User
from marketplace.store.base import new_id
from marketplace.values.actor import Actor
from marketplace.values.clock import end_of_day, today


def days_ago(days: int) -> datetime:
    """The first instant of the day in London that was so many days ago, whatever the hour and the time of the year."""
    return end_of_day(today() - timedelta(days=days + 1))


@dataclass(frozen=True)
class Person:
    """A user, with what a request needs to act as them."""

    id: UUID
    headers: dict[str, str]

    def actor(self, session: Session) -> Actor:
        """The person as services see them, roles read afresh."""
        row = session.get_one(User, self.id)
        return Actor(user_id=self.id, memberships=memberships_of(session, self.id), operator=row.operator)


def a_person(session: Session, *, name: str = "Ada Nurse", operator: bool = False, **values: Any) -> Person:
    """A confirmed user with a live session."""
    user = User(
        id=new_id(),
        name=name,
        password_hash="!",
        operator=operator,
        email=f"{new_id().hex}@example.org",
        session_epoch=1,
        **values,
    )
    session.add(user)
    session.flush()
    family = SessionFamily(id=new_id(), user_id=user.id, current_token=new_id(), epoch=1)
    session.add(family)
    session.commit()
    token = create_access_token(identity=str(user.id), additional_claims={"fam": str(family.id)})
    return Person(user.id, {"Authorization": f"Bearer {token}"})


def an_organisation(
    session: Session,
    *,
    kind: str = "staff_group",
    name: str = "Riverside speech therapy",
    verification: str = "vouched",
    **values: Any,
) -> Organisation:
    """An organisation; verified unless told otherwise. `identifier=("GB-COH", "01234567")` gives it one."""
    identifier = values.pop("identifier", None)
    organisation = Organisation(id=new_id(), kind=kind, name={"en": name}, verification=verification, **values)
    if identifier:
        organisation.identifiers.append(OrganisationIdentifier(scheme=identifier[0], number=identifier[1]))
    session.add(organisation)
    session.commit()
    return organisation


def a_member(session: Session, organisation: Organisation, role: str = "owner", **values: Any) -> Person:
    """A person with that role in that organisation."""
    person = a_person(session)
    session.add(Membership(id=new_id(), organisation_id=organisation.id, user_id=person.id, role=role, **values))
    session.commit()
    return person
