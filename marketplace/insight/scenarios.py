"""Keeping an organisation's scenarios, and comparing two: presets, kept ones, or parameters as they are given."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.identity.models import Organisation
from marketplace.identity.organisations import freshly
from marketplace.insight.bass import Form
from marketplace.insight.models import Scenario
from marketplace.insight.rules import CurrenciesDiffer, ScenarioNameTaken, TooManyScenarios
from marketplace.insight.simulation import Parameters, SimulatedYear, simulate
from marketplace.reference.scenarios import PRESETS
from marketplace.store.constraints import refuse_on
from marketplace.store.journal import only, record
from marketplace.values.actor import Actor
from marketplace.values.clock import now
from marketplace.values.money import Money
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import NotFound
from marketplace.values.words import Words
from marketplace.web.paging import Page, by_id, cut

Precondition = Callable[[Any], None]
MOST_SCENARIOS = 100
SUMMED = ("launched", "not_launched")
SUMMED_MONEY = ("seed_needed", "seed_used", "seed_short")
COMPARED = ("launched_so_far", "running", "ended")

refuse_on("uq_scenario_organisation_id_name", lambda: ScenarioNameTaken("Give it another name."))


def keep_scenario(session: Session, actor: Actor, organisation_id: UUID, draft: Mapping[str, Any]) -> Scenario:
    """Keep a scenario for an organisation of the caller's. ScenarioNameTaken, TooManyScenarios."""
    permit(actor, Action.KEEP_SCENARIO, organisation_id)
    session.get_one(Organisation, organisation_id, with_for_update={"key_share": True})
    permit(freshly(session, actor), Action.KEEP_SCENARIO, organisation_id)
    kept = session.scalar(select(func.count()).select_from(Scenario).where(Scenario.organisation_id == organisation_id))
    if (kept or 0) >= MOST_SCENARIOS:
        raise TooManyScenarios(f"Delete one first: an organisation keeps {MOST_SCENARIOS}.")
    made = Scenario(organisation_id=organisation_id, changed_by=actor.person)
    _write(made, actor, draft)
    session.add(made)
    session.flush()
    _journal(session, actor, made, "scenario.kept", after=_content(made))
    return made


def change_scenario(
    session: Session, actor: Actor, scenario_id: UUID, draft: Mapping[str, Any], precondition: Precondition
) -> Scenario:
    """Replace name and parameters. NotFound where it is no scenario of theirs."""
    scenario = _locked(session, actor, scenario_id)
    precondition(scenario)
    before = _content(scenario)
    _write(scenario, actor, draft)
    scenario.version += 1
    session.flush()
    _journal(session, actor, scenario, "scenario.changed", before=before, after=_content(scenario))
    return scenario


def drop_scenario(session: Session, actor: Actor, scenario_id: UUID, precondition: Precondition) -> None:
    """Delete it. NotFound where it is no scenario of theirs."""
    scenario = _locked(session, actor, scenario_id)
    precondition(scenario)
    _journal(session, actor, scenario, "scenario.deleted", before=_content(scenario))
    session.delete(scenario)
    session.flush()


def scenario_seen(session: Session, actor: Actor, scenario_id: UUID) -> Scenario:
    """A scenario of an organisation of the caller's, else NotFound."""
    scenario = session.get(Scenario, scenario_id)
    if scenario is None:
        raise NotFound()
    permit(actor, Action.READ_SCENARIO, scenario.organisation_id)
    return scenario


def list_scenarios(session: Session, actor: Actor, organisation_id: UUID, after: UUID | None, limit: int) -> Page:
    """The organisation's scenarios, the newest first."""
    permit(actor, Action.READ_SCENARIO, organisation_id)
    rows = select(Scenario).where(Scenario.organisation_id == organisation_id)
    if after is not None:
        rows = rows.where(Scenario.id < after)
    found = list(session.scalars(rows.order_by(Scenario.id.desc()).limit(limit + 1)))
    page = cut(found, limit, by_id)
    return Page([told(each) for each in page.items], page.after)


def told(scenario: Scenario) -> dict[str, Any]:
    """The scenario as it is answered."""
    return {
        "id": scenario.id,
        "organisation_id": scenario.organisation_id,
        "name": scenario.name,
        "parameters": parameters_of(scenario.parameters),
        "changed_at": scenario.changed_at,
    }


def compare(session: Session, actor: Actor, draft: Mapping[str, Any]) -> dict[str, Any]:
    """Both sides played, and the second less the first in the last year that both have. CurrenciesDiffer."""
    first, second = (_side(session, actor, draft[name]) for name in ("first", "second"))
    if first["parameters"].seed_per_launch.currency != second["parameters"].seed_per_launch.currency:
        raise CurrenciesDiffer("Give both scenarios in one currency.", pointer="#/second")
    years = {each.year: each for each in first["years"]}
    both = [(years[each.year], each) for each in second["years"] if each.year in years]
    difference = {name: getattr(both[-1][1], name) - getattr(both[-1][0], name) for name in COMPARED} if both else {}
    return {
        "first": first,
        "second": second,
        "compared_in": both[-1][0].year if both else None,
        "difference": {name: round(value, 4) for name, value in difference.items()},
        "caution": CAUTION,
    }


CAUTION: Words = {
    "en": "Expected values under the parameters that are given: no forecast. What the parameters are matters more than"
    " any figure that follows from them."
}


def parameters_of(kept: Mapping[str, Any]) -> Parameters:
    """The parameters out of their JSON, or out of a checked draft."""
    values = {each.name: kept[each.name] for each in fields(Parameters)}
    for name in ("seed_per_launch", "seed_per_year"):
        sum_ = values[name]
        values[name] = sum_ if isinstance(sum_, Money) else Money(sum_["amount"], sum_["currency"])
    return Parameters(**{**values, "form": Form(values["form"])})


def _side(session: Session, actor: Actor, asked: Mapping[str, Any]) -> dict[str, Any]:
    name: Words
    if "preset" in asked:
        preset = PRESETS[asked["preset"]]
        name, parameters = dict(preset["name"]), parameters_of(preset["parameters"])
    elif "scenario_id" in asked:
        scenario = scenario_seen(session, actor, asked["scenario_id"])
        name, parameters = {"en": scenario.name}, parameters_of(scenario.parameters)
    else:
        name, parameters = {"en": "As given"}, parameters_of(asked["parameters"])
    years = simulate(parameters)
    return {"name": name, "parameters": parameters, "years": years, "sums": _sums(years)}


def _sums(years: list[SimulatedYear]) -> dict[str, Any]:
    sums: dict[str, Any] = {name: sum(getattr(each, name) for each in years) for name in SUMMED}
    for name in SUMMED_MONEY:
        whole = Money(0, getattr(years[0], name).currency)
        for each in years:
            whole = whole.plus(getattr(each, name))
        sums[name] = whole
    return {**sums, "running": years[-1].running, "ended": years[-1].ended}


def _write(scenario: Scenario, actor: Actor, draft: Mapping[str, Any]) -> None:
    scenario.name = draft["name"]
    scenario.parameters = {
        name: {"amount": value.amount, "currency": value.currency} if isinstance(value, Money) else value
        for name, value in draft["parameters"].items()
    } | {"form": draft["parameters"]["form"].value}
    scenario.changed_by, scenario.changed_at = actor.person, now()


def _locked(session: Session, actor: Actor, scenario_id: UUID) -> Scenario:
    scenario = session.get(Scenario, scenario_id, with_for_update={"key_share": True}, populate_existing=True)
    if scenario is None:
        raise NotFound()
    permit(freshly(session, actor), Action.KEEP_SCENARIO, scenario.organisation_id)
    return scenario


def _journal(
    session: Session, actor: Actor, scenario: Scenario, type_: str, *, before: Any = None, after: Any = None
) -> None:
    record(
        session,
        type_,
        "scenario",
        scenario.id,
        actor=actor,
        audience=only(scenario.organisation_id),
        path=f"/v1/scenarios/{scenario.id}",
        before=before,
        after=after,
    )


def _content(scenario: Scenario) -> dict[str, Any]:
    return {"name": scenario.name, "parameters": dict(scenario.parameters)}
