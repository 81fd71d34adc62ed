"""Learning notes, support products, advisers and resources over HTTP."""

from typing import Any
from uuid import UUID

from marketplace.learning import advisers, notes, products
from marketplace.learning.advisers import Listed
from marketplace.learning.notes import NoteSeen
from marketplace.learning.products import Seen
from marketplace.learning.schemas import (
    AdviserListingDraft,
    AdviserListingView,
    AdviserQuery,
    AdvisersForProposalQuery,
    AdvisersForProposalView,
    LearningNoteChange,
    LearningNoteDraft,
    LearningNoteQuery,
    LearningNoteVersionView,
    LearningNoteView,
    LikeNotesQuery,
    LikeNotesView,
    ResourceQuery,
    ResourcesView,
    SupportProductChange,
    SupportProductDraft,
    SupportProductQuery,
    SupportProductView,
)
from marketplace.reference import resources
from marketplace.store.base import session
from marketplace.web.conditional import if_match, located, tagged
from marketplace.web.guard import current_actor, open_to_all
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.paging import PageQuery, after_id, by_id, cut, page_of, paged
from marketplace.web.writes import writes

learning = MarketBlueprint("learning", __name__, description="What groups learned, and what helps those who follow")

Body = dict[str, Any]


@learning.post("/learning-notes")
@writes
@learning.arguments(LearningNoteDraft)
@learning.response(201, LearningNoteView)
def post_learning_note(draft: Body) -> Body:
    """Write down what the group learned at a stage of its proposal, failure included."""
    made = notes.write_note(session(), current_actor(), draft)
    located(f"/v1/learning-notes/{made.note.id}")
    return note_shown(made, stamp=True)


@learning.get("/learning-notes")
@open_to_all
@learning.arguments(LearningNoteQuery, location="query")
@learning.response(200, page_of(LearningNoteView))
def list_learning_notes(query: Body) -> Body:
    """List what groups learned, the newest first."""
    rows = notes.public_notes(session(), current_actor(), query, after_id(query), query["limit"])
    return _notes(rows, query)


@learning.get("/learning-notes/<uuid:note_id>")
@open_to_all
@learning.response(200, LearningNoteView)
def get_learning_note(note_id: UUID) -> Body:
    """Read a learning note."""
    return note_shown(notes.note_seen(session(), current_actor(), note_id), stamp=True)


@learning.put("/learning-notes/<uuid:note_id>")
@writes
@learning.arguments(LearningNoteChange)
@learning.response(200, LearningNoteView)
def put_learning_note(draft: Body, note_id: UUID) -> Body:
    """Write a learning note anew; what it said before stays with its group."""
    return note_shown(notes.rewrite_note(session(), current_actor(), note_id, draft, if_match), stamp=True)


@learning.post("/learning-notes/<uuid:note_id>/withdrawal")
@writes
@learning.response(200, LearningNoteView)
def post_learning_note_withdrawal(note_id: UUID) -> Body:
    """Take a learning note back."""
    return note_shown(notes.withdraw_note(session(), current_actor(), note_id), stamp=True)


@learning.get("/learning-notes/<uuid:note_id>/versions")
@learning.arguments(PageQuery, location="query")
@learning.response(200, page_of(LearningNoteVersionView))
def list_learning_note_versions(query: Body, note_id: UUID) -> Body:
    """List what one's own note said, version by version, the newest first."""
    rows = notes.versions_of(session(), current_actor(), note_id, after_id(query), query["limit"])
    return paged(cut(rows, query["limit"], by_id))


@learning.get("/organisations/<uuid:organisation_id>/learning-notes")
@learning.arguments(PageQuery, location="query")
@learning.response(200, page_of(LearningNoteView))
def list_organisation_learning_notes(query: Body, organisation_id: UUID) -> Body:
    """List one's own organisation's notes, embargoed and withdrawn ones too."""
    rows = notes.own_notes(session(), current_actor(), organisation_id, after_id(query), query["limit"])
    return _notes(rows, query)


@learning.get("/proposals/<uuid:proposal_id>/learning-notes")
@learning.arguments(LikeNotesQuery, location="query")
@learning.response(200, LikeNotesView)
def list_proposal_learning_notes(query: Body, proposal_id: UUID) -> Body:
    """List what groups like this one learned, the most alike first."""
    found = notes.notes_like(session(), current_actor(), proposal_id, query["limit"])
    return {"data": [note_shown(each) for each in found]}


@learning.post("/support-products")
@writes
@learning.arguments(SupportProductDraft)
@learning.response(201, SupportProductView)
def post_support_product(draft: Body) -> Body:
    """Publish something made for one group that others may use again."""
    made = products.publish_product(session(), current_actor(), draft)
    located(f"/v1/support-products/{made[0].id}")
    return _product(made, stamp=True)


@learning.get("/support-products")
@open_to_all
@learning.arguments(SupportProductQuery, location="query")
@learning.response(200, page_of(SupportProductView))
def list_support_products(query: Body) -> Body:
    """List support products, the newest first."""
    rows = products.list_products(session(), query, after_id(query), query["limit"])
    page = cut(rows, query["limit"], lambda row: [str(row[0].id)])
    return {**paged(page), "data": [_product(each) for each in page.items]}


@learning.get("/support-products/<uuid:product_id>")
@open_to_all
@learning.response(200, SupportProductView)
def get_support_product(product_id: UUID) -> Body:
    """Read a support product."""
    return _product(products.product_seen(session(), current_actor(), product_id), stamp=True)


@learning.put("/support-products/<uuid:product_id>")
@writes
@learning.arguments(SupportProductChange)
@learning.response(200, SupportProductView)
def put_support_product(draft: Body, product_id: UUID) -> Body:
    """Replace what is said of a support product."""
    return _product(products.change_product(session(), current_actor(), product_id, draft, if_match), stamp=True)


@learning.post("/support-products/<uuid:product_id>/withdrawal")
@writes
@learning.response(200, SupportProductView)
def post_support_product_withdrawal(product_id: UUID) -> Body:
    """Take a support product off the list."""
    return _product(products.withdraw_product(session(), current_actor(), product_id), stamp=True)


@learning.put("/organisations/<uuid:organisation_id>/adviser-listing")
@writes
@learning.arguments(AdviserListingDraft)
@learning.response(200, AdviserListingView)
def put_adviser_listing(draft: Body, organisation_id: UUID) -> Listed:
    """Say what the organisation offers to groups, and which conflicts it has."""
    return _stamped(advisers.put_listing(session(), current_actor(), organisation_id, draft, if_match))


@learning.get("/organisations/<uuid:organisation_id>/adviser-listing")
@learning.response(200, AdviserListingView)
def get_adviser_listing(organisation_id: UUID) -> Listed:
    """Read one's own organisation's listing, shown in the directory or not."""
    return _stamped(advisers.own_listing(session(), current_actor(), organisation_id))


@learning.get("/advisers")
@open_to_all
@learning.arguments(AdviserQuery, location="query")
@learning.response(200, page_of(AdviserListingView))
def list_advisers(query: Body) -> Body:
    """List the verified organisations that offer advice to groups, with the conflicts that they declare."""
    rows = advisers.directory(session(), query, after_id(query), query["limit"])
    return paged(cut(rows, query["limit"], lambda row: [str(row.listing.id)]))


@learning.get("/proposals/<uuid:proposal_id>/advisers")
@learning.arguments(AdvisersForProposalQuery, location="query")
@learning.response(200, AdvisersForProposalView)
def list_proposal_advisers(query: Body, proposal_id: UUID) -> Body:
    """List advisers for one's own proposal, those without an interest in its employer or commissioners first."""
    return {"data": advisers.advisers_for(session(), current_actor(), proposal_id, query)}


@learning.get("/resources")
@open_to_all
@learning.arguments(ResourceQuery, location="query")
@learning.response(200, ResourcesView)
def list_resources(query: Body) -> Body:
    """List public resources that help at a stage."""
    return {"version": resources.VERSION, "data": resources.resources_for(query.get("stage"), query.get("topic"))}


def note_shown(seen: NoteSeen, *, stamp: bool = False) -> Body:
    """The note as its reader is shown it; what is the group's alone is left out for others."""
    if stamp:
        tagged(seen.note)
    members = ("note", "organisation", "proposal_id", "reasons")
    body = {name: getattr(seen, name) for name in members}
    private = {name: getattr(seen.note, name) for name in ("state", "embargo_until", "evidence_id")}
    return body | private if seen.own else body


def _notes(rows: list[NoteSeen], query: Body) -> Body:
    page = cut(rows, query["limit"], lambda row: [str(row.note.id)])
    return {**paged(page), "data": [note_shown(each) for each in page.items]}


def _product(seen: Seen, *, stamp: bool = False) -> Body:
    product, organisation = seen
    if stamp:
        tagged(product)
    names = ("id", "state", *products.CONTENT, "updated_at")
    return {name: getattr(product, name) for name in names} | {"organisation": organisation}


def _stamped(seen: Listed) -> Listed:
    tagged(seen.listing)
    return seen
