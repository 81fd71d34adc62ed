"""The field types of query strings: lists parted by commas, flags, sums of money. All text on the wire, all strict."""

import re
from typing import Any

from marshmallow import ValidationError, fields, validate
from webargs.fields import DelimitedList

from marketplace.reference import codelists
from marketplace.values.money import LARGEST_AMOUNT, Money
from marketplace.web.fields import Slug, different

MOST_VALUES = 20
"""Values that one parameter may name."""
MONEY_PATTERN = r"^(0|[1-9][0-9]{0,15})([A-Z]{3})?$"
MONEY_WORDS = "Minor units, then the currency (GBP if it is left out), such as 1500000GBP."


def values_of(field: fields.Field[Any], *, most: int = MOST_VALUES, **kwargs: Any) -> Any:
    """Different values parted by commas, at least one and at most `most`."""
    return DelimitedList(field, validate=[validate.Length(min=1, max=most), different], **kwargs)


def slugs_of(codelist: str, words: str) -> Any:
    """Slugs of a codelist, parted by commas: any of them will do."""
    return values_of(Slug(codelist), metadata={"description": f"{words} Several are parted by commas."})


class QueryFlag(fields.Boolean):
    """`true` or `false`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(truthy={"true"}, falsy={"false"}, **kwargs)


class QueryMoney(fields.Field[Money]):
    """Minor units, then the currency (GBP if it is left out): `1500000GBP` is 15,000 pounds."""

    def __init__(self, words: str, **kwargs: Any) -> None:
        described = {"type": "string", "pattern": MONEY_PATTERN, "description": f"{words} {MONEY_WORDS}"}
        super().__init__(metadata=described, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Money:
        return money_of(value)


def money_of(text: str) -> Money:
    """The sum that is written there; ValidationError for what is none."""
    written = re.fullmatch(MONEY_PATTERN, text)
    if written is None:
        raise ValidationError("Give minor units and a currency, such as 1500000GBP.")
    amount, currency = int(written[1]), written[2] or "GBP"
    if amount > LARGEST_AMOUNT:
        raise ValidationError(f"At most {LARGEST_AMOUNT} minor units.")
    if currency not in codelists.slugs("currencies"):
        raise ValidationError("Give an ISO 4217 currency in use.")
    return Money(amount, currency)
