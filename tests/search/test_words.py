"""Words find what says them: in both languages, with or without accents; every text is as it would be written anew."""

from random import Random
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from marketplace.search.labels import label_rows, refresh_labels
from marketplace.search.models import ProgrammeText, ProposalText, SearchLabel
from tests.builders import a_member, an_organisation
from tests.matching.builders import a_criterion, a_programme
from tests.matching.markets import RandomMarket
from tests.search.asking import found
from tests.search.builders import a_proposal

PROGRAMMES = "/v1/programmes"
STALE = """
    SELECT 'programme', programme_id FROM programme_text
     WHERE words IS DISTINCT FROM search_words_of_programme(programme_id)
    UNION ALL
    SELECT 'proposal', proposal_id FROM proposal_text, search_words_of_proposal(proposal_id) made
     WHERE (proposal_text.own, proposal_text.plain, proposal_text.coarse)
           IS DISTINCT FROM (made.own, made.plain, made.coarse)
"""


def a_bilingual_programme(session: Session) -> Any:
    funder = an_organisation(session, kind="funder", name="Afon Fund")
    made = a_programme(
        session,
        funder,
        a_member(session, funder).id,
        a_criterion("SECTOR", "sector", "in", ["youth_services"]),
        {"not": a_criterion("PLACE", "areas", "contains_any", ["S92000003"])},
        a_criterion("NATION", "beneficiary_nation", "eq", "wales"),
        instruments=["loan_unsecured"],
        summary={"en": "For crèches & cafés run by their staff", "cy": "Ar gyfer tŷ a gwasanaethau"},
    )
    made.title = {"en": "Loans for starting out", "cy": "Benthyciadau cychwyn"}
    session.commit()
    return made


@pytest.mark.parametrize(
    ("words", "finds"),
    [
        pytest.param("loans", True, id="a word of the title"),
        pytest.param("LOAN", True, id="in another form"),
        pytest.param("benthyciadau", True, id="in Welsh"),
        pytest.param("tŷ", True, id="with its accent"),
        pytest.param("ty", True, id="without"),
        pytest.param("creches cafe", True, id="all words, wherever"),
        pytest.param("creches spaceships", False, id="not only some"),
        pytest.param("spaceships or creche", True, id="or one"),
        pytest.param('"starting out"', True, id="a phrase"),
        pytest.param('"starting loans"', False, id="not in another order"),
        pytest.param("loans -staff", False, id="not with a word that is ruled out"),
        pytest.param("loans -spaceships", True, id="a word that is not there rules nothing out"),
        pytest.param("afon", True, id="its funder"),
        pytest.param('"youth services"', True, id="what its rules ask for"),
        pytest.param('"unsecured loan"', True, id="what it offers"),
        pytest.param("cymru", True, id="where"),
        pytest.param("scotland", False, id="not what its rules turn away"),
        pytest.param("' & | ! :* <-> ((", None, id="nothing that looks like a query's grammar breaks it"),
        pytest.param("loan' or 1=1 --", True, id="nor like SQL"),
    ],
)
def test_words_find_what_says_them(client: FlaskClient, session: Session, words: str, finds: bool | None) -> None:
    programme = a_bilingual_programme(session)

    if finds is None:
        assert client.get(PROGRAMMES, query_string={"q": words}).status_code in {200, 422}
    else:
        assert found(client, PROGRAMMES, q=words) == ([str(programme.id)] if finds else [])


def test_the_most_relevant_stands_first(client: FlaskClient, session: Session) -> None:
    funder = an_organisation(session, kind="funder")
    by = a_member(session, funder).id
    in_summary = a_programme(session, funder, by, title="Money", summary={"en": "Some of it for libraries"})
    in_title = a_programme(session, funder, by, title="Money for libraries")
    in_rules = a_programme(
        session, funder, by, a_criterion("S", "sector", "in", ["libraries_archives"]), title="Money for some"
    )
    best_first = [str(each.id) for each in (in_title, in_rules, in_summary)]

    assert found(client, PROGRAMMES, q="libraries") == best_first
    assert found(client, PROGRAMMES, q="libraries", sort="relevance") == best_first
    assert found(client, PROGRAMMES, q="libraries", sort="title") == [
        str(each.id) for each in (in_summary, in_title, in_rules)
    ]


def test_a_change_is_found_in_the_same_transaction(client: FlaskClient, session: Session) -> None:
    funder = an_organisation(session, kind="funder", name="Old name")
    programme = a_programme(session, funder, a_member(session, funder).id, title="Old title")
    programme.title = {"en": "Fresh words"}
    funder.name = {"en": "Other name"}
    session.flush()

    held = session.scalar(select(ProgrammeText.words).where(ProgrammeText.programme_id == programme.id))

    assert "'fresh'" in str(held)
    assert "'old'" not in str(held)


def test_a_renamed_group_is_found_by_its_new_name_alone(client: FlaskClient, session: Session) -> None:
    group = an_organisation(session, name="Heron")
    member = a_member(session, group)
    made = a_proposal(session, group, member.id)

    group.name = {"en": "Egret"}
    session.commit()

    assert found(client, "/v1/proposals", member, q="egret") == [str(made.id)]
    assert found(client, "/v1/proposals", member, q="heron") == []


def test_every_text_is_as_it_would_be_written_anew(session: Session) -> None:
    RandomMarket(session, Random(9)).fill(programmes=12, proposals=14)

    assert session.scalar(select(func.count()).select_from(ProgrammeText)) == 12
    assert session.scalar(select(func.count()).select_from(ProposalText)) == 14
    assert session.execute(text(STALE)).all() == []


def test_the_labels_are_those_of_the_codelists_and_areas(session: Session) -> None:
    """Where this fails, codelists have changed: a release needs nothing, `flask migrate` brings them up to date."""
    held = {(row.fact, row.slug, row.words) for row in session.scalars(select(SearchLabel))}

    assert held == {(row["fact"], row["slug"], row["words"]) for row in label_rows()}


def test_a_label_that_has_changed_is_brought_up_to_date_with_every_text(client: FlaskClient, session: Session) -> None:
    programme = a_bilingual_programme(session)
    session.get_one(SearchLabel, ("sector", "youth_services")).words = "Something else"
    session.flush()

    assert refresh_labels(session)
    session.commit()
    assert not refresh_labels(session)
    assert found(client, PROGRAMMES, q='"youth services"') == [str(programme.id)]
