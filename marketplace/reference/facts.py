"""The facts registry: what can be known of a group, in which shape, who may say so, and what follows from what.

Knows every fact as data, checks JSON values against it and computes the derived facts. Must not know programmes,
criteria, people or the database. Unknown is the absence of a key, never a value.

Values in JSON: boolean true or false; choice a slug; choices slugs; money {"amount": minor units, "currency": code};
integer a whole number; percentage whole basis points; decimal a string; area a GSS code; areas GSS codes;
date "YYYY-MM-DD".
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

from marketplace.reference import areas, codelists
from marketplace.reference.data_files import read_document
from marketplace.values.money import LARGEST_AMOUNT, Money

LARGEST_INTEGER = 10**15
WHOLE = 10_000
"""100% in basis points, the largest percentage."""


class InvalidFact(ValueError):
    """The fact `slug` does not exist, may not be answered, or cannot have this value; `detail` says why."""

    def __init__(self, slug: str, detail: str) -> None:
        super().__init__(f"{slug}: {detail}")
        self.slug = slug
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Change:
    """What it takes to change a fact: by whom (group, employer, funder), at which cost, in about how many months."""

    by: str
    cost: str
    months: int | None = None


@dataclass(frozen=True, slots=True)
class FactDefinition:
    """One fact. `section` is where it is answered, None for a derived fact; `scale` the decimals of a decimal.

    `question` and `help` are language maps. `visibility` is open (shared with whoever may see the proposal) or
    confidential. `derived_rule` says in words how a derived fact is computed from `derived_from` (and from the ask
    or the employer's answer). `follows` names inputs that a derived fact gives away: it is shared only where they are.
    `chain` is the derived fact that lists this one and everything that holds it, for a fact that has a hierarchy.
    `group_codelist` is a second codelist whose slugs the fact may name: the groups of the first. A `never_hard` fact
    may be weighed by criteria and may not decide. `options` are the slugs of a choice without a codelist.
    """

    slug: str
    type: str
    codelist: str | None
    scale: int | None
    section: str | None
    question: Mapping[str, str]
    help: Mapping[str, str]
    unit: str | None
    visibility: str
    attested_by: tuple[str, ...]
    changeable: Change | None
    derived_from: tuple[str, ...]
    derived_rule: str | None
    follows: tuple[str, ...]
    chain: str | None = None
    group_codelist: str | None = None
    never_hard: bool = False
    options: tuple[str, ...] = ()

    @property
    def assurable(self) -> bool:
        """True when somebody beside the group may attest the fact: others are never more than declared."""
        return any(attester != "group" for attester in self.attested_by)

    @property
    def derived(self) -> bool:
        """True when the fact is only ever computed, never answered."""
        return self.derived_rule is not None


def _read(row: Mapping[str, Any]) -> FactDefinition:
    derived = row.get("derived", {})
    return FactDefinition(
        slug=row["slug"],
        type=row["type"],
        codelist=row.get("codelist"),
        scale=row.get("scale"),
        section=row["section"],
        question=MappingProxyType(row["question"]),
        help=MappingProxyType(row["help"]),
        unit=row.get("unit"),
        visibility=row["visibility"],
        attested_by=tuple(row["attested_by"]),
        changeable=Change(**row["changeable"]) if row["changeable"] else None,
        derived_from=tuple(derived.get("from", ())),
        derived_rule=derived.get("rule"),
        follows=tuple(row.get("follows", ())),
        chain=row.get("chain"),
        group_codelist=row.get("group_codelist"),
        never_hard=row.get("never_hard", False),
    )


QUESTION_PREFIX = "x_"
"""How the slugs of funders' own questions begin; no fact of the registry does."""


def is_question(slug: str) -> bool:
    """Whether `slug` is one of a funder's own question, beside the registry."""
    return slug.startswith(QUESTION_PREFIX)


_DOCUMENT = read_document("facts.json")

VERSION: str = _DOCUMENT["version"]
"""The day of the registry's last change, YYYY-MM-DD."""

REGISTRY: Mapping[str, FactDefinition] = MappingProxyType({row["slug"]: _read(row) for row in _DOCUMENT["facts"]})
"""Every fact by slug: the answered ones by section, then the derived ones."""

SECTIONS: tuple[str, ...] = codelists.slugs("fact_sections")
"""The sections in which facts are answered, in order (labels in the codelist `fact_sections`)."""


def authored_in(section: str) -> tuple[FactDefinition, ...]:
    """The facts answered in `section`, in order; KeyError if there is no such section."""
    if section not in SECTIONS:
        raise KeyError(section)
    return tuple(definition for definition in REGISTRY.values() if definition.section == section)


# Values


def check_value(slug: str, value: Any) -> Any:
    """`value` in its one normal JSON writing; InvalidFact if there is no such fact or it cannot have this value.

    Strict: true is not 1, "7" is not 7, and null is no value. Derived facts are checked too (criteria ask for them).
    """
    return normalise(_definition(slug), value)


def check_answer(slug: str, value: Any) -> Any:
    """As `check_value`, and InvalidFact for a derived fact: those are computed and nobody answers them."""
    if _definition(slug).derived:
        raise InvalidFact(slug, "this fact is computed and cannot be answered")
    return check_value(slug, value)


def normalise(definition: FactDefinition, value: Any) -> Any:
    """`value` in the one normal JSON writing of `definition`'s type; InvalidFact if it cannot have this value."""
    try:
        return _CHECKS[definition.type](definition, value)
    except ValueError as refusal:
        raise InvalidFact(definition.slug, str(refusal)) from None


def _definition(slug: str) -> FactDefinition:
    definition = REGISTRY.get(slug) if isinstance(slug, str) else None
    if definition is None:
        raise InvalidFact(str(slug)[:60], "there is no such fact")
    return definition


def _whole_number(value: Any, largest: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= largest:
        raise ValueError(f"must be a whole number from 0 to {largest}")
    return value


def _boolean(_: FactDefinition, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _choice(definition: FactDefinition, value: Any) -> str:
    if definition.options:
        if not isinstance(value, str) or value not in definition.options:
            raise ValueError(f"must be one of {', '.join(definition.options)}")
    elif not isinstance(value, str) or value not in codelists.slugs(definition.codelist or ""):
        raise ValueError(f"must be a slug of the codelist {definition.codelist}")
    return value


def _choices(definition: FactDefinition, value: Any) -> list[str]:
    lists = [name for name in (definition.codelist, definition.group_codelist) if name is not None]
    known = [*definition.options, *(slug for name in lists for slug in codelists.slugs(name))]
    if not isinstance(value, list) or not value or not all(isinstance(slug, str) and slug in known for slug in value):
        source = f"slugs of the codelist {' or '.join(lists)}" if lists else ", ".join(definition.options)
        raise ValueError(f"must be a list of {source}, at least one")
    if len(set(value)) != len(value):
        raise ValueError("must name each slug once")
    return sorted(value, key=known.index)


def _money(_: FactDefinition, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != {"amount", "currency"}:
        raise ValueError('must have the members "amount" and "currency" and no other')
    if not isinstance(value["currency"], str) or value["currency"] not in codelists.slugs("currencies"):
        raise ValueError("currency must be an ISO 4217 code in present use")
    return {"amount": _whole_number(value["amount"], LARGEST_AMOUNT), "currency": value["currency"]}


def _integer(_: FactDefinition, value: Any) -> int:
    return _whole_number(value, LARGEST_INTEGER)


def _percentage(_: FactDefinition, value: Any) -> int:
    return _whole_number(value, WHOLE)


_DECIMAL = re.compile(r"(?P<whole>0|[1-9][0-9]{0,14})(?:\.(?P<part>[0-9]{1,15}))?")


def _decimal(definition: FactDefinition, value: Any) -> str:
    scale = definition.scale or 0
    written = _DECIMAL.fullmatch(value) if isinstance(value, str) else None
    if written is None or len(written["part"] or "") > scale:
        raise ValueError(f'must be a decimal in a string, such as "0.26", with at most {scale} decimals')
    part = (written["part"] or "").rstrip("0")
    return f"{written['whole']}.{part}" if part else written["whole"]


def _area(_: FactDefinition, value: Any) -> str:
    if not isinstance(value, str) or value not in areas.ALL:
        raise ValueError("must be the GSS code of a known area")
    return areas.live(value)


def _areas(definition: FactDefinition, value: Any) -> list[str]:
    if not isinstance(value, list) or not value:
        raise ValueError("must be a list of GSS codes, at least one")
    return list(dict.fromkeys(_area(definition, code) for code in value))


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _date(_: FactDefinition, value: Any) -> str:
    wording = "must be a day from 1970-01-01 to 2200-12-31, written YYYY-MM-DD"
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError(wording)
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise ValueError(wording) from None
    if not 1970 <= day.year <= 2200:
        raise ValueError(wording)
    return value


_CHECKS: Mapping[str, Callable[[FactDefinition, Any], Any]] = MappingProxyType(
    {
        "boolean": _boolean,
        "choice": _choice,
        "choices": _choices,
        "money": _money,
        "integer": _integer,
        "percentage": _percentage,
        "decimal": _decimal,
        "area": _area,
        "areas": _areas,
        "date": _date,
    }
)

TYPES: tuple[str, ...] = tuple(_CHECKS)
"""The types a fact may have."""


# Derived facts


def derive(authored: Mapping[str, Any], ask: Mapping[str, Any] | None, consent: str | None) -> dict[str, Any]:
    """The whole fact map: what the group answered (checked values, null left out) and every derived fact that is known.

    `ask` is {"amount": minor units or None, "currency", "stage", "instruments": [...]} or None without an open ask; an
    amount of 0 says that nothing is asked at present: how much will be is unknown. `consent` is the employer's
    standing answer, a slug of `employer_consent_answers`, or None. A derived fact in `authored` is ignored, so that
    nobody can answer it; one that cannot be told is left out. Answers to funders' own questions stand as they are,
    after the registry's facts.
    """
    answered = [slug for slug, definition in REGISTRY.items() if not definition.derived]
    facts = _known(**{slug: authored.get(slug) for slug in answered})
    facts |= _from_ask(ask or {})
    facts |= _known(
        incorporated={"registered": True, "not_registered": False}.get(facts.get("registration", "")),
        asset_lock=_asset_lock(facts.get("legal_form")),
        mfa_total_with_ask=_mfa_total(facts.get("mfa_received"), facts.get("ask")),
        staff_publicly_employed=_publicly_employed(facts.get("stage")),
        employer_consent=_consents(consent),
    )
    facts |= _from_area(facts.get("area_code"), facts.get("lead_nation"))
    facts |= _known(sectors=_sectors(facts.get("sector")))
    asked = _known(**{slug: authored[slug] for slug in sorted(authored) if is_question(slug)})
    return {slug: facts[slug] for slug in REGISTRY if slug in facts} | asked


def _known(**facts: Any) -> dict[str, Any]:
    return {slug: value for slug, value in facts.items() if value is not None}


def _from_ask(ask: Mapping[str, Any]) -> dict[str, Any]:
    amount, currency = ask.get("amount"), ask.get("currency")
    has_money = bool(amount) and currency is not None
    instruments = codelists.slugs("instruments")
    return _known(
        ask={"amount": amount, "currency": currency} if has_money else None,
        ask_currency=currency,
        stage=ask.get("stage"),
        instruments_sought=sorted(set(ask.get("instruments") or ()), key=instruments.index) or None,
    )


def _asset_lock(legal_form: str | None) -> str | None:
    if legal_form is None:
        return None
    lock: str = codelists.entry("legal_forms", legal_form)["asset_lock"]
    return lock if lock in codelists.slugs("asset_locks") else None


def _mfa_total(received: Mapping[str, Any] | None, ask: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if received is None or ask is None or received["currency"] != ask["currency"]:
        return None
    total = Money(**received).plus(Money(**ask))
    return {"amount": total.amount, "currency": total.currency}


def _publicly_employed(stage: str | None) -> bool | None:
    if stage is None:
        return None
    employed: bool = codelists.entry("stages", stage)["staff_publicly_employed"]
    return employed


def _consents(answer: str | None) -> bool | None:
    if answer is None:
        return None
    agreed: bool | None = codelists.entry("employer_consent_answers", answer)["employer_consent"]
    return agreed


def _from_area(code: str | None, lead_nation: str | None) -> dict[str, Any]:
    if code is None:
        return {}
    return _known(
        beneficiary_nation=areas.nation_of(code) or lead_nation,
        region=areas.region_of(code),
        areas=[areas.live(code), *areas.ancestors(code)],
    )


def _sectors(sector: str | None) -> list[str] | None:
    if sector is None:
        return None
    return [sector, codelists.entry("service_sectors", sector)["group"]]
