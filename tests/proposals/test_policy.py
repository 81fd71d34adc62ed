"""The policy in SQL answers as the policy in Python, over any sharing and any caller."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.identity.models import Organisation
from marketplace.proposals import queries
from marketplace.proposals.models import Proposal, ProposalExclusion, ProposalNamed, ProposalProjection
from marketplace.proposals.projection import refresh_projection
from marketplace.proposals.rules import (
    Viewer,
    excludes,
    may_choose_visibility,
    part_of,
    seen_by,
    shared_slugs,
    standing_on,
    visible_to,
)
from marketplace.proposals.sharing import _replace
from marketplace.reference.facts import REGISTRY
from marketplace.values.actor import VERIFIED_STATES, Actor, Membership, Role
from marketplace.values.clock import now
from tests.builders import an_organisation
from tests.proposals.builders import a_group, a_proposal

KINDS = [
    ("funder", "vouched"),
    ("funder", "unverified"),
    ("funder", "suspended"),
    ("public_body", "register_checked"),
    ("adviser", "vouched"),
    ("staff_group", "vouched"),
]
IDENTIFIER = ("GB-COH", "01234567")
QUIET = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def viewer(organisation: Organisation) -> Viewer:
    return Viewer(
        organisation.id,
        organisation.kind,
        organisation.verification in VERIFIED_STATES,
        frozenset(f"{each.scheme}-{each.number}" for each in organisation.identifiers),
    )


def membership(organisation: Organisation, role: Role, proposal_id: UUID) -> Membership:
    seen = viewer(organisation)
    guest = {"proposal_id": proposal_id, "until": date(2030, 1, 1)} if role is Role.GUEST else {}
    return Membership(
        organisation.id, role, seen.kind, organisation.verification, identifiers=tuple(seen.identifiers), **guest
    )


def test_sql_and_python_agree_on_who_sees_a_proposal(session: Session) -> None:
    group, person = a_group(session)
    proposal = a_proposal(session, group, person)
    other = a_proposal(session, group, person, published=False)
    version = proposal.current_version_id
    looking = [
        an_organisation(session, kind=kind, verification=state, identifier=IDENTIFIER if place == 0 else None)
        for place, (kind, state) in enumerate(KINDS)
    ]
    some = st.sets(st.sampled_from([each.id for each in looking]), max_size=3)
    member = st.tuples(st.sampled_from([*looking, group]), st.sampled_from([Role.VIEWER, Role.GUEST]), st.booleans())

    @QUIET
    @given(
        level=st.sampled_from(["private", "named", "verified_funders", "public"]),
        published=st.sampled_from([True, True, False]),
        withdrawn=st.sampled_from([False, False, True]),
        named=some,
        excluded=some,
        commissioners=some,
        parent=st.sampled_from([None, *(each.id for each in looking)]),
        identifier=st.sampled_from([None, "-".join(IDENTIFIER)]),
        exclude_parent=st.booleans(),
        suspended=st.sampled_from([False, False, True]),
        members=st.lists(member, max_size=3),
    )
    def agree(**drawn: Any) -> None:
        group.verification = "suspended" if drawn["suspended"] else "vouched"
        proposal.visibility = drawn["level"]
        proposal.current_version_id = version if drawn["published"] else None
        proposal.state = "withdrawn" if drawn["withdrawn"] else "active"
        proposal.withdrawn_at = now() if drawn["withdrawn"] else None
        proposal.parent_organisation_id = drawn["parent"]
        proposal.parent_identifier = drawn["identifier"]
        proposal.exclude_parent = drawn["exclude_parent"]
        _replace(session, proposal.id, named=drawn["named"], excluded=drawn["excluded"], facts={}, grants=[])
        session.query(ProposalExclusion).filter_by(source="commissioner").delete()
        for each in drawn["commissioners"]:
            session.add(ProposalExclusion(proposal_id=proposal.id, organisation_id=each, source="commissioner"))
        session.flush()
        sharing = queries.sharing(session, proposal)
        for each in looking:
            answers = session.execute(
                select(queries.visible_to(each.id), queries.excludes(each.id)).where(Proposal.id == proposal.id)
            ).one()
            assert tuple(answers) == (visible_to(sharing, viewer(each)), excludes(sharing, viewer(each)))
        actor = Actor(
            person.id,
            tuple(
                membership(organisation, role, proposal.id if here else other.id)
                for organisation, role, here in drawn["members"]
            ),
        )
        listed = set(session.scalars(select(Proposal.id).where(queries.seen_by(actor))))
        assert (proposal.id in listed) is seen_by(sharing, actor)

    agree()
    assert session.scalar(select(func.count()).select_from(ProposalNamed)) is not None


def test_sql_and_python_agree_on_what_is_shared(session: Session) -> None:
    group, person = a_group(session)
    proposal = a_proposal(session, group, person)
    funder, other = an_organisation(session, kind="funder"), an_organisation(session, kind="funder")
    choosable = [slug for slug in REGISTRY if may_choose_visibility(slug)]
    day = date(2026, 6, 1)

    @QUIET
    @given(
        chosen=st.dictionaries(st.sampled_from(choosable), st.sampled_from(["open", "confidential"]), max_size=8),
        granted=st.lists(st.sampled_from(choosable), max_size=5, unique=True),
        consent_until=st.sampled_from([None, day, day - timedelta(days=1)]),
    )
    def agree(chosen: dict[str, str], granted: list[str], consent_until: date | None) -> None:
        grants = [{"organisation_id": funder.id, "facts": granted}] if granted else []
        _replace(session, proposal.id, named=[], excluded=[], facts=chosen, grants=grants)
        refresh_projection(session, proposal)
        row = session.get_one(ProposalProjection, proposal.id)
        row.facts = row.facts | {"employer_consent": True}
        if "employer_consent" in row.open_slugs:
            row.open_facts = row.open_facts | {"employer_consent": True}
        row.consent_until = consent_until
        session.flush()
        for organisation, held in ((funder, granted), (other, [])):
            slugs = shared_slugs(chosen, held)
            wanted = standing_on(part_of(row.facts, slugs), consent_until, day)
            if "employer_consent" in held and "employer_consent" not in row.open_slugs:
                wanted.pop("employer_consent", None)
            view = queries.sharing_of(session, proposal.id, organisation.id, day)
            told = session.scalar(select(func.shared_facts(proposal.id, organisation.id, day)))
            assert (view.facts, view.slugs, told) == (wanted, slugs, wanted)
        assert session.scalar(select(func.own_facts(proposal.id, day))) == standing_on(row.facts, consent_until, day)

    agree()
