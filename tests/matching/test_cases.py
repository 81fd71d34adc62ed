"""The demonstration cases through both endpoints: every pair comes to the expected answer, reasons and all."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from marketplace.proposals.rules import may_choose_visibility
from marketplace.reference.facts import REGISTRY
from tests.builders import a_member, an_organisation
from tests.matching.builders import a_programme, a_proposal, the_employers_answer
from tests.matching.walking import stands, walk

CASES = Path(__file__).parents[2] / "marketplace" / "demo" / "cases"


def read_cases(name: str) -> Any:
    return json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))


EXPECTED = read_cases("expected_matches")
EVERYTHING_OPEN = {slug: "open" for slug in REGISTRY if may_choose_visibility(slug)}


class Market:
    """The cases, with every fact open to everyone."""

    def __init__(self, session: Session) -> None:
        funder, employer = an_organisation(session, kind="funder"), an_organisation(session, kind="public_body")
        self.funder = a_member(session, funder)
        self.programmes = {
            case["slug"]: str(self.publish(session, funder, case)) for case in read_cases("programmes")["programmes"]
        }
        group = an_organisation(session)
        self.member = a_member(session, group)
        self.proposals = {}
        for case in read_cases("proposals")["proposals"]:
            proposal = a_proposal(
                session, group, self.member.id, case["facts"], ask=case["ask"], choices=EVERYTHING_OPEN
            )
            answer = {True: "explore", False: "refused", None: None}[case["employer_consent"]]
            if answer is not None:
                the_employers_answer(session, proposal, employer, self.member.id, answer)
            self.proposals[case["slug"]] = str(proposal.id)

    def publish(self, session: Session, funder: Any, case: dict[str, Any]) -> Any:
        names = ("currency", "instruments", "stages", "ask_min", "ask_max")
        columns = {name: case[name] for name in names}
        return a_programme(session, funder, self.funder.id, *case["criteria"], case_slug=case["slug"], **columns).id


@pytest.fixture
def market(session: Session) -> Market:
    return Market(session)


def answer_of(item: dict[str, Any]) -> dict[str, Any]:
    names = {"failed": "unmet", "unknown": "unknown", "soft_failed": "soft_unmet"}
    return {"result": item["result"], **{name: item[member] for name, member in names.items()}}


def test_every_pair_comes_to_the_expected_answer_through_the_group_s_list(client: FlaskClient, market: Market) -> None:
    slugs = {id_: slug for slug, id_ in market.programmes.items()}
    found: dict[str, dict[str, Any]] = {}
    for slug, proposal in market.proposals.items():
        items = walk(
            client, market.member.headers, f"/v1/proposals/{proposal}/matches", as_of=EXPECTED["as_of"], limit=7
        )
        assert stands(items, "programme") == sorted(stands(items, "programme"))
        for item in items:
            found.setdefault(slugs[item["programme"]["id"]], {})[slug] = answer_of(item)

    assert {slug: row for slug, row in found.items() if slug in EXPECTED["matches"]} == EXPECTED["matches"]
    assert sum(len(row) for slug, row in found.items() if slug in EXPECTED["matches"]) == 352


def test_every_pair_comes_to_the_expected_answer_through_the_funder_s_list(client: FlaskClient, market: Market) -> None:
    slugs = {id_: slug for slug, id_ in market.proposals.items()}
    found = {}
    for slug in EXPECTED["matches"]:
        path = f"/v1/programmes/{market.programmes[slug]}/matches"
        items = walk(client, market.funder.headers, path, as_of=EXPECTED["as_of"], limit=9)
        assert stands(items, "proposal") == sorted(stands(items, "proposal"))
        found[slug] = {slugs[item["proposal"]["id"]]: answer_of(item) for item in items}

    assert found == EXPECTED["matches"]
    assert sum(len(row) for row in found.values()) == 352


def test_a_single_pair_and_the_summary_say_what_the_lists_say(client: FlaskClient, market: Market) -> None:
    proposal = market.proposals["riverside-speech"]
    path = f"/v1/proposals/{proposal}"
    items = walk(client, market.member.headers, f"{path}/matches", as_of=EXPECTED["as_of"])
    summary = client.get(f"{path}/match-summary?as_of={EXPECTED['as_of']}", headers=market.member.headers).json

    assert summary == {
        result: {"count": sum(item["result"] == result for item in items)}
        for result in ("eligible", "needs_information", "ineligible")
    }
    for item in items:
        pair = client.get(
            f"{path}/matches/{item['programme']['id']}?as_of={EXPECTED['as_of']}", headers=market.member.headers
        )
        assert pair.json == item
