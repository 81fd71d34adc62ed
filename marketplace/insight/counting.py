"""What reports count of what happens here, in a statement or two each. Counts in, nothing else out.

Counted are published proposals that everyone may see. A draft, a proposal that is shared with some, or one of a
suspended group changes no figure, whatever it holds. The one exception is an end: a proposal that was public when its
pipeline ended is counted in `fates`, by that end alone. Cases of the public record that were loaded for show are not
counted. Of facts, only those that are open. What may be told of the counts is for `tables` to say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Float,
    Integer,
    Select,
    SmallInteger,
    String,
    Text,
    and_,
    case,
    cast,
    column,
    distinct,
    func,
    literal,
    or_,
    select,
    true,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.orm import Session

from marketplace.eligibility.models import CriteriaVersion
from marketplace.eligibility.rules import Result
from marketplace.identity.models import Organisation
from marketplace.pipeline.models import MilestoneRecord, ProposalPipeline, StageMove
from marketplace.pledges.models import Pledge
from marketplace.procurement.queries import bids_lost_on_surety, won_again
from marketplace.programmes.models import Programme
from marketplace.programmes.queries import published
from marketplace.proposals.models import Ask, Proposal, ProposalProjection
from marketplace.proposals.queries import is_public
from marketplace.reference import codelists, parameters
from marketplace.reference.facts import derive
from marketplace.values.counts import SMALL
from marketplace.values.money import Money

FIRST_LAUNCHED, FIRST_END = 6, 90
EMPLOYED = tuple(
    entry["slug"]
    for entry in codelists.CODELISTS["stages"]
    if entry["staff_publicly_employed"] and entry["order"] < FIRST_END
)
LAUNCHED = tuple(
    entry["slug"] for entry in codelists.CODELISTS["stages"] if FIRST_LAUNCHED <= entry["order"] < FIRST_END
)
RENEWED = ("renewal", "sustained")
RETURNED, WOUND_UP = "returned_in_house", "wound_up"
PROMISED = ("accepted", "contracted", "drawing", "completed")
NOT_TOLD = "not_told"
LONDON = "Europe/London"
POUNDS = "GBP"
SMALL_STAFF, NEW_YEARS = 50, 3
DAY_SECONDS = 86_400
QUARTILES = ("lower_quartile", "median", "upper_quartile")

Figures = dict[str, dict[str, Any]]


def counted() -> ColumnElement[bool]:
    """The proposals whose figures count: public, and none of the record's."""
    return and_(is_public(), ~Proposal.historical_example)


def counted_ids() -> Select[UUID]:
    """Their ids."""
    return select(Proposal.id).where(counted())


def open_asks_while_employed(session: Session) -> dict[str, Figures]:
    """Open asks with a gap, made while the staff are publicly employed: by stage, sector and region, one statement.

    Each with its number and what is still sought by those in pounds.
    """
    sector, region = _open(ProposalProjection.sector), _open(ProposalProjection.region)
    dimensions = (Ask.stage, sector, region)
    gap = Ask.amount - Ask.accepted - Ask.outside
    sought = func.coalesce(func.sum(gap).filter(Ask.currency == POUNDS), 0)
    query = (
        select(*dimensions, func.count(), sought)
        .select_from(Ask)
        .join(Proposal, Proposal.id == Ask.proposal_id)
        .join(ProposalProjection, ProposalProjection.proposal_id == Proposal.id)
        .where(counted(), Ask.state == "open", gap > 0, Ask.stage.in_(EMPLOYED))
        .group_by(func.grouping_sets(*dimensions))
    )
    found: dict[str, Figures] = {"stage": {}, "sector": {}, "region": {}}
    for stage, in_sector, in_region, number, amount in session.execute(query):
        name, key = next(
            (name, key)
            for name, key in (("stage", stage), ("sector", in_sector), ("region", in_region))
            if key is not None
        )
        found[name][key] = {"count": number, "sought": int(amount)}
    return found


@dataclass(frozen=True, slots=True)
class Window:
    """So many programmes that are open to the same stages and sectors from one day to another."""

    stages: tuple[str, ...]
    sectors: tuple[str, ...]
    opens_on: date | None
    closes_on: date | None
    number: int


def programme_windows(session: Session, first: date, last: date, *, historical: bool) -> list[Window]:
    """Published programmes for groups whose window meets those days, counted by window, stages and sectors.

    A programme is open to a sector unless its criteria rule out a group of which nothing but the sector is known, and
    to a stage unless its columns leave it out. A paused one is not open; a wholesale vehicle's is for no group.
    """
    every = cast(literal(sorted(codelists.slugs("service_sectors"))), ARRAY(String))
    opens, closes = Programme.opens_on, func.least(Programme.closes_on, _day_in_london(Programme.ended_at))
    sectors = case((cast(CriteriaVersion.tree, Text).like('%"sector%'), _sectors_reached(first)), else_=every)
    each = (
        select(
            CriteriaVersion.columns["stages"].label("stages"),
            sectors.label("sectors"),
            opens.label("opens"),
            closes.label("closes"),
        )
        .join(Programme, Programme.current_criteria_version_id == CriteriaVersion.id)
        .join(Organisation, Organisation.id == Programme.organisation_id)
        .where(
            published(),
            ~Programme.paused,
            Programme.historical_example.is_(historical),
            Organisation.kind != "wholesale_vehicle",
            or_(opens.is_(None), opens <= last),
            or_(closes.is_(None), closes >= first),
        )
        .subquery()
    )
    query: Any = select(*each.c, func.count()).group_by(*each.c)
    stages = codelists.slugs("stages")
    return [
        Window(tuple(named or stages), tuple(reached or ()), opens_on, closes_on, number)
        for named, reached, opens_on, closes_on, number in session.execute(query)
    ]


def stays(session: Session) -> Figures:
    """By stage: how many proposals ever came to it, how many of them went on from it, and for how long they stayed.

    Days are medians: of stays that have ended, and of those that last; both only where there are five or more.
    """
    moves = (
        select(
            StageMove.proposal_id,
            StageMove.to_stage,
            StageMove.created_at,
            func.lead(StageMove.kind)
            .over(partition_by=StageMove.proposal_id, order_by=StageMove.number)
            .label("next_kind"),
            func.lead(StageMove.created_at)
            .over(partition_by=StageMove.proposal_id, order_by=StageMove.number)
            .label("next_at"),
        )
        .where(StageMove.proposal_id.in_(counted_ids()))
        .subquery()
    )
    one = distinct(moves.c.proposal_id)
    stayed = func.extract("epoch", moves.c.next_at - moves.c.created_at) / DAY_SECONDS
    waits = func.extract("epoch", func.now() - moves.c.created_at) / DAY_SECONDS
    query = select(
        moves.c.to_stage,
        func.count(one),
        func.count(one).filter(moves.c.next_kind == "forward"),
        func.count(moves.c.next_at),
        func.percentile_cont(0.5).within_group(stayed),
        func.count().filter(moves.c.next_at.is_(None)),
        func.percentile_cont(0.5).within_group(waits).filter(moves.c.next_at.is_(None)),
    ).group_by(moves.c.to_stage)
    return {
        stage: {
            "count": entered,
            "went_on": went_on,
            "days": round(days) if ended >= SMALL else None,
            "days_so_far": round(so_far) if waiting >= SMALL else None,
        }
        for stage, entered, went_on, ended, days, waiting, so_far in session.execute(query)
    }


def initiations(session: Session) -> dict[str, dict[str, int]]:
    """First publications by year (London) and initiation, as the groups say openly."""
    year = cast(func.extract("year", func.timezone(LONDON, Proposal.first_published_at)), Integer)
    how = _open(ProposalProjection.open_facts["initiation"].astext)
    query = _projected(year, how, func.count()).where(counted()).group_by(year, how)
    found: dict[str, dict[str, int]] = {}
    for in_year, told, number in session.execute(query):
        found.setdefault(str(in_year), {})[told] = number
    return found


def launches(session: Session) -> dict[str, int]:
    """Launches by year (London): the first time that a proposal moved forward to launched."""
    first = (
        select(StageMove.proposal_id, func.min(StageMove.created_at).label("launched_at"))
        .where(StageMove.to_stage == "launched", StageMove.kind == "forward", StageMove.proposal_id.in_(counted_ids()))
        .group_by(StageMove.proposal_id)
        .subquery()
    )
    year = cast(func.extract("year", func.timezone(LONDON, first.c.launched_at)), Integer)
    return {str(in_year): number for in_year, number in session.execute(select(year, func.count()).group_by(year))}


def days_to_launch(session: Session) -> dict[str, Any]:
    """Quartiles of the days from the first publication to the first move to launched."""
    days = func.extract("epoch", func.min(StageMove.created_at) - Proposal.first_published_at) / DAY_SECONDS
    each = (
        select(days.label("days"))
        .select_from(StageMove)
        .join(Proposal, Proposal.id == StageMove.proposal_id)
        .where(counted(), StageMove.to_stage == "launched", StageMove.kind == "forward")
        .group_by(Proposal.id, Proposal.first_published_at)
        .subquery()
    )
    number, quarters = session.execute(select(func.count(), _quartiles(each.c.days)).select_from(each)).one()
    return {"count": number, **_named([round(value) for value in quarters] if quarters else None)}


def fates(session: Session) -> Figures:
    """What became of proposals that launched: running, re-won, returned in-house, wound up; each in one of them.

    An end counts where the proposal was public when it ended.
    """
    fate = _fate()
    launched = or_(and_(counted(), ProposalPipeline.stage.in_(LAUNCHED)), _ended_in_public())
    query = _with_pipelines(fate, func.count()).where(launched, _was_launched()).group_by(fate)
    return {became: {"count": number} for became, number in session.execute(query)}


def fates_by_cuts_threat(session: Session) -> dict[str, dict[str, int]]:
    """The same by whether the service was under threat of cuts, with those that have not launched yet.

    That fact is confidential by default and counted all the same: the registry tells groups that reports compare by it.
    """
    return _fates_by(session, ProposalProjection.facts["cuts_threat"].astext)


def fates_by_statutory_duty(session: Session) -> dict[str, dict[str, int]]:
    """The same by whether the authority must provide the service by law, where the group says so openly."""
    return _fates_by(session, ProposalProjection.open_facts["statutory_duty"].astext)


def _fates_by(session: Session, told: Any) -> dict[str, dict[str, int]]:
    key = _open(told)
    fate = case((_was_launched(), _fate()), else_="before_launch")
    query = (
        _with_pipelines(key, fate, func.count())
        .join(ProposalProjection, ProposalProjection.proposal_id == Proposal.id)
        .where(or_(counted(), and_(_ended_in_public(), _was_launched())))
        .group_by(key, fate)
    )
    return _crossed(session, query)


def _with_pipelines(*columns: Any) -> Any:
    return select(*columns).select_from(ProposalPipeline).join(Proposal, Proposal.id == ProposalPipeline.proposal_id)


def _fate() -> Any:
    rewon = select(MilestoneRecord.id).where(
        MilestoneRecord.proposal_id == Proposal.id,
        MilestoneRecord.milestone == "contract_rewon",
        MilestoneRecord.state == "verified",
    )
    return case(
        (ProposalPipeline.stage == RETURNED, RETURNED),
        (ProposalPipeline.stage == WOUND_UP, WOUND_UP),
        (or_(ProposalPipeline.stage == "sustained", rewon.exists(), won_again(Proposal.id)), "rewon"),
        else_="running",
    )


def _was_launched() -> Any:
    moved = select(StageMove.id).where(StageMove.proposal_id == Proposal.id, StageMove.to_stage.in_(LAUNCHED))
    return moved.exists()


def _ended_in_public() -> Any:
    return and_(
        Proposal.visibility == "public",
        Proposal.current_version_id.is_not(None),
        ProposalPipeline.stage.in_((RETURNED, WOUND_UP)),
        ~Proposal.historical_example,
    )


def promises(session: Session) -> dict[str, Figures]:
    """Proposals with an ask, and those of them with money promised, by size and by age of the group."""
    staff = cast(ProposalProjection.open_facts["staff_count"].astext, BigInteger)
    years = cast(ProposalProjection.open_facts["years_trading"].astext, Integer)
    incorporated = ProposalProjection.open_facts["incorporated"].astext
    size = case((staff < SMALL_STAFF, "small"), (staff >= SMALL_STAFF, "larger"), else_=NOT_TOLD)
    age = case(
        (or_(years < NEW_YEARS, and_(years.is_(None), incorporated == "false")), "new"),
        (years >= NEW_YEARS, "established"),
        else_=NOT_TOLD,
    )
    asked = select(Ask.id).where(Ask.proposal_id == Proposal.id).exists()
    promised = select(Ask.id).where(Ask.proposal_id == Proposal.id, Ask.accepted > 0).exists()
    query = (
        _projected(size, age, func.count(), func.count().filter(promised))
        .where(counted(), asked)
        .group_by(func.grouping_sets(size, age))
    )
    found: dict[str, Figures] = {"size": {}, "age": {}}
    for of_size, of_age, number, with_money in session.execute(query):
        name, key = ("age", of_age) if of_size is None else ("size", of_size)
        found[name][key] = {"count": number, "promised": with_money}
    return found


def lost_on_surety(session: Session) -> int:
    """Bids lost for want of a surety."""
    return bids_lost_on_surety(session, counted_ids())


def phases_by_sector(session: Session) -> dict[str, dict[str, int]]:
    """How many are before launch, launched, and renewed, by sector."""
    sector, phase = _open(ProposalProjection.sector), _phase()
    query = _projected(sector, phase, func.count()).where(counted()).group_by(sector, phase)
    return _crossed(session, query)


def phases_by_programme(session: Session) -> tuple[dict[str, Any], dict[str, dict[str, int]]]:
    """Published programmes by id with their titles, and how many that they promised money to are in which phase."""
    phase = _phase()
    query = (
        select(cast(Programme.id, String), phase, func.count(distinct(Proposal.id)))
        .select_from(Pledge)
        .join(Programme, Programme.id == Pledge.programme_id)
        .join(Proposal, Proposal.id == Pledge.proposal_id)
        .join(ProposalProjection, ProposalProjection.proposal_id == Proposal.id)
        .where(counted(), published(), Pledge.state.in_(PROMISED))
        .group_by(Programme.id, phase)
    )
    cells = _crossed(session, query)
    enough = [UUID(key) for key, row in cells.items() if sum(row.values()) >= SMALL]
    titles = session.execute(
        select(Programme.id, Programme.title).where(Programme.id.in_(enough)).order_by(Programme.id)
    )
    named = {str(id_): title for id_, title in titles}
    return named, {key: cells[key] for key in named}


def asked_by_stage(session: Session) -> Figures:
    """Quartiles of what is asked for in pounds, by the stage of the ask."""
    query = (
        select(Ask.stage, func.count(), _quartiles(Ask.amount))
        .join(Proposal, Proposal.id == Ask.proposal_id)
        .where(counted(), Ask.currency == POUNDS)
        .group_by(Ask.stage)
    )
    return {
        stage: {"count": number, **_named([Money(round(value), POUNDS) for value in quarters])}
        for stage, number, quarters in session.execute(query)
    }


def consents_by_parent_kind(session: Session) -> Figures:
    """Public proposals by the kind of parent, and those of them whose employer's answer is open and not a refusal."""
    kind = _open(ProposalProjection.open_facts["parent_kind"].astext)
    answered = ProposalProjection.open_facts["employer_consent"].astext
    query = (
        _projected(kind, func.count(), func.count().filter(answered == "true"))
        .where(counted(), answered.is_not(None))
        .group_by(kind)
    )
    return {of: {"count": number, "agreed": agreed} for of, number, agreed in session.execute(query)}


def _projected(*columns: Any) -> Any:
    return (
        select(*columns).select_from(ProposalProjection).join(Proposal, Proposal.id == ProposalProjection.proposal_id)
    )


def _open(told: Any) -> Any:
    return func.coalesce(told, NOT_TOLD)


def _phase() -> Any:
    return case(
        (ProposalProjection.stage.in_(RENEWED), "renewed"),
        (ProposalProjection.stage.in_(LAUNCHED), "launched"),
        else_="before_launch",
    )


def _quartiles(of: Any) -> Any:
    quarters = func.percentile_cont(cast(literal([0.25, 0.5, 0.75]), ARRAY(Float))).within_group(of)
    return type_coerce(quarters, ARRAY(Float))


def _named(quarters: Sequence[Any] | None) -> dict[str, Any]:
    return dict(zip(QUARTILES, quarters, strict=True)) if quarters else {}


def _crossed(session: Session, query: Any) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for key, category, number in session.execute(query):
        found.setdefault(key, {})[category] = number
    return found


def _day_in_london(instant: Any) -> Any:
    return func.date(func.timezone(LONDON, instant))


def _sectors_reached(day: date) -> Any:
    """The sectors that the criteria do not rule out by themselves, sorted."""
    facts = {slug: derive({"sector": slug}, None, None) for slug in codelists.slugs("service_sectors")}
    known = func.jsonb_each(literal(facts, JSONB)).table_valued("key", column("value", JSONB)).alias("known")
    answer = (
        func.criteria_evaluate(CriteriaVersion.tree, known.c.value, literal(parameters.values_on(day), JSONB))
        .table_valued(column("result", SmallInteger), column("fit", SmallInteger))
        .lateral("answer")
    )
    sorted_ = func.array_agg(aggregate_order_by(known.c.key, known.c.key), type_=ARRAY(String))
    return (
        select(sorted_)
        .select_from(known)
        .join(answer, true())
        .where(answer.c.result != Result.INELIGIBLE.rank)
        .correlate(CriteriaVersion)
        .scalar_subquery()
    )
