"""The field types that every schema uses: text that can be stored, ids, money, days, language maps, codelist slugs."""

import re
import unicodedata
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields, post_load, validate

from marketplace.reference import codelists
from marketplace.values.money import LARGEST_AMOUNT, Money
from marketplace.values.words import LANGUAGES, Words
from marketplace.web.languages import worded, written_language

UUID_PATTERN = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
_INVISIBLE = re.compile("[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_WEB_ADDRESS = r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[^\s<>\"\\]*)?$"
FIRST_YEAR, LAST_YEAR = 1970, 2200


class Draft(Schema):
    """Base of what comes in: unknown members are refused."""

    class Meta:
        unknown = RAISE


class View(Schema):
    """Base of what goes out: clients must expect new members."""

    class Meta:
        unknown = EXCLUDE


class Text(fields.String):
    """Text that is stored as NFC, without controls, bidirectional overrides or zero-width characters, never blank."""

    def __init__(self, longest: int, shortest: int = 1, **kwargs: Any) -> None:
        checks = list(kwargs.pop("validate", []))
        self.longest = longest
        super().__init__(validate=[validate.Length(min=shortest, max=longest), *checks], **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        return storable(text, self.longest)


def storable(text: str, longest: int) -> str:
    """`text` as it is kept: NFC, trimmed. ValidationError for blank text and invisible characters."""
    if len(text) > longest * 4:
        raise ValidationError(f"Longer than maximum length {longest}.")
    if _INVISIBLE.search(text):
        raise ValidationError("Holds control, bidirectional or zero-width characters.")
    kept = unicodedata.normalize("NFC", text).strip()
    if text and not kept:
        raise ValidationError("May not be blank.")
    return kept


def web_address(longest: int, **kwargs: Any) -> Text:
    """An http or https address of at most `longest` characters."""
    return Text(longest, validate=[validate.Regexp(_WEB_ADDRESS)], **kwargs)


class WordsField(fields.Field[Words]):
    """Authored text: a string in the request's Content-Language, or a map such as {"en": ..., "cy": ...}.

    Answered in the caller's best language, or as the whole map with `languages=all`.
    """

    def __init__(self, longest: int, **kwargs: Any) -> None:
        self.longest = longest
        described = {"anyOf": _words_on_the_wire(longest, nullable=bool(kwargs.get("allow_none")))}
        super().__init__(metadata={**described, **kwargs.pop("metadata", {})}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Words:
        if isinstance(value, str):
            value = {written_language(): value}
        if not isinstance(value, dict) or not value:
            raise ValidationError("Give a string, or a map from language to text.")
        faults: dict[str, list[str]] = {}
        kept: Words = {}
        for language, text in value.items():
            if language not in LANGUAGES:
                faults[str(language)[:20]] = [f"Give one of {', '.join(LANGUAGES)}."]
            elif not isinstance(text, str):
                faults[language] = ["Not a valid string."]
            else:
                try:
                    kept[language] = storable(text, self.longest)
                    if not kept[language] or len(kept[language]) > self.longest:
                        faults[language] = [f"Length must be between 1 and {self.longest}."]
                except ValidationError as error:
                    faults[language] = [str(message) for message in error.messages]
        if faults:
            raise ValidationError(faults)
        return kept

    def _serialize(self, value: Words | None, attr: str | None, obj: Any, **kwargs: Any) -> str | Words | None:
        return worded(value) if value else None


def _words_on_the_wire(longest: int, *, nullable: bool) -> list[dict[str, Any]]:
    text = {"type": "string", "minLength": 1, "maxLength": longest}
    languages = {"type": "object", "minProperties": 1, "properties": dict.fromkeys(LANGUAGES, text)}
    return [text, {**languages, "additionalProperties": False}, *([{"type": "null"}] if nullable else [])]


class Id(fields.UUID):
    """A UUID in its plain form of 36 characters."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> uuid.UUID:
        if not isinstance(value, str) or not re.fullmatch(UUID_PATTERN.rstrip("$"), value):
            raise self.make_error("invalid_uuid")
        return uuid.UUID(value)


class Count(fields.Integer):
    """A whole JSON number (no strings, no 1.0, no true) within bounds."""

    def __init__(self, least: int = 0, most: int = LARGEST_AMOUNT, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(min=least, max=most), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if type(value) is not int:
            raise self.make_error("invalid", input=value)
        return value


class Flag(fields.Boolean):
    """JSON true or false, nothing that merely looks like it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if type(value) is not bool:
            raise self.make_error("invalid", input=value)
        return value


class Day(fields.Date):
    """A calendar day, YYYY-MM-DD, 1970 to 2200."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="iso", **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:
        if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            raise self.make_error("invalid", input=value, obj_type="date")
        day = super()._deserialize(value, attr, data, **kwargs)
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise ValidationError(f"Give a year between {FIRST_YEAR} and {LAST_YEAR}.")
        return day


class Instant(fields.AwareDateTime):
    """An instant with its offset (RFC 3339), kept as UTC, 1970 to 2200."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="iso", **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        if not isinstance(value, str) or len(value) > 40:
            raise self.make_error("invalid", input=value, obj_type="datetime")
        try:
            instant = super()._deserialize(value, attr, data, **kwargs).astimezone(UTC)
        except (OverflowError, ValueError) as error:
            raise self.make_error("invalid", input=value, obj_type="datetime") from error
        if not FIRST_YEAR <= instant.year <= LAST_YEAR:
            raise ValidationError(f"Give a year between {FIRST_YEAR} and {LAST_YEAR}.")
        return instant


def currency_code() -> validate.Regexp:
    """A three-letter code; whether it is one of ISO 4217's is for `Currency` to say."""
    return validate.Regexp(r"^[A-Z]{3}$")


class Currency(fields.String):
    """An ISO 4217 currency code in use."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=[validate.Length(equal=3), validate.OneOf(codelists.slugs("currencies"))], **kwargs)


class MoneyBody(Schema):
    """An amount in integer minor units (pence) and its ISO 4217 currency."""

    amount = Count(least=0, required=True)
    currency = Currency(required=True)

    class Meta:
        unknown = RAISE

    @post_load
    def as_money(self, data: dict[str, Any], **_: Any) -> Money:
        return Money(**data)


class MoneyView(View):
    """An amount in integer minor units and its currency."""

    amount = fields.Integer(required=True)
    currency = fields.String(required=True)


def money(*, least: int = 1, **kwargs: Any) -> fields.Nested:
    """A money member; `least` is the smallest amount in minor units."""

    def at_least(value: Money) -> None:
        if value.amount < least:
            raise ValidationError({"amount": [f"Must be at least {least}."]})

    return fields.Nested(MoneyBody, validate=at_least, **kwargs)


class Slug(fields.String):
    """One slug of a codelist."""

    def __init__(self, codelist: str, **kwargs: Any) -> None:
        self.codelist = codelist
        super().__init__(validate=[validate.Length(max=60), validate.OneOf(codelists.slugs(codelist))], **kwargs)


def slugs(codelist: str, *, least: int = 0, **kwargs: Any) -> fields.List[str]:
    """A list of different slugs of a codelist, in any order."""
    return fields.List(
        Slug(codelist), validate=[validate.Length(min=least, max=len(codelists.slugs(codelist))), different], **kwargs
    )


def different(values: list[Any]) -> None:
    """Refuse a list that says a thing twice."""
    if len(set(values)) != len(values):
        raise ValidationError("Says the same thing twice.")


def described(field_factory: Callable[..., Any], words: str, *args: Any, **kwargs: Any) -> Any:
    """A field with a description in the OpenAPI document."""
    return field_factory(*args, metadata={"description": words}, **kwargs)
