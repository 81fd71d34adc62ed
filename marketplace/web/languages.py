"""Which language to answer in (RFC 9110, 12.5.4), and saying so."""

from flask import Flask, Response, g, has_request_context, request

from marketplace.values.words import DEFAULT_LANGUAGE, LANGUAGES, Words, in_language

ALL_LANGUAGES_PARAMETER = "languages"


def wanted_languages() -> tuple[str, ...]:
    """The caller's languages, best first, among those we hold."""
    accepted = [tag.split("-")[0].lower() for tag, quality in request.accept_languages if quality > 0]
    return tuple(dict.fromkeys(tag for tag in accepted if tag in LANGUAGES))


def written_language() -> str:
    """The language of plain strings in this request's body: its Content-Language, else English."""
    stated = request.headers.get("Content-Language", DEFAULT_LANGUAGE).split("-")[0].lower()
    return stated if stated in LANGUAGES else DEFAULT_LANGUAGE


def worded(words: Words) -> str | Words:
    """The text in the caller's language, or the whole map when it was asked for with `languages=all`."""
    if not has_request_context() or request.args.get(ALL_LANGUAGES_PARAMETER) == "all":
        return dict(words)  # not every mapping that holds words is one that JSON is made of
    text, language = in_language(words, wanted_languages())
    g.setdefault("languages_used", set()).add(language)
    return text


def register_languages(app: Flask) -> None:
    """Name the languages that an answer was worded in."""

    @app.after_request
    def name_languages(response: Response) -> Response:
        used = g.get("languages_used")
        if used and "Content-Language" not in response.headers:
            response.headers["Content-Language"] = ", ".join(sorted(used))
        return response
