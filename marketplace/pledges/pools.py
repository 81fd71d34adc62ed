"""Pools: named limits within a programme's budget that pledges share. A draw is one conditional UPDATE.

Knows programmes and who may set their budget. Must not know what a pledge is.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from marketplace.pledges.condition_models import ProgrammePool
from marketplace.pledges.condition_rules import PoolExhausted
from marketplace.programmes.rules import ProgrammeFaults
from marketplace.programmes.service import own_programme
from marketplace.store import journal
from marketplace.store.constraints import refuse_on
from marketplace.values.actor import Actor
from marketplace.values.permissions import Action
from marketplace.values.refusals import Conflict, NotFound


class PoolNameTaken(Conflict):
    """The programme has a pool of that name."""

    code = "pool-name-taken"
    title = "The programme has a pool of that name"


class PoolBelowDrawn(Conflict):
    """A pool cannot be smaller than what accepted pledges have drawn on it; `drawn` says how much."""

    code = "pool-below-drawn"
    title = "The pool would be smaller than what is drawn on it"


refuse_on("uq_programme_pool_programme_id_name", lambda: PoolNameTaken("Give it another name."))


def open_pool(session: Session, actor: Actor, programme_id: UUID, draft: dict[str, Any]) -> ProgrammePool:
    """Open a pool of a programme, in its currency."""
    programme = own_programme(session, actor, programme_id, Action.SET_BUDGET, lock=True)
    amount = draft["amount"]
    if amount.currency != programme.currency:
        fault = {"pointer": "#/amount/currency", "detail": f"The programme's currency is {programme.currency}."}
        raise ProgrammeFaults("`errors` names each fault.", errors=[fault])
    pool = ProgrammePool(programme_id=programme.id, name=draft["name"], amount=amount.amount, drawn=0)
    session.add(pool)
    session.flush()
    _note(session, actor, pool, programme.organisation_id, "programme_pool.opened")
    return pool


def pools_of(session: Session, actor: Actor, programme_id: UUID, after: UUID | None, limit: int) -> list[ProgrammePool]:
    """The programme's pools for its funder, newest first; one more than `limit` where there are more."""
    programme = own_programme(session, actor, programme_id, Action.READ_PROGRAMME)
    query = select(ProgrammePool).where(ProgrammePool.programme_id == programme.id)
    if after is not None:
        query = query.where(ProgrammePool.id < after)
    return list(session.scalars(query.order_by(ProgrammePool.id.desc()).limit(limit + 1)))


def pool_for(session: Session, actor: Actor, programme_id: UUID, pool_id: UUID) -> ProgrammePool:
    """One pool, for the programme's funder; NotFound otherwise."""
    programme = own_programme(session, actor, programme_id, Action.READ_PROGRAMME)
    query = select(ProgrammePool).where(ProgrammePool.id == pool_id, ProgrammePool.programme_id == programme.id)
    pool = session.scalars(query).one_or_none()
    if pool is None:
        raise NotFound()
    return pool


def resize_pool(
    session: Session, actor: Actor, programme_id: UUID, pool_id: UUID, amount: int, precondition: Callable[[Any], None]
) -> ProgrammePool:
    """Make the pool larger or smaller; PoolBelowDrawn under what accepted pledges have drawn."""
    programme = own_programme(session, actor, programme_id, Action.SET_BUDGET, lock=True)
    query = select(ProgrammePool).where(ProgrammePool.id == pool_id, ProgrammePool.programme_id == programme.id)
    pool = session.scalars(
        query.with_for_update(key_share=True).execution_options(populate_existing=True)
    ).one_or_none()
    if pool is None:
        raise NotFound()
    precondition(pool)
    if amount < pool.drawn:
        raise PoolBelowDrawn("End pledges that draw on it first.", drawn=pool.drawn)
    pool.amount = amount
    pool.version += 1
    session.flush()
    _note(session, actor, pool, programme.organisation_id, "programme_pool.resized")
    return pool


def draw(session: Session, pool_id: UUID, amount: int) -> None:
    """Draw `amount` on the pool (negative: give it back). PoolExhausted where it has no room any more."""
    drawn = (
        update(ProgrammePool)
        .where(
            ProgrammePool.id == pool_id,
            ProgrammePool.drawn + amount <= ProgrammePool.amount,
            ProgrammePool.drawn + amount >= 0,
        )
        .values(drawn=ProgrammePool.drawn + amount)
    )
    done = session.execute(drawn.execution_options(synchronize_session="fetch"))
    if done.rowcount != 1:  # type: ignore[attr-defined]
        pool = session.get_one(ProgrammePool, pool_id, populate_existing=True)
        raise PoolExhausted("The pool has no room for this pledge any more.", left=pool.left, needed=amount)


def _note(session: Session, actor: Actor, pool: ProgrammePool, organisation_id: UUID, type_: str) -> None:
    journal.record(
        session, type_, "programme_pool", pool.id, actor=actor, audience=journal.only(organisation_id),
        path=f"/v1/programmes/{pool.programme_id}/pools/{pool.id}", after={"amount": pool.amount, "name": pool.name},
    )  # fmt: skip
