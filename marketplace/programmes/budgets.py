"""A programme's budget: one figure, of which the ledger books every change."""

from uuid import UUID

from sqlalchemy.orm import Session

from marketplace.governance.approvals import Subject
from marketplace.governance.rules import Act
from marketplace.governance.service import require_authority
from marketplace.ledger import service as ledger
from marketplace.ledger.rules import Owner, change_budget
from marketplace.programmes.models import Programme
from marketplace.programmes.rules import ProgrammeFaults
from marketplace.programmes.service import Precondition, note_programme, own_programme, snapshot, stamp
from marketplace.values.actor import Actor
from marketplace.values.money import Money
from marketplace.values.permissions import Action


def set_budget(
    current: Session, actor: Actor, programme_id: UUID, budget: Money, precondition: Precondition
) -> Programme:
    """Make `budget` the programme's whole budget: the difference becomes available, or stops being so.

    InsufficientBalance where less is available than the budget is lowered by: the rest is committed or paid.
    """
    programme = own_programme(current, actor, programme_id, Action.SET_BUDGET, lock=True)
    precondition(stamp(programme))
    if budget.currency != programme.currency:
        fault = {"pointer": "#/amount/currency", "detail": f"The programme's currency is {programme.currency}."}
        raise ProgrammeFaults("`errors` names each fault.", errors=[fault])
    ledger.open_accounts(current, Owner.PROGRAMME, programme.id, programme.currency)
    difference = budget.amount + ledger.balances(current, Owner.PROGRAMME, programme.id)["budget_source"]
    if difference:
        require_authority(
            current, actor, Act.BUDGET_CHANGE, programme.organisation_id, programme.id,
            Money(abs(difference), programme.currency), terms={"budget": f"{budget.amount} {budget.currency}"},
        )  # fmt: skip
    before = snapshot(programme)
    programme.has_budget = True
    programme.version += 1
    current.flush()
    if difference:
        ledger.post(
            current,
            kind="programme.budget",
            reference=f"{programme.id}:{programme.version}",
            entries=change_budget(programme.id, difference),
            actor=actor,
            description="The programme's budget was set.",
        )
    note_programme(current, actor, programme, "programme.budgeted", before=before, public=False)
    return programme


def budget_subject(current: Session, actor: Actor, programme_id: UUID) -> Subject | None:
    """The programme as governance asks for it; NotFound where it is not one of the caller's organisations'."""
    programme = own_programme(current, actor, programme_id, Action.READ_PROGRAMME)
    return Subject(programme.organisation_id)
