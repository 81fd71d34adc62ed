"""`flask report-charts`: a page with the chart of every market report, drawn by the code that serves them."""

from pathlib import Path

import click
from flask.cli import with_appcontext

from marketplace.insight import reports, scenarios
from marketplace.insight.routes import charts
from marketplace.insight.rules import Months
from marketplace.insight.tables import Basis, Report
from marketplace.store.base import session
from marketplace.values.actor import ANONYMOUS

SHOWN_FROM = Months(2012, 4)
"""The first of the twelve months that the page's coverage shows: the record's busiest year."""
FOREWORD = """\
# What the market looks like

Written by `flask report-charts` on a database with the demonstration's cases (`make demo`). Each chart is what
`/v1/market/reports/{slug}?basis=historical&format=svg` answers: the public record, each figure with its source in the
JSON report beside it. Live reports look alike, in bands of five, with what is small hatched (ADR 31).
"""


@click.command("report-charts")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path("docs"))
@with_appcontext
def report_charts(folder: Path) -> None:
    """Write market.md with the charts of every report, and of the two presets compared, into FOLDER (docs)."""
    drawing, drawn = charts(), folder / "charts"
    drawn.mkdir(parents=True, exist_ok=True)
    page = [FOREWORD]
    made = [_made(kind) for kind in reports.KINDS.values()]
    presets = {"first": {"preset": "dream"}, "second": {"preset": "nightmare"}}
    compared = scenarios.compare(session(), ANONYMOUS, presets)
    session().rollback()  # no transaction is open while something is drawn
    for report, table in made:
        (drawn / f"{report.slug}.svg").write_bytes(drawing.report_svg(report, table))
        page.append(_section(report, table))
    (drawn / "scenarios.svg").write_bytes(drawing.simulation_svg(compared))
    page.append("\n## Two scenarios\n\n![The dream and the nightmare, year by year](charts/scenarios.svg)\n")
    page.append(f"\n{compared['caution']['en']} `POST /v1/simulations` compares any two.\n")
    (folder / "market.md").write_text("".join(page), encoding="utf-8")
    click.echo(f"Wrote {folder / 'market.md'} and {len(reports.KINDS) + 1} charts.")


def _made(kind: reports.Kind) -> tuple[Report, str]:
    months = SHOWN_FROM if "from" in kind.takes else None
    report = reports.make_report(session(), kind.slug, reports.Asked(Basis.HISTORICAL, months))
    asked = "" if months is None else f"&from={months.year}-{months.month:02}"
    return report, f"/v1/market/reports/{kind.slug}?basis=historical{asked}&format=csv"


def _section(report: Report, table: str) -> str:
    title, description = report.title["en"], report.description["en"]
    findings = "".join(f"\n- {finding['en']}" for finding in report.findings)
    listed = f"\n{findings}\n" if findings else ""
    return f"\n## {title}\n\n{description}\n\n![{title}](charts/{report.slug}.svg)\n{listed}\nAs a table: `{table}`\n"
