"""Which gates the accepted evidence opens. Pure: knows the stages and what each must show before the next begins."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from itertools import pairwise

LAST_ORDER = 89
"""Stages past this order are ends (withdrawn, wound up ...), which no evidence leads into."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage, its place in the pipeline, and the kinds of evidence that show it is finished."""

    slug: str
    order: int
    exit_evidence: frozenset[str]


def in_pipeline(stages: Sequence[Stage]) -> list[Stage]:
    """The stages that follow one another, in order; ends left out."""
    return sorted((stage for stage in stages if stage.order <= LAST_ORDER), key=lambda stage: stage.order)


def gates_opened(stages: Sequence[Stage], accepted: Set[str]) -> list[str]:
    """The stages whose entry gate is open by evidence, in order: all of the stage before's exit evidence is accepted.

    The first stage has none before it: it is entered by declaration alone.
    """
    ordered = in_pipeline(stages)
    return [
        stage.slug for before, stage in pairwise(ordered) if before.exit_evidence and before.exit_evidence <= accepted
    ]
