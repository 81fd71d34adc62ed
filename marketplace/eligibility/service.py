"""Criteria versions: making the next one out of columns and an author's tree, and reading what was published."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.eligibility.models import CriteriaVersion
from marketplace.eligibility.tree import compile_columns, compile_tree, parse_author_tree
from marketplace.reference.facts import REGISTRY
from marketplace.values.refusals import NotFound


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
    read = parse_author_tree(author_tree, REGISTRY, language=language, at="#/criteria")
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
    return version


def criteria_version(current: Session, version_id: UUID) -> CriteriaVersion:
    """One published version; anyone may read it. NotFound if there is none."""
    version = current.get(CriteriaVersion, version_id)
    if version is None:
        raise NotFound("There is no such thing, or you may not see it.")
    return version
