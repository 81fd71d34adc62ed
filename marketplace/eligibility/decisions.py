"""Decisions: an evaluation kept with all that it was made of, so that it can be made again, byte for byte.

Knows how a basis and a result are written, digested and replayed. Must not know whose decision it is, the database or
HTTP. Pure.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any
from uuid import UUID

from marketplace.eligibility.rules import Evaluation, evaluate
from marketplace.eligibility.tree import UnreadableTreeError
from marketplace.values.canonical import canonical_json, sha256_of
from marketplace.values.reasons import Reason

EVALUATOR = 1
"""The evaluator that decides today. Raise it with any change of what an evaluation says, or of how it is written, and
keep the earlier one in `EVALUATORS`: what was decided with it is replayed with it."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What a decision rests on, with the tree that it names by digest.

    `facts` are those that the decider was shown, `shared` the slugs it would have been shown (answered or not),
    `assurance` the level of each fact that is more than declared, `waived` the codes that the decider waived,
    `parameters` the values of the day.
    """

    evaluator: int
    criteria_version_id: UUID
    proposal_version_id: UUID
    tree_sha256: str
    as_of: date
    facts: Mapping[str, Any]
    shared: Sequence[str]
    assurance: Mapping[str, str]
    waived: Sequence[str]
    parameters: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """The basis as plain JSON values: what `sha256` is the digest of."""
        return {
            "evaluator": self.evaluator,
            "criteria_version_id": str(self.criteria_version_id),
            "proposal_version_id": str(self.proposal_version_id),
            "tree_sha256": self.tree_sha256,
            "as_of": self.as_of.isoformat(),
            "facts": dict(self.facts),
            "shared": list(self.shared),
            "assurance": dict(self.assurance),
            "waived": list(self.waived),
            "parameters": dict(self.parameters),
        }

    @property
    def sha256(self) -> str:
        return sha256_of(canonical_json(self.as_json()))


@dataclass(frozen=True, slots=True)
class Replay:
    """A kept decision beside the same one made again. `differs` names what is not as it was kept, in this order:

    `evaluator` (this program has it no more), `criteria` (another tree than was decided over), `basis` (its digest is
    another), `result`. `replayed_sha256` is None where the result could not be made again.
    """

    differs: tuple[str, ...]
    kept_sha256: str
    replayed_sha256: str | None
    evaluator: int

    @property
    def equal(self) -> bool:
        return not self.differs


def tree_digest(tree: Mapping[str, Any]) -> str:
    """The digest of a stored criteria tree."""
    return sha256_of(canonical_json(tree))


def decide(tree: Mapping[str, Any], basis: Basis) -> Evaluation:
    """Evaluate a stored tree over a basis; KeyError for an evaluator that this program does not have."""
    if basis.evaluator not in EVALUATORS:
        raise KeyError(basis.evaluator)
    return evaluate(
        tree,
        basis.facts,
        parameters=basis.parameters,
        shared=frozenset(basis.shared),
        assurance=basis.assurance,
        waived=frozenset(basis.waived),
    )


def result_text(evaluation: Evaluation, evaluator: int = EVALUATOR) -> str:
    """The evaluation as canonical JSON, as that evaluator writes it."""
    return canonical_json(EVALUATORS[evaluator](evaluation))


def replay(tree: Mapping[str, Any], basis: Basis, basis_sha256: str, result: str, result_sha256: str) -> Replay:
    """Make a kept decision again out of its basis and the tree, and say what differs from what was kept.

    A kept result whose text and digest disagree differs, too.
    """
    made = _made_again(tree, basis)
    differs = {
        "evaluator": basis.evaluator not in EVALUATORS,
        "criteria": tree_digest(tree) != basis.tree_sha256,
        "basis": basis.sha256 != basis_sha256,
        "result": made != result or sha256_of(result) != result_sha256,
    }
    return Replay(
        differs=tuple(name for name, found in differs.items() if found),
        kept_sha256=result_sha256,
        replayed_sha256=None if made is None else sha256_of(made),
        evaluator=basis.evaluator,
    )


def _made_again(tree: Mapping[str, Any], basis: Basis) -> str | None:
    """None where there is no such evaluator, or what stands there is no tree."""
    try:
        return result_text(decide(tree, basis), basis.evaluator)
    except (UnreadableTreeError, KeyError, TypeError, ValueError, AttributeError):
        return None


def _result_1(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "result": evaluation.result.value,
        "fit": evaluation.fit,
        "unmet": list(evaluation.unmet),
        "unknown": list(evaluation.unknown),
        "soft_unmet": list(evaluation.soft_unmet),
        "soft_unknown": list(evaluation.soft_unknown),
        "reasons": [_reason_1(reason) for reason in evaluation.reasons],
    }


def _reason_1(reason: Reason) -> dict[str, Any]:
    """Named one by one: a member that reasons gain later is not part of what was kept."""
    return {
        "code": reason.code,
        "outcome": reason.outcome.value,
        "op": reason.op,
        "fact": reason.fact,
        "wanted": reason.wanted,
        "found": reason.found,
        "level": reason.level.value,
        "assurance": reason.assurance,
        "assurance_wanted": reason.assurance_wanted,
        "words": reason.words,
        "negated": reason.negated,
        "not_shared": reason.not_shared,
        "waivable": reason.waivable,
    }


EVALUATORS: Mapping[int, Callable[[Evaluation], dict[str, Any]]] = MappingProxyType({EVALUATOR: _result_1})
"""How each evaluator writes what it came to."""
