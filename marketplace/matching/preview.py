"""The funder's view while writing rules: what unsaved criteria would come to over the proposals that it sees.

Over the facts shared with the programme's organisation alone, and nothing is stored. The database compares each
criterion once for each proposal; what the tree makes of it is counted over all of them at once. Every number goes
through the disclosure rules on its way out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, String, case, column, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.orm import Session

from marketplace.eligibility.lint import lint
from marketplace.eligibility.models import CriteriaVersion
from marketplace.eligibility.rules import Result
from marketplace.eligibility.service import facts_of, read_author_tree
from marketplace.eligibility.tallies import Held, Tally, tally
from marketplace.eligibility.tree import (
    CriteriaTree,
    Criterion,
    compile_columns,
    node_as_json,
    read_tree,
)
from marketplace.matching.candidates import facts_shared
from marketplace.matching.disclosure import told_toll
from marketplace.matching.sight import facts_through, proposals_in_sight
from marketplace.programmes.models import Programme
from marketplace.programmes.rules import ProgrammeFaults, faults_of
from marketplace.programmes.service import draft_columns, own_programme
from marketplace.proposals.models import Proposal, ProposalProjection
from marketplace.proposals.rules import Visibility
from marketplace.reference.parameters import values_on
from marketplace.values.actor import Actor
from marketplace.values.clock import today
from marketplace.values.counts import band, guarded_counts
from marketplace.values.money import Money
from marketplace.values.permissions import Action, permit

MOST_PROPOSALS = 10_000
"""So many proposals are looked at, the newest ones; the answer says when there are more."""
MOST_COMPARISONS = 120_000
"""Proposals times different comparisons: with more than twelve of those, fewer proposals are looked at."""
DEFAULT_COLUMNS: Mapping[str, Any] = {"instruments": [], "stages": [], "ask_min": None, "ask_max": None}
ANSWER_OF = {True: "1", False: "0"}
NO_ANSWER = "?"


@dataclass(frozen=True, slots=True)
class _Seen:
    """The proposals looked at: their number, whether there are more, and where each comparison is met and unmet."""

    number: int
    capped: bool
    held: Mapping[str, Held]

    def tally(self, tree: CriteriaTree) -> Tally:
        held = {leaf.code: self.held[_comparison_key(leaf)] for leaf in tree.leaves()}
        return tally(tree, held, (1 << self.number) - 1)


def preview_criteria(current: Session, actor: Actor, programme_id: UUID, draft: Mapping[str, Any]) -> dict[str, Any]:
    """What a programme's criteria would come to if they were published as they stand in `draft`.

    `draft` may have instruments, stages, ask_min, ask_max, criteria (else the programme's own draft) and as_of (else
    today). InvalidCriteria and ProgrammeFaults as on publishing, with every fault. Answers `PreviewView`.
    """
    programme = own_programme(current, actor, programme_id, Action.BROWSE_PROPOSALS)
    permit(actor, Action.WRITE_PROGRAMME, programme.organisation_id)
    day = draft.get("as_of") or today()
    given = {name: draft[name] for name in DEFAULT_COLUMNS if name in draft}
    criteria = draft.get("criteria", programme.criteria)
    tree = _compiled(current, {**draft_columns(programme), **given}, criteria)
    published = _published(current, programme)
    seen = _look(current, actor, programme, day, [each for each in (tree, published) if each is not None])
    now = seen.tally(tree)
    return {
        "as_of": day,
        "of": band(seen.number),
        "capped": seen.capped,
        "counts": guarded_counts({result.value: now.results[result].bit_count() for result in Result}),
        "criteria": [
            {
                "code": code,
                **told_toll(toll.unmet.bit_count(), toll.unknown.bit_count(), toll.only_this.bit_count(), seen.number),
            }
            for code, toll in now.tolls.items()
        ],
        "against_published": None if published is None else _difference(now, seen.tally(published), seen.number),
        **lint(tree, values_on(day), facts_of(current, criteria)).as_json(),
    }


def check_criteria(current: Session, draft: Mapping[str, Any]) -> dict[str, Any]:
    """The compiled tree of columns and criteria, and what is wrong with it; no proposal is looked at.

    `draft` has currency and criteria, and may have instruments, stages, ask_min, ask_max and as_of.
    """
    day = draft.get("as_of") or today()
    given = {name: draft.get(name, value) for name, value in DEFAULT_COLUMNS.items()}
    tree = _compiled(current, {"currency": draft["currency"], **given}, draft["criteria"])
    findings = lint(tree, values_on(day), facts_of(current, draft["criteria"]))
    return {"as_of": day, "tree": tree.as_json(), **findings.as_json()}


def _compiled(current: Session, columns: Mapping[str, Any], author_tree: Mapping[str, Any]) -> CriteriaTree:
    """Columns and tree as publishing compiles them, or every fault of the first that has one."""
    bounds = {name: columns[name] for name in ("ask_min", "ask_max")}
    faults = faults_of({"currency": columns["currency"], **{name: _priced(columns, name) for name in bounds}})
    if faults:
        raise ProgrammeFaults("`errors` names each fault.", errors=faults)
    read = read_author_tree(current, author_tree, at="#/criteria")
    amounts = {name: bound.amount if isinstance(bound, Money) else bound for name, bound in bounds.items()}
    head = compile_columns(columns["currency"], columns["instruments"], columns["stages"], **amounts)
    return CriteriaTree((*head, *read.criteria))


def _priced(columns: Mapping[str, Any], name: str) -> Money | None:
    bound = columns[name]
    return Money(bound, columns["currency"]) if isinstance(bound, int) else bound


def _published(current: Session, programme: Programme) -> CriteriaTree | None:
    if programme.current_criteria_version_id is None:
        return None
    return read_tree(current.get_one(CriteriaVersion, programme.current_criteria_version_id).tree)


def _difference(now: Tally, published: Tally, number: int) -> dict[str, Any]:
    """How many become eligible, how many cease to be, and how many stay what they are."""
    new, old = now.results[Result.ELIGIBLE], published.results[Result.ELIGIBLE]
    gain, lose = (new & ~old).bit_count(), (old & ~new).bit_count()
    return guarded_counts({"would_gain": gain, "would_lose": lose, "unchanged": number - gain - lose})


# Looking at proposals


def _comparison(leaf: Criterion) -> dict[str, Any]:
    """What of a criterion decides its outcome."""
    return {name: value for name, value in node_as_json(leaf).items() if name not in _WORDING}


_WORDING = frozenset({"code", "level", "weight", "waivable", "reason"})


def _comparison_key(leaf: Criterion) -> str:
    return repr(_comparison(leaf))


def _look(current: Session, actor: Actor, programme: Programme, day: date, trees: Iterable[CriteriaTree]) -> _Seen:
    """Compare every criterion of the trees, each once, with every proposal in sight, in one statement."""
    comparisons = {_comparison_key(leaf): _comparison(leaf) for tree in trees for leaf in tree.leaves()}
    through = facts_through(actor, programme.organisation_id)
    in_sight = proposals_in_sight(actor, programme.organisation_id)
    each = len(comparisons)
    most = min(MOST_PROPOSALS, MOST_COMPARISONS // each)
    found, outcomes = current.execute(_statement(list(comparisons.values()), through, day, in_sight, most + 1)).one()
    number = min(found, most)
    told = (outcomes or "")[: number * each]
    held = {key: _held(told[place::each]) for place, key in enumerate(comparisons)}
    return _Seen(number, found > most, held)


def _held(answers: str) -> Held:
    """Of which proposals a comparison is met and unmet, from one character for each."""
    return Held(*(int("0" + answers.translate(table), 2) for table in _AS_BITS))


_AS_BITS = (str.maketrans({NO_ANSWER: "0"}), str.maketrans({"0": "1", "1": "0", NO_ANSWER: "0"}))


def _worth_asking() -> list[ColumnElement[bool]]:
    """What everything in sight is at least: cheap to read, so that the policy need not be asked about the rest."""
    visible = Proposal.visibility != Visibility.PRIVATE.value
    return [visible, Proposal.state == "active", Proposal.current_version_id.is_not(None)]


def _statement(
    comparisons: Sequence[Mapping[str, Any]],
    through: ColumnElement[Any],
    day: date,
    in_sight: Iterable[ColumnElement[bool]],
    most: int,
) -> Any:
    """How many proposals are in sight (of the `most` newest), and all answers in one text.

    The shared facts are worked out once for each proposal; the answers stand proposal by proposal, the newest first,
    within each in the order of `comparisons`.
    """
    seen = (
        select(Proposal.id, facts_shared(Proposal.id, through, day).label("facts"))
        .join(ProposalProjection, ProposalProjection.proposal_id == Proposal.id)
        .where(*_worth_asking(), *in_sight)
        .order_by(Proposal.id.desc())
        .limit(most)
        .cte("seen")
        .prefix_with("MATERIALIZED")
    )
    each = func.jsonb_array_elements(literal(list(comparisons), JSONB))
    leaf = each.table_valued(column("value", JSONB), with_ordinality="place", name="leaf").render_derived()
    parameters = literal(values_on(day), JSONB)
    holds = func.criteria_criterion_holds(leaf.c.value, seen.c.facts, parameters)
    answer = case(ANSWER_OF, value=holds, else_=NO_ANSWER)
    answers = select(func.string_agg(answer, aggregate_order_by(literal("", String), leaf.c.place)))
    told = select(seen.c.id, answers.correlate(seen).scalar_subquery().label("answers")).cte("told")
    ordered = aggregate_order_by(literal("", String), told.c.id.desc())
    return select(func.count(), func.string_agg(told.c.answers, ordered)).select_from(told)
