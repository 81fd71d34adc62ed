"""G1, G2 and G3: many at once for what only some can have, and one request sent by thirty twins.

Every round is exact: what there was room for was given, neither more nor less. Clients speak HTTP to two processes.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any
from uuid import UUID

import requests
from sqlalchemy.orm import Session

from marketplace.identity.models import Organisation
from marketplace.ledger import service as books
from marketplace.pledges.models import Pledge
from marketplace.values.clock import today
from tests.builders import Person, a_member, an_organisation
from tests.pledges.races import EACH, Group, a_round, all_at_once, many_groups, offered
from tests.pledges.scene import a_funded_programme
from tests.trust.ground import Ground, Live, served
from tests.trust.invariants import broken

CLIENTS, ROOM = 50, 10
KEYS = count(1)


@dataclass
class Cast:
    """Those who race, made once: many groups, one group with endless room, and a funder with three officers."""

    groups: list[Group]
    funder_id: UUID
    officer: Person
    director: Person
    clients: list[requests.Session]


def a_cast(live: Live, clients: int) -> Cast:
    """The cast, in the served database."""
    with live.session() as session:
        groups = many_groups(session, clients)
        funder = an_organisation(session, kind="funder", name="Leeds Seed Fund")
        return Cast(
            groups=groups,
            funder_id=funder.id,
            officer=a_member(session, funder, "editor"),
            director=a_member(session, funder, "approver"),
            clients=[requests.Session() for _ in range(clients)],
        )


ASKED_TO_WAIT = Counter[str]()
"""Answers 503 with Retry-After (a lock was not had within two seconds), and connections that were closed (the server
keeps an idle one for seconds only). The client asks again, with the same key."""


def post(live: Live, client: requests.Session, person: Person, path: str, body: Any = None, key: str = "") -> Any:
    """One request with a key of its own unless one is given, repeated where the answer says so."""
    headers = person.headers | {"Idempotency-Key": key or f"trust-{next(KEYS)}"}
    for _ in range(20):
        try:
            answer = client.post(f"{live.address}/v1{path}", json=body, headers=headers, timeout=120)
        except requests.ConnectionError:
            ASKED_TO_WAIT["closed"] += 1
            continue
        if answer.status_code != 503 or "Retry-After" not in answer.headers:
            return answer
        ASKED_TO_WAIT["503"] += 1
        time.sleep(float(answer.headers["Retry-After"]))
    raise AssertionError(f"{path} was not answered twenty times")


def statuses(answers: list[Any]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


def for_the_budget(live: Live, cast: Cast) -> tuple[list[Callable[[], Any]], int]:
    """Offers to every group from one programme with a budget for ROOM of them."""
    with live.session() as session:
        funder = session.get_one(Organisation, cast.funder_id)
        _, pledges = a_round(session, funder, cast.groups, ROOM)
    return accepting(live, cast, [(group.person, each) for group, each in zip(cast.groups, pledges, strict=True)]), ROOM


def for_the_ask(live: Live, cast: Cast) -> tuple[list[Callable[[], Any]], int]:
    """Offers of many programmes, all to one ask with room for ROOM of them."""
    with live.session() as session:
        (group,) = many_groups(session, 1, ask=ROOM * EACH)
        funder = session.get_one(Organisation, cast.funder_id)
        made = [
            offered(a_funded_programme(session, funder, EACH, tranche_template=[]).id, funder.id, group)
            for _ in cast.clients
        ]
        pledges = saved(session, made)
    return accepting(live, cast, [(group.person, each) for each in pledges]), ROOM


def for_the_ticket(live: Live, cast: Cast) -> tuple[list[Callable[[], Any]], int]:
    """Many offers of one programme to one ask, of which its largest pledge lets ROOM through."""
    with live.session() as session:
        (group,) = many_groups(session, 1)
        funder = session.get_one(Organisation, cast.funder_id)
        values = {"tranche_template": [], "ticket_max": ROOM * EACH}
        programme = a_funded_programme(session, funder, len(cast.clients) * EACH, **values)
        pledges = saved(session, [offered(programme.id, funder.id, group) for _ in cast.clients])
    return accepting(live, cast, [(group.person, each) for each in pledges]), ROOM


def for_a_tranche(live: Live, cast: Cast) -> tuple[list[Callable[[], Any]], int]:
    """One approved tranche, paid by everybody, each with a key of their own."""
    tranche = an_approved_tranche(live, cast)

    def paying(client: requests.Session) -> Callable[[], Any]:
        body = {"paid_on": today().isoformat(), "reference": f"BACS {next(KEYS)}"}
        return partial(post, live, client, cast.officer, f"/tranches/{tranche}/payment", body)

    return [paying(client) for client in cast.clients], 1


def for_a_return(live: Live, cast: Cast) -> tuple[list[Callable[[], Any]], int]:
    """A paid tranche, of which everybody records a tenth as returned."""
    tranche = an_approved_tranche(live, cast)
    paid = {"paid_on": today().isoformat(), "reference": "BACS"}
    assert post(live, cast.clients[0], cast.officer, f"/tranches/{tranche}/payment", paid).status_code == 200

    def returning(client: requests.Session) -> Callable[[], Any]:
        body = {"amount": {"amount": EACH // ROOM, "currency": "GBP"}, "reference": f"Back {next(KEYS)}"}
        return partial(post, live, client, cast.officer, f"/tranches/{tranche}/return", body)

    return [returning(client) for client in cast.clients], ROOM


def accepting(live: Live, cast: Cast, offers: list[tuple[Person, UUID]]) -> list[Callable[[], Any]]:
    return [
        partial(post, live, client, person, f"/pledges/{pledge}/acceptance")
        for client, (person, pledge) in zip(cast.clients, offers, strict=True)
    ]


def saved(session: Session, pledges: list[Pledge]) -> list[UUID]:
    session.add_all(pledges)
    session.commit()
    return [pledge.id for pledge in pledges]


def an_approved_tranche(live: Live, cast: Cast) -> str:
    """A tranche of EACH of a signed pledge, claimed by its group and approved; the group has a legal form."""
    with live.session() as session:
        funder = session.get_one(Organisation, cast.funder_id)
        (group,) = many_groups(session, 1, facts={"organisation": {"registration": "registered"}})
        programme = a_funded_programme(session, funder, EACH, tranche_template=[])
        pledge = offered(programme.id, funder.id, group)
        (made,) = saved(session, [pledge])
        tranche = pledge.parts[0].tranches[0].id
    steps: list[tuple[Person, str, Any]] = [
        (group.person, f"/pledges/{made}/acceptance", None),
        (cast.officer, f"/pledges/{made}/agreement", {"signed_on": today().isoformat()}),
        (group.person, f"/tranches/{tranche}/claim", {}),
        (cast.director, f"/tranches/{tranche}/approval", None),
    ]
    for person, path, body in steps:
        answer = post(live, cast.clients[0], person, path, body)
        assert answer.status_code == 200, (path, answer.text)
    return str(tranche)


RACES: dict[str, Callable[[Live, Cast], tuple[list[Callable[[], Any]], int]]] = {
    "a programme's budget": for_the_budget,
    "the ask": for_the_ask,
    "a programme's largest pledge to one ask": for_the_ticket,
    "one tranche, paid": for_a_tranche,
    "what was paid, returned": for_a_return,
}
"""What is limited, and how a round for it is set up: the requests, and how many must go well."""


def race(ground: Ground, *, rounds: int = 50, others: int = 20, clients: int = CLIENTS) -> None:
    """G1 for the budget, G2 for everything else that is limited."""
    with served(ground) as live:
        cast = a_cast(live, clients)
        for place, (limited, setting) in enumerate(RACES.items()):
            exact, seen = 0, Counter[int]()
            turns = others if place else rounds
            for _ in range(turns):
                acts, room = setting(live, cast)
                answers = statuses(all_at_once(acts))
                seen += answers
                exact += answers[200] == room and answers[200] + answers[409] + answers[422] == len(acts)
            waited, closed = (ASKED_TO_WAIT.pop(why, 0) for why in ("503", "closed"))
            words = f"{limited}: {exact} of {turns} rounds of {clients} clients exact; answers {_told(seen)}"
            words += f"; {waited} asked to wait and come again" if waited else ""
            words += f"; {closed} met a closed connection and came again" if closed else ""
            ground.tell("G2" if place else "G1", words, exact == turns)
        with live.session() as session:
            found = broken(session)
        ground.tell("G2", f"invariants after all rounds: {len(found)} broken {found[:2] or ''}", not found)


def twins(ground: Ground, *, keys: int = 50, at_once: int = 30) -> None:
    """G3: one key, many twins at the same moment: one effect, equal bytes."""
    with served(ground) as live:
        cast = a_cast(live, at_once)
        with live.session() as session:
            funder = session.get_one(Organisation, cast.funder_id)
            (group,) = many_groups(session, 1)
            programme, pledges = a_round(session, funder, [group] * keys, room=keys)
        good = 0
        for pledge in pledges:
            path = f"/pledges/{pledge}/acceptance"
            acts = [partial(post, live, client, group.person, path, None, str(pledge)) for client in cast.clients]
            answers = all_at_once(acts)
            replayed = sum(answer.headers.get("Idempotent-Replayed") == "true" for answer in answers)
            same = len({answer.content for answer in answers}) == 1
            good += same and statuses(answers) == {200: at_once} and replayed >= at_once - 1
        with live.session() as session:
            committed = books.balances(session, "programme", programme)["committed"]
            found = broken(session)
    words = f"{good} of {keys} keys x {at_once} twins: one effect, byte-equal answers; {committed // EACH} effects"
    ground.tell("G3", words, good == keys and committed == keys * EACH and not found)


def _told(seen: Counter[int]) -> str:
    return ", ".join(f"{status}: {number}" for status, number in sorted(seen.items()))
