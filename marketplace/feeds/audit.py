"""Reading an organisation's audit trail: its members alone, oldest first.

Who acted is named where they acted for this organisation. Of all others there is a pseudonym, another in each
organisation's trail: what a person does elsewhere cannot be put together from it.
"""

import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.identity.models import User
from marketplace.pledges.decisions import BOUND_AS as DECISION
from marketplace.store.chain import audit_keys
from marketplace.store.journal import AuditEntry, Event
from marketplace.store.mail import present_settings
from marketplace.values.actor import Actor
from marketplace.values.permissions import Action, permit


def entries_of(
    session: Session, actor: Actor, organisation_id: UUID, asked: Mapping[str, Any], after: int | None, limit: int
) -> Sequence[AuditEntry]:
    """The organisation's entries after that number, `limit` + 1 of them.

    `asked`: `type`, `subject_id`, `actor` (the id of a person who acted for it), `since` and `until` (days, UTC, both
    included).
    """
    permit(actor, Action.READ_ORGANISATION, organisation_id)
    query = select(AuditEntry).where(AuditEntry.organisation_id == organisation_id)
    if after is not None:
        query = query.where(AuditEntry.seq > after)
    if "type" in asked:
        query = query.where(AuditEntry.type == asked["type"])
    if "subject_id" in asked:
        query = query.where(AuditEntry.subject_id == asked["subject_id"])
    if "actor" in asked:
        query = query.where(AuditEntry.actor_user_id == asked["actor"], AuditEntry.insider)
    if "since" in asked:
        query = query.where(AuditEntry.created_at >= _midnight(asked["since"]))
    if "until" in asked:
        query = query.where(AuditEntry.created_at < _midnight(asked["until"] + timedelta(days=1)))
    return list(session.scalars(query.order_by(AuditEntry.seq).limit(limit + 1)))


def entry_cards(session: Session, entries: Sequence[AuditEntry]) -> list[dict[str, Any]]:
    """The entries as they are shown."""
    insiders = {each.actor_user_id for each in entries if each.insider and each.actor_user_id}
    named = select(User.id, User.name).where(User.id.in_(insiders))
    names = {row.id: row.name for row in session.execute(named)} if insiders else {}
    of_events = select(Event.id, Event.subject_path).where(Event.id.in_([each.event_id for each in entries]))
    paths = {row.id: row.subject_path for row in session.execute(of_events)}
    return [_card(each, names, paths) for each in entries]


def pseudonym(organisation_id: UUID, user_id: UUID) -> str:
    """What a person is called in the trail of an organisation for which they do not act."""
    key = audit_keys(present_settings())[0].secret
    return hmac.digest(key, b"actors" + organisation_id.bytes + user_id.bytes, "sha256").hex()[:32]


def _card(entry: AuditEntry, names: Mapping[UUID, str], paths: Mapping[UUID, str]) -> dict[str, Any]:
    content = entry.content or {}
    binds = content.get("binds", [])
    plain = ("seq", "type", "subject_kind", "subject_id", "before", "after", "sealed_with", "prev_hash", "hash")
    return {
        **{name: getattr(entry, name) for name in plain},
        "at": entry.created_at,
        "event_id": entry.event_id,
        "subject": paths.get(entry.event_id) if entry.event_id else None,
        "actor": _actor(entry, names),
        "binds": binds,
        "decisions": [f"/v1/pledges/{each['id']}/decision" for each in binds if each["kind"] == DECISION],
        "refused": {name: content[name] for name in ("operation", "code")} if "operation" in content else None,
    }


def _actor(entry: AuditEntry, names: Mapping[UUID, str]) -> dict[str, Any] | None:
    if entry.actor_user_id is None:
        return None
    known = {"user_id": entry.actor_user_id, "name": names.get(entry.actor_user_id)} if entry.insider else {}
    return {"user_id": None, "name": None, **known, "pseudonym": pseudonym(entry.organisation_id, entry.actor_user_id)}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
