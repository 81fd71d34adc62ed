"""Both ways agree: a programme lists a proposal exactly where the proposal lists the programme, over shared facts."""

from collections import Counter
from random import Random
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.matching.markets import THE_DAY, RandomMarket
from tests.matching.walking import stands, walk

ANSWER = ("result", "fit", "unmet", "unknown", "soft_unmet", "soft_unknown", "reasons")
Pairs = dict[tuple[str, str], dict[str, Any]]


def answer_of(item: dict[str, Any]) -> dict[str, Any]:
    return {name: item[name] for name in ANSWER}


def told_to_groups(client: FlaskClient, market: RandomMarket, over: str) -> tuple[Pairs, Pairs]:
    """(programme, proposal) to the answer in the group's lists, and to what they say that the funder sees."""
    told: Pairs = {}
    seen: Pairs = {}
    for proposal, member in market.proposals:
        if proposal.current_version_id is None:
            continue
        items = walk(client, member.headers, f"/v1/proposals/{proposal.id}/matches", over=over, as_of=THE_DAY, limit=7)
        assert stands(items, "programme") == sorted(set(stands(items, "programme")))
        for item in items:
            pair = (item["programme"]["id"], str(proposal.id))
            told[pair] = answer_of(item)
            if item["they_see"]["visible"]:
                seen[pair] = answer_of(item["they_see"])
    return told, seen


def told_to_funders(client: FlaskClient, market: RandomMarket) -> Pairs:
    """(programme, proposal) to the answer in the funders' lists; nothing for those that may not look."""
    told: Pairs = {}
    for programme, person in market.programmes:
        path = f"/v1/programmes/{programme.id}/matches"
        refused = programme.current_criteria_version_id is None or programme.organisation_id == market.funders[-1][0].id
        if refused:
            assert client.get(path, headers=person.headers).status_code in {403, 422}
            continue
        items = walk(client, person.headers, path, as_of=THE_DAY, limit=9)
        assert stands(items, "proposal") == sorted(set(stands(items, "proposal")))
        for item in items:
            told[(str(programme.id), item["proposal"]["id"])] = answer_of(item)
    return told


@pytest.mark.parametrize(
    ("seed", "programmes", "proposals"),
    [
        pytest.param(2011, 10, 20, id="200 pairs"),
        pytest.param(1122, 40, 50, id="2000 pairs", marks=pytest.mark.slow),
    ],
)
def test_a_programme_lists_a_proposal_exactly_where_the_proposal_lists_the_programme(
    client: FlaskClient, session: Session, seed: int, programmes: int, proposals: int
) -> None:
    market = RandomMarket(session, Random(seed)).fill(programmes, proposals)

    to_funders = told_to_funders(client, market)
    to_groups, _ = told_to_groups(client, market, "shared")
    own, they_see = told_to_groups(client, market, "own")

    differences = [pair for pair in to_funders.keys() | to_groups.keys() if to_funders.get(pair) != to_groups.get(pair)]
    results = Counter(answer["result"] for answer in to_funders.values())
    unshared = sum(any(reason["not_shared"] for reason in answer["reasons"]) for answer in to_funders.values())
    print(
        f"\n{programmes * proposals} pairs: {len(own)} compared over own facts, {len(to_funders)} visible to the funder"
        f" ({dict(results)}; {unshared} with a fact that is not shared), {len(differences)} differences"
    )
    assert differences == []
    assert they_see == to_funders
    assert set(results) == {"eligible", "needs_information", "ineligible"}
    assert 0 < len(to_funders) < len(own)
    assert unshared > 0
