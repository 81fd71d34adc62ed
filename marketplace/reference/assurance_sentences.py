"""The plain sentences of public assurance statements, as language maps. Knows words, and not when to say which."""

from collections.abc import Mapping

from marketplace.reference.data_files import read_document
from marketplace.values.words import Words

_DOCUMENT = read_document("assurance_sentences.json")

VERSION: str = _DOCUMENT["version"]

SAFEGUARDS: Mapping[str, Mapping[str, Words]] = _DOCUMENT["safeguards"]
"""For each safeguard the sentence where it is `promised`, and where it is `not_promised`."""

LINES: Mapping[str, Words] = _DOCUMENT["lines"]
"""Every other sentence, by code."""

LEVELS: Mapping[str, Words] = _DOCUMENT["levels"]
"""How well a line is known: law, claimed, evidenced, verified, not_said."""


def filled(words: Words, **given: object) -> Words:
    """The sentence with its gaps filled in, in each language."""
    return {language: text.format(**given) for language, text in words.items()}


def percent(basis_points: int) -> str:
    """Basis points in words, such as `12.5%`; without needless decimals."""
    whole, part = divmod(basis_points, 100)
    return f"{whole}.{part:02}".rstrip("0").rstrip(".") + "%"
