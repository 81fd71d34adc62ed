"""The main job, played over HTTP and told in a page: a nurses' group gets its seed money.

Every figure and reason that is printed was answered by the server. A second run repeats the same requests with the same
keys; the server answers them as before and does nothing again.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from marketplace.demo.around import tell_what_surrounds
from marketplace.demo.client import Someone, StepFailed

STORY = "demonstration story 1"
ASK = 8_000_00
LINES = [
    {"purpose": "business_planning", "description": {"en": "Options appraisal and plan"}, "amount": 5_000_00},
    {"purpose": "backfill", "description": {"en": "Cover for two nurses, one day a week"}, "amount": 3_000_00},
]
ANSWERS: dict[str, dict[str, Any]] = {
    "service": {
        "sector": "community_health",
        "area_code": "E08000012",
        "delivers_public_service": True,
        "parent_kind": "nhs_body",
    },
    "people": {"staff_count": 12, "staff_control": True},
    "organisation": {"legal_form": "unincorporated_staff_group", "registration": "not_registered"},
    "finance": {"mfa_received": {"amount": 0, "currency": "GBP"}},
    "rights": {"route": "staff_led_voluntary"},
}
TITLE = {"en": "Harbourside community nursing"}
Say = Callable[[str], None]


def tell(url: str, say: Say) -> None:
    """Play the story against the server at `url`. StepFailed where an answer is not the one that is needed."""
    people = {name: Someone(url, f"{name}@demo.example", STORY).log_in() for name in ("nora", "fay", "vera", "fred")}
    people |= {
        name: Someone(url, f"{name}@demo.example", STORY).log_in() for name in ("wendy", "erin", "hugo", "curator")
    }
    _without_an_account(url, say)
    proposal = _check_and_share(people, say)
    if _told_long_ago(people["nora"], proposal):
        say("3. The rest was played here more than four weeks ago, and the keys that make it safe to repeat have gone.")
        say("   Remove the instance folder (or take an empty database) to play it again.")
        _history(people, say)
        return
    pledge = _pledge(people, proposal, say)
    _consent_and_host(people, proposal, say)
    _release(people, proposal, pledge, say)
    _history(people, say)
    tell_what_surrounds(people, proposal, say)


def _without_an_account(url: str, say: Say) -> None:
    anyone = Someone(url, "", STORY)
    say("0. Anyone checks, without an account; nothing is kept")
    answers = {slug: value for facts in ANSWERS.values() for slug, value in facts.items()}
    ask = {"amount": {"amount": ASK, "currency": "GBP"}, "stage": "exploring", "instruments": ["grant"]}
    told = anyone.post("/v1/check", {"answers": answers, "ask": ask, "window": "open"}, step="check")
    counts = told["counts"]
    say("   Of the open programmes: " + ", ".join(f"{each['count']} {name}" for name, each in counts.items()) + ".")
    asked = told["next_questions"]["data"]
    if asked:
        say(f"   The next best question: {asked[0]['question']} It alone settles {asked[0]['settles']}.")
    kept = told["answer_file"]
    say(f"   An answer file of {len(kept['answers'])} answers is theirs to keep, and to make a draft of later.")


def _check_and_share(people: dict[str, Someone], say: Say) -> str:
    nora, erin, fay = people["nora"], people["erin"], people["fay"]
    group, trust = _organisation(nora, "staff_group"), _organisation(erin, "public_body")
    say("1. A group checks its facts")
    proposal = _found(nora, "/v1/proposals", TITLE["en"], organisation_id=group)
    if proposal is None:
        proposal = nora.post("/v1/proposals", {"organisation_id": group, "title": TITLE}, step="draft")["id"]
    base = f"/v1/proposals/{proposal}"
    for name, facts in ANSWERS.items():
        _write_once(nora, f"{base}/sections/{name}", {"facts": facts}, name)
    ask = {"stage": "exploring", "currency": "GBP", "instruments": ["grant", "in_kind_support"], "lines": LINES}
    _write_once(nora, f"{base}/sections/ask", ask, "ask")
    _write_once(nora, f"{base}/sections/employer", {"parent_organisation_id": trust}, "employer")
    if not nora.get(f"{base}/versions")["data"]:
        nora.post(f"{base}/versions", step="publish")
    say(f"   Nora's nurses, still employed by the trust, ask for {_pounds(ASK)} to write their plan.")
    for result, words in (("eligible", "could get now"), ("needs_information", "must answer more for")):
        found = nora.get(f"{base}/matches", result=result, window="open", limit=100)["data"]
        if found:
            say(f"   {words}: " + "; ".join(_match_line(each) for each in found[:3]))
    missed = nora.get(f"{base}/matches", result="ineligible", window="open", limit=100)["data"]
    say("   not these, and why:")
    for each in missed[:3]:
        say(f"     {_title(each)}: " + "; ".join(_reason(reason) for reason in _blocking(each)))
    near = nora.get(f"{base}/near-misses", window="open")["data"]
    for each in [each for each in near if each["ways"]][:2]:
        steps = " and ".join(_step(step) for step in each["ways"][0]["steps"])
        say(f"   nearest way into {_title(each)}: {steps}.")
    say("2. It shares, and its employer sees nothing")
    if nora.get(f"{base}/sharing")["visibility"] == "private":
        nora.put(f"{base}/sharing", {"visibility": "verified_funders"}, step="share")
    erin.get(base, expect=404)
    seen = erin.get("/v1/proposals", limit=100)["data"]
    if any(each["id"] == proposal for each in seen):
        raise StepFailed("the employer sees the proposal")
    say("   GET the proposal as its employer: 404. In the employer's list: no trace of it.")
    spark = _programme(fay, "Spark seed grants")
    match = fay.get(f"/v1/programmes/{spark}/matches/{proposal}")
    shown = match["proposal"]
    where = f"{shown.get('region')}, {shown.get('stage')}"
    say(f"   The Seed Fund finds {shown['pseudonym']!r}: {where}; {match['result']}, fit {match['fit']}.")
    leaf = {"code": "SIZE", "fact": "staff_count", "op": "gte", "value": 500}
    tried = {"criteria": {"schema_version": 1, "criteria": [leaf, {**leaf, "code": "LARGE", "value": 100}]}}
    preview = fay.post(f"/v1/programmes/{spark}/criteria-preview", tried, step="preview")
    say("   Fay tries other rules before she publishes any: " + "; ".join(f["words"] for f in preview["findings"][:2]))
    return str(proposal)


def _pledge(people: dict[str, Someone], proposal: str, say: Say) -> str:
    nora, fay, wendy = people["nora"], people["fay"], people["wendy"]
    say("3. Money is promised")
    expires = _later(nora, proposal, 60)
    cymru, spark = _programme(fay, "Hadau Cymru"), _programme(fay, "Spark seed grants")
    wrong = {
        "programme_id": cymru,
        "proposal_id": proposal,
        "parts": [{"instrument": "in_kind_support", "amount": 9_000_00}],
    }
    refused = fay.post("/v1/pledges", wrong, step="wrong pledge")["id"]
    problem = fay.post(f"/v1/pledges/{refused}/offer", {"expires_on": expires}, step="wrong offer", expect=409)
    say(f"   An offer of another programme is refused ({problem['code']}), with all its reasons:")
    say("     " + "; ".join(_reason(reason) for reason in problem["reasons"]))
    facility = _programme(wendy, "Wholesale facility")
    body = {
        "programme_id": facility,
        "proposal_id": proposal,
        "parts": [{"instrument": "loan_unsecured", "amount": 100}],
    }
    problem = wendy.post("/v1/pledges", body, step="wholesale pledge", expect=409)
    names = ", ".join(each["name"]["en"] for each in problem["intermediaries"])
    say(f"   A wholesale vehicle is refused ({problem['code']}); it works through: {names}.")
    right = {"programme_id": spark, "proposal_id": proposal, "parts": [{"instrument": "grant", "amount": ASK}]}
    pledge = fay.post("/v1/pledges", right, step="pledge")["id"]
    fay.post(f"/v1/pledges/{pledge}/offer", {"expires_on": expires}, step="offer")
    accepted = nora.post(f"/v1/pledges/{pledge}/acceptance", step="accept")
    replayed = fay.get(f"/v1/pledges/{pledge}/decision/replay")
    if not replayed["equal"]:
        raise StepFailed(f"the decision replays differently: {replayed}")
    say(f"   The decision behind the offer is kept; replayed, its digest is the same: {replayed['kept_sha256'][:12]}.")
    tranches = nora.get(f"/v1/pledges/{pledge}/tranches")["data"]
    parts = " + ".join(_pounds(each["amount"]["amount"]) for each in tranches)
    say(f"   Spark offers {_pounds(accepted['amount']['amount'])}, the group accepts: {parts}, in stages.")
    return str(pledge)


def _consent_and_host(people: dict[str, Someone], proposal: str, say: Say) -> None:
    nora, erin, hugo = people["nora"], people["erin"], people["hugo"]
    say("4. The employer consents, a fiscal host agrees")
    trust, host = _organisation(erin, "public_body"), _organisation(hugo, "fiscal_host")
    invitation = {"organisation_id": trust, "title": TITLE, "message": {"en": "May we explore this?"}}
    consent = nora.post(f"/v1/proposals/{proposal}/employer-consents", invitation, step="invite employer")["id"]
    answer = {
        "confirms_parent": True,
        "answer": "receive_funding",
        "scope": "Work on the plan and receive seed money. No promise of a contract.",
        "authority": "Executive board",
        "decided_on": _later(nora, proposal, 0),
    }
    erin.post(f"/v1/employer-consents/{consent}/answer", answer, step="consent")
    fay = people["fay"]
    match = fay.get(f"/v1/programmes/{_programme(fay, 'Spark seed grants')}/matches/{proposal}")
    found = next(reason for reason in match["reasons"] if reason["code"] == "CONSENT")
    read = f"CONSENT: {found['outcome']}, {found['assurance']}; fit {match['fit']}"
    say(f"   The trust answers receive_funding. Spark now reads {read}.")
    signs = [{"name": "Nora Okafor", "position": "Lead nurse"}]
    terms = {"en": "Holds and spends the grant for the group against its plan."}
    asked = {"host_organisation_id": host, "fee": 500, "terms": terms, "signatories": signs}
    hosting = nora.post(f"/v1/proposals/{proposal}/fiscal-hostings", asked, step="ask host")["id"]
    agreed = {"answer": "agreed", "signatories": [{"name": "Hugo Bell", "position": "Director"}]}
    hugo.post(f"/v1/fiscal-hostings/{hosting}/answer", agreed, step="host agrees")
    say("   The group has no legal form, so Common Purse holds its money, for a fee of 5%.")


def _release(people: dict[str, Someone], proposal: str, pledge: str, say: Say) -> None:
    nora, fay, fred = people["nora"], people["fay"], people["fred"]
    say("5. Money is released against evidence")
    day = _later(nora, proposal, 0)
    fay.post(f"/v1/pledges/{pledge}/agreement", {"signed_on": day, "reference": "SPARK/1"}, step="agreement")
    for place, tranche in enumerate(nora.get(f"/v1/pledges/{pledge}/tranches")["data"]):
        words = "on agreement"
        if tranche["milestone"]:
            _prove(people, proposal, tranche["milestone"])
            words = f"milestone {tranche['milestone']} verified by Vera"
        path = f"/v1/tranches/{tranche['id']}"
        nora.post(f"{path}/claim", {}, step=f"claim {place}")
        if place == 0:
            refused = fay.http.post(
                f"{fay.url}{path}/payment",
                json={"paid_on": day, "reference": "TOO-EARLY"},
                headers={"Idempotency-Key": f"{STORY}: too early {day}"},
                timeout=30,
            )
            if refused.status_code == 409 and refused.json()["code"] == "not-payable":
                missing = ", ".join(reason["code"] for reason in refused.json()["reasons"])
                say(f"   Paying before approval is refused: {missing}.")
        fred.post(f"{path}/approval", step=f"approve {place}")
        paid = fay.post(f"{path}/payment", {"paid_on": day, "reference": f"BACS {place + 1}"}, step=f"pay {place}")
        sum_ = _pounds(paid["amount"]["amount"])
        say(f"   {sum_}: {words}, claimed by Nora, approved by Fred, {paid['state']} to the host.")
    state = fay.get(f"/v1/pledges/{pledge}")["state"]
    totals = {each["account"]: each["balance"] for each in fay.get(f"/v1/pledges/{pledge}/statement")["totals"]}
    if sum(totals.values()) != 0 or totals["paid"] != ASK:
        raise StepFailed(f"the statement does not balance: {totals}")
    kept = ", ".join(f"{name} {_pounds(balance)}" for name, balance in sorted(totals.items()) if balance)
    say(f"   The pledge is {state}. Its statement: {kept}; sum {_pounds(sum(totals.values()))}.")


def _history(people: dict[str, Someone], say: Say) -> None:
    curator = people["curator"]
    say("6. A real case, on its day: 3BM and the Mutuals Support Programme, 8 June 2012")
    programme = _programme(curator, "Mutuals Support Programme (first)")
    proposal = _find(curator, "/v1/proposals", "3BM (Three Boroughs Mutual)")
    for day in ("2012-06-08", "2026-11-22"):
        view = curator.get(f"/v1/proposals/{proposal}/matches/{programme}", as_of=day)
        say(f"   as of {day}: {view['result']}, window {view['programme']['window']}.")


def _prove(people: dict[str, Someone], proposal: str, milestone: str) -> None:
    nora, vera = people["nora"], people["vera"]
    kind = {"business_plan_v1": "business_plan", "employer_approval": "employer_approval"}[milestone]
    draft = {"kind": kind, "milestone": milestone, "title": {"en": kind.replace("_", " ").capitalize()}}
    evidence = nora.post(f"/v1/proposals/{proposal}/evidence", draft, step=f"evidence {milestone}")["id"]
    text = f"{kind} of the Harbourside community nurses (demonstration)\n".encode()
    version = nora.upload(f"/v1/evidence/{evidence}/versions", f"{kind}.txt", text, step=f"upload {milestone}")["id"]
    decision = {"decision": "accepted", "reason": "Read in full; it is what the milestone asks for."}
    vera.post(f"/v1/evidence-versions/{version}/verification", decision, step=f"verify {milestone}")


def _write_once(someone: Someone, path: str, body: dict[str, Any], step: str) -> None:
    """Write a section that nobody has written yet."""
    if someone.get(path)["version"] == 1:
        someone.put(path, body, step=f"write {step}")


def _organisation(someone: Someone, kind: str) -> str:
    mine = someone.get("/v1/organisations", limit=100)["data"]
    return str(next(each["id"] for each in mine if each["kind"] == kind))


def _programme(someone: Someone, title: str) -> str:
    return _find(someone, "/v1/programmes", title)


def _find(someone: Someone, path: str, title: str) -> str:
    """The id of the listed thing whose title begins so; StepFailed where there is none."""
    found = _found(someone, path, title)
    if found is None:
        raise StepFailed(f"nothing at {path} is called {title!r}")
    return found


def _found(someone: Someone, path: str, title: str, **query: Any) -> str | None:
    """The same, or None."""
    cursor: dict[str, Any] = {}
    while True:
        page = someone.get(path, limit=100, **query, **cursor)
        for each in page["data"]:
            if str(each.get("title", "")).startswith(title):
                return str(each["id"])
        if not page["has_more"]:
            return None
        cursor = {"cursor": page["next_cursor"]}


def _later(someone: Someone, proposal: str, days: int) -> str:
    """A day counted from the story's first telling, the same at every repetition."""
    told = someone.get(f"/v1/proposals/{proposal}")["first_published_at"]
    return (date.fromisoformat(told[:10]) + timedelta(days=days)).isoformat()


def _told_long_ago(someone: Someone, proposal: str) -> bool:
    """The server forgets idempotency keys after 30 days: what was played before that cannot be repeated."""
    return _later(someone, proposal, 28) < date.today().isoformat()  # noqa: DTZ011  (a margin of two days)


def _match_line(match: dict[str, Any]) -> str:
    if match["result"] == "eligible":
        return f"{_title(match)} (fit {match['fit']})"
    return f"{_title(match)} ({', '.join(match['unknown'])})"


def _title(match: dict[str, Any]) -> str:
    return str(match["programme"]["title"]).split(" (")[0]


def _blocking(match: dict[str, Any]) -> list[dict[str, Any]]:
    return [reason for reason in match["reasons"] if reason["code"] in match["unmet"]]


def _reason(reason: dict[str, Any]) -> str:
    return f"{reason['code']} wants {_brief(reason['wanted'])}, found {_brief(reason['found'])}"


def _step(step: dict[str, Any]) -> str:
    at_most = step["at_most"]
    wanted = f"at most {_brief(at_most)}" if at_most is not None else _brief(step["to"])
    return f"{step['kind']} {step['fact']} to {wanted} (cost {step['cost']}, by the {step['by']})"


def _brief(value: Any) -> str:
    if isinstance(value, dict) and "amount" in value:
        return _pounds(value["amount"])
    if isinstance(value, list):
        return "/".join(str(each) for each in value[:3]) + ("/..." if len(value) > 3 else "")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _pounds(amount: int) -> str:
    return f"{'-' if amount < 0 else ''}£{abs(amount) // 100:,}.{abs(amount) % 100:02}"
