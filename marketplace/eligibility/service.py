"""Criteria versions: making the next one out of columns and an author's tree, and reading what was published."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.eligibility.indexing import index_version
from marketplace.eligibility.models import CriteriaVersion
from marketplace.eligibility.tree import CriteriaTree, compile_columns, compile_tree, parse_author_tree
from marketplace.questions.service import registry_with
from marketplace.reference.facts import FactDefinition, normalise
from marketplace.values.refusals import NotFound

MOST_PLACES = 1_000
"""More than any tree has that is not refused for its size."""


def read_author_tree(current: Session, author_tree: Any, *, language: str = "en", at: str = "#") -> CriteriaTree:
    """What an author wrote, over the facts registry and the questions in use. InvalidCriteria with every fault."""
    registry = facts_of(current, author_tree)

    def check(fact: str, value: Any) -> Any:
        return normalise(registry[fact], value)

    return parse_author_tree(author_tree, registry, check=check, language=language, at=at)


def facts_of(current: Session, author_tree: Any) -> Mapping[str, FactDefinition]:
    """The facts that an author may ask for: the registry's, and those of the tree's that are questions in use."""
    return registry_with(current, facts_named(author_tree), retired=False)


def facts_named(tree: Any) -> frozenset[str]:
    """Every text that stands under `fact` in a tree, however it is written. At most the first 1,000 places are read."""
    found: set[str] = set()
    waiting, read = [tree], 0
    while waiting and read < MOST_PLACES:
        place, read = waiting.pop(), read + 1
        if isinstance(place, dict):
            fact = place.get("fact")
            found |= {fact} if isinstance(fact, str) else set()
            waiting += [each for member, each in place.items() if member != "value" and isinstance(each, (dict, list))]
        elif isinstance(place, list):
            waiting += [each for each in place if isinstance(each, (dict, list))]
    return frozenset(found)


def publish_version(
    current: Session,
    *,
    programme_id: UUID,
    columns: Mapping[str, Any],
    author_tree: Mapping[str, Any],
    published_by: UUID,
    language: str = "en",
) -> CriteriaVersion:
    """Compile and keep the programme's next version. The caller holds the programme's row locked.

    `columns` has currency, instruments, stages, ask_min and ask_max (minor units). InvalidCriteria with every fault,
    its pointers beginning with `#/criteria`.
    """
    read = read_author_tree(current, author_tree, language=language, at="#/criteria")
    number = current.scalar(
        select(func.coalesce(func.max(CriteriaVersion.number), 0)).where(CriteriaVersion.programme_id == programme_id)
    )
    version = CriteriaVersion(
        programme_id=programme_id,
        number=(number or 0) + 1,
        tree=compile_tree(compile_columns(**columns), read),
        columns=dict(columns),
        author_tree=read.as_json(),
        published_by=published_by,
    )
    current.add(version)
    current.flush()
    index_version(current, version)
    return version


def criteria_version(current: Session, version_id: UUID) -> CriteriaVersion:
    """One published version; anyone may read it. NotFound if there is none."""
    version = current.get(CriteriaVersion, version_id)
    if version is None:
        raise NotFound("There is no such thing, or you may not see it.")
    return version
