"""Shapes of reports, of the calculators of diffusion, and of scenarios and their comparison."""

import re
from typing import Any

from marshmallow import Schema, ValidationError, fields, pre_load, validate, validates_schema

from marketplace.insight.bass import MOST_PERIODS, Form
from marketplace.insight.rules import Months
from marketplace.insight.tables import Basis
from marketplace.reference import scenarios
from marketplace.values.money import Money
from marketplace.web.fields import (
    FIRST_YEAR,
    LAST_YEAR,
    Count,
    Draft,
    Id,
    MoneyView,
    Text,
    View,
    WordsField,
    described,
    money,
)
from marketplace.web.paging import PageQuery, QueryCount

LARGEST_MARKET = 10_000_000
MOST_POINTS = 60
WHOLE = 10_000
FORMATS = ("json", "csv", "svg")
FORMAT_WORDS = "json, csv or svg; without it the Accept header decides, and JSON where that says nothing."


class Number(fields.Float):
    """A finite JSON number (no strings, no true) within bounds."""

    def __init__(self, least: float, most: float, *, above: bool = False, **kwargs: Any) -> None:
        super().__init__(validate=validate.Range(min=least, max=most, min_inclusive=not above), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> float:
        if type(value) not in {int, float}:
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class QueryMonth(fields.Field[Months]):
    """A month in a query string, YYYY-MM."""

    def __init__(self, words: str, **kwargs: Any) -> None:
        pattern = r"^[0-9]{4}-(0[1-9]|1[0-2])$"
        super().__init__(metadata={"type": "string", "pattern": pattern, "description": words}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Months:
        if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", value, re.ASCII):
            raise ValidationError("Give a month, YYYY-MM.")
        year, month = (int(part) for part in value.split("-"))
        if not FIRST_YEAR <= year < LAST_YEAR:
            raise ValidationError(f"Give a year from {FIRST_YEAR} and before {LAST_YEAR}.")
        return Months(year, month)


class ReportQuery(Schema):
    """Which figures, and in which form."""

    basis = fields.Enum(
        Basis,
        by_value=True,
        load_default=Basis.LIVE,
        metadata={"description": "live: what happens here. historical: the public record from before."},
    )
    format = fields.String(validate=validate.OneOf(FORMATS), metadata={"description": FORMAT_WORDS})
    from_ = QueryMonth("`coverage` alone: the first of the twelve months, YYYY-MM.", data_key="from")
    market = QueryCount(
        validate=validate.Range(min=1, max=LARGEST_MARKET),
        metadata={"description": "`adoption` alone: the potential market, in mutuals."},
    )


class MarketReportMeasureView(View):
    """What a column holds."""

    name = fields.String(required=True)
    label = WordsField(500, required=True)
    unit = fields.String(required=True)


class FiguresField(fields.Field[Any]):
    """Values by measure: numbers, texts, money, bands, null."""

    def __init__(self, **kwargs: Any) -> None:
        value = {"anyOf": [{"type": ["number", "string", "boolean", "null"]}, {"type": "object"}]}
        words = (
            "By measure. A number; money as `amount` (minor units) and `currency`; a count of live figures as a band,"
            " `at_least` and `at_most`; null where it is held back (see `suppressed`) or there is nothing to tell."
        )
        super().__init__(metadata={"type": "object", "additionalProperties": value, "description": words}, **kwargs)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> dict[str, Any]:
        return {name: _on_the_wire(figure) for name, figure in value.items()}


class MarketReportRowView(View):
    """One row of a table."""

    key = fields.String(required=True)
    label = WordsField(500, required=True)
    values = FiguresField(required=True)
    suppressed = fields.List(
        fields.String(),
        required=True,
        metadata={
            "description": "Measures that are not told: small, or needed so that no small one can be worked out."
        },
    )


class MarketReportTableView(View):
    """One table: rows over the same measures; its total is of the first measure."""

    name = fields.String(required=True)
    label = WordsField(500, required=True)
    measures = fields.List(fields.Nested(MarketReportMeasureView), required=True)
    rows = fields.List(fields.Nested(MarketReportRowView), required=True)
    total = fields.Nested(MarketReportRowView, required=True, allow_none=True)


class MarketReportView(View):
    """A report on one basis. `chart` and `csv` are the same figures in other forms."""

    slug = fields.String(required=True)
    title = WordsField(500, required=True)
    description = WordsField(1000, required=True)
    basis = fields.Enum(Basis, by_value=True, required=True)
    as_of = fields.Date(required=True)
    counted = WordsField(1000, required=True)
    tables = fields.List(fields.Nested(MarketReportTableView), required=True)
    findings = fields.List(WordsField(1000), required=True)
    sources = fields.List(fields.String(), required=True)
    chart = fields.String(required=True)
    csv = fields.String(required=True)


class MarketReportCardView(View):
    """A report that there is."""

    slug = fields.String(required=True)
    title = WordsField(500, required=True)
    description = WordsField(1000, required=True)
    bases = fields.List(fields.String(), required=True)
    parameters = fields.List(fields.String(), required=True)
    url = fields.String(required=True)


class MarketReportsView(View):
    """Every report."""

    data = fields.List(fields.Nested(MarketReportCardView), required=True)


# Diffusion


def _market(**kwargs: Any) -> Number:
    return Number(0, LARGEST_MARKET, above=True, metadata={"description": "The potential market m."}, **kwargs)


class BassMembers(Schema):
    """The parameters of Bass's model."""

    form = fields.Enum(
        Form,
        by_value=True,
        required=True,
        metadata={"description": "Their figures differ: every answer names its own."},
    )
    market = _market(required=True)
    p = described(
        Number, "Outside influence a period: top-down push. Above 0, at most 1.", 0, 1, above=True, required=True
    )
    q = described(Number, "Imitation a period. 0 to 2.", 0, 2, required=True)


class BassCurveDraft(BassMembers, Draft):
    """A curve to compute."""

    periods = Count(1, MOST_PERIODS, required=True)


class BassPeriodView(View):
    """One period: who adopts in it, led from outside or by imitation, and who has by its end. Expected values."""

    number = fields.Integer(required=True)
    new = fields.Float(required=True)
    external = fields.Float(required=True)
    internal = fields.Float(required=True)
    cumulative = fields.Float(required=True)


class BassPeakView(View):
    """The peak of the continuous form: after how many periods, the rate a period, how many have adopted by then."""

    time = fields.Float(required=True)
    rate = fields.Float(required=True)
    level = fields.Float(required=True)


class BassCurveView(View):
    """A curve."""

    form = fields.Enum(Form, by_value=True, required=True)
    market = fields.Float(required=True)
    p = fields.Float(required=True)
    q = fields.Float(required=True)
    periods = fields.List(fields.Nested(BassPeriodView), required=True)
    peak = fields.Nested(BassPeakView, required=True)
    external_share = fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "The part of all adoptions that outside influence led."},
    )


class BassPointDraft(Draft):
    """So many had adopted so many periods after the start."""

    time = Number(0, 1000, required=True)
    count = Number(0, LARGEST_MARKET, required=True)


class BassFitDraft(Draft):
    """Points to fit the continuous form to; without a market its ceiling is fitted as well."""

    points = fields.List(fields.Nested(BassPointDraft), required=True, validate=validate.Length(min=2, max=MOST_POINTS))
    market = _market()


class BassFitView(View):
    """The best parameters in the sense of least squares, and the error."""

    form = fields.Enum(Form, by_value=True, required=True)
    market = fields.Float(required=True)
    market_fitted = fields.Boolean(required=True)
    p = fields.Float(required=True)
    q = fields.Float(required=True)
    rmse = fields.Float(required=True)
    points = fields.Integer(required=True)
    parameters_fitted = fields.Integer(required=True)
    peak = fields.Nested(BassPeakView, required=True)
    caution = WordsField(1000, required=True)


class AdopterCategoriesDraft(Draft):
    """How large the market is, and ranks to place in it."""

    adopters = Count(1, LARGEST_MARKET, required=True)
    ranks = fields.List(Count(1, LARGEST_MARKET), load_default=list, validate=validate.Length(max=200))


class AdopterCategoryView(View):
    """A category and how many fall into it; its last rank is its own."""

    category = fields.String(required=True)
    label = WordsField(200, required=True)
    count = fields.Integer(required=True)
    last_rank = fields.Integer(required=True)


class AdopterRankView(View):
    """The category of a rank."""

    rank = fields.Integer(required=True)
    category = fields.String(required=True)


class AdopterCategoriesView(View):
    """Rogers's categories of a market: definitions (2.5, 16, 50, 84, 100 per cent), no findings."""

    adopters = fields.Integer(required=True)
    categories = fields.List(fields.Nested(AdopterCategoryView), required=True)
    ranks = fields.List(fields.Nested(AdopterRankView), required=True)


class DiffusionQuery(Schema):
    """In which potential market."""

    market = QueryCount(
        validate=validate.Range(min=1, max=LARGEST_MARKET),
        metadata={"description": "The potential market, in mutuals; the ambition of 2012 without it."},
    )


class SeriesPointView(View):
    """So many mutuals by then."""

    on = fields.String(required=True)
    count = fields.Integer(required=True)
    note = fields.String(required=True)
    source = fields.String(required=True)


class SeriesFitView(View):
    """A fit to the series."""

    name = fields.String(required=True)
    origin = fields.Float(required=True, metadata={"description": "The start of time, as a year."})
    form = fields.Enum(Form, by_value=True, required=True)
    market = fields.Float(required=True)
    market_fitted = fields.Boolean(required=True)
    p = fields.Float(required=True)
    q = fields.Float(required=True)
    rmse = fields.Float(required=True)
    peak = fields.Nested(BassPeakView, required=True)
    years = fields.List(fields.Nested(BassPeriodView), required=True)


class MoverView(View):
    """A named mutual: its category by rank in the potential market, and how early it was in its sector and region.

    Its rank is among those named; whoever launched in the same year shares it.
    """

    slug = fields.String(required=True)
    name = fields.String(required=True)
    sector = fields.String(required=True)
    region = fields.String(required=True)
    launched = fields.String(required=True)
    launch_inferred = fields.Boolean(required=True)
    rank = fields.Integer(required=True)
    category = fields.String(required=True)
    mover_rank = fields.Integer(required=True)
    first_mover = fields.Boolean(required=True)


class DiffusionView(View):
    """The record's diffusion: series, fits, categories, first movers."""

    basis = fields.String(required=True)
    definition = fields.String(required=True)
    market = fields.Integer(required=True)
    market_given = fields.Boolean(required=True)
    market_note = fields.String(required=True)
    caution = WordsField(1000, required=True)
    series = fields.List(fields.Nested(SeriesPointView), required=True)
    fits = fields.List(fields.Nested(SeriesFitView), required=True)
    categories = fields.List(fields.Nested(AdopterCategoryView), required=True)
    present_category = fields.String(required=True)
    movers = fields.List(fields.Nested(MoverView), required=True)
    chart = fields.String(required=True)


# Scenarios


class ScenarioParametersDraft(BassMembers, Draft):
    """What a scenario assumes. Sums are for one launch and for one year; shares in basis points."""

    market = Number(1, LARGEST_MARKET, required=True, metadata={"description": "The potential market m, in mutuals."})
    start_year = Count(1990, 2100, required=True)
    years = Count(1, 50, required=True)
    already = Count(0, LARGEST_MARKET, load_default=0, metadata={"description": "Mutuals that run at the start."})
    seed_per_launch = money(required=True, metadata={"description": "Seed money that one launch takes."})
    seed_per_year = money(
        least=0, required=True, metadata={"description": "Seed money there is in a year; what is left lapses."}
    )
    unfunded_bp = Count(
        0,
        WHOLE,
        required=True,
        metadata={"description": "Of those without seed money, the share that launches anyway."},
    )
    contract_years = Count(1, 30, required=True, metadata={"description": "How long a contract lasts."})
    rewon_bp = Count(0, WHOLE, required=True, metadata={"description": "The share of contracts that is won again."})

    @validates_schema
    def fits(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("already", 0) > data.get("market", LARGEST_MARKET):
            raise ValidationError({"already": ["At most the market."]})
        per_launch, per_year = data.get("seed_per_launch"), data.get("seed_per_year")
        if per_launch and per_year and per_launch.currency != per_year.currency:
            raise ValidationError({"seed_per_year": ["Of the same currency as seed_per_launch."]})


class ScenarioParametersView(View):
    """What a scenario assumes."""

    form = fields.Enum(Form, by_value=True, required=True)
    market = fields.Float(required=True)
    p = fields.Float(required=True)
    q = fields.Float(required=True)
    start_year = fields.Integer(required=True)
    years = fields.Integer(required=True)
    already = fields.Integer(required=True)
    seed_per_launch = fields.Nested(MoneyView, required=True)
    seed_per_year = fields.Nested(MoneyView, required=True)
    unfunded_bp = fields.Integer(required=True)
    contract_years = fields.Integer(required=True)
    rewon_bp = fields.Integer(required=True)


class ScenarioPresetView(View):
    """A scenario that comes with the marketplace."""

    slug = fields.String(required=True)
    name = WordsField(200, required=True)
    description = WordsField(2000, required=True)
    parameters = fields.Nested(ScenarioParametersView, required=True)


class FigureSourceView(View):
    """Where a figure of the presets is from."""

    figure = fields.String(required=True)
    source = fields.String(required=True)


class ScenarioPresetsView(View):
    """Every preset."""

    version = fields.String(required=True)
    data = fields.List(fields.Nested(ScenarioPresetView), required=True)
    sources = fields.List(fields.Nested(FigureSourceView), required=True)


class ScenarioDraft(Draft):
    """A scenario to keep."""

    name = Text(120, required=True)
    parameters = fields.Nested(ScenarioParametersDraft, required=True)


class ScenarioView(View):
    """A scenario of an organisation; its members alone see it."""

    id = fields.UUID(required=True)
    organisation_id = fields.UUID(required=True)
    name = fields.String(required=True)
    parameters = fields.Nested(ScenarioParametersView, required=True)
    changed_at = fields.AwareDateTime(format="iso", required=True)


class ScenarioQuery(PageQuery):
    """Which part of the list."""


class SimulationSideDraft(Draft):
    """One side of a comparison: a preset, a scenario of one's own, or parameters; exactly one of them."""

    preset = fields.String(validate=validate.OneOf(tuple(scenarios.PRESETS)))
    scenario_id = Id()
    parameters = fields.Nested(ScenarioParametersDraft)

    @pre_load
    def one_of_them(self, data: Any, **_: Any) -> Any:
        if isinstance(data, dict) and sum(name in data for name in ("preset", "scenario_id", "parameters")) != 1:
            raise ValidationError("Give one of preset, scenario_id and parameters.")
        return data


class SimulationDraft(Draft):
    """Two scenarios to compare."""

    first = fields.Nested(SimulationSideDraft, required=True)
    second = fields.Nested(SimulationSideDraft, required=True)


class SimulationQuery(Schema):
    """In which form."""

    format = fields.String(
        validate=validate.OneOf(("json", "svg")), metadata={"description": "json or svg; without it Accept decides."}
    )


class SimulatedYearView(View):
    """One year: expected values, no forecasts."""

    year = fields.Integer(required=True)
    willing = fields.Float(required=True)
    launched = fields.Float(required=True)
    not_launched = fields.Float(required=True)
    running = fields.Float(required=True)
    ended = fields.Float(required=True)
    launched_so_far = fields.Float(required=True)
    seed_needed = fields.Nested(MoneyView, required=True)
    seed_available = fields.Nested(MoneyView, required=True)
    seed_used = fields.Nested(MoneyView, required=True)
    seed_short = fields.Nested(MoneyView, required=True)


class SimulationSumsView(View):
    """What a scenario comes to by its last year."""

    launched = fields.Float(required=True)
    running = fields.Float(required=True)
    ended = fields.Float(required=True)
    not_launched = fields.Float(required=True)
    seed_needed = fields.Nested(MoneyView, required=True)
    seed_used = fields.Nested(MoneyView, required=True)
    seed_short = fields.Nested(MoneyView, required=True)


class SimulationSideView(View):
    """One side of the comparison."""

    name = WordsField(200, required=True)
    parameters = fields.Nested(ScenarioParametersView, required=True)
    years = fields.List(fields.Nested(SimulatedYearView), required=True)
    sums = fields.Nested(SimulationSumsView, required=True)


class SimulationView(View):
    """Two scenarios side by side; `difference` is the second less the first, in the last year of the shorter."""

    first = fields.Nested(SimulationSideView, required=True)
    second = fields.Nested(SimulationSideView, required=True)
    compared_in = fields.Integer(required=True, allow_none=True)
    difference = fields.Dict(keys=fields.String(), values=fields.Float(), required=True)
    caution = WordsField(1000, required=True)


def _on_the_wire(figure: Any) -> Any:
    return {"amount": figure.amount, "currency": figure.currency} if isinstance(figure, Money) else figure
