"""An answer file becomes a draft: its answers go through the sections' own rules, and what no longer fits is named."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from marketplace.checks.rules import LeftOut, read_answer_file
from marketplace.proposals import service as proposals
from marketplace.proposals.models import Proposal
from marketplace.values.actor import Actor


def draft_from_answers(
    current: Session, actor: Actor, organisation_id: UUID, title: dict[str, str], document: dict[str, Any]
) -> tuple[Proposal, tuple[LeftOut, ...]]:
    """A private draft of the caller's group with what the file says, and what of the file was left out of it."""
    draft = {"organisation_id": organisation_id, "title": title}
    proposal = proposals.draft_proposal(current, actor, draft)
    answers = read_answer_file(document)
    for name, facts in answers.sections.items():
        proposals.write_facts(current, actor, proposal.id, name, dict(facts), _just_made)
    proposals.write_ask(current, actor, proposal.id, dict(answers.ask), _just_made)
    return proposal, answers.left_out


def _just_made(_: Any) -> None:
    """A section of a draft that nobody else has seen yet: there is nothing to overwrite."""
