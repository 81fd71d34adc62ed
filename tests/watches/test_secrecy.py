"""Watches are no oracle: nothing that a funder's watch records or writes hangs on what the funder may not see."""

from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, text

from marketplace.proposals import service as proposals
from marketplace.proposals.consents import answer_consent, invite_employer
from marketplace.proposals.models import Proposal
from marketplace.reference.facts import REGISTRY
from marketplace.store.journal import Event
from marketplace.values.clock import today
from marketplace.watches.models import Watch
from tests.builders import a_member, an_organisation
from tests.matching.builders import a_criterion
from tests.matching.markets import a_value, some_criteria
from tests.proposals.builders import seen
from tests.watches.scene import OPEN, Scene, found, work

pytestmark = pytest.mark.slow


def told(scene: Scene, watches: list[Any]) -> list[Any]:
    """All that the funder can learn of its watches: their answers, its feed, its letters."""
    scene.session.commit()
    paths = [path for each in watches for path in (f"/watches/{each}", f"/watches/{each}/matches",
                                                   f"/watches/{each}/changes")]  # fmt: skip
    answers = [scene.get(path, scene.officer).data for path in paths]
    events = scene.session.scalar(
        select(func.count()).select_from(Event).where(Event.organisation_ids.contains([scene.funder.id]),
                                                      Event.subject_kind == "watch")
    )  # fmt: skip
    return [answers, events, len(scene.letters_to(scene.officer))]


def confidential_facts(random: Random) -> dict[str, dict[str, Any]]:
    """Answers of the facts that are confidential unless the group opens them."""
    sections: dict[str, dict[str, Any]] = {}
    for slug, definition in REGISTRY.items():
        hidden = not definition.derived and definition.visibility == "confidential" and slug not in OPEN
        if hidden and random.random() < 0.7:
            sections.setdefault(definition.section, {})[slug] = a_value(random, definition)
    return sections


def change_what_is_confidential(scene: Scene, seed: int) -> None:
    random = Random(seed)
    scene.publish_criteria(*some_criteria(random))
    watches = [
        scene.watch("funder"),
        scene.watch("funder", kind="search", listing="proposals", query={"sector": "community_health"}),
    ]
    actor = scene.nurse.actor(scene.session)
    before = told(scene, watches)

    for name, facts in confidential_facts(random).items():
        held = proposals.section(scene.session, actor, scene.proposal.id, name).content["facts"]
        kept = {slug: value for slug, value in held.items() if slug not in facts}
        derived_from = {each for rule in REGISTRY.values() for each in rule.derived_from}
        told_apart = {slug: value for slug, value in facts.items() if slug not in derived_from}
        proposals.write_facts(scene.session, actor, scene.proposal.id, name, kept | told_apart, seen)
    proposals.publish_proposal(scene.session, actor, scene.proposal.id)
    scene.session.commit()
    work(scene.session)

    assert told(scene, watches) == before
    scene.session.execute(delete(Watch))
    scene.session.commit()


@pytest.mark.parametrize("amount", [1, 10**9])
def test_a_confidential_fact_that_the_criteria_ask_for_changes_no_byte(scene: Scene, amount: int) -> None:
    asked = a_criterion("TURNOVER", "turnover", "lte", {"amount": 1_000_000, "currency": "GBP"})
    scene.publish_criteria(asked)
    watches = [scene.watch("funder")]
    assert found(scene.session, watches[0]) == {scene.proposal.id: "needs_information"}
    before = told(scene, watches)

    scene.answer({"turnover": {"amount": amount, "currency": "GBP"}}, section="finance")
    work(scene.session)

    assert told(scene, watches) == before


def run_changes(scene: Scene, examples: int) -> None:
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]

    @settings(max_examples=examples, suppress_health_check=checks)
    @given(seed=st.integers(0, 2**32))
    def holds(seed: int) -> None:
        change_what_is_confidential(scene, seed)

    holds()


def test_confidential_facts_change_no_byte_of_what_a_watch_tells(scene: Scene) -> None:
    run_changes(scene, 3)


@pytest.mark.slow
def test_confidential_facts_change_no_byte_over_many_answers(scene: Scene) -> None:
    run_changes(scene, 40)


@pytest.mark.parametrize("how", ["draft", "private", "excluded", "another's name", "withdrawn"])
def test_a_proposal_that_is_not_seen_changes_nothing_whatever_becomes_of_it(scene: Scene, how: str) -> None:
    other = an_organisation(scene.session, kind="funder")
    sharing: dict[str, Any] = {
        "draft": {"visibility": "private"},
        "private": {"visibility": "private"},
        "excluded": {"visibility": "verified_funders", "excluded": [scene.funder.id]},
        "another's name": {"visibility": "named", "named": [other.id]},
        "withdrawn": {"visibility": "private"},
    }[how]
    scene.share(**sharing)
    watches = [scene.watch("funder"), scene.watch("funder", kind="search", listing="proposals", query={})]
    before = told(scene, watches)

    scene.answer({"staff_count": 3}, publish=how != "draft")
    if how == "withdrawn":
        proposals.withdraw_proposal(scene.session, scene.nurse.actor(scene.session), scene.proposal.id)
        scene.session.commit()
    work(scene.session, times=2)

    assert told(scene, watches) == before


def test_the_employer_s_answer_is_no_cause_that_a_funder_reads(scene: Scene) -> None:
    """Even where the job that heard of it is the one that found something else."""
    watch = scene.watch("funder")
    employer = an_organisation(scene.session, kind="public_body")
    clerk = a_member(scene.session, employer, "approver")
    proposal = scene.session.get_one(Proposal, scene.proposal.id, populate_existing=True)
    proposal.parent_organisation_id = employer.id
    scene.session.commit()
    draft = {"organisation_id": employer.id, "title": {"en": "A question"}}
    nurse = scene.nurse.actor(scene.session)
    consent = invite_employer(scene.session, nurse, scene.proposal.id, draft)
    answer = {"answer": "explore", "decided_on": today()}
    answer_consent(scene.session, clerk.actor(scene.session), consent.id, answer)
    scene.share(facts={"staff_count": "confidential"})
    scene.session.execute(text("DELETE FROM procrastinate_jobs WHERE args->>'cause' = 'proposal_shared'"))
    scene.session.commit()
    work(scene.session)

    (change,) = scene.get(f"/watches/{watch}/changes", scene.officer).json["data"]
    assert change["because"]["cause"] == "proposal_changed"
    causes = scene.get(f"/watches/{watch}/changes", scene.officer).data
    assert b"consent" not in causes
