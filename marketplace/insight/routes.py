"""Reports over HTTP as JSON, CSV and SVG, and diffusion for anyone: open to all, as seldom as checks where it costs."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from urllib.parse import urlencode

from flask import Response, current_app, request

from marketplace.checks.routes import NO_STORE, checked_seldom
from marketplace.insight import calculators, reports
from marketplace.insight.rules import NotForThisReport
from marketplace.insight.schemas import (
    AdopterCategoriesDraft,
    AdopterCategoriesView,
    BassCurveDraft,
    BassCurveView,
    BassFitDraft,
    BassFitView,
    DiffusionQuery,
    DiffusionView,
    MarketReportsView,
    MarketReportView,
    ReportQuery,
)
from marketplace.insight.tables import Basis, Report, Row, Table
from marketplace.store.base import read_one_snapshot, session
from marketplace.values.money import Money
from marketplace.web.conditional import tagged
from marketplace.web.csv import CSV, cell, decimal, written_line
from marketplace.web.guard import open_to_all
from marketplace.web.languages import wanted_languages
from marketplace.web.openapi import MarketBlueprint, also_answers
from marketplace.web.parsing import body_at_most

SVG = "image/svg+xml"
LARGEST_REQUEST = 64 * 1024
CACHED = "public, max-age=300"
SVG_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
"""A drawing that is opened by itself has its colours in style attributes; nothing is loaded, nothing runs."""
CSV_COLUMNS = (
    *("report", "basis", "as_of", "table", "row", "label", "measure", "unit"),
    *("value", "at_least", "at_most", "suppressed"),
)


@dataclass(slots=True)
class _Stamp:
    """A report as a thing with a version: what it tells beyond that is in the digest of the ETag."""

    id: str
    version: str


insight = MarketBlueprint("insight", __name__, description="What the market looks like: reports, charts, diffusion")


@insight.get("/market/reports")
@open_to_all
@insight.response(200, MarketReportsView)
def list_market_reports() -> Any:
    """List the reports that there are."""
    cards = [
        {
            "slug": kind.slug,
            "title": kind.title,
            "description": kind.description,
            "bases": [basis.value for basis in Basis],
            "parameters": sorted(kind.takes),
            "url": f"/v1/market/reports/{kind.slug}",
        }
        for kind in reports.KINDS.values()
    ]
    return {"data": cards}, 200, {"Cache-Control": CACHED}


@insight.get("/market/reports/<string:slug>")
@open_to_all
@insight.arguments(ReportQuery, location="query")
@insight.response(200, MarketReportView)
@also_answers(CSV, SVG)
def get_market_report(query: dict[str, Any], slug: str) -> Any:
    """Read a report as JSON, as CSV or as a chart (SVG), as Accept or `format` says.

    Live figures are bands of five over what everyone may see; small ones, and what they could be subtracted from, are
    held back. Drafts, and proposals that are shared with some, change none.
    """
    report = _report(query, slug)
    form = query.get("format") or _accepted()
    if form == "csv":
        return _cached(
            Response("".join(_lines(report)), content_type=f"{CSV}; charset=utf-8; header=present"), slug, "csv"
        )
    if form == "svg":
        drawn = charts().report_svg(report, _table_url(report, query))
        answer = Response(drawn, content_type=f"{SVG}; charset=utf-8")
        answer.headers["Content-Security-Policy"] = SVG_POLICY
        return _cached(answer, slug, "svg")
    tagged(_Stamp(f"{report.slug}.{report.basis.value}", report.as_of.isoformat()))
    told = {name: getattr(report, name) for name in Report.__dataclass_fields__ if name != "figures"}
    links = {"chart": _url(slug, query, "svg"), "csv": _url(slug, query, "csv")}
    return {**told, **links}, 200, {"Cache-Control": CACHED}


@insight.get("/market/diffusion")
@open_to_all
@insight.arguments(DiffusionQuery, location="query")
@insight.response(200, DiffusionView)
def get_diffusion(query: dict[str, Any]) -> Any:
    """Read how mutuals spread in England by the public record: series, Bass's model, categories, first movers."""
    return calculators.diffusion_of_the_record(query.get("market")), 200, {"Cache-Control": CACHED}


@insight.post("/bass-curves")
@open_to_all
@checked_seldom
@body_at_most(LARGEST_REQUEST)
@insight.arguments(BassCurveDraft)
@insight.response(200, BassCurveView)
def post_bass_curve(draft: dict[str, Any]) -> Any:
    """Compute a curve of Bass's model in the form asked for, without an account; nothing is kept."""
    return calculators.curve_of(draft), 200, NO_STORE


@insight.post("/bass-fits")
@open_to_all
@checked_seldom
@body_at_most(LARGEST_REQUEST)
@insight.arguments(BassFitDraft)
@insight.response(200, BassFitView)
def post_bass_fit(draft: dict[str, Any]) -> Any:
    """Fit Bass's model to counts, in a market that is given or with its ceiling fitted; nothing is kept."""
    return calculators.fit_of(draft), 200, NO_STORE


@insight.post("/adopter-categories")
@open_to_all
@checked_seldom
@body_at_most(LARGEST_REQUEST)
@insight.arguments(AdopterCategoriesDraft)
@insight.response(200, AdopterCategoriesView)
def post_adopter_categories(draft: dict[str, Any]) -> Any:
    """Divide a market into Rogers's categories, and place ranks in them; nothing is kept."""
    return calculators.categories_of(draft), 200, NO_STORE


def _report(query: dict[str, Any], slug: str) -> Report:
    kind = reports.kind_of(slug)
    for name, member in (("from", "from_"), ("market", "market")):
        if member in query and name not in kind.takes:
            raise NotForThisReport("Leave it out: this report knows no such parameter.", parameter=name)
    if "market" in query and query["basis"] is not Basis.HISTORICAL:
        raise NotForThisReport("It belongs to basis=historical.", parameter="market")
    current = session()
    read_one_snapshot(current)
    made = reports.make_report(current, slug, reports.Asked(query["basis"], query.get("from_"), query.get("market")))
    current.rollback()  # no transaction is open while something is drawn
    return made


def _accepted() -> str:
    best = request.accept_mimetypes.best_match(["application/json", CSV, SVG])
    return {CSV: "csv", SVG: "svg"}.get(best or "", "json")


def charts() -> Any:
    """`charts`, loaded when the first one is drawn: matplotlib is large."""
    return import_module("marketplace.insight.charts")


def _cached(answer: Response, slug: str, form: str) -> Response:
    answer.headers["Cache-Control"] = CACHED
    answer.headers["Content-Disposition"] = f'inline; filename="{slug}.{form}"'
    answer.set_etag(hashlib.sha256(answer.get_data()).hexdigest()[:32])
    return answer


def _url(slug: str, query: dict[str, Any], form: str) -> str:
    asked = {"basis": query["basis"].value}
    if "from_" in query:
        asked["from"] = f"{query['from_'].year}-{query['from_'].month:02}"
    if "market" in query:
        asked["market"] = str(query["market"])
    return f"/v1/market/reports/{slug}?{urlencode({**asked, 'format': form})}"


def _table_url(report: Report, query: dict[str, Any]) -> str:
    public_url: str = current_app.extensions["marketplace_settings"].public_url
    return public_url.rstrip("/") + _url(report.slug, query, "csv")


def _lines(report: Report) -> Iterator[str]:
    """The report as a tidy table: one line for each row and measure."""
    yield written_line(CSV_COLUMNS)
    for table in report.tables:
        for row in (*table.rows, *((table.total,) if table.total else ())):
            yield from _lines_of(report, table, row)


def _lines_of(report: Report, table: Table, row: Row) -> Iterator[str]:
    for measure in table.measures:
        if measure.name not in row.values:
            continue
        value = row.values[measure.name]
        least, most = (value["at_least"], value["at_most"]) if isinstance(value, dict) else (None, None)
        shown = None if isinstance(value, dict) else decimal(value) if isinstance(value, Money) else value
        label = row.label
        told = (report.slug, report.basis.value, report.as_of, table.name, row.key, label, measure.name, measure.unit)
        held = measure.name in row.suppressed
        yield written_line([cell(each, wanted_languages()) for each in (*told, shown, least, most, held)])
