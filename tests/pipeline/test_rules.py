"""Which gates which evidence opens."""

import pytest

from marketplace.pipeline.rules import Stage, gates_opened, in_pipeline
from marketplace.pipeline.service import STAGES

THREE = (
    Stage("second", 2, frozenset({"c"})),
    Stage("first", 1, frozenset({"a", "b"})),
    Stage("third", 3, frozenset({"d"})),
    Stage("ended", 90, frozenset({"e"})),
)


@pytest.mark.parametrize(
    ("accepted", "opened"),
    [
        pytest.param(set(), [], id="nothing accepted"),
        pytest.param({"a"}, [], id="half of what is asked"),
        pytest.param({"a", "b"}, ["second"], id="all of the stage before"),
        pytest.param({"a", "b", "c", "z"}, ["second", "third"], id="two gates, and something that opens none"),
        pytest.param({"c"}, ["third"], id="a later gate alone"),
        pytest.param({"d", "e"}, [], id="no evidence leads into an end"),
    ],
)
def test_a_gate_opens_when_all_exit_evidence_of_the_stage_before_is_accepted(
    accepted: set[str], opened: list[str]
) -> None:
    assert gates_opened(THREE, accepted) == opened


def test_a_stage_with_nothing_to_show_opens_nothing_by_itself() -> None:
    assert gates_opened((Stage("first", 1, frozenset()), Stage("second", 2, frozenset({"a"}))), {"a"}) == []


def test_the_pipeline_is_the_stages_from_exploring_to_sustained() -> None:
    slugs = [stage.slug for stage in in_pipeline(STAGES)]

    assert (slugs[0], slugs[-1], len(slugs)) == ("exploring", "sustained", 9)
