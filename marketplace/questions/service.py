"""Asking questions of one's own, finding those that others ask, and reading them as definitions of facts."""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from marketplace.identity.models import Organisation
from marketplace.questions.models import Question
from marketplace.questions.rules import (
    MOST_QUESTIONS,
    NotAnAsker,
    NotYourQuestion,
    QuestionFaults,
    QuestionRetired,
    QuestionTaken,
    TooManyQuestions,
    question_faults,
)
from marketplace.reference.facts import REGISTRY, FactDefinition, is_question
from marketplace.store.base import new_id
from marketplace.store.journal import Audience, record
from marketplace.values.actor import FUNDING_KINDS, Actor
from marketplace.values.clock import now
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import NotFound

CONFIDENTIAL = "confidential"


def ask_question(current: Session, actor: Actor, draft: dict[str, Any]) -> Question:
    """Add a question. QuestionFaults with every fault; QuestionTaken where the slug is in use by anyone."""
    membership = permit(actor, Action.ASK_QUESTION, draft["organisation_id"])
    if membership.kind not in FUNDING_KINDS:
        raise NotAnAsker("Whoever publishes programmes asks questions.")
    faults = question_faults(draft)
    if faults:
        raise QuestionFaults("`errors` names each fault.", errors=faults)
    home = Organisation.id == draft["organisation_id"]
    current.execute(select(Organisation.id).where(home).with_for_update(key_share=True))
    in_use = select(func.count()).where(Question.organisation_id == draft["organisation_id"])
    if (current.scalar(in_use.where(Question.retired_at.is_(None))) or 0) >= MOST_QUESTIONS:
        raise TooManyQuestions(f"At most {MOST_QUESTIONS} are in use at a time.")
    values = {**draft, "id": new_id(), "asked_by": actor.person}
    made = current.scalar(insert(Question).values(values).on_conflict_do_nothing().returning(Question.id))
    if made is None:
        raise QuestionTaken("Read it at /v1/questions/{slug}: criteria of any programme may name it.")
    question = current.get_one(Question, made)
    _note(current, actor, question, "question.asked")
    return question


def retire_question(current: Session, actor: Actor, slug: str) -> Question:
    """Take a question out of use: no new criteria name it; what was published and answered stays."""
    found = question_of(current, slug)
    if actor.membership_in(found.organisation_id) is None:
        raise NotYourQuestion("Whoever asks a question retires it.")
    permit(actor, Action.ASK_QUESTION, found.organisation_id)
    query = select(Question).where(Question.id == found.id).with_for_update(key_share=True)
    question = current.scalars(query.execution_options(populate_existing=True)).one()
    if question.retired_at is not None:
        raise QuestionRetired("It was taken out of use before.")
    question.retired_at = now()
    question.version += 1
    current.flush()
    _note(current, actor, question, "question.retired")
    return question


def question_of(current: Session, slug: str) -> Question:
    """The question of that slug; anyone may read it. NotFound if there is none."""
    found = current.scalar(select(Question).where(Question.slug == slug))
    if found is None:
        raise NotFound("There is no question of that slug.")
    return found


def questions(
    current: Session,
    *,
    organisation_id: UUID | None = None,
    words: str | None = None,
    retired: bool = False,
    after: UUID | None = None,
    limit: int,
) -> Sequence[Question]:
    """Questions that funders ask, oldest first; `limit` + 1 of them. `words` are looked for in either language."""
    query = select(Question).order_by(Question.id).limit(limit + 1)
    if not retired:
        query = query.where(Question.retired_at.is_(None))
    if organisation_id is not None:
        query = query.where(Question.organisation_id == organisation_id)
    if words is not None:
        said = func.lower(Question.question.op("->>")("en")), func.lower(Question.question.op("->>")("cy"))
        found = [each.contains(words.lower(), autoescape=True) for each in said]
        query = query.where(found[0] | found[1])
    if after is not None:
        query = query.where(Question.id > after)
    return list(current.scalars(query))


# As definitions of facts


def definitions(current: Session, slugs: Collection[str], *, retired: bool = True) -> dict[str, FactDefinition]:
    """Those of `slugs` that are questions, as facts are defined; retired ones only if so wished."""
    wanted = sorted({slug for slug in slugs if is_question(slug)})
    if not wanted:
        return {}
    query = select(Question).where(Question.slug.in_(wanted))
    if not retired:
        query = query.where(Question.retired_at.is_(None))
    return {row.slug: definition_of(row) for row in current.scalars(query)}


def registry_with(current: Session, slugs: Collection[str], *, retired: bool = True) -> Mapping[str, FactDefinition]:
    """The facts registry together with those of `slugs` that are questions."""
    return MappingProxyType({**REGISTRY, **definitions(current, slugs, retired=retired)})


def definition_of(question: Question) -> FactDefinition:
    """The question as a fact: confidential until the group shares it, changeable by nobody."""
    return FactDefinition(
        slug=question.slug,
        type=question.type,
        codelist=None,
        scale=question.scale,
        section=None,
        question=question.question,
        help=question.help or {},
        unit=question.unit,
        visibility=CONFIDENTIAL,
        attested_by=("group", "verifier"),
        changeable=None,
        derived_from=(),
        derived_rule=None,
        follows=(),
        options=tuple(option["slug"] for option in question.options),
    )


def _note(current: Session, actor: Actor, question: Question, type_: str) -> None:
    record(
        current,
        type_,
        "question",
        question.id,
        actor=actor,
        audience=Audience(frozenset({question.organisation_id}), public=True),
        path=f"/v1/questions/{question.slug}",
        after={"slug": question.slug, "retired_at": question.retired_at},
    )
