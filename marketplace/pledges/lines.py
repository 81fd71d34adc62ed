"""The lines of an ask as pledges and outside awards fill them: laid, filled and given back, never oversold.

Called with the ask locked. An ask and its lines move together by conditional UPDATEs, the lines in the order of their
ids; the CHECKs of both tables hold besides. Must not know who may do it, nor what else a pledge holds.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from marketplace.pledges import condition_rules, rules
from marketplace.pledges.condition_models import PledgeLine
from marketplace.pledges.models import Pledge
from marketplace.proposals.models import Ask, AskLine

FILLINGS = {"accepted": (Ask.accepted, AskLine.accepted), "outside": (Ask.outside, AskLine.outside)}


def name_lines(session: Session, pledge: Pledge, named: Sequence[Mapping[str, Any]] | None) -> None:
    """Keep the lines that the funder names, or none: then the acceptance lays the pledge over what is open.

    LinesWrong where they are not the ask's, or do not sum to the pledge.
    """
    pledge.lines.clear()
    session.flush()
    pledge.lines_named = named is not None
    if named is None:
        return
    refuse_wrong_lines(session, pledge.ask_id, named, pledge.amount)
    pledge.lines = [PledgeLine(ask_line_id=each["line"], amount=each["amount"], freed=0) for each in named]


def refuse_wrong_lines(session: Session, ask_id: UUID, named: Sequence[Mapping[str, Any]], amount: int) -> None:
    """LinesWrong with every fault of the named lines."""
    faults = condition_rules.line_faults(named, amount, [line for line, _ in rooms(session, ask_id)])
    if faults:
        raise condition_rules.LinesWrong("`errors` names each fault.", errors=faults)


def rooms(session: Session, ask_id: UUID) -> list[tuple[UUID, int]]:
    """The ask's lines in their order, each with what is still open of it."""
    room = AskLine.amount - AskLine.accepted - AskLine.outside
    query = select(AskLine.id, room.label("room")).where(AskLine.ask_id == ask_id).order_by(AskLine.position)
    return [(row.id, row.room) for row in session.execute(query)]


def lay(session: Session, pledge: Pledge) -> dict[UUID, int]:
    """What the pledge pays of each line: as its funder named them, else over what is open, in order.

    AskChanged where a named line is gone; AskAlreadyFunded where the open ones have no room.
    """
    open_lines = rooms(session, pledge.ask_id)
    if pledge.lines_named:
        laid = named_lines(pledge)
        if not set(laid) <= {line for line, _ in open_lines} or sum(laid.values()) != pledge.amount:
            raise rules.AskChanged("A line that the pledge names is no longer asked for; ask for a new offer.")
        return laid
    return lay_over(open_lines, pledge.amount)


def lay_over(open_lines: Sequence[tuple[UUID, int]], amount: int) -> dict[UUID, int]:
    """`amount` over the open lines in order; AskAlreadyFunded where they have no room."""
    laid = condition_rules.spread(amount, open_lines)
    if sum(laid.values()) != amount:
        gap = sum(room for _, room in open_lines)
        raise rules.AskAlreadyFunded("The ask has no room for this pledge any more.", open_gap=gap, needed=amount)
    return laid


def named_lines(pledge: Pledge) -> dict[UUID, int]:
    """What the pledge pays of each line, by what is kept of it."""
    return {line.ask_line_id: line.amount for line in pledge.lines}


def fill(session: Session, ask_id: UUID, laid: Mapping[UUID, int], filling: str) -> None:
    """Move lines and ask by `laid` (negative: give back). AskAlreadyFunded, naming the line, where there is no room."""
    of_ask, of_line = FILLINGS[filling]
    for line_id, amount in sorted(laid.items()):
        moved = update(AskLine).where(
            AskLine.id == line_id,
            AskLine.ask_id == ask_id,
            AskLine.accepted + AskLine.outside + amount <= AskLine.amount,
            of_line + amount >= 0,
        )
        if _changed(session, moved.values({of_line: of_line + amount})) != 1:
            _refuse_line(session, line_id, amount)
    _fill_ask(session, ask_id, of_ask, sum(laid.values()))


def _fill_ask(session: Session, ask_id: UUID, of_ask: Any, amount: int) -> None:
    moved = update(Ask).where(Ask.id == ask_id, Ask.accepted + Ask.outside + amount <= Ask.amount, of_ask + amount >= 0)
    if amount > 0:
        moved = moved.where(Ask.state == "open")
    if _changed(session, moved.values({of_ask: of_ask + amount})) != 1:
        ask = session.get_one(Ask, ask_id, populate_existing=True)
        detail = "The ask has no room for this pledge any more."
        raise rules.AskAlreadyFunded(detail, open_gap=ask.open_gap, needed=amount)


def _changed(session: Session, statement: Any) -> int:
    done = session.execute(statement.execution_options(synchronize_session="fetch"))
    return int(done.rowcount)  # type: ignore[attr-defined]


def _refuse_line(session: Session, line_id: UUID, amount: int) -> None:
    line = session.get_one(AskLine, line_id, populate_existing=True)
    raise rules.AskAlreadyFunded(
        "A line of the ask has no room for this any more.",
        line=str(line.id),
        purpose=line.purpose,
        open_gap=line.amount - line.filled,
        needed=amount,
    )


def held_lines(session: Session, pledge: Pledge) -> list[tuple[UUID, int]]:
    """The pledge's lines in the ask's order, each with what the pledge still holds of it."""
    places = select(AskLine.id).where(AskLine.ask_id == pledge.ask_id).order_by(AskLine.position)
    held = {line.ask_line_id: line.amount - line.freed for line in pledge.lines}
    return [(line_id, held[line_id]) for line_id in session.scalars(places) if line_id in held]
