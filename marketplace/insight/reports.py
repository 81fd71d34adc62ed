"""The reports: what each counts and is called. Figures of here come from `counting`, the record's from its data.

Knows no chart and no HTTP. Every report is a few statements; nothing of one proposal leaves `counting`.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import quantiles
from typing import Any

from sqlalchemy.orm import Session

from marketplace.insight import counting, diffusion
from marketplace.insight.counting import NOT_TOLD
from marketplace.insight.rules import Months, NoSuchReport
from marketplace.insight.suppression import total_hidden
from marketplace.insight.tables import (
    COUNT,
    Basis,
    Measure,
    Report,
    Row,
    Table,
    counted_table,
    share_bp,
    split_table,
)
from marketplace.reference import codelists, historical
from marketplace.values.clock import today
from marketplace.values.money import Money
from marketplace.values.words import Words

POUNDS = "GBP"
PUBLIC: Words = {
    "en": "Published proposals that everyone may see, as they stand now. Drafts and proposals shared with some change"
    " no figure. Figures are bands of five; a cell below five is not told, nor are its neighbours, so that nothing can"
    " be subtracted."
}
RECORD: Words = {
    "en": "Cases of the public record from before this marketplace, each with its source; nothing that happens here"
}
UNSAID: Words = {"en": "Not told openly"}
QUARTERS = (
    ("lower_quartile", {"en": "Lower quartile"}),
    ("median", {"en": "Median"}),
    ("upper_quartile", {"en": "Upper quartile"}),
)
PHASES: dict[str, Words] = {
    "before_launch": {"en": "Before launch"},
    "launched": {"en": "Launched"},
    "renewed": {"en": "In renewal or sustained"},
}
FATES: dict[str, Words] = {
    "running": {"en": "Running on the first contract"},
    "rewon": {"en": "Contract re-won, or sustained"},
    "returned_in_house": {"en": "Returned in-house"},
    "wound_up": {"en": "Wound up"},
}


@dataclass(frozen=True, slots=True)
class Asked:
    """How a report is asked for: the basis, and for those that have them the months and the potential market."""

    basis: Basis
    months: Months | None = None
    market: int | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A report that there is: its names, and what makes it. `takes` names the parameters that mean something to it."""

    slug: str
    title: Words
    description: Words
    make: Callable[["Kind", Session, Asked], Report]
    takes: frozenset[str] = frozenset()

    def report(
        self,
        asked: Asked,
        tables: Sequence[Table],
        *,
        sources: Sequence[str] = (),
        findings: Sequence[Words] = (),
        counted: Words | None = None,
        figures: Mapping[str, Any] | None = None,
    ) -> Report:
        """The report of this kind with those tables."""
        told = counted or (PUBLIC if asked.basis is Basis.LIVE else RECORD)
        return Report(
            slug=self.slug,
            title=self.title,
            description=self.description,
            basis=asked.basis,
            as_of=today(),
            counted=told,
            tables=tuple(tables),
            sources=tuple(dict.fromkeys(sources)),
            findings=tuple(findings),
            figures=figures or {},
        )


def make_report(session: Session, slug: str, asked: Asked) -> Report:
    """The report of that name; NoSuchReport."""
    kind = kind_of(slug)
    return kind.make(kind, session, asked)


def kind_of(slug: str) -> Kind:
    """The kind of that name; NoSuchReport."""
    if slug not in KINDS:
        raise NoSuchReport("There is no report of that name: see the list of reports.")
    return KINDS[slug]


def _seed_gap(kind: Kind, session: Session, asked: Asked) -> Report:
    live = asked.basis is Basis.LIVE
    found = counting.open_asks_while_employed(session) if live else _record_of_asks()
    measures = (
        Measure("count", {"en": "Asks"}, "asks"),
        Measure("sought", {"en": "Still sought"} if live else {"en": "Sought, where a sum was published"}, POUNDS),
    )
    keys = {
        "stage": {slug: words for slug, words in labels("stages").items() if slug in counting.EMPLOYED},
        "sector": {**labels("service_sectors"), NOT_TOLD: UNSAID},
        "region": {**labels("regions"), NOT_TOLD: UNSAID},
    }
    names: dict[str, Words] = {
        "stage": {"en": "By stage"},
        "sector": {"en": "By sector"},
        "region": {"en": "By region"},
    }
    tables = []
    for name, by in keys.items():
        figures = {
            key: {"count": row["count"], "sought": None if row["sought"] is None else Money(row["sought"], POUNDS)}
            for key, row in found[name].items()
        }
        tables.append(counted_table(name, names[name], measures, by, figures, asked.basis))
    sources = [] if live else [source for each in _asked_while_employed() for source in each.sources]
    return kind.report(asked, tables, sources=sources)


def _asked_while_employed() -> list[historical.Mutual]:
    return [each for each in historical.MUTUALS if each.stage in counting.EMPLOYED]


def _record_of_asks() -> dict[str, counting.Figures]:
    found: dict[str, counting.Figures] = {"stage": {}, "sector": {}, "region": {}}
    for each in _asked_while_employed():
        for name, rows in found.items():
            row = rows.setdefault(getattr(each, name), {"count": 0, "sought": None})
            row["count"] += 1
            if each.amount is not None:
                row["sought"] = (row["sought"] or 0) + each.amount
    return found


def _coverage(kind: Kind, session: Session, asked: Asked) -> Report:
    months = asked.months or Months(today().year, today().month)
    days = months.days()
    windows = counting.programme_windows(session, days[0][0], days[-1][1], historical=asked.basis is Basis.HISTORICAL)
    sectors = labels("service_sectors")
    stages = {slug: words for slug, words in labels("stages").items() if codelists.entry("stages", slug)["order"] < 90}
    open_to: Counter[tuple[str, str, int]] = Counter()
    by_sector: Counter[tuple[str, int]] = Counter()
    by_stage: Counter[tuple[str, int]] = Counter()
    for window in windows:
        within = [at for at, month in enumerate(days) if _overlaps(window, month)]
        stage_slugs = [slug for slug in window.stages if slug in stages]
        for at in within:
            by_sector.update({(sector, at): window.number for sector in window.sectors})
            by_stage.update({(stage, at): window.number for stage in stage_slugs})
            for stage in stage_slugs:
                open_to.update({(sector, stage, at): window.number for sector in window.sectors})
    measures = tuple(Measure(f"{first:%Y-%m}", {"en": f"{first:%b %Y}"}, "programmes") for first, _ in days)
    tables = [
        _calendar("sector", {"en": "Open programmes by sector and month"}, sectors, measures, by_sector),
        _calendar("stage", {"en": "Open programmes by stage and month"}, stages, measures, by_stage),
    ]
    holes = [
        (sector, stage, [at for at in range(len(days)) if not open_to[(sector, stage, at)]])
        for sector in sectors
        for stage in stages
    ]
    hole_rows = tuple(
        Row(
            f"{sector}.{stage}",
            {"en": f"{sectors[sector]['en']}: {stages[stage]['en']}"},
            {"months": len(empty), "first": f"{days[empty[0]][0]:%Y-%m}", "last": f"{days[empty[-1]][0]:%Y-%m}"},
        )
        for sector, stage, empty in holes
        if empty
    )
    named = (
        Measure("months", {"en": "Months without an open programme"}, "months"),
        Measure("first", {"en": "First such month"}, "month"),
        Measure("last", {"en": "Last such month"}, "month"),
    )
    tables.append(Table("holes", {"en": "Holes: sector and stage with no open programme"}, named, hole_rows))
    whole = sum(len(empty) == len(days) for *_, empty in holes)
    finding: Words = {
        "en": f"{whole} of {len(holes)} pairs of sector and stage have no open programme in any of the"
        f" {len(days)} months; {sum(bool(empty) for *_, empty in holes)} have none in at least one."
    }
    counted: Words = {
        "en": "Published programmes for groups, by their windows, stages and criteria: one counts for a sector unless"
        " its criteria rule the sector out by itself. Paused programmes and wholesale vehicles are left out."
        + (" Historical examples only." if asked.basis is Basis.HISTORICAL else "")
    }
    return kind.report(asked, tables, findings=[finding], counted=counted)


def _overlaps(window: counting.Window, month: tuple[date, date]) -> bool:
    first, last = month
    return (window.opens_on is None or window.opens_on <= last) and (
        window.closes_on is None or window.closes_on >= first
    )


def _calendar(
    name: str, label: Words, keys: Mapping[str, Words], measures: tuple[Measure, ...], found: Counter[tuple[str, int]]
) -> Table:
    rows = tuple(
        Row(key, words, {measure.name: found[(key, at)] for at, measure in enumerate(measures)})
        for key, words in keys.items()
    )
    return Table(name, label, measures, rows)


def _funnel(kind: Kind, session: Session, asked: Asked) -> Report:
    if asked.basis is Basis.HISTORICAL:
        return kind.report(asked, [_record_of_funnels()], sources=[each["source"] for each in historical.FUNNELS])
    measures = (
        Measure("count", {"en": "Ever came to the stage"}, "proposals"),
        Measure("went_on", {"en": "Went on from it"}, "proposals"),
        Measure("days", {"en": "Median stay of those that left"}, "days"),
        Measure("days_so_far", {"en": "Median wait of those still there"}, "days"),
    )
    stages = {slug: words for slug, words in labels("stages").items() if codelists.entry("stages", slug)["order"] < 90}
    figures = counting.stays(session)
    table = counted_table(
        "stage", {"en": "By stage"}, measures, stages, figures, asked.basis, parts=("went_on",), with_total=False
    )
    return kind.report(asked, [table])


def _record_of_funnels() -> Table:
    measures = (
        Measure("from", {"en": "From"}, "groups"),
        Measure("to", {"en": "To"}, "groups"),
        Measure("share", {"en": "Share"}, "basis_points"),
        Measure("steps", {"en": "What was counted"}, "text"),
    )
    rows = []
    for each in historical.FUNNELS:
        first, last = each["steps"][0], each["steps"][-1]
        values = {
            "from": first["count"],
            "to": last["count"],
            "share": share_bp(last["count"], first["count"]),
            "steps": f"{first['label']}; {last['label'].lower()}",
        }
        rows.append(Row(each["slug"], {"en": each["label"]}, values))
    return Table("programme", {"en": "By programme"}, measures, tuple(rows))


def _bottom_up(kind: Kind, session: Session, asked: Asked) -> Report:
    categories = {**labels("initiation"), NOT_TOLD: UNSAID}
    sources: list[str] = []
    if asked.basis is Basis.LIVE:
        found = counting.initiations(session)
        years = [str(year) for year in range(min([int(each) for each in found] or [today().year]), today().year + 1)]
    else:
        found = {}
        for each in historical.MUTUALS:
            row = found.setdefault(each.asked_on[:4], {})
            row[each.initiation or NOT_TOLD] = row.get(each.initiation or NOT_TOLD, 0) + 1
            sources += each.sources
        years = [str(year) for year in range(int(min(found)), int(max(found)) + 1)]
    table = split_table(
        "year",
        {"en": "By year of first publication" if asked.basis is Basis.LIVE else "By year of the ask"},
        "proposals",
        {year: {"en": year} for year in years},
        categories,
        found,
        asked.basis,
    )
    return kind.report(asked, [table], sources=sources)


def _adoption(kind: Kind, session: Session, asked: Asked) -> Report:
    if asked.basis is Basis.LIVE:
        found = counting.launches(session)
        first = min([int(each) for each in found] or [today().year])
        years = {str(year): {"en": str(year)} for year in range(first, today().year + 1)}
        measures = (Measure("count", {"en": "Launched in the year"}, "mutuals"),)
        figures = {year: {"count": number} for year, number in found.items()}
        return kind.report(
            asked, [counted_table("year", {"en": "Launches by year"}, measures, years, figures, asked.basis)]
        )
    told = diffusion.of_the_record(asked.market)
    points = tuple(
        Row(point.on, {"en": point.on}, {"count": point.count, "note": point.note})
        for point in historical.ADOPTION_POINTS
    )
    series = Table(
        "series",
        {"en": "Mutuals in England"},
        (Measure("count", {"en": "Mutuals"}, "mutuals"), Measure("note", {"en": "Note"}, "text")),
        points,
    )
    return kind.report(
        asked,
        [series, _fits(told), _rogers(told), _movers(told)],
        sources=[*(point.source for point in historical.ADOPTION_POINTS), *historical.POTENTIAL["sources"]],
        findings=[{"en": CEILING}, {"en": historical.POTENTIAL["note"]}],
        counted={"en": historical.ADOPTION_DEFINITION},
        figures={"diffusion": told},
    )


CEILING = (
    "A ceiling that is fitted to the series measures the programme that was run, not the market that there could be:"
    " set the potential market yourself. Six points fix the ceiling well, and p and q poorly."
)


def _fits(told: diffusion.Told) -> Table:
    measures = (
        Measure("market", {"en": "Market m"}, "mutuals"),
        Measure("p", {"en": "p, from outside"}, "per_year"),
        Measure("q", {"en": "q, by imitation"}, "per_year"),
        Measure("rmse", {"en": "Error (root mean square)"}, "mutuals"),
        Measure("peak", {"en": "Peak of launches"}, "year"),
        Measure("peak_rate", {"en": "Launches a year at the peak"}, "mutuals"),
        Measure("peak_level", {"en": "Mutuals at the peak"}, "mutuals"),
    )
    names: dict[str, Words] = {
        "potential": {"en": "With the potential market given"},
        "ceiling": {"en": "With the ceiling fitted (measures the programme)"},
    }
    rows = tuple(
        Row(
            name,
            names[name],
            {
                "market": round(fitted.fit.model.market, 2),
                "p": round(fitted.fit.model.p, 4),
                "q": round(fitted.fit.model.q, 4),
                "rmse": round(fitted.fit.rmse, 2),
                "peak": round(fitted.origin + fitted.peak.time, 2),
                "peak_rate": round(fitted.peak.rate, 2),
                "peak_level": round(fitted.peak.level, 2),
            },
        )
        for name, fitted in told.fits.items()
    )
    return Table("fit", {"en": "Bass's model fitted (continuous form, start of 2009)"}, measures, rows)


def _rogers(told: diffusion.Told) -> Table:
    measures = (
        Measure("count", {"en": "Of the potential market"}, "mutuals"),
        Measure("reached", {"en": "Reached by the latest count"}, "mutuals"),
    )
    names = labels("adopter_categories")
    rows, left = [], told.latest
    for category, number in told.categories.items():
        reached = min(left, number)
        left -= reached
        rows.append(Row(category.value, names[category.value], {"count": number, "reached": reached}))
    return Table("categories", {"en": "Rogers's categories by rank"}, measures, tuple(rows))


def _movers(told: diffusion.Told) -> Table:
    measures = (
        Measure("launched", {"en": "Launched"}, "date"),
        Measure("rank", {"en": "Rank among those named here"}, "rank"),
        Measure("mover_rank", {"en": "Rank in its sector and region"}, "rank"),
        Measure("sector", {"en": "Sector"}, "service_sectors"),
        Measure("region", {"en": "Region"}, "regions"),
    )
    rows = tuple(
        Row(
            each.slug,
            {"en": each.name},
            {
                "launched": each.launched,
                "rank": told.ranks[each.slug].rank,
                "mover_rank": told.ranks[each.slug].mover_rank,
                "sector": each.sector,
                "region": each.region,
            },
        )
        for each in sorted(diffusion.LAUNCHED, key=lambda each: (told.ranks[each.slug].rank, each.slug))
    )
    return Table("movers", {"en": "First movers among the mutuals named here"}, measures, rows)


def _survival(kind: Kind, session: Session, asked: Asked) -> Report:
    measures = (Measure("count", {"en": "Mutuals"}, "mutuals"),)
    if asked.basis is Basis.LIVE:
        counted: Words = {
            "en": f"{PUBLIC['en']} Those that ended count where they were public when they ended, by their end alone."
        }
        table = counted_table(
            "fate", {"en": "What became of them"}, measures, FATES, counting.fates(session), asked.basis
        )
        return kind.report(asked, [table], counted=counted)
    became = Counter(each.outcome for each in diffusion.LAUNCHED)
    figures = {fate: {"count": number} for fate, number in became.items() if fate}
    table = counted_table("fate", {"en": "What became of them"}, measures, FATES, figures, asked.basis)
    lives = Table(
        "lives",
        {"en": "Each of them, as far as was read"},
        (
            Measure("launched", {"en": "Launched"}, "date"),
            Measure("outcome", {"en": "What became of it"}, "text"),
            Measure("outcome_on", {"en": "When"}, "date"),
            Measure("inferred", {"en": "Year of launch inferred"}, "flag"),
            Measure("note", {"en": "Note"}, "text"),
        ),
        tuple(
            Row(
                each.slug,
                {"en": each.name},
                {
                    "launched": each.launched,
                    "outcome": FATES[each.outcome or "running"]["en"],
                    "outcome_on": each.outcome_on,
                    "inferred": each.launch_inferred,
                    "note": each.note,
                },
            )
            for each in sorted(
                diffusion.LAUNCHED, key=lambda each: (historical.moment_of(each.launched or ""), each.slug)
            )
        ),
    )
    sources = [source for each in diffusion.LAUNCHED for source in each.sources]
    finding: Words = {
        "en": "Running means that no end was read of, not that there was none. Twelve named mutuals are no sample of"
        " the 115: who is written about is who did well or failed in public."
    }
    return kind.report(asked, [table, lives], sources=sources, findings=[finding])


def _origins(kind: Kind, session: Session, asked: Asked) -> Report:
    became = {"before_launch": PHASES["before_launch"], **FATES}
    threat: dict[str, Words] = {
        "true": {"en": "Under threat of cuts"},
        "false": {"en": "Not under threat of cuts"},
        NOT_TOLD: {"en": "Not told"},
    }
    by_threat: Words = {"en": "By whether cuts threatened the service"}
    if asked.basis is Basis.HISTORICAL:
        found: dict[str, dict[str, int]] = {}
        for each in historical.MUTUALS:
            row = found.setdefault(NOT_TOLD if each.cuts_threat is None else str(each.cuts_threat).lower(), {})
            fate = each.outcome or "before_launch"
            row[fate] = row.get(fate, 0) + 1
        table = split_table("cuts_threat", by_threat, "groups", threat, became, found, asked.basis)
        sources = [source for each in historical.MUTUALS for source in each.sources]
        return kind.report(asked, [table], sources=sources, findings=[THREAT_FINDING])
    duty = {**labels("statutory_duties"), NOT_TOLD: UNSAID}
    by_duty: Words = {"en": "By whether the authority must provide the service by law"}
    counted: Words = {
        "en": f"{PUBLIC['en']} Those that ended count where they were public when they ended. Whether cuts threatened"
        " is counted for every one of them: groups are told so where they answer."
    }
    tables = [
        split_table(
            "cuts_threat", by_threat, "proposals", threat, became, counting.fates_by_cuts_threat(session), asked.basis
        ),
        split_table(
            "statutory_duty",
            by_duty,
            "proposals",
            duty,
            became,
            counting.fates_by_statutory_duty(session),
            asked.basis,
        ),
    ]
    return kind.report(asked, tables, counted=counted)


THREAT_FINDING: Words = {
    "en": "A threat of cuts is noted where a source tells of one. Most sources say nothing of it, which is not a no; so"
    " few groups show no difference between those that began under a threat and the others."
}


def _fairness(kind: Kind, session: Session, asked: Asked) -> Report:
    if asked.basis is Basis.HISTORICAL:
        return _record_of_fairness(kind, asked)
    measures = (
        Measure("count", {"en": "Asked"}, "proposals"),
        Measure("promised", {"en": "Have money promised"}, "proposals"),
    )
    sizes: dict[str, Words] = {
        "small": {"en": f"Fewer than {counting.SMALL_STAFF} staff"},
        "larger": {"en": f"{counting.SMALL_STAFF} staff or more"},
        NOT_TOLD: UNSAID,
    }
    ages: dict[str, Words] = {
        "new": {"en": f"Not incorporated, or trading under {counting.NEW_YEARS} years"},
        "established": {"en": f"Trading {counting.NEW_YEARS} years or more"},
        NOT_TOLD: UNSAID,
    }
    found = counting.promises(session)
    parents = {**labels("parent_kinds"), NOT_TOLD: UNSAID}
    agreed = (
        Measure("count", {"en": "Employer answered"}, "proposals"),
        Measure("agreed", {"en": "Did not refuse"}, "proposals"),
    )
    tables = [
        counted_table("size", {"en": "By size"}, measures, sizes, found["size"], asked.basis, parts=("promised",)),
        counted_table("age", {"en": "By age"}, measures, ages, found["age"], asked.basis, parts=("promised",)),
        counted_table(
            "parent",
            {"en": "By kind of parent"},
            agreed,
            parents,
            counting.consents_by_parent_kind(session),
            asked.basis,
            parts=("agreed",),
        ),
    ]
    bids = (Measure("count", {"en": "Bids"}, "bids"),)
    row: dict[str, Words] = {"surety": {"en": "Lost for want of a surety"}}
    lost = {"surety": {"count": counting.lost_on_surety(session)}}
    tables.append(counted_table("lost", {"en": "Bids lost"}, bids, row, lost, asked.basis, with_total=False))
    return kind.report(asked, tables)


SIZES: tuple[tuple[str, Words, int], ...] = (
    ("under_10k", {"en": "Under £10,000"}, 1_000_000),
    ("under_25k", {"en": "£10,000 to £24,999"}, 2_500_000),
    ("under_50k", {"en": "£25,000 to £49,999"}, 5_000_000),
    ("under_100k", {"en": "£50,000 to £99,999"}, 10_000_000),
    ("from_100k", {"en": "£100,000 and more"}, 10**15 + 1),
)


def _record_of_fairness(kind: Kind, asked: Asked) -> Report:
    measures = (Measure("count", {"en": "Awards"}, "awards"), Measure("amount", {"en": "Together"}, POUNDS))
    found: counting.Figures = {}
    for award in historical.AWARDS:
        size = next(slug for slug, _, below in SIZES if award.amount < below)
        row = found.setdefault(size, {"count": 0, "amount": Money(0, POUNDS)})
        row["count"] += 1
        row["amount"] = row["amount"].plus(Money(award.amount, POUNDS))
    awards = counted_table(
        "award", {"en": "Awards by size"}, measures, {slug: words for slug, words, _ in SIZES}, found, asked.basis
    )
    lost = Table(
        "lost",
        {"en": "Bids lost for want of a surety"},
        (
            Measure("on", {"en": "Year"}, "date"),
            Measure("surety", {"en": "Surety demanded"}, POUNDS),
            Measure("note", {"en": "Note"}, "text"),
        ),
        tuple(
            Row(
                each["slug"],
                {"en": each["name"]},
                {"on": each["on"], "surety": Money(each["surety"], each["currency"]), "note": each["note"]},
            )
            for each in historical.LOST_BIDS
        ),
    )
    sources = [*(award.source for award in historical.AWARDS), *(each["source"] for each in historical.LOST_BIDS)]
    return kind.report(asked, [awards, lost], sources=sources)


def _cohorts(kind: Kind, session: Session, asked: Asked) -> Report:
    sectors = {**labels("service_sectors"), NOT_TOLD: UNSAID}
    name: Words = {"en": "By sector"}
    if asked.basis is Basis.HISTORICAL:
        cells: dict[str, dict[str, int]] = {}
        for each in historical.MUTUALS:
            phase = "before_launch" if each.launched is None else "renewed" if each.outcome == "rewon" else "launched"
            row = cells.setdefault(each.sector, {})
            row[phase] = row.get(phase, 0) + 1
        sources = [source for each in historical.MUTUALS for source in each.sources]
        return kind.report(
            asked, [split_table("sector", name, "groups", sectors, PHASES, cells, asked.basis)], sources=sources
        )
    by_sector = split_table(
        "sector", name, "proposals", sectors, PHASES, counting.phases_by_sector(session), asked.basis
    )
    titles, by_programme = counting.phases_by_programme(session)
    programmes = split_table(
        "programme",
        {"en": "By programme that promised them money (five or more)"},
        "proposals",
        titles,
        PHASES,
        by_programme,
        asked.basis,
    )
    return kind.report(asked, [by_sector, programmes])


def _outcomes(kind: Kind, session: Session, asked: Asked) -> Report:
    money = tuple(Measure(name, words, POUNDS) for name, words in QUARTERS)
    if asked.basis is Basis.HISTORICAL:
        rows: list[Row] = []
        each_award: list[Row] = []
        for fund, label in (("seif", "Social Enterprise Investment Fund"), ("msp", "Mutuals Support Programme")):
            amounts = sorted(award.amount for award in historical.AWARDS if award.fund == fund)
            told = [Money(round(value), POUNDS) for value in quantiles(amounts, n=4, method="inclusive")]
            values = {"count": len(amounts), **dict(zip((name for name, _ in QUARTERS), told, strict=True))}
            rows.append(Row(fund, {"en": label}, values))
        for award in historical.AWARDS:
            each_award.append(
                Row(
                    f"{award.fund}-{len(each_award) + 1}",
                    {"en": award.recipient},
                    {"fund": award.fund, "amount": Money(award.amount, POUNDS), "awarded_in": award.awarded_in},
                )
            )
        measures = (Measure("count", {"en": "Awards"}, "awards"), *money)
        detail = (
            Measure("fund", {"en": "Fund"}, "text"),
            Measure("amount", {"en": "Award"}, POUNDS),
            Measure("awarded_in", {"en": "When"}, "date"),
        )
        tables = [
            Table("fund", {"en": "Awards by fund"}, measures, tuple(rows)),
            Table("awards", {"en": "Each award"}, detail, tuple(each_award)),
        ]
        return kind.report(asked, tables, sources=[award.source for award in historical.AWARDS])
    stages = {slug: words for slug, words in labels("stages").items() if codelists.entry("stages", slug)["order"] < 90}
    days = tuple(Measure(name, words, "days") for name, words in QUARTERS)
    launch = counting.days_to_launch(session)
    tables = [
        counted_table(
            "stage",
            {"en": "What is asked, by stage"},
            (COUNT, *money),
            stages,
            counting.asked_by_stage(session),
            asked.basis,
        ),
        counted_table(
            "launch",
            {"en": "Days from publication to launch"},
            (COUNT, *days),
            {"launch": {"en": "To launch"}},
            {} if total_hidden({"launch": launch["count"]}) else {"launch": launch},
            asked.basis,
            with_total=False,
        ),
    ]
    return kind.report(asked, tables)


def labels(codelist: str) -> dict[str, Words]:
    """The slugs of a codelist with what they are called."""
    return {
        entry["slug"]: {"en": entry["label"], **({"cy": entry["label_cy"]} if "label_cy" in entry else {})}
        for entry in codelists.CODELISTS[codelist]
    }


KINDS: dict[str, Kind] = {
    kind.slug: kind
    for kind in (
        Kind(
            "seed_gap",
            {"en": "The seed gap: asks open while the staff are still publicly employed"},
            {
                "en": "Where groups wait for seed money before they can launch: the number of open asks, and what is"
                " still sought, by stage, sector and region."
            },
            _seed_gap,
        ),
        Kind(
            "coverage",
            {"en": "Who is open to whom, month by month"},
            {
                "en": "How many programmes are open to each sector and stage in each of twelve months, and which"
                " pairs of sector and stage nobody funds."
            },
            _coverage,
            frozenset({"from"}),
        ),
        Kind(
            "funnel",
            {"en": "How far groups come, and how long it takes"},
            {"en": "How many came to each stage and how many went on from it, with the time they stayed."},
            _funnel,
        ),
        Kind(
            "bottom_up",
            {"en": "Whose idea it was"},
            {"en": "The share of proposals that began with the staff, by year: bottom-up, top-down or mixed."},
            _bottom_up,
        ),
        Kind(
            "adoption",
            {"en": "How the innovation spreads"},
            {
                "en": "Mutuals launched over time, Bass's model fitted to them, Rogers's categories by rank, and who"
                " was first in each sector and region."
            },
            _adoption,
            frozenset({"market"}),
        ),
        Kind(
            "survival",
            {"en": "What becomes of mutuals"},
            {"en": "Of those that launched: running on, contract re-won, returned in-house, wound up."},
            _survival,
        ),
        Kind(
            "origins",
            {"en": "What groups set out from, and what became of them"},
            {
                "en": "Whether cuts threatened the service, whether the authority must provide it by law, and how far"
                " the groups came: before launch, running, contract re-won, returned in-house, wound up."
            },
            _origins,
        ),
        Kind(
            "fairness",
            {"en": "Whether small and new groups get their share"},
            {
                "en": "How many small and new groups asked and how many of them have money promised, how employers"
                " answered, and bids lost for want of a surety; of the record, published awards by size."
            },
            _fairness,
        ),
        Kind(
            "cohorts",
            {"en": "How large the cohorts are"},
            {
                "en": "How many groups of each sector, and of each programme's cohort, are before launch, launched and"
                " renewed: so that early mistakes stay contained."
            },
            _cohorts,
        ),
        Kind(
            "outcomes",
            {"en": "Distributions instead of targets"},
            {
                "en": "What groups ask for and are given, and how long it takes them to launch: the middle half and"
                " the median. There is no pass mark."
            },
            _outcomes,
        ),
    )
}
