"""A group's mover rank over HTTP: by fives, of what all may see, and who offers terms for it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from marketplace.identity.models import Organisation
from marketplace.insight.rogers import rank_after, terms_reach
from marketplace.pipeline.models import StageMove
from marketplace.programmes.cohort_models import FirstMoverTerms
from marketplace.programmes.models import Programme
from marketplace.proposals.models import Proposal
from marketplace.values.reasons import Outcome
from tests.builders import Person, a_member, an_organisation
from tests.insight.test_reports import Market
from tests.programmes.builders import an_open_programme
from tests.proposals.builders import FACTS, a_group, a_proposal

LONDON = {"sector": "youth_services", "area_code": "E09000033", "parent_kind": "local_authority"}


class Ground:
    """A group in London that asks for its rank, and the others there."""

    def __init__(self, client: FlaskClient, session: Session) -> None:
        self.client, self.session = client, session
        self.group, self.person = a_group(session)
        self.proposal = a_proposal(session, self.group, self.person, facts=FACTS | {"service": LONDON})
        self.market = Market(session)
        self.funder = an_organisation(session, kind="funder", name="Leeds Fund")

    def launched(self, number: int, **members: Any) -> list[UUID]:
        made = [self.market.proposal("launched", **members) for _ in range(number)]
        for each in made:
            self.market.moves(each, "set_up", "launched")
        self.session.commit()
        return made

    def programme(self, up_to_rank: int, funder: Organisation | None = None, **members: Any) -> Programme:
        made = an_open_programme(self.session, funder or self.funder, **members)
        words = {"en": f"For the first {up_to_rank}"}
        self.session.add(FirstMoverTerms(id=made.id, words=words, up_to_rank=up_to_rank))
        self.session.commit()
        return made

    def read(self, person: Person | None = None) -> dict[str, Any]:
        who = person or self.person
        answer = self.client.get(f"/v1/proposals/{self.proposal.id}/mover-rank", headers=who.headers)
        assert answer.status_code == 200, answer.json
        return dict(answer.json)


@pytest.fixture
def ground(client: FlaskClient, session: Session) -> Ground:
    return Ground(client, session)


def test_a_group_is_told_among_which_five_it_would_be(ground: Ground) -> None:
    first = ground.read()
    assert (first["sector"], first["region"]) == ("youth_services", "london")
    assert first["rank"] == {"at_least": 1, "at_most": 5}

    ground.launched(4)
    assert ground.read() == first
    ground.launched(1)
    assert ground.read()["rank"] == {"at_least": 6, "at_most": 10}


@pytest.mark.parametrize(
    "members",
    [
        {"visibility": "verified_funders"},
        {"visibility": "private"},
        {"historical": True},
        {"sector": "arts_culture"},
    ],
)
def test_who_is_hidden_elsewhere_or_of_the_record_changes_no_byte(ground: Ground, members: dict[str, Any]) -> None:
    ground.launched(4)
    ground.programme(5)
    before = ground.read()

    ground.launched(3, **members)
    ground.market.proposal("set_up")

    assert ground.read() == before


def test_a_group_that_has_launched_has_the_rank_that_it_had_then(ground: Ground) -> None:
    ground.launched(5)
    moved = StageMove(
        proposal_id=ground.proposal.id,
        number=9,
        kind="forward",
        from_stage="set_up",
        to_stage="launched",
        conditions=[],
        by_user_id=ground.person.id,
        created_at=datetime(2025, 3, 1, tzinfo=UTC) + timedelta(days=40),
    )
    ground.session.add(moved)
    ground.session.commit()

    assert ground.read()["rank"] == {"at_least": 1, "at_most": 5}


def test_the_matching_programmes_whose_terms_reach_to_it_are_named(ground: Ground) -> None:
    reaching, perhaps, beyond = ground.programme(10), ground.programme(7), ground.programme(5)
    never = {
        "schema_version": 1,
        "criteria": [{"code": "SECTOR", "fact": "sector", "op": "eq", "value": "arts_culture", "level": "hard"}],
    }
    ground.programme(10, criteria=never)
    an_open_programme(ground.session, ground.funder)
    ground.launched(5)

    told = {each["programme"]["id"]: each for each in ground.read()["programmes"]}

    assert {key: each["reached"] for key, each in told.items()} == {
        str(reaching.id): "met",
        str(perhaps.id): "unknown",
    }
    assert str(beyond.id) not in told
    assert told[str(reaching.id)]["terms"] == {"words": "For the first 10", "up_to_rank": 10}
    assert told[str(reaching.id)]["result"] == "eligible"


def test_terms_that_were_taken_back_are_named_no_more(ground: Ground) -> None:
    programme = ground.programme(5)
    terms = ground.session.get_one(FirstMoverTerms, programme.id)
    terms.words = terms.up_to_rank = None
    ground.session.commit()

    assert ground.read()["programmes"] == []


def test_without_a_sector_there_is_no_rank_and_terms_may_reach(ground: Ground, session: Session) -> None:
    ground.proposal = a_proposal(session, ground.group, ground.person, facts={})
    ground.programme(5)

    told = ground.read()

    assert (told["sector"], told["rank"]) == (None, None)
    assert [each["reached"] for each in told["programmes"]] == ["unknown"]


def test_a_rank_is_for_the_group_alone_and_for_what_was_published(ground: Ground, session: Session) -> None:
    path = "/v1/proposals/{}/mover-rank"
    draft: Proposal = a_proposal(session, ground.group, ground.person, published=False)
    officer = a_member(session, ground.funder)

    assert ground.client.get(path.format(ground.proposal.id), headers=officer.headers).status_code == 404
    refused = ground.client.get(path.format(draft.id), headers=ground.person.headers)
    assert (refused.status_code, refused.json["code"]) == (422, "nothing-to-match")


@given(st.integers(0, 10_000), st.integers(1, 10_000))
def test_what_is_told_of_terms_holds_for_every_rank_of_the_band(others: int, up_to: int) -> None:
    band = rank_after(others)
    within = {rank <= up_to for rank in range(band.at_least, band.at_most + 1)}

    assert band.at_least <= others + 1 <= band.at_most
    assert band == rank_after(others - others % 5)
    assert (
        terms_reach(up_to, band)
        is {
            frozenset({True}): Outcome.MET,
            frozenset({False}): Outcome.UNMET,
            frozenset({True, False}): Outcome.UNKNOWN,
        }[frozenset(within)]
    )
