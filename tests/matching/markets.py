"""Whole random markets: nested criteria, half-known facts, every way of sharing. The same seed, the same market."""

from dataclasses import dataclass, field
from datetime import date
from itertools import count
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from marketplace.eligibility.measures import order
from marketplace.eligibility.tree import COMPARISONS, OPS_BY_TYPE, ORDERED, WITHIN, Takes
from marketplace.identity.models import Organisation
from marketplace.programmes.models import Programme
from marketplace.proposals.models import Proposal
from marketplace.proposals.rules import may_choose_visibility
from marketplace.reference import codelists
from marketplace.reference.facts import REGISTRY, FactDefinition
from marketplace.values.clock import now
from tests.builders import Person, a_member, an_organisation
from tests.matching.builders import a_programme, a_proposal, the_employers_answer

THE_DAY = date(2026, 11, 22)
AUTHORED = [slug for slug, definition in REGISTRY.items() if not definition.derived]
CHOOSABLE = [slug for slug in REGISTRY if may_choose_visibility(slug)]
ASK_FACTS = ["ask", "ask_currency", "stage", "instruments_sought", "staff_publicly_employed", "employer_consent"]
AREAS = ["E12000007", "E08000035", "W92000004", "S92000003", "E92000001", "W06000015", "E06000009"]
AMOUNTS = [0, 1, 100, 1_000_000, 3_000_000, 31_500_000, 31_500_001]
FUNDING = ["funder", "intermediary", "public_body", "wholesale_vehicle"]


def a_value(random: Random, definition: FactDefinition) -> Any:
    """One value that the fact may have; few different ones, so that they often meet what is asked."""
    match definition.type:
        case "boolean":
            return random.random() < 0.5
        case "choice":
            return random.choice(codelists.slugs(definition.codelist or "")[:4])
        case "choices":
            known = codelists.slugs(definition.codelist or "")[:4]
            groups = codelists.slugs(definition.group_codelist)[:3] if definition.group_codelist else ()
            return random.sample([*known, *groups], random.randint(1, 3))
        case "money":
            return {"amount": random.choice(AMOUNTS), "currency": random.choice(["GBP", "GBP", "GBP", "EUR"])}
        case "integer":
            return random.choice([0, 1, 3, 50])
        case "percentage":
            return random.choice([0, 2_500, 5_000, 10_000])
        case "decimal":
            return random.choice(["0", "0.5", "2", "2.75", "10"])
        case "area":
            return random.choice(AREAS)
        case "areas":
            return random.sample(AREAS, random.randint(1, 3))
        case _:
            return random.choice(["1999-12-31", "2026-11-22", "2027-01-01"])


def some_facts(random: Random) -> dict[str, Any]:
    """About half of what can be answered."""
    return {slug: a_value(random, REGISTRY[slug]) for slug in AUTHORED if random.random() < 0.5}


def some_levels(random: Random, facts: dict[str, Any]) -> dict[str, str]:
    """Half of the answers are more than declared."""
    known = [slug for slug in facts if REGISTRY[slug].assurable]
    return {slug: random.choice(["evidenced", "verified"]) for slug in known if random.random() < 0.5}


def some_criteria(random: Random, *, soft: bool = True) -> list[dict[str, Any]]:
    """An author's tree with groups in groups."""
    codes = count()
    return [_node(random, codes, 3, soft=soft, denied=False) for _ in range(random.choice([0, 1, 1, 2]))]


def _node(random: Random, codes: Any, depth: int, *, soft: bool, denied: bool) -> dict[str, Any]:
    kind = random.choice(["leaf", "leaf", "all", "any", "not", "at_least"]) if depth else "leaf"
    if kind == "leaf":
        return _leaf(random, codes, soft=soft, denied=denied)
    if kind == "not":
        return {"not": _node(random, codes, depth - 1, soft=False, denied=True)}
    inner = soft and kind == "all"
    branches = [_node(random, codes, depth - 1, soft=inner, denied=denied) for _ in range(random.randint(1, 3))]
    if kind == "at_least":
        return {"at_least": random.randint(1, len(branches)), "of": branches}
    return {kind: branches}


def _leaf(random: Random, codes: Any, *, soft: bool, denied: bool) -> dict[str, Any]:
    level = random.choice(["hard", "soft"]) if soft else "hard"
    may_decide = [slug for slug, definition in REGISTRY.items() if level == "soft" or not definition.never_hard]
    fact = random.choice([random.choice(sorted(may_decide)), random.choice(ASK_FACTS)])
    definition = REGISTRY[fact]
    op = random.choice(sorted(OPS_BY_TYPE[definition.type] | ({WITHIN} if definition.chain else set())))
    leaf = {
        "code": f"C{next(codes)}",
        "fact": fact,
        "op": op,
        "value": _wanted(random, definition, op),
        "level": level,
        "weight": random.randint(1, 5),
        "waivable": random.random() < 0.5,
    }
    if definition.assurable and not denied and random.random() < 0.3:
        leaf["assurance"] = random.choice(["evidenced", "verified"])
    return leaf


def _wanted(random: Random, definition: FactDefinition, op: str) -> Any:
    match COMPARISONS[op].takes:
        case Takes.TRUE:
            return True
        case Takes.MONTHS:
            return random.choice([0, 1, 12, 323])
        case Takes.LINKS:
            return a_value(random, REGISTRY[definition.chain or ""])
        case Takes.LIST if definition.type in {"choices", "areas"}:
            return a_value(random, definition)
        case Takes.LIST:
            return [a_value(random, definition) for _ in range(2)]
        case Takes.RANGE if definition.type == "money":
            return [{"amount": 1, "currency": "GBP"}, {"parameter": random.choice(["mfa_limit", "spei_limit"])}]
        case Takes.RANGE:
            low, high = a_value(random, definition), a_value(random, definition)
            return [high, low] if (order(low, high) or 0) > 0 else [low, high]
        case _ if definition.type == "money" and op in ORDERED and random.random() < 0.3:
            return {"parameter": "mfa_limit"}
        case _:
            return a_value(random, definition)


@dataclass
class RandomMarket:
    """Programmes with one member each who may look, and proposals with one member."""

    session: Session
    random: Random
    funders: list[tuple[Organisation, Person]] = field(default_factory=list)
    programmes: list[tuple[Programme, Person]] = field(default_factory=list)
    proposals: list[tuple[Proposal, Person]] = field(default_factory=list)

    def fill(self, programmes: int, proposals: int, funders: int = 6) -> "RandomMarket":
        """Make that many of each; one of the funders has been suspended since it published."""
        for place in range(funders):
            organisation = an_organisation(self.session, kind=FUNDING[place % len(FUNDING)], name=f"Funder {place}")
            self.funders.append((organisation, a_member(self.session, organisation, "viewer")))
        for place in range(programmes):
            organisation, person = self.funders[place % funders]
            self.programmes.append((self._programme(organisation, person.id), person))
        suspended, _ = self.funders[-1]
        suspended.verification = "suspended"
        self.session.commit()
        group = an_organisation(self.session)
        member = a_member(self.session, group)
        for place in range(proposals):
            self.proposals.append((self._proposal(group, member.id, place), member))
        return self

    def _programme(self, organisation: Organisation, by: UUID) -> Programme:
        random = self.random
        return a_programme(
            self.session,
            organisation,
            by,
            *some_criteria(random),
            instruments=random.choice([[], [], ["grant"], ["grant", "loan_unsecured"]]),
            stages=random.choice([[], [], ["exploring", "set_up"]]),
            ask_max=random.choice([None, None, 1_000_000]),
            published=random.random() < 0.9,
        )

    def _proposal(self, group: Organisation, by: UUID, place: int) -> Proposal:
        random = self.random
        ids = [organisation.id for organisation, _ in self.funders]
        named = random.sample(ids, random.randint(0, 2))
        excluded = [each for each in random.sample(ids, random.randint(0, 2)) if each not in named]
        chosen = {slug: random.choice(["open", "confidential"]) for slug in CHOOSABLE if random.random() < 0.5}
        grants = {each: random.sample(CHOOSABLE, 3) for each in random.sample(ids, random.randint(0, 3))}
        ask = {
            "stage": random.choice(["exploring", "set_up", "launched"]),
            "currency": random.choice(["GBP"] * 9 + ["EUR"]),
            "instruments": random.choice([["grant"], ["loan_unsecured"], ["equity", "grant"]]),
            "amount": random.choice([1, 1_000_000, 31_500_000]),
        }
        facts = some_facts(random)
        proposal = a_proposal(
            self.session,
            group,
            by,
            facts,
            levels=some_levels(random, facts),
            ask=ask,
            visibility=["private", "named", "verified_funders", "verified_funders", "public"][place % 5],
            published=random.random() < 0.95,
            named=named,
            excluded=excluded,
            choices=chosen,
            grants=grants,
            title=f"Group number {place}",
            parent_organisation_id=random.choice([None, *ids]),
            exclude_parent=random.random() < 0.7,
        )
        if proposal.parent_organisation_id and proposal.current_version_id and random.random() < 0.6:
            employer = next(each for each, _ in self.funders if each.id == proposal.parent_organisation_id)
            until = random.choice([None, date(2026, 11, 21), THE_DAY, date(2030, 1, 1)])
            the_employers_answer(
                self.session, proposal, employer, by, random.choice(["explore", "refused", "no_objection"]), until
            )
        if random.random() < 0.05:
            proposal.state, proposal.withdrawn_at = "withdrawn", now()
            self.session.commit()
        return proposal
