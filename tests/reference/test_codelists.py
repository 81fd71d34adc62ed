"""The codelists as they are served and used."""

import re

import pytest

from marketplace.reference import codelists

CODELISTS = codelists.CODELISTS


@pytest.mark.parametrize("name", CODELISTS)
def test_every_entry_has_a_label_a_definition_and_a_slug_of_its_own(name: str) -> None:
    entries = CODELISTS[name]
    slugs = [entry["slug"] for entry in entries]

    assert entries
    assert len(set(slugs)) == len(slugs)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*|[A-Z]{3}", slug) for slug in slugs)
    assert all(entry["label"] and entry["definition"] for entry in entries)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("registration_states", ("registered", "not_registered")),
        ("employer_consent_answers", ("no_objection", "explore", "receive_funding", "refused")),
        ("visibility_levels", ("private", "named", "verified_funders", "public")),
        ("match_results", ("eligible", "needs_information", "ineligible")),
        ("asset_locks", ("statutory", "optional_statutory", "voluntary", "none")),
        (
            "pledge_states",
            (
                *("draft", "indicated", "offered", "accepted", "contracted", "drawing", "completed"),
                *("withdrawn", "declined", "expired", "clawed_back", "terminated"),
            ),
        ),
    ],
)
def test_lists_that_code_leans_on_keep_their_slugs_and_order(name: str, expected: tuple[str, ...]) -> None:
    assert codelists.slugs(name) == expected


def test_every_sector_has_a_group_and_no_slug_is_both() -> None:
    groups = codelists.slugs("sector_groups")

    assert {entry["group"] for entry in CODELISTS["service_sectors"]} == set(groups)
    assert set(groups).isdisjoint(codelists.slugs("service_sectors"))


def test_nations_have_their_welsh_names() -> None:
    labels = {nation["slug"]: nation["label_cy"] for nation in CODELISTS["nations"]}

    assert labels == {
        "england": "Lloegr",
        "wales": "Cymru",
        "scotland": "Yr Alban",
        "northern_ireland": "Gogledd Iwerddon",
    }


def test_stages_name_known_instruments_and_their_usual_sums_are_minor_units() -> None:
    for stage in CODELISTS["stages"]:
        assert set(stage["usual_instruments"]) <= set(codelists.slugs("instruments"))

    assert codelists.entry("stages", "set_up")["usual_seed_max"] == {"amount": 650_000_00, "currency": "GBP"}


def test_an_unknown_list_or_slug_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        codelists.slugs("colours")
    with pytest.raises(KeyError):
        codelists.entry("stages", "daydreaming")


def test_a_list_cannot_be_changed_by_its_readers() -> None:
    with pytest.raises(TypeError):
        codelists.entry("stages", "set_up")["label"] = "Changed"  # type: ignore[index]


@pytest.mark.parametrize(("currency", "minor_units"), [("GBP", 2), ("JPY", 0), ("KWD", 3), ("EUR", 2)])
def test_currencies_say_how_many_minor_units_they_have(currency: str, minor_units: int) -> None:
    assert codelists.entry("currencies", currency)["minor_units"] == minor_units


@pytest.mark.parametrize("currency", ["DEM", "XXX", "GBX", "gbp"])
def test_a_currency_that_is_not_in_use_is_not_listed(currency: str) -> None:
    assert currency not in codelists.slugs("currencies")
