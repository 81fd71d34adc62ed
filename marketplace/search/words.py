"""Words as they are looked for, in SQL. The functions are made by a migration (`migrations/sql/search_texts.sql`)."""

from typing import Any

from sqlalchemy import Boolean, ColumnElement, Integer, String, cast, func, select
from sqlalchemy.orm import Session

from marketplace.values.words import LANGUAGES

BY_LENGTH = 32
"""ts_rank_cd's normalisation to 0..1."""
GRADES = 1_000_000


def has_words(current: Session, asked: str) -> bool:
    """Whether anything is left to look for, without the words that stand in every text."""
    return bool(current.scalar(select(func.numnode(func.search_query(asked)))))


def matches(text: Any, asked: str) -> ColumnElement[bool]:
    """Whether a text has what is asked: all words; "a phrase"; this or that; not -this."""
    found: ColumnElement[bool] = text.op("@@", return_type=Boolean)(func.search_query(asked))
    return found


def relevance(text: Any, asked: str) -> ColumnElement[int]:
    """How near the text comes to what is asked, less the better, so that the best comes first: an exact number."""
    rank = func.ts_rank_cd(text, func.search_query(asked), BY_LENGTH)
    return GRADES - cast(rank * GRADES, Integer)


def as_written(words: Any, language: str) -> ColumnElement[str]:
    """Authored text in that language, else in the first that there is."""
    tags = dict.fromkeys((language, *LANGUAGES))
    return func.coalesce(*(words[tag].astext for tag in tags), type_=String)
