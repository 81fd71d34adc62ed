"""What a schedule may change: unpaid, unapproved tranches, to the penny. Pure: the present tranches in, faults out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from marketplace.pledges.rules import TranchePlan, plan_tranches
from marketplace.values.refusals import Conflict, Forbidden, Unprocessable

UNCLAIMED = frozenset({"scheduled", "claimable"})
REPLACEABLE = UNCLAIMED | {"claimed"}


class ScheduleWrong(Unprocessable):
    """The schedule does not fit the pledge; `errors` names each fault."""

    code = "schedule-wrong"
    title = "The schedule does not add up"


class ScheduleOpen(Conflict):
    """A pledge has one open schedule at most."""

    code = "schedule-open"
    title = "A schedule is waiting for its answer"


class ScheduleOvertaken(Conflict):
    """The tranches are not those for which the schedule was proposed; `overtaken` lists the ones that changed."""

    code = "schedule-overtaken"
    title = "The tranches have changed since the schedule was proposed"


class RestTooSmall(Conflict):
    """No more can be taken off a part than is neither claimed, held nor paid: `unclaimed` minor units."""

    code = "rest-too-small"
    title = "The part's unpaid rest is smaller"


class OtherSideAnswers(Forbidden):
    """What one side proposes the other answers, and only who proposed it withdraws it."""

    code = "other-side-answers"
    title = "This is for the other side"


@dataclass(frozen=True, slots=True)
class Standing:
    """A tranche as it stands. `amount` in minor units."""

    id: UUID
    version: int
    state: str
    held_from: str | None
    amount: int

    @property
    def replaceable(self) -> bool:
        """True while it is neither approved nor over."""
        return (self.held_from if self.state == "held" else self.state) in REPLACEABLE


@dataclass(frozen=True, slots=True)
class Amendment:
    """What becomes of one part: the tranches that go and those that come; their sums are the same."""

    part_id: UUID
    goes: tuple[Standing, ...]
    comes: tuple[TranchePlan, ...]


def plan_amendments(
    parts: Sequence[Mapping[str, Any]], standing: Mapping[UUID, Sequence[Standing]]
) -> tuple[Amendment, ...]:
    """The amendments that `parts` ({part_id, tranches}) asks for; ScheduleWrong naming every fault by pointer.

    Each part's new tranches sum to what they replace, so that nothing is promised, freed or lost by a schedule.
    """
    faults: list[dict[str, str]] = []
    made = tuple(_plan_part(part, f"#/parts/{place}", standing, faults) for place, part in enumerate(parts))
    named = [part["part_id"] for part in parts]
    for place, part_id in enumerate(named):
        if part_id in named[:place]:
            faults.append({"pointer": f"#/parts/{place}/part_id", "detail": "Name each part once."})
    if faults:
        raise ScheduleWrong("The schedule does not fit the pledge.", errors=faults)
    return made


def _plan_part(
    part: Mapping[str, Any], at: str, standing: Mapping[UUID, Sequence[Standing]], faults: list[dict[str, str]]
) -> Amendment:
    def fault(pointer: str, detail: str) -> None:
        faults.append({"pointer": f"{at}{pointer}", "detail": detail})

    if part["part_id"] not in standing:
        fault("/part_id", "The pledge has no such part.")
    goes = tuple(each for each in standing.get(part["part_id"], ()) if each.replaceable)
    rest, given = sum(each.amount for each in goes), sum(each["amount"] for each in part["tranches"])
    if part["part_id"] in standing and not goes:
        fault("/part_id", "Nothing of this part can be scheduled any more: it is approved, paid or cancelled.")
    elif goes and given != rest:
        fault("/tranches", f"The tranches must sum to {rest}, what is neither approved nor paid; these are {given}.")
    return Amendment(part["part_id"], goes, plan_tranches(part, given, (), fault))


def plan_cut(
    part_id: UUID, standing: Sequence[Standing], amount: int
) -> tuple[list[UUID], tuple[UUID, int, int] | None]:
    """How to take `amount` minor units off a part's unclaimed rest, from its last tranche backwards.

    The ids of the tranches that go whole and, where the last one is only cut, its id with what stays and what goes.
    RestTooSmall where the rest is smaller.
    """
    rest = [each for each in standing if each.state in UNCLAIMED]
    if amount > sum(each.amount for each in rest):
        raise RestTooSmall(
            "That is more than is neither claimed, held nor paid.",
            part_id=str(part_id),
            unclaimed=sum(each.amount for each in rest),
        )
    whole: list[UUID] = []
    for tranche in reversed(rest):
        if amount == 0:
            break
        if tranche.amount > amount:
            return whole, (tranche.id, tranche.amount - amount, amount)
        whole.append(tranche.id)
        amount -= tranche.amount
    return whole, None


def overtaken(proposed: Sequence[Mapping[str, Any]], goes: Sequence[Standing]) -> list[str]:
    """The ids of tranches that came, went or changed since the proposal, whose `replaces` was {id, version} each."""
    before = {(each["id"], each["version"]) for each in proposed}
    present = {(str(each.id), each.version) for each in goes}
    return sorted({tranche_id for tranche_id, _ in before ^ present})
