"""Organisation identifiers: schemes and the forms of their numbers."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.reference.identifiers import SCHEMES, InvalidIdentifier, check_identifier


@pytest.mark.parametrize(
    ("scheme", "number", "normal"),
    [
        ("GB-COH", "09506232", "09506232"),
        ("GB-COH", "7444723", "07444723"),
        ("GB-COH", "sc 234 456", "SC234456"),
        ("GB-COH", "IP031455", "IP031455"),
        ("GB-CHC", "1164883", "1164883"),
        ("GB-CHC", " 279417 ", "279417"),
        ("GB-SC", "sc042386", "SC042386"),
        ("GB-NIC", "100019", "100019"),
        ("GB-MPR", "235C", "235C"),
        ("GB-MPR", "29433R", "29433R"),
        ("GB-LAE", "bir", "BIR"),
        ("GB-LAE", "GMCA", "GMCA"),
        ("GB-NHS", "RAX", "RAX"),
        ("GB-NHS", "7A1A5", "7A1A5"),
        ("GB-IRN", "542-0059", "542-0059"),
        ("XI-LEI", "724500PMK2A2M1SQQ228", "724500PMK2A2M1SQQ228"),
        ("US-EIN", " 13-1837418", "13-1837418"),
    ],
)
def test_a_number_of_the_right_form_is_kept_in_its_normal_writing(scheme: str, number: str, normal: str) -> None:
    assert check_identifier(scheme, number) == normal


@pytest.mark.parametrize(
    ("scheme", "number", "field"),
    [
        pytest.param("GB-XYZ", "123", "scheme", id="no such register"),
        pytest.param("gb-coh", "09506232", "scheme", id="codes are capitals"),
        pytest.param("GB-COH", "123", "number", id="too short to be a company"),
        pytest.param("GB-COH", "ZZ123456", "number", id="an unknown prefix"),
        pytest.param("GB-COH", "00000000", "number", id="nothing but zeros"),
        pytest.param("GB-COH", "٠٩٥٠٦٢٣٢", "number", id="digits of another script"),
        pytest.param("GB-CHC", "12345", "number", id="five digits"),
        pytest.param("GB-CHC", "12345678", "number", id="eight digits"),
        pytest.param("GB-SC", "042386", "number", id="a Scottish charity without SC"),
        pytest.param("GB-NHS", "RA", "number", id="two characters"),
        pytest.param("XI-LEI", "724500PMK2A2M1SQQ229", "number", id="wrong check digits"),
        pytest.param("US-EIN", "", "number", id="empty"),
        pytest.param("US-EIN", "   ", "number", id="only spaces"),
        pytest.param("US-EIN", "12\x00", "number", id="a NUL"),
        pytest.param("US-EIN", "1" * 61, "number", id="61 characters"),
    ],
)
def test_a_wrong_scheme_or_number_is_refused_by_field(scheme: str, number: str, field: str) -> None:
    with pytest.raises(InvalidIdentifier) as refusal:
        check_identifier(scheme, number)

    assert refusal.value.field == field


def _published_examples() -> list[tuple[str, str]]:
    return [
        (scheme.code, example.strip())
        for scheme in SCHEMES.values()
        if scheme.form is not None
        for example in re.split(r"[,;]", scheme.examples)
        if example.strip()
    ]


@pytest.mark.parametrize(("scheme", "example"), _published_examples())
def test_the_examples_that_registers_publish_are_accepted(scheme: str, example: str) -> None:
    assert check_identifier(scheme, example) == example


@given(st.sampled_from(sorted(SCHEMES)), st.text(max_size=70))
def test_checking_twice_changes_nothing_and_hostile_text_is_refused_in_one_way(scheme: str, number: str) -> None:
    try:
        normal = check_identifier(scheme, number)
    except InvalidIdentifier:
        return
    assert check_identifier(scheme, normal) == normal
    assert normal.isprintable()


def test_all_published_schemes_are_known() -> None:
    assert len(SCHEMES) == 552
    assert SCHEMES["GB-GOVUK"].deprecated
    assert not SCHEMES["GB-COH"].deprecated
