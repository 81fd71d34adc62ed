"""Limits, approvals, interests and plans for conflicts over HTTP."""

from typing import Any
from uuid import UUID

from marketplace.governance import approvals, interests, limits, schemas
from marketplace.governance.models import Approval, ConflictPlan, GovernanceVersion, Interest
from marketplace.governance.rules import approval_state_at
from marketplace.store.base import session
from marketplace.values.clock import now
from marketplace.values.money import Money
from marketplace.web.conditional import if_match, located, tagged
from marketplace.web.guard import current_actor
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.paging import Page, PageQuery, after_id, by_id, cut, page_of, paged
from marketplace.web.writes import writes

Body = dict[str, Any]

governance = MarketBlueprint("governance", __name__, description="Limits, second persons and conflicts of interest")


@governance.get("/organisations/<uuid:organisation_id>/governance")
@governance.response(200, schemas.GovernanceView)
def get_governance(organisation_id: UUID) -> Body:
    """Read the limits of one's organisation."""
    return _standing(limits.standing(session(), current_actor(), organisation_id))


@governance.put("/organisations/<uuid:organisation_id>/governance")
@writes
@governance.arguments(schemas.GovernanceDraft)
@governance.response(200, schemas.GovernanceView)
def put_governance(draft: Body, organisation_id: UUID) -> Body:
    """Set the limits of one's organisation; a second owner has to confirm what loosens them."""
    return _standing(limits.set_limits(session(), current_actor(), organisation_id, draft, if_match))


@governance.get("/organisations/<uuid:organisation_id>/governance/versions")
@governance.arguments(PageQuery, location="query")
@governance.response(200, page_of(schemas.GovernanceVersionView))
def list_governance_versions(query: Body, organisation_id: UUID) -> Body:
    """List the limits of one's organisation over time, the newest first."""
    rows = limits.versions(session(), current_actor(), organisation_id, after_id(query), query["limit"])
    page = cut(rows, query["limit"], by_id)
    return paged(Page([_version(each) for each in page.items], page.after))


@governance.post("/organisations/<uuid:organisation_id>/governance/versions/<uuid:version_id>/confirmation")
@writes
@governance.response(200, schemas.GovernanceView)
def post_governance_confirmation(organisation_id: UUID, version_id: UUID) -> Body:
    """Put proposed limits in force, as another owner."""
    return _standing(limits.confirm(session(), current_actor(), organisation_id, version_id))


@governance.post("/organisations/<uuid:organisation_id>/governance/versions/<uuid:version_id>/rejection")
@writes
@governance.response(200, schemas.GovernanceView)
def post_governance_rejection(organisation_id: UUID, version_id: UUID) -> Body:
    """Drop proposed limits."""
    return _standing(limits.reject(session(), current_actor(), organisation_id, version_id))


@governance.post("/organisations/<uuid:organisation_id>/approvals")
@writes
@governance.arguments(schemas.ApprovalDraft)
@governance.response(201, schemas.ApprovalView)
def post_approval(draft: Body, organisation_id: UUID) -> Body:
    """Ask a second person to approve an act."""
    made = approvals.request_approval(session(), current_actor(), organisation_id, draft)
    located(f"/v1/approvals/{made.id}")
    return _approval(tagged(made))


@governance.get("/organisations/<uuid:organisation_id>/approvals")
@governance.arguments(schemas.ApprovalQuery, location="query")
@governance.response(200, page_of(schemas.ApprovalView))
def list_approvals(query: Body, organisation_id: UUID) -> Body:
    """List what was asked to be approved in one's organisation, the newest first."""
    rows = approvals.approvals_of(
        session(), current_actor(), organisation_id, query.get("state"), after_id(query), query["limit"]
    )
    page = cut(rows, query["limit"], by_id)
    return paged(Page([_approval(each) for each in page.items], page.after))


@governance.get("/approvals/<uuid:approval_id>")
@governance.response(200, schemas.ApprovalView)
def get_approval(approval_id: UUID) -> Body:
    """Read an approval of one's organisation."""
    return _approval(tagged(approvals.approval_seen(session(), current_actor(), approval_id)))


@governance.post("/approvals/<uuid:approval_id>/approval")
@writes
@governance.arguments(schemas.ApprovalAnswerDraft)
@governance.response(200, schemas.ApprovalView)
def post_approval_approval(answer: Body, approval_id: UUID) -> Body:
    """Approve an act as the second person."""
    return _approval(tagged(approvals.approve(session(), current_actor(), approval_id, answer.get("answer"))))


@governance.post("/approvals/<uuid:approval_id>/rejection")
@writes
@governance.arguments(schemas.ApprovalRejectionDraft)
@governance.response(200, schemas.ApprovalView)
def post_approval_rejection(answer: Body, approval_id: UUID) -> Body:
    """Reject an act, or take back an approval that has not been used."""
    return _approval(tagged(approvals.reject(session(), current_actor(), approval_id, answer["answer"])))


@governance.post("/approvals/<uuid:approval_id>/withdrawal")
@writes
@governance.response(200, schemas.ApprovalView)
def post_approval_withdrawal(approval_id: UUID) -> Body:
    """Withdraw one's own request."""
    return _approval(tagged(approvals.withdraw(session(), current_actor(), approval_id)))


@governance.post("/me/interests")
@writes
@governance.arguments(schemas.InterestDraft)
@governance.response(201, schemas.InterestView)
def post_interest(draft: Body) -> Interest:
    """Declare an interest of one's own."""
    made = interests.declare(session(), current_actor(), draft)
    located(f"/v1/me/interests/{made.id}")
    return tagged(made)


@governance.get("/me/interests")
@governance.arguments(PageQuery, location="query")
@governance.response(200, page_of(schemas.InterestView))
def list_interests(query: Body) -> Body:
    """List the interests that one has declared, the newest first."""
    rows = interests.own_interests(session(), current_actor(), after_id(query), query["limit"])
    return paged(cut(rows, query["limit"], by_id))


@governance.get("/me/interests/<uuid:interest_id>")
@governance.response(200, schemas.InterestView)
def get_interest(interest_id: UUID) -> Interest:
    """Read a declared interest of one's own."""
    return tagged(interests.own_interest(session(), current_actor(), interest_id))


@governance.post("/me/interests/<uuid:interest_id>/end")
@writes
@governance.response(200, schemas.InterestView)
def post_interest_end(interest_id: UUID) -> Interest:
    """Say that an interest of one's own is over after today."""
    return tagged(interests.end_interest(session(), current_actor(), interest_id))


@governance.get("/organisations/<uuid:organisation_id>/interests")
@governance.arguments(PageQuery, location="query")
@governance.response(200, page_of(schemas.InterestView))
def list_organisation_interests(query: Body, organisation_id: UUID) -> Body:
    """List what the members of one's organisation have declared: its register of interests."""
    rows = interests.register_of(session(), current_actor(), organisation_id, after_id(query), query["limit"])
    return paged(cut(rows, query["limit"], by_id))


@governance.post("/organisations/<uuid:organisation_id>/conflict-plans")
@writes
@governance.arguments(schemas.ConflictPlanDraft)
@governance.response(201, schemas.ConflictPlanView)
def post_conflict_plan(draft: Body, organisation_id: UUID) -> Body:
    """Record how a member's conflict of interest is to be managed."""
    made = interests.propose_plan(session(), current_actor(), organisation_id, draft)
    located(f"/v1/conflict-plans/{made.id}")
    return _plan(tagged(made))


@governance.get("/organisations/<uuid:organisation_id>/conflict-plans")
@governance.arguments(PageQuery, location="query")
@governance.response(200, page_of(schemas.ConflictPlanView))
def list_conflict_plans(query: Body, organisation_id: UUID) -> Body:
    """List the plans for conflicts in one's organisation, the newest first."""
    rows = interests.plans_of(session(), current_actor(), organisation_id, after_id(query), query["limit"])
    page = cut(rows, query["limit"], by_id)
    return paged(Page([_plan(each) for each in page.items], page.after))


@governance.get("/conflict-plans/<uuid:plan_id>")
@governance.response(200, schemas.ConflictPlanView)
def get_conflict_plan(plan_id: UUID) -> Body:
    """Read a plan for a conflict in one's organisation."""
    return _plan(tagged(interests.plan_read(session(), current_actor(), plan_id)))


@governance.post("/conflict-plans/<uuid:plan_id>/approval")
@writes
@governance.response(200, schemas.ConflictPlanView)
def post_conflict_plan_approval(plan_id: UUID) -> Body:
    """Approve a plan, as another owner than who proposed it and whom it is about."""
    return _plan(tagged(interests.answer_plan(session(), current_actor(), plan_id, "approve")))


@governance.post("/conflict-plans/<uuid:plan_id>/rejection")
@writes
@governance.response(200, schemas.ConflictPlanView)
def post_conflict_plan_rejection(plan_id: UUID) -> Body:
    """Reject a plan."""
    return _plan(tagged(interests.answer_plan(session(), current_actor(), plan_id, "reject")))


@governance.post("/conflict-plans/<uuid:plan_id>/end")
@writes
@governance.response(200, schemas.ConflictPlanView)
def post_conflict_plan_end(plan_id: UUID) -> Body:
    """End a plan: the conflict counts again."""
    return _plan(tagged(interests.answer_plan(session(), current_actor(), plan_id, "end")))


def _standing(found: limits.Standing) -> Body:
    tagged(found)
    shown = {name: None if each is None else _version(each) for name, each in (
        ("in_force", found.in_force), ("proposed", found.proposed),
    )}  # fmt: skip
    return {"organisation_id": found.id, **shown}


def _version(version: GovernanceVersion) -> Body:
    def limit(each: Body) -> Body:
        rest = {name: value for name, value in each.items() if name != "amount"}
        return rest | {"limit": Money(each["amount"], version.currency)}

    shown = {
        name: getattr(version, name)
        for name in schemas.GovernanceVersionView._declared_fields
        if not name.endswith("_limits")
    }
    lists = {name: [limit(each) for each in getattr(version, name)] for name in ("approval_limits", "delegated_limits")}
    return shown | lists


def _approval(approval: Approval) -> Body:
    """The approval with its state by the clock."""
    shown = {name: getattr(approval, name) for name in schemas.ApprovalView._declared_fields}
    state = approval_state_at(approval.state, approval.expires_at, now())
    return shown | {"state": state, "amount": approval.money}


def _plan(plan: ConflictPlan) -> Body:
    """The plan with its state by the clock."""
    shown = {name: getattr(plan, name) for name in schemas.ConflictPlanView._declared_fields}
    return shown | {"state": interests.plan_state_now(plan)}
