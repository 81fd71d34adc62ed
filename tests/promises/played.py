"""The main job played once over HTTP, so that every operation answers a valid request; listeners see each.

Knows what a valid request of each operation looks like. Must not know what listeners send or make of it.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

import orjson
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from marketplace.feeds.heads import publish_heads
from marketplace.identity.models import Organisation
from marketplace.store.base import db, new_id
from marketplace.store.mail import present_settings, unseal
from marketplace.values.clock import now, today
from marketplace.watches.recompute import recompute
from tests.builders import a_member, a_person, an_organisation
from tests.programmes.builders import an_open_programme
from tests.repayments.scene import accepted_evidence
from tests.vehicles.match_scene import matched
from tests.vehicles.scene import behind

PASSWORD = "a quiet word in the ward"
METHODS = ("get", "post", "put", "patch", "delete")
SECRET = re.compile(r'"token": "([\w-]+)"')


@dataclass(frozen=True)
class Operation:
    """One operation of the document."""

    id: str
    method: str
    path: str
    described: dict[str, Any]

    @property
    def open(self) -> bool:
        return {} in self.described.get("security", [])

    @property
    def body_schema(self) -> dict[str, Any] | None:
        content = self.described.get("requestBody", {}).get("content", {})
        schema: dict[str, Any] | None = content.get("application/json", {}).get("schema")
        return schema

    @property
    def body_limit(self) -> float:
        """The operation's own limit, where it has one."""
        return float(self.described.get("x-body-limit", "inf"))

    def parameters(self, place: str) -> dict[str, dict[str, Any]]:
        return {each["name"]: each for each in self.described.get("parameters", []) if each["in"] == place}


def operations_of(document: dict[str, Any]) -> dict[str, Operation]:
    """By operationId."""
    found: dict[str, Operation] = {}
    for path, item in document["paths"].items():
        shared = item.get("parameters", [])
        for method in METHODS:
            if method in item:
                described = item[method] | {"parameters": [*shared, *item[method].get("parameters", [])]}
                found[described["operationId"]] = Operation(described["operationId"], method, path, described)
    return found


@dataclass(frozen=True)
class Asked:
    """A request of an operation, ready to be sent."""

    operation: Operation
    who: str
    values: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any = None
    content: bytes | None = None

    @property
    def path(self) -> str:
        path = self.operation.path
        for name, value in self.values.items():
            path = path.replace(f"{{{name}}}", quote(value, safe=""))
        return path

    @property
    def target(self) -> str:
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def media_type(self) -> str:
        return self.headers.get("Content-Type", "").partition(";")[0]


Send = Callable[[str, str, Mapping[str, str], bytes | None], Answer]
"""method, target, headers, body."""


def sending_with(client: FlaskClient) -> Send:
    """Send with the test client."""

    def send(method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        answer = client.open(target, method=method.upper(), headers=dict(headers), data=body)
        return Answer(answer.status_code, answer.headers, answer.data)

    return send


@dataclass
class Play:
    """The stage: people and their tokens, organisations by name, what was asked, and how often it went well."""

    app: Flask
    send: Send
    operations: dict[str, Operation]
    people: dict[str, dict[str, str]] = field(default_factory=dict)
    organisations: dict[str, str] = field(default_factory=dict)
    asked: dict[str, Asked] = field(default_factory=dict)
    succeeded: Counter[str] = field(default_factory=Counter)
    before: Callable[[Asked], None] = lambda _: None
    after: Callable[[Asked, Answer], None] = lambda *_: None

    def do(
        self,
        operation: str,
        who: str = "",
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        content: bytes | None = None,
        seen: str | None = None,
        headers: Mapping[str, str] | None = None,
        **values: str,
    ) -> Answer:
        """Ask for the operation as that person; it has to go well. `seen`: the path whose ETag a change shows."""
        found = self.operations[operation]
        sent = dict(self.people.get(who, {})) | dict(headers or {})
        wanted = found.parameters("header")
        if "Idempotency-Key" in wanted:
            sent["Idempotency-Key"] = f"played-{new_id()}"
        asked = Asked(found, who, values, query or {}, sent, body, content)
        if wanted.get("If-Match", {}).get("required"):
            etag = self.send("get", seen or asked.path, self.people.get(who, {}), None).headers["ETag"]
            asked = Asked(found, who, values, query or {}, sent | {"If-Match": etag}, body, content)
        self.before(asked)
        answer = self.ask(asked)
        assert 200 <= answer.status < 300, (operation, answer.status, answer.body[:1500])
        self.after(asked, answer)
        self.asked[operation] = asked
        self.succeeded[operation] += 1
        return answer

    def ask(self, asked: Asked, **changed: Any) -> Answer:
        """Send it as it is; `headers`, `target` and `body` may be given instead."""
        headers = dict(changed.get("headers", asked.headers))
        body = asked.content
        if asked.body is not None:
            body = orjson.dumps(asked.body)
            headers.setdefault("Content-Type", "application/json")
        return self.send(asked.operation.method, changed.get("target", asked.target), headers, body)

    def secret(self, address: str) -> str:
        """The secret in the latest letter to that address."""
        query = text("SELECT args->>'sealed' FROM procrastinate_jobs WHERE task_name = 'mail.deliver' ORDER BY id DESC")
        with self.app.app_context():
            opened = [unseal(present_settings(), each) for each in db.session().execute(query).scalars()]
            db.session().rollback()
        letter = next(each for each in opened if each["to"] == address)
        found = SECRET.search(letter["body"])
        assert found is not None
        return found.group(1)


def a_cast(play: Play, session: Session) -> None:
    """Put people and their verified organisations into the database."""
    kinds = {
        "group": ("staff_group", "Riverside speech therapy"),
        "funder": ("funder", "Leeds Seed Fund"),
        "employer": ("public_body", "Leeds community trust"),
        "host": ("fiscal_host", "Common Purse"),
    }
    made = {key: an_organisation(session, kind=kind, name=name) for key, (kind, name) in kinds.items()}
    play.organisations |= {key: str(each.id) for key, each in made.items()}
    play.people["group owner"] = a_member(session, made["group"]).headers
    play.people["funder owner"] = a_member(session, made["funder"]).headers
    play.people["funder editor"] = a_member(session, made["funder"], "editor").headers
    play.people["adviser"] = a_member(session, made["funder"], "editor").headers
    play.people["funder approver"] = a_member(session, made["funder"], "approver").headers
    play.people["employer"] = a_member(session, made["employer"]).headers
    play.people["host"] = a_member(session, made["host"]).headers
    play.people["operator"] = a_person(session, operator=True).headers
    play.people["leaver"] = a_person(session).headers


def the_main_job(play: Play) -> None:
    """Every operation at least once."""
    _reference(play)
    _language(play)
    _accounts(play)
    _organisations(play)
    _questions(play)
    programme = _programme(play)
    _listings(play)
    proposal = _proposal(play)
    _consents_and_hosts(play, proposal)
    _searches(play)
    _matches(play, programme, proposal)
    _checks(play)
    _previews(play, programme)
    _watches(play, programme, proposal)
    _pledges(play, programme, proposal)
    _pipeline(play)
    _learning(play, proposal)
    _deals(play, programme, proposal)
    _cohorts(play, programme, proposal)
    _after_the_money(play, programme, proposal)
    _repayments(play)
    _social_value(play)
    _ends(play, programme, proposal)
    _the_record(play)
    _governance(play, programme, proposal)
    _rights_and_safeguards(play)
    _procurement(play, proposal)
    _vehicles(play)
    _insight(play)


def _rights_and_safeguards(play: Play) -> None:
    """A public proposal of its own: claims, safeguards, a statement, and what is said of it."""
    do, group, day, words = play.do, "group owner", today().isoformat(), {"en": "As minuted."}
    do("listRights")
    do("getRightsCoverage", query={"on": "2010-01-01"})
    proposal = do("postProposal", group, {"organisation_id": play.organisations["group"]}).json["id"]
    about = {"proposal_id": proposal}
    facts = {"sector": "libraries_archives", "area_code": "E08000035", "parent_kind": "local_authority"}
    do("putFactSection", group, {"facts": facts}, name="service", **about)
    do("putFactSection", group, {"facts": {"legal_form": "cic_limited_by_shares"}}, name="organisation", **about)
    ask = {"stage": "exploring", "lines": [{"purpose": "legal", "amount": 5_000_00}], "instruments": ["grant"]}
    do("putSummarySection", group, {"title": "Libraries", "summary": None}, **about)
    parent = {"parent_organisation_id": play.organisations["employer"], "exclude_parent": True}
    do("putEmployerSection", group, parent, **about)
    do("putAskSection", group, ask, **about)
    do("postProposalVersion", group, **about)
    do("putProposalSharing", group, {"visibility": "public", "named": [play.organisations["employer"]]}, **about)
    do("getMotives", group, **about)
    do("putMotives", group, {"motives": ["staff_say", "avoid_cut"], "statement": "We know how."}, **about)
    do("getRightsPosition", group, query={"on": day}, **about)
    claim = {"claimant": "Eleven librarians", "title": "Branches", "statement": words, "submitted_on": "2010-01-04"}
    here = {"authority_organisation_id": play.organisations["employer"], "answer_due_on": day}
    for route in ("staff_led_voluntary", "employer_led"):
        made = do("postRightClaim", group, claim | here | {"route": route}, **about).json["id"]
        if route == "employer_led":
            do("postRightClaimWithdrawal", group, {"reason": "Not yet."}, claim_id=made)
    accepted = {"outcome": "accepted", "words": words, "answered_on": day}
    asked = {"organisation_id": play.organisations["employer"], "limit": "1", "state": "submitted"}
    waiting = do("listRightClaims", "employer", query=asked).json["data"][0]["id"]
    do("postRightClaimAnswer", "employer", accepted, claim_id=waiting)
    elsewhere = claim | {"route": "right_to_request", "authority_name": "A trust"}
    made = do("postRightClaim", group, elsewhere, **about).json["id"]
    rejected = {"outcome": "rejected", "rejection_reason": "kept_in_house", "words": words, "source": "A letter"}
    do("postRightClaimDeclaredAnswer", group, rejected | {"answered_on": "2010-02-01"}, claim_id=made)
    do("postRightClaimAppeal", group, {"words": words, "appealed_on": "2010-02-02"}, claim_id=made)
    outcome = {"outcome": "upheld", "words": words, "source": "A letter", "decided_on": "2010-03-01"}
    do("postRightClaimAppealOutcome", group, outcome, claim_id=made)
    do("getRightClaim", "employer", claim_id=waiting)
    do("listProposalRightClaims", group, **about)
    do("getRightsStatistics", query={"by": "nation"})
    _safeguards(play, about)


def _safeguards(play: Play, about: dict[str, str]) -> None:
    do, group = play.do, "group owner"
    draft = {"kind": "employer_agreement_in_principle", "title": {"en": "The rules"}}
    evidence = do("postEvidence", group, draft, **about).json["id"]
    named = {"Content-Type": "application/pdf", "Content-Disposition": 'attachment; filename="rules.pdf"'}
    content = b"%PDF-1.7\nRules."
    version = do("postEvidenceVersion", group, content=content, headers=named, evidence_id=evidence).json["id"]
    do("postEvidenceVerification", "employer", {"decision": "accepted", "reason": "Read."}, version_id=version)
    cap = {"words": "At most a third.", "limit_bp": 3000, "months": None, "evidence_id": evidence}
    do("putSafeguard", group, cap, safeguard="profit_cap", **about)
    do("putSafeguard", group, {"words": "Two years.", "months": 24}, safeguard="tupe_terms", **about)
    checked = {"decision": "confirmed", "reason": "Clause 9."}
    do("postSafeguardVerification", "employer", checked, safeguard="profit_cap", **about)
    do("deleteSafeguard", group, safeguard="tupe_terms", **about)
    do("getSafeguard", group, safeguard="profit_cap", **about)
    do("listSafeguards", group, **about)
    do("putStakes", group, {"private_stake_bp": 2500, "board_seats": 7, "board_staff_seats": 3}, **about)
    do("getStakes", group, **about)
    do("getAssuranceStatementDraft", group, **about)
    do("postAssuranceStatement", group, {"introduction": "Why we do this.", "open_to_all": True}, **about)
    do("listAssuranceStatements", **about)
    do("getAssuranceStatement", number="1", **about)
    remark = {"organisation_id": play.organisations["host"], "role": "trade_union", "kind": "question"}
    for end in ("postAssuranceRemarkHiding", "postAssuranceRemarkWithdrawal"):
        made = do("postAssuranceRemark", "host", remark | {"words": "Who sits on the board?"}, **about).json["id"]
        do("postAssuranceRemarkAnswer", group, {"answer": "Three of us."}, remark_id=made)
        if end == "postAssuranceRemarkHiding":
            do(end, "operator", {"reason": "It names a patient."}, remark_id=made)
            do("postAssuranceRemarkRestoration", "operator", remark_id=made)
        else:
            do(end, "host", remark_id=made)
    do("getAssuranceRemark", remark_id=made)
    do("listAssuranceRemarks", query={"limit": "1", "kind": "question", "state": "answered"}, **about)


def _vehicles(play: Play) -> None:
    """Vehicles for the start-up phase: simulated, opened, and run."""
    plan = {"currency": "GBP", "opening": 100_000_00, "planned": 30_000_00, "costs": 4_000_00, "floor": 5_000_00}
    plan |= {"topup": 1_000_00, "topup_from": 2, "years": 5}
    pool = plan | {"success_bp": 5_000, "charge_bp": 12_000, "loss_bp": 1_000, "lag": 2, "instalments": 3}
    year = {"ended_on": "2021-03-31", "revenue": 900_000_00, "surplus": 10_000_00, "free_cash_was_negative": False}
    award = {"award": 1_000_00, "drawn_on": "2020-01-01", "threshold": 0, "rate_bp": 100, "cap_multiple_bp": 15_000}
    award |= {"community_interest_company": True, "converted_bp": 5_000, "test_months": 36}
    match = plan | {"employer_cash": 5_000_00, "employer_staff_time": 2_000_00, "yearly_saving": 9_000_00}
    facility = {"first_loss": 200, "mezzanine": 300, "senior": 500, "lender": "seed"}
    facility |= {"deals": [{"amount": 100, "lost_bp": 10_000}, {"amount": 101}]}
    play.do("postSuccessRepayablePoolSimulation", body=pool)
    play.do("postOutcomeLinkedConversionSimulation", body=plan | award | {"years_of_revenue": [year]})
    play.do("postEmployerMatchSimulation", body=match)
    play.do("postWholesaleFacilitySimulation", body=facility)
    _vehicles_run(play)


def _vehicles_run(play: Play) -> None:
    """Scenes of their own, in which a facility is drawn on and an employer matches."""
    do, client = play.do, play.app.test_client()
    with play.app.app_context():
        there = behind(db.session(), client, wholesale_budget=101_000_00)
        lent = there.lend(10_000_00)
        there.write_off(lent, 1_000_00)
        fund = matched(db.session(), client, amount=5_000_00, agreed=False)
        scene, facility = there.scene, there.facility
        other = str(an_open_programme(db.session(), scene.funder, funded_by_programme_id=there.programme.id).id)
        plain = str(an_open_programme(db.session(), fund.scene.funder).id)
        pledge = fund.scene.accepted(1_000_00)
        shown = accepted_evidence(fund.scene, "business_plan_v1")
        people = {"banker": there.banker, "lender": scene.director, "fund": fund.scene.director}
        people |= {"matched group": fund.scene.nurse, "treasurer": fund.treasurer}
        play.people |= {name: person.headers for name, person in people.items()}
        db.session().commit()
    money, day = {"amount": 1_00, "currency": "GBP"}, today().isoformat()
    plan = {"opening": 1_000_00, "planned": 100_00, "costs": 0, "success_bp": 5_000, "charge_bp": 12_000}
    vehicle = do("postVehicle", "fund", {"programme_id": plain, "success_repayable_pool": plan}).json["id"]
    do("listVehicles", query={"kind": "success_repayable_pool", "limit": "1"})
    do("getVehicle", vehicle_id=vehicle)
    do("getVehicleLookThrough", "banker", vehicle_id=there.vehicle)
    layers = {"programme_id": other, "lender": "seed", "first_loss": 1_00, "mezzanine": 1_00, "senior": 1_00}
    small = do("postFacility", "banker", layers, vehicle_id=there.vehicle).json["id"]
    do("postFacilityWithdrawal", "banker", facility_id=small)
    small = do("postFacility", "banker", layers, vehicle_id=there.vehicle).json["id"]
    do("postFacilityAgreement", "lender", facility_id=small)
    do("listFacilities", "lender", query={"limit": "1"})
    do("getFacility", "lender", facility_id=facility)
    draw = do("listFacilityDraws", "lender", query={"limit": "1"}, facility_id=facility).json["data"][0]["id"]
    came = {"amount": money, "received_on": day, "reference": "BACK 1"}
    do("postFacilityRecovery", "lender", came, draw_id=draw)
    invitation = {"consent_id": fund.consent, "message": "Join us."}
    declined = do("postEmployerMatch", "matched group", invitation, pledge_id=pledge).json["id"]
    do("postEmployerMatchDecline", "treasurer", match_id=declined)
    agreement = {"cash": {"amount": 10_000_00, "currency": "GBP"}, "staff_time": money, "later_commissioner": True}
    do("postEmployerMatchAgreement", "treasurer", agreement | {"conflict": "Kept apart."}, match_id=fund.match)
    given = {"amount": {"amount": 10_000_00, "currency": "GBP"}, "given_on": day, "reference": "C 1"}
    cash = do("postEmployerCash", "treasurer", given, match_id=fund.match).json["id"]
    do("postEmployerContributionReceipt", "matched group", contribution_id=cash)
    time = given | {"amount": money, "reference": "T 1", "evidence_version_id": shown}
    do("postEmployerStaffTime", "matched group", time, match_id=fund.match)
    with play.app.app_context():
        fund.paid()
    do("postEmployerMatchLaunch", "fund", {"launched_on": day}, match_id=fund.match)
    saving = {"yearly_saving": money, "saving_from": day, "evidence_version_id": shown}
    do("postEmployerMatchSaving", "fund", saving, match_id=fund.match)
    do("postEmployerReturn", "fund", came, match_id=fund.match)
    do("listEmployerMatches", "treasurer", query={"limit": "1"})
    do("getEmployerMatch", "matched group", match_id=fund.match)


def _cohorts(play: Play, programme: str, proposal: str) -> None:
    do, officer, of_it = play.do, "funder editor", {"programme_id": programme}
    limit = {"limit": 900, "per_sector": True, "learning_note_required": True}
    terms = {"words": {"en": "Half the rate of interest.", "cy": "Hanner y gyfradd llog."}, "up_to_rank": 5}
    do("getCohortLimit", **of_it)
    do("putCohortLimit", officer, limit, **of_it)
    do("getFirstMoverTerms", **of_it)
    do("putFirstMoverTerms", officer, terms, **of_it)
    do("getProgramme", **of_it)
    do("getProgrammeCohort", officer, **of_it)
    do("listCohortPlaces", officer, query={"limit": "1"}, **of_it)
    do("getMoverRank", "group owner", proposal_id=proposal)
    for none in ("putCohortLimit", {"limit": None}), ("putFirstMoverTerms", {"words": None, "up_to_rank": None}):
        do(none[0], officer, none[1], **of_it)


def _insight(play: Play) -> None:
    """Reports in their three forms, the calculators of diffusion, and scenarios of a group."""
    do, group = play.do, "group owner"
    for card in do("listMarketReports").json["data"]:
        for basis in card["bases"]:
            do("getMarketReport", query={"basis": basis}, slug=card["slug"])
    do("getMarketReport", query={"format": "csv"}, slug="funnel")
    do("getMarketReport", query={"format": "svg", "from": "2026-01"}, slug="coverage")
    do("getMarketReport", query={"basis": "historical", "market": "500"}, slug="adoption")
    do("getDiffusion", query={"market": "500"})
    do("postBassCurve", body={"form": "discrete", "market": 1000, "p": 0.03, "q": 0.38, "periods": 3})
    do("postBassFit", body={"points": [{"time": 1, "count": 9}, {"time": 3, "count": 58}], "market": 500.5})
    do("postAdopterCategories", body={"adopters": 200, "ranks": [5, 6]})
    preset = do("listScenarioPresets").json["data"][0]
    draft = {"name": "Ours", "parameters": preset["parameters"]}
    own = {"organisation_id": play.organisations["group"]}
    scenario = do("postScenario", group, draft, **own).json["id"]
    do("postScenario", group, draft | {"name": "Ours, again"}, **own)
    do("listScenarios", group, query={"limit": "1"}, **own)
    do("getScenario", group, scenario_id=scenario)
    do("putScenario", group, draft | {"name": "Ours, bolder"}, scenario_id=scenario)
    do("postSimulation", group, {"first": {"preset": "dream"}, "second": {"scenario_id": scenario}})
    sides = {"first": {"preset": "dream"}, "second": {"parameters": preset["parameters"]}}
    do("postSimulation", body=sides, query={"format": "svg"})
    do("postSimulation", body=sides)
    do("deleteScenario", group, scenario_id=scenario)


def _governance(play: Play, programme: str, proposal: str) -> None:
    do, group, officer, approver = play.do, "group owner", "funder editor", "funder approver"
    funder, day = {"organisation_id": play.organisations["funder"]}, today().isoformat()
    with play.app.app_context():
        home = db.session().get_one(Organisation, UUID(funder["organisation_id"]))
        second = a_member(db.session(), home)
        play.people["second owner"] = second.headers
        person = str(a_member(db.session(), home, "editor").id)
    limits = {
        "currency": "GBP",
        "approval_limits": [{"act": "budget_change", "limit": {"amount": 100_00, "currency": "GBP"}}],
        "delegated_limits": [{"role": "editor", "act": "offer", "limit": {"amount": 5_000_00, "currency": "GBP"}}],
    }
    do("getGovernance", officer, **funder)
    do("putGovernance", "funder owner", limits, **funder)
    for answer in ("postGovernanceRejection", "postGovernanceConfirmation"):
        waiting = do("putGovernance", "funder owner", {"currency": "GBP", "approval_limits": []}, **funder).json
        do(answer, "second owner", version_id=waiting["proposed"]["id"], **funder)
    do("listGovernanceVersions", officer, query={"limit": "1"}, **funder)
    asked = {
        "act": "budget_change",
        "subject_id": programme,
        "amount": {"amount": 100_000_00, "currency": "GBP"},
        "terms": {"budget": "60000000 GBP"},
        "words": {"en": "We were given more"},
    }
    for answer, who, body in (
        ("postApprovalWithdrawal", officer, None),
        ("postApprovalRejection", approver, {"answer": "Not yet"}),
        ("postApprovalApproval", approver, {"answer": {"en": "Agreed"}}),
    ):
        approval = do("postApproval", officer, asked, **funder).json["id"]
        do("getApproval", officer, approval_id=approval)
        do(answer, who, body, approval_id=approval)
    do("listApprovals", officer, query={"limit": "1", "state": "approved"}, **funder)
    interest = {"kind": "employment", "words": "I worked there", "from": day, "to": day}
    about = {"organisation_id": play.organisations["employer"]}
    do("postInterest", officer, interest | about)
    declared = do("postInterest", officer, {**interest, "to": (today() + timedelta(days=9)).isoformat()} | about).json[
        "id"
    ]
    do("listInterests", officer, query={"limit": "1"})
    do("getInterest", officer, interest_id=declared)
    do("postInterestEnd", officer, interest_id=declared)
    do("listOrganisationInterests", approver, query={"limit": "1"}, **funder)
    plan = {"user_id": person, "proposal_id": proposal, "words": "Reads, never decides alone", "until": day}
    for answer in ("postConflictPlanRejection", "postConflictPlanApproval"):
        made = do("postConflictPlan", approver, plan, **funder).json["id"]
        do(answer, "second owner", plan_id=made)
    do("getConflictPlan", approver, plan_id=made)
    do("listConflictPlans", approver, query={"limit": "1"}, **funder)
    pledge = do("listPledges", group, query={"limit": "1"}).json["data"][0]["id"]
    do("listPledgeConflicts", group, pledge_id=pledge)
    do("postConflictPlanEnd", approver, plan_id=made)


def _deals(play: Play, programme: str, proposal: str) -> None:
    """After the pledges: an award from elsewhere, a pool, conditions, and public money that is confirmed."""
    do, group, officer, day = play.do, "group owner", "funder editor", today().isoformat()
    later = (today() + timedelta(days=30)).isoformat()
    money = {"amount": 5_00, "currency": "GBP"}
    elsewhere = {"funder_name": "A trust", "programme_name": "Seeds", "instrument": "grant", "amount": money}
    elsewhere |= {"awarded_on": day, "is_subsidy": True, "benefit": 4_00, "reference": "T/1"}
    award = do("postOutsideAward", group, elsewhere, proposal_id=proposal).json["id"]
    do("listOutsideAwards", group, query={"limit": "1"}, proposal_id=proposal)
    do("getOutsideAward", group, proposal_id=proposal, award_id=award)
    pool = do("postProgrammePool", "funder approver", {"name": "Seeds", "amount": money}, programme_id=programme).json
    do("listProgrammePools", officer, query={"limit": "1"}, programme_id=programme)
    do("getProgrammePool", officer, programme_id=programme, pool_id=pool["id"])
    do("patchProgrammePool", "funder approver", {"amount": 9_00}, programme_id=programme, pool_id=pool["id"])
    do("putSubsidyTerms", officer, {"public_money": True, "mfa_only": False}, programme_id=programme)
    do("getSubsidyTerms", group, programme_id=programme)
    conditions = [
        {"kind": "threshold", "amount": 5_00, "by": later},
        {"kind": "match_ratio", "ratio_bp": 5000, "cap": 5_00, "in_kind_bp": 2500},
        {"kind": "pool", "pool_id": pool["id"]},
    ]
    asked = do("getProposal", group, proposal_id=proposal).json["asks"]
    line = next(each for ask in asked if ask["state"] == "open" for each in ask["lines"])["id"]
    draft = {"programme_id": programme, "proposal_id": proposal, "parts": [{"instrument": "grant", "amount": 5_00}]}
    draft |= {"lines": [{"line": line, "amount": 5_00}], "conditions": conditions}
    pledge = do("postPledge", officer, draft).json["id"]
    do("postPledgeOffer", officer, {"expires_on": later, "subsidy": {"route": "mfa"}}, pledge_id=pledge)
    do("postPledgeAcceptance", group, pledge_id=pledge)
    do("postSubsidyConfirmation", group, {"statement": "It is kept."}, pledge_id=pledge)
    do("getSubsidyHeadroom", group, query={"on": day}, proposal_id=proposal)
    do("getProposalDeal", officer, proposal_id=proposal)
    do("getProposalDeal", group, proposal_id=proposal)
    do("postPledgeWithdrawal", officer, {"reason": "Played."}, pledge_id=pledge)
    do("deleteOutsideAward", group, proposal_id=proposal, award_id=award)
    do("putSubsidyTerms", officer, {"public_money": False}, programme_id=programme)


def _reference(play: Play) -> None:
    do = play.do
    do("listCodelists")
    do("getCodelist", name="stages")
    do("listFacts")
    do("listAreas", query={"q": "Leeds", "limit": "5"})
    do("getArea", code="E08000035")
    do("listParameters")
    do("listIdentifierSchemes")


def _language(play: Play) -> None:
    play.do("getCriteriaLanguage")


def _accounts(play: Play) -> None:
    do, address = play.do, "newcomer@example.org"
    do("postRegistration", body={"email": address, "name": "Grace Newcomer", "password": PASSWORD})
    do("postConfirmation", body={"token": play.secret(address)})
    do("postPasswordReset", body={"email": address})
    do("postPasswordResetRedemption", body={"token": play.secret(address), "password": PASSWORD + "!"})
    tokens = do("postSession", body={"email": address, "password": PASSWORD + "!"}).json
    renewing = {"Authorization": f"Bearer {tokens['refresh_token']}"}
    tokens = do("postSessionRefresh", headers=renewing).json
    play.people["newcomer"] = {"Authorization": f"Bearer {tokens['access_token']}"}
    do("getSession", "newcomer")
    do("getAccount", "newcomer")
    do("patchAccount", "newcomer", {"name": "Grace N.", "language": "cy"})
    do("postAccountPassword", "newcomer", {"current": PASSWORD + "!", "new": PASSWORD})
    tokens = play.do("postSession", body={"email": address, "password": PASSWORD}).json
    play.people["newcomer"] = {"Authorization": f"Bearer {tokens['access_token']}"}
    do("deleteSession", "leaver")


def _organisations(play: Play) -> None:
    do, address = play.do, "newcomer@example.org"
    draft = {
        "name": {"en": "Night fund"},
        "kind": "funder",
        "funder_kinds": ["foundation"],
        "identifiers": [{"scheme": "GB-COH", "number": "01234567"}],
        "area_code": "E08000035",
        "website": "https://fund.example/leeds",
    }
    first = do("postOrganisation", "newcomer", draft).json["id"]
    second = do("postOrganisation", "newcomer", {"name": "Second", "kind": "staff_group"}).json["id"]
    do("listOrganisations", "newcomer", query={"limit": "1", "kind": "funder"})
    do("listOrganisations", "newcomer", query={"q": "Leeds"})
    do("getOrganisation", "newcomer", organisation_id=first)
    do("patchOrganisation", "newcomer", {"name": "Night fund of Leeds"}, organisation_id=first)
    do("listVerificationQueue", "operator", query={"limit": "1"})
    do(
        "postOrganisationVerification",
        "operator",
        {"state": "register_checked", "reason": "Found."},
        organisation_id=first,
    )
    do("postVouch", "funder owner", {"reason": "We know them."}, organisation_id=second)
    do("listOrganisationVerification", "newcomer", organisation_id=first)
    group = play.organisations["group"]
    invited = {"email": address, "role": "viewer"}
    do("postInvitation", "group owner", invited, organisation_id=group)
    membership = do("postInvitationAcceptance", "newcomer", {"token": play.secret(address)}).json["id"]
    revoked = do("postInvitation", "group owner", invited | {"email": "x@example.org"}, organisation_id=group).json[
        "id"
    ]
    do("listInvitations", "group owner", query={"limit": "1"}, organisation_id=group)
    do("getInvitation", "group owner", organisation_id=group, invitation_id=revoked)
    do("deleteInvitation", "group owner", organisation_id=group, invitation_id=revoked)
    do("listMemberships", "group owner", query={"limit": "1"}, organisation_id=group)
    do("getMembership", "group owner", organisation_id=group, membership_id=membership)
    do("patchMembership", "group owner", {"role": "editor"}, organisation_id=group, membership_id=membership)
    do("deleteMembership", "group owner", organisation_id=group, membership_id=membership)


def _the_record(play: Play) -> None:
    """The audit trail, what is held of a person, and its end."""
    do, who, address = play.do, "group owner", "leaving@example.org"
    group = play.organisations["group"]
    with play.app.app_context():
        publish_heads(db.session())
        db.session().commit()
    do("getPublishedAuditHead")
    do("getAuditHead", who, organisation_id=group)
    do("listAuditEntries", who, query={"limit": "1", "since": "2020-01-01"}, organisation_id=group)
    do("postRegistration", body={"email": address, "name": "Hope Leaving", "password": PASSWORD})
    do("postConfirmation", body={"token": play.secret(address)})
    tokens = do("postSession", body={"email": address, "password": PASSWORD}).json
    play.people["leaving"] = {"Authorization": f"Bearer {tokens['access_token']}"}
    do("getPersonalData", "leaving")
    do("postErasure", "leaving", {"password": PASSWORD})


def _questions(play: Play) -> None:
    do, who = play.do, "funder editor"
    options = [{"slug": "council", "label": "The council"}, {"slug": "group", "label": {"en": "The group"}}]
    asked = {
        "organisation_id": play.organisations["funder"],
        "slug": "x_tenure",
        "type": "choice",
        "question": "Who owns the building?",
        "help": {"en": "Where the service is run."},
        "options": options,
    }
    question = do("postQuestion", who, asked).json["slug"]
    do("listQuestions", query={"limit": "1", "q": "building", "organisation_id": play.organisations["funder"]})
    do("getQuestion", slug=question)
    do("postQuestionRetirement", who, slug=question)


def _programme(play: Play) -> str:
    do = play.do
    nation = {
        "code": "NATION",
        "fact": "beneficiary_nation",
        "op": "eq",
        "value": "england",
        "level": "soft",
        "reason": {"en": "England first"},
    }
    draft = {
        "organisation_id": play.organisations["funder"],
        "title": {"en": "Seed grants"},
        "summary": "For groups that plan to spin out",
        "currency": "GBP",
        "instruments": ["grant", "in_kind_support"],
        "stages": [],
        "ask_min": {"amount": 100, "currency": "GBP"},
        "ask_max": {"amount": 100_000_00, "currency": "GBP"},
        "criteria": {"schema_version": 1, "criteria": [nation]},
        "public_money": False,
        "tranche_template": [
            {"basis": "on_agreement", "milestone": None, "share_bp": 4000},
            {"basis": "on_milestone", "milestone": "business_plan_v1", "share_bp": 6000},
        ],
    }
    programme: str = do("postProgramme", "funder editor", draft).json["id"]
    do("patchProgramme", "funder editor", {"summary": {"en": "Seed money"}}, programme_id=programme)
    version = do("postCriteriaVersion", "funder editor", programme_id=programme).json["id"]
    budget = {"amount": {"amount": 500_000_00, "currency": "GBP"}}
    do("putProgrammeBudget", "funder approver", budget, seen=f"/v1/programmes/{programme}", programme_id=programme)
    do("listProgrammes", "funder editor", query={"limit": "1", "instrument": "grant"})
    do("listProgrammes", query={"stage": "feasibility", "open_on": today().isoformat()})
    do("getProgramme", "funder editor", programme_id=programme)
    do("listCriteriaVersions", programme_id=programme)
    do("getCriteriaVersion", version_id=version)
    do("postProgrammePause", "funder editor", programme_id=programme)
    do("postProgrammeResumption", "funder editor", programme_id=programme)
    return programme


def _listings(play: Play) -> None:
    do, keeper, day = play.do, "funder editor", today().isoformat()
    listing = {
        "funder_name": "A trust",
        "funder_identifier": {"scheme": "GB-CHC", "number": "1234567"},
        "source_url": "https://trust.example/seed",
        "checked_on": day,
    }
    draft = {"organisation_id": play.organisations["funder"], "title": "Listed", "listing": listing}
    listed = do("postProgramme", keeper, draft).json["id"]
    do("patchProgramme", keeper, {"listing": {"checked_on": day}}, programme_id=listed)
    do("postCriteriaVersion", keeper, programme_id=listed)
    claim = {"organisation_id": play.organisations["employer"], "statement": "It is ours."}
    first = do("postListingClaim", "employer", claim, programme_id=listed).json["id"]
    do("postListingClaimWithdrawal", "employer", claim_id=first)
    second = do("postListingClaim", "employer", claim, programme_id=listed).json["id"]
    do("listListingClaims", "operator", query={"limit": "1", "state": "open"})
    do("getListingClaim", "employer", claim_id=second)
    do("postListingClaimDecision", "operator", {"decision": "accepted", "reason": "Shown."}, claim_id=second)
    wrong = {"about": "#/closes_on", "statement": "It closed.", "source_url": "https://trust.example/news"}
    report = do("postErrorReport", body=wrong, programme_id=listed).json["id"]
    do("listErrorReports", "employer", query={"limit": "1", "state": "open"}, programme_id=listed)
    do("getErrorReport", "employer", report_id=report)
    do("postErrorReportAnswer", "employer", {"outcome": "corrected", "answer": "Done."}, report_id=report)


def _proposal(play: Play) -> str:
    do, who = play.do, "group owner"
    draft = {"organisation_id": play.organisations["group"], "title": {"en": "Speech therapy by its staff"}}
    proposal: str = do("postProposal", who, draft).json["id"]
    do("listProposalSections", who, proposal_id=proposal)
    do("getProposalSection", who, proposal_id=proposal, name="service")
    facts = {
        "service": {"area_code": "E08000035", "sector": "community_health", "parent_kind": "nhs_body"},
        "organisation": {"registration": "registered"},
        "people": {"staff_count": 40, "staff_control": True},
        "finance": {"mfa_received": {"amount": 0, "currency": "GBP"}},
    }
    for name, answers in facts.items():
        do("putFactSection", who, {"facts": answers}, proposal_id=proposal, name=name)
    summary = {"title": {"en": "Speech therapy"}, "summary": "What we plan"}
    do("putSummarySection", who, summary, proposal_id=proposal)
    ask = {
        "stage": "business_case",
        "currency": "GBP",
        "instruments": ["grant", "in_kind_support"],
        "lines": [{"purpose": "legal", "description": "A solicitor", "amount": 90_000_00}],
    }
    do("putAskSection", who, ask, proposal_id=proposal)
    employer = {
        "parent_organisation_id": play.organisations["employer"],
        "parent_identifier": None,
        "parent_name": "The trust",
        "commissioner_organisation_ids": [],
        "exclude_parent": True,
    }
    do("putEmployerSection", who, employer, proposal_id=proposal)
    version = do("postProposalVersion", who, proposal_id=proposal).json["id"]
    do("listProposalVersions", who, proposal_id=proposal)
    do("getProposalVersion", who, proposal_id=proposal, version_id=version)
    do("getProposalSharing", who, proposal_id=proposal)
    sharing = {
        "visibility": "verified_funders",
        "named": [],
        "excluded": [],
        "facts": {"staff_count": "confidential"},
        "fact_grants": [{"organisation_id": play.organisations["funder"], "facts": ["staff_count"]}],
    }
    do("putProposalSharing", who, sharing, proposal_id=proposal)
    do("getProposal", who, proposal_id=proposal)
    do("getProposal", "funder editor", proposal_id=proposal)
    do("listProposals", who, query={"organisation_id": play.organisations["group"], "limit": "1"})
    do("listProposals", "funder editor", query={"stage": "business_case", "sector": "community_health"})
    return proposal


def _searches(play: Play) -> None:
    """Every kind of filter, order and count, and the whole result as a table."""
    do, who, table = play.do, "funder editor", {"Accept": "text/csv"}
    do("listProgrammes", query={"q": "seed or grants", "sort": "relevance,-closes_on", "facets": "status,instrument"})
    do("listProgrammes", query={"place": "Leeds", "ask": "500000GBP", "sort": "-published_at,title", "limit": "1"})
    do("listProgrammes", query={"organisation_kind": "funder,intermediary", "public_money": "false"})
    do("listProposals", who, query={"area": "E92000001", "ask.lte": "100000000", "facets": "sector,region"})
    do("listProposals", who, query={"fact.sector": "community_health", "sort": "-ask,pseudonym"})
    do("listProgrammes", query={"status": "open"}, headers=table)
    do("listProposals", who, query={"stage": "business_case"}, headers=table)


def _consents_and_hosts(play: Play, proposal: str) -> None:
    do, day = play.do, today()
    invitation = {
        "organisation_id": play.organisations["employer"],
        "title": "May we explore this?",
        "message": "We ask.",
    }
    consent = do("postEmployerConsent", "group owner", invitation, proposal_id=proposal).json["id"]
    do("listProposalEmployerConsents", "group owner", proposal_id=proposal)
    do("listEmployerConsents", "employer", query={"organisation_id": play.organisations["employer"], "limit": "1"})
    do("getEmployerConsent", "employer", consent_id=consent)
    answer = {
        "confirms_parent": True,
        "answer": "receive_funding",
        "scope": "Work on the plan. No promise of a contract.",
        "authority": "Executive board",
        "decided_on": day.isoformat(),
        "expires_on": (day + timedelta(days=90)).isoformat(),
    }
    do("postEmployerConsentAnswer", "employer", answer, consent_id=consent)
    do("getEmployerConsent", "group owner", consent_id=consent)
    do("postEmployerConsentWithdrawal", "employer", {"reason": "A new board"}, consent_id=consent)
    signs = [{"name": "Nora Okafor", "position": "Lead nurse"}]
    asked = {"host_organisation_id": play.organisations["host"], "fee": 500, "terms": {"en": "Holds it."}}
    hosting = do("postFiscalHosting", "group owner", asked | {"signatories": signs}, proposal_id=proposal).json["id"]
    do("listProposalFiscalHostings", "group owner", proposal_id=proposal)
    do("listFiscalHostings", "host", query={"organisation_id": play.organisations["host"], "limit": "1"})
    do("getFiscalHosting", "host", hosting_id=hosting)
    do("postFiscalHostingAnswer", "host", {"answer": "agreed", "signatories": signs}, hosting_id=hosting)
    do("listHeldFunds", "host", organisation_id=play.organisations["host"])
    do("postFiscalHostingEnd", "host", {"reason": "The group is registered"}, hosting_id=hosting)


def _matches(play: Play, programme: str, proposal: str) -> None:
    do, day = play.do, today().isoformat()
    fitting = {"limit": "1", "as_of": day, "result": "eligible", "over": "own", "window": "open", "instrument": "grant"}
    do("listProposalMatches", "group owner", query=fitting, proposal_id=proposal)
    do("getProposalMatch", "group owner", query={"as_of": day}, proposal_id=proposal, programme_id=programme)
    do("getProposalMatchSummary", "group owner", proposal_id=proposal)
    do("listProgrammeMatches", "funder editor", query={"limit": "1"}, programme_id=programme)
    do("getProgrammeMatch", "funder editor", programme_id=programme, proposal_id=proposal)
    do("getProgrammeMatchSummary", "funder editor", programme_id=programme)
    _near_misses(play, programme, proposal)


def _near_misses(play: Play, programme: str, proposal: str) -> None:
    do, day = play.do, today().isoformat()
    in_window = {"as_of": day, "window": "open"}
    do("listProposalNearMisses", "group owner", query=in_window, proposal_id=proposal)
    do("listProposalNextQuestions", "group owner", query=in_window, proposal_id=proposal)
    asked = {"proposal_id": proposal, "programme_id": programme}
    do("getProposalMatchWaysIn", "group owner", query={"as_of": day}, **asked)
    do("listProgrammeNearMisses", "funder editor", query={"as_of": day}, programme_id=programme)


def _previews(play: Play, programme: str) -> None:
    leaf = {"code": "STAFF", "fact": "staff_count", "op": "gte", "value": 5}
    limit = {"code": "LIMIT", "fact": "mfa_total_with_ask", "op": "lte", "value": {"parameter": "mfa_limit"}}
    body = {
        "instruments": ["grant"],
        "stages": ["exploring"],
        "ask_min": None,
        "ask_max": {"amount": 50_000_00, "currency": "GBP"},
        "criteria": {"schema_version": 1, "criteria": [{"any": [leaf, limit]}]},
        "as_of": today().isoformat(),
    }
    play.do("postCriteriaPreview", "funder editor", body, programme_id=programme)
    play.do("postCriteriaPreview", "funder editor", {}, programme_id=programme)
    play.do("postCriteriaCheck", "group owner", {**body, "currency": "GBP"})


def _watches(play: Play, programme: str, proposal: str) -> None:
    """What both sides want to hear of, and what the funder thinks of a proposal."""
    do, group, officer = play.do, "group owner", "funder editor"
    ours, theirs = play.organisations["group"], play.organisations["funder"]
    for_proposal = {"kind": "programmes", "proposal_id": proposal, "query": {"window": "open", "instrument": "grant"}}
    named = {"name": "Seed money", "delivery": "at_once", "paused": False}
    watch = do("postWatch", group, for_proposal | named, organisation_id=ours).json["id"]
    theirs_too = {"kind": "proposals", "programme_id": programme, "name": "Near us", "delivery": "weekly"}
    other = do("postWatch", officer, theirs_too, organisation_id=theirs).json["id"]
    search = {"kind": "search", "listing": "programmes", "query": {"stage": "feasibility"}, "name": "Early money"}
    kept = do("postWatch", group, search, organisation_id=ours).json["id"]
    with play.app.app_context():
        for each in (watch, other, kept):
            recompute(db.session(), UUID(each), "watch_made")
        db.session().commit()
    do("listWatches", group, query={"limit": "1", "kind": "programmes"}, organisation_id=ours)
    do("getWatch", officer, watch_id=other)
    do("patchWatch", group, {"name": "Seed grants", "delivery": "daily", "query": {}, "paused": False}, watch_id=watch)
    do("postWatchLetters", group, {"wanted": False}, watch_id=watch)
    do("listWatchMatches", officer, query={"limit": "1", "result": "eligible"}, watch_id=other)
    do("listWatchChanges", officer, query={"limit": "1", "since": "2026-01-01T00:00:00Z"}, watch_id=other)
    do("postWatchVisit", officer, {"latest_change": 0}, watch_id=other)
    do("deleteWatch", group, seen=f"/v1/watches/{kept}", watch_id=kept)
    entry = {"programme_id": programme, "proposal_id": proposal}
    do("getShortlistEntry", officer, **entry)
    do("putShortlistEntry", officer, {"state": "shortlisted", "note": "A strong team"}, **entry)
    passed = {"state": "passed", "reason": "too_early", "words": "Come back in spring", "note": "Ask Nora"}
    do("putShortlistEntry", officer, passed, **entry)
    do("listShortlist", officer, query={"limit": "1", "state": "passed"}, programme_id=programme)
    do("listProgrammeMatches", officer, query={"limit": "1", "shortlist": "passed"}, programme_id=programme)
    do("deleteShortlistEntry", officer, **entry)


def _pledges(play: Play, programme: str, proposal: str) -> None:
    do, day = play.do, today().isoformat()
    group, officer = "group owner", "funder editor"
    grant = {"instrument": "grant", "amount": 10_000_00, "terms": "As published"}
    support = {
        "instrument": "in_kind_support",
        "amount": 1_000_00,
        "tranches": [{"basis": "on_agreement", "amount": 1_000_00}],
    }
    draft = {"programme_id": programme, "proposal_id": proposal, "message": {"en": "We like it"}, "parts": [grant]}
    pledge = do("postPledge", officer, draft | {"parts": [grant, support]}).json["id"]
    do("patchPledge", officer, {"message": "We like it much", "verifier_organisation_ids": []}, pledge_id=pledge)
    do("postPledgeIndication", officer, pledge_id=pledge)
    offer = {"expires_on": (today() + timedelta(days=30)).isoformat(), "waivers": []}
    do("postPledgeOffer", officer, offer, pledge_id=pledge)
    do("postPledgeAcceptance", group, pledge_id=pledge)
    do("postPledgeAgreement", officer, {"signed_on": day, "reference": "SEED/1"}, pledge_id=pledge)
    do("listPledges", officer, query={"limit": "1", "programme_id": programme, "proposal_id": proposal})
    do("getPledge", group, pledge_id=pledge)
    _decisions(play, pledge)
    waiting = do("listTranches", group, pledge_id=pledge).json["data"]
    money, late = (
        each["id"] for each in waiting if each["basis"] != "on_agreement" or each["amount"]["amount"] > 1_000_00
    )
    kind = next(each["id"] for each in waiting if each["amount"]["amount"] == 1_000_00)
    do("getTranche", group, tranche_id=money)
    do("postTrancheClaim", group, {"note": "We began"}, tranche_id=money)
    do("postTrancheRejection", "funder approver", {"reason": "Say more"}, tranche_id=money)
    do("postTrancheClaim", group, {}, tranche_id=money)
    do("postTrancheHold", officer, {"reason": "We ask our lawyer"}, tranche_id=late)
    do("postTrancheRelease", officer, tranche_id=late)
    do("postTrancheApproval", "funder approver", tranche_id=money)
    do("postTranchePayment", officer, {"paid_on": day, "reference": "BACS 1"}, tranche_id=money)
    back = {"amount": {"amount": 500, "currency": "GBP"}, "reference": "RETURN 1"}
    do("postTrancheReturn", officer, back, tranche_id=money)
    do("postTrancheClaim", group, {}, tranche_id=kind)
    do("postTrancheApproval", "funder approver", tranche_id=kind)
    do("postTrancheDelivery", officer, {"delivered_on": day, "description": "A day of advice"}, tranche_id=kind)
    _evidence(play, proposal)
    do("postTrancheCancellation", officer, {"reason": "No longer needed"}, tranche_id=late)
    do("getPledgeStatement", group, query={"limit": "1"}, pledge_id=pledge)
    do("getProgrammeStatement", officer, query={"limit": "2"}, programme_id=programme)
    do("getProposalStatement", group, proposal_id=proposal)
    do("listEvents", officer, query={"limit": "5"})
    do("listHeldFunds", "host", organisation_id=play.organisations["host"])
    _the_books(play, programme)


def _after_the_money(play: Play, programme: str, proposal: str) -> None:
    do, day = play.do, today().isoformat()
    group, officer, adviser, second = "group owner", "funder editor", "adviser", "funder approver"
    later = {"kind": "progress", "due_on": "2100-01-01"}
    counted = {"kind": "spend", "months": 1, "counted_from": "first_payment"}
    closing = {"kind": "closing", "months": 12, "counted_from": "agreement"}
    do("putReportingTemplate", officer, {"duties": [later]}, programme_id=programme)
    do("getReportingTemplate", group, programme_id=programme)
    tranches = [{"basis": "on_agreement", "amount": 100}, {"basis": "on_agreement", "amount": 300}]
    parts = [{"instrument": "grant", "amount": 400, "tranches": tranches}]
    draft = {"programme_id": programme, "proposal_id": proposal, "parts": parts}
    pledge = do("postPledge", officer, draft).json["id"]
    do("putReportingTerms", officer, {"duties": [later, counted, closing]}, pledge_id=pledge)
    do("getReportingTerms", officer, pledge_id=pledge)
    do("postPledgeOffer", officer, {"expires_on": (today() + timedelta(days=9)).isoformat()}, pledge_id=pledge)
    do("postPledgeAcceptance", group, pledge_id=pledge)
    part = do("getPledge", group, pledge_id=pledge).json["parts"][0]["id"]
    quarters = [{"basis": "on_agreement", "amount": 100} for _ in range(4)]
    schedule = {"parts": [{"part_id": part, "tranches": quarters}], "reason": "Quarterly"}
    first = do("postPledgeSchedule", officer, schedule, pledge_id=pledge).json["id"]
    do("postScheduleWithdrawal", officer, {"reason": "A slip"}, schedule_id=first)
    second_try = do("postPledgeSchedule", group, schedule, pledge_id=pledge).json["id"]
    do("postScheduleRejection", officer, {"reason": "Say why"}, schedule_id=second_try)
    third = do("postPledgeSchedule", group, schedule, pledge_id=pledge).json["id"]
    do("getSchedule", officer, schedule_id=third)
    do("postScheduleAcceptance", officer, schedule_id=third)
    do("listPledgeSchedules", group, query={"limit": "2"}, pledge_id=pledge)
    do("postPledgeAgreement", officer, {"signed_on": day}, pledge_id=pledge)
    rows = do("listTranches", group, pledge_id=pledge).json["data"]
    paid, other = [each["id"] for each in rows if each["state"] == "claimable"][:2]
    for tranche in (paid, other):
        do("postTrancheClaim", group, {}, tranche_id=tranche)
        do("postTrancheApproval", second, tranche_id=tranche)
        do("postTranchePayment", officer, {"paid_on": day, "reference": "BACS 9"}, tranche_id=tranche)
    do("postPaymentReversal", officer, {"reason": "Typed twice"}, tranche_id=other)
    do("postPaymentReversalRejection", second, {"reason": "It was paid"}, tranche_id=other)
    do("postPaymentReversal", officer, {"reason": "It was not"}, tranche_id=other)
    do("postPaymentReversalApproval", second, tranche_id=other)
    do("listPaymentReversals", group, query={"limit": "1"}, tranche_id=other)
    progress, spend, last = do("listProposalDuties", group, proposal_id=proposal).json["data"][:3]
    do("listOrganisationDuties", officer, query={"state": "due"}, organisation_id=play.organisations["funder"])
    do("getDuty", group, duty_id=spend["id"])
    do("postDutyWaiver", adviser, {"reason": "Not needed"}, duty_id=progress["id"])
    told = {"words": "We began", "spend": [{"purpose": "legal", "amount": 60}]}
    sent = do("postReport", group, told, duty_id=spend["id"]).json["id"]
    do("postReportRejection", adviser, {"reason": "Say more"}, report_id=sent)
    again = do("postReport", group, told, duty_id=spend["id"]).json["id"]
    do("getReport", officer, report_id=again)
    do("listReports", officer, query={"limit": "1"}, duty_id=spend["id"])
    do("postReportAcceptance", adviser, report_id=again)
    for answer, who in (("Withdrawal", group), ("Rejection", officer), ("Acceptance", officer)):
        cut = {"reason": "We need less", "decreases": [{"part_id": part, "amount": 50}]}
        change = do("postChangeRequest", group, cut, pledge_id=pledge).json["id"]
        body = None if answer == "Acceptance" else {"reason": "Not like this"}
        do(f"postChangeRequest{answer}", who, body, change_id=change)
    do("getChangeRequest", group, change_id=change)
    do("listChangeRequests", group, query={"limit": "1"}, pledge_id=pledge)
    do("listAgreedUses", group, pledge_id=pledge)
    lines = [{"tranche_id": paid, "amount": {"amount": 30, "currency": "GBP"}}]
    demanded = {"reason": "Spent on something else", "due_on": "2100-01-01", "tranches": lines}
    given_up = do("postPledgeClawback", officer, demanded, pledge_id=pledge).json["id"]
    do("getDemand", group, demand_id=given_up)
    do("postDemandWithdrawal", officer, {"reason": "They explained"}, demand_id=given_up)
    do("listPledgeDemands", group, query={"limit": "1"}, pledge_id=pledge)
    closed = {
        "words": "Done",
        "outcome": "It began",
        "lessons": "Ask early",
        "additionality": "later",
        "underspend": 40,
    }
    ended = do("postReport", group, closed, duty_id=last["id"]).json["id"]
    do("postReportAcceptance", adviser, report_id=ended)
    back = {"amount": {"amount": 40, "currency": "GBP"}, "reference": "UNDERSPEND"}
    do("postTrancheReturn", officer, back, tranche_id=paid)
    do("getMonitoring", group, pledge_id=pledge)
    do("postMonitoringClosure", officer, pledge_id=pledge)
    demand = do("postPledgeClawback", officer, demanded, pledge_id=pledge).json["id"]
    recovered = {"tranche_id": paid, "amount": {"amount": 30, "currency": "GBP"}, "reference": "BACK"}
    do("postDemandReturn", officer, recovered, demand_id=demand)


def _repayments(play: Play) -> None:
    """Money lent for a feasibility study and for revenue to come: repaid, rescheduled, written off."""
    do, group, officer, day = play.do, "group owner", "funder editor", today().isoformat()
    gbp = {"currency": "GBP"}
    loan = {"rate_bp": 750, "months": 12, "holiday_months": 3, "fee_bp": 200, "in_advance": False}
    asked = {**loan, "principal": {"amount": 75_000_00, **gbp}, "grant": {"amount": 25_000_00, **gbp}}
    do("postRepaymentSchedule", body=asked | {"starts_on": day})
    flows = [{"on": "2025-01-01", "amount": -100}, {"on": "2026-01-01", "amount": 110}]
    do("postCashFlowReturn", body={"flows": flows})
    kinds = ["loan_unsecured", "quasi_equity", "recoverable_grant"]
    funds = {"organisation_id": play.organisations["funder"], "title": "Loans", "currency": "GBP", "instruments": kinds}
    programme = do("postProgramme", officer, funds).json["id"]
    do("postCriteriaVersion", officer, programme_id=programme)
    budget = {"amount": {"amount": 100_000_00, **gbp}}
    do("putProgrammeBudget", "funder approver", budget, seen=f"/v1/programmes/{programme}", programme_id=programme)
    facts = {"facts": {"registration": "registered"}}
    proposal = do("postProposal", group, {"organisation_id": play.organisations["group"]}).json["id"]
    at = f"/v1/proposals/{proposal}/sections"
    do("putFactSection", group, facts, seen=f"{at}/organisation", proposal_id=proposal, name="organisation")
    do("putSummarySection", group, {"title": "To be lent to", "summary": None}, proposal_id=proposal)
    ask = {"stage": "feasibility", "lines": [{"purpose": "legal", "amount": 9_000_00}], "instruments": kinds}
    do("putAskSection", group, ask, proposal_id=proposal)
    do("postProposalVersion", group, proposal_id=proposal)
    do("putProposalSharing", group, {"visibility": "verified_funders"}, proposal_id=proposal)
    terms = {
        "loan_unsecured": loan,
        "quasi_equity": {"threshold": 0, "rate_bp": 100, "cap_multiple_bp": 15_000, "test_on": "2199-01-01"},
        "recoverable_grant": {"event": {"en": "A contract"}, "milestone": "business_plan_v1", "first_year": 2},
    }
    parts = [{"instrument": kind, "amount": 3_000_00, "financial_terms": terms[kind]} for kind in kinds]
    draft = {"programme_id": programme, "proposal_id": proposal, "parts": parts}
    pledge = do("postPledge", officer, draft).json["id"]
    do("postPledgeOffer", officer, {"expires_on": day}, pledge_id=pledge)
    do("postPledgeAcceptance", group, pledge_id=pledge)
    do("postPledgeAgreement", officer, {"signed_on": day}, pledge_id=pledge)
    part = {each["instrument"]: each["id"] for each in do("getPledge", group, pledge_id=pledge).json["parts"]}
    tranches = [each["id"] for each in do("listTranches", group, pledge_id=pledge).json["data"]]
    for tranche in tranches:
        do("postTrancheClaim", group, {}, tranche_id=tranche)
        do("postTrancheApproval", "funder approver", tranche_id=tranche)
        do("postTranchePayment", officer, {"paid_on": day, "reference": "BACS 3"}, tranche_id=tranche)
    came = {"amount": {"amount": 100_00, **gbp}, "received_on": day, "part_id": part["loan_unsecured"]}
    do("postRepayment", officer, came | {"reference": "IN 1"}, pledge_id=pledge)
    do("listRepayments", group, query={"limit": "1"}, pledge_id=pledge)
    term = {"tranche_id": tranches[0], "months": 24, "holiday_months": 6, "reason": "A late contract"}
    for answer in ("postRescheduleDecline", "postRescheduleAcceptance"):
        made = do("postReschedule", group, term, pledge_id=pledge).json["id"]
        do(answer, "funder approver", reschedule_id=made)
    do("listReschedules", group, query={"limit": "1"}, pledge_id=pledge)
    lost = {
        "amount": {"amount": 5, **gbp},
        "ground": "uncollectable",
        "reason": "A rounding",
        "part_id": part[kinds[0]],
    }
    for answer in ("postWriteOffRefusal", "postWriteOffApproval"):
        made = do("postWriteOff", officer, lost, pledge_id=pledge).json["id"]
        do(answer, "funder approver", write_off_id=made)
    do("listWriteOffs", officer, query={"limit": "1"}, pledge_id=pledge)
    year = {"year_ended_on": "2026-03-31", "revenue": {"amount": 900_00, **gbp}, "free_cash_was_negative": False}
    told = year | {"part_id": part["quasi_equity"]}
    report = do("postRevenueReport", group, told, pledge_id=pledge).json["id"]
    do("postRevenueReportRejection", officer, {"reason": "Read again"}, report_id=report)
    report = do("postRevenueReport", group, told, pledge_id=pledge).json["id"]
    do("postRevenueReportConfirmation", officer, report_id=report)
    do("listRevenueReports", group, query={"limit": "1"}, pledge_id=pledge)
    shown = _accepted(play, proposal)
    happened = {"happened_on": day, "evidence_version_id": shown, "part_id": part["recoverable_grant"]}
    do("postSuccessEvent", officer, happened, pledge_id=pledge)
    do("getPledgeRepaymentSchedule", group, pledge_id=pledge)


def _accepted(play: Play, proposal: str) -> str:
    """Evidence of the recoverable grant's event, accepted."""
    do, group = play.do, "group owner"
    draft = {
        "kind": "business_plan",
        "milestone": "business_plan_v1",
        "title": {"en": "Our contract"},
        "confidential": False,
    }
    evidence = do("postEvidence", group, draft, proposal_id=proposal).json["id"]
    named = {"Content-Type": "application/pdf", "Content-Disposition": 'attachment; filename="contract.pdf"'}
    content = b"%PDF-1.7\nA contract."
    version: str = do("postEvidenceVersion", group, content=content, headers=named, evidence_id=evidence).json["id"]
    do("postEvidenceVerification", "adviser", {"decision": "accepted", "reason": "Read."}, version_id=version)
    return version


def _social_value(play: Play) -> None:
    do, group = play.do, "group owner"
    outcome = {
        "beneficiary": "People out of work",
        "payer": "The council",
        "change": {"en": "They are in work"},
        "theme": "ppn0620_inequality",
        "quantity": "60",
        "proxy": {
            "name": "A job",
            "value": {"amount": 850_000, "currency": "GBP"},
            "source": "Council's unit costs",
            "year": 2024,
            "url": "https://www.example.org/costs",
        },
        "deadweight_bp": 4000,
        "displacement_bp": 0,
        "attribution_bp": 3000,
        "drop_off_bp": 3000,
        "duration_years": 2,
        "assumptions": {"en": "From the last cohort."},
    }
    account = {
        "convention": "start_of_year",
        "as_of": today().isoformat(),
        "inputs": [
            {"contributor": "The council", "kind": "money", "amount": {"amount": 25_000_000, "currency": "GBP"}}
        ],
        "volunteer_time": [
            {
                "contributor": "Volunteers",
                "hours": "100.5",
                "hourly_value": {"amount": 1_260, "currency": "GBP"},
                "source": "Living wage",
            }
        ],
        "outcomes": [outcome],
    }
    own_rates = {"standard_bp": 300, "health_bp": 150, "reason": {"en": "The funder's rule."}}
    do("postSocialReturn", body=account)
    proposal = do("postProposal", group, {"organisation_id": play.organisations["group"]}).json["id"]
    draft = {"title": {"en": "What it is worth"}, "confidential": True}
    assessment = do("postSocialValueAssessment", group, draft, proposal_id=proposal).json["id"]
    do("listSocialValueAssessments", group, query={"limit": "1"}, proposal_id=proposal)
    do("getSocialValueAssessment", group, assessment_id=assessment)
    seen, shared = f"/v1/social-value-assessments/{assessment}", {"confidential": False}
    do("putSocialValueAssessmentSharing", group, shared, seen=seen, assessment_id=assessment)
    forecast = do("postSocialValueVersion", group, account | {"kind": "forecast"}, assessment_id=assessment).json
    measured = account | {"kind": "evaluated", "rates": own_rates, "outcomes": [outcome | {"quantity": "45.5"}]}
    evaluated = do("postSocialValueVersion", group, measured, assessment_id=assessment).json
    do("listSocialValueVersions", group, query={"limit": "1"}, assessment_id=assessment)
    do("getSocialValueVersion", group, version_id=forecast["id"])
    do("getSocialValueComparison", group, query={"first": forecast["id"], "second": evaluated["id"]})
    bids = [{"bidder": "A", "value": {"amount": 4_000_000, "currency": "GBP"}}]
    tender = {"bids": bids, "max_points": "10", "weighting_bp": 900, "as_of": today().isoformat()}
    do("postTenderScore", body=tender)
    jobs = {"full_time": 10, "part_time": 5, "part_time_fraction_bp": 5000, "years": "2"}
    do("postFullTimeEquivalent", body=jobs)
    do("postNetOutcome", body={"reached_bp": 2800, "comparison_bp": 1500, "participants": 500})
    _benefits(play, proposal)


def _benefits(play: Play, proposal: str) -> None:
    do, group = play.do, "group owner"
    register = {
        "title": {"en": "Shorter waits"},
        "beneficiary": "Children who wait for therapy",
        "unit": "weeks",
        "baseline": {"value": "18", "on": (today() - timedelta(days=100)).isoformat(), "source": "Waiting list"},
        "target": {"value": "8.5", "on": (today() + timedelta(days=600)).isoformat()},
        "owner": {"name": "A. Nurse", "role": "Clinical lead"},
        "measurement_days": [(today() + timedelta(days=days)).isoformat() for days in (30, 300)],
    }
    benefit = do("postBenefit", group, register, proposal_id=proposal).json["id"]
    do("listBenefits", group, query={"limit": "1"}, proposal_id=proposal)
    do("getBenefit", group, benefit_id=benefit)
    do("patchBenefit", group, {"owner": {"name": "B. Nurse", "role": "Director"}}, benefit_id=benefit)
    value = {"measured_on": today().isoformat(), "value": "17.5", "source": "Waiting list", "note": "In term."}
    do("postBenefitMeasurement", group, value, benefit_id=benefit)
    do("listBenefitMeasurements", group, query={"limit": "1"}, benefit_id=benefit)
    do("getBenefitsCheck", group, proposal_id=proposal)
    retired = do("postBenefit", group, register, proposal_id=proposal).json["id"]
    do("postBenefitRetirement", group, {"reason": {"en": "The contract changed."}}, benefit_id=retired)


def _checks(play: Play) -> None:
    play.do("listCheckQuestions")
    asked = {
        "answers": {"sector": "community_health", "staff_count": 40},
        "ask": {"amount": {"amount": 500_000, "currency": "GBP"}, "stage": "exploring", "instruments": ["grant"]},
        "as_of": today().isoformat(),
        "limit": 1,
    }
    told = play.do("postCheck", body=asked).json
    play.do("postCheck", body={"window": "open", "result": "needs_information", "instrument": "grant"})
    draft = {"organisation_id": play.organisations["group"], "title": "From answers"}
    play.do("postProposalFromAnswers", "group owner", draft | {"answer_file": told["answer_file"]})


def _decisions(play: Play, pledge: str) -> None:
    play.do("getPledgeDecision", "group owner", pledge_id=pledge)
    play.do("getPledgeDecisionReplay", "funder editor", pledge_id=pledge)


def _evidence(play: Play, proposal: str) -> None:
    do, group = play.do, "group owner"
    draft = {"kind": "business_plan", "milestone": "business_plan_v1", "title": {"en": "Our plan"}}
    evidence = do("postEvidence", group, draft, proposal_id=proposal).json["id"]
    named = {"Content-Type": "application/pdf", "Content-Disposition": 'attachment; filename="plan.pdf"'}
    content = b"%PDF-1.7\nA business plan."
    version = do("postEvidenceVersion", group, content=content, headers=named, evidence_id=evidence).json["id"]
    do("listEvidence", "adviser", query={"limit": "1"}, proposal_id=proposal)
    do("getEvidence", group, evidence_id=evidence)
    do("getEvidenceVersion", group, version_id=version)
    assert do("getEvidenceContent", group, version_id=version).body == content
    do("postEvidenceVerification", "adviser", {"decision": "accepted", "reason": "Read."}, version_id=version)
    _shown_evidence(play, evidence, version)
    do("getPipeline", group, proposal_id=proposal)


def _pipeline(play: Play) -> None:
    do, group = play.do, "group owner"
    do("listPipelineTemplates")
    do("getPipelineTemplateVersion", slug="public_service_mutual", number="1")
    proposal = do("postProposal", group, {"organisation_id": play.organisations["group"]}).json["id"]
    ask = {"stage": "decision", "lines": [{"purpose": "legal", "amount": 5_000_00}], "instruments": ["grant"]}
    do("putSummarySection", group, {"title": "To be voted on", "summary": None}, proposal_id=proposal)
    do("putAskSection", group, ask, proposal_id=proposal)
    do("postProposalVersion", group, proposal_id=proposal)
    draft = {"kind": "staff_ballot", "title": {"en": "How we voted"}}
    ballot = {
        "evidence_id": do("postEvidence", group, draft, proposal_id=proposal).json["id"],
        "question": {"en": "Shall we leave?"},
        "electorate": 40,
        "votes_for": 30,
        "votes_against": 5,
        "spoiled": 1,
        "held_on": today().isoformat(),
        "scrutineer": "Civica",
        "quorum_bp": 6000,
        "threshold_bp": 6667,
    }
    do("postBallot", group, ballot, proposal_id=proposal)
    do("listBallots", group, proposal_id=proposal)
    amount = {"amount": 250_000_00, "currency": "GBP"}
    pension = {"arrangement": "lgps_admission", "bond": amount, "contribution_gap": None, "evidence_id": None}
    do("putPensionArrangement", group, pension, proposal_id=proposal)
    do("getPensionArrangement", group, proposal_id=proposal)
    do("getPipeline", group, proposal_id=proposal)
    back = {"to": "business_case", "reason": {"en": "The plan has to be written anew."}}
    do("postStageMove", group, back, proposal_id=proposal)
    do("listStageMoves", group, query={"limit": "1"}, proposal_id=proposal)


def _learning(play: Play, proposal: str) -> None:
    """Notes, products, listings; the staff told, asked and transferred; next steps and an ask to be."""
    do, group, day = play.do, "group owner", today().isoformat()
    here, named = {"proposal_id": proposal}, {"organisation_id": play.organisations["funder"]}
    setting = {"stage": do("getPipeline", group, **here).json["stage"], "sector": "community_health"}
    note = {"kind": "cost", **setting, "route": "right_to_provide", "region": "london", "title": "Told", "body": "All"}
    note |= {"anonymous": True, "embargo_until": day}
    made = do("postLearningNote", group, note | here).json["id"]
    do("listLearningNotes", query={"limit": "1", "kind": "cost", **setting, "route": "right_to_provide"})
    do("getLearningNote", note_id=made)
    do("putLearningNote", group, note, note_id=made)
    do("listLearningNoteVersions", group, query={"limit": "1"}, note_id=made)
    do("listOrganisationLearningNotes", group, query={"limit": "1"}, organisation_id=play.organisations["group"])
    do("listProposalLearningNotes", group, query={"limit": "1"}, **here)
    do("postLearningNoteWithdrawal", group, note_id=made)
    product = {
        "kind": "guide",
        "licence": "cc0_1",
        "title": "A guide",
        "summary": "How",
        "link": "https://example.org/",
    }
    product |= {"sectors": ["community_health"], "stages": ["set_up"]}
    made = do("postSupportProduct", "funder editor", product | named).json["id"]
    do("listSupportProducts", query={"limit": "1", "kind": "guide", "licence": "cc0_1", "stage": "set_up"})
    do("getSupportProduct", product_id=made)
    do("putSupportProduct", "funder editor", product, product_id=made)
    do("postSupportProductWithdrawal", "funder editor", product_id=made)
    listing = {"services": ["legal"], "sectors": ["community_health"], "nations": ["england"], "words": "Advice"}
    listing |= {"conflicts": "As funder", "interests": [play.organisations["employer"]], "link": "https://example.org/"}
    do("putAdviserListing", "funder approver", listing, **named)
    do("getAdviserListing", "funder editor", **named)
    wanted = {"limit": "1", "service": "legal", "sector": "community_health", "nation": "england"}
    do("listAdvisers", query=wanted)
    do("listProposalAdvisers", group, query=wanted, **here)
    do("listResources", query={"stage": "set_up", "topic": "staff"})
    session = {"kind": "drop_in", "held_on": day, "invited": 40, "attended": 30, "evidence_ids": []}
    made = do("postInformationSession", group, session, **here).json["id"]
    do("getInformationSession", group, session_id=made)
    do("putInformationSession", group, session, session_id=made)
    question = {"question": "Why?", "asked_on": day, "session_id": made, "answer": "Because."}
    asked = do("postStaffQuestion", group, question, **here).json["id"]
    do("getStaffQuestion", group, question_id=asked)
    do("putStaffAnswer", group, {"answer": "Why not?"}, seen=f"/v1/staff-questions/{asked}", question_id=asked)
    do("listStaffQuestions", group, query={"limit": "1"}, **here)
    do("getEngagement", group, **here)
    consulted = {"representatives": "Unison", "began_on": day, "ended_on": day, "evidence_id": None}
    transfer = {"transfer_on": day, "staff": 40, "promise_months": 24, "measures": "None", "consultations": [consulted]}
    do("putStaffTransfer", group, transfer, **here)
    do("getStaffTransfer", group, **here)
    do("listNextSteps", group, **here)
    do("listUsualAskLines", query={"stage": "set_up", "sector": "community_health"})
    line = {"purpose": "legal", "description": "A solicitor", "amount": 5_00}
    ask = {
        "stage": "set_up",
        "sector": "community_health",
        "currency": "GBP",
        "instruments": ["grant"],
        "lines": [line],
    }
    do("postAskBuilder", "", ask)


def _shown_evidence(play: Play, evidence: str, version: str) -> None:
    do, group, officer = play.do, "group owner", "funder editor"
    named = {"organisation_id": play.organisations["host"]}
    grant = do("postEvidenceAccessGrant", group, named, evidence_id=evidence).json["id"]
    do("postEvidenceAccessGrant", group, {"email": "reader@example.org"}, evidence_id=evidence)
    do("listEvidenceAccessGrants", group, query={"limit": "1"}, evidence_id=evidence)
    path = f"/v1/evidence/{evidence}"
    do("deleteEvidenceAccessGrant", group, seen=path, evidence_id=evidence, grant_id=grant)
    do("getEvidenceContent", officer, version_id=version)
    do("listEvidenceAccesses", group, query={"limit": "1"}, evidence_id=evidence)
    with play.app.app_context():
        home = an_organisation(db.session(), kind="funder", name="Second Fund")
        play.people["second funder"] = dict(a_member(db.session(), home).headers)
        asked = {"organisation_id": str(home.id), "message": "We would rather not read it twice."}
    do("postEvidenceAccessGrant", group, {"organisation_id": asked["organisation_id"]}, evidence_id=evidence)
    reliance = do("postRelianceRequest", "second funder", asked, version_id=version).json["id"]
    do("listRelianceRequests", officer, query={"limit": "1"}, version_id=version)
    do("getRelianceRequest", group, reliance_id=reliance)
    do("postRelianceAnswer", group, {"answer": "consented"}, reliance_id=reliance)
    do("postRelianceWithdrawal", group, reliance_id=reliance)


def _ends(play: Play, programme: str, proposal: str) -> None:
    do, officer, group = play.do, "funder editor", "group owner"
    small = {"programme_id": programme, "proposal_id": proposal, "parts": [{"instrument": "grant", "amount": 500}]}
    offer = {"expires_on": (today() + timedelta(days=30)).isoformat()}
    for ending in ("decline", "withdrawal", "termination"):
        pledge = do("postPledge", officer, small).json["id"]
        do("postPledgeOffer", officer, offer, pledge_id=pledge)
        if ending == "decline":
            do("postPledgeDecline", group, {"reason": "Too small"}, pledge_id=pledge)
        elif ending == "withdrawal":
            do("postPledgeWithdrawal", officer, {"reason": "A mistake"}, pledge_id=pledge)
        else:
            do("postPledgeAcceptance", group, pledge_id=pledge)
            do("postPledgeAgreement", officer, {"signed_on": today().isoformat()}, pledge_id=pledge)
            do("postPledgeTermination", officer, {"reason": "It cannot go on"}, pledge_id=pledge)
    closing = {"organisation_id": play.organisations["funder"], "title": "To be closed", "instruments": ["grant"]}
    other = do("postProgramme", officer, closing).json["id"]
    do("postCriteriaVersion", officer, programme_id=other)
    do("postProgrammeClosure", officer, programme_id=other)
    left = do("postProposal", group, {"organisation_id": play.organisations["group"]}).json["id"]
    ask = {
        "stage": "feasibility",
        "lines": [{"purpose": "legal", "amount": 5_000_00}],
        "instruments": ["grant"],
    }
    do("putSummarySection", group, {"title": "To be withdrawn", "summary": None}, proposal_id=left)
    do("putAskSection", group, ask, proposal_id=left)
    do("postProposalVersion", group, proposal_id=left)
    do("postProposalWithdrawal", group, proposal_id=left)


def _the_books(play: Play, programme: str) -> None:
    do, moment = play.do, {"as_of": now().isoformat()}
    lines = do("getProgrammeStatement", "funder editor", query=moment, programme_id=programme).json["data"]
    do("getLedgerTransaction", "funder editor", transaction_id=lines[-1]["transaction_id"])
    do("getProgrammeTrialBalance", "funder editor", query=moment, programme_id=programme)
    do("getOrganisationTrialBalance", "funder editor", query=moment, organisation_id=play.organisations["funder"])
    do("getOrganisationReconciliation", "funder editor", organisation_id=play.organisations["funder"])


def _procurement(play: Play, proposal: str) -> None:
    do, group, day = play.do, "group owner", today().isoformat()
    of_it = {"proposal_id": proposal}
    pounds = {"amount": 90_000_00, "currency": "GBP"}
    facts = {"as_of": day, "nation": "england", "contract_value": pounds, "comparable_contract_on": None}
    facts |= {"checks": ["reserved_s33", "direct_award_below_threshold"], "profits": "not_for_profit"}
    do("postProcurementCheck", body=facts)
    do("listProposalProcurementChecks", group, query={"as_of": day, "checks": "reserved_s33,vertical_teckal"}, **of_it)
    draft = {"kind": "procurement_opinion", "title": {"en": "Counsel's opinion"}}
    evidence = do("postEvidence", group, draft, **of_it).json["id"]
    opinion = {
        "route": "reserved_s33",
        "author_name": "Ruth Pleader",
        "author_organisation": "Chambers of the North",
        "client": "group",
        "challenge_risk": 2,
        "risk_appetite": "cautious",
        "given_on": day,
        "summary": {"en": "A reserved contract is open."},
        "confidential": False,
        "counts_as_precedent": True,
        "evidence_id": evidence,
        "supersedes_id": None,
    }
    first = do("postProcurementOpinion", group, opinion, **of_it).json["id"]
    do("postProcurementOpinion", group, opinion | {"supersedes_id": first}, **of_it)
    do("listProcurementOpinions", group, **of_it)
    do("getProcurementOpinion", group, opinion_id=first)
    do("getProcurementPrecedents", group, query={"sector": "community_health", "route": "reserved_s33"})
    bid = {
        "title": {"en": "Speech therapy"},
        "authority_name": "Leeds commissioners",
        "route": "reserved_s33",
        "occasion": "re_tender",
        "incumbent": True,
        "submitted_on": day,
        "contract_value": pounds,
        "term_months": 36,
    }
    made = do("postBid", group, bid, **of_it).json["id"]
    do("listBids", group, query={"limit": "1"}, **of_it)
    do("getBid", group, bid_id=made)
    surety = {"kind": "performance_bond", "amount": 10_000_00, "covered_by": "insurer", "pledge_id": None}
    do("putBidSureties", group, {"sureties": [surety]}, seen=f"/v1/bids/{made}", bid_id=made)
    lost = {"outcome": "lost", "decided_on": day, "lost_on": ["financial_standing"], "words": "Too small, they said."}
    do("putBidOutcome", group, lost, seen=f"/v1/bids/{made}", bid_id=made)
    entry = {
        "kind": "evaluator",
        "happened_on": day,
        "organisation_name": "The trust",
        "person_name": "Hal Just",
        "role": "Chair of the panel",
        "words": {"en": "Appointed."},
        "public": True,
    }
    kept = do("postFairCompetitionEntry", group, entry, **of_it).json["id"]
    back = {"kind": "evaluator", "happened_on": day, "words": "Not him.", "corrects_id": kept, "taken_back": True}
    do("postFairCompetitionEntry", group, back, **of_it)
    record = f"/v1/proposals/{proposal}/fair-competition-record"
    named = {"organisations": [play.organisations["funder"]]}
    do("putFairCompetitionReaders", group, named, seen=record, **of_it)
    do("postFairCompetitionPublication", group, **of_it)
    do("getFairCompetitionRecord", group, **of_it)
    do("listFairCompetitionLines", group, query={"limit": "1"}, **of_it)
    do("listFairCompetitionLines", group, headers={"Accept": "text/csv"}, **of_it)
