"""Wholesale facilities over HTTP: drawn when pledges are accepted, stopped by losses, looked through, reconciled."""

from functools import partial
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from marketplace.ledger import service as books
from marketplace.ledger.reconciliation import reconcile
from marketplace.pledges.models import Pledge
from marketplace.proposals.models import Ask
from marketplace.store.base import db
from tests.builders import a_member, an_organisation
from tests.pledges.races import EACH, Group, all_at_once, many_groups, offered
from tests.pledges.scene import a_funded_programme, criteria
from tests.programmes.builders import an_open_programme
from tests.vehicles.scene import CAPITAL, LAYERS, Behind, a_loan_part, behind

pytestmark = pytest.mark.slow


@pytest.fixture
def there(session: Session, client: FlaskClient) -> Behind:
    return behind(session, client)


def layers_of(there: Behind) -> dict[str, int]:
    return {each["name"]: each["lost"] for each in there.read()["layers"]}


def codes(answer: Any) -> list[tuple[str, str]]:
    return [(each["layer"], each["code"]) for each in answer.json["reasons"]]


def test_an_agreed_facility_puts_the_vehicles_money_aside(there: Behind) -> None:
    told = there.read()

    assert (told["state"], told["undrawn"], told["largest_deal"]) == ("open", CAPITAL, CAPITAL)
    held = books.balances(there.scene.session, "programme", there.programme.id)
    assert (held["available"], held["in_facilities"]) == (0, CAPITAL)
    assert reconcile(there.scene.session) == []


def test_a_facility_needs_the_money_the_link_and_the_leverage(there: Behind) -> None:
    scene = there.scene
    other = an_open_programme(scene.session, scene.funder, funded_by_programme_id=there.programme.id)
    path = f"/vehicles/{there.vehicle}/facilities"
    offered = scene.do(there.banker, path, {"programme_id": str(other.id)} | LAYERS)
    refused = scene.do(scene.director, f"/facilities/{offered.json['id']}/agreement")
    assert (refused.status_code, refused.json["code"]) == (409, "facility-not-funded")

    assert scene.do(there.banker, f"/facilities/{offered.json['id']}/withdrawal").json["state"] == "withdrawn"
    again = scene.do(scene.director, f"/facilities/{offered.json['id']}/agreement")
    assert (again.status_code, again.json["code"]) == (409, "facility-not-offered")

    stranger = an_open_programme(scene.session, an_organisation(scene.session, kind="intermediary"))
    wrong = scene.do(there.banker, path, {"programme_id": str(stranger.id)} | LAYERS | {"senior": 50_000_01})
    assert wrong.status_code == 422
    assert [each["pointer"] for each in wrong.json["errors"]] == ["#/first_loss", "#/programme_id"]


def test_an_accepted_loan_draws_and_what_is_cancelled_can_be_drawn_again(there: Behind) -> None:
    scene = there.scene
    tranches = [{"basis": "on_agreement", "amount": 6_000_00}, {"basis": "on_agreement", "amount": 4_000_00}]
    loan = a_loan_part(10_000_00) | {"tranches": tranches}
    pledge = scene.signed(parts=[loan, {"instrument": "grant", "amount": 1_000_00}])
    assert (there.read()["drawn"], there.read()["undrawn"]) == (10_000_00, CAPITAL - 10_000_00)

    second = scene.tranches(pledge)[1]
    scene.do(scene.officer, f"/tranches/{second['id']}/cancellation", {"reason": "Not needed."})
    assert (there.read()["drawn"], there.read()["undrawn"]) == (6_000_00, CAPITAL - 6_000_00)
    assert reconcile(scene.session) == []


def test_losses_fall_on_the_first_loss_and_recoveries_climb_from_the_senior(there: Behind) -> None:
    first = there.lend(60_000_00)
    there.write_off(first, 55_000_00)
    assert layers_of(there) == {"first_loss": 20_000_00, "mezzanine": 30_000_00, "senior": 5_000_00}

    (draw,) = there.read("/draws", there.scene.officer)["data"]
    answer = there.recover(draw["id"], 10_000_00)
    assert answer.status_code == 201, answer.json
    assert (answer.json["senior"], answer.json["mezzanine"], answer.json["first_loss"]) == (5_000_00, 5_000_00, 0)
    assert layers_of(there) == {"first_loss": 20_000_00, "mezzanine": 25_000_00, "senior": 0}
    assert there.recover(draw["id"], 1_00).json["code"] == "recovery-exists"
    too_much = there.recover(draw["id"], 45_000_01, "BACK 2")
    assert (too_much.status_code, too_much.json["lost"]["amount"]) == (422, 45_000_00)
    assert there.recover(draw["id"], 1_00, "BACK 3", there.banker).status_code == 404
    assert reconcile(there.scene.session) == []


def test_principal_that_is_repaid_or_returned_comes_back_to_the_facility(there: Behind) -> None:
    scene, pledge = there.scene, there.lend(10_000_00)
    gbp = {"amount": 4_000_00, "currency": "GBP"}
    body = {"amount": gbp, "reference": "IN 1", "received_on": scene.tranches(pledge)[0]["paid_on"]}
    assert scene.do(scene.officer, f"/pledges/{pledge}/repayments", body).status_code == 201
    tranche = scene.tranches(pledge)[0]["id"]
    back = scene.do(scene.officer, f"/tranches/{tranche}/return", {"amount": gbp, "reference": "Back 1"})
    assert back.status_code == 200, back.json

    assert (there.read()["drawn"], there.read()["repaid"]) == (2_000_00, 8_000_00)
    assert reconcile(scene.session) == []


def test_an_offer_names_the_layer_that_stands_in_the_way(session: Session, client: FlaskClient) -> None:
    only_welsh = {"code": "NATION", "fact": "beneficiary_nation", "op": "eq", "value": "wales", "level": "hard"}
    there = behind(
        session,
        client,
        facility={"concentration_bp": 1_000},
        plan={"group_exposure": 9_000_00},
        wholesale_programme={
            "ticket_max": 50_000_00,
            "criteria": criteria(only_welsh | {"reason": {"en": "Wales only"}}),
        },
        programme={"ticket_max": 60_000_00},
    )
    scene = there.scene
    pledge = scene.drafted(parts=[a_loan_part(70_000_00)])
    refused = scene.offer(pledge)

    assert refused.status_code == 409
    assert set(codes(refused)) == {
        ("programme", "TICKET_MAX"),
        ("vehicle", "TICKET_MAX"),
        ("vehicle", "GROUP_EXPOSURE"),
        ("vehicle", "NATION"),
        ("facility", "CONCENTRATION"),
    }
    exposure = next(each for each in refused.json["reasons"] if each["code"] == "GROUP_EXPOSURE")
    assert exposure["found"] is None


def test_the_loss_stop_ends_lending_and_names_itself(there: Behind) -> None:
    pledge = there.lend(20_000_00)
    there.write_off(pledge, 16_000_00)

    refused = there.scene.offer(there.scene.drafted(parts=[a_loan_part(1_000_00)]))
    assert codes(refused) == [("facility", "LOSS_STOP")]
    grant = there.scene.offer(there.scene.drafted(parts=[{"instrument": "grant", "amount": 1_000_00}]))
    assert grant.status_code == 200, grant.json


def test_a_deal_cut_in_two_is_one_concentration(session: Session, client: FlaskClient) -> None:
    there = behind(session, client, facility={"concentration_bp": 1_000})
    there.lend(6_000_00)

    refused = there.scene.offer(there.scene.drafted(parts=[a_loan_part(4_000_01)]))
    assert codes(refused) == [("facility", "CONCENTRATION")]


def test_an_acceptance_asks_again_and_tells_the_group_no_figures(there: Behind) -> None:
    scene = there.scene
    first = scene.offered(parts=[a_loan_part(16_000_00)])
    second = scene.offered(parts=[a_loan_part(1_000_00)])
    assert scene.accept(first).status_code == 200
    signed = scene.do(scene.officer, f"/pledges/{first}/agreement", {"signed_on": "2026-01-01"})
    assert signed.status_code == 200, signed.json
    (tranche,) = scene.tranches(first)
    assert scene.pay(scene.approved(tranche["id"])).status_code == 200
    there.write_off(first, 16_000_00)

    before = there.balances()
    refused = scene.accept(second)
    assert (refused.status_code, refused.json["code"]) == (409, "draw-refused")
    assert [(each["layer"], each["code"], each["wanted"], each["found"]) for each in refused.json["reasons"]] == [
        ("facility", "LOSS_STOP", None, None)
    ]
    assert there.balances() == before
    assert reconcile(scene.session) == []


def test_only_the_two_parties_know_of_a_facility_and_only_one_of_its_pledges(there: Behind) -> None:
    scene = there.scene
    pledge = there.lend(10_000_00)
    stranger = a_member(scene.session, an_organisation(scene.session, kind="funder", name="Other"))
    for person in (scene.nurse, stranger):
        assert scene.read(person, f"/facilities/{there.facility}").status_code == 404
        assert scene.read(person, f"/facilities/{there.facility}/draws").status_code == 404
        assert scene.read(person, "/facilities").json["data"] == []
        assert scene.read(person, f"/vehicles/{there.vehicle}/look-through").status_code == 404
    assert there.read("/draws", scene.officer)["data"][0]["pledge_id"] == pledge
    assert there.read("/draws", there.banker)["data"][0]["pledge_id"] is None
    assert str(scene.group.id) not in str(there.read("/draws", there.banker))


def test_wholesale_money_is_looked_through_to_the_groups(there: Behind) -> None:
    there.lend(10_000_00)
    there.lend(5_000_00)
    answer = there.scene.read(there.banker, f"/vehicles/{there.vehicle}/look-through")

    told = answer.json
    (intermediary,) = told["intermediaries"]
    assert (intermediary["capital"], intermediary["performing"]) == (CAPITAL, 15_000_00)
    (group,) = told["groups"]
    assert (group["deals"], group["outstanding"]) == (2, 15_000_00)
    assert {each["code"]: each["outcome"] for each in told["reasons"]} == {
        "INTERMEDIARY_SHARE": "unmet",
        "SMALL_ASKS": "unmet",
    }
    assert str(there.scene.group.id) not in answer.text


def test_a_vehicle_publishes_nothing_of_fewer_than_five_awards(there: Behind) -> None:
    path = f"/v1/vehicles/{there.vehicle}"
    for _ in range(4):
        there.scene.accepted(parts=[a_loan_part(1_000_00)])
    few = there.client.get(path).json
    assert few["figures"]["awards"] == {"fewer_than": 5}
    assert few["figures"]["awarded"] is None
    for _ in range(2):
        there.scene.accepted(parts=[a_loan_part(1_000_00)])
    more = there.client.get(path).json
    assert more["figures"]["awards"] == {"at_least": 5, "at_most": 9}
    assert more["figures"]["awarded"] == 5_000_00, "the sixth is told with the tenth"
    assert more["forecast"]["largest_deal"] == CAPITAL // 10


def test_a_wholesale_vehicle_runs_facilities_and_nobody_else_does(there: Behind) -> None:
    scene = there.scene
    plan = {"opening": 1_000_00, "planned": 100_00, "costs": 0, "success_bp": 5_000, "charge_bp": 12_000}
    mine = {"programme_id": str(scene.programme.id)}
    assert scene.do(scene.director, "/vehicles", mine | {"wholesale_facility": LAYERS}).json["code"] == "wrong-vehicle"
    none = scene.do(scene.director, "/vehicles", mine)
    assert (none.status_code, none.json["errors"][0]["pointer"]) == (422, "#")
    nothing = plan | {"employer_cash": 0, "yearly_saving": 1}
    for name in ("success_bp", "charge_bp"):
        del nothing[name]
    wrong = scene.do(scene.director, "/vehicles", mine | {"employer_match": nothing})
    assert (wrong.status_code, wrong.json["errors"][0]["pointer"]) == (422, "#/employer_match/employer_cash")
    made = scene.do(scene.director, "/vehicles", mine | {"success_repayable_pool": plan})
    assert made.status_code == 201, made.json
    assert made.json["forecast"]["runway"]["yearly_gap"] == 40_00
    twice = scene.do(scene.director, "/vehicles", mine | {"success_repayable_pool": plan})
    assert twice.json["code"] == "vehicle-exists"
    listed = scene.client.get("/v1/vehicles?kind=success_repayable_pool&limit=1").json["data"]
    assert [each["id"] for each in listed] == [made.json["id"]]


def offered_loans(there: Behind, groups: list[Group]) -> list[Pledge]:
    """An offered loan to each group, straight into the database."""
    made = [offered(there.scene.programme.id, there.scene.funder.id, group) for group in groups]
    for pledge, group in zip(made, groups, strict=True):
        pledge.parts[0].instrument = "loan_unsecured"
        there.scene.session.get_one(Ask, group.ask_id).instruments = ["loan_unsecured"]
    return made


def accepted(app: Flask, group: Group, pledge: Any) -> Any:
    """The answer to an acceptance, asked again with its key while the database is too busy to wait for a lock."""
    headers = group.person.headers | {"Idempotency-Key": str(pledge)}
    for _ in range(20):
        answer = app.test_client().post(f"/v1/pledges/{pledge}/acceptance", headers=headers)
        if answer.status_code != 503:
            break
    return answer


def test_a_race_for_the_last_of_a_facility_draws_exactly_what_there_is(committed_app: Flask) -> None:
    room = 3
    with committed_app.app_context():
        session = db.session()
        layers = {"first_loss": room * EACH, "mezzanine": 0, "senior": 0}
        there = behind(session, committed_app.test_client(), facility=layers)
        groups = many_groups(session, 8)
        made = offered_loans(there, groups)
        session.add_all(made)
        session.commit()
        pledges = [pledge.id for pledge in made]

    def accept(group: Any, pledge: Any) -> Any:
        return accepted(committed_app, group, pledge)

    answers = all_at_once([partial(accept, group, pledge) for group, pledge in zip(groups, pledges, strict=True)])

    codes = sorted(answer.status_code for answer in answers)
    assert codes == [200] * room + [409] * (len(groups) - room), [answer.json for answer in answers]
    with committed_app.app_context():
        assert there.balances()["drawn"] == room * EACH
        assert reconcile(db.session()) == []


def test_two_draws_of_one_group_at_once_never_pass_its_concentration(committed_app: Flask) -> None:
    """Several asks of one group, so that no ask's lock stands between them: what it owes is read once money is held."""
    with committed_app.app_context():
        session = db.session()
        layers = {"first_loss": 6 * EACH, "mezzanine": 0, "senior": 0, "concentration_bp": 2_000}
        there = behind(session, committed_app.test_client(), facility=layers)
        groups = many_groups(session, 6)
        made = offered_loans(there, groups)
        for pledge in made:
            pledge.group_organisation_id = groups[0].organisation_id
        session.add_all(made)
        session.commit()
        pledges = [pledge.id for pledge in made]

    def accept(pledge: Any) -> Any:
        return accepted(committed_app, groups[0], pledge)

    answers = all_at_once([partial(accept, pledge) for pledge in pledges])
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 5, [each.json for each in answers]
    with committed_app.app_context():
        assert there.balances()["drawn"] == EACH


def test_draws_of_one_group_through_several_intermediaries_never_pass_its_exposure(committed_app: Flask) -> None:
    """Nothing but the vehicle's row stands between programmes that share neither ask nor balance."""
    with committed_app.app_context():
        session = db.session()
        limit = {"group_exposure": EACH + 1}
        there = behind(session, committed_app.test_client(), plan=limit, wholesale_budget=5 * CAPITAL)
        groups, lenders = many_groups(session, 4), [there.scene.programme]
        for place in range(3):
            funder = an_organisation(session, kind="intermediary", name=f"Lender {place}")
            funded = {"funded_by_programme_id": there.programme.id, "instruments": ["loan_unsecured"]}
            programme = a_funded_programme(session, funder, CAPITAL, **funded)
            draft = {"programme_id": str(programme.id), "concentration_bp": 10_000} | LAYERS
            made = there.scene.do(there.banker, f"/vehicles/{there.vehicle}/facilities", draft).json["id"]
            agreed = there.scene.do(a_member(session, funder), f"/facilities/{made}/agreement")
            assert agreed.status_code == 200, agreed.json
            lenders.append(programme)
        loans = offered_loans(there, groups)
        for pledge, programme in zip(loans, lenders, strict=True):
            pledge.programme_id, pledge.organisation_id = programme.id, programme.organisation_id
            pledge.group_organisation_id = groups[0].organisation_id
        session.add_all(loans)
        session.commit()
        pledges = [pledge.id for pledge in loans]

    answers = all_at_once([partial(accepted, committed_app, groups[0], pledge) for pledge in pledges])
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 3, [each.json for each in answers]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert codes(refused) == [("vehicle", "GROUP_EXPOSURE")]
    with committed_app.app_context():
        assert reconcile(db.session()) == []
