"""Who may do what: one table of action x role, and the one function that reads it. Pure; told everything.

The table speaks of roles in the organisation that acts. Which organisation that is (the group, the funder, the
employer, the host) is for the service to say; what others may see of a thing is the feature's own policy.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from marketplace.values.actor import Actor, Membership, Role
from marketplace.values.refusals import Forbidden, NotFound


class Action(StrEnum):
    """Everything that needs a role."""

    READ_ORGANISATION = "read_organisation"
    CHANGE_ORGANISATION = "change_organisation"
    MANAGE_MEMBERS = "manage_members"
    READ_PROPOSAL = "read_proposal"
    WRITE_PROPOSAL = "write_proposal"
    SHARE_PROPOSAL = "share_proposal"
    RECORD_FAIR_COMPETITION = "record_fair_competition"
    WITHDRAW_PROPOSAL = "withdraw_proposal"
    INVITE_PARTY = "invite_party"
    ANSWER_CONSENT = "answer_consent"
    ANSWER_HOSTING = "answer_hosting"
    ANSWER_RIGHT_CLAIM = "answer_right_claim"
    REMARK = "remark"
    WITHDRAW_REMARK = "withdraw_remark"
    READ_PROGRAMME = "read_programme"
    WRITE_PROGRAMME = "write_programme"
    PUBLISH_PROGRAMME = "publish_programme"
    CLAIM_LISTING = "claim_listing"
    ASK_QUESTION = "ask_question"
    SET_BUDGET = "set_budget"
    BROWSE_PROPOSALS = "browse_proposals"
    READ_PLEDGE = "read_pledge"
    WRITE_PLEDGE = "write_pledge"
    ISSUE_OFFER = "issue_offer"
    ANSWER_OFFER = "answer_offer"
    SIGN_AGREEMENT = "sign_agreement"
    END_PLEDGE = "end_pledge"
    SUBMIT_EVIDENCE = "submit_evidence"
    VERIFY_EVIDENCE = "verify_evidence"
    CLAIM_TRANCHE = "claim_tranche"
    APPROVE_TRANCHE = "approve_tranche"
    PAY_TRANCHE = "pay_tranche"
    MANAGE_TRANCHE = "manage_tranche"
    RECORD_RETURN = "record_return"
    RECORD_REPAYMENT = "record_repayment"
    PROPOSE_RESCHEDULE = "propose_reschedule"
    ANSWER_RESCHEDULE = "answer_reschedule"
    REQUEST_WRITE_OFF = "request_write_off"
    DECIDE_WRITE_OFF = "decide_write_off"
    REPORT_REVENUE = "report_revenue"
    CONFIRM_REVENUE = "confirm_revenue"
    VOUCH = "vouch"
    READ_WATCH = "read_watch"
    WRITE_WATCH = "write_watch"
    KEEP_SHORTLIST = "keep_shortlist"
    READ_SCENARIO = "read_scenario"
    KEEP_SCENARIO = "keep_scenario"
    SET_GOVERNANCE = "set_governance"
    REQUEST_APPROVAL = "request_approval"
    APPROVE_ACT = "approve_act"
    READ_INTERESTS = "read_interests"
    PLAN_CONFLICT = "plan_conflict"
    APPROVE_PLAN = "approve_plan"
    PUBLISH_PRODUCT = "publish_product"
    KEEP_LISTING = "keep_listing"


@dataclass(frozen=True, slots=True)
class Grant:
    """The roles that may act (an owner always may), and whether the organisation must be verified."""

    roles: frozenset[Role]
    verified: bool = False


_READ = frozenset({Role.EDITOR, Role.APPROVER, Role.VIEWER})
_WRITE = frozenset({Role.EDITOR})
_DECIDE = frozenset({Role.APPROVER})
_WRITE_OR_DECIDE = _WRITE | _DECIDE
_OWN: frozenset[Role] = frozenset()

GRANTS: Mapping[Action, Grant] = {
    Action.READ_ORGANISATION: Grant(_READ),
    Action.CHANGE_ORGANISATION: Grant(_OWN),
    Action.MANAGE_MEMBERS: Grant(_OWN),
    Action.READ_PROPOSAL: Grant(_READ),
    Action.WRITE_PROPOSAL: Grant(_WRITE),
    Action.SHARE_PROPOSAL: Grant(_WRITE),
    Action.RECORD_FAIR_COMPETITION: Grant(_WRITE),
    Action.WITHDRAW_PROPOSAL: Grant(_OWN),
    Action.INVITE_PARTY: Grant(_WRITE),
    Action.ANSWER_CONSENT: Grant(_DECIDE, verified=True),
    Action.ANSWER_HOSTING: Grant(_DECIDE, verified=True),
    Action.ANSWER_RIGHT_CLAIM: Grant(_DECIDE, verified=True),
    Action.REMARK: Grant(_READ),
    Action.WITHDRAW_REMARK: Grant(_WRITE_OR_DECIDE),
    Action.READ_PROGRAMME: Grant(_READ),
    Action.WRITE_PROGRAMME: Grant(_WRITE),
    Action.PUBLISH_PROGRAMME: Grant(_WRITE, verified=True),
    Action.CLAIM_LISTING: Grant(_OWN, verified=True),
    Action.ASK_QUESTION: Grant(_WRITE, verified=True),
    Action.SET_BUDGET: Grant(_DECIDE, verified=True),
    Action.BROWSE_PROPOSALS: Grant(_READ, verified=True),
    Action.READ_PLEDGE: Grant(_READ),
    Action.WRITE_PLEDGE: Grant(_WRITE, verified=True),
    Action.ISSUE_OFFER: Grant(_WRITE_OR_DECIDE, verified=True),
    Action.ANSWER_OFFER: Grant(_DECIDE),
    Action.SIGN_AGREEMENT: Grant(_WRITE_OR_DECIDE, verified=True),
    Action.END_PLEDGE: Grant(_WRITE_OR_DECIDE, verified=True),
    Action.SUBMIT_EVIDENCE: Grant(_WRITE),
    Action.VERIFY_EVIDENCE: Grant(_WRITE_OR_DECIDE, verified=True),
    Action.CLAIM_TRANCHE: Grant(_WRITE),
    Action.APPROVE_TRANCHE: Grant(_DECIDE, verified=True),
    Action.PAY_TRANCHE: Grant(_WRITE_OR_DECIDE, verified=True),
    Action.MANAGE_TRANCHE: Grant(_WRITE_OR_DECIDE, verified=True),
    Action.RECORD_RETURN: Grant(_WRITE_OR_DECIDE, verified=True),
    Action.RECORD_REPAYMENT: Grant(_WRITE_OR_DECIDE, verified=True),
    Action.PROPOSE_RESCHEDULE: Grant(_WRITE_OR_DECIDE),
    Action.ANSWER_RESCHEDULE: Grant(_DECIDE),
    Action.REQUEST_WRITE_OFF: Grant(_WRITE_OR_DECIDE, verified=True),
    Action.DECIDE_WRITE_OFF: Grant(_DECIDE, verified=True),
    Action.REPORT_REVENUE: Grant(_WRITE),
    Action.CONFIRM_REVENUE: Grant(_WRITE_OR_DECIDE, verified=True),
    Action.VOUCH: Grant(_OWN, verified=True),
    Action.READ_WATCH: Grant(_READ),
    Action.WRITE_WATCH: Grant(_WRITE_OR_DECIDE),
    Action.KEEP_SHORTLIST: Grant(_WRITE, verified=True),
    Action.READ_SCENARIO: Grant(_READ),
    Action.KEEP_SCENARIO: Grant(_WRITE_OR_DECIDE),
    Action.SET_GOVERNANCE: Grant(_OWN, verified=True),
    Action.REQUEST_APPROVAL: Grant(_WRITE_OR_DECIDE, verified=True),
    Action.APPROVE_ACT: Grant(_DECIDE, verified=True),
    Action.READ_INTERESTS: Grant(_DECIDE, verified=True),
    Action.PLAN_CONFLICT: Grant(_DECIDE, verified=True),
    Action.APPROVE_PLAN: Grant(_OWN, verified=True),
    Action.PUBLISH_PRODUCT: Grant(_WRITE, verified=True),
    Action.KEEP_LISTING: Grant(_DECIDE, verified=True),
}


class RoleNotEnough(Forbidden):
    """The caller belongs to the organisation, in a role that may not do this."""

    code = "role-not-enough"
    title = "Your role does not allow this"


class OrganisationNotVerified(Forbidden):
    """The organisation has not been verified yet, and this needs a verified one."""

    code = "organisation-not-verified"
    title = "Your organisation has to be verified first"


class OrganisationSuspended(Forbidden):
    """The organisation is suspended: it reads what it owns and changes nothing."""

    code = "organisation-suspended"
    title = "Your organisation is suspended"


_READS = frozenset(
    {
        Action.READ_ORGANISATION,
        Action.READ_PROPOSAL,
        Action.READ_PROGRAMME,
        Action.READ_PLEDGE,
        Action.READ_WATCH,
        Action.READ_SCENARIO,
    }
)


def permit(actor: Actor, action: Action, organisation_id: UUID) -> Membership:
    """The membership under which `actor` may do `action` for that organisation.

    NotFound where the caller has no part in the organisation (what belongs to others does not exist);
    Forbidden, saying which, for a role that is not enough, an unverified or a suspended organisation.
    """
    membership = actor.membership_in(organisation_id)
    if membership is None:
        raise NotFound("There is no such thing, or you may not see it.")
    grant = GRANTS[action]
    refusal: Forbidden | None = None
    if membership.role not in grant.roles and membership.role is not Role.OWNER:
        refusal = RoleNotEnough(f"A {membership.role} may not do this.", action=str(action), role=str(membership.role))
    elif membership.suspended and action not in _READS:
        refusal = OrganisationSuspended("A suspended organisation changes nothing until the operator lifts it.")
    elif grant.verified and not membership.verified:
        words = "Ask the operator, or a verified organisation that knows you, to vouch for you."
        refusal = OrganisationNotVerified(words)
    if refusal is not None:
        refusal.organisation_id = organisation_id
        raise refusal
    return membership
