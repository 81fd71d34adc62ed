"""A search tells nothing that the caller is not shown: no hit, count, rank, order or cell depends on anything else."""

from random import Random
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import literal, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from marketplace.identity.models import Membership, Organisation
from marketplace.proposals import reading, sight
from marketplace.proposals.models import Proposal, ProposalProjection, ProposalVersion
from marketplace.proposals.projection import refresh_projection
from marketplace.proposals.queries import sharing_of, sharings
from marketplace.proposals.reading import cards
from marketplace.proposals.rules import seen_by
from marketplace.proposals.sight import facts_seen, listed_to, seen_plainly
from marketplace.reference.facts import REGISTRY, derive
from marketplace.search.proposals import FACETS
from marketplace.search.rules import BY_RANGE
from marketplace.store.base import new_id
from marketplace.values.actor import Actor, Role
from marketplace.values.actor import Membership as ActingFor
from marketplace.values.clock import today
from tests.builders import Person, a_member, an_organisation
from tests.matching.builders import AN_ASK
from tests.matching.markets import AUTHORED, RandomMarket, a_value, some_facts
from tests.search.builders import a_proposal
from tests.search.test_proposals import one_value

pytestmark = pytest.mark.slow

FEW = settings(max_examples=2, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
SECRET = "Kestrel"
QUERIES: list[dict[str, str]] = [
    {},
    {"facets": ",".join(FACETS)},
    {"q": SECRET},
    {"q": "riverside or grant or youth or leeds or services"},
    {"q": "exploring -leeds -kestrel"},
    {"sort": "title"},
    {"sort": "-sector,region,nation,-title"},
    {"area": "E08000035"},
    {"place": "Yorkshire and The Humber"},
    {"fact.staff_count.gte": "0", "facets": "sector"},
]


def told(client: FlaskClient, who: Person, queries: list[dict[str, str]] = QUERIES) -> list[Any]:
    """Everything that the search tells somebody, byte for byte."""
    answers: list[Any] = []
    for query in queries:
        page = client.get("/v1/proposals", headers=who.headers, query_string=query)
        assert page.status_code == 200, page.text
        answers.append(page.data)
    answers.append(client.get("/v1/proposals", headers={**who.headers, "Accept": "text/csv"}).data)
    return answers


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)])
def test_what_is_searched_is_what_the_card_shows(session: Session, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """For everybody in a market where everything is shared in every way, a party to a promise and a guest included."""
    market = RandomMarket(session, Random(seed)).fill(programmes=6, proposals=25)
    party, promised = market.funders[0][0].id, [proposal.id for proposal, _ in market.proposals[::4]]

    def is_party(organisations: frozenset[Any], proposal_id: Any) -> Any:
        return proposal_id.in_(promised) if party in organisations else literal(False)

    monkeypatch.setattr(reading, "PARTY_CLAUSES", [is_party])
    monkeypatch.setattr(sight, "PARTY_CLAUSES", [is_party])
    group, member = market.proposals[0][0].organisation_id, market.proposals[0][1]
    actors = [person.actor(session) for _, person in market.funders]
    guest_of, until = market.proposals[1][0].id, today()
    guest = a_member(session, session.get_one(Organisation, group), "guest", proposal_id=guest_of, until=until)
    actors += [member.actor(session), guest.actor(session), Actor()]
    two_hats = Actor(actors[0].user_id, actors[0].memberships + actors[1].memberships)
    policies = sharings(session, session.scalars(select(Proposal)).all())
    compared = {"plainly": 0, "under a pseudonym": 0, "granted": 0}

    for actor in [*actors, two_hats]:
        seen = select(Proposal, facts_seen(actor, today()), seen_plainly(actor)).outerjoin(ProposalProjection)
        rows = session.execute(seen.where(listed_to(actor))).all()
        by_policy = {each for each, sharing in policies.items() if seen_by(sharing, actor)}
        as_party = set(promised) if party in actor.organisation_ids else set()
        assert {row[0].id for row in rows} == by_policy | as_party, actor
        shown = {card["id"]: card for card in cards(session, actor, [row[0] for row in rows])}
        for proposal, facts, plainly in rows:
            card = shown[proposal.id]
            assert (facts or {}) == card["facts"], actor
            assert plainly == ("organisation_name" in card), actor
            compared["plainly" if plainly else "under a pseudonym"] += 1
            compared["granted"] += card["perspective"] == "outsider" and bool(
                set(card["facts"]) - set(sharing_of(session, proposal.id, None).facts)
            )

    assert min(compared.values()) > 0, compared


HIDING = ["draft", "withdrawn", "excluded", "named to another"]


@pytest.mark.parametrize("how", ["private", *(pytest.param(each, marks=pytest.mark.slow) for each in HIDING)])
def test_a_hidden_proposal_changes_no_byte_that_anyone_else_is_told(
    client: FlaskClient, session: Session, how: str
) -> None:
    random = Random(how)
    funder, other = an_organisation(session, kind="funder"), an_organisation(session, kind="funder")
    group = an_organisation(session)
    looks, member = a_member(session, funder, "viewer"), a_member(session, group)
    for _ in range(6):
        a_proposal(session, group, member.id, some_facts(random))
    hidden: dict[str, Any] = {
        "draft": {"published": False, "visibility": "public"},
        "private": {"visibility": "private", "named": [funder.id], "grants": {funder.id: ["staff_count"]}},
        "withdrawn": {"visibility": "public", "withdrawn": True},
        "excluded": {"visibility": "verified_funders", "excluded": [funder.id]},
        "named to another": {"visibility": "named", "named": [other.id]},
    }[how]
    before = told(client, looks)

    a_proposal(session, group, member.id, some_facts(random), title=SECRET, **hidden)

    assert told(client, looks) == before


@pytest.mark.parametrize("visibility", ["verified_funders", pytest.param("public", marks=pytest.mark.slow)])
@FEW
@given(seed=st.integers(0, 2**32))
def test_a_fact_that_is_not_shared_changes_no_byte(
    client: FlaskClient, session: Session, visibility: str, seed: int
) -> None:
    """Whatever all of them say, asked by every filter on them; nor does a title under a pseudonym."""
    random = Random(seed)
    funder, group = an_organisation(session, kind="funder"), an_organisation(session)
    looks, member = a_member(session, funder, "viewer"), a_member(session, group)
    hidden = random.sample([slug for slug in AUTHORED if slug not in {"area_code", "lead_nation"}], 5)
    answered = some_facts(random)
    kept = {slug: value for slug, value in answered.items() if slug not in hidden}
    proposal = a_proposal(
        session, group, member.id, answered, visibility=visibility, choices=dict.fromkeys(hidden, "confidential")
    )
    asked = [{f"fact.{slug}": one_value(REGISTRY[slug])[1]} for slug in hidden]
    asked += [{f"fact.{slug}.gte": "0"} for slug in hidden if REGISTRY[slug].type in BY_RANGE - {"date"}]
    shared = sharing_of(session, proposal.id, funder.id).facts
    first = told(client, looks, QUERIES + asked)

    title = {"en": SECRET} if visibility == "verified_funders" else {"en": "Riverside speech therapy"}
    for number in range(2, 4):
        others = {slug: a_value(random, REGISTRY[slug]) for slug in hidden if random.random() < 0.7}
        publish_again(session, proposal, member.id, {**kept, **others}, number, title)
        if sharing_of(session, proposal.id, funder.id).facts == shared:
            assert told(client, looks, QUERIES + asked) == first


def publish_again(
    session: Session, proposal: Proposal, by: Any, facts: dict[str, Any], number: int, title: dict[str, str]
) -> None:
    version = ProposalVersion(
        proposal_id=proposal.id,
        number=number,
        title=title,
        facts=derive(facts, AN_ASK, None),
        ask={**AN_ASK, "lines": []},
        published_by=by,
    )
    session.add(version)
    session.flush()
    proposal.current_version_id = version.id
    refresh_projection(session, proposal)
    session.commit()


def test_two_hats_are_not_looked_past(client: FlaskClient, session: Session) -> None:
    """Somebody whose other organisation is kept out finds nothing by what the one is granted."""
    group = an_organisation(session)
    granted, kept_out = an_organisation(session, kind="funder"), an_organisation(session, kind="funder")
    owner, both = a_member(session, group), a_member(session, granted)
    session.add(Membership(id=new_id(), organisation_id=kept_out.id, user_id=both.id, role="viewer"))
    a_proposal(
        session,
        group,
        owner.id,
        {"staff_count": 40},
        excluded=[kept_out.id],
        grants={granted.id: ["staff_count"]},
    )

    public = client.get("/v1/proposals", headers=both.headers).json["data"]
    asked = client.get("/v1/proposals", headers=both.headers, query_string={"fact.staff_count": "40"}).json["data"]

    assert (len(public), asked) == (1, [])


def test_the_question_grows_no_faster_than_the_caller_s_organisations() -> None:
    """A curator belongs to dozens: what is asked about each of them may not be asked again for every other."""

    def length(number: int) -> int:
        memberships = tuple(
            ActingFor(new_id(), Role.OWNER, "funder", "vouched", identifiers=(f"GB-COH-{each:08d}",))
            for each in range(number)
        )
        actor = Actor(new_id(), memberships)
        asked = select(facts_seen(actor, today()), seen_plainly(actor)).where(listed_to(actor))
        return len(str(asked.select_from(Proposal).compile(dialect=postgresql.dialect())))

    assert length(80) < 2.5 * length(40)
