"""The repository itself: its commands exist, its tests mirror the package, its documents are complete and clean."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import marketplace.app  # noqa: F401  (every feature's tables)
from marketplace.cli import ROOT
from marketplace.store.base import Base

IGNORED = {
    ".git", ".venv", "instance", "build", "dist", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache",
    ".hypothesis", ".import_linter_cache", ".schemathesis", "node_modules",
}  # fmt: skip
TEXT = {".py", ".md", ".txt", ".toml", ".yaml", ".yml", ".sql", ".json", ".mako", ".cfg", "", ".csv"}
OF_A_MACHINE = re.compile(r"(?<![\w.:/)-])/(?:work|tmp|home|Users)/")
STRUCTURE = {"promises", "journeys", "benchmarks", "trust"}


def files() -> Iterator[Path]:
    """Every file that belongs to the repository."""
    waiting = [ROOT]
    while waiting:
        for entry in sorted(waiting.pop().iterdir()):
            if entry.name in IGNORED or entry.name.endswith(".egg-info"):
                continue
            if entry.is_dir():
                waiting.append(entry)
            elif entry.suffix in TEXT:
                yield entry


def test_no_file_names_a_path_of_one_machine() -> None:
    found = []
    for path in files():
        text = path.read_text(encoding="utf-8", errors="replace")
        for line, words in enumerate(text.splitlines(), 1):
            if OF_A_MACHINE.search(words):
                found.append(f"{path.relative_to(ROOT)}:{line}: {words.strip()[:100]}")

    assert found == []


def test_every_package_marker_is_empty() -> None:
    full = [
        str(path.relative_to(ROOT)) for path in (ROOT / "marketplace").rglob("__init__.py") if path.read_text().strip()
    ]

    assert full == []


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "marketplace").rglob("*.py")
        if path.name != "__init__.py" and not path.read_text().lstrip().startswith('"""')
    ]

    assert silent == []


def test_no_module_is_named_for_nothing() -> None:
    vague = re.compile(r"^(utils?|helpers?|common|managers?|misc|base_.*)\.py$")

    assert [str(path) for path in (ROOT / "marketplace").rglob("*.py") if vague.match(path.name)] == []


def test_the_tests_mirror_the_package() -> None:
    rooms = {path.name for path in (ROOT / "marketplace").iterdir() if path.is_dir()} | STRUCTURE
    strays = [
        path.name for path in (ROOT / "tests").iterdir()
        if path.is_dir() and path.name not in rooms | IGNORED
    ]  # fmt: skip

    assert strays == []


def test_the_migration_of_each_number_is_there_once() -> None:
    numbers = [path.name[:4] for path in (ROOT / "migrations" / "versions").glob("*.py")]

    assert sorted(numbers) == [f"{each:04}" for each in range(1, len(numbers) + 1)]


@pytest.mark.parametrize("target", ["demo", "test", "check", "serve", "openapi", "errors", "migrate", "clean"])
def test_the_makefile_has_each_promised_command(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_the_settings_table_is_complete() -> None:
    """docs/operations.md names every variable that the code reads, and no other."""
    read = {"DATABASE_URL"}
    for name in ("settings.py", "serving.py"):
        source = (ROOT / "marketplace" / name).read_text()
        read |= {f"MARKETPLACE_{each}" for each in re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', source)}
    table = set(re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE))

    assert table == read


def test_every_pin_is_exact_and_every_dependency_is_pinned() -> None:
    pins = [
        line
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if line.strip() and not line.startswith("#")
    ]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    pinned = {_plain(line.partition("==")[0]) for line in pins}

    assert [line for line in pins if not re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.+-]+", line)] == []
    assert {_plain(re.split(r"[\[<>=!~ ]", each)[0]) for each in wanted} - pinned == set()


def test_every_decision_has_its_number_and_its_three_parts() -> None:
    decisions = sorted((ROOT / "docs" / "adr").glob("*.md"))

    assert [path.name[:4] for path in decisions] == [f"{each:04}" for each in range(1, len(decisions) + 1)]
    for path in decisions:
        text = path.read_text()
        missing = [part for part in ("## Context", "## Decision", "## Consequences") if part not in text]
        assert missing == [], path.name


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_table_s_word_is_in_the_glossary() -> None:
    known = set(re.findall(r"`([A-Z][A-Za-z]+)`", (ROOT / "docs" / "glossary.md").read_text()))
    tables = {each.class_.__name__ for each in Base.registry.mappers}

    assert tables - known == set()
