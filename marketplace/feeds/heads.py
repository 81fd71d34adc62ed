"""Publishing the heads of the audit chains: what was written before a published head cannot be cut off unseen.

One root over all heads a day, signed with the key that signs tokens, so that whoever kept it can check it alone. It
says nothing of any organisation: each can prove by a path that its own head is under the root.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from marketplace.feeds.models import PublishedHeads
from marketplace.identity.authentication import ISSUER, public_key_set, signing_key
from marketplace.settings import Settings
from marketplace.store.base import new_id
from marketplace.store.chain import GENESIS, AuditHead
from marketplace.store.mail import present_settings
from marketplace.values.actor import Actor
from marketplace.values.canonical import canonical_json
from marketplace.values.clock import now, today
from marketplace.values.merkle import path_of, root_of
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import NotFound

AUDIENCE = "audit-heads"


class HeadsNotGenuine(ValueError):
    """Published heads whose signature is not ours, or is of other heads."""


def publish_heads(session: Session) -> PublishedHeads:
    """Today's heads; published now unless they were."""
    day = today()
    kept = _published_on(session, day)
    if kept is not None:
        return kept
    found = session.execute(select(AuditHead).order_by(AuditHead.organisation_id)).scalars()
    heads = [{"organisation_id": str(each.organisation_id), "seq": each.seq, "hash": each.hash} for each in found]
    root = root_of(leaves_of(heads))
    told = {"id": new_id(), "day": day, "count": len(heads), "root": root, "heads": heads}
    signature = _signature(present_settings(), now(), day.isoformat(), len(heads), root)
    session.execute(insert(PublishedHeads).values(**told, signature=signature).on_conflict_do_nothing())
    return session.scalars(select(PublishedHeads).where(PublishedHeads.day == day)).one()


def latest_heads(session: Session) -> PublishedHeads:
    """What was published last; NotFound before the first day's end."""
    kept = session.scalars(select(PublishedHeads).order_by(PublishedHeads.day.desc()).limit(1)).first()
    if kept is None:
        raise NotFound()
    return kept


def head_of(session: Session, actor: Actor, organisation_id: UUID) -> dict[str, Any]:
    """Where the organisation's chain stands, and the proof that its last published head is under the published root."""
    permit(actor, Action.READ_ORGANISATION, organisation_id)
    head = session.get(AuditHead, organisation_id, populate_existing=True)
    standing = {"seq": head.seq, "hash": head.hash} if head else {"seq": 0, "hash": GENESIS}
    return {"organisation_id": organisation_id, **standing, "published": _proof(session, organisation_id)}


def file_of(published: PublishedHeads) -> dict[str, Any]:
    """A day's heads as a file keeps them."""
    names = ("count", "root", "signature", "heads")
    return {"day": published.day.isoformat(), **{name: getattr(published, name) for name in names}}


def write_file(published: PublishedHeads, folder: Path) -> Path:
    """Write the day's heads where the database's owner cannot change them; the file's path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{published.day.isoformat()}.json"
    path.write_text(json.dumps(file_of(published), indent=1) + "\n")
    return path


def genuine_heads(told: dict[str, Any], settings: Settings) -> list[dict[str, Any]]:
    """The heads of a file; HeadsNotGenuine unless they are under the root that we signed."""
    try:
        claims = jwt.decode(
            told["signature"],
            signing_key(settings.secret_key).public_key(),
            algorithms=["EdDSA"],
            issuer=ISSUER,
            audience=AUDIENCE,
        )
        heads: list[dict[str, Any]] = told["heads"]
        signed = (claims["root"], claims["count"], claims["day"])
        if signed != (root_of(leaves_of(heads)), len(heads), told["day"]):
            raise HeadsNotGenuine(f"the heads of {told['day']} are not those that were signed")
    except (jwt.PyJWTError, KeyError, TypeError) as error:
        raise HeadsNotGenuine("the signature is not ours") from error
    return heads


def leaves_of(heads: list[dict[str, Any]]) -> list[bytes]:
    """The leaves that the root is over: canonical JSON of each head."""
    return [
        canonical_json({name: each[name] for name in ("organisation_id", "seq", "hash")}).encode() for each in heads
    ]


def _proof(session: Session, organisation_id: UUID) -> dict[str, Any] | None:
    kept = session.scalars(select(PublishedHeads).order_by(PublishedHeads.day.desc()).limit(1)).first()
    heads = kept.heads if kept else []
    place = next((at for at, each in enumerate(heads) if each["organisation_id"] == str(organisation_id)), None)
    if kept is None or place is None:
        return None
    told = {name: getattr(kept, name) for name in ("day", "count", "root", "signature")}
    return {**told, "seq": heads[place]["seq"], "hash": heads[place]["hash"], "path": path_of(leaves_of(heads), place)}


def _published_on(session: Session, day: Any) -> PublishedHeads | None:
    return session.scalars(select(PublishedHeads).where(PublishedHeads.day == day)).one_or_none()


def _signature(settings: Settings, at: datetime, day: str, count: int, root: str) -> str:
    """A JWS (RFC 7515) that no log-in takes for a token: another audience, another type (RFC 8725, 3.11)."""
    key = signing_key(settings.secret_key)
    claims = {"iss": ISSUER, "aud": AUDIENCE, "iat": at, "day": day, "count": count, "root": root}
    kid = public_key_set(key.public_key())["keys"][0]["kid"]
    return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": kid, "typ": "audit-heads+jwt"})
