"""Organisation identifiers: the registers of org-id.guide and, where it is published, the form of their numbers.

Knows codes and forms. Must not know organisations, nor ask any register whether a number is in use.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from stdnum import lei

from marketplace.reference.data_files import read_document, read_rows

LONGEST_NUMBER = 60


class InvalidIdentifier(ValueError):
    """The scheme is not known, or the number has not the scheme's form; `field` is `scheme` or `number`."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Scheme:
    """One register. `form` is the whole of a number in its normal writing, None where no form is published.

    `says` words the form for people. A number of digits alone is padded with zeros from `pad_from` to `pad_to` places.
    """

    code: str
    name: str
    url: str
    coverage: tuple[str, ...]
    deprecated: bool
    examples: str
    form: re.Pattern[str] | None = None
    says: str = "up to 60 printable characters"
    check: str | None = None
    pad_from: int = 0
    pad_to: int = 0


def _read(row: Mapping[str, str], form: Mapping[str, Any]) -> Scheme:
    return Scheme(
        code=row["code"],
        name=row["name"].strip(),
        url=row["url"],
        coverage=_given(row["coverage"]),
        deprecated=row["deprecated"] == "true",
        examples=row["example_identifiers"],
        form=re.compile(form["pattern"], re.ASCII) if form else None,
        **{key: value for key, value in form.items() if key != "pattern"},
    )


def _given(coverage: str) -> tuple[str, ...]:
    return tuple(country for country in coverage.split("|") if country)


_FORMS = read_document("identifier_forms.json")

SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {row["code"]: _read(row, _FORMS.get(row["code"], {})) for row in read_rows("identifier_schemes.csv")}
)
"""Every register by its code, such as GB-COH."""

_CHECKS = MappingProxyType({"lei": lei.is_valid})


def check_identifier(scheme: str, number: str) -> str:
    """`number` in the normal writing of `scheme`; InvalidIdentifier if the scheme or the number cannot be right.

    Where a form is published, spaces are left out, letters are capital and short company numbers get their zeros.
    The identifier as a whole is `<scheme>-<number>`.
    """
    register = SCHEMES.get(scheme) if isinstance(scheme, str) else None
    if register is None:
        raise InvalidIdentifier("scheme", "there is no such register in the list of org-id.guide")
    if not isinstance(number, str) or not number.isprintable() or not 0 < len(number.strip()) <= LONGEST_NUMBER:
        raise InvalidIdentifier("number", f"a number has 1 to {LONGEST_NUMBER} printable characters")
    if register.form is None:
        return number.strip()
    normal = _padded(register, number.replace(" ", "").upper())
    well_formed = register.form.fullmatch(normal) is not None and normal.strip("0") != ""
    if not well_formed or (register.check is not None and not _CHECKS[register.check](normal)):
        raise InvalidIdentifier("number", f"a number of {register.code} is {register.says}")
    return normal


def _padded(register: Scheme, number: str) -> str:
    is_short = register.pad_from <= len(number) < register.pad_to
    return number.zfill(register.pad_to) if is_short and number.isascii() and number.isdigit() else number
