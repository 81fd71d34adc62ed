"""A world with one of everything, in every state that an operation needs, and a valid request for each operation.

Secrets are planted in it: words and figures that stand nowhere else, so that one found in an answer was told.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from flask_jwt_extended import create_refresh_token
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from marketplace.feeds.heads import publish_heads
from marketplace.identity.links import digest_of
from marketplace.identity.models import (
    Invitation,
    Membership,
    OneTimeLink,
    Organisation,
    OrganisationIdentifier,
    SessionFamily,
    User,
    VerificationAct,
)
from marketplace.identity.passwords import password_hash
from marketplace.pledges.condition_models import ProgrammeSubsidyTerms
from marketplace.programmes.models import Programme
from marketplace.proposals import service
from marketplace.proposals.models import EmployerConsent, Proposal
from marketplace.store.base import new_id
from marketplace.values.clock import now, today
from marketplace.watches.recompute import recompute
from tests.builders import Person, a_member, a_person, an_organisation
from tests.pledges.scene import give_budget
from tests.programmes.builders import a_programme, an_open_programme
from tests.proposals.builders import a_proposal, seen, share

PASSWORD = "a quiet word in the ward"
NEW_PASSWORD = "another quiet word in the ward"
PDF = b"%PDF-1.7\n"
ROLES = ("owner", "editor", "approver", "viewer")
CHANGED = {
    "group.unverified": ("group.owner", "group", "unverified"),
    "group.suspended": ("group.owner", "group", "suspended"),
    "funder.unverified": ("funder.owner", "funder", "unverified"),
    "funder.suspended": ("funder.owner", "funder", "suspended"),
    "host.suspended": ("host.owner", "host", "suspended"),
    "employer.suspended": ("employer.owner", "employer", "suspended"),
}
"""Callers who are another one, while their organisation is in another state: (who, organisation, state)."""
KEYS = count(1)
REPAYABLE = ["loan_unsecured", "quasi_equity", "recoverable_grant"]


@dataclass
class Sent:
    """A request but for who sends it: what stands in the path, the query, the body and besides."""

    path: dict[str, Any] = field(default_factory=dict)
    json: Any = None
    query: dict[str, Any] = field(default_factory=dict)
    data: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class World:
    """Who is there, what there is (its id by a short name), and what is secret."""

    people: dict[str, Person] = field(default_factory=dict)
    organisations: dict[str, UUID] = field(default_factory=dict)
    things: dict[str, Any] = field(default_factory=dict)
    refresh_tokens: dict[str, str] = field(default_factory=dict)
    memberships: dict[str, UUID] = field(default_factory=dict)
    invitations: dict[str, str] = field(default_factory=dict)
    emails: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, list[str]] = field(default_factory=dict)
    personal: dict[str, tuple[str, str]] = field(default_factory=dict)
    """The name and the address of each person, planted."""
    homes: dict[str, str] = field(default_factory=dict)
    """Which organisation each person belongs to."""

    def secret(self, name: str) -> str:
        """A new word that is told only to the readers of that secret."""
        word = f"Kestrel{len(self.secrets):02d}x{new_id().hex[-8:]}"
        self.secrets.setdefault(name, []).append(word)
        return word

    def sum(self, name: str) -> dict[str, Any]:
        """A new amount that is told only to the readers of that secret."""
        amount = 734_185_000 + 17 * next(KEYS)
        self.secrets.setdefault(name, []).append(str(amount))
        return {"amount": amount, "currency": "GBP"}

    def words(self, name: str) -> dict[str, str]:
        return {"en": f"{self.secret(name)} in English"}

    def person_of(self, who: str) -> str:
        """Whose account a caller of the table uses."""
        return CHANGED[who][0] if who in CHANGED else who


class Building:
    """Puts the world together, by builders where people and organisations are, by requests where steps are taken."""

    def __init__(self, session: Session, client: FlaskClient) -> None:
        self.session = session
        self.client = client
        self.world = World()

    def do(self, who: str, path: str, body: Any = None) -> Any:
        headers = self.world.people[who].headers | {"Idempotency-Key": f"world-{next(KEYS)}"}
        answer = self.client.post(f"/v1{path}", json=body, headers=headers)
        assert answer.status_code < 300, (path, answer.json)
        return answer.json

    def build(self) -> World:
        self.people()
        self.proposals()
        self.questions()
        self.programmes()
        self.listings()
        self.pledges()
        self.ballots()
        self.learning()
        self.bookings()
        self.deals()
        self.after_the_money()
        self.repayments()
        self.hostings()
        self.watches()
        self.vehicles()
        self.governance()
        self.rights_and_safeguards()
        self.procurement()
        self.scenarios()
        social_value_of(self)
        self.letters()
        publish_heads(self.session)
        self.session.commit()
        self.session.close()
        return self.world

    # Who is there

    def organisation(self, name: str, kind: str, *, verification: str = "vouched", called: str | None = None) -> Any:
        made = an_organisation(self.session, kind=kind, name=called or f"The {name}", verification=verification)
        self.world.organisations[name] = made.id
        return made

    def joins(self, who: str, organisation: str, role: str, **values: Any) -> None:
        home = self.session.get_one(Organisation, self.world.organisations[organisation])
        self.world.people[who] = a_member(self.session, home, role, **values)
        self.world.homes[who] = organisation

    def people(self) -> None:
        world, session = self.world, self.session
        self.organisation("group", "staff_group", called=world.secret("the group's name"))
        world.secrets["the group's id"] = [str(world.organisations["group"])]
        self.organisation("neighbours", "staff_group", called=world.secret("the neighbour's name"))
        self.organisation("open group", "staff_group")
        for name, kind in (("funder", "funder"), ("host", "fiscal_host"), ("employer", "public_body")):
            self.organisation(name, kind)
            for role in ROLES:
                self.joins(f"{name}.{role}", name, role)
        for role in ROLES:
            self.joins(f"group.{role}", "group", role)
        for who, home, kind, verification in (
            ("verifier", "adviser", "adviser", "vouched"),
            ("commissioner", "commissioner", "public_body", "vouched"),
            ("stranger", "other fund", "funder", "vouched"),
            ("unverified", "new fund", "funder", "unverified"),
        ):
            self.organisation(home, kind, verification=verification)
            self.joins(who, home, "editor" if who == "verifier" else "owner")
        self.joins("neighbour", "neighbours", "owner")
        self.joins("open.owner", "open group", "owner")
        self.organisation("applicant", "funder", verification="unverified")
        self.joins("applicant", "applicant", "owner")
        world.people["operator"] = a_person(session, operator=True)
        for who, home, role in (
            ("group.co-owner", "group", "owner"),
            ("group.spare", "group", "viewer"),
            ("funder.director", "funder", "approver"),
            ("funder.adviser", "funder", "editor"),
        ):
            self.joins(who, home, role)
        for home in ("employer", "new fund"):
            number = OrganisationIdentifier(
                scheme="GB-COH",
                number="01234567" if home == "employer" else "07654321",
                organisation_id=world.organisations[home],
            )
            session.add(number)
        reason = world.secret("why the group was verified")
        group = world.organisations["group"]
        session.execute(update(Organisation).where(Organisation.id == group).values(verification_note=reason))
        session.add(
            VerificationAct(
                organisation_id=group,
                was="unverified",
                became="vouched",
                by_user_id=world.people["operator"].id,
                reason=reason,
            )
        )
        session.commit()

    # What there is

    def a_proposal(self, name: str, by: str, **values: Any) -> Proposal:
        home = self.session.get_one(Organisation, self.world.organisations[self.world.homes[by]])
        made = a_proposal(self.session, home, self.world.people[by], **values)
        self.world.things[name] = made.id
        return made

    def summarise(self, by: str, proposal: Proposal, secret: str) -> None:
        content = {"title": self.world.words(secret), "summary": self.world.words(secret)}
        service.write_summary(self.session, self.world.people[by].actor(self.session), proposal.id, content, seen)
        self.session.commit()

    def publish(self, by: str, proposal: Proposal) -> None:
        service.publish_proposal(self.session, self.world.people[by].actor(self.session), proposal.id)
        self.session.commit()

    def ask(self, secret: str) -> dict[str, Any]:
        line = {"purpose": "legal", "description": self.world.words(secret), "amount": 10_000_000}
        return {
            "stage": "business_case",
            "currency": "GBP",
            "instruments": ["grant", "in_kind_support", *REPAYABLE],
            "lines": [line],
        }

    def proposals(self) -> None:
        world = self.world
        parent = {
            "parent_organisation_id": world.organisations["employer"],
            "commissioner_organisation_ids": [world.organisations["commissioner"]],
        }
        registered = {"registration": "registered"}
        words = "the words of the shared proposal, which is under a pseudonym"
        facts = {
            "service": {
                "area_code": "E08000035",
                "annual_contract_value": world.sum("a confidential fact granted to the funder"),
            },
            "organisation": registered,
            "finance": {"turnover": world.sum("a confidential fact")},
        }
        shared = self.a_proposal(
            "shared", "group.owner", facts=facts, ask=self.ask(words), employer=parent, published=False
        )
        self.summarise("group.owner", shared, words)
        share(
            self.session,
            shared.id,
            world.people["group.owner"],
            visibility="verified_funders",
            fact_grants=[{"organisation_id": world.organisations["funder"], "facts": ["annual_contract_value"]}],
        )
        self.publish("group.owner", shared)
        world.things["version"] = self.session.get_one(Proposal, shared.id).current_version_id
        self.summarise("group.owner", shared, "the words drafted since it was published")
        drafted = {"finance": {"turnover": world.sum("a confidential fact drafted since it was published")}}
        actor = world.people["group.owner"].actor(self.session)
        service.write_facts(self.session, actor, shared.id, "finance", drafted["finance"], seen)
        self.session.commit()
        words = "the words of a private proposal"
        facts = {"organisation": registered, "finance": {"turnover": world.sum("a fact of a private proposal")}}
        private = self.a_proposal(
            "private", "group.owner", facts=facts, ask=self.ask(words), employer=parent, published=False
        )
        self.summarise("group.owner", private, words)
        self.publish("group.owner", private)
        draft = self.a_proposal("draft", "group.owner", published=False)
        self.summarise("group.owner", draft, "the words of a draft that was never published")
        self.a_proposal(
            "withdrawn",
            "group.owner",
            ask=self.ask("the words of a private proposal"),
            facts={},
            shared={"visibility": "verified_funders"},
        )
        self.a_proposal(
            "named",
            "neighbour",
            facts={},
            shared={"visibility": "named", "named": [world.organisations["other fund"]]},
        )
        hidden = self.a_proposal("neighbour's draft", "neighbour", published=False)
        self.summarise("neighbour", hidden, "the neighbour's private draft")
        self.a_proposal("public", "open.owner", facts={}, shared={"visibility": "public"})
        until = today() + timedelta(days=30)
        self.joins("group.guest", "group", "guest", proposal_id=shared.id, until=until)
        answered = self.do(
            "group.owner",
            f"/proposals/{private.id}/employer-consents",
            {"organisation_id": str(world.organisations["employer"]), "title": {"en": "A question"}},
        )
        world.things["answered consent"] = answered["id"]
        self.do("employer.approver", f"/employer-consents/{answered['id']}/answer", self.answer())
        invited = self.do(
            "group.owner",
            f"/proposals/{shared.id}/employer-consents",
            {
                "organisation_id": str(world.organisations["employer"]),
                "title": world.words("the invitation to the employer"),
                "message": world.words("the invitation to the employer"),
            },
        )
        world.things["invited consent"] = invited["id"]

    def answer(self) -> dict[str, Any]:
        said = self.world.secret("the employer's answer")
        return {
            "confirms_parent": True,
            "answer": "explore",
            "scope": said,
            "authority": "The board",
            "decided_on": str(today()),
        }

    def programmes(self) -> None:
        world = self.world
        funder = self.session.get_one(Organisation, world.organisations["funder"])
        common = {"instruments": ["grant", "in_kind_support", *REPAYABLE], "ask_max": 50_000_000}
        for name in ("programme", "paused"):
            made = an_open_programme(self.session, funder, **common)
            world.things[name] = made.id
        give_budget(self.session, world.things["programme"], 1_000_000_00)
        world.things["criteria version"] = self.session.get_one(
            Programme, world.things["programme"]
        ).current_criteria_version_id
        self.do("funder.owner", f"/programmes/{world.things['paused']}/pauses")
        self.session.expire_all()
        programme = self.session.get_one(Programme, world.things["programme"])
        programme.criteria = self.criteria("criteria that a funder has not published")
        self.session.commit()
        draft = "a funder's draft of a programme"
        made = a_programme(
            self.session,
            funder,
            title=world.words(draft),
            summary=world.words(draft),
            criteria=self.criteria(draft),
        )
        world.things["draft programme"] = made.id
        others = self.session.get_one(Organisation, world.organisations["other fund"])
        world.things["stranger's programme"] = an_open_programme(self.session, others).id

    def listings(self) -> None:
        """Two listings that the adviser keeps, the funder's claim of one, and a report on the funder's programme."""
        funder = str(self.world.organisations["funder"])
        listing = {"funder_name": "A trust", "source_url": "https://trust.example/seed", "checked_on": str(today())}
        draft = {"organisation_id": str(self.world.organisations["adviser"]), "title": "Listed", "listing": listing}
        for name in ("listing", "claimed listing"):
            made = self.do("verifier", "/programmes", draft)["id"]
            self.do("verifier", f"/programmes/{made}/criteria-versions")
            self.world.things[name] = made
        claim = {"organisation_id": funder, "statement": self.world.secret("the funder's claim")}
        path = f"/programmes/{self.world.things['claimed listing']}/claims"
        self.world.things["claim"] = self.do("funder.owner", path, claim)["id"]
        report = {"statement": self.world.secret("a report of an error")}
        path = f"/programmes/{self.world.things['programme']}/error-reports"
        self.world.things["report"] = self.do("stranger", path, report)["id"]

    def questions(self) -> None:
        """A question of the funder's own."""
        asked = {"organisation_id": str(self.world.organisations["funder"]), "slug": "x_tenure", "type": "boolean"}
        made = self.do("funder.owner", "/questions", asked | {"question": "Does the group own its building?"})
        self.world.things["question"] = made["slug"]

    def criteria(self, secret: str) -> dict[str, Any]:
        leaf = {
            "code": "STAFF",
            "fact": "staff_control",
            "op": "eq",
            "value": True,
            "level": "soft",
            "reason": self.world.words(secret),
        }
        return {"schema_version": 1, "criteria": [leaf]}

    # What was promised

    def a_pledge(self, name: str, secret: str | None = None, *, about: str = "shared", **members: Any) -> str:
        body: dict[str, Any] = {
            "programme_id": str(self.world.things["programme"]),
            "proposal_id": str(self.world.things[about]),
            "parts": [{"instrument": "grant", "amount": 1000}],
        }
        if secret:
            body["message"] = self.world.words(secret)
        made = self.do("funder.editor", "/pledges", body | members)
        self.world.things[name] = made["id"]
        return str(made["id"])

    def offered(self, name: str, **members: Any) -> str:
        pledge = self.a_pledge(name, "the message of an offered pledge", **members)
        self.do("funder.editor", f"/pledges/{pledge}/offer", {"expires_on": str(today() + timedelta(days=30))})
        return pledge

    def deals(self) -> None:
        """An award from elsewhere, a pool, and a pledge of public money that nobody has confirmed."""
        world, about = self.world, self.world.things["shared"]
        elsewhere = {
            "funder_name": world.secret("an award from elsewhere"),
            "reference": world.secret("an award from elsewhere"),
            "instrument": "grant",
            "amount": {"amount": 1000, "currency": "GBP"},
            "awarded_on": str(today()),
            "is_subsidy": True,
        }
        path = f"/proposals/{about}/outside-awards"
        world.things["outside award"] = self.do("group.owner", path, elsewhere)["id"]
        programme = world.things["programme"]
        body = {"name": world.secret("a funder's pool"), "amount": {"amount": 10_000_00, "currency": "GBP"}}
        world.things["pool"] = self.do("funder.approver", f"/programmes/{programme}/pools", body)["id"]
        funder = self.session.get_one(Organisation, world.organisations["funder"])
        public = an_open_programme(self.session, funder, instruments=["grant"], ask_max=50_000_000)
        give_budget(self.session, public.id, 1_000_000)
        self.session.add(ProgrammeSubsidyTerms(id=public.id, public_money=True, mfa_only=False))
        self.session.commit()
        pledge = self.offered("public pledge", programme_id=str(public.id))
        self.do("group.owner", f"/pledges/{pledge}/acceptance")

    def pledges(self) -> None:
        world = self.world
        self.a_pledge("draft pledge", "the message of a pledge in draft")
        self.offered("offered pledge")
        ended = self.offered("pledge to the withdrawn", about="withdrawn")
        self.do("group.owner", f"/pledges/{ended}/acceptance")
        self.do("funder.editor", f"/pledges/{ended}/agreement", {"signed_on": str(today())})
        officer = world.people["funder.editor"].headers
        for row in self.client.get(f"/v1/pledges/{ended}/tranches", headers=officer).json["data"]:
            self.do("funder.editor", f"/tranches/{row['id']}/cancellation", {"reason": {"en": "It is not needed."}})
        self.do("group.owner", f"/proposals/{world.things['withdrawn']}/withdrawal")
        self.do("group.owner", f"/pledges/{self.offered('accepted pledge')}/acceptance")
        names = ("claimable", "claimed", "approved", "held", "paid")
        parts = [
            {
                "instrument": "grant",
                "amount": 1000 * len(names),
                "tranches": [{"basis": "on_agreement", "amount": 1000} for _ in names],
            },
            {"instrument": "in_kind_support", "amount": 1000},
        ]
        adviser = str(world.organisations["adviser"])
        signed = self.offered("signed pledge", parts=parts, verifier_organisation_ids=[adviser])
        self.do("group.owner", f"/pledges/{signed}/acceptance")
        self.do("funder.editor", f"/pledges/{signed}/agreement", {"signed_on": str(today())})
        draft_of = world.people["funder.editor"].headers
        (drafted,) = self.client.get(f"/v1/pledges/{world.things['draft pledge']}/tranches", headers=draft_of).json[
            "data"
        ]
        world.things["draft tranche"] = drafted["id"]
        rows = self.client.get(f"/v1/pledges/{signed}/tranches", headers=draft_of).json["data"]
        for name, row in zip((*names, "in kind"), rows, strict=True):
            self.bring(name, row["id"])
        self.evidence()

    def bookings(self) -> None:
        """A booking of a budget and one of a payment."""
        for kind, path in (
            ("programme.budget", f"/programmes/{self.world.things['programme']}"),
            ("tranche.paid", f"/pledges/{self.world.things['signed pledge']}"),
        ):
            lines = self.client.get(f"/v1{path}/statement", headers=self.world.people["funder.editor"].headers).json
            self.world.things[kind] = next(each["transaction_id"] for each in lines["data"] if each["kind"] == kind)

    def after_the_money(self) -> None:
        """A pledge with a schedule to answer, a reversal to approve, a demand, a report and a change to decide on."""
        world, secret = self.world, "what was said between the parties to a tranche"
        duties = [{"kind": kind, "due_on": "2100-01-01"} for kind in ("progress", "progress", "spend")]
        tranches = [{"basis": "on_agreement", "amount": 100} for _ in range(4)]
        part = {"instrument": "grant", "amount": 400, "tranches": tranches}
        pledges = {}
        for name in ("followed", "breached"):
            pledge = pledges[name] = self.a_pledge(f"{name} pledge", "the message of an offered pledge", parts=[part])
            sent = world.people["funder.editor"].headers | {"If-Match": "*"}
            terms = f"/v1/pledges/{pledge}/reporting-terms"
            assert self.client.put(terms, json={"duties": duties}, headers=sent).status_code == 200
            self.do("funder.editor", f"/pledges/{pledge}/offer", {"expires_on": str(today() + timedelta(days=30))})
            self.do("group.owner", f"/pledges/{pledge}/acceptance")
            self.do("funder.editor", f"/pledges/{pledge}/agreement", {"signed_on": str(today())})
            rows = self.read("funder.editor", f"/pledges/{pledge}/tranches")
            for row in rows[:2]:
                self.do("group.editor", f"/tranches/{row['id']}/claim", {})
                self.do("funder.director", f"/tranches/{row['id']}/approval")
                self.do("funder.adviser", f"/tranches/{row['id']}/payment", {"paid_on": str(today()), "reference": "B"})
            world.things[f"{name} tranches"] = [row["id"] for row in rows]
        followed, breached = pledges["followed"], pledges["breached"]
        part_id = self.read("funder.editor", f"/pledges/{followed}")["parts"][0]["id"]
        signed = self.read("funder.editor", f"/pledges/{world.things['signed pledge']}")
        world.things["signed part"] = signed["parts"][0]["id"]
        halves = [{"part_id": part_id, "tranches": tranches[:2]}]
        why = {"reason": world.words(secret)}
        schedule = self.do("funder.adviser", f"/pledges/{followed}/schedules", {"parts": halves} | why)
        world.things["schedule"] = schedule["id"]
        self.do("funder.adviser", f"/tranches/{world.things['followed tranches'][0]}/payment-reversal", why)
        rows = self.read("group.editor", f"/proposals/{world.things['shared']}/duties?limit=100")
        mine = [row["id"] for row in rows["data"] if row["pledge_id"] == followed]
        world.things["duty"], world.things["reported duty"] = mine[0], mine[2]
        report = {"words": world.words(secret), "spend": [{"purpose": "legal", "amount": 7}]}
        world.things["duty report"] = self.do("group.editor", f"/duties/{mine[2]}/reports", report)["id"]
        asked = {"purpose": world.words(secret)} | why
        world.things["change"] = self.do("group.editor", f"/pledges/{followed}/change-requests", asked)["id"]
        line = {"tranche_id": world.things["breached tranches"][0], "amount": {"amount": 50, "currency": "GBP"}}
        demanded = {"due_on": "2100-01-01", "tranches": [line]} | why
        world.things["demand"] = self.do("funder.adviser", f"/pledges/{breached}/clawback", demanded)["id"]

    def read(self, who: str, path: str) -> Any:
        """What that person is answered; a list without its page."""
        body = self.client.get(f"/v1{path}", headers=self.world.people[who].headers).json
        return body["data"] if set(body) == {"data"} else body

    def bring(self, name: str, tranche: str) -> None:
        """A tranche of the signed pledge, in the state of its name (in kind: approved)."""
        secret = "what was said between the parties to a tranche"
        self.world.things[f"{name} tranche"] = tranche
        if name in {"claimed", "approved", "paid", "in kind"}:
            self.do("group.editor", f"/tranches/{tranche}/claim", {"note": self.world.words(secret)})
        if name in {"approved", "paid", "in kind"}:
            self.do("funder.director", f"/tranches/{tranche}/approval")
        if name == "paid":
            body = {"paid_on": str(today()), "reference": self.world.secret(secret)}
            self.do("funder.adviser", f"/tranches/{tranche}/payment", body)
        if name == "held":
            self.do("funder.adviser", f"/tranches/{tranche}/hold", {"reason": self.world.words(secret)})

    def evidence(self) -> None:
        world = self.world
        title = world.words("evidence")
        body = {"kind": "business_plan", "milestone": "business_plan_v1", "title": title}
        made = self.do("group.editor", f"/proposals/{world.things['shared']}/evidence", body)
        world.things["evidence"] = made["id"]
        sent = world.people["group.editor"].headers | {
            "Content-Type": "application/pdf",
            "Content-Disposition": f'attachment; filename="{world.secret("evidence")}.pdf"',
        }
        content = PDF + world.secret("evidence").encode()
        answer = self.client.post(f"/v1/evidence/{made['id']}/versions", data=content, headers=sent)
        assert answer.status_code == 201, answer.json
        world.things["evidence version"] = answer.json["id"]
        private = {"kind": "business_plan", "title": world.words("the words of a private proposal")}
        kept = self.do("group.editor", f"/proposals/{world.things['private']}/evidence", private)
        world.things["private evidence"] = kept["id"]
        self.reliance()

    def reliance(self) -> None:
        """Accepted evidence that the stranger was let in to, and wants to rely on; and a second such document."""
        world = self.world
        secret = "evidence that an outsider was let in to"
        for name in ("relied", "unrelied"):
            draft = {"kind": "options_appraisal", "title": world.words(secret)}
            made = self.do("group.editor", f"/proposals/{world.things['shared']}/evidence", draft)["id"]
            world.things[f"{name} evidence"] = made
            sent = world.people["group.editor"].headers | {
                "Content-Type": "application/pdf",
                "Content-Disposition": 'attachment; filename="options.pdf"',
            }
            answer = self.client.post(f"/v1/evidence/{made}/versions", data=PDF, headers=sent)
            world.things[f"{name} version"] = answer.json["id"]
            decision = {"decision": "accepted", "reason": "Read."}
            self.do("verifier", f"/evidence-versions/{answer.json['id']}/verification", decision)
            named = {"organisation_id": str(world.organisations["other fund"])}
            self.do("group.editor", f"/evidence/{made}/access-grants", named)
        address = f"kestrel{new_id().hex}"
        world.secrets["the address of a person who was let in to evidence"] = [address]
        path = f"/evidence/{world.things['evidence']}/access-grants"
        world.things["access grant"] = self.do("group.editor", path, {"email": f"{address}@example.org"})["id"]
        asked = {
            "organisation_id": str(world.organisations["other fund"]),
            "message": world.secret("why a funder wants to rely on another's acceptance"),
        }
        path = f"/evidence-versions/{world.things['relied version']}/reliance-requests"
        world.things["reliance"] = self.do("stranger", path, asked)["id"]

    def ballots(self) -> None:
        world, secret = self.world, "how the staff voted and what became of pensions"
        shared = f"/proposals/{world.things['shared']}"
        body = {"kind": "staff_ballot", "title": world.words("evidence")}
        world.things["ballot evidence"] = self.do("group.editor", f"{shared}/evidence", body)["id"]
        ballot = a_ballot(
            world.things["ballot evidence"], question=world.words(secret), scrutineer=world.secret(secret)
        )
        self.do("group.editor", f"{shared}/ballots", ballot)
        sent = world.people["group.editor"].headers | {"If-Match": "*"}
        arrangement = {"arrangement": "lgps_admission", "bond": world.sum(secret)}
        answer = self.client.put(f"/v1{shared}/pension-arrangement", json=arrangement, headers=sent)
        assert answer.status_code == 200, answer.json

    def rights_and_safeguards(self) -> None:
        """Claims in each state, a safeguard that can be checked, statements hidden and public, remarks on both."""
        world, shared = self.world, f"/proposals/{self.world.things['shared']}"
        words, secret, kept = {"en": "A letter."}, "the claim of a right", "what a group declares of a right"
        employer = {"authority_organisation_id": str(world.organisations["employer"])}
        for name, route, authority, day in (
            ("submitted", "right_to_provide", employer, None),
            ("declared", "staff_led_voluntary", {"authority_name": world.secret(kept)}, None),
            ("rejected", "right_to_request", {"authority_name": "A trust"}, "2010-02-01"),
            ("appealed", "right_to_request", {"authority_name": "A trust"}, "2010-02-01"),
        ):
            hidden = secret if name == "submitted" else kept
            body = {"route": route, "claimant": world.secret(hidden), "title": world.words(hidden), **authority}
            body |= {"statement": world.words(hidden), "submitted_on": day or str(today())}
            claim = self.do("group.editor", f"{shared}/right-claims", body)["id"]
            world.things[f"{name} claim"] = claim
            if day is not None:
                answer = {"outcome": "rejected", "rejection_reason": "other", "words": words, "source": "A letter"}
                self.do("group.editor", f"/right-claims/{claim}/declared-answer", answer | {"answered_on": day})
            if name == "appealed":
                self.do("group.editor", f"/right-claims/{claim}/appeal", {"words": words, "appealed_on": day})
        sent = world.people["group.editor"].headers | {"If-Match": "*"}
        secret = "what a group promises and who holds it"
        claimed = {"words": world.words(secret), "evidence_id": world.things["unrelied evidence"]}
        motives = {"motives": ["staff_say"], "statement": world.words("why a group wants to leave")}
        for path, body in (("safeguards/open_book", claimed), ("motives", motives), ("stakes", {"board_seats": 7})):
            answer = self.client.put(f"/v1{shared}/{path}", json=body, headers=sent)
            assert answer.status_code == 200, answer.json
        secret = "a statement that is not open to all"
        self.do("group.editor", f"{shared}/assurance-statements", {"introduction": world.words(secret)})
        public = f"/proposals/{world.things['public']}"
        self.do("open.owner", f"{public}/assurance-statements", {})
        for name, who, home, path, planted in (
            ("hidden statement's", "funder.editor", "funder", shared, secret),
            ("public", "stranger", "other fund", public, None),
            ("hidden", "stranger", "other fund", public, "a remark that the operator hid"),
        ):
            remark = {"organisation_id": str(world.organisations[home]), "role": "funder", "kind": "question"}
            said = world.words(planted) if planted else {"en": "Who sits on the board?"}
            made = self.do(who, f"{path}/assurance-remarks", remark | {"words": said})["id"]
            world.things[f"{name} remark"] = made
        self.do("operator", f"/assurance-remarks/{world.things['hidden remark']}/hiding", {"reason": "It names one."})

    def learning(self) -> None:
        """A note that anyone reads and one under embargo, a product, a listing; a session, a question, a transfer."""
        world, group = self.world, "group.editor"
        shared = world.things["shared"]
        secret = "a note under embargo"
        note = a_note(shared, title={"en": "Told"}, body={"en": "To all"})
        world.things["note"] = self.do(group, "/learning-notes", note)["id"]
        later = str(today() + timedelta(days=30))
        note = a_note(shared, title=world.words(secret), body=world.words(secret), embargo_until=later)
        world.things["embargoed note"] = self.do(group, "/learning-notes", note)["id"]
        product = A_PRODUCT | {"organisation_id": str(world.organisations["funder"])}
        world.things["product"] = self.do("funder.editor", "/support-products", product)["id"]
        session = self.do(group, f"/proposals/{shared}/information-sessions", a_session())
        world.things["information session"] = session["id"]
        question = {"question": world.words("what the staff asked"), "asked_on": str(today())}
        world.things["staff question"] = self.do(group, f"/proposals/{shared}/staff-questions", question)["id"]
        transfer = {"measures": world.words("how the staff go over"), "staff": 40}
        sent = world.people[group].headers | {"If-Match": "*"}
        answer = self.client.put(f"/v1/proposals/{shared}/staff-transfer", json=transfer, headers=sent)
        assert answer.status_code == 200, answer.json

    def repayments(self) -> None:
        """A pledge of a loan, quasi-equity and a recoverable grant, paid; something of each kind awaits its answer."""
        figures = {
            "loan_unsecured": {"rate_bp": 750, "months": 12},
            "quasi_equity": {"threshold": 0, "rate_bp": 100, "cap_multiple_bp": 15_000},
            "recoverable_grant": {"event": "A first contract"},
        }
        parts: list[dict[str, Any]] = [
            {"instrument": name, "amount": 1000, "financial_terms": terms} for name, terms in figures.items()
        ]
        parts[0]["tranches"] = [{"basis": "on_agreement", "amount": 500}] * 2
        lent = self.offered("lent pledge", parts=parts)
        self.do("group.owner", f"/pledges/{lent}/acceptance")
        self.do("funder.editor", f"/pledges/{lent}/agreement", {"signed_on": str(today())})
        officer = self.world.people["funder.editor"].headers
        rows = self.client.get(f"/v1/pledges/{lent}/tranches", headers=officer).json["data"]
        for row in rows:
            self.do("group.editor", f"/tranches/{row['id']}/claim", {})
            self.do("funder.director", f"/tranches/{row['id']}/approval")
            self.do("funder.adviser", f"/tranches/{row['id']}/payment", {"paid_on": str(today()), "reference": "BACS"})
        self.world.things |= {"lent tranche": rows[0]["id"], "other lent tranche": rows[1]["id"]}
        held = self.client.get(f"/v1/pledges/{lent}", headers=officer).json["parts"]
        self.world.things |= {part["instrument"]: part["id"] for part in held}
        secret = "what was said between the parties to a tranche"
        reschedule = {"tranche_id": rows[0]["id"], "months": 24, "reason": self.world.words(secret)}
        made = self.do("group.editor", f"/pledges/{lent}/reschedules", reschedule)
        self.world.things["reschedule"] = made["id"]
        reason = self.world.words("a write-off that nobody has approved")
        self.world.things["write-off"] = self.do(
            "funder.adviser", f"/pledges/{lent}/write-offs", a_write_off(held[0]["id"], reason)
        )["id"]
        year = {"year_ended_on": "2020-03-31", "revenue": {"amount": 5, "currency": "GBP"}}
        self.world.things["report of revenue"] = self.do("group.editor", f"/pledges/{lent}/revenue-reports", year)["id"]
        shown = {"kind": "options_appraisal", "title": self.world.words("evidence")}
        evidence = self.do("group.editor", f"/proposals/{self.world.things['shared']}/evidence", shown)["id"]
        sent = self.world.people["group.editor"].headers | {
            "Content-Type": "application/pdf",
            "Content-Disposition": 'attachment; filename="appraisal.pdf"',
        }
        version = self.client.post(f"/v1/evidence/{evidence}/versions", data=PDF, headers=sent).json["id"]
        accepted = {"decision": "accepted", "reason": "Read."}
        self.do("funder.adviser", f"/evidence-versions/{version}/verification", accepted)
        self.world.things["accepted version"] = version

    def hostings(self) -> None:
        world = self.world
        secret = "the terms of a hosting"
        for name, proposal in (("proposed hosting", "shared"), ("agreed hosting", "private")):
            body = a_hosting(world, terms=world.words(secret), name=world.secret(secret))
            made = self.do("group.owner", f"/proposals/{world.things[proposal]}/fiscal-hostings", body)
            world.things[name] = made["id"]
        agreed = {"answer": "agreed", "signatories": [{"name": world.secret(secret), "position": "Director"}]}
        self.do("host.approver", f"/fiscal-hostings/{world.things['agreed hosting']}/answer", agreed)

    def vehicles(self) -> None:
        """A wholesale vehicle with two facilities of the funder's, one with a loss; matches in each of their states."""
        world, things, session = self.world, self.world.things, self.session
        self.organisation("bank", "wholesale_vehicle")
        self.joins("bank.owner", "bank", "owner")
        bank, funder = (session.get_one(Organisation, world.organisations[name]) for name in ("bank", "funder"))
        common = {"instruments": ["grant", *REPAYABLE], "ask_max": 50_000_000}
        wholesale = an_open_programme(session, bank, **common)
        give_budget(session, wholesale.id, 1_000_000)
        behind = {"funded_by_programme_id": wholesale.id}
        lending, other, plain, matching = (
            an_open_programme(session, funder, **common, **extra) for extra in (behind, behind, {}, {})
        )
        give_budget(session, lending.id, 1_000_000)
        give_budget(session, matching.id, 1_000_000)
        things |= {"lending programme": lending.id, "plain programme": plain.id}
        facility = {"first_loss": 2_000, "senior": 8_000, "concentration_bp": 10_000}
        plan = {"programme_id": str(wholesale.id), "wholesale_facility": facility}
        things["vehicle"] = self.do("bank.owner", "/vehicles", plan)["id"]
        for name, programme in (("facility", lending), ("offered facility", other)):
            draft = facility | {"programme_id": str(programme.id)}
            things[name] = self.do("bank.owner", f"/vehicles/{things['vehicle']}/facilities", draft)["id"]
        self.do("funder.approver", f"/facilities/{things['facility']}/agreement")
        lost = self.offered(
            "lost pledge", programme_id=str(lending.id), parts=[{"instrument": "loan_unsecured", "amount": 1000}]
        )
        self.do("group.owner", f"/pledges/{lost}/acceptance")
        self.paid(lost)
        loss = {"amount": {"amount": 500, "currency": "GBP"}, "ground": "uncollectable", "reason": {"en": "Lost."}}
        written = self.do("funder.adviser", f"/pledges/{lost}/write-offs", loss)["id"]
        self.do("funder.director", f"/write-offs/{written}/approval")
        things["draw"] = self.read("funder.editor", f"/facilities/{things['facility']}/draws?limit=1")["data"][0]["id"]
        self.employer_matches(matching.id)

    def paid(self, pledge: str) -> None:
        """Sign the pledge and pay its one tranche."""
        self.do("funder.editor", f"/pledges/{pledge}/agreement", {"signed_on": str(today())})
        (row,) = self.read("funder.editor", f"/pledges/{pledge}/tranches")
        self.do("group.editor", f"/tranches/{row['id']}/claim", {})
        self.do("funder.director", f"/tranches/{row['id']}/approval")
        self.do("funder.adviser", f"/tranches/{row['id']}/payment", {"paid_on": str(today()), "reference": "B"})

    def employer_matches(self, programme: UUID) -> None:
        """A fund that matches, and five pledges of it: not matched, invited, agreed, launched, and saved."""
        world, things = self.world, self.world.things
        plan = {"opening": 1_000_000, "planned": 1_000, "costs": 0, "employer_cash": 1_000, "yearly_saving": 1_000}
        self.do("funder.approver", "/vehicles", {"programme_id": str(programme), "employer_match": plan})
        consent = EmployerConsent(
            id=new_id(),
            proposal_id=things["shared"],
            parent_organisation_id=world.organisations["employer"],
            state="answered",
            title={"en": "May we?"},
            invited_by=world.people["group.owner"].id,
            answer="explore",
            answered_at=now(),
        )
        self.session.add(consent)
        self.session.commit()
        things["matching consent"] = str(consent.id)
        for name in ("unmatched", "invited", "agreed", "launched", "saved"):
            pledge = self.offered(f"{name} match's pledge", programme_id=str(programme))
            self.do("group.owner", f"/pledges/{pledge}/acceptance")
            if name == "unmatched":
                continue
            words = {"consent_id": str(consent.id), "message": world.words("the words of an employer match")}
            made = self.do("group.editor", f"/pledges/{pledge}/employer-match", words)["id"]
            things[f"{name} match"] = made
            if name == "invited":
                continue
            few = {"amount": 2_000, "currency": "GBP"}
            conflict = world.words("the words of an employer match")
            agreed = {"cash": few, "staff_time": few, "later_commissioner": True, "conflict": conflict}
            self.do("employer.approver", f"/employer-matches/{made}/agreement", agreed)
            cash = {"amount": {"amount": 1_000, "currency": "GBP"}, "given_on": str(today()), "reference": "C 1"}
            things[f"{name} cash"] = self.do("employer.approver", f"/employer-matches/{made}/cash", cash)["id"]
            if name == "agreed":
                continue
            self.do("group.editor", f"/employer-contributions/{things[f'{name} cash']}/receipt")
            if name == "saved":
                self.paid(pledge)
            self.do("funder.editor", f"/employer-matches/{made}/launch", {"launched_on": str(today())})
            if name == "saved":
                saving = {"yearly_saving": few, "saving_from": str(today())}
                shown = {"evidence_version_id": things["accepted version"]}
                self.do("funder.editor", f"/employer-matches/{made}/saving", saving | shown)

    # What is watched

    def watches(self) -> None:
        """A watch of the group and one of the funder, begun, and an entry on the funder's shortlist."""
        world, things = self.world, self.world.things
        drafts = {
            "group": {"kind": "programmes", "proposal_id": str(things["shared"])},
            "funder": {"kind": "proposals", "programme_id": str(things["programme"])},
        }
        for owner, draft in drafts.items():
            name = {"name": world.secret(f"the name of a {owner}'s watch")}
            made = self.do(f"{owner}.editor", f"/organisations/{world.organisations[owner]}/watches", draft | name)
            things[f"{owner}'s watch"] = made["id"]
            recompute(self.session, UUID(made["id"]), "watch_made")
        self.session.commit()
        words = world.secret("the words on a funder's shortlist")
        sent = world.people["funder.editor"].headers | {"If-Match": "*"}
        path = f"/v1/programmes/{things['programme']}/shortlist/{things['shared']}"
        body = {"state": "passed", "reason": "too_early", "words": words, "note": words}
        assert self.client.put(path, json=body, headers=sent).status_code == 200

    # Who may decide

    def governance(self) -> None:
        """Limits of the funder and looser ones proposed, an approval in each state, an interest and two plans."""
        world, things, at = self.world, self.world.things, self.world.organisations
        self.joins("funder.co-owner", "funder", "owner")
        path = f"/organisations/{at['funder']}"
        secret = "what a funder has still to approve"
        limit = {"act": "payment", "limit": world.sum("a funder's limits")}
        for limits in ([limit], []):
            body = {"currency": "GBP", "approval_limits": limits}
            sent = world.people["funder.co-owner"].headers | {"If-Match": "*"}
            answer = self.client.put(f"/v1{path}/governance", json=body, headers=sent)
            assert answer.status_code == 200, answer.json
        things["proposed limits"] = answer.json["proposed"]["id"]
        asked = {
            "act": "return",
            "subject_id": str(things["paid tranche"]),
            "terms": {"reference": world.secret(secret)},
        }
        for amount, name in enumerate(("asked approval", "own approval"), 1):
            body = asked | {"amount": {"amount": amount, "currency": "GBP"}, "words": world.words(secret)}
            asker = "funder.editor" if name == "own approval" else "funder.adviser"
            things[name] = self.do(asker, f"{path}/approvals", body)["id"]
        words = world.words("the words of an interest")
        about = {"proposal_id": str(things["shared"])}
        interest = about | {"kind": "family", "words": words, "from": str(today())}
        things["interest"] = self.do("funder.adviser", "/me/interests", interest)["id"]
        for name, about_whom in (("proposed plan", "funder.adviser"), ("other plan", "funder.director")):
            plan = about | {"user_id": str(world.people[about_whom].id), "words": world.words("a plan for a conflict")}
            things[name] = self.do("funder.approver", f"{path}/conflict-plans", plan)["id"]

    def procurement(self) -> None:
        """A confidential opinion, a bid, and a record that the stranger was let read."""
        world = self.world
        shared = f"/proposals/{world.things['shared']}"
        secret = "an opinion on procurement"
        opinion = an_opinion(world.words(secret), author=world.secret(secret))
        world.things["opinion"] = self.do("group.editor", f"{shared}/procurement-opinions", opinion)["id"]
        secret = "a bid of the group's"
        bid = a_bid(world.words(secret), contract_value=world.sum(secret), authority=world.secret(secret))
        world.things["bid"] = self.do("group.editor", f"{shared}/bids", bid)["id"]
        secret = "the fair-competition record"
        entry = an_entry(world.words(secret), person=world.secret(secret))
        world.things["entry"] = self.do("group.editor", f"{shared}/fair-competition-entries", entry)["id"]
        readers = {"organisations": [str(world.organisations["other fund"])]}
        sent = world.people["group.editor"].headers | {"If-Match": "*"}
        answer = self.client.put(f"/v1{shared}/fair-competition-record/readers", json=readers, headers=sent)
        assert answer.status_code == 200, answer.json

    # Letters, passwords and tokens

    def scenarios(self) -> None:
        name = self.world.secret("the name of a group's scenario")
        path = f"/organisations/{self.world.organisations['group']}/scenarios"
        made = self.do("group.owner", path, {"name": name, "parameters": A_SCENARIO})
        self.world.things["scenario"] = made["id"]

    def letters(self) -> None:
        world, session = self.world, self.session
        for turn, (who, person) in enumerate(world.people.items()):
            name, email = f"Merlin{turn:02d}x{new_id().hex[-8:]}", f"siskin{turn:02d}x{new_id().hex[-8:]}@example.org"
            world.personal[who], world.emails[who] = (name, email), email
            row = session.get_one(User, person.id)
            row.name, row.email = name, email
            row.password_hash, row.confirmed_at = password_hash(PASSWORD), now()
            family = session.scalars(select(SessionFamily).filter_by(user_id=person.id)).one()
            claims = {"fam": str(family.id), "rid": str(family.current_token)}
            world.refresh_tokens[who] = create_refresh_token(identity=str(person.id), additional_claims=claims)
            world.invitations[who] = f"invitation-{who}"
            session.add(self.invitation("applicant", email, f"invitation-{who}", by="applicant"))
        newcomer = User(id=new_id(), name="New", email="newcomer@example.org", password_hash="!")
        session.add(newcomer)
        session.flush()
        for purpose, whose in (("confirm", newcomer.id), ("reset", world.people["group.spare"].id)):
            session.add(
                OneTimeLink(
                    user_id=whose,
                    purpose=purpose,
                    token_digest=digest_of(f"link to {purpose}"),
                    expires_at=now() + timedelta(hours=1),
                )
            )
        address = world.secret("an invitation's address").lower()
        world.secrets["an invitation's address"] = [address]
        waiting = self.invitation("group", f"{address}@example.org", "waiting", by="group.owner")
        session.add(waiting)
        session.flush()
        world.things["invitation"] = waiting.id
        for who, home in world.homes.items():
            row = session.scalars(
                select(Membership).filter_by(user_id=world.people[who].id, organisation_id=world.organisations[home])
            ).one()
            world.memberships[who] = row.id
        session.commit()

    def invitation(self, home: str, email: str, token: str, *, by: str) -> Invitation:
        return Invitation(
            id=new_id(),
            organisation_id=self.world.organisations[home],
            email=email,
            role="viewer",
            token_digest=digest_of(token),
            invited_by=self.world.people[by].id,
            expires_at=now() + timedelta(days=7),
        )


def a_write_off(part: str, reason: dict[str, str]) -> dict[str, Any]:
    """What is asked for when a little of a part's principal is lost."""
    lost = {"amount": {"amount": 5, "currency": "GBP"}, "ground": "uncollectable"}
    return {**lost, "part_id": part, "reason": reason}


def a_hosting(world: World, *, terms: dict[str, str], name: str) -> dict[str, Any]:
    """What a group asks of the host."""
    return {
        "host_organisation_id": str(world.organisations["host"]),
        "fee": 500,
        "terms": terms,
        "signatories": [{"name": name, "position": "Lead nurse"}],
    }


# The requests


def requests_of(world: World, who: str) -> dict[str, Callable[[], Sent]]:
    """A valid request for every row of the table, as that caller would make it."""
    return {
        **_about_people(world, who),
        **_about_proposals(world),
        **_about_shown_evidence(world),
        **_about_funding(world),
        **_about_listings(world),
        **_about_questions(world),
        **_about_money(world),
        **_about_the_books(world),
        **_about_repayments(world),
        **_about_checks_and_decisions(world),
        **_about_previews(world),
        **_about_the_language(),
        **_about_near_misses(world),
        **_about_searching(),
        **_about_watches(world),
        **_about_the_pipeline(world),
        **_about_the_record(world),
        **_about_governance(world),
        **_about_deals(world),
        **_about_what_follows_the_money(world),
        **_about_rights_and_safeguards(world, who),
        **_about_vehicles(world),
        **_about_insight(world),
        **_about_social_value(world),
        **_about_cohorts(world),
    }


def _about_cohorts(world: World) -> dict[str, Callable[[], Sent]]:
    """How many groups a programme takes on at a time, who they are, and its terms for first movers."""
    programme, draft = ({"programme_id": world.things[name]} for name in ("programme", "draft programme"))
    limit = {"limit": 900, "per_sector": True, "learning_note_required": True}
    return {
        "getCohortLimit/published": lambda: Sent(programme),
        "getCohortLimit/a draft's": lambda: Sent(draft),
        "putCohortLimit": lambda: Sent(programme, limit),
        "getFirstMoverTerms/published": lambda: Sent(programme),
        "getFirstMoverTerms/a draft's": lambda: Sent(draft),
        "putFirstMoverTerms": lambda: Sent(programme, {"words": {"en": "Half the rate."}, "up_to_rank": 5}),
        "getProgrammeCohort": lambda: Sent(programme),
        "listCohortPlaces": lambda: Sent(programme),
        "getMoverRank": lambda: Sent({"proposal_id": world.things["shared"]}),
    }


def _about_rights_and_safeguards(world: World, who: str) -> dict[str, Callable[[], Sent]]:
    things, day, words = world.things, str(today()), {"en": "Said."}
    shared, public = ({"proposal_id": things[name]} for name in ("shared", "public"))
    claims = ("submitted", "declared", "rejected", "appealed")
    submitted, declared, rejected, appealed = ({"claim_id": things[f"{name} claim"]} for name in claims)
    asked = {"organisation_id": str(world.organisations["employer"])}
    claim = {"route": "commissioner_led", "authority_name": "A council", "claimant": "Us", "title": words}
    answer = {"outcome": "accepted", "answered_on": day, "source": "A letter"}
    safeguard, verified = {**shared, "safeguard": "staff_director"}, {**shared, "safeguard": "open_book"}
    remarks = ("hidden statement's", "public", "hidden")
    known, open_, hidden = ({"remark_id": things[f"{name} remark"]} for name in remarks)
    home = world.homes.get(world.person_of(who), "group")
    remark = {"organisation_id": str(world.organisations[home]), "role": "other", "kind": "concern", "words": words}
    return {
        "listRights": Sent,
        "getRightsCoverage": lambda: Sent(query={"on": "2010-01-01"}),
        "getRightsStatistics": lambda: Sent(query={"by": "authority"}),
        "getRightsPosition": lambda: Sent(shared),
        "getMotives": lambda: Sent(shared),
        "putMotives": lambda: Sent(shared, {"motives": ["avoid_cut"]}),
        "listProposalRightClaims": lambda: Sent(shared),
        "postRightClaim": lambda: Sent(shared, claim | {"statement": words, "submitted_on": day}),
        "listRightClaims": lambda: Sent(query=asked),
        "getRightClaim": lambda: Sent(submitted),
        "postRightClaimAnswer": lambda: Sent(submitted, answer),
        "postRightClaimDeclaredAnswer": lambda: Sent(declared, answer),
        "postRightClaimAppeal": lambda: Sent(rejected, {"words": words, "appealed_on": day}),
        "postRightClaimAppealOutcome": lambda: Sent(
            appealed, {"outcome": "upheld", "source": "A letter", "decided_on": day}
        ),
        "postRightClaimWithdrawal": lambda: Sent(submitted, {}),
        "listSafeguards": lambda: Sent(shared),
        "getSafeguard": lambda: Sent(verified),
        "putSafeguard": lambda: Sent(safeguard, {"words": words}),
        "deleteSafeguard": lambda: Sent(verified),
        "postSafeguardVerification": lambda: Sent(verified, {"decision": "confirmed", "reason": "Read."}),
        "getStakes": lambda: Sent(shared),
        "putStakes": lambda: Sent(shared, {"staff_votes_bp": 5100}),
        "getAssuranceStatementDraft": lambda: Sent(shared),
        "postAssuranceStatement": lambda: Sent(shared, {"open_to_all": True}),
        "listAssuranceStatements/a hidden proposal's": lambda: Sent(shared),
        "listAssuranceStatements/a public proposal's": lambda: Sent(public),
        "getAssuranceStatement/a hidden proposal's": lambda: Sent({**shared, "number": 1}),
        "getAssuranceStatement/a public proposal's": lambda: Sent({**public, "number": 1}),
        "listAssuranceRemarks/a hidden proposal's": lambda: Sent(shared),
        "listAssuranceRemarks/a public proposal's": lambda: Sent(public),
        "postAssuranceRemark": lambda: Sent(public, remark),
        "getAssuranceRemark/on a hidden statement": lambda: Sent(known),
        "getAssuranceRemark/on a public statement": lambda: Sent(open_),
        "postAssuranceRemarkAnswer": lambda: Sent(known, {"answer": words}),
        "postAssuranceRemarkWithdrawal": lambda: Sent(known),
        "postAssuranceRemarkHiding": lambda: Sent(open_, {"reason": "It names a patient."}),
        "postAssuranceRemarkRestoration": lambda: Sent(hidden),
        **_about_procurement(world),
    }


def an_opinion(summary: dict[str, str], *, author: str) -> dict[str, Any]:
    """What counsel wrote."""
    named = {"author_name": author, "author_organisation": "Chambers", "client": "group"}
    return {"route": "reserved_s33", "challenge_risk": 2, "given_on": str(today()), "summary": summary, **named}


def a_bid(title: dict[str, str], *, contract_value: dict[str, Any], authority: str) -> dict[str, Any]:
    """A bid for the service's own contract."""
    about = {"route": "reserved_s33", "occasion": "first_contract", "incumbent": True, "term_months": 36}
    value = {"contract_value": contract_value, "authority_name": authority, "submitted_on": str(today())}
    return {"title": title, **about, **value}


def an_entry(words: dict[str, str], *, person: str) -> dict[str, Any]:
    """Who sponsors the proposal."""
    return {"kind": "sponsor", "happened_on": str(today()), "role": "Sponsor", "person_name": person, "words": words}


def _about_procurement(world: World) -> dict[str, Callable[[], Sent]]:
    shared, bid = {"proposal_id": world.things["shared"]}, {"bid_id": world.things["bid"]}
    words = {"en": "Said."}
    value = {"amount": 1000, "currency": "GBP"}
    readers = {"organisations": [str(world.organisations["host"])]}
    cell = {"sector": "community_health", "route": "reserved_s33"}
    outcome = {"outcome": "withdrawn", "decided_on": str(today())}
    surety = {"kind": "performance_bond", "amount": 5, "covered_by": "none"}
    return {
        "postProcurementCheck": lambda: Sent(json={"nation": "england"}),
        "listProposalProcurementChecks": lambda: Sent(shared),
        "postProcurementOpinion": lambda: Sent(shared, an_opinion(words, author="Ruth")),
        "listProcurementOpinions": lambda: Sent(shared),
        "getProcurementOpinion": lambda: Sent({"opinion_id": world.things["opinion"]}),
        "getProcurementPrecedents": lambda: Sent(query=cell),
        "postBid": lambda: Sent(shared, a_bid(words, contract_value=value, authority="A council")),
        "listBids": lambda: Sent(shared),
        "getBid": lambda: Sent(bid),
        "putBidOutcome": lambda: Sent(bid, outcome),
        "putBidSureties": lambda: Sent(bid, {"sureties": [surety]}),
        "getFairCompetitionRecord": lambda: Sent(shared),
        "listFairCompetitionLines": lambda: Sent(shared),
        "postFairCompetitionEntry": lambda: Sent(shared, an_entry(words, person="Hal")),
        "putFairCompetitionReaders": lambda: Sent(shared, readers),
        "postFairCompetitionPublication": lambda: Sent(shared),
    }


def _about_vehicles(world: World) -> dict[str, Callable[[], Sent]]:
    """Vehicles for the start-up phase: simulated, opened, and run."""
    plan = {"opening": 100_000_00, "planned": 30_000_00, "costs": 4_000_00}
    pool = plan | {"success_bp": 5_000, "charge_bp": 12_000}
    award = {"award": 1_000_00, "drawn_on": "2020-01-01", "threshold": 0, "rate_bp": 100, "cap_multiple_bp": 15_000}
    conversion = plan | award | {"years_of_revenue": [{"ended_on": "2021-03-31", "revenue": 5}]}
    match = plan | {"employer_cash": 5_000_00, "yearly_saving": 9_000_00}
    facility = {"first_loss": 200, "senior": 800, "deals": [{"amount": 100}]}
    things, shown = world.things, str(world.things["accepted version"])
    vehicle, open_, offered = (
        {"vehicle_id": things["vehicle"]},
        {"facility_id": things["facility"]},
        {"facility_id": things["offered facility"]},
    )
    few, day = {"amount": 5, "currency": "GBP"}, str(today())
    came = {"amount": few, "received_on": day, "reference": "BACK 1"}
    given = {"amount": few, "given_on": day, "reference": "GIVEN 9"}
    layers = {"first_loss": 20, "senior": 80, "programme_id": str(things["lending programme"])}
    agreement = {"cash": few, "staff_time": few, "later_commissioner": False, "conflict": {"en": "None."}}
    invited, agreed, launched, saved = (
        {"match_id": things[f"{name} match"]} for name in ("invited", "agreed", "launched", "saved")
    )
    unmatched = {"pledge_id": things["unmatched match's pledge"]}
    run = {"programme_id": str(things["plain programme"]), "success_repayable_pool": pool}
    return {
        "postVehicle": lambda: Sent(json=run),
        "listVehicles": Sent,
        "getVehicle": lambda: Sent(vehicle),
        "getVehicleLookThrough": lambda: Sent(vehicle),
        "postFacility": lambda: Sent(vehicle, layers),
        "listFacilities": Sent,
        "getFacility": lambda: Sent(open_),
        "postFacilityAgreement": lambda: Sent(offered),
        "postFacilityWithdrawal": lambda: Sent(offered),
        "listFacilityDraws": lambda: Sent(open_),
        "postFacilityRecovery": lambda: Sent({"draw_id": things["draw"]}, came),
        "postEmployerMatch": lambda: Sent(unmatched, {"consent_id": things["matching consent"]}),
        "listEmployerMatches": Sent,
        "getEmployerMatch": lambda: Sent(agreed),
        "postEmployerMatchAgreement": lambda: Sent(invited, agreement),
        "postEmployerMatchDecline": lambda: Sent(invited),
        "postEmployerCash": lambda: Sent(agreed, given),
        "postEmployerContributionReceipt": lambda: Sent({"contribution_id": things["agreed cash"]}),
        "postEmployerStaffTime": lambda: Sent(agreed, given | {"evidence_version_id": shown}),
        "postEmployerMatchLaunch": lambda: Sent(agreed, {"launched_on": day}),
        "postEmployerMatchSaving": lambda: Sent(
            launched, {"yearly_saving": few, "saving_from": day, "evidence_version_id": shown}
        ),
        "postEmployerReturn": lambda: Sent(saved, came),
        "postSuccessRepayablePoolSimulation": lambda: Sent(json=pool),
        "postOutcomeLinkedConversionSimulation": lambda: Sent(json=conversion),
        "postEmployerMatchSimulation": lambda: Sent(json=match),
        "postWholesaleFacilitySimulation": lambda: Sent(json=facility),
        **_about_learning(world),
    }


A_SCENARIO = {
    "form": "discrete",
    "market": 500,
    "p": 0.03,
    "q": 0.38,
    "start_year": 2026,
    "years": 5,
    "already": 3,
    "seed_per_launch": {"amount": 20_000_00, "currency": "GBP"},
    "seed_per_year": {"amount": 100_000_00, "currency": "GBP"},
    "unfunded_bp": 2_800,
    "contract_years": 4,
    "rewon_bp": 5_000,
}


def _about_insight(world: World) -> dict[str, Callable[[], Sent]]:
    group = {"organisation_id": world.organisations["group"]}
    kept = {"scenario_id": world.things["scenario"]}
    bass = {"form": "continuous", "market": 1000, "p": 0.03, "q": 0.38, "periods": 12}
    points = [{"time": 1, "count": 9}, {"time": 3, "count": 58}, {"time": 5, "count": 100}]
    return {
        "listMarketReports": Sent,
        "getMarketReport": lambda: Sent({"slug": "seed_gap"}),
        "getDiffusion": Sent,
        "postBassCurve": lambda: Sent(json=bass),
        "postBassFit": lambda: Sent(json={"points": points, "market": 300}),
        "postAdopterCategories": lambda: Sent(json={"adopters": 200, "ranks": [5]}),
        "listScenarioPresets": Sent,
        "listScenarios": lambda: Sent(group),
        "postScenario": lambda: Sent(group, {"name": "Another", "parameters": A_SCENARIO}),
        "getScenario": lambda: Sent(kept),
        "putScenario": lambda: Sent(kept, {"name": "A changed one", "parameters": A_SCENARIO}),
        "deleteScenario": lambda: Sent(kept),
        "postSimulation": lambda: Sent(json={"first": {"preset": "dream"}, "second": {"preset": "nightmare"}}),
        "postSimulation/with a group's own": lambda: Sent(
            json={"first": {"preset": "dream"}, "second": {"scenario_id": str(world.things["scenario"])}}
        ),
    }


def an_account(words: str) -> dict[str, Any]:
    """An account of social value with those words in its outcome."""
    price = {"amount": 850_000, "currency": "GBP"}
    outcome = {
        "beneficiary": words,
        "change": {"en": words},
        "quantity": "60",
        "proxy": {"name": words, "value": price, "source": words, "year": 2024},
        **dict.fromkeys(("deadweight_bp", "displacement_bp", "attribution_bp", "drop_off_bp"), 1000),
        "duration_years": 2,
    }
    paid = {"contributor": words, "kind": "money", "amount": {"amount": 25_000_000, "currency": "GBP"}}
    return {"convention": "end_of_year", "inputs": [paid], "outcomes": [outcome]}


def a_benefit(words: str) -> dict[str, Any]:
    """A benefit with those words wherever it takes any."""
    return {
        "title": {"en": words},
        "beneficiary": words,
        "unit": "weeks",
        "baseline": {"value": "18", "on": str(today() - timedelta(days=100)), "source": words},
        "target": {"value": "8", "on": str(today() + timedelta(days=600))},
        "owner": {"name": words, "role": words},
        "measurement_days": [str(today() + timedelta(days=300))],
    }


def a_measurement(words: str) -> dict[str, Any]:
    return {"measured_on": str(today()), "value": "17.5", "source": words, "note": words}


def social_value_of(building: Building) -> None:
    """Two assessments of the shared proposal, one of them shown with it, and a benefit that was measured."""
    world, do = building.world, building.do
    proposal = f"/proposals/{world.things['shared']}"
    for name, confidential in (("assessment", True), ("shared assessment", False)):
        secret = name.replace("assessment", "assessment of social value")
        draft = {"title": world.words(secret), "confidential": confidential}
        made = do("group.owner", f"{proposal}/social-value-assessments", draft)["id"]
        account = an_account(world.secret(secret)) | {"kind": "forecast"}
        first, second = (do("group.owner", f"/social-value-assessments/{made}/versions", account) for _ in range(2))
        world.things |= {name: made, f"{name} version": first["id"], f"{name} next version": second["id"]}
    benefit = do("group.owner", f"{proposal}/benefits", a_benefit(world.secret("the benefits register")))["id"]
    measured = a_measurement(world.secret("the benefits register"))
    do("group.owner", f"/benefits/{benefit}/measurements", measured)
    world.things["benefit"] = benefit


def _about_social_value(world: World) -> dict[str, Callable[[], Sent]]:
    things = world.things
    shared, benefit = {"proposal_id": things["shared"]}, {"benefit_id": things["benefit"]}
    versions = {name: {"version_id": things[f"{name} version"]} for name in ("assessment", "shared assessment")}
    kept, shown = ({"assessment_id": things[name]} for name in ("assessment", "shared assessment"))
    compared = {
        name: {"first": things[f"{name} version"], "second": things[f"{name} next version"]}
        for name in ("assessment", "shared assessment")
    }
    bid = {"bidder": "A", "value": {"amount": 5_000_000, "currency": "GBP"}}
    return {
        "postSocialValueAssessment": lambda: Sent(shared, {"title": {"en": "Another"}}),
        "listSocialValueAssessments": lambda: Sent(shared),
        "getSocialValueAssessment/confidential": lambda: Sent(kept),
        "getSocialValueAssessment/shared with the proposal": lambda: Sent(shown),
        "putSocialValueAssessmentSharing": lambda: Sent(kept, {"confidential": True}),
        "postSocialValueVersion": lambda: Sent(kept, an_account("Nobody's") | {"kind": "evaluated"}),
        "listSocialValueVersions/confidential": lambda: Sent(kept),
        "listSocialValueVersions/shared with the proposal": lambda: Sent(shown),
        "getSocialValueVersion/confidential": lambda: Sent(versions["assessment"]),
        "getSocialValueVersion/shared with the proposal": lambda: Sent(versions["shared assessment"]),
        "getSocialValueComparison/confidential": lambda: Sent(query=compared["assessment"]),
        "getSocialValueComparison/shared with the proposal": lambda: Sent(query=compared["shared assessment"]),
        "postBenefit": lambda: Sent(shared, a_benefit("Nobody's")),
        "listBenefits": lambda: Sent(shared),
        "getBenefit": lambda: Sent(benefit),
        "patchBenefit": lambda: Sent(benefit, {"owner": {"name": "Another", "role": "Lead"}}),
        "postBenefitRetirement": lambda: Sent(benefit, {"reason": {"en": "No more."}}),
        "postBenefitMeasurement": lambda: Sent(benefit, a_measurement("Nobody's")),
        "listBenefitMeasurements": lambda: Sent(benefit),
        "getBenefitsCheck": lambda: Sent(shared),
        "postSocialReturn": lambda: Sent(json=an_account("Nobody's")),
        "postTenderScore": lambda: Sent(json={"bids": [bid], "max_points": "10"}),
        "postFullTimeEquivalent": lambda: Sent(json={"full_time": 10, "years": "2"}),
        "postNetOutcome": lambda: Sent(json={"reached_bp": 2800, "comparison_bp": 1500, "participants": 500}),
    }


def _about_deals(world: World) -> dict[str, Callable[[], Sent]]:
    things = world.things
    proposal = {"proposal_id": things["shared"]}
    award = proposal | {"award_id": things["outside award"]}
    programme = {"programme_id": things["programme"]}
    pool = programme | {"pool_id": things["pool"]}
    money = {"amount": 1000, "currency": "GBP"}
    elsewhere = {"funder_name": "A trust", "instrument": "grant", "awarded_on": str(today()), "is_subsidy": True}
    return {
        "getProposalDeal": lambda: Sent(proposal),
        "postOutsideAward": lambda: Sent(proposal, elsewhere | {"amount": money}),
        "listOutsideAwards": lambda: Sent(proposal),
        "getOutsideAward": lambda: Sent(award),
        "deleteOutsideAward": lambda: Sent(award),
        "getSubsidyHeadroom": lambda: Sent(proposal),
        "postSubsidyConfirmation": lambda: Sent({"pledge_id": things["public pledge"]}, {"statement": "It is kept."}),
        "getSubsidyTerms/published": lambda: Sent(programme),
        "getSubsidyTerms/a draft's": lambda: Sent({"programme_id": things["draft programme"]}),
        "putSubsidyTerms": lambda: Sent(programme, {"public_money": True}),
        "postProgrammePool": lambda: Sent(programme, {"name": "Another", "amount": money}),
        "listProgrammePools": lambda: Sent(programme),
        "getProgrammePool": lambda: Sent(pool),
        "patchProgrammePool": lambda: Sent(pool, {"amount": 90_000_00}),
    }


def _about_governance(world: World) -> dict[str, Callable[[], Sent]]:
    things, at = world.things, world.organisations
    funder = {"organisation_id": at["funder"]}
    version = funder | {"version_id": things["proposed limits"]}
    asked, own = ({"approval_id": things[f"{name} approval"]} for name in ("asked", "own"))
    plan, interest = {"plan_id": things["proposed plan"]}, {"interest_id": things["interest"]}
    limits = {"currency": "GBP", "approval_limits": [], "delegated_limits": []}
    wanted = {
        "act": "payment",
        "subject_id": str(things["approved tranche"]),
        "amount": {"amount": 1000, "currency": "GBP"},
        "terms": {"payee": "x"},
        "words": {"en": "Please."},
    }
    about = {"organisation_id": str(at["other fund"]), "kind": "financial", "words": "Shares.", "from": str(today())}
    member = {"user_id": str(world.people["funder.editor"].id), "proposal_id": str(things["shared"])}
    return {
        "getGovernance": lambda: Sent(funder),
        "putGovernance": lambda: Sent(funder, limits),
        "listGovernanceVersions": lambda: Sent(funder),
        "postGovernanceConfirmation": lambda: Sent(version),
        "postGovernanceRejection": lambda: Sent(version),
        "postApproval": lambda: Sent(funder, wanted),
        "listApprovals": lambda: Sent(funder),
        "getApproval": lambda: Sent(asked),
        "postApprovalApproval": lambda: Sent(asked, {"answer": {"en": "Yes."}}),
        "postApprovalRejection": lambda: Sent(asked, {"answer": {"en": "No."}}),
        "postApprovalWithdrawal": lambda: Sent(own),
        "postInterest": lambda: Sent(json=about),
        "listInterests": Sent,
        "getInterest": lambda: Sent(interest),
        "postInterestEnd": lambda: Sent(interest),
        "listOrganisationInterests": lambda: Sent(funder),
        "postConflictPlan": lambda: Sent(funder, member | {"words": {"en": "Reads only."}}),
        "listConflictPlans": lambda: Sent(funder),
        "getConflictPlan": lambda: Sent(plan),
        "postConflictPlanApproval": lambda: Sent(plan),
        "postConflictPlanRejection": lambda: Sent(plan),
        "postConflictPlanEnd": lambda: Sent(plan),
        "listPledgeConflicts/a draft's": lambda: Sent({"pledge_id": things["draft pledge"]}),
        "listPledgeConflicts/offered": lambda: Sent({"pledge_id": things["offered pledge"]}),
    }


def _about_the_pipeline(world: World) -> dict[str, Callable[[], Sent]]:
    shared = {"proposal_id": world.things["shared"]}
    ballot = a_ballot(world.things["ballot evidence"], question={"en": "Shall we?"}, scrutineer="Civica")
    return {
        "listPipelineTemplates": Sent,
        "getPipelineTemplateVersion": lambda: Sent({"slug": "public_service_mutual", "number": 1}),
        "postStageMove": lambda: Sent(shared, {"to": "exploring", "reason": {"en": "Once more."}}),
        "listStageMoves": lambda: Sent(shared),
        "postBallot": lambda: Sent(shared, ballot),
        "listBallots": lambda: Sent(shared),
        "putPensionArrangement": lambda: Sent(shared, {"arrangement": "tps_access"}),
        "getPensionArrangement": lambda: Sent(shared),
    }


def a_ballot(evidence: str, **members: Any) -> dict[str, Any]:
    """A ballot of forty whose document is that evidence."""
    counts = {"electorate": 40, "votes_for": 30, "votes_against": 5, "spoiled": 1}
    return {"evidence_id": evidence, **counts, "held_on": str(today()), **members}


A_PRODUCT = {
    "kind": "guide",
    "licence": "cc_by_4",
    "title": {"en": "A guide"},
    "summary": {"en": "How it was done"},
    "link": "https://example.org/guide",
}


def a_note(proposal: Any, **members: Any) -> dict[str, Any]:
    """A learning note about that proposal, of a stage that it has reached; whose it is, is the group's to know."""
    where = {"proposal_id": str(proposal), "kind": "advice", "stage": "business_case", "sector": "arts_culture"}
    words = {"title": {"en": "Ask early"}, "body": {"en": "And often"}, "anonymous": True}
    return where | words | members


def a_session() -> dict[str, Any]:
    """A session that was held today."""
    return {"kind": "drop_in", "held_on": str(today()), "invited": 40, "attended": 30}


def _about_learning(world: World) -> dict[str, Callable[[], Sent]]:
    things = world.things
    shared, note = {"proposal_id": things["shared"]}, {"note_id": things["note"]}
    product, change = {"product_id": things["product"]}, a_note(things["shared"])
    funder = {"organisation_id": world.organisations["funder"]}
    listing = {"services": ["legal"], "words": {"en": "Advice"}, "conflicts": {"en": "None"}, "listed": False}
    del change["proposal_id"]
    return {
        "postLearningNote": lambda: Sent({}, a_note(things["shared"])),
        "listLearningNotes": Sent,
        "getLearningNote/public": lambda: Sent(note),
        "getLearningNote/under embargo": lambda: Sent({"note_id": things["embargoed note"]}),
        "putLearningNote": lambda: Sent(note, change),
        "postLearningNoteWithdrawal": lambda: Sent(note),
        "listLearningNoteVersions": lambda: Sent(note),
        "listOrganisationLearningNotes": lambda: Sent({"organisation_id": world.organisations["group"]}),
        "listProposalLearningNotes": lambda: Sent(shared),
        "postSupportProduct": lambda: Sent({}, A_PRODUCT | {"organisation_id": str(funder["organisation_id"])}),
        "listSupportProducts": Sent,
        "getSupportProduct": lambda: Sent(product),
        "putSupportProduct": lambda: Sent(product, A_PRODUCT),
        "postSupportProductWithdrawal": lambda: Sent(product),
        "putAdviserListing": lambda: Sent(funder, listing),
        "getAdviserListing": lambda: Sent(funder),
        "listAdvisers": Sent,
        "listProposalAdvisers": lambda: Sent(shared),
        "listResources": Sent,
        "getEngagement": lambda: Sent(shared),
        "postInformationSession": lambda: Sent(shared, a_session()),
        "putInformationSession": lambda: Sent({"session_id": things["information session"]}, a_session()),
        "getInformationSession": lambda: Sent({"session_id": things["information session"]}),
        "getStaffQuestion": lambda: Sent({"question_id": things["staff question"]}),
        "postStaffQuestion": lambda: Sent(shared, {"question": {"en": "Why?"}, "asked_on": str(today())}),
        "listStaffQuestions": lambda: Sent(shared),
        "putStaffAnswer": lambda: Sent({"question_id": things["staff question"]}, {"answer": {"en": "Because."}}),
        "putStaffTransfer": lambda: Sent(shared, {"staff": 41}),
        "getStaffTransfer": lambda: Sent(shared),
        "listNextSteps": lambda: Sent(shared),
        "listUsualAskLines": lambda: Sent(query={"stage": "exploring"}),
        "postAskBuilder": lambda: Sent({}, {"stage": "exploring"}),
    }


def _about_the_language() -> dict[str, Callable[[], Sent]]:
    return {"getCriteriaLanguage": Sent}


def _about_the_record(world: World) -> dict[str, Callable[[], Sent]]:
    """The audit trail, and what is held of a person."""
    group = {"organisation_id": world.organisations["group"]}
    return {
        "listAuditEntries": lambda: Sent(group, query={"limit": "100"}),
        "getAuditHead": lambda: Sent(group),
        "getPublishedAuditHead": Sent,
        "getPersonalData": Sent,
        "postErasure": lambda: Sent(json={"password": PASSWORD}),
    }


def _about_near_misses(world: World) -> dict[str, Callable[[], Sent]]:
    proposal = {"proposal_id": world.things["shared"]}
    programme = {"programme_id": world.things["programme"]}
    return {
        "listProposalNearMisses": lambda: Sent(proposal),
        "getProposalMatchWaysIn": lambda: Sent(proposal | programme),
        "listProposalNextQuestions": lambda: Sent(proposal),
        "listProgrammeNearMisses": lambda: Sent(programme),
    }


def _about_searching() -> dict[str, Callable[[], Sent]]:
    """What a search tells, by every means that it has."""
    asked = {"sort": "-title", "limit": "100"}
    return {
        "listProgrammes": lambda: Sent(query=asked | {"facets": "status,stage,instrument"}),
        "listProposals": lambda: Sent(query=asked | {"facets": "sector,region,stage"}),
        "listProgrammes/by words": lambda: Sent(query={"q": "seed or fund or grant"}),
        "listProposals/by words": lambda: Sent(query={"q": "english or group or grant"}),
        "listProgrammes/as a table": lambda: Sent(headers={"Accept": "text/csv"}),
        "listProposals/as a table": lambda: Sent(headers={"Accept": "text/csv"}),
    }


def _about_watches(world: World) -> dict[str, Callable[[], Sent]]:
    things, group = world.things, {"organisation_id": world.organisations["group"]}
    ours, theirs = ({"watch_id": things[f"{owner}'s watch"]} for owner in ("group", "funder"))
    programme = {"programme_id": things["programme"]}
    entry = programme | {"proposal_id": things["shared"]}
    draft = {"kind": "programmes", "proposal_id": str(things["shared"]), "name": "Another"}
    return {
        "listWatches": lambda: Sent(group),
        "postWatch": lambda: Sent(group, draft),
        "getWatch/a group's": lambda: Sent(ours),
        "getWatch/a funder's": lambda: Sent(theirs),
        "patchWatch": lambda: Sent(ours, {"delivery": "weekly"}),
        "deleteWatch": lambda: Sent(ours),
        "postWatchLetters": lambda: Sent(ours, {"wanted": True}),
        "listWatchMatches/a group's": lambda: Sent(ours),
        "listWatchMatches/a funder's": lambda: Sent(theirs),
        "listWatchChanges/a group's": lambda: Sent(ours),
        "listWatchChanges/a funder's": lambda: Sent(theirs),
        "postWatchVisit": lambda: Sent(ours, {}),
        "listShortlist": lambda: Sent(programme),
        "getShortlistEntry": lambda: Sent(entry),
        "putShortlistEntry": lambda: Sent(entry, {"state": "shortlisted", "note": "Read again"}),
        "deleteShortlistEntry": lambda: Sent(entry),
    }


def _about_people(world: World, who: str) -> dict[str, Callable[[], Sent]]:
    person = world.person_of(who)
    group = {"organisation_id": world.organisations["group"]}
    spare = group | {"membership_id": world.memberships["group.spare"]}
    invitation = group | {"invitation_id": world.things["invitation"]}
    refresh = world.refresh_tokens.get(person)
    reason = {"reason": "Seen."}
    at = world.organisations
    return {
        "listCodelists": Sent,
        "getCodelist": lambda: Sent({"name": "stages"}),
        "listFacts": Sent,
        "listAreas": lambda: Sent(query={"q": "Leeds"}),
        "getArea": lambda: Sent({"code": "E08000035"}),
        "listParameters": Sent,
        "listIdentifierSchemes": Sent,
        "postRegistration": lambda: Sent(
            json={"email": "someone@example.org", "name": "Some One", "password": PASSWORD}
        ),
        "postConfirmation": lambda: Sent(json={"token": "link to confirm"}),
        "postPasswordReset": lambda: Sent(json={"email": world.emails["group.spare"]}),
        "postPasswordResetRedemption": lambda: Sent(json={"token": "link to reset", "password": NEW_PASSWORD}),
        "postSession": lambda: Sent(json={"email": world.emails["group.spare"], "password": PASSWORD}),
        "postSessionRefresh": lambda: Sent(headers={"Authorization": f"Bearer {refresh}"} if refresh else {}),
        "getSession": Sent,
        "deleteSession": Sent,
        "getAccount": Sent,
        "patchAccount": lambda: Sent(json={"language": "cy"}),
        "postAccountPassword": lambda: Sent(json={"current": PASSWORD, "new": NEW_PASSWORD}),
        "postOrganisation": lambda: Sent(json={"name": {"en": "A new one"}, "kind": "funder"}),
        "listOrganisations": Sent,
        "listOrganisations/search": lambda: Sent(query={"q": "e"}),
        "getOrganisation/the group": lambda: Sent(group),
        "getOrganisation/a verified funder": lambda: Sent({"organisation_id": at["funder"]}),
        "getOrganisation/an unverified funder": lambda: Sent({"organisation_id": at["new fund"]}),
        "patchOrganisation": lambda: Sent(group, {"website": "https://example.org/"}),
        "listMemberships": lambda: Sent(group),
        "getMembership": lambda: Sent(spare),
        "patchMembership": lambda: Sent(spare, {"role": "editor"}),
        "deleteMembership/another's": lambda: Sent(spare),
        "deleteMembership/one's own": lambda: Sent(group | {"membership_id": world.memberships[person]}),
        "postInvitation": lambda: Sent(group, {"email": "guest@example.org", "role": "viewer"}),
        "listInvitations": lambda: Sent(group),
        "getInvitation": lambda: Sent(invitation),
        "deleteInvitation": lambda: Sent(invitation),
        "postInvitationAcceptance": lambda: Sent(json={"token": world.invitations.get(person, "none")}),
        "postOrganisationVerification/an unverified funder": lambda: Sent(
            {"organisation_id": at["new fund"]}, reason | {"state": "register_checked"}
        ),
        "postOrganisationVerification/a verified funder": lambda: Sent(
            {"organisation_id": at["other fund"]}, reason | {"state": "suspended"}
        ),
        "listOrganisationVerification": lambda: Sent(group),
        "postVouch/an unverified funder": lambda: Sent({"organisation_id": at["applicant"]}, reason),
        "postVouch/a verified staff group": lambda: Sent({"organisation_id": at["neighbours"]}, reason),
        "listVerificationQueue": Sent,
        "listEvents": lambda: Sent(query={"limit": "100"}),
    }


def _about_proposals(world: World) -> dict[str, Callable[[], Sent]]:
    things, at = world.things, {name: str(each) for name, each in world.organisations.items()}

    def about(proposal: str, **more: Any) -> dict[str, Any]:
        return {"proposal_id": things[proposal], **more}

    consents = {name: {"consent_id": things[f"{name} consent"]} for name in ("invited", "answered")}
    evidence = {"evidence_id": things["evidence"]}
    version = {"version_id": things["evidence version"]}
    words = {"en": "Said."}
    upload = {"Content-Type": "application/pdf", "Content-Disposition": 'attachment; filename="plan.pdf"'}
    answer = {
        "confirms_parent": True,
        "answer": "explore",
        "scope": "All of it",
        "authority": "The board",
        "decided_on": str(today()),
    }
    ask = {"stage": "business_case", "lines": [{"purpose": "legal", "amount": 100}], "instruments": ["grant"]}
    return {
        "postEvidence": lambda: Sent(about("shared"), {"kind": "accounts", "title": words}),
        "listEvidence": lambda: Sent(about("shared")),
        "getEvidence": lambda: Sent(evidence),
        "postEvidenceVersion": lambda: Sent(evidence, data=PDF, headers=upload),
        "getEvidenceVersion": lambda: Sent(version),
        "getEvidenceContent": lambda: Sent(version),
        "postEvidenceVerification": lambda: Sent(version, {"decision": "accepted", "reason": "Read."}),
        "getPipeline": lambda: Sent(about("shared")),
        "listProposals": Sent,
        "postProposal": lambda: Sent(json={"organisation_id": at["group"], "title": words}),
        "getProposal/a draft": lambda: Sent(about("draft")),
        "getProposal/private": lambda: Sent(about("private")),
        "getProposal/shared with verified funders": lambda: Sent(about("shared")),
        "getProposal/withdrawn": lambda: Sent(about("withdrawn")),
        "getProposal/a neighbour's, shared with one": lambda: Sent(about("named")),
        "getProposal/another group's, public": lambda: Sent(about("public")),
        "listProposalSections": lambda: Sent(about("shared")),
        "getProposalSection": lambda: Sent(about("shared", name="finance")),
        "putFactSection": lambda: Sent(about("shared", name="people"), {"facts": {"staff_count": 41}}),
        "putSummarySection": lambda: Sent(about("shared"), {"title": words, "summary": words}),
        "putAskSection": lambda: Sent(about("shared"), ask),
        "putEmployerSection": lambda: Sent(about("shared"), {"parent_organisation_id": at["employer"]}),
        "listProposalVersions": lambda: Sent(about("shared")),
        "postProposalVersion": lambda: Sent(about("shared")),
        "getProposalVersion": lambda: Sent(about("shared", version_id=things["version"])),
        "getProposalSharing": lambda: Sent(about("shared")),
        "putProposalSharing": lambda: Sent(about("shared"), {"visibility": "private"}),
        "postProposalWithdrawal": lambda: Sent(about("private")),
        "listProposalEmployerConsents": lambda: Sent(about("shared")),
        "postEmployerConsent": lambda: Sent(about("private"), {"organisation_id": at["employer"], "title": words}),
        "listEmployerConsents": lambda: Sent(query={"organisation_id": at["employer"]}),
        "getEmployerConsent": lambda: Sent(consents["invited"]),
        "postEmployerConsentAnswer": lambda: Sent(consents["invited"], answer),
        "postEmployerConsentWithdrawal": lambda: Sent(consents["answered"], {"reason": "Changed our minds."}),
        "postFiscalHosting": lambda: Sent(about("shared"), a_hosting(world, terms=words, name="Nora")),
        "listProposalFiscalHostings": lambda: Sent(about("shared")),
        "listFiscalHostings": lambda: Sent(query={"organisation_id": at["host"]}),
        "getFiscalHosting": lambda: Sent({"hosting_id": things["proposed hosting"]}),
        "postFiscalHostingAnswer": lambda: Sent(
            {"hosting_id": things["proposed hosting"]},
            {"answer": "agreed", "signatories": [{"name": "Hugo", "position": "Director"}]},
        ),
        "postFiscalHostingEnd": lambda: Sent({"hosting_id": things["agreed hosting"]}, {"reason": words}),
    }


def _about_shown_evidence(world: World) -> dict[str, Callable[[], Sent]]:
    things, at = world.things, world.organisations
    evidence, reliance = {"evidence_id": things["evidence"]}, {"reliance_id": things["reliance"]}
    funder = {"organisation_id": str(at["other fund"])}
    return {
        "postEvidenceAccessGrant": lambda: Sent(evidence, {"organisation_id": str(at["host"])}),
        "listEvidenceAccessGrants": lambda: Sent(evidence),
        "deleteEvidenceAccessGrant": lambda: Sent(evidence | {"grant_id": things["access grant"]}),
        "listEvidenceAccesses": lambda: Sent(evidence),
        "postRelianceRequest": lambda: Sent({"version_id": things["unrelied version"]}, funder),
        "listRelianceRequests": lambda: Sent({"version_id": things["relied version"]}),
        "getRelianceRequest": lambda: Sent(reliance),
        "postRelianceAnswer": lambda: Sent(reliance, {"answer": "consented"}),
        "postRelianceWithdrawal": lambda: Sent(reliance),
    }


def _about_funding(world: World) -> dict[str, Callable[[], Sent]]:
    things, funder = world.things, str(world.organisations["funder"])
    programme, draft = ({"programme_id": things[name]} for name in ("programme", "draft programme"))
    match = programme | {"proposal_id": things["shared"]}
    proposal = {"proposal_id": things["shared"]}
    return {
        "listProgrammes": Sent,
        "postProgramme": lambda: Sent(json={"organisation_id": funder, "title": {"en": "Another"}}),
        "getProgramme/published": lambda: Sent(programme),
        "getProgramme/a draft": lambda: Sent(draft),
        "patchProgramme": lambda: Sent(programme, {"title": {"en": "Renamed"}}),
        "listCriteriaVersions/published": lambda: Sent(programme),
        "listCriteriaVersions/a draft's": lambda: Sent(draft),
        "postCriteriaVersion": lambda: Sent(draft),
        "getCriteriaVersion": lambda: Sent({"version_id": things["criteria version"]}),
        "putProgrammeBudget": lambda: Sent(programme, {"amount": {"amount": 2_000_000_00, "currency": "GBP"}}),
        "postProgrammePause": lambda: Sent(programme),
        "postProgrammeResumption": lambda: Sent({"programme_id": things["paused"]}),
        "postProgrammeClosure": lambda: Sent(programme),
        "listProposalMatches": lambda: Sent(proposal),
        "getProposalMatch": lambda: Sent(match),
        "getProposalMatchSummary": lambda: Sent(proposal),
        "listProgrammeMatches": lambda: Sent(programme),
        "getProgrammeMatch": lambda: Sent(match),
        "getProgrammeMatchSummary": lambda: Sent(programme),
        "getProgrammeStatement": lambda: Sent(programme),
        "getProposalStatement": lambda: Sent(proposal),
        "listHeldFunds": lambda: Sent({"organisation_id": world.organisations["host"]}),
    }


def _about_listings(world: World) -> dict[str, Callable[[], Sent]]:
    things, funder = world.things, str(world.organisations["funder"])
    claim, report = {"claim_id": things["claim"]}, {"report_id": things["report"]}
    wrong = {"about": "#/closes_on", "statement": "It closed in June."}
    return {
        "postListingClaim": lambda: Sent(
            {"programme_id": things["listing"]}, {"organisation_id": funder, "statement": "It is ours."}
        ),
        "listListingClaims": Sent,
        "getListingClaim": lambda: Sent(claim),
        "postListingClaimDecision": lambda: Sent(claim, {"decision": "refused", "reason": "Not shown."}),
        "postListingClaimWithdrawal": lambda: Sent(claim),
        "postErrorReport/a published programme's": lambda: Sent({"programme_id": things["listing"]}, wrong),
        "postErrorReport/a draft's": lambda: Sent({"programme_id": things["draft programme"]}, wrong),
        "listErrorReports": lambda: Sent({"programme_id": things["programme"]}),
        "getErrorReport": lambda: Sent(report),
        "postErrorReportAnswer": lambda: Sent(report, {"outcome": "no_error", "answer": "It stands."}),
    }


def _about_questions(world: World) -> dict[str, Callable[[], Sent]]:
    question = {"slug": world.things["question"]}
    draft = {"organisation_id": str(world.organisations["funder"]), "slug": "x_beds", "type": "integer"}
    return {
        "listQuestions": Sent,
        "getQuestion": lambda: Sent(question),
        "postQuestion": lambda: Sent(json=draft | {"question": "How many beds?"}),
        "postQuestionRetirement": lambda: Sent(question),
    }


def _about_money(world: World) -> dict[str, Callable[[], Sent]]:
    things = world.things
    draft, offered, accepted, signed = (
        {"pledge_id": things[f"{name} pledge"]} for name in ("draft", "offered", "accepted", "signed")
    )
    why = {"reason": {"en": "Because."}}
    parts = [{"instrument": "grant", "amount": 1000}]
    pledge = {"programme_id": str(things["programme"]), "proposal_id": str(things["shared"]), "parts": parts}

    def tranche(name: str) -> dict[str, Any]:
        return {"tranche_id": things[f"{name} tranche"]}

    return {
        "postPledge/of the funder's programme": lambda: Sent(json=pledge),
        "postPledge/of the stranger's programme": lambda: Sent(
            json=pledge | {"programme_id": str(things["stranger's programme"])}
        ),
        "listPledges": Sent,
        "getPledge/a draft": lambda: Sent(draft),
        "getPledge/offered": lambda: Sent(offered),
        "patchPledge": lambda: Sent(draft, {"message": {"en": "Hello."}}),
        "postPledgeIndication": lambda: Sent(draft),
        "postPledgeOffer": lambda: Sent(draft, {"expires_on": str(today() + timedelta(days=9))}),
        "postPledgeAcceptance": lambda: Sent(offered),
        "postPledgeDecline": lambda: Sent(offered, why),
        "postPledgeWithdrawal": lambda: Sent(accepted, why),
        "postPledgeAgreement": lambda: Sent(accepted, {"signed_on": str(today())}),
        "postPledgeTermination": lambda: Sent(signed, why),
        "getPledgeStatement/a draft's": lambda: Sent(draft),
        "getPledgeStatement/signed": lambda: Sent(signed),
        "listTranches/a draft's": lambda: Sent(draft),
        "listTranches/signed": lambda: Sent(signed),
        "getTranche/a draft's": lambda: Sent(tranche("draft")),
        "getTranche/signed": lambda: Sent(tranche("claimed")),
        "postTrancheClaim": lambda: Sent(tranche("claimable"), {"note": {"en": "Please."}}),
        "postTrancheApproval": lambda: Sent(tranche("claimed")),
        "postTrancheRejection": lambda: Sent(tranche("claimed"), why),
        "postTranchePayment": lambda: Sent(tranche("approved"), {"paid_on": str(today()), "reference": "BACS 2"}),
        "postTrancheDelivery": lambda: Sent(
            tranche("in kind"), {"delivered_on": str(today()), "description": {"en": "A day of advice."}}
        ),
        "postTrancheHold": lambda: Sent(tranche("claimable"), why),
        "postTrancheRelease": lambda: Sent(tranche("held")),
        "postTrancheCancellation": lambda: Sent(tranche("claimable"), why),
        "postTrancheReturn": lambda: Sent(
            tranche("paid"), {"amount": {"amount": 10, "currency": "GBP"}, "reference": "Back 1"}
        ),
    }


def _about_the_books(world: World) -> dict[str, Callable[[], Sent]]:
    programme, funder = {"programme_id": world.things["programme"]}, {"organisation_id": world.organisations["funder"]}
    moment = {"as_of": now().isoformat()}
    return {
        "getProgrammeTrialBalance": lambda: Sent(programme, query=moment),
        "getOrganisationTrialBalance": lambda: Sent(funder),
        "getOrganisationReconciliation": lambda: Sent(funder),
        "getLedgerTransaction/of a budget": lambda: Sent({"transaction_id": world.things["programme.budget"]}),
        "getLedgerTransaction/of a payment": lambda: Sent({"transaction_id": world.things["tranche.paid"]}),
    }


def _about_what_follows_the_money(world: World) -> dict[str, Callable[[], Sent]]:
    things = world.things
    followed, signed, draft = ({"pledge_id": things[f"{name} pledge"]} for name in ("followed", "signed", "draft"))
    breached, ended = {"pledge_id": things["breached pledge"]}, {"pledge_id": things["pledge to the withdrawn"]}
    programme, proposal = {"programme_id": things["programme"]}, {"proposal_id": things["shared"]}
    reversing, paid = ({"tranche_id": things["followed tranches"][place]} for place in (0, 1))
    schedule, demand = {"schedule_id": things["schedule"]}, {"demand_id": things["demand"]}
    duty, report, change = (
        {"duty_id": things["duty"]},
        {"report_id": things["duty report"]},
        {"change_id": things["change"]},
    )
    why, any_version = {"reason": {"en": "Because."}}, {"If-Match": "*"}
    duties = {"duties": [{"kind": "progress", "due_on": "2100-01-01"}]}
    some = {"amount": 1, "currency": "GBP"}
    money = things["breached tranches"][0]
    other = {"due_on": "2100-01-01", "tranches": [{"tranche_id": things["followed tranches"][1], "amount": some}]} | why
    rest = [{"basis": "on_agreement", "amount": 3000}]
    plan = {"parts": [{"part_id": things["signed part"], "tranches": rest}]} | why
    return {
        "postPledgeSchedule": lambda: Sent(signed, plan),
        "listPledgeSchedules": lambda: Sent(followed),
        "getSchedule": lambda: Sent(schedule),
        "postScheduleAcceptance": lambda: Sent(schedule),
        "postScheduleRejection": lambda: Sent(schedule, why),
        "postScheduleWithdrawal": lambda: Sent(schedule, why),
        "postPaymentReversal": lambda: Sent(paid, why),
        "postPaymentReversalApproval": lambda: Sent(reversing),
        "postPaymentReversalRejection": lambda: Sent(reversing, why),
        "listPaymentReversals": lambda: Sent(reversing),
        "postPledgeClawback": lambda: Sent(followed, other),
        "listPledgeDemands": lambda: Sent(breached),
        "getDemand": lambda: Sent(demand),
        "postDemandReturn": lambda: Sent(demand, {"tranche_id": money, "amount": some, "reference": "Back 9"}),
        "postDemandWithdrawal": lambda: Sent(demand, why),
        "getReportingTemplate": lambda: Sent(programme),
        "putReportingTemplate": lambda: Sent(programme, duties, headers=any_version),
        "getReportingTerms/a draft's": lambda: Sent(draft),
        "getReportingTerms/signed": lambda: Sent(signed),
        "putReportingTerms": lambda: Sent(draft, duties, headers=any_version),
        "listProposalDuties": lambda: Sent(proposal),
        "listOrganisationDuties": lambda: Sent({"organisation_id": world.organisations["funder"]}),
        "getDuty": lambda: Sent(duty),
        "postDutyWaiver": lambda: Sent(duty, why),
        "postReport": lambda: Sent(duty, {"words": {"en": "We began."}}),
        "listReports": lambda: Sent({"duty_id": things["reported duty"]}),
        "getReport": lambda: Sent(report),
        "postReportAcceptance": lambda: Sent(report),
        "postReportRejection": lambda: Sent(report, why),
        "getMonitoring": lambda: Sent(followed),
        "postMonitoringClosure": lambda: Sent(ended),
        "listAgreedUses": lambda: Sent(followed),
        "postChangeRequest": lambda: Sent(signed, why | {"ends_on": "2100-01-01"}),
        "listChangeRequests": lambda: Sent(followed),
        "getChangeRequest": lambda: Sent(change),
        "postChangeRequestAcceptance": lambda: Sent(change),
        "postChangeRequestRejection": lambda: Sent(change, why),
        "postChangeRequestWithdrawal": lambda: Sent(change, why),
    }


def _about_repayments(world: World) -> dict[str, Callable[[], Sent]]:
    things, words = world.things, {"en": "Because."}
    lent = {"pledge_id": things["lent pledge"]}
    reschedule, write_off = {"reschedule_id": things["reschedule"]}, {"write_off_id": things["write-off"]}
    report = {"report_id": things["report of revenue"]}
    few = {"amount": 5, "currency": "GBP"}
    loan = {"principal": few, "rate_bp": 750, "months": 12, "starts_on": str(today())}
    flows = [{"on": "2025-01-01", "amount": -100}, {"on": "2026-01-01", "amount": 110}]
    came = {"amount": few, "received_on": str(today()), "reference": "IN 1", "part_id": things["loan_unsecured"]}
    term = {"tranche_id": things["other lent tranche"], "months": 6, "reason": words}
    happened = {"happened_on": str(today()), "evidence_version_id": things["accepted version"]}
    return {
        "postRepaymentSchedule": lambda: Sent(json=loan),
        "postCashFlowReturn": lambda: Sent(json={"flows": flows}),
        "getPledgeRepaymentSchedule": lambda: Sent(lent),
        "postRepayment": lambda: Sent(lent, came),
        "listRepayments": lambda: Sent(lent),
        "postReschedule": lambda: Sent(lent, term),
        "listReschedules": lambda: Sent(lent),
        "postRescheduleAcceptance": lambda: Sent(reschedule),
        "postRescheduleDecline": lambda: Sent(reschedule),
        "postWriteOff": lambda: Sent(lent, a_write_off(things["quasi_equity"], words)),
        "listWriteOffs": lambda: Sent(lent),
        "postWriteOffApproval": lambda: Sent(write_off),
        "postWriteOffRefusal": lambda: Sent(write_off),
        "postRevenueReport": lambda: Sent(lent, {"year_ended_on": "2021-03-31", "revenue": few}),
        "listRevenueReports": lambda: Sent(lent),
        "postRevenueReportConfirmation": lambda: Sent(report),
        "postRevenueReportRejection": lambda: Sent(report, {"reason": words}),
        "postSuccessEvent": lambda: Sent(lent, happened),
    }


def _about_checks_and_decisions(world: World) -> dict[str, Callable[[], Sent]]:
    draft, offered = ({"pledge_id": world.things[f"{name} pledge"]} for name in ("draft", "offered"))
    answers = {"sector": "community_health", "turnover": {"amount": 5, "currency": "GBP"}}
    file = {
        "format": "mutuals-answers",
        "version": 1,
        "registry_version": "2026-11-22",
        "made_on": "2026-11-22",
        "answers": answers,
        "ask": {"amount": {"amount": 1000, "currency": "GBP"}},
    }
    group = {"organisation_id": str(world.organisations["group"]), "title": {"en": "From answers"}}
    return {
        "listCheckQuestions": Sent,
        "postCheck": lambda: Sent(json={"answers": answers, "ask": file["ask"]}),
        "postProposalFromAnswers": lambda: Sent(json=group | {"answer_file": file}),
        "getPledgeDecision/a draft's": lambda: Sent(draft),
        "getPledgeDecision/offered": lambda: Sent(offered),
        "getPledgeDecisionReplay": lambda: Sent(offered),
    }


def _about_previews(world: World) -> dict[str, Callable[[], Sent]]:
    leaf = {"code": "SECTOR", "fact": "sector", "op": "eq", "value": "libraries_archives"}
    criteria = {"criteria": {"schema_version": 1, "criteria": [leaf]}}
    published, draft = ({"programme_id": world.things[name]} for name in ("programme", "draft programme"))
    return {
        "postCriteriaPreview/published": lambda: Sent(published, criteria),
        "postCriteriaPreview/a draft": lambda: Sent(draft, {}),
        "postCriteriaCheck": lambda: Sent(json=criteria),
    }
