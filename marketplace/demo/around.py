"""What surrounds the money, played over HTTP: what comes next, safeguards, social value, lessons, the market's figures.

Figures of the group are constructed; those of the market are the public record's. Knows the client and nothing of the
program inside.
"""

from collections.abc import Callable
from typing import Any

from marketplace.demo.client import Someone

Say = Callable[[str], None]
SEEN = "Constructed for the demonstration"
POOL = {
    "opening": 1_000_000_00,
    "planned": 300_000_00,
    "costs": 40_000_00,
    "floor": 50_000_00,
    "success_bp": 5_000,
    "charge_bp": 12_000,
    "loss_bp": 1_000,
}
ACCOUNT: dict[str, Any] = {
    "kind": "forecast",
    "convention": "end_of_year",
    "inputs": [{"contributor": "NHS trust", "kind": "money", "amount": {"amount": 120_000_00, "currency": "GBP"}}],
    "outcomes": [
        {
            "beneficiary": "Patients with leg ulcers",
            "change": {"en": "Wounds heal sooner, at home"},
            "quantity": "60",
            "proxy": {
                "name": "Weeks of treatment saved",
                "value": {"amount": 4_500_00, "currency": "GBP"},
                "source": SEEN,
                "year": 2026,
            },
            "deadweight_bp": 2_500,
            "displacement_bp": 0,
            "attribution_bp": 2_000,
            "drop_off_bp": 5_000,
            "duration_years": 2,
        }
    ],
}


def tell_what_surrounds(people: dict[str, Someone], proposal: str, say: Say) -> None:
    """The last scene. StepFailed where an answer is not the one that is needed."""
    nora, base = people["nora"], f"/v1/proposals/{proposal}"
    say("7. Around the money")
    steps = nora.get(f"{base}/next-steps")
    told = [
        f"{_plain(each['code'])} {_plain(each['about'] or '')}".strip() + f" ({each['by']})" for each in steps["steps"]
    ]
    say(f"   At {steps['stage']}, next for the group: " + "; ".join(told) + f"; and {steps['more']} more.")
    words = {"words": {"en": "What the group owns stays with the service."}}
    if nora.get(f"{base}/safeguards/asset_lock_voluntary")["version"] == 0:
        nora.put(f"{base}/safeguards/asset_lock_voluntary", words, step="asset lock")
    statement = nora.post(f"{base}/assurance-statements", {}, step="assurance statement")
    first = statement["lines"][0]
    say(f"   Assurance statement {statement['number']}, {len(statement['lines'])} sentences. {first['words']}")
    title = {"title": {"en": "Leg ulcer care at home"}, "confidential": False}
    assessment = nora.post(f"{base}/social-value-assessments", title, step="social value")["id"]
    path = f"/v1/social-value-assessments/{assessment}/versions"
    result = nora.post(path, ACCOUNT, step="social value account")["result"]
    cases = sorted((each["ratio_shown"] for each in result["sensitivity"]), key=float)
    between = f"between £{cases[0]} and £{cases[-1]} in its {len(cases)} sensitivity cases"
    say(f"   Social value, forecast ({SEEN.lower()}): £{result['ratio_shown']} a pound, {between}.")
    note = {
        "proposal_id": proposal,
        "stage": "exploring",
        "kind": "what_failed",
        "sector": "community_health",
        "anonymous": True,
        "title": {"en": "Ask about pensions first"},
        "body": {"en": "Nobody would vote before they knew what becomes of their pension."},
    }
    nora.post("/v1/learning-notes", note, step="learning note")
    say("   Nora leaves a note for groups like hers: Ask about pensions first.")
    anyone = people["curator"]
    pool = anyone.post("/v1/vehicles/simulations/success-repayable-pool", POOL, step="pool")
    runway = pool["runway"]
    say(
        f"   A success-repayable pool of {_pounds(POOL['opening'])} carries its plan for {runway['full_years']} years;"
        f" then a sponsor pays {_pounds(runway['yearly_gap'])} a year."
    )
    coverage = anyone.get("/v1/market/reports/coverage?basis=historical&from=2012-04")
    say(f"   The market, of the public record: {coverage['findings'][0]}")


def _plain(slug: str) -> str:
    return slug.replace("_", " ").lower()


def _pounds(amount: int) -> str:
    return f"£{amount // 100:,}"
