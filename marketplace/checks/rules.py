"""What a check takes, and what an answer file is. Pure.

A check is made by nobody in particular: there is no group, no consent and no assurance, only answers and an ask. Must
not know programmes, the database or HTTP.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from marketplace.reference import codelists
from marketplace.reference.facts import REGISTRY, SECTIONS, VERSION, InvalidFact, check_answer, check_value
from marketplace.values.money import LARGEST_AMOUNT
from marketplace.values.refusals import Unprocessable

FORMAT = "mutuals-answers"
FORMAT_VERSION = 1
ASK_MEMBERS: Mapping[str, str] = {"amount": "ask", "stage": "stage", "instruments": "instruments_sought"}
"""The members of a check's ask, each with the fact that it becomes."""
NEVER_SKIPPED = frozenset({"ask"})
"""Every programme asks for its own currency: without an amount none can come out eligible. All else may be skipped."""
DEFAULT_CURRENCY = "GBP"
UNDIVIDED = {"en": "To be divided by purpose"}


class InvalidAnswers(Unprocessable):
    """Some answers are not accepted; `errors` points at each (`#/answers/<slug>`)."""

    code = "invalid-answers"
    title = "Some questions cannot be answered like that"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something of an answer file that no longer fits: the fact it was about, where it stood, and why."""

    slug: str
    pointer: str
    detail: str


@dataclass(frozen=True, slots=True)
class Answers:
    """What an answer file still says: answers by section, and the content of the ask's section."""

    sections: Mapping[str, Mapping[str, Any]]
    ask: Mapping[str, Any]
    left_out: tuple[LeftOut, ...]


def checked_answers(answers: Mapping[str, Any]) -> dict[str, Any]:
    """The answers in their normal writing; null is no answer. InvalidAnswers with every fault."""
    kept, left_out = _sorted_out(answers, "#/answers")
    if left_out:
        faults = [{"pointer": each.pointer, "detail": each.detail} for each in left_out]
        raise InvalidAnswers("`errors` names each answer that is not accepted.", errors=faults)
    return kept


def ask_for_derivation(ask: Mapping[str, Any]) -> dict[str, Any]:
    """A check's ask (amount as {"amount", "currency"}, stage, instruments; all optional) as `derive` takes it."""
    money = ask.get("amount") or {}
    return {
        "amount": money.get("amount"),
        "currency": money.get("currency"),
        "stage": ask.get("stage"),
        "instruments": ask.get("instruments", []),
    }


def answer_file(answers: Mapping[str, Any], ask: Mapping[str, Any], made_on: date) -> dict[str, Any]:
    """What the client may keep: the answers in their normal writing, and the ask."""
    return {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "registry_version": VERSION,
        "made_on": made_on,
        "answers": dict(answers),
        "ask": dict(ask),
    }


def read_answer_file(document: Mapping[str, Any]) -> Answers:
    """What of an answer file fits the present registry, and what does not: nothing is lost without a word.

    `document` has answers and ask, of which nothing is known: the file comes from outside.
    """
    kept, left_out = _sorted_out(document["answers"], "#/answer_file/answers")
    sections: dict[str, dict[str, Any]] = {name: {} for name in SECTIONS}
    for slug, value in kept.items():
        sections[REGISTRY[slug].section or ""][slug] = value
    reading = _AskReading()
    for name, value in document["ask"].items():
        reading.read(name, value)
    return Answers(
        {name: facts for name, facts in sections.items() if facts}, reading.content, (*left_out, *reading.left_out)
    )


def _sorted_out(answers: Mapping[str, Any], at: str) -> tuple[dict[str, Any], list[LeftOut]]:
    """The answers that are accepted, in their normal writing, and those that are not."""
    kept: dict[str, Any] = {}
    left_out: list[LeftOut] = []
    for slug, value in answers.items():
        if value is None and slug in REGISTRY and not REGISTRY[slug].derived:
            continue
        try:
            kept[slug] = check_answer(slug, value)
        except InvalidFact as refusal:
            left_out.append(LeftOut(slug[:60], _pointer(at, slug), refusal.detail))
    return kept, left_out


@dataclass(slots=True)
class _AskReading:
    """The ask of a file being read into the content of the ask's section."""

    content: dict[str, Any] = field(
        default_factory=lambda: {"stage": None, "currency": DEFAULT_CURRENCY, "instruments": [], "lines": []}
    )
    left_out: list[LeftOut] = field(default_factory=list)

    def read(self, name: str, value: Any) -> None:
        reads: Mapping[str, Callable[[Any], None]] = {
            "amount": self._amount,
            "stage": self._stage,
            "instruments": self._instruments,
        }
        if name not in reads:
            self._leave(name, f"An ask has {', '.join(ASK_MEMBERS)} and no other member.")
        elif value is not None:
            try:
                reads[name](value)
            except InvalidFact as refusal:
                self._leave(name, refusal.detail)

    def _amount(self, value: Any) -> None:
        money = check_value("ask", value)
        if not 1 <= money["amount"] <= LARGEST_AMOUNT:
            raise InvalidFact("ask", f"must be from 1 to {LARGEST_AMOUNT} minor units")
        self.content["currency"] = money["currency"]
        self.content["lines"] = [{"purpose": "other", "description": UNDIVIDED, "amount": money["amount"]}]

    def _stage(self, value: Any) -> None:
        self.content["stage"] = check_value("stage", value)

    def _instruments(self, value: Any) -> None:
        """Those that are known stay; each other one is named."""
        if not isinstance(value, list):
            raise InvalidFact("instruments_sought", "must be a list")
        known = codelists.slugs("instruments")
        kept = {each for each in value if isinstance(each, str) and each in known}
        self.content["instruments"] = [slug for slug in known if slug in kept]
        for place, each in enumerate(value):
            if not isinstance(each, str) or each not in known:
                self._leave(f"instruments/{place}", "must be a slug of the codelist instruments")

    def _leave(self, name: str, detail: str) -> None:
        slug = ASK_MEMBERS.get(name.partition("/")[0], name[:60])
        pointer = (
            f"#/answer_file/ask/{name}"
            if name.partition("/")[0] in ASK_MEMBERS
            else _pointer("#/answer_file/ask", name)
        )
        self.left_out.append(LeftOut(slug, pointer, detail))


def _pointer(at: str, name: str) -> str:
    return f"{at}/{name[:60].replace('~', '~0').replace('/', '~1')}"
