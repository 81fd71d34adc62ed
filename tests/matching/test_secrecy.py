"""Matching is no oracle: a funder's answers are the same bytes whatever it may not see says."""

from random import Random
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from marketplace.proposals.models import FactAssurance, Proposal, ProposalVersion
from marketplace.proposals.projection import refresh_projection
from marketplace.proposals.queries import own_view, sharing_of
from marketplace.reference.facts import REGISTRY, derive
from marketplace.values.clock import now
from tests.builders import Person, a_member, an_organisation
from tests.matching.builders import AN_ASK, a_criterion, a_programme, a_proposal
from tests.matching.markets import AUTHORED, a_value, some_criteria, some_facts

pytestmark = pytest.mark.slow

SLOW_TO_BUILD = settings(
    max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def answers(client: FlaskClient, who: Person, programme_id: Any, proposal_id: Any) -> list[tuple[int, Any]]:
    """Everything that matching tells a funder about its programme, with one proposal asked for by name."""
    path = f"/v1/programmes/{programme_id}"
    queries = ["/matches", "/matches?result=ineligible", "/match-summary", "/near-misses", f"/matches/{proposal_id}"]
    told = []
    for query in queries:
        answer = client.get(path + query, headers=who.headers)
        if answer.status_code == 200:
            told.append((200, answer.data))
        else:
            told.append((answer.status_code, {**answer.json, "request_id": None}))
    return told


def published_again(
    session: Session, proposal: Proposal, by: Any, facts: dict[str, Any], number: int, levels: dict[str, str]
) -> None:
    version = ProposalVersion(
        proposal_id=proposal.id,
        number=number,
        title=proposal.title,
        facts=derive(facts, AN_ASK, None),
        ask={**AN_ASK, "lines": []},
        published_by=by,
    )
    session.add(version)
    session.flush()
    session.add_all(
        FactAssurance(proposal_version_id=version.id, fact=fact, level=level, by_user_id=by)
        for fact, level in levels.items()
    )
    proposal.current_version_id = version.id
    refresh_projection(session, proposal)
    session.commit()


@pytest.mark.parametrize("slug", AUTHORED)
def test_an_unshared_fact_changes_no_byte_of_a_funder_s_answers(
    client: FlaskClient, session: Session, slug: str
) -> None:
    """Whatever its value, or none: those values are compared that leave the shared facts (derived ones) the same."""
    random = Random(slug)
    definition = REGISTRY[slug]
    funder, group = an_organisation(session, kind="funder"), an_organisation(session)
    looks, member = a_member(session, funder), a_member(session, group)
    listed = definition.type in {"choices", "areas"}
    value = a_value(random, definition)
    leaf = a_criterion("ORACLE", slug, "contains_any" if listed else "in", value if listed else [value])
    known = {**leaf, "op": "known", "value": True, "level": "soft"}
    soft = [{**leaf, "code": "SOFT", "level": "soft", "weight": 3}, {**known, "code": "KNOWN"}]
    if definition.assurable:
        soft += [
            {**known, "code": "SHOWN", "assurance": "evidenced"},
            {**known, "code": "SURE", "assurance": "verified"},
        ]
    hard = [{"any": [leaf, *some_criteria(random, soft=False)[:1]]}, {"not": {**leaf, "code": "TURNED"}}]
    programme = a_programme(session, funder, looks.id, *([] if definition.never_hard else hard), *soft)
    others = {fact: held for fact, held in some_facts(random).items() if fact != slug}
    proposal = a_proposal(
        session,
        group,
        member.id,
        {**others, slug: value},
        visibility="verified_funders",
        choices={slug: "confidential"},
    )
    shared = sharing_of(session, proposal.id, funder.id).facts
    first = answers(client, looks, programme.id, proposal.id)
    compared, own = 0, {str(own_view(session, proposal.id).facts)}

    for number, other in enumerate([None, *(a_value(random, definition) for _ in range(3))], start=2):
        facts = others if other is None else {**others, slug: other}
        levels = {} if other is None or number % 2 else {slug: "verified"}
        published_again(session, proposal, member.id, facts, number, levels)
        if sharing_of(session, proposal.id, funder.id).facts == shared:
            compared += 1
            own.add(str(own_view(session, proposal.id).facts))
            assert answers(client, looks, programme.id, proposal.id) == first

    assert first[0][0] == 200
    assert compared > 0 or slug == "area_code"
    assert len(own) > 1 or slug == "area_code"


HIDING = ["draft", "private", "withdrawn", "excluded", "named to another"]


@SLOW_TO_BUILD
@given(seed=st.integers(0, 2**32), how=st.sampled_from(HIDING))
def test_a_hidden_proposal_changes_no_byte_of_another_organisation_s_answers(
    client: FlaskClient, session: Session, seed: int, how: str
) -> None:
    random = Random(seed)
    funder, other = an_organisation(session, kind="funder"), an_organisation(session, kind="funder")
    group = an_organisation(session)
    looks, member = a_member(session, funder), a_member(session, group)
    programme = a_programme(session, funder, looks.id, *some_criteria(random))
    for _ in range(3):
        a_proposal(session, group, member.id, some_facts(random))
    sharing: dict[str, Any] = {
        "draft": {"published": False, "visibility": "public"},
        "private": {"visibility": "private", "named": [funder.id], "grants": {funder.id: ["staff_count"]}},
        "withdrawn": {"visibility": "public", "state": "withdrawn", "withdrawn_at": now()},
        "excluded": {"visibility": "verified_funders", "excluded": [funder.id]},
        "named to another": {"visibility": "named", "named": [other.id]},
    }[how]
    state = {name: sharing.pop(name) for name in ("state", "withdrawn_at") if name in sharing}
    no_such = "019a0000-0000-7000-8000-000000000000"
    before = answers(client, looks, programme.id, no_such)

    hidden = a_proposal(session, group, member.id, some_facts(random), **sharing)
    for name, value in state.items():
        setattr(hidden, name, value)
    session.commit()

    after = answers(client, looks, programme.id, hidden.id)
    assert [(status, _unnamed(body, hidden.id)) for status, body in after] == [
        (status, _unnamed(body, no_such)) for status, body in before
    ]


def _unnamed(body: Any, proposal_id: Any) -> Any:
    """A refusal without the address that the caller asked for."""
    if isinstance(body, bytes):
        return body
    return {name: str(value).replace(str(proposal_id), "...") for name, value in body.items()}
