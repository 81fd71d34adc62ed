"""Pipeline templates: the stages in order, what each gate asks, who may verify it, and the ends; versioned data.

Knows the templates as they were published. Must not know any proposal, nor how a gate's test comes out. A version
that was published is never edited: what changes is another version.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

from marketplace.reference.data_files import read_document


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody who may verify what a gate asks, by their part in the proposal; words are language maps."""

    slug: str
    label: Mapping[str, str]
    definition: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RequiredEvidence:
    """A kind of evidence (codelist `evidence_kinds`), and the parties whose acceptance of it counts."""

    kind: str
    verified_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GateTest:
    """A test beside the evidence, by name; which members it has hangs on the test.

    employer_approval: `answers` of the employer that are enough, or evidence of `kind`. staff_ballot: `quorum_bp` and
    `threshold_bp` in basis points, evidence of `kind`. staff_transferred: the verified `milestone`. pension_decided:
    none. benefits_register: `least` benefits with baseline and owner. `verified_by` names the parties whose acceptance
    counts.
    """

    test: str
    verified_by: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    kind: str | None = None
    milestone: str | None = None
    quorum_bp: int | None = None
    threshold_bp: int | None = None
    least: int | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """What leads out of a stage into the next one: all of its evidence, and all of its tests."""

    evidence: tuple[RequiredEvidence, ...]
    tests: tuple[GateTest, ...]


@dataclass(frozen=True, slots=True)
class TemplateStage:
    """A stage and the gate that leads out of it; the last stage has none."""

    slug: str
    gate: Gate | None


@dataclass(frozen=True, slots=True)
class End:
    """A stage that nothing leads out of: from where it can be entered, and the reports it asks for, within days."""

    slug: str
    entered_from: tuple[str, ...]
    reports: tuple[RequiredEvidence, ...]
    reports_due_days: int


@dataclass(frozen=True, slots=True)
class TemplateVersion:
    """A template as it was published on a day."""

    slug: str
    number: int
    published_on: date
    stages: tuple[TemplateStage, ...]
    ends: tuple[End, ...]

    @property
    def order(self) -> tuple[str, ...]:
        """The stages' slugs, in order, without the ends."""
        return tuple(stage.slug for stage in self.stages)

    def gate_of(self, stage: str) -> Gate | None:
        """The gate that leads out of `stage`; None for the last stage and for ends."""
        return next((each.gate for each in self.stages if each.slug == stage), None)

    def end(self, slug: str) -> End | None:
        """The end of that name; None where there is none."""
        return next((each for each in self.ends if each.slug == slug), None)

    def verifiers_of(self, kind: str, milestone: str | None) -> frozenset[str]:
        """The parties that some gate or report names for that kind of evidence, or for that milestone."""
        gates = [stage.gate for stage in self.stages if stage.gate is not None]
        asked = [required for gate in gates for required in gate.evidence]
        asked += [report for end in self.ends for report in end.reports]
        named = {party for each in asked if each.kind == kind for party in each.verified_by}
        for test in (test for gate in gates for test in gate.tests):
            if test.kind == kind or (milestone is not None and test.milestone == milestone):
                named |= set(test.verified_by)
        return frozenset(named)


@dataclass(frozen=True, slots=True)
class Template:
    """A pipeline by name, with its versions, oldest first; words are language maps."""

    slug: str
    label: Mapping[str, str]
    definition: Mapping[str, str]
    versions: tuple[TemplateVersion, ...]

    @property
    def latest(self) -> TemplateVersion:
        """The version that proposals are pinned to from now on."""
        return self.versions[-1]

    def version(self, number: int) -> TemplateVersion | None:
        """The version of that number; None where there is none."""
        return next((each for each in self.versions if each.number == number), None)


def _required(rows: Iterable[Mapping[str, Any]]) -> tuple[RequiredEvidence, ...]:
    return tuple(RequiredEvidence(row["kind"], tuple(row["verified_by"])) for row in rows)


def _test(row: Mapping[str, Any]) -> GateTest:
    lists = {name: tuple(row.get(name, ())) for name in ("verified_by", "answers")}
    return GateTest(**{**row, **lists})


def _gate(row: Mapping[str, Any] | None) -> Gate | None:
    return None if row is None else Gate(_required(row["evidence"]), tuple(_test(test) for test in row["tests"]))


def read_version(slug: str, row: Mapping[str, Any]) -> TemplateVersion:
    """A version out of its JSON."""
    return TemplateVersion(
        slug=slug,
        number=row["number"],
        published_on=date.fromisoformat(row["published_on"]),
        stages=tuple(TemplateStage(stage["slug"], _gate(stage["gate"])) for stage in row["stages"]),
        ends=tuple(
            End(end["slug"], tuple(end["from"]), _required(end["reports"]), end["reports_due_days"])
            for end in row["ends"]
        ),
    )


def _template(row: Mapping[str, Any]) -> Template:
    versions = sorted((read_version(row["slug"], each) for each in row["versions"]), key=lambda each: each.number)
    return Template(row["slug"], row["label"], row["definition"], tuple(versions))


_DOCUMENT = read_document("pipeline_templates.json")

VERSION: str = _DOCUMENT["version"]
"""The day of the file's last change, YYYY-MM-DD."""

PARTIES: Mapping[str, Party] = MappingProxyType({row["slug"]: Party(**row) for row in _DOCUMENT["parties"]})
"""The parties that gates name, by slug. The group is none of them: nobody verifies what is their own."""

TEMPLATES: Mapping[str, Template] = MappingProxyType({row["slug"]: _template(row) for row in _DOCUMENT["templates"]})
"""Every template by slug."""

DEFAULT = "public_service_mutual"
"""The template that proposals are pinned to."""
