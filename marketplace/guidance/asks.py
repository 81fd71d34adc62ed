"""Building an ask: the usual lines of a stage, past awards beside them, and a draft checked against both.

Keeps nothing. What it answers is what the ask's own operation takes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from marketplace.guidance import rules
from marketplace.guidance.rules import DraftLine
from marketplace.pipeline.rules import NotAStageToAskAt
from marketplace.pipeline.templates import template_of
from marketplace.reference import codelists, usual
from marketplace.values.money import Money

MOST_COMPARED = 8


def usual_lines(stage: str, sector: str | None) -> dict[str, Any]:
    """The usual lines and sum of an ask at that stage, and past awards, the most alike first. NotAStageToAskAt."""
    if stage not in template_of(None).order:
        raise NotAStageToAskAt("Say one of the stages of /v1/pipeline-templates.", parameter="stage")
    total = rules.usual_sum(stage)
    entry = codelists.entry("stages", stage)
    return {
        "version": usual.LINES_VERSION,
        "stage": stage,
        "provenance": usual.LINES_PROVENANCE,
        "note": {"en": usual.LINES_NOTE},
        "least": None if total is None else Money(total[0], usual.CURRENCY),
        "most": None if total is None else Money(total[1], usual.CURRENCY),
        "instruments": list(entry["usual_instruments"]),
        "staff_publicly_employed": entry["staff_publicly_employed"],
        "lines": [
            {
                "purpose": line.purpose,
                "least": Money(line.least, usual.CURRENCY),
                "most": Money(line.most, usual.CURRENCY),
            }
            for line in usual.USUAL_LINES.get(stage, ())
        ],
        **_compared(stage, sector),
    }


def build_ask(draft: Mapping[str, Any]) -> dict[str, Any]:
    """An ask in the shape that its own operation takes, every check of it, and past awards to compare it with.

    Without lines (or instruments) it begins from the usual ones of the stage, each at the least of its range.
    """
    stage, currency = draft["stage"], draft["currency"]
    if stage not in template_of(None).order:
        raise NotAStageToAskAt("Say one of the stages of /v1/pipeline-templates.", pointer="#/stage")
    lines = draft["lines"] or _to_begin_from(stage, currency)
    instruments = draft["instruments"] or list(codelists.entry("stages", stage)["usual_instruments"])
    checked = rules.check_ask(stage, currency, instruments, _as_drafted(lines))
    return {
        "ask": {"stage": stage, "currency": currency, "instruments": instruments, "lines": lines},
        "total": Money(sum(line["amount"] for line in lines), currency),
        "drafted_from_usual": not draft["lines"],
        "checks": checked,
        **_compared(stage, draft.get("sector")),
    }


def _to_begin_from(stage: str, currency: str) -> list[dict[str, Any]]:
    """No lines in another currency than that of the ranges: an exchange rate would be made up."""
    if currency != usual.CURRENCY:
        return []
    return [
        {"purpose": line.purpose, "description": None, "amount": line.least}
        for line in rules.lines_to_begin_from(stage)
    ]


def _as_drafted(lines: Sequence[Mapping[str, Any]]) -> list[DraftLine]:
    return [DraftLine(line["purpose"], line["amount"], bool(line.get("description"))) for line in lines]


def _compared(stage: str, sector: str | None) -> dict[str, Any]:
    return {
        "past_awards": usual.awards_like(stage, sector)[:MOST_COMPARED],
        "past_awards_note": {"en": usual.AWARDS_NOTE},
    }
