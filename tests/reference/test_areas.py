"""Areas: what lies in what, dead codes, search."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.reference import areas, codelists

LEEDS, CAMBRIDGE, CARDIFF = "E08000035", "E07000008", "W06000015"
LIVERPOOL_CITY_REGION, UNITED_KINGDOM, ENGLAND_AND_WALES = "E47000004", "K02000001", "K04000001"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param(
            LEEDS,
            ("E47000003", "E12000003", "E92000001", "K04000001", "K03000001", "K02000001"),
            id="a city in a combined authority",
        ),
        pytest.param(
            CAMBRIDGE,
            ("E10000003", "E47000008", "E12000006", "E92000001", "K04000001", "K03000001", "K02000001"),
            id="a district in a county in a combined authority",
        ),
        pytest.param(CARDIFF, ("W92000004", "K04000001", "K03000001", "K02000001"), id="Wales has no regions"),
        pytest.param("N92000002", ("K02000001",), id="Northern Ireland is not in Great Britain"),
        pytest.param("E07000153", ("E12000004", "E92000001", "K04000001", "K03000001", "K02000001"), id="a dead code"),
        pytest.param(UNITED_KINGDOM, (), id="nothing holds the United Kingdom"),
    ],
)
def test_ancestors_are_all_areas_that_hold_an_area_nearest_first(code: str, expected: tuple[str, ...]) -> None:
    assert areas.ancestors(code) == expected


@pytest.mark.parametrize(
    ("code", "nation", "region"),
    [
        (LEEDS, "england", "yorkshire_humber"),
        (LIVERPOOL_CITY_REGION, "england", "north_west"),
        ("E10000029", "england", "east_of_england"),
        ("E92000001", "england", None),
        (CARDIFF, "wales", None),
        (UNITED_KINGDOM, None, "uk_wide"),
        (ENGLAND_AND_WALES, None, None),
    ],
)
def test_an_area_lies_in_one_nation_and_region_at_most(code: str, nation: str | None, region: str | None) -> None:
    assert (areas.nation_of(code), areas.region_of(code)) == (nation, region)


def test_a_dead_code_leads_to_the_live_one_that_replaced_it() -> None:
    kettering = areas.area("E07000153")

    assert not kettering.is_live
    assert areas.area(areas.live("E07000153")).name == "North Northamptonshire"
    assert areas.live(LEEDS) == LEEDS


@pytest.mark.parametrize("code", sorted(areas.ALL))
def test_every_live_code_is_live_and_everything_that_holds_it_is_known_and_live(code: str) -> None:
    assert areas.area(areas.live(code)).is_live
    assert all(areas.area(parent).is_live for parent in areas.ancestors(code))
    assert code in areas.ancestors(code) or code == UNITED_KINGDOM or UNITED_KINGDOM in areas.ancestors(code)


def test_codelists_of_nations_and_regions_name_known_areas() -> None:
    for name in ("nations", "regions"):
        assert all(areas.area(entry["gss"]).is_live for entry in codelists.CODELISTS[name])


@pytest.mark.parametrize("code", ["", "E99999999", "e08000035", "E08000035 ", "E10000002\x00"])
def test_a_code_that_no_area_has_is_refused(code: str) -> None:
    with pytest.raises(areas.UnknownArea):
        areas.ancestors(code)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        pytest.param("York", "York", id="the exact name first"),
        pytest.param("york", "York", id="case does not count"),
        pytest.param("upon hull", "Kingston upon Hull, City of", id="words inside the name"),
        pytest.param("  Môn-tref", None, id="a word that no name has"),
        pytest.param("Ynys Môn", None, id="names that the data do not hold"),
        pytest.param("Bríghton", "Brighton and Hove", id="diacritics do not count"),
        pytest.param("cymru", "Wales", id="a nation by its Welsh name"),
        pytest.param("Kettering", "North Northamptonshire", id="a dead district leads to its successor"),
        pytest.param("E08000035", "Leeds", id="a code"),
        pytest.param("north west", "North West", id="the region before districts"),
        pytest.param("", None, id="nothing for nothing"),
        pytest.param("%%'", None, id="nothing for punctuation"),
    ],
)
def test_search_finds_areas_by_the_beginnings_of_words(text: str, first: str | None) -> None:
    found = areas.search(text)

    assert (found[0].name if found else None) == first


def test_search_gives_each_area_once_and_no_more_than_asked() -> None:
    found = areas.search("north", limit=5)

    assert len(found) == 5
    assert len({area.code for area in found}) == 5


@given(st.text(max_size=40))
def test_search_takes_any_text_and_gives_live_areas(text: str) -> None:
    assert all(area.is_live for area in areas.search(text, limit=10))
