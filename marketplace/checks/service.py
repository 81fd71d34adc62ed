"""The check without an account: published programmes for answers that nobody keeps.

The answers are the caller's alone: they are read, answered and forgotten. Every check runs in a transaction that
cannot write, and nothing of it is logged. What it comes to is what a group with the same published answers is told.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select, text
from sqlalchemy.orm import Session

from marketplace.checks import rules
from marketplace.eligibility.confidence import confidence, fit_makeup
from marketplace.eligibility.distance import gates_away
from marketplace.eligibility.inputs import Inputs
from marketplace.eligibility.models import CriteriaVersion
from marketplace.eligibility.questions_next import MOST_QUESTIONS, next_questions
from marketplace.eligibility.rules import Evaluation, Result, evaluate
from marketplace.eligibility.tree import read_tree
from marketplace.eligibility.waiting import eligible_from
from marketplace.eligibility.ways import ways_in
from marketplace.identity.models import Organisation
from marketplace.matching import candidates
from marketplace.matching.candidates import Stretch
from marketplace.matching.rules import Candidate, exact_counts
from marketplace.matching.service import programme_card, verify_candidate
from marketplace.programmes.models import Programme
from marketplace.programmes.queries import offers
from marketplace.programmes.queries import window_on as window_in_sql
from marketplace.programmes.rules import window_on
from marketplace.reference.facts import REGISTRY, SECTIONS, VERSION, FactDefinition, authored_in
from marketplace.reference.parameters import values_on
from marketplace.values.clock import today
from marketplace.values.reasons import Level

MOST_WAYS = 2
"""Ways in that are shown for each programme."""
MOST_NEAR = 10
"""Near misses that are shown."""
MOST_COMPARED = 12_000
"""So many comparisons the search for ways into one programme may make."""
MOST_SEARCHED, LARGEST_SEARCHED = 20, 40
"""Ways are searched for so many programmes of a page, of at most so many hard criteria each: who asks is nobody in
particular, and no funder's criteria may keep the service busy for long."""
MOST_WEIGHED = 500
"""Programmes that need information and are looked through for the next questions, the best fit first."""


@dataclass(frozen=True, slots=True)
class _Listed:
    """A programme, with whose it is and its criteria."""

    programme: Programme
    organisation: Organisation
    version: CriteriaVersion


@dataclass(frozen=True, slots=True)
class _Check:
    """Answers on a day."""

    inputs: Inputs
    facts: Mapping[str, Any]
    day: date
    parameters: Mapping[str, Any]

    @property
    def in_sql(self) -> ColumnElement[Any]:
        return candidates.own_facts(self.facts)

    def judge(self, tree: Mapping[str, Any]) -> Evaluation:
        return evaluate(tree, self.facts, parameters=self.parameters)


def questions() -> dict[str, Any]:
    """What a check asks: section by section, then about the ask."""
    answered = [each for section in SECTIONS for each in authored_in(section)]
    of_the_ask = [REGISTRY[slug] for slug in rules.ASK_MEMBERS.values()]
    return {"version": VERSION, "data": [_question(each) for each in (*answered, *of_the_ask)]}


def check(current: Session, asked: Mapping[str, Any], place: list[Any] | None, *, strict: bool) -> dict[str, Any]:
    """Published programmes for these answers: how many of each result, a page of them, and what would help.

    `asked`: answers, ask (amount as {"amount", "currency"}, stage, instruments) and limit; if wished as_of, result,
    window, instrument. `place` is where the page before ended. InvalidAnswers with every fault. On the first page
    stand the near misses, the next questions and the answer file as well.
    """
    current.execute(text("SET TRANSACTION READ ONLY"))
    answers = rules.checked_answers(asked["answers"])
    made = _made(answers, asked, place)
    conditions = _conditions(asked, made.day)
    counts = candidates.count_for_proposal(current, made.in_sql, made.day, *conditions)
    found = candidates.candidates_for_proposal(current, made.in_sql, made.day, _stretch(asked, place), *conditions)
    page = found[: asked["limit"]]
    body = {
        "as_of": made.day,
        "counts": exact_counts(counts),
        "data": _programmes(current, made, page, strict=strict),
        **_rest(asked, counts, place, page, more=len(found) > len(page)),
    }
    if place is not None:
        return body
    return {
        **body,
        "near_misses": _near_misses(current, made, conditions, strict=strict),
        "next_questions": _next_questions(current, made, conditions, counts),
        "answer_file": rules.answer_file(answers, asked["ask"], today()),
    }


def _made(answers: Mapping[str, Any], asked: Mapping[str, Any], place: list[Any] | None) -> _Check:
    inputs = Inputs(answers, rules.ask_for_derivation(asked["ask"]))
    day = asked.get("as_of") or (today() if place is None else date.fromisoformat(place[0]))
    return _Check(inputs, inputs.facts(), day, values_on(day))


def _conditions(asked: Mapping[str, Any], day: date) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if "window" in asked:
        conditions.append(window_in_sql(day) == asked["window"])
    if "instrument" in asked:
        conditions.append(offers("instruments", asked["instrument"]))
    return conditions


def _stretch(asked: Mapping[str, Any], place: list[Any] | None) -> Stretch:
    result = Result(asked["result"]) if "result" in asked else None
    after = None if place is None else Candidate(UUID(place[3]), place[1], place[2])
    return Stretch(asked["limit"] + 1, after, result)


def _rest(
    asked: Mapping[str, Any],
    counts: Mapping[Result, int],
    place: list[Any] | None,
    page: Sequence[Candidate],
    *,
    more: bool,
) -> dict[str, Any]:
    """How many stand after the page, and its end: day, rank, fit, id, and how many were shown up to it."""
    shown = len(page) + (0 if place is None else place[4])
    total = counts.get(Result(asked["result"]), 0) if "result" in asked else sum(counts.values())
    if not more:
        return {"more": 0, "end": None}
    last = page[-1]
    return {"more": max(total - shown, 1), "end": [last.rank, last.fit, str(last.id), shown]}


def _listed(current: Session, ids: Iterable[UUID]) -> dict[UUID, _Listed]:
    """Those programmes, each with whose it is and its criteria."""
    query = (
        select(Programme, Organisation, CriteriaVersion)
        .join(Organisation, Organisation.id == Programme.organisation_id)
        .join(CriteriaVersion, CriteriaVersion.id == Programme.current_criteria_version_id)
        .where(Programme.id.in_(list(ids)))
    )
    return {row[0].id: _Listed(*row) for row in current.execute(query)}


def _programmes(current: Session, made: _Check, found: Sequence[Candidate], *, strict: bool) -> list[dict[str, Any]]:
    """The page's programmes, each evaluated by the one evaluator, with what would help where it is not eligible."""
    listed = _listed(current, [candidate.id for candidate in found])
    refusing = [candidate.id for candidate in found if candidate.rank != Result.ELIGIBLE.rank]
    searched = frozenset(refusing[:MOST_SEARCHED])
    items = []
    for candidate in found:
        one = listed[candidate.id]
        told = made.judge(one.version.tree)
        verify_candidate(candidate, told, candidate.id, None, strict=strict)
        item = {
            **_card(made, one),
            **told.as_json(),
            "confidence": confidence(told).as_json(),
            "fit_makeup": fit_makeup(one.version.tree, told),
        }
        if told.result is not Result.ELIGIBLE:
            item |= _what_would_help(made, one, search=candidate.id in searched)
        items.append(item)
    return items


def _near_misses(
    current: Session, made: _Check, conditions: Sequence[ColumnElement[bool]], *, strict: bool
) -> dict[str, Any]:
    """The programmes that the answers miss by least."""
    near = candidates.near_for_proposal(current, made.in_sql, made.day, *conditions)
    listed = _listed(current, [each.id for each in near.places[:MOST_NEAR]])
    items = []
    for each in near.places[:MOST_NEAR]:
        one = listed[each.id]
        told = made.judge(one.version.tree)
        verify_candidate(Candidate(each.id, Result.INELIGIBLE.rank, 0), told, each.id, None, strict=strict)
        gates = gates_away(one.version.tree, told)
        items.append({**_card(made, one), **told.as_json(), "gates": gates, **_what_would_help(made, one, search=True)})
    return {"data": items, "capped": near.capped or len(near.places) > MOST_NEAR}


def _card(made: _Check, one: _Listed) -> dict[str, Any]:
    return {"programme": programme_card(one.programme, one.organisation, one.version, made.day)}


def _what_would_help(made: _Check, one: _Listed, *, search: bool) -> dict[str, Any]:
    """The ways in, and the day from which these answers are enough as they are, with the window on that day."""
    tree = read_tree(one.version.tree)
    day = eligible_from(tree, lambda _: made.facts, made.day)
    waiting = None if day is None else {"day": day, "window": window_on(one.programme, day).value}
    if not search or sum(leaf.level is Level.HARD for leaf in tree.leaves()) > LARGEST_SEARCHED:
        return {"ways": [], "exhaustive": False, "eligible_from": waiting}
    ways = ways_in(tree, made.inputs, parameters=made.parameters, limit=MOST_WAYS, most_compared=MOST_COMPARED)
    return {**ways.as_json(), "eligible_from": waiting}


def _next_questions(
    current: Session, made: _Check, conditions: Sequence[ColumnElement[bool]], counts: Mapping[Result, int]
) -> dict[str, Any]:
    stretch = Stretch(MOST_WEIGHED, result=Result.NEEDS_INFORMATION)
    found = candidates.candidates_for_proposal(current, made.in_sql, made.day, stretch, *conditions)
    query = (
        select(CriteriaVersion.tree)
        .join(Programme, Programme.current_criteria_version_id == CriteriaVersion.id)
        .where(Programme.id.in_([candidate.id for candidate in found]))
    )
    told = (_with_one_question_for_money(made.judge(tree)) for tree in current.scalars(query))
    ranked = next_questions(told, made.facts, limit=len(REGISTRY))
    open_ones = [each for each in ranked if _is_asked(each.fact)][:MOST_QUESTIONS]
    return {
        "looked_at": len(found),
        "of": counts.get(Result.NEEDS_INFORMATION, 0),
        "data": [
            {**_question(REGISTRY[each.fact]), "settles": each.settles, "part_of": each.part_of} for each in open_ones
        ],
    }


def _with_one_question_for_money(told: Evaluation) -> Evaluation:
    """The currency comes with the amount: what waits for either waits for one answer."""
    reasons = (replace(each, fact="ask") if each.fact == "ask_currency" else each for each in told.reasons)
    return replace(told, reasons=tuple(reasons))


def _is_asked(slug: str) -> bool:
    """Whether a check asks it: not what is derived, nor what somebody else has to say (the employer's consent)."""
    return slug in REGISTRY and (not REGISTRY[slug].derived or slug in rules.ASK_MEMBERS.values())


def _question(definition: FactDefinition) -> dict[str, Any]:
    names = ("slug", "section", "type", "codelist", "unit", "scale", "question", "help")
    members = {slug: member for member, slug in rules.ASK_MEMBERS.items()}
    return {
        **{name: getattr(definition, name) for name in names},
        "ask_member": members.get(definition.slug),
        "may_be_skipped": definition.slug not in rules.NEVER_SKIPPED,
    }
