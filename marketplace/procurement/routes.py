"""Procurement over HTTP: opinions, law checks, precedents, bids and their surety, the fair-competition record."""

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from flask_limiter.util import get_remote_address

from marketplace.procurement import bids, fairness, opinions, precedents
from marketplace.procurement.bids import BidSeen
from marketplace.procurement.models import FairCompetitionEntry
from marketplace.procurement.record_rules import SituationFaults, situation_faults
from marketplace.procurement.rules import CHECKS, Checked, Situation, procurement_checks
from marketplace.procurement.schemas import (
    BidDraft,
    BidOutcomeDraft,
    BidsQuery,
    BidView,
    FairCompetitionEntryDraft,
    FairCompetitionEntryView,
    FairCompetitionLinesQuery,
    FairCompetitionLineView,
    FairCompetitionReadersDraft,
    FairCompetitionRecordView,
    OpinionDraft,
    OpinionsView,
    OpinionView,
    PrecedentQuery,
    PrecedentsView,
    ProcurementCheckDraft,
    ProcurementCheckQuery,
    ProcurementChecksView,
    SuretiesDraft,
)
from marketplace.reference.parameters import figures_on
from marketplace.store.base import session
from marketplace.values.clock import today
from marketplace.values.money import Money
from marketplace.web.conditional import if_match, located, tagged
from marketplace.web.csv import CsvColumn, answered_in_csv, label, listed, member
from marketplace.web.guard import current_actor, open_to_all
from marketplace.web.limits import limiter
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.paging import Page, after_id, cut, page_of, paged
from marketplace.web.parsing import body_at_most
from marketplace.web.writes import writes

CHECK_LIMIT = "30 per minute"
LARGEST_CHECK = 16 * 1024
NO_STORE = {"Cache-Control": "no-store"}
LINE_COLUMNS: tuple[CsvColumn, ...] = (
    member("id"),
    member("type"),
    member("recorded_at"),
    member("number"),
    member("kind"),
    label("kind", "fair_competition_kinds"),
    *(member(name) for name in fairness.MEMBERS if name not in {"number", "kind"}),
)

procurement = MarketBlueprint("procurement", __name__, description="Procurement routes, bids and fair competition")


@procurement.post("/procurement-checks")
@open_to_all
@limiter.limit(CHECK_LIMIT, key_func=get_remote_address)
@body_at_most(LARGEST_CHECK)
@procurement.arguments(ProcurementCheckDraft)
@procurement.response(200, ProcurementChecksView)
def post_procurement_check(draft: dict[str, Any]) -> Any:
    """Check which procurement routes the law leaves open, without an account; nothing is kept."""
    told = {name: value for name, value in draft.items() if name not in {"as_of", "checks"}}
    faults = situation_faults(told)
    if faults:
        raise SituationFaults("`errors` names each fault.", errors=faults)
    if told.get("contract_value") is not None:
        value = told["contract_value"]
        told["contract_value"] = {"amount": value.amount, "currency": value.currency}
    day = draft.get("as_of") or today()
    made = procurement_checks(replace(Situation(), **told), day, figures_on(day), draft.get("checks", CHECKS))
    return {"as_of": day, "data": [_check(each) for each in made]}, 200, NO_STORE


@procurement.get("/proposals/<uuid:proposal_id>/procurement-checks")
@procurement.arguments(ProcurementCheckQuery, location="query")
@procurement.response(200, ProcurementChecksView)
def list_proposal_procurement_checks(query: dict[str, Any], proposal_id: UUID) -> dict[str, Any]:
    """Check one's own proposal's published facts, and its open bid, against procurement law."""
    slugs = query.get("checks", CHECKS)
    day, made = opinions.checks_of_proposal(session(), current_actor(), proposal_id, query.get("as_of"), slugs)
    return {"as_of": day, "data": [_check(each) for each in made]}


@procurement.post("/proposals/<uuid:proposal_id>/procurement-opinions")
@writes
@procurement.arguments(OpinionDraft)
@procurement.response(201, OpinionView)
def post_procurement_opinion(draft: dict[str, Any], proposal_id: UUID) -> opinions.OpinionSeen:
    """Record what somebody advised on the procurement; it may take an earlier opinion's place."""
    made = opinions.record_opinion(session(), current_actor(), proposal_id, draft)
    located(f"/v1/procurement-opinions/{made.opinion.id}")
    return made


@procurement.get("/proposals/<uuid:proposal_id>/procurement-opinions")
@procurement.response(200, OpinionsView)
def list_procurement_opinions(proposal_id: UUID) -> dict[str, Any]:
    """List the opinions on a proposal's procurement that the caller may read, the newest first."""
    return {"data": opinions.opinions_of(session(), current_actor(), proposal_id)}


@procurement.get("/procurement-opinions/<uuid:opinion_id>")
@procurement.response(200, OpinionView)
def get_procurement_opinion(opinion_id: UUID) -> opinions.OpinionSeen:
    """Read one opinion."""
    return opinions.opinion_for(session(), current_actor(), opinion_id)


@procurement.get("/procurement-precedents")
@procurement.arguments(PrecedentQuery, location="query")
@procurement.response(200, PrecedentsView)
def get_procurement_precedents(query: dict[str, Any]) -> dict[str, Any]:
    """Read what became of cases of the same sector and route, where five groups and more let theirs count."""
    return precedents.precedents_of(session(), query["sector"], query["route"])


@procurement.post("/proposals/<uuid:proposal_id>/bids")
@writes
@procurement.arguments(BidDraft)
@procurement.response(201, BidView)
def post_bid(draft: dict[str, Any], proposal_id: UUID) -> dict[str, Any]:
    """Record that the group has bid in a tender."""
    made = bids.record_bid(session(), current_actor(), proposal_id, draft)
    located(f"/v1/bids/{made.bid.id}")
    return _bid(made)


@procurement.get("/proposals/<uuid:proposal_id>/bids")
@procurement.arguments(BidsQuery, location="query")
@procurement.response(200, page_of(BidView))
def list_bids(query: dict[str, Any], proposal_id: UUID) -> dict[str, Any]:
    """List a proposal's bids, the newest first."""
    limit = query["limit"]
    rows = bids.bids_of(session(), current_actor(), proposal_id, after_id(query), limit)
    page = cut(rows, limit, lambda seen: [str(seen.bid.id)])
    return paged(Page([_card(each) for each in page.items], page.after))


@procurement.get("/bids/<uuid:bid_id>")
@procurement.response(200, BidView)
def get_bid(bid_id: UUID) -> dict[str, Any]:
    """Read one bid."""
    return _bid(bids.bid_for(session(), current_actor(), bid_id))


@procurement.put("/bids/<uuid:bid_id>/outcome")
@writes
@procurement.arguments(BidOutcomeDraft)
@procurement.response(200, BidView)
def put_bid_outcome(draft: dict[str, Any], bid_id: UUID) -> dict[str, Any]:
    """Say what became of a bid: won, lost (on which grounds) or withdrawn."""
    return _bid(bids.put_outcome(session(), current_actor(), bid_id, draft, if_match))


@procurement.put("/bids/<uuid:bid_id>/sureties")
@writes
@procurement.arguments(SuretiesDraft)
@procurement.response(200, BidView)
def put_bid_sureties(draft: dict[str, Any], bid_id: UUID) -> dict[str, Any]:
    """Replace the sureties that the authority demands in a bid, and what stands behind each."""
    return _bid(bids.put_sureties(session(), current_actor(), bid_id, draft["sureties"], if_match))


@procurement.get("/proposals/<uuid:proposal_id>/fair-competition-record")
@procurement.response(200, FairCompetitionRecordView)
def get_fair_competition_record(proposal_id: UUID) -> dict[str, Any]:
    """Read the head of a proposal's fair-competition record: who may read it, and conflicts declared."""
    return _record(fairness.record_of(session(), current_actor(), proposal_id))


@procurement.get("/proposals/<uuid:proposal_id>/fair-competition-lines")
@procurement.arguments(FairCompetitionLinesQuery, location="query")
@procurement.response(200, page_of(FairCompetitionLineView))
@answered_in_csv
def list_fair_competition_lines(query: dict[str, Any], proposal_id: UUID) -> Any:
    """List the fair-competition record, the oldest first: entries, and who read which document when."""

    def pages(asked: dict[str, Any], place: list[Any] | None) -> Page:
        after = None if place is None else UUID(place[0])
        return fairness.lines_of(session(), current_actor(), proposal_id, after, asked["limit"])

    return listed("fair-competition-record", LINE_COLUMNS, query, pages)


@procurement.post("/proposals/<uuid:proposal_id>/fair-competition-entries")
@writes
@procurement.arguments(FairCompetitionEntryDraft)
@procurement.response(201, FairCompetitionEntryView)
def post_fair_competition_entry(draft: dict[str, Any], proposal_id: UUID) -> FairCompetitionEntry:
    """Add to the fair-competition record, or correct an entry of one's own organisation."""
    made = fairness.record_entry(session(), current_actor(), proposal_id, draft)
    located(f"/v1/proposals/{proposal_id}/fair-competition-lines")
    return made


@procurement.put("/proposals/<uuid:proposal_id>/fair-competition-record/readers")
@writes
@procurement.arguments(FairCompetitionReadersDraft)
@procurement.response(200, FairCompetitionRecordView)
def put_fair_competition_readers(draft: dict[str, Any], proposal_id: UUID) -> dict[str, Any]:
    """Name the organisations that may read the whole fair-competition record."""
    named = draft["organisations"]
    return _record(fairness.put_readers(session(), current_actor(), proposal_id, named, if_match))


@procurement.post("/proposals/<uuid:proposal_id>/fair-competition-record/publication")
@writes
@procurement.response(200, FairCompetitionRecordView)
def post_fair_competition_publication(proposal_id: UUID) -> dict[str, Any]:
    """Publish the public part of the fair-competition record to whoever sees the proposal under its name."""
    return _record(fairness.publish_record(session(), current_actor(), proposal_id))


def _check(made: Checked) -> dict[str, Any]:
    return {
        "slug": made.slug,
        "law": made.law,
        "in_force_from": date.fromisoformat(made.law["from"]),
        "in_force_until": None if made.law["until"] is None else date.fromisoformat(made.law["until"]),
        "outcome": made.outcome.value,
        "conditions": [each.as_json() for each in made.conditions],
    }


def _bid(seen: BidSeen) -> dict[str, Any]:
    tagged(seen.bid)
    return _card(seen)


def _card(seen: BidSeen) -> dict[str, Any]:
    bid = seen.bid
    names = (
        *("id", "proposal_id", "title", "authority_name", "route", "occasion", "incumbent", "submitted_on"),
        *("term_months", "outcome", "decided_on", "lost_on", "words", "starts_on", "ends_on"),
    )
    plain = {name: getattr(bid, name) for name in names}
    value = Money(bid.contract_value, bid.currency)
    return {**plain, "contract_value": value, "sureties": seen.sureties, "recorded_at": bid.created_at}


def _record(head: dict[str, Any]) -> dict[str, Any]:
    tagged(head["stamped"])
    return head
