"""What watches hold after any history of changes is what matching lists: percolated one by one, in any order."""

from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from marketplace.programmes import service as programmes
from marketplace.programmes.models import Programme
from marketplace.reference.facts import REGISTRY
from marketplace.watches.models import Watch
from tests.builders import Person
from tests.matching.builders import a_programme
from tests.matching.markets import a_value, some_criteria
from tests.watches.scene import OPEN, Scene, found, work


def listed(scene: Scene, who: Person, path: str, side: str) -> dict[str, str]:
    """Everything that matching lists as eligible or in need of information, page after page."""
    rows: dict[str, str] = {}
    for result in ("eligible", "needs_information"):
        query: dict[str, Any] = {"limit": 3, "result": result}
        while True:
            page = scene.get(path, who, **query).json
            rows |= {each[side]["id"]: each["result"] for each in page["data"]}
            if not page["has_more"]:
                break
            query["cursor"] = page["next_cursor"]
    return rows


def held(scene: Scene, watch: Any) -> dict[str, str]:
    return {str(subject): result for subject, result in found(scene.session, watch).items()}


def change_something(scene: Scene, random: Random, offered: list[Programme]) -> None:
    """One change by its own service, as a request would make it."""
    which = random.choice(offered)
    match random.choice(["criteria", "criteria", "facts", "sharing", "pause"]):
        case "criteria":
            scene.publish_criteria(*some_criteria(random), programme=which)
        case "facts":
            slugs = [slug for slug in REGISTRY if REGISTRY[slug].section == "people" and not REGISTRY[slug].derived]
            answers = {slug: a_value(random, REGISTRY[slug]) for slug in slugs if random.random() < 0.5}
            scene.answer(answers)
        case "sharing":
            visibility = random.choice(["private", "verified_funders", "public", "named"])
            scene.share(visibility=visibility, facts=random.choice([OPEN, {}, {"sector": "confidential"}]))
        case "pause":
            actor = scene.officer.actor(scene.session)
            row = scene.session.get_one(Programme, which.id, populate_existing=True)
            (programmes.resume_programme if row.paused else programmes.pause_programme)(scene.session, actor, which.id)
            scene.session.commit()


def compare_histories(scene: Scene, seed: int, steps: int) -> None:
    random = Random(seed)
    offered = [scene.programme] + [
        a_programme(scene.session, scene.funder, scene.officer.id, *some_criteria(random), title=f"Fund {number}")
        for number in range(3)
    ]
    ours, theirs = scene.watch("group", delivery="none"), scene.watch("funder", delivery="none")
    for _ in range(steps):
        change_something(scene, random, offered)
        if random.random() < 0.5:
            work(scene.session, backwards=random.random() < 0.5, times=random.choice([1, 1, 2]))
    work(scene.session, backwards=random.random() < 0.5)

    assert held(scene, ours) == listed(scene, scene.nurse, f"/proposals/{scene.proposal.id}/matches", "programme")
    assert held(scene, theirs) == listed(scene, scene.officer, f"/programmes/{scene.programme.id}/matches", "proposal")
    scene.session.execute(delete(Watch))
    scene.session.commit()


def run_histories(scene: Scene, examples: int, steps: int) -> None:
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]

    @settings(max_examples=examples, suppress_health_check=checks)
    @given(seed=st.integers(0, 2**32))
    def holds(seed: int) -> None:
        compare_histories(scene, seed, steps)

    holds()


def test_watches_hold_what_matching_lists_after_any_history(scene: Scene) -> None:
    run_histories(scene, examples=2, steps=5)


@pytest.mark.slow
def test_watches_hold_what_matching_lists_after_many_long_histories(scene: Scene) -> None:
    run_histories(scene, examples=15, steps=12)
