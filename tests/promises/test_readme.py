"""README and glossary tell the truth: commands exist, requests are operations, links lead somewhere."""

import re

from marketplace.cli import ROOT
from marketplace.demo.load import PASSWORD
from marketplace.insight.reports import KINDS
from marketplace.reference.facts import REGISTRY
from tests.promises.committed import committed_openapi

README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def test_every_make_command_is_a_target() -> None:
    named = set(re.findall(r"\bmake ([a-z-]+)\b", "\n".join(re.findall(r"```\n(.*?)```", README, re.DOTALL))))
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))

    assert {"demo", "test"} <= named
    assert named <= targets


def test_every_request_of_the_walk_is_an_operation() -> None:
    shell = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL))
    walked = {re.sub(r"\$[A-Z1]+", "{}", path) for path in re.findall(r"\$API(/[^\s\"'?)]+)", shell)}
    document = committed_openapi()
    known = {re.sub(r"\{[^}]+\}", "{}", path.removeprefix("/v1")) for path in document["paths"]}

    assert len(walked) > 8
    assert walked <= known


def test_every_address_in_the_glossary_is_an_operations_or_their_beginning() -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    document = committed_openapi()
    known = [re.sub(r"\{[^}]+\}", "{}", path) + "/" for path in document["paths"]]
    named = {re.sub(r"\{[^}]+\}", "{}", path) for path in re.findall(r"`(/v1/[^`]+)`", glossary)}

    assert {path for path in named if not any(each.startswith(path + "/") for each in known)} == set()


def test_every_idea_names_operations_facts_and_reports_that_there_are() -> None:
    ideas = (ROOT / "docs" / "seed-ideas.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([A-Za-z_]+)`", ideas))
    paths = committed_openapi()["paths"].values()
    operations = {each["operationId"] for path in paths for method, each in path.items() if method != "parameters"}
    verbs = {each for each in named if re.match(r"(get|list|post|put|patch|delete)[A-Z]", each)}

    assert verbs <= operations
    assert named - verbs - {"code"} <= {*REGISTRY, *KINDS}
    assert re.findall(r"^\| (\d+) ", ideas, re.MULTILINE) == [str(number) for number in range(1, 35)]


def test_every_link_leads_to_a_file() -> None:
    missing = [
        target
        for target in re.findall(r"\]\(([^)#]+)\)", README)
        if "://" not in target and not (ROOT / target).exists()
    ]

    assert missing == []


def test_the_password_of_the_walk_is_that_of_the_demonstration() -> None:
    assert f"PASSWORD='{PASSWORD}'" in README
