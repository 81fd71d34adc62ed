"""Public resources by stage and topic, kept by others: links as data, with the day on which each was last read."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from marketplace.reference.data_files import read_document


@dataclass(frozen=True, slots=True)
class Resource:
    """Something public that helps. No stages: for each. `historical`: about what was, kept for what it teaches."""

    slug: str
    title: dict[str, str]
    publisher: str
    link: str
    topics: tuple[str, ...]
    stages: tuple[str, ...]
    historical: bool
    checked_on: date
    read: str


def _read(row: dict[str, Any]) -> Resource:
    return Resource(
        slug=row["slug"],
        title=row["title"],
        publisher=row["publisher"],
        link=row["link"],
        topics=tuple(row["topics"]),
        stages=tuple(row["stages"]),
        historical=row["historical"],
        checked_on=date.fromisoformat(row["checked_on"]),
        read=row["read"],
    )


_DOCUMENT = read_document("resources.json")

VERSION: str = _DOCUMENT["version"]
RESOURCES: tuple[Resource, ...] = tuple(_read(row) for row in _DOCUMENT["resources"])


def resources_for(stage: str | None = None, topic: str | None = None) -> list[Resource]:
    """The resources for that stage and topic, those for the stage itself before those for each."""
    found = [
        each
        for each in RESOURCES
        if (stage is None or not each.stages or stage in each.stages) and (topic is None or topic in each.topics)
    ]
    return sorted(found, key=lambda each: (stage is not None and stage not in each.stages, each.historical))
