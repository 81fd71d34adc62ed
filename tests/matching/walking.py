"""Walking lists over HTTP to their end."""

from typing import Any

from flask.testing import FlaskClient


def walk(client: FlaskClient, headers: dict[str, str], path: str, **query: Any) -> list[dict[str, Any]]:
    """Every item of a list, page by page."""
    items: list[dict[str, Any]] = []
    parameters = dict(query)
    while True:
        answer = client.get(path, headers=headers, query_string=parameters)
        assert answer.status_code == 200, answer.text
        items += answer.json["data"]
        if not answer.json["has_more"]:
            return items
        parameters = {**query, "cursor": answer.json["next_cursor"]}


def stands(items: list[dict[str, Any]], side: str) -> list[tuple[int, int, str]]:
    """What the order of a list is made of: result, fit (the best first), id."""
    ranks = {"eligible": 0, "needs_information": 1, "ineligible": 2}
    return [(ranks[item["result"]], -item["fit"], item[side]["id"]) for item in items]
