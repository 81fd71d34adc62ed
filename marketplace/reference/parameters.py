"""Dated legal parameters: a value that law sets from a day on, such as the limit of Minimal Financial Assistance.

Knows values, the days they began and the law they come from. Must not know which criterion uses them, nor the day.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from types import MappingProxyType
from typing import Any

from marketplace.reference.data_files import read_document


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: type as in the facts registry, meaning, law, and values as (first day, value), oldest first."""

    name: str
    type: str
    label: str
    definition: str
    law: str
    source: str
    values: tuple[tuple[date, Any], ...]

    def value_on(self, day: date) -> Any:
        """The JSON value in force on `day`; None before the first."""
        in_force = [value for first_day, value in self.values if first_day <= day]
        return deepcopy(in_force[-1]) if in_force else None


def _read(row: dict[str, Any]) -> Parameter:
    values = [(date.fromisoformat(dated["from"]), dated["value"]) for dated in row.pop("values")]
    return Parameter(**row, values=tuple(sorted(values, key=itemgetter(0))))


AS_OF = "as_of"
"""Stands for the day itself among the values of a day; no parameter has this name."""

_DOCUMENT = read_document("parameters.json")

VERSION: str = _DOCUMENT["version"]

PARAMETERS: Mapping[str, Parameter] = MappingProxyType({row["name"]: _read(row) for row in _DOCUMENT["parameters"]})
"""Every parameter by name."""


def value_on(name: str, day: date) -> Any:
    """The JSON value of the parameter `name` on `day`, None before its first day; KeyError if there is no such one."""
    return PARAMETERS[name].value_on(day)


def figures_on(day: date) -> dict[str, Any]:
    """Every parameter that has a value on `day`, by name."""
    values = {name: parameter.value_on(day) for name, parameter in PARAMETERS.items()}
    return {name: value for name, value in values.items() if value is not None}


def values_on(day: date) -> dict[str, Any]:
    """What criteria are evaluated with on `day`: its amounts by name, and the day itself as `as_of`.

    Rates and shares are not among them: no fact is compared with one.
    """
    figures = figures_on(day)
    return {name: value for name, value in figures.items() if name in amounts()} | {AS_OF: day.isoformat()}


def amounts() -> frozenset[str]:
    """The parameters that criteria may name: those that are money."""
    return frozenset(name for name, parameter in PARAMETERS.items() if parameter.type == "money")
