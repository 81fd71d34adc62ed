"""A chart for each report, drawn from the very figures that its table tells; and one for two scenarios compared.

Honest: bars begin at zero, a band is drawn as one, what is not told is hatched, and the source stands below. A chart's
description says in words what a person would see. Loads matplotlib: imported when something is drawn, not before.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from marketplace.insight import diffusion
from marketplace.insight.bass import Form, course, cumulative_at
from marketplace.insight.drawing import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    HATCH,
    ORANGE,
    PALE_BLUE,
    RULE,
    SKY,
    SMALL_SIZE,
    TEXT_SIZE,
    VERMILION,
    Bar,
    Sheet,
    drawn,
    horizontal_bars,
    key_of,
    light_grid,
    matrix,
    sheet,
    whole_years,
)
from marketplace.insight.tables import Basis, Measure, Report, Row, Table
from marketplace.reference import historical
from marketplace.values.money import Money

KEPT = 64
"""Charts kept drawn: the same figures are not drawn twice."""
MILLION, THOUSAND = 1_000_000, 1_000
_KEPT: OrderedDict[str, bytes] = OrderedDict()
_LOCK = Lock()
Draw = Callable[[Report, Sequence[str]], Sheet]


def report_svg(report: Report, table: str) -> bytes:
    """The report's chart as SVG; `table` is the address of the same figures as CSV."""
    key = hashlib.sha256(f"{report!r}{table}".encode()).hexdigest()
    with _LOCK:
        if key in _KEPT:
            _KEPT.move_to_end(key)
            return _KEPT[key]
    made = drawn(lambda: _sheet_of(report, table))
    with _LOCK:
        _KEPT[key] = made
        while len(_KEPT) > KEPT:
            _KEPT.popitem(last=False)
    return made


def report_png(report: Report, table: str) -> bytes:
    """The same as PNG, for looking at."""
    return drawn(lambda: _sheet_of(report, table), png=True)


def simulation_svg(compared: Mapping[str, Any]) -> bytes:
    """Two scenarios side by side as SVG."""
    return drawn(lambda: _simulation(compared))


def simulation_png(compared: Mapping[str, Any]) -> bytes:
    """The same as PNG, for looking at."""
    return drawn(lambda: _simulation(compared), png=True)


def _sheet_of(report: Report, table: str) -> Sheet:
    return DRAWN[report.slug](report, _notes(report, table))


def _notes(report: Report, table: str) -> list[str]:
    live = report.basis is Basis.LIVE
    notes = [f"Counted: {report.counted['en']}"]
    if live and any(row.suppressed for each in report.tables for row in each.rows):
        notes.append("Hatched: not told, because it or a neighbour is below five.")
    hosts = list(dict.fromkeys(urlsplit(source).netloc.removeprefix("www.").rstrip(".") for source in report.sources))
    if hosts:
        more = f" and {len(hosts) - 6} more" if len(hosts) > 6 else ""
        notes.append(f"Sources: {', '.join(hosts[:6])}{more}; each figure's own is in the JSON report.")
    elif live:
        notes.append(f"Source: this marketplace, {report.as_of:%-d %B %Y}.")
    notes.append(f"The same figures as a table: {table}")
    return notes


def _subtitle(report: Report) -> str:
    label = "Live figures" if report.basis is Basis.LIVE else "Historical: the public record"
    return f"{label}. {report.description['en']}"


def _opened(report: Report, notes: Sequence[str], body: float, words: Sequence[str]) -> Sheet:
    description = " ".join((_subtitle(report), *words, *(finding["en"] for finding in report.findings)))
    findings = [finding["en"] for finding in report.findings]
    return sheet(report.title["en"], _subtitle(report), [*findings, *notes], body, description)


def _table(report: Report, name: str) -> Table:
    return next(each for each in report.tables if each.name == name)


def _said(table: Table, measure: str, unit: str) -> str:
    """A table in a sentence, for who hears the chart."""
    told = [f"{row.label['en']} {_text(row, measure)}" for row in table.rows if _shown(row, measure)]
    return f"{table.label['en']} ({unit}): {'; '.join(told) or 'none'}."


def _shown(row: Row, measure: str) -> bool:
    return measure in row.suppressed or row.values.get(measure) not in (0, None)


def _text(row: Row, measure: str) -> str:
    value = row.values.get(measure)
    if measure in row.suppressed:
        return "not told"
    if value is None:
        return "none"
    if isinstance(value, Mapping):
        return _band(value)
    return pounds(value) if isinstance(value, Money) else str(value)


def _band(value: Mapping[str, int]) -> str:
    if "fewer_than" in value:
        return f"under {value['fewer_than']}"
    return f"{value['at_least']} to {value['at_most']}"


def pounds(value: Money) -> str:
    """A sum in a few signs: £652k, £1.2m."""
    whole = value.amount / 100
    sign = "£" if value.currency == "GBP" else f"{value.currency} "
    if whole >= MILLION:
        return f"{sign}{whole / MILLION:.1f}m".replace(".0m", "m")
    return f"{sign}{whole / THOUSAND:.0f}k" if whole >= THOUSAND else f"{sign}{whole:.0f}"


def _ends(value: Any) -> tuple[float, float]:
    """How much it is at least and at most."""
    if value is None:
        return 0.0, 0.0
    if isinstance(value, Mapping):
        return float(value.get("at_least", 0)), float(value.get("at_most", value.get("fewer_than", 1) - 1))
    number = float(value.amount if isinstance(value, Money) else value)
    return number, number


def _bars(table: Table, measure: str, *, beside: str | None = None, every: bool = False) -> list[Bar]:
    """The rows as bars; rows of nothing are left out of the record, and stand in live figures unless none is told."""
    bars = []
    for row in table.rows:
        if not every and not _shown(row, measure):
            continue
        least, most = _ends(row.values.get(measure))
        label = _text(row, measure)
        if beside is not None and row.values.get(beside) is not None:
            label += f"  ·  {_text(row, beside)}"
        bars.append(Bar(row.label["en"], least, most, label, measure in row.suppressed))
    return bars or [Bar("None", 0, 0, "nothing to tell")]


def _height(bars: Sequence[Bar]) -> float:
    return 0.30 + 0.235 * len(bars)


def _seed_gap(report: Report, notes: Sequence[str]) -> Sheet:
    names = ("stage", "region", "sector")
    every = report.basis is Basis.LIVE
    bars = {name: _bars(_table(report, name), "count", beside="sought", every=every) for name in names}
    left, right = _height(bars["stage"]) + _height(bars["region"]) + 0.25, _height(bars["sector"])
    body = max(left, right)
    made = _opened(report, notes, body, [_said(_table(report, name), "count", "asks") for name in names])
    horizontal_bars(
        made.panel(0.205, 0.50, 1 - _height(bars["stage"]) / body + 0.25 / body, 1 - 0.05 / body),
        bars["stage"],
        heading="By stage: asks, and what is sought",
    )
    low = max(0.0, 1 - (left / body))
    horizontal_bars(
        made.panel(0.205, 0.50, low, low + (_height(bars["region"]) - 0.25) / body),
        bars["region"],
        heading="By region",
        colour=GREEN,
    )
    horizontal_bars(
        made.panel(0.70, 0.985, 1 - right / body, 1 - 0.05 / body),
        bars["sector"],
        heading="By sector",
        colour=BLUE,
    )
    return made


def _coverage(report: Report, notes: Sequence[str]) -> Sheet:
    sector, stage = _table(report, "sector"), _table(report, "stage")
    months = [measure.label["en"] for measure in sector.measures]
    rows = len(sector.rows) + len(stage.rows)
    body = 0.235 * rows + 1.1
    made = _opened(report, notes, body, [_no_cover(sector), _no_cover(stage)])
    split = (0.235 * len(stage.rows)) / body
    for table, (over, to) in ((stage, (0.0, split)), (sector, (split + 0.62 / body, 1 - 0.36 / body))):
        cells = [
            [(float(row.values[each.name]), str(row.values[each.name])) for each in table.measures]
            for row in table.rows
        ]
        axes = made.panel(0.29, 0.985, over, to)
        matrix(
            axes,
            [row.label["en"] for row in table.rows],
            [month.replace(" ", "\n") for month in months],
            cells,
            heading=table.label["en"] + " (0: a hole)",
            empty_is_hole=True,
        )
    return made


def _no_cover(table: Table) -> str:
    never = [row.label["en"] for row in table.rows if not any(row.values[each.name] for each in table.measures)]
    return f"{table.label['en']}: without any in these months: {', '.join(never) or 'none'}."


def _funnel(report: Report, notes: Sequence[str]) -> Sheet:
    if report.basis is Basis.HISTORICAL:
        table = report.tables[0]
        words = [
            f"{row.label['en']}: {row.values['to']} of {row.values['from']} ({row.values['steps']})."
            for row in table.rows
        ]
        made = _opened(report, notes, 0.72 * len(table.rows), words)
        axes = made.panel(0.02, 0.985)
        longest = max(row.values["from"] for row in table.rows)
        for place, row in enumerate(table.rows):
            whole, part = row.values["from"], row.values["to"]
            axes.barh(place, whole, color=PALE_BLUE, height=0.40, linewidth=0)
            axes.barh(place, part, color=BLUE, height=0.40, linewidth=0)
            axes.text(0, place - 0.27, row.label["en"], fontsize=TEXT_SIZE, color=BLACK, va="bottom")
            axes.text(part / 2, place, f"{part}", color="white", fontsize=TEXT_SIZE, ha="center", va="center")
            first, last = row.values["steps"].split("; ")
            words_ = f"{whole} {first.lower()}, {part} {last}: {row.values['share'] / 100:.1f}%"
            axes.text(whole + longest * 0.01, place, words_, fontsize=SMALL_SIZE + 0.6, va="center", color=BLACK)
        axes.set_ylim(len(table.rows) - 0.6, -0.75)
        axes.set_xlim(0, longest * 1.85)
        axes.set_xticks([])
        axes.set_yticks([])
        return made
    table = report.tables[0]
    bars = []
    for row in table.rows:
        least, most = _ends(row.values["count"])
        label = _text(row, "count")
        if row.values.get("went_on") is not None:
            label += f", of them {_text(row, 'went_on')} went on"
        if row.values.get("days") is not None:
            label += f"; stayed {row.values['days']} days (median)"
        inner = _ends(row.values["went_on"])[0] if row.values.get("went_on") is not None else None
        bars.append(Bar(row.label["en"], least, most, label, "count" in row.suppressed, inner))
    made = _opened(report, notes, _height(bars), [_said(table, "count", "proposals")])
    horizontal_bars(made.panel(0.19, 0.985, 0, 0.92), bars, heading="Came to the stage, and went on from it (dark)")
    return made


INITIATION_COLOURS = (BLUE, ORANGE, GREEN, RULE)


def _bottom_up(report: Report, notes: Sequence[str]) -> Sheet:
    table = report.tables[0]
    if report.basis is Basis.LIVE:
        return _crossed(report, notes, table)
    categories = table.measures[1:]
    said = [_in_year(row, categories) for row in table.rows if row.values["count"]]
    made = _opened(report, notes, 2.6, said)
    axes = made.panel(0.06, 0.80, 0.06, 0.95)
    for place, row in enumerate(table.rows):
        under = 0
        for colour, category in zip(INITIATION_COLOURS, categories, strict=True):
            number = row.values[category.name]
            if number:
                axes.bar(place, number, bottom=under, color=colour, width=0.72, edgecolor="white", linewidth=1)
                ink = BLACK if colour in {RULE, ORANGE} else "white"
                axes.text(
                    place, under + number / 2, str(number), ha="center", va="center", fontsize=SMALL_SIZE, color=ink
                )
            under += number
    axes.set_xticks(range(len(table.rows)), [row.label["en"] for row in table.rows])
    axes.set_yticks([])
    axes.axhline(0, color=BLACK, linewidth=0.9)
    axes.set_title("Asks in the year", loc="left", fontsize=TEXT_SIZE, fontweight="bold")
    entries = [(each.label["en"], colour, None) for colour, each in zip(INITIATION_COLOURS, categories, strict=True)]
    key_of(axes, entries[::-1], "upper left", bbox_to_anchor=(1.01, 1.0))
    return made


def _in_year(row: Row, categories: Sequence[Measure]) -> str:
    each = [f"{name.label['en'].lower()} {row.values[name.name]}" for name in categories if row.values[name.name]]
    return f"{row.label['en']}: {', '.join(each)}."


def _crossed(report: Report, notes: Sequence[str], *tables: Table) -> Sheet:
    """Tables of two dimensions as shaded cells, one below the other."""
    heights = [0.27 * max(1, len(table.rows)) + 0.80 for table in tables]
    said = [_said(table, "count", table.measures[0].unit) for table in tables]
    body = sum(heights)
    made = _opened(report, notes, body, said)
    top = body
    for table, height in zip(tables, heights, strict=True):
        none = Row("none", {"en": "None with five or more"}, dict.fromkeys(m.name for m in table.measures))
        rows = table.rows or (none,)
        axes = made.panel(0.29, 0.985, (top - height) / body, (top - 0.65) / body)
        matrix(
            axes,
            [row.label["en"] for row in rows],
            [each.label["en"] for each in table.measures],
            [[_cell(row, each.name) for each in table.measures] for row in rows],
            heading=table.label["en"],
        )
        top -= height
    return made


def _cell(row: Row, measure: str) -> tuple[float | None, str]:
    if measure in row.suppressed or row.values.get(measure) is None:
        return None, ""
    return _ends(row.values[measure])[0], _text(row, measure)


LAST_YEAR, FIRST_YEAR = 2026, 2009


def _adoption(report: Report, notes: Sequence[str]) -> Sheet:
    if report.basis is Basis.LIVE:
        table = report.tables[0]
        bars = _bars(table, "count", every=True)
        made = _opened(report, notes, _height(bars), [_said(table, "count", "mutuals")])
        horizontal_bars(made.panel(0.12, 0.985, 0, 0.92), bars, heading="Launched in the year")
        return made
    told: diffusion.Told = report.figures["diffusion"]
    ceiling, potential = told.fits["ceiling"], told.fits["potential"]
    words = [f"{point.count} mutuals by {point.on}." for point in historical.ADOPTION_POINTS] + [
        f"The fitted ceiling is {ceiling.fit.model.market:.0f}, its peak in {ceiling.origin + ceiling.peak.time:.1f}."
    ]
    made = _opened(report, notes, 4.9, words)
    axes = made.panel(0.055, 0.835, 0.45, 0.97)
    times = [FIRST_YEAR + step / 10 for step in range((LAST_YEAR - FIRST_YEAR) * 10 + 1)]
    for fitted, colour, style in ((ceiling, BLUE, "-"), (potential, VERMILION, (0, (5, 2)))):
        curve = [cumulative_at(fitted.fit.model, time - fitted.origin) for time in times]
        axes.plot(times, curve, color=colour, linewidth=1.8, linestyle=style)
        name = "ceiling fitted" if fitted.fit.market_fitted else "market given"
        model = fitted.fit.model
        text = f"{name}: m {model.market:,.0f}\np {model.p:.3f}, q {model.q:.2f}\nerror {fitted.fit.rmse:.1f}"
        height = curve[-1] - (4 if fitted.fit.market_fitted else -2)
        axes.text(
            LAST_YEAR + 0.15,
            height,
            text,
            color=colour,
            fontsize=SMALL_SIZE,
            va="top" if fitted.fit.market_fitted else "bottom",
        )
    for place, point in enumerate(historical.ADOPTION_POINTS):
        at = historical.moment_of(point.on)
        axes.plot([at], [point.count], "o", color=BLACK, markersize=5.5, zorder=5)
        axes.annotate(
            f"{point.count}",
            (at, point.count),
            xytext=(-6, 5) if 0 < place < len(historical.ADOPTION_POINTS) - 1 else (4, -12),
            textcoords="offset points",
            ha="right" if 0 < place < len(historical.ADOPTION_POINTS) - 1 else "left",
            fontsize=SMALL_SIZE + 0.6,
            color=BLACK,
        )
    top = max(cumulative_at(potential.fit.model, LAST_YEAR - potential.origin), ceiling.fit.model.market) * 1.12
    axes.set_ylim(0, top)
    axes.set_xlim(FIRST_YEAR, LAST_YEAR)
    axes.set_xticks(range(2010, LAST_YEAR + 1, 2))
    light_grid(axes)
    axes.axhline(0, color=BLACK, linewidth=0.9)
    axes.set_title(
        "Mutuals in England: counted (dots) and Bass's model fitted to them",
        loc="left",
        fontsize=TEXT_SIZE,
        fontweight="bold",
    )
    below = made.panel(0.055, 0.835, 0.06, 0.30)
    periods = course(ceiling.fit.model, Form.CONTINUOUS, LAST_YEAR - FIRST_YEAR)
    years = [FIRST_YEAR + period.number - 0.5 for period in periods]
    below.bar(years, [each.external for each in periods], color=ORANGE, width=0.8, linewidth=0)
    below.bar(
        years,
        [each.internal for each in periods],
        bottom=[each.external for each in periods],
        color=SKY,
        width=0.8,
        linewidth=0,
    )
    for at, period in zip(years, periods, strict=True):
        if period.new >= 1:
            below.text(
                at, period.new + 0.4, f"{period.new:.0f}", ha="center", va="bottom", fontsize=SMALL_SIZE, color=GREY
            )
    below.set_xlim(FIRST_YEAR, LAST_YEAR)
    below.set_ylim(0, max(each.new for each in periods) * 1.2)
    below.set_xticks(range(2010, LAST_YEAR + 1, 2))
    below.set_yticks([])
    below.axhline(0, color=BLACK, linewidth=0.9)
    below.set_title("New in each year by the fitted ceiling", loc="left", fontsize=TEXT_SIZE, fontweight="bold")
    key_of(below, [("by imitation (q)", SKY, None), ("from outside (p)", ORANGE, None)], "upper right")
    return made


def _survival(report: Report, notes: Sequence[str]) -> Sheet:
    table = _table(report, "fate")
    said = _said(table, "count", "mutuals")
    if report.basis is Basis.LIVE:
        bars = _bars(table, "count", every=True)
        made = _opened(report, notes, _height(bars), [said])
        horizontal_bars(made.panel(0.27, 0.985, 0, 0.92), bars, heading="What became of them")
        return made
    lives = _table(report, "lives")
    body = 0.30 * len(lives.rows) + 0.72
    made = _opened(report, notes, body, [said, _lives(lives)])
    axes = made.panel(0.265, 0.97, 0.30 / body, 1.0 - 0.42 / body)
    for place, row in enumerate(lives.rows):
        _life(axes, place, row)
    axes.set_yticks(range(len(lives.rows)), [row.label["en"] for row in lives.rows])
    axes.set_ylim(len(lives.rows) - 0.5, -0.6)
    axes.set_xlim(2005.5, LAST_YEAR + 0.05)
    axes.set_xticks(range(2006, LAST_YEAR + 1, 2))
    light_grid(axes, "x")
    entries = [("no end read of", PALE_BLUE, None), ("contract re-won", GREEN, None)]
    entries += [("returned in-house", VERMILION, None)]
    key_of(axes, entries, "lower left", bbox_to_anchor=(-0.012, 0.995), ncols=3, columnspacing=1.4)
    inferred = "open dot: year of launch inferred"
    axes.text(1, 1.015, inferred, fontsize=SMALL_SIZE, color=GREY, ha="right", va="bottom", transform=axes.transAxes)
    return made


def _life(axes: Any, place: int, row: Row) -> None:
    """From the launch to the end that was read of, or to now, pale, where none was."""
    start, ended = historical.moment_of(row.values["launched"]), row.values["outcome_on"]
    back, rewon = (row.values["outcome"].startswith(word) for word in (("Returned", "Wound"), "Contract"))
    end = historical.moment_of(ended) if back and ended else float(LAST_YEAR)
    colour = GREEN if rewon else VERMILION if back else PALE_BLUE
    axes.barh(place, end - start, left=start, color=colour, height=0.42, linewidth=0)
    edge = BLUE if colour == PALE_BLUE else colour
    axes.plot(
        [start], [place], "o", markersize=6, markeredgecolor=edge, color="white" if row.values["inferred"] else edge
    )
    if ended:
        at = historical.moment_of(ended)
        axes.plot([at], [place], "D", color=BLACK, markersize=4.5)
        words, beside = (f"back in-house {ended[:4]}", -0.25) if back else (f"re-won {ended[:4]}", 0.25)
        side = "right" if back else "left"
        axes.text(at + beside, place, words, fontsize=SMALL_SIZE, va="center_baseline", ha=side, color="white")


def _lives(table: Table) -> str:
    each = [
        f"{row.label['en']}, launched {row.values['launched']}: {row.values['outcome'].lower()}" for row in table.rows
    ]
    return "; ".join(each) + "."


def _fairness(report: Report, notes: Sequence[str]) -> Sheet:
    if report.basis is Basis.HISTORICAL:
        table = _table(report, "award")
        counts, sums = _bars(table, "count", every=True), _bars(table, "amount", every=True)
        lost = _table(report, "lost").rows[0]
        surety = f"surety demanded {pounds(lost.values['surety'])}"
        words = f"{lost.label['en']}, {lost.values['on']}: {surety}. {lost.values['note']}."
        made = _opened(report, [words, *notes], _height(counts) + 0.1, [_said(table, "count", "awards"), words])
        horizontal_bars(made.panel(0.17, 0.56, 0, 0.88), counts, heading="Published awards by size: how many")
        right = made.panel(0.60, 0.985, 0, 0.88)
        horizontal_bars(right, sums, heading="... and how much together", colour=GREEN)
        right.set_yticklabels([])
        return made
    names = (("size", "promised"), ("age", "promised"), ("parent", "agreed"))
    panels = []
    for name, part in names:
        table = _table(report, name)
        bars = []
        for row in table.rows:
            least, most = _ends(row.values["count"])
            label = _text(row, "count")
            if row.values.get(part) is not None:
                label += f", of them {_text(row, part)}"
            inner = _ends(row.values[part])[0] if row.values.get(part) is not None else None
            bars.append(Bar(row.label["en"], least, most, label, "count" in row.suppressed, inner))
        panels.append((table, bars))
    body = sum(_height(bars) for _, bars in panels) + 0.3 * len(panels)
    made = _opened(report, notes, body, [_said(table, "count", "proposals") for table, _ in panels])
    to = 1.0
    for table, bars in panels:
        tall = _height(bars) / body
        counted, within = (each.label["en"].lower() for each in table.measures[:2])
        heading = f"{table.label['en']}: {counted}; {within} (dark)"
        horizontal_bars(made.panel(0.36, 0.985, to - tall, to - 0.07 / body), bars, heading=heading)
        to -= tall + 0.3 / body
    return made


PHASE_COLOURS = (PALE_BLUE, BLUE, GREEN)


def _cohorts(report: Report, notes: Sequence[str]) -> Sheet:
    table = _table(report, "sector")
    if report.basis is Basis.LIVE:
        return _crossed(report, notes, table)
    names = {each.name: each.label["en"].lower() for each in table.measures} | {"before_launch": "launch not found"}
    return _stacked(report, notes, table, PHASE_COLOURS, names, heading="Groups of the record by sector")


ORIGIN_COLOURS = (RULE, PALE_BLUE, GREEN, VERMILION, ORANGE)


def _origins(report: Report, notes: Sequence[str]) -> Sheet:
    if report.basis is Basis.LIVE:
        return _crossed(report, notes, *report.tables)
    table = report.tables[0]
    names = {each.name: each.label["en"].lower() for each in table.measures}
    names |= {"before_launch": "launch not found", "running": "no end read of"}
    return _stacked(report, notes, table, ORIGIN_COLOURS, names, heading="Groups of the record")


def _stacked(
    report: Report,
    notes: Sequence[str],
    table: Table,
    colours: Sequence[str],
    names: Mapping[str, str],
    *,
    heading: str,
) -> Sheet:
    """A table of two dimensions of the record as one bar a row, a piece for each category."""
    rows = [row for row in table.rows if row.values["count"]]
    categories = table.measures[1:]
    body = 0.30 * len(rows) + 0.65
    made = _opened(report, notes, body, [_said(table, "count", "groups")])
    axes = made.panel(0.29, 0.985, 0.28 / body, 1 - 0.32 / body)
    for place, row in enumerate(rows):
        left = 0
        for colour, category in zip(colours, categories, strict=True):
            number = row.values[category.name]
            if number:
                axes.barh(place, number, left=left, color=colour, height=0.62, edgecolor="white", linewidth=1)
                ink = BLACK if colour in {PALE_BLUE, RULE, ORANGE} else "white"
                axes.text(
                    left + number / 2, place, str(number), ha="center", va="center", fontsize=SMALL_SIZE, color=ink
                )
            left += number
    axes.set_yticks(range(len(rows)), [row.label["en"] for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xticks([])
    axes.axvline(0, color=BLACK, linewidth=0.9)
    there = {each.name for row in rows for each in categories if row.values[each.name]}
    kept = [(names[each.name], colour, None) for colour, each in zip(colours, categories, strict=True)]
    entries = [entry for entry, each in zip(kept, categories, strict=True) if each.name in there]
    key_of(axes, entries, "upper left", bbox_to_anchor=(-0.012, 0.0), ncols=len(entries), columnspacing=1.4)
    axes.set_title(heading, loc="left", fontsize=TEXT_SIZE, fontweight="bold")
    return made


def _outcomes(report: Report, notes: Sequence[str]) -> Sheet:
    live = report.basis is Basis.LIVE
    table = report.tables[0]
    rows = table.rows
    body = 0.42 * len(rows) + (0.65 if not live else 0.5)
    said = [f"{row.label['en']}: {_text(row, 'count')}, median {_text(row, 'median')}." for row in rows]
    made = _opened(report, notes, body if live else body + 0.5, said)
    axes = made.panel(0.27, 0.97, 0.12, 0.93)
    axes.set_xscale("log")
    for place, row in enumerate(rows):
        if "count" in row.suppressed or row.values.get("median") is None:
            axes.text(
                0.01,
                place,
                "not told" if row.suppressed else "none",
                transform=axes.get_yaxis_transform(),
                fontsize=SMALL_SIZE,
                color=GREY,
                va="center",
            )
            continue
        low, middle, high = (row.values[name].amount / 100 for name in ("lower_quartile", "median", "upper_quartile"))
        axes.barh(place, high - low, left=low, color=PALE_BLUE, height=0.36, linewidth=0)
        axes.plot([middle, middle], [place - 0.24, place + 0.24], color=BLUE, linewidth=2.4)
        axes.text(
            middle,
            place - 0.29,
            f"median {pounds(row.values['median'])}",
            fontsize=SMALL_SIZE,
            ha="center",
            va="bottom",
            color=BLUE,
        )
    if not live:
        funds = {row.key: place for place, row in enumerate(rows)}
        for each in _table(report, "awards").rows:
            axes.plot(
                [each.values["amount"].amount / 100],
                [funds[each.values["fund"]]],
                "o",
                color=BLACK,
                alpha=0.75,
                markersize=4.5,
            )
    axes.set_yticks(range(len(rows)), [f"{row.label['en']}  ({_text(row, 'count')})" for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.75)
    ticks = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000)
    axes.set_xlim(2_000, 5_000_000 if live else 400_000)
    axes.set_xticks(
        [each for each in ticks if 2_000 <= each <= axes.get_xlim()[1]],
        [pounds(Money(each * 100, "GBP")) for each in ticks if 2_000 <= each <= axes.get_xlim()[1]],
    )
    axes.minorticks_off()
    light_grid(axes, "x")
    what = "Asked" if live else "Awarded (each dot one award)"
    axes.set_title(
        f"{what}: middle half shaded; logarithmic scale (no zero)",
        loc="left",
        fontsize=TEXT_SIZE,
        fontweight="bold",
    )
    return made


SIDES = (("first", BLUE), ("second", VERMILION))


def _simulation(compared: Mapping[str, Any]) -> Sheet:
    names = {side: _name(compared[side]["name"]) for side, _ in SIDES}
    said = [_comes_to(names[side], compared[side]) for side, _ in SIDES]
    assumptions = [f"{names[side]}: {_assumed(compared[side]['parameters'])}" for side, _ in SIDES]
    title = (
        f"{names['first']}  |  {names['second']}"
        if len(names["first"]) + len(names["second"]) < 70
        else "Two scenarios compared"
    )
    made = sheet(
        title, " ".join(said), [*assumptions, _name(compared["caution"])], 4.6, " ".join([*said, *assumptions])
    )
    upper = made.panel(0.075, 0.80, 0.45, 0.96)
    ends: list[tuple[float, str, str]] = []
    for side, colour in SIDES:
        years = compared[side]["years"]
        at = [each.year for each in years]
        upper.plot(at, [each.launched_so_far for each in years], color=colour, linewidth=2)
        upper.plot(at, [each.running for each in years], color=colour, linewidth=1.6, linestyle=(0, (4, 2)))
        ends.append((years[-1].launched_so_far, f"launched {years[-1].launched_so_far:,.0f}", colour))
        ends.append((years[-1].running, f"running {years[-1].running:,.0f}", colour))
    last = max(compared[side]["years"][-1].year for side, _ in SIDES)
    first = min(compared[side]["years"][0].year for side, _ in SIDES)
    top = (
        max(
            [height for height, *_ in ends]
            + [each.launched_so_far for side, _ in SIDES for each in compared[side]["years"]]
            + [1.0]
        )
        * 1.08
    )
    placed = -top
    for height, text, colour in sorted(ends):
        placed = max(height, placed + top * 0.075)
        upper.text(
            last + (last - first) * 0.012 + 0.05, placed, text, color=colour, fontsize=SMALL_SIZE + 0.6, va="center"
        )
    upper.set_ylim(0, top)
    upper.set_xlim(first, max(last, first + 1))
    light_grid(upper)
    upper.axhline(0, color=BLACK, linewidth=0.9)
    whole_years(upper)
    upper.set_title(
        "Mutuals launched so far (solid) and running (dashed)", loc="left", fontsize=TEXT_SIZE, fontweight="bold"
    )
    largest = max([each.seed_needed.amount for side, _ in SIDES for each in compared[side]["years"]] + [1]) / 100
    for place, (side, colour) in enumerate(SIDES):
        axes = made.panel(0.075 + place * 0.47, 0.51 + place * 0.47, 0.05, 0.30)
        years = compared[side]["years"]
        at = [each.year for each in years]
        axes.bar(
            at,
            [each.seed_needed.amount / 100 for each in years],
            color="white",
            edgecolor=colour,
            hatch=HATCH,
            linewidth=0.7,
            width=0.8,
        )
        axes.bar(at, [each.seed_used.amount / 100 for each in years], color=colour, width=0.8, linewidth=0)
        axes.set_ylim(0, largest * 1.15)
        ticks = [largest * part for part in (0.5, 1.0)]
        axes.set_yticks(ticks, [pounds(Money(round(each * 100), years[0].seed_needed.currency)) for each in ticks])
        axes.tick_params(axis="y", labelleft=place == 0)
        whole_years(axes)
        axes.axhline(0, color=BLACK, linewidth=0.9)
        axes.set_title(
            f"Seed money a year: {names[side]}", loc="left", fontsize=SMALL_SIZE + 0.6, fontweight="bold", color=colour
        )
    made.figure.text(
        0.985,
        made.bottom + (made.top - made.bottom) * 0.365,
        "filled: paid; hatched: needed and not there",
        fontsize=SMALL_SIZE,
        color=GREY,
        ha="right",
    )
    return made


def _comes_to(name: str, side: Mapping[str, Any]) -> str:
    sums, last = side["sums"], side["years"][-1].year
    return (
        f"{name}: {side['years'][-1].launched_so_far:,.0f} launched by {last}, {sums['running']:,.0f} running,"
        f" {pounds(sums['seed_used'])} of seed money used."
    )


def _name(words: Mapping[str, str]) -> str:
    return words.get("en") or next(iter(words.values()))


def _assumed(parameters: Any) -> str:
    return (
        f"Bass's {parameters.form.value} form, m {parameters.market:,.0f}, p {parameters.p:g}, q {parameters.q:g};"
        f" {pounds(parameters.seed_per_launch)} for a launch, {pounds(parameters.seed_per_year)} a year there;"
        f" {parameters.unfunded_bp / 100:g}% launch unfunded; {parameters.rewon_bp / 100:g}% of contracts re-won after"
        f" {parameters.contract_years} years."
    )


DRAWN: dict[str, Draw] = {
    "seed_gap": _seed_gap,
    "coverage": _coverage,
    "funnel": _funnel,
    "bottom_up": _bottom_up,
    "adoption": _adoption,
    "survival": _survival,
    "origins": _origins,
    "fairness": _fairness,
    "cohorts": _cohorts,
    "outcomes": _outcomes,
}
