"""The decision behind an offer: kept whole, shown to both parties, never changed, and replayed byte for byte."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from alembic import command
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from marketplace.cli import alembic_config
from marketplace.pledges import decisions
from marketplace.pledges.commands import verify_decisions
from marketplace.pledges.decisions import replay_all
from marketplace.programmes.models import Programme
from marketplace.proposals import service as proposals
from marketplace.store.base import db
from marketplace.values import clock
from marketplace.values.canonical import canonical_json, sha256_of
from tests.builders import a_member, an_organisation
from tests.pledges.scene import CONSENT, NATION, Scene, a_scene, criteria
from tests.programmes.builders import publish
from tests.proposals.builders import seen, share

TRADING = NATION | {"code": "TRADING", "fact": "years_trading", "op": "gte", "value": 1}
FACTS = {
    "service": {"area_code": "E08000035"},
    "finance": {"years_trading": 4, "turnover": {"amount": 7, "currency": "GBP"}},
}


@pytest.fixture
def scene(session: Session, client: FlaskClient) -> Scene:
    return a_scene(session, client, facts=FACTS, programme={"criteria": criteria(NATION, TRADING, CONSENT)})


def an_offer(scene: Scene) -> str:
    pledge = scene.drafted()
    answer = scene.offer(
        pledge, waivers=[{"code": "CONSENT", "reason": "Ms Bright of the board told us on the phone."}]
    )
    assert answer.status_code == 200, answer.json
    return pledge


def decision(scene: Scene, pledge: str) -> dict[str, Any]:
    answer = scene.read(scene.officer, f"/pledges/{pledge}/decision")
    assert answer.status_code == 200, answer.json
    return dict(answer.json)


def test_an_offer_keeps_what_it_rests_on(scene: Scene) -> None:
    kept = decision(scene, an_offer(scene))
    basis = kept["basis"]

    assert basis["criteria_version_id"] == str(scene.programme.current_criteria_version_id)
    assert basis["proposal_version_id"] == str(scene.proposal.current_version_id)
    assert (basis["facts"]["years_trading"], basis["waived"]) == (4, ["CONSENT"])
    assert basis["parameters"]["mfa_limit"] == {"amount": 315_000_00, "currency": "GBP"}
    assert basis["as_of"] == clock.today().isoformat()
    assert kept["result"]["result"] == "eligible"
    assert [each["code"] for each in kept["result"]["reasons"]][-3:] == ["NATION", "TRADING", "CONSENT"]


def test_anyone_who_reads_a_decision_can_check_its_digests(scene: Scene) -> None:
    kept = decision(scene, an_offer(scene))

    assert kept["basis_sha256"] == sha256_of(canonical_json(kept["basis"]))
    assert kept["result_sha256"] == sha256_of(canonical_json(kept["result"]))


def test_a_decision_holds_facts_that_were_shared_and_nothing_else_of_the_group(scene: Scene) -> None:
    """Neither its confidential turnover nor any name; nor the waiver's words, which stay in the offer."""
    kept = decision(scene, an_offer(scene))
    whole = json.dumps(kept)

    assert set(kept["basis"]["facts"]) <= set(kept["basis"]["shared"])
    assert "turnover" not in kept["basis"]["shared"]
    assert [each for each in ("turnover", "Riverside", "Speech", "Bright", "Leeds") if each in whole] == []


def test_both_parties_read_the_decision_and_nobody_else(scene: Scene) -> None:
    stranger = a_member(scene.session, an_organisation(scene.session, kind="funder", name="Elsewhere"))
    pledge = an_offer(scene)

    for path in (f"/pledges/{pledge}/decision", f"/pledges/{pledge}/decision/replay"):
        assert [scene.read(who, path).status_code for who in (scene.officer, scene.nurse, stranger)] == [200, 200, 404]


def test_there_is_no_decision_before_the_offer(scene: Scene) -> None:
    pledge = scene.drafted()
    assert scene.do(scene.officer, f"/pledges/{pledge}/indication").status_code == 200

    for who in (scene.officer, scene.nurse):
        assert scene.read(who, f"/pledges/{pledge}/decision").status_code == 404
        assert scene.read(who, f"/pledges/{pledge}/decision/replay").status_code == 404


def test_a_refused_offer_leaves_no_decision(scene: Scene) -> None:
    pledge = scene.drafted()

    assert scene.offer(pledge).status_code == 409
    assert list(replay_all(scene.session)) == []


def test_a_decision_is_replayed_after_everything_has_changed(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Years later: other facts, hidden facts, other criteria, other parameters; the decision is what it was."""
    pledge = an_offer(scene)
    before = decision(scene, pledge)
    session, nurse = scene.session, scene.nurse.actor(scene.session)
    proposals.write_facts(session, nurse, scene.proposal.id, "finance", {"years_trading": 0}, seen)
    proposals.publish_proposal(session, nurse, scene.proposal.id)
    hidden = {"years_trading": "confidential", "registration": "confidential"}
    share(session, scene.proposal.id, scene.nurse, visibility="verified_funders", facts=hidden)
    session.expire_all()
    programme = session.get_one(Programme, scene.programme.id)
    programme.criteria = criteria(NATION | {"value": "wales"})
    publish(session, programme, scene.officer.id)
    session.commit()
    monkeypatch.setattr(decisions, "values_on", lambda _: {})
    monkeypatch.setattr(decisions, "today", lambda: clock.today() + timedelta(days=4000))

    again = scene.read(scene.officer, f"/pledges/{pledge}/decision/replay").json

    assert again == {
        "equal": True,
        "differs": [],
        "kept_sha256": before["result_sha256"],
        "replayed_sha256": before["result_sha256"],
        "evaluator": 1,
    }
    assert decision(scene, pledge) == before


@pytest.mark.parametrize(
    "statement", ["UPDATE decision SET facts = '{}'", "DELETE FROM decision", "TRUNCATE decision CASCADE"]
)
def test_a_decision_is_never_rewritten(scene: Scene, statement: str) -> None:
    an_offer(scene)

    with pytest.raises(DBAPIError, match="append-only"):
        scene.session.execute(text(statement))


@pytest.fixture
def unguarded(scene: Scene) -> Iterator[Scene]:
    """Every trigger is off, as the database's owner could have it."""
    scene.session.execute(text("SET LOCAL session_replication_role = replica"))
    yield scene
    scene.session.execute(text("SET LOCAL session_replication_role = origin"))


@pytest.mark.parametrize(
    ("statement", "differs"),
    [
        pytest.param("UPDATE decision SET facts = facts || '{\"years_trading\": 9}'", "basis, result", id="a fact"),
        pytest.param("UPDATE decision SET waived = '[]'", "basis, result", id="the waivers"),
        pytest.param("UPDATE decision SET as_of = as_of - 1", "basis", id="the day"),
        pytest.param("UPDATE decision SET result = replace(result, 'unknown', 'met')", "result", id="the result"),
        pytest.param(
            "UPDATE criteria_version SET tree = jsonb_set(tree, '{criteria,0,weight}', '2')", "criteria", id="the tree"
        ),
        pytest.param("DELETE FROM decision", "was offered and has no decision", id="all of it"),
    ],
)
def test_what_the_database_s_owner_tampers_with_is_found(
    app: Flask, unguarded: Scene, statement: str, differs: str
) -> None:
    pledge = an_offer(unguarded)
    unguarded.session.execute(text(statement))
    unguarded.session.commit()

    told = [decisions_fault(each) for each in replay_all(unguarded.session)]

    assert told == [(pledge, differs)]


def decisions_fault(verified: decisions.Verified) -> tuple[str, str]:
    if verified.replay is None:
        return str(verified.pledge_id), "was offered and has no decision"
    return str(verified.pledge_id), ", ".join(verified.replay.differs)


def test_all_are_replayed_batch_by_batch(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decisions, "BATCH", 2)
    offers = []
    for _ in range(5):
        pledge = scene.drafted(100_00)
        assert scene.offer(pledge, waivers=[{"code": "CONSENT", "reason": "It comes."}]).status_code == 200
        offers.append(pledge)
        assert [str(each.pledge_id) for each in replay_all(scene.session)] == offers
    scene.session.expunge_all()

    for _ in replay_all(scene.session):
        assert sum(isinstance(each, decisions.Decision) for each in scene.session) <= 2


@pytest.fixture
def committed(committed_app: Flask) -> Iterator[Scene]:
    """The scene on a database of its own, with an offer."""
    with committed_app.app_context():
        scene = a_scene(db.session(), committed_app.test_client(), programme={"criteria": criteria(NATION)})
        yield scene


def test_the_command_tells_how_many_are_equal_and_which_are_not(committed_app: Flask, committed: Scene) -> None:
    first, second = committed.offered(100_00), committed.offered(100_00)
    run = committed_app.test_cli_runner()
    db.session.remove()
    well = run.invoke(verify_decisions)
    db.session.execute(text("SET LOCAL session_replication_role = replica"))
    tamper = text("UPDATE decision SET facts = '{}' WHERE pledge_id = :id")
    db.session.execute(tamper, {"id": second})
    db.session.commit()
    db.session.remove()
    badly = run.invoke(verify_decisions)

    assert (well.exit_code, well.output) == (0, "2 decisions replayed, 2 equal, 0 different.\n")
    assert badly.exit_code == 1
    assert badly.output == f"pledge {second}: basis, result differ\n2 decisions replayed, 1 equal, 1 different.\n"
    assert first not in badly.output


def test_offers_from_before_keep_their_decision_through_the_migration(committed_app: Flask, committed: Scene) -> None:
    """What stood in the pledge becomes a decision that replays; going back it stands in the pledge again."""
    pledge = committed.offered(100_00)
    before = decision(committed, pledge)
    url = committed_app.config["SQLALCHEMY_DATABASE_URI"]
    db.session.remove()
    db.engine.dispose()
    config, engine = alembic_config(url), create_engine(url)

    command.downgrade(config, "0011")
    with engine.connect() as connection:
        held = connection.scalar(text("SELECT evaluation FROM pledge"))
    command.upgrade(config, "head")
    engine.dispose()

    assert held["evaluation"] == before["result"]
    after = decision(committed, pledge)
    assert after.pop("decided_at") is not None
    assert after == {name: value for name, value in before.items() if name != "decided_at"}
    assert committed.read(committed.officer, f"/pledges/{pledge}/decision/replay").json["equal"] is True
