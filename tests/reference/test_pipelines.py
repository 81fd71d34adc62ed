"""The pipeline templates: what was published is never edited."""

from copy import deepcopy

import pytest

from marketplace.reference.data_files import read_document
from marketplace.reference.pipelines import DEFAULT, TEMPLATES
from marketplace.values.canonical import canonical_json, sha256_of

PUBLISHED = {
    ("public_service_mutual", 1): "c5aa406f454e0088468f1ee001bf960fb5681e03063de7e4d4a5383c9af49263",
    ("public_service_mutual", 2): "219081328352c8f40c38b8d19bd4dcd3f34fdf7b8f7fdb3ca64ab6cd1ddfc479",
}
"""The digest of each version that was published. A new version gets a row; a row never changes."""

VERSIONS = {
    (template["slug"], version["number"]): version
    for template in read_document("pipeline_templates.json")["templates"]
    for version in template["versions"]
}


def test_every_published_version_is_as_it_was_published() -> None:
    assert {key: sha256_of(canonical_json(version)) for key, version in VERSIONS.items()} == PUBLISHED


def test_the_second_version_is_the_first_with_the_benefits_register_before_the_set_up() -> None:
    first, second = (deepcopy(VERSIONS["public_service_mutual", number]) for number in (1, 2))
    added = {"test": "benefits_register", "least": 1}
    gates = {stage["slug"]: stage["gate"] for stage in second["stages"]}
    assert added in gates["decision"]["tests"]

    gates["decision"]["tests"].remove(added)

    assert second | {"number": 1} == first


def test_versions_are_numbered_from_one_without_gaps() -> None:
    for template in TEMPLATES.values():
        numbers = [version.number for version in template.versions]
        assert numbers == list(range(1, len(numbers) + 1))


def test_the_default_template_is_there_and_unknown_versions_are_not() -> None:
    template = TEMPLATES[DEFAULT]

    assert template.latest is template.version(template.latest.number)
    assert template.version(0) is None


@pytest.mark.parametrize(
    ("kind", "milestone", "parties"),
    [
        ("employer_approval", None, {"employer"}),
        ("commissioner_commitment", None, {"commissioner"}),
        ("annual_report", None, set()),
        ("annual_report", "staff_transferred", {"funder", "employer", "commissioner"}),
        ("learning_report", None, {"funder", "employer", "commissioner", "host", "adviser"}),
    ],
)
def test_whoever_may_verify_a_kind_or_a_milestone_is_told(kind: str, milestone: str | None, parties: set[str]) -> None:
    assert TEMPLATES[DEFAULT].latest.verifiers_of(kind, milestone) == parties
