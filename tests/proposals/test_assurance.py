"""How sure a fact is, from version to version."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.eligibility.rules import ASSURANCE_MEMBER
from marketplace.evidence import policy
from marketplace.evidence import service as evidence
from marketplace.evidence.models import Evidence
from marketplace.proposals import queries, service
from marketplace.proposals.assurance import assure_fact, current_version_of, levels_of
from marketplace.proposals.models import Proposal, ProposalProjection
from marketplace.reference.facts import derive
from marketplace.store.documents import Stored
from marketplace.values.actor import Actor
from tests.builders import Person, a_member, an_organisation
from tests.proposals.builders import FACTS, a_group, a_proposal, seen


def current_version(session: Session, proposal: Proposal) -> UUID:
    found = current_version_of(session, proposal.id)
    assert found is not None
    return found


def republish(session: Session, proposal: Proposal, person: Person, **answers: Any) -> None:
    actor = person.actor(session)
    service.write_facts(session, actor, proposal.id, "service", FACTS["service"] | answers, seen)
    service.publish_proposal(session, actor, proposal.id)
    session.commit()


class Dossier:
    """Evidence for the sector of a published proposal, and somebody of a verified funder who may verify it."""

    def __init__(self, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
        self.session = session
        group, self.person = a_group(session)
        self.proposal = a_proposal(session, group, self.person)
        funder = an_organisation(session, kind="funder")
        self.officer = a_member(session, funder, "editor")
        monkeypatch.setattr(policy, "VERIFIERS", [self.verifies])
        self.funder = funder.id
        draft = {"kind": "business_plan", "fact": "sector", "title": {"en": "Our plan"}}
        self.evidence = evidence.open_evidence(session, self.person.actor(session), self.proposal.id, draft).id

    def verifies(self, _session: Session, actor: Actor, _evidence: Evidence) -> UUID | None:
        return self.funder if self.funder in actor.organisation_ids else None

    def submit(self) -> UUID:
        upload = evidence.Upload("plan.pdf", "application/pdf", Stored("0" * 64, 10))
        made = evidence.submit_version(self.session, self.person.actor(self.session), self.evidence, upload)
        self.session.commit()
        return made.id

    def accept(self, version: UUID) -> None:
        evidence.verify_version(self.session, self.officer.actor(self.session), version, "accepted", "Read.")
        self.session.commit()

    @property
    def level(self) -> str | None:
        return queries.own_view(self.session, self.proposal.id).assurance.get("sector")


@pytest.fixture
def dossier(app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch) -> Dossier:
    return Dossier(session, monkeypatch)


def test_a_submission_makes_the_fact_evidenced_and_its_acceptance_verified(dossier: Dossier) -> None:
    version = dossier.submit()
    assert dossier.level == "evidenced"

    dossier.accept(version)
    assert dossier.level == "verified"

    dossier.submit()
    assert dossier.level == "verified"


def test_what_was_verified_is_the_value_that_was_shown_and_no_later_one(dossier: Dossier) -> None:
    version = dossier.submit()
    republish(dossier.session, dossier.proposal, dossier.person, sector="libraries_archives")

    dossier.accept(version)

    assert dossier.level is None


def test_a_value_that_stays_is_verified_in_the_later_version_too(dossier: Dossier) -> None:
    version = dossier.submit()
    republish(dossier.session, dossier.proposal, dossier.person, parent_kind="local_authority")

    dossier.accept(version)

    assert dossier.level == "verified"


def test_assurance_stays_with_the_value_it_was_given_for(session: Session) -> None:
    group, person = a_group(session)
    proposal = a_proposal(session, group, person)
    shown = current_version(session, proposal)
    assert assure_fact(session, shown, "sector", "verified", person.id)
    assert assure_fact(session, shown, "parent_kind", "evidenced", person.id)
    assert assure_fact(session, shown, "staff_count", "verified", person.id)

    assert queries.sharing_of(session, proposal.id, None).assurance == {
        "sector": "verified",
        "sectors": "verified",
        "parent_kind": "evidenced",
    }
    assert queries.own_view(session, proposal.id).assurance["staff_count"] == "verified"

    actor = person.actor(session)
    changed = FACTS["service"] | {"parent_kind": "local_authority"}
    service.write_facts(session, actor, proposal.id, "service", changed, seen)
    service.publish_proposal(session, actor, proposal.id)

    assert queries.own_view(session, proposal.id).assurance == {
        "sector": "verified",
        "sectors": "verified",
        "staff_count": "verified",
    }


@pytest.mark.parametrize(
    ("fact", "level"),
    [
        pytest.param("turnover", "verified", id="not answered"),
        pytest.param("region", "verified", id="derived"),
        pytest.param("loan_share", "verified", id="nobody but the group can say"),
        pytest.param("sector", "evidenced", id="verified already"),
        pytest.param("nonsense", "verified", id="no fact"),
    ],
)
def test_nothing_is_raised_where_there_is_nothing_to_raise(session: Session, fact: str, level: str) -> None:
    group, person = a_group(session)
    proposal = a_proposal(session, group, person)
    shown = current_version(session, proposal)
    assure_fact(session, shown, "sector", "verified", person.id)

    assert assure_fact(session, shown, fact, level, person.id) is False
    assert queries.own_view(session, proposal.id).assurance == {"sector": "verified", "sectors": "verified"}


ASK = {"amount": 1_000_000, "currency": "GBP", "stage": "exploring", "instruments": ["grant"]}
LEEDS, UNITED_KINGDOM = "E08000035", "K02000001"


@pytest.mark.parametrize(
    ("answers", "held", "expected"),
    [
        pytest.param({"legal_form": "cio"}, {}, {}, id="declared"),
        pytest.param(
            {"legal_form": "cio", "registration": "registered"},
            {"legal_form": "verified", "registration": "evidenced"},
            {
                "legal_form": "verified",
                "asset_lock": "verified",
                "registration": "evidenced",
                "incorporated": "evidenced",
            },
            id="each as sure as what it comes from",
        ),
        pytest.param(
            {"mfa_received": {"amount": 5, "currency": "GBP"}},
            {"mfa_received": "verified"},
            {"mfa_received": "verified", "mfa_total_with_ask": "verified"},
            id="the ask is no claim and makes nothing less sure",
        ),
        pytest.param(
            {"area_code": LEEDS, "lead_nation": "wales"},
            {"area_code": "verified"},
            dict.fromkeys(("area_code", "areas", "region", "beneficiary_nation"), "verified"),
            id="an input that decides nothing makes nothing less sure",
        ),
        pytest.param(
            {"area_code": UNITED_KINGDOM, "lead_nation": "wales"},
            {"area_code": "verified"},
            dict.fromkeys(("area_code", "areas", "region"), "verified"),
            id="a declared input that decides leaves it declared",
        ),
        pytest.param(
            {"area_code": UNITED_KINGDOM, "lead_nation": "wales"},
            {"area_code": "verified", "lead_nation": "evidenced"},
            dict.fromkeys(("area_code", "areas", "region"), "verified")
            | {"lead_nation": "evidenced", "beneficiary_nation": "evidenced"},
            id="of two that decide the lower",
        ),
        pytest.param({"sector": "fire_rescue"}, {"staff_count": "verified"}, {}, id="what is not answered"),
    ],
)
def test_a_derived_fact_is_as_sure_as_what_it_is_derived_from(
    answers: dict[str, Any], held: dict[str, str], expected: dict[str, str]
) -> None:
    assert levels_of(answers, ASK, derive(answers, ASK, None), held) == expected


def test_the_employer_s_consent_is_the_employer_s_word() -> None:
    assert levels_of({}, ASK, derive({}, ASK, "refused"), {}) == {"employer_consent": "verified"}


def test_the_database_is_told_the_levels_of_what_is_shared_and_of_nothing_else(session: Session) -> None:
    group, person = a_group(session)
    proposal = a_proposal(session, group, person)
    day = date(2026, 11, 22)
    assert ASSURANCE_MEMBER not in session.scalar(select(func.own_facts(proposal.id, day)))
    for fact in ("sector", "staff_count"):
        assure_fact(session, current_version(session, proposal), fact, "verified", person.id)

    own = session.scalar(select(func.own_facts(proposal.id, day)))
    shared = session.scalar(select(func.shared_facts(proposal.id, group.id, day)))

    assert own == queries.own_view(session, proposal.id, day).with_assurance
    assert shared == queries.sharing_of(session, proposal.id, group.id, day).with_assurance
    assert own[ASSURANCE_MEMBER] == {"sector": "verified", "sectors": "verified", "staff_count": "verified"}
    assert shared[ASSURANCE_MEMBER] == {"sector": "verified", "sectors": "verified"}


def test_an_expired_consent_takes_its_level_with_it(session: Session) -> None:
    group, person = a_group(session)
    proposal = a_proposal(session, group, person)
    row = session.get_one(ProposalProjection, proposal.id)
    row.facts, row.consent_until = row.facts | {"employer_consent": True}, date(2026, 11, 22)
    row.assurance = {"employer_consent": "verified"}
    session.flush()

    def told(day: date) -> Any:
        return session.scalar(select(func.own_facts(proposal.id, day)))

    assert told(date(2026, 11, 22))[ASSURANCE_MEMBER] == {"employer_consent": "verified"}
    assert told(date(2026, 11, 23)) == {slug: row.facts[slug] for slug in row.facts if slug != "employer_consent"}
