"""A group with a proposal, a funder that is party to it, and strangers; hooks that say so."""

from dataclasses import dataclass
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from marketplace.evidence.models import Evidence
from marketplace.store.base import new_id
from marketplace.values.actor import Actor
from tests.builders import Person, a_member, an_organisation

PDF = b"%PDF-1.7\nA business plan."


@dataclass
class Scene:
    """Who is who. `other_funder` is verified, and party to nothing."""

    session: Session
    client: FlaskClient
    proposal: UUID
    group: UUID
    funder: UUID
    nurse: Person
    viewer: Person
    officer: Person
    stranger: Person

    def owner_of(self, _session: Session, proposal_id: UUID) -> UUID | None:
        return self.group if proposal_id == self.proposal else None

    def party(self, _session: Session, actor: Actor, proposal_id: UUID) -> bool:
        return proposal_id == self.proposal and self.funder in actor.organisation_ids

    def sees(self, session: Session, actor: Actor, evidence: Evidence) -> bool:
        return self.party(session, actor, evidence.proposal_id)

    def verifies(self, session: Session, actor: Actor, evidence: Evidence) -> UUID | None:
        return self.funder if self.sees(session, actor, evidence) else None

    def audience(self, _session: Session, _evidence: Evidence) -> frozenset[UUID]:
        return frozenset({self.funder})

    def open(self, person: Person | None = None, **draft: object) -> TestResponse:
        body = {"kind": "business_plan", "title": "Our plan"} | draft
        headers = (person or self.nurse).headers
        return self.client.post(f"/v1/proposals/{self.proposal}/evidence", json=body, headers=headers)

    def opened(self, **draft: object) -> str:
        answer = self.open(**draft)
        assert answer.status_code == 201, answer.json
        return str(answer.json["id"])

    def upload(
        self,
        evidence: str,
        content: bytes = PDF,
        *,
        person: Person | None = None,
        media_type: str = "application/pdf",
        disposition: str | None = 'attachment; filename="plan.pdf"',
        **headers: str,
    ) -> TestResponse:
        sent = {**(person or self.nurse).headers, "Content-Type": media_type, **headers}
        if disposition is not None:
            sent["Content-Disposition"] = disposition
        return self.client.post(f"/v1/evidence/{evidence}/versions", data=content, headers=sent)

    def uploaded(self, content: bytes = PDF, **draft: object) -> str:
        answer = self.upload(self.opened(**draft), content)
        assert answer.status_code == 201, answer.json
        return str(answer.json["id"])

    def verify(self, version: str, person: Person | None = None, decision: str = "accepted") -> TestResponse:
        return self.client.post(
            f"/v1/evidence-versions/{version}/verification",
            json={"decision": decision, "reason": "Read and compared with the minutes."},
            headers=(person or self.officer).headers,
        )

    def read(self, path: str, person: Person | None = None) -> TestResponse:
        return self.client.get(path, headers=(person or self.nurse).headers)


def a_scene(session: Session, client: FlaskClient) -> Scene:
    """Put the people and organisations into the database."""
    group = an_organisation(session, name="Riverside speech therapy")
    funder = an_organisation(session, kind="funder", name="Leeds Seed Fund")
    other = an_organisation(session, kind="funder", name="Somebody else's fund")
    return Scene(
        session=session,
        client=client,
        proposal=new_id(),
        group=group.id,
        funder=funder.id,
        nurse=a_member(session, group, "editor"),
        viewer=a_member(session, group, "viewer"),
        officer=a_member(session, funder, "editor"),
        stranger=a_member(session, other, "owner"),
    )
