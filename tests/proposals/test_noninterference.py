"""Nothing that is hidden changes any answer to anyone else: what is drafted, and facts that are not shared."""

from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.feeds.service import may_learn
from marketplace.proposals import service
from marketplace.store.journal import Event
from tests.builders import Person, a_member, an_organisation
from tests.proposals.builders import ASK, FACTS, a_group, a_proposal, seen

pytestmark = pytest.mark.slow

FEW = settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
AMOUNTS = st.integers(1, 10**9)


class Onlookers:
    """Everyone who is not of the group, and all that they are told."""

    def __init__(self, client: FlaskClient, session: Session) -> None:
        self.client, self.session = client, session
        self.parent = an_organisation(session, kind="public_body")
        looking = [
            self.parent,
            an_organisation(session, kind="funder"),
            an_organisation(session, kind="funder", verification="unverified"),
            an_organisation(session, kind="staff_group"),
        ]
        self.people: list[Person] = [a_member(session, each, "viewer") for each in looking]

    def told(self, proposals: list[UUID], *, events: bool = True) -> list[Any]:
        """Every answer about these proposals, byte for byte (but for the request's own id), and the feed."""
        answers: list[Any] = []
        paths = [f"/v1/proposals/{each}{rest}" for each in proposals for rest in ("", "/sections", "/versions")]
        lists = ["/v1/proposals", "/v1/proposals?stage=feasibility", "/v1/proposals?sector=community_health"]
        for person in self.people:
            for path in [*lists, *paths]:
                answer = self.client.get(path, headers=person.headers)
                answers.append((answer.status_code, answer.headers.get("ETag"), answer.text.split('"request_id"')[0]))
            if events:
                learns = select(func.count(), func.max(Event.seq)).where(may_learn(person.actor(self.session)))
                answers.append(tuple(self.session.execute(learns).one()))
        return answers


def test_no_answer_to_anyone_depends_on_a_draft(client: FlaskClient, session: Session) -> None:
    onlookers = Onlookers(client, session)
    group, person = a_group(session)
    parent = {"parent_organisation_id": onlookers.parent.id}
    shared = a_proposal(session, group, person, employer=parent, shared={"visibility": "verified_funders"})
    private = a_proposal(session, group, person, employer=parent)
    never = a_proposal(session, group, person, shared={"visibility": "public"}, published=False)
    public = a_proposal(session, group, person, shared={"visibility": "public"})
    ids = [shared.id, private.id, never.id, public.id]
    before = onlookers.told(ids)
    assert before[0][0] == 200
    assert any(answer[0] == 200 and str(shared.id) in answer[-1] for answer in before if len(answer) == 3)

    @FEW
    @given(
        title=st.sampled_from(["Secret", "Another secret"]),
        facts=st.fixed_dictionaries(
            {},
            optional={
                "sector": st.sampled_from(["fire_rescue", "youth_services"]),
                "area_code": st.sampled_from(["E08000035", "W06000015"]),
                "charitable_purpose": st.booleans(),
            },
        ),
        stage=st.sampled_from(["exploring", "growth"]),
        amount=AMOUNTS,
    )
    def draft(title: str, facts: dict[str, Any], stage: str, amount: int) -> None:
        actor = person.actor(session)
        for each in ids:
            service.write_summary(session, actor, each, {"title": {"en": title}, "summary": None}, seen)
            service.write_facts(session, actor, each, "service", facts, seen)
            lines = [{"purpose": "hr", "description": None, "amount": amount}]
            service.write_ask(session, actor, each, ASK | {"stage": stage, "lines": lines}, seen)
        session.commit()

        assert onlookers.told(ids) == before

    draft()


def test_no_answer_to_anyone_depends_on_a_fact_that_is_not_shared(client: FlaskClient, session: Session) -> None:
    onlookers = Onlookers(client, session)
    group, person = a_group(session)
    hidden = {"trades_commercially": "confidential", "legal_form": "confidential"}
    proposal = a_proposal(
        session, group, person, facts=FACTS, shared={"visibility": "verified_funders", "facts": hidden}
    )
    before = onlookers.told([proposal.id], events=False)
    amounts = st.fixed_dictionaries({"amount": AMOUNTS, "currency": st.just("GBP")})

    @FEW
    @given(
        staff=st.fixed_dictionaries({}, optional={"staff_count": st.integers(0, 500), "cuts_threat": st.booleans()}),
        money=st.fixed_dictionaries({}, optional={"mfa_received": amounts, "turnover": amounts}),
        form=st.fixed_dictionaries({}, optional={"legal_form": st.sampled_from(["llp", "cio", "charitable_cbs"])}),
        trades=st.fixed_dictionaries({}, optional={"trades_commercially": st.booleans()}),
    )
    def answer(staff: dict[str, Any], money: dict[str, Any], form: dict[str, Any], trades: dict[str, Any]) -> None:
        actor = person.actor(session)
        answers = {"people": staff, "finance": money, "organisation": form, "service": FACTS["service"] | trades}
        for name, facts in answers.items():
            service.write_facts(session, actor, proposal.id, name, facts, seen)
        service.publish_proposal(session, actor, proposal.id)
        session.commit()

        assert onlookers.told([proposal.id], events=False) == before

    answer()
