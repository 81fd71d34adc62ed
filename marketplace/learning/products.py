"""Support products: what was made for one group and may be used again, as a link or as open evidence.

A document is listed for as long as its group keeps it open and its proposal public; must not copy documents.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from marketplace.evidence.models import Evidence
from marketplace.identity.models import Organisation
from marketplace.identity.organisations import freshly
from marketplace.learning import rules
from marketplace.learning.models import SupportProduct
from marketplace.programmes.models import Programme
from marketplace.programmes.queries import published
from marketplace.proposals.models import Proposal
from marketplace.proposals.queries import is_public
from marketplace.store import journal
from marketplace.store.base import new_id
from marketplace.values.actor import VERIFIED_STATES, Actor
from marketplace.values.clock import now
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import NotFound

Precondition = Callable[[Any], None]
CONTENT = ("kind", "licence", "title", "summary", "link", "evidence_id", "programme_id", "sectors", "stages")
Seen = tuple[SupportProduct, Organisation]


def publish_product(session: Session, actor: Actor, draft: dict[str, Any]) -> Seen:
    """Publish a product of the caller's verified organisation. SupportProductFaults with every fault."""
    permit(actor, Action.PUBLISH_PRODUCT, draft["organisation_id"])
    permit(freshly(session, actor), Action.PUBLISH_PRODUCT, draft["organisation_id"])
    product = SupportProduct(id=new_id(), organisation_id=draft["organisation_id"], version=1, state="standing")
    _write(session, actor, product, draft)
    _record(session, actor, product, "support_product.published", after=_content(product))
    return product, session.get_one(Organisation, product.organisation_id)


def change_product(
    session: Session, actor: Actor, product_id: UUID, draft: dict[str, Any], precondition: Precondition
) -> Seen:
    """Replace what is said of a product; its organisation stays."""
    product = _own_product(session, actor, product_id)
    precondition(product)
    before = _content(product)
    product.version += 1
    _write(session, actor, product, draft)
    _record(session, actor, product, "support_product.changed", before=before, after=_content(product))
    return product, session.get_one(Organisation, product.organisation_id)


def withdraw_product(session: Session, actor: Actor, product_id: UUID) -> Seen:
    """Take a product off the list. AlreadyWithdrawn."""
    product = _own_product(session, actor, product_id)
    product.state, product.updated_at = "withdrawn", now()
    product.version += 1
    session.flush()
    _record(session, actor, product, "support_product.withdrawn", before={"state": "standing"}, after={"state": "gone"})
    return product, session.get_one(Organisation, product.organisation_id)


def list_products(session: Session, query: Mapping[str, Any], after: UUID | None, limit: int) -> Sequence[Seen]:
    """Products that anyone may find, the newest first; `limit` + 1. `query`: if wished kind, sector, stage, licence.

    A product for no sector (or stage) in particular is for each.
    """
    rows = select(SupportProduct, Organisation).join(Organisation, Organisation.id == SupportProduct.organisation_id)
    rows = rows.where(_is_listed(), *_wanted(query))
    if after is not None:
        rows = rows.where(SupportProduct.id < after)
    found = session.execute(rows.order_by(SupportProduct.id.desc()).limit(limit + 1))
    return [(row[0], row[1]) for row in found]


def product_seen(session: Session, actor: Actor, product_id: UUID) -> Seen:
    """A product that is listed, or one's own; NotFound otherwise."""
    rows = select(SupportProduct, Organisation).join(Organisation, Organisation.id == SupportProduct.organisation_id)
    own = SupportProduct.organisation_id.in_(sorted(actor.organisation_ids))
    row = session.execute(rows.where(SupportProduct.id == product_id, or_(own, _is_listed()))).one_or_none()
    if row is None:
        raise NotFound()
    return row[0], row[1]


def _wanted(query: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    wanted = [getattr(SupportProduct, name) == query[name] for name in ("kind", "licence") if name in query]
    for name, column in (("sector", SupportProduct.sectors), ("stage", SupportProduct.stages)):
        if name in query:
            wanted.append(or_(func.jsonb_array_length(column) == 0, column.contains([query[name]])))
    return wanted


def _is_listed() -> ColumnElement[bool]:
    opened = select(Evidence.id).where(Evidence.id == SupportProduct.evidence_id, _is_open())
    found = or_(SupportProduct.evidence_id.is_(None), opened.correlate(SupportProduct).exists())
    return and_(SupportProduct.state == "standing", Organisation.verification.in_(VERIFIED_STATES), found)


def _is_open() -> ColumnElement[bool]:
    """Evidence that its group keeps open, of a proposal that everyone sees."""
    public = select(Proposal.id).where(Proposal.id == Evidence.proposal_id, is_public())
    return and_(~Evidence.confidential, public.correlate(Evidence).exists())


def _own_product(session: Session, actor: Actor, product_id: UUID) -> SupportProduct:
    known = session.get(SupportProduct, product_id)
    if known is None:
        raise NotFound()
    permit(actor, Action.PUBLISH_PRODUCT, known.organisation_id)
    product = session.get_one(SupportProduct, product_id, with_for_update={"key_share": True}, populate_existing=True)
    permit(freshly(session, actor), Action.PUBLISH_PRODUCT, product.organisation_id)
    if product.state == "withdrawn":
        raise rules.AlreadyWithdrawn("Publish another one.")
    return product


def _write(session: Session, actor: Actor, product: SupportProduct, draft: Mapping[str, Any]) -> None:
    evidence = select(Evidence.id).where(
        Evidence.id == draft.get("evidence_id"), Evidence.organisation_id == product.organisation_id, _is_open()
    )
    programme = select(Programme.id).where(
        Programme.id == draft.get("programme_id"), Programme.organisation_id == product.organisation_id, published()
    )
    faults = rules.product_faults(
        draft,
        evidence_open=session.scalar(evidence) is not None,
        own_programme=session.scalar(programme) is not None,
    )
    if faults:
        raise rules.SupportProductFaults("`errors` names each fault.", errors=faults)
    for name in CONTENT:
        setattr(product, name, draft.get(name))
    product.published_by, product.updated_at = actor.person, now()
    session.add(product)
    session.flush()
    session.refresh(product)


def _content(product: SupportProduct) -> dict[str, Any]:
    return {name: getattr(product, name) for name in CONTENT}


def _record(
    session: Session, actor: Actor, product: SupportProduct, type_: str, *, before: Any = None, after: Any = None
) -> None:
    journal.record(
        session,
        type_,
        "support_product",
        product.id,
        actor=actor,
        audience=journal.only(product.organisation_id),
        path=f"/v1/support-products/{product.id}",
        before=before,
        after=after,
    )
