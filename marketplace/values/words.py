"""Authored text in more than one language: a map from language tag to text, never empty.

English (`en`) and Welsh (`cy`) are offered; a map is stored even where one language is given.
"""

from collections.abc import Mapping, Sequence

LANGUAGES = ("en", "cy")
DEFAULT_LANGUAGE = "en"

Words = dict[str, str]


def in_language(words: Mapping[str, str], wanted: Sequence[str]) -> tuple[str, str]:
    """The text and its language: the first of `wanted` that the map holds, else English, else whatever is there."""
    for language in (*wanted, DEFAULT_LANGUAGE):
        if language in words:
            return words[language], language
    language, text = next(iter(words.items()))
    return text, language
