"""G19: what protects money, each removed in turn, and the test that goes red without it.

A guard is a line of a function, a constraint or a trigger. Lines are taken out of the source as it stands (a guard that
is not found any more is an error, not a success), constraints are dropped and triggers disabled in scratch databases.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from marketplace.cli import ROOT
from tests.trust.ground import Ground


@dataclass(frozen=True)
class Line:
    """Words in a function's source, and what stands there without the guard."""

    function: str
    words: str
    instead: str = ""


@dataclass(frozen=True)
class Constraint:
    """A constraint of a table."""

    table: str
    name: str


@dataclass(frozen=True)
class Trigger:
    """A trigger of a table."""

    table: str
    name: str


Protection = Line | Constraint | Trigger


@dataclass(frozen=True)
class Guard:
    """What it is, and the test that holds it."""

    words: str
    protection: Protection
    test: str


P, L, T = "marketplace.pledges", "marketplace.ledger.service", "tests/pledges/test_tranches.py::"
BOOKING = "marketplace.ledger.booking"
OFFERS, B, S = "tests/pledges/test_offers.py::", "tests/ledger/test_guards.py::", "tests/ledger/test_service.py::"
LOCKS = "tests/trust/test_locks.py::"
RECOVERY, LOANS = "tests/pledges/test_recovery.py::", "tests/repayments/test_loans.py::"
RACES, G = "tests/governance/test_races.py::", "marketplace.governance.service"
KEPT = f"{LOANS}test_the_database_refuses_more_than_was_paid_and_rewriting"
TAKEN_AWAY = f"{RACES}test_a_role_that_is_being_taken_away_while_the_act_runs_voids_it"
REWRITING = f"{B}test_the_books_are_never_rewritten"
PAYING = "tests/pledges/test_rules.py::test_a_payment_names_everything_that_is_missing"

GUARDS = [
    Guard(
        "the condition of a balance's UPDATE",
        Line(f"{BOOKING}:_statement", "(NOT account.guarded OR account.balance + locked.change >= 0)", "true"),
        f"{S}test_an_account_that_would_fall_below_zero_is_named_with_what_it_holds",
    ),
    Guard(
        "CHECK: a guarded balance is never below zero",
        Constraint("ledger_account", "ck_ledger_account_never_below_zero"),
        f"{B}test_the_constraint_alone_keeps_a_guarded_account_from_falling_below_zero",
    ),
    Guard(
        "CHECK: balances within limits",
        Constraint("ledger_account", "ck_ledger_account_within_limits"),
        f"{B}test_the_constraint_keeps_balances_within_limits",
    ),
    Guard(
        "CHECK: a posting moves something, and not too much",
        Constraint("posting", "ck_posting_amount"),
        f"{B}test_a_posting_moves_something_and_not_too_much[0]",
    ),
    Guard(
        "UNIQUE: one transaction for one act",
        Constraint("ledger_transaction", "uq_ledger_transaction_kind_reference"),
        f"{S}test_the_same_act_is_booked_once_whatever_its_amount",
    ),
    Guard(
        "deferred trigger: a transaction without postings",
        Trigger("ledger_transaction", "ledger_transaction_balanced"),
        f"{B}test_a_transaction_that_does_not_balance_is_refused_at_commit[no postings]",
    ),
    Guard(
        "deferred trigger: postings added later",
        Trigger("posting", "posting_balanced"),
        f"{B}test_postings_are_not_added_to_an_earlier_transaction",
    ),
    Guard(
        "trigger: postings are not rewritten",
        Trigger("posting", "posting_append_only"),
        f"{REWRITING}[UPDATE posting SET amount = amount + 1]",
    ),
    Guard(
        "trigger: postings are not truncated",
        Trigger("posting", "posting_no_truncate"),
        f"{REWRITING}[TRUNCATE posting]",
    ),
    Guard(
        "trigger: transactions are not rewritten",
        Trigger("ledger_transaction", "ledger_transaction_append_only"),
        f"{REWRITING}[UPDATE ledger_transaction SET reference = 'other']",
    ),
    Guard(
        "trigger: of an account only the balance changes",
        Trigger("ledger_account", "ledger_account_columns"),
        f"{REWRITING}[UPDATE ledger_account SET guarded = false]",
    ),
    Guard(
        "entries must balance",
        Line(f"{L}:_book", "if not balanced(entries):", "if False:"),
        f"{S}test_entries_that_do_not_balance_are_a_programming_error",
    ),
    Guard(
        "currencies are not mixed",
        Line(f"{L}:_book", "    _refuse_mixed_currencies(booked.lines)\n"),
        f"{S}test_currencies_are_never_mixed",
    ),
    Guard(
        "balances are locked in the order of their ids",
        Line(f"{BOOKING}:_statement", "          ORDER BY account.id\n", "          ORDER BY wanted.change DESC\n"),
        "tests/ledger/test_concurrency.py::"
        "test_movements_that_take_the_same_accounts_in_both_directions_do_not_deadlock",
    ),
    Guard(
        "a programme's lock lets others refer to it",
        Line("marketplace.programmes.service:own_programme", "key_share=True"),
        f"{LOCKS}test_whoever_sets_a_budget_is_not_waited_for_by_what_only_refers_to_the_programme[cancellation]",
    ),
    Guard(
        "FOR NO KEY UPDATE of the ask",
        Line(f"{P}.queries:lock_ask", ".with_for_update(key_share=True)"),
        f"{LOCKS}test_a_claim_waits_for_whoever_holds_what_it_rests_on[ask]",
    ),
    Guard(
        "FOR NO KEY UPDATE of the pledge",
        Line(f"{P}.queries:lock_pledge", ".with_for_update(of=Pledge, key_share=True)"),
        f"{LOCKS}test_a_claim_waits_for_whoever_holds_what_it_rests_on[pledge]",
    ),
    Guard(
        "FOR NO KEY UPDATE of the tranches",
        Line(f"{P}.queries:lock_pledge", ".with_for_update(of=Tranche, key_share=True)"),
        f"{LOCKS}test_a_claim_waits_for_whoever_holds_what_it_rests_on[tranche of the same pledge]",
    ),
    Guard(
        "FOR SHARE of the proposal",
        Line(f"{P}.queries:hold_proposal", ".with_for_update(read=True)"),
        f"{LOCKS}test_a_claim_waits_for_whoever_holds_what_it_rests_on[proposal]",
    ),
    Guard(
        "roles are read again under the locks",
        Line(f"{P}.aggregate:hold_pledge", "    permit(freshly(session, actor), action, organisation_id)\n"),
        f"{LOCKS}test_a_role_that_is_lost_while_waiting_for_a_lock_approves_nothing[claim]",
    ),
    Guard(
        "the condition of the ask's UPDATE",
        Line(f"{P}.lines:_fill_ask", "Ask.accepted + Ask.outside + amount <= Ask.amount, "),
        f"{LOCKS}test_an_ask_is_filled_to_the_penny_and_says_what_is_left[the ask]",
    ),
    Guard(
        "the condition of a line's UPDATE",
        Line(f"{P}.lines:fill", "AskLine.accepted + AskLine.outside + amount <= AskLine.amount,"),
        f"{LOCKS}test_an_ask_is_filled_to_the_penny_and_says_what_is_left[its line]",
    ),
    Guard(
        "CHECK: an ask is never overfilled",
        Constraint("ask", "ck_ask_accepted"),
        f"{LOCKS}test_the_constraint_alone_keeps_an_ask_from_being_overfilled[accepted]",
    ),
    Guard(
        "CHECK: nor with awards from outside",
        Constraint("ask", "ck_ask_outside"),
        f"{LOCKS}test_the_constraint_alone_keeps_an_ask_from_being_overfilled[outside]",
    ),
    Guard(
        "CHECK: a line is never overfilled",
        Constraint("ask_line", "ck_ask_line_room"),
        f"{LOCKS}test_the_constraint_alone_keeps_a_line_from_being_overfilled",
    ),
    Guard(
        "the condition of a pool's UPDATE",
        Line(f"{P}.pools:draw", "ProgrammePool.drawn + amount <= ProgrammePool.amount,"),
        "tests/pledges/test_deals.py::test_pledges_share_a_pool_until_it_is_exhausted",
    ),
    Guard(
        "CHECK: a part is never paid twice over",
        Constraint("pledge_part", "ck_pledge_part_never_more_than_pledged"),
        f"{LOCKS}test_the_constraints_alone_keep_a_part_and_its_tranches_whole[paid]",
    ),
    Guard(
        "CHECK: what was returned is never below zero",
        Constraint("pledge_part", "ck_pledge_part_returned"),
        f"{LOCKS}test_the_constraints_alone_keep_a_part_and_its_tranches_whole[returned]",
    ),
    Guard(
        "CHECK: two people claim and approve",
        Constraint("tranche", "ck_tranche_two_people"),
        f"{LOCKS}test_the_constraints_alone_keep_a_part_and_its_tranches_whole[one person]",
    ),
    Guard(
        "an offer's last day",
        Line(f"{P}.offers:accept", "    _refuse_expired(pledge)\n"),
        f"{OFFERS}test_an_expired_offer_is_expired_by_the_clock_before_anyone_records_it",
    ),
    Guard(
        "the ticket, again at acceptance",
        Line(f"{P}.offers:_refuse_changed", "promised + pledge.amount > programme.ticket_max", "False"),
        f"{OFFERS}test_two_pledges_do_not_pass_a_ticket_limit_together",
    ),
    Guard(
        "the funder's standing, again at acceptance",
        Line(f"{P}.offers:_refuse_changed", "funder.verification not in VERIFIED_STATES", "False"),
        f"{OFFERS}test_a_suspended_funders_offer_cannot_be_accepted",
    ),
    Guard(
        "nobody is on both sides of an offer",
        Line(f"{P}.offers:accept", "actor.user_id in {pledge.drafted_by, pledge.offered_by}", "False"),
        f"{OFFERS}test_whoever_made_the_offer_does_not_accept_it",
    ),
    Guard(
        "accepted pledges forbid the withdrawal",
        Line(f"{P}.offers:before_withdrawal", "pledge.state in lifecycle.COMMITTED", "False"),
        f"{OFFERS}test_a_withdrawn_proposal_lapses_its_offers_and_an_accepted_pledge_forbids_it",
    ),
    Guard(
        "who may see a pledge",
        Line(f"{P}.queries:pledge_for", ", may_see(actor)"),
        f"{OFFERS}test_the_group_sees_nothing_of_a_draft",
    ),
    Guard(
        "the claimant does not approve",
        Line(f"{P}.rules:approval_reasons", "approver == claimed_by", "False"),
        f"{T}test_one_person_in_both_organisations_may_not_approve_their_own_claim",
    ),
    Guard(
        "the verifier does not approve",
        Line(f"{P}.rules:approval_reasons", "approver == verified_by", "False"),
        f"{T}test_the_verifier_may_not_approve",
    ),
    Guard(
        "paying needs the approval",
        Line(f"{P}.rules:payment_reasons", 'facts.tranche_state == "approved"', "True"),
        f"{T}test_paying_before_approval_names_what_is_missing",
    ),
    Guard(
        "paying needs an approver who still may",
        Line(f"{P}.tranches:payment_facts", "_may_approve(approver, pledge)", "True"),
        f"{T}test_an_approver_who_lost_the_role_voids_the_approval",
    ),
    Guard(
        "paying needs an approver outside the group",
        Line(f"{P}.rules:payment_reasons", "facts.approver_independent,", "True,"),
        f"{T}test_an_approver_who_joins_the_group_voids_the_approval",
    ),
    Guard(
        "paying needs the entry gate",
        Line(f"{P}.rules:payment_reasons", '"ENTRY_GATE", facts.entry_gate_passed', '"ENTRY_GATE", True'),
        f"{T}test_the_entry_gate_of_the_asks_stage_has_to_be_passed",
    ),
    Guard(
        "paying needs somebody who can hold money",
        Line(f"{P}.rules:payment_reasons", "facts.incorporated is True or facts.host_agreed", "True"),
        f"{T}test_a_group_without_legal_form_is_paid_through_its_fiscal_host_only",
    ),
    Guard(
        "paying needs three people",
        Line(f"{P}.rules:payment_reasons", "len(people) == len(set(people))", "True"),
        f"{PAYING}[the verifier approved]",
    ),
    Guard(
        "a payment is recorded once it was made",
        Line(f"{P}.tranches:pay", '    rules.refuse_future(payment["paid_on"], today(), "#/paid_on")\n'),
        f"{T}test_a_payment_is_recorded_once_it_was_made[1]",
    ),
    Guard(
        "no more comes back than was paid",
        Line(f"{P}.tranches:return_money", " or amount > left"),
        f"{T}test_more_than_was_paid_cannot_come_back",
    ),
    Guard(
        "what is demanded does not come back besides",
        Line(f"{P}.tranches:return_money", "tranche.outstanding - tranche.demanded", "tranche.outstanding"),
        f"{RECOVERY}test_what_is_demanded_does_not_come_back_twice",
    ),
    Guard(
        "CHECK: what is demanded is never below zero",
        Constraint("tranche", "ck_tranche_demanded"),
        f"{LOCKS}test_the_constraints_alone_keep_a_part_and_its_tranches_whole[demanded]",
    ),
    Guard(
        "trigger: what was demanded never changes",
        Trigger("demand", "demand_said"),
        f"{RECOVERY}test_what_was_demanded_never_changes",
    ),
    Guard(
        "two people undo a payment",
        Line(f"{P}.recovery_rules:reversal_reasons", "approver != requested_by", "True"),
        f"{RECOVERY}test_whoever_asks_for_a_reversal_does_not_approve_it",
    ),
    Guard(
        "a part's schedule sums to what is still to be paid",
        Line(f"{P}.schedule_rules:_plan_part", "elif goes and given != rest:", "elif False:"),
        "tests/pledges/test_schedules.py::test_a_schedule_conserves_its_part_to_the_penny",
    ),
    Guard(
        "trigger: an answered schedule never changes",
        Trigger("schedule", "schedule_said"),
        "tests/pledges/test_schedules.py::test_an_answered_schedule_never_changes",
    ),
    Guard(
        "trigger: agreed uses are not rewritten",
        Trigger("agreed_use", "agreed_use_append_only"),
        "tests/monitoring/test_routes.py::test_agreed_uses_are_never_rewritten",
    ),
    Guard(
        "no more is repaid than is owed",
        Line("marketplace.repayments.service:_shares", " or amount.amount > standing.owed"),
        f"{LOANS}test_more_than_is_owed_is_refused_and_the_last_penny_is_not",
    ),
    Guard(
        "CHECK: no more is returned, repaid and written off than was paid",
        Constraint("pledge_part", "ck_pledge_part_repaid_and_written_off"),
        f"{LOCKS}test_the_constraints_alone_keep_a_part_and_its_tranches_whole[came back]",
    ),
    Guard(
        "CHECK: nor of a tranche, demanded back besides",
        Constraint("tranche", "ck_tranche_repaid_and_written_off"),
        KEPT,
    ),
    Guard("trigger: repayments are not rewritten", Trigger("repayment", "repayment_append_only"), KEPT),
    Guard(
        "trigger: repayment schedules are not rewritten",
        Trigger("repayment_schedule", "repayment_schedule_append_only"),
        KEPT,
    ),
    Guard(
        "an approval is used up once",
        Line(f"{G}:_use_up", ', Approval.state == "approved", Approval.version == approval.version'),
        f"{RACES}test_of_two_who_use_one_approval_at_once_one_acts",
    ),
    Guard("FOR SHARE of the approver's role", Line(f"{G}:_hold_roles", ".with_for_update(read=True)"), TAKEN_AWAY),
    Guard(
        "the doer is not the approver",
        Line("marketplace.governance.rules:approval_reasons", "approval.approved_by != facts.doer", "True"),
        "tests/governance/test_approvals.py::test_the_approver_does_not_do_it_and_any_other_permitted_person_may",
    ),
    Guard(
        "money asks for an Idempotency-Key",
        Line("marketplace.web.writes:_key", "if required:", "if False:"),
        f"{OFFERS}test_money_asks_for_a_key",
    ),
    Guard(
        "a key's answer is given again",
        Line("marketplace.web.writes:_claim", ".first() is not None", ".first() is not Ellipsis"),
        f"{OFFERS}test_accepting_twice_with_one_key_happens_once",
    ),
    Guard(
        "an answer is for who still is what they were",
        Line("marketplace.web.writes:_claim", "if row.body and not", "if False and not"),
        "tests/web/test_writes.py::test_who_has_lost_what_they_were_gets_no_old_answer",
    ),
    Guard(
        "trigger: decisions are not rewritten",
        Trigger("decision", "decision_append_only"),
        "tests/pledges/test_decisions.py::test_a_decision_is_never_rewritten",
    ),
    Guard(
        "trigger: accepted evidence is not rewritten",
        Trigger("evidence_version", "evidence_version_stays"),
        "tests/evidence/test_routes.py::test_accepted_evidence_is_never_rewritten",
    ),
]  # fmt: skip
"""A test named without its parameters stands for all of them: one that goes red is enough."""

CONTROL = Guard(
    "the control, which removes nothing",
    Line(f"{P}.tranches:return_money", "left = ", "left  = "),
    f"{RECOVERY}test_what_is_demanded_does_not_come_back_twice",
)
"""It has to stay green: a drill in which everything goes red says nothing."""
STAYED_GREEN = "stayed green"
WANTED = {CONTROL.words: STAYED_GREEN}
"""What has to come of a guard's test; of every other one, red."""


TRIES = 3
"""A race does not show every time: a guard counts where its test went red without it, and green with it, in one try."""


def remove_every_guard(ground: Ground) -> None:
    """Run every guard's test with the guard and without it, in one pytest process on databases of its own.

    What came out otherwise than wanted is tried again in another process, and how often that was so is told; so is
    what was not tried, because the process ended before its time: its words are then printed.
    """
    found: dict[str, str] = {}
    tried: Counter[str] = Counter()
    for _ in range(TRIES):
        left = [guard for guard in [*GUARDS, CONTROL] if found.get(guard.words) != WANTED.get(guard.words, "red")]
        if left:
            tried.update(guard.words for guard in left)
            came_of = _removed_in_one_process(ground, left)
            found |= {guard.words: came_of[guard.words] for guard in left if guard.words in came_of}
    held = 0
    for guard in GUARDS:
        came = found.get(guard.words, "was not tried")
        held += came == "red"
        name = guard.test.partition("::")[2]
        times = f" (in try {tried[guard.words]})" if tried[guard.words] > 1 else ""
        print(f"       {'red' if came == 'red' else came.upper()}{times}: {guard.words} -> {name}", flush=True)
    control = found.get(CONTROL.words, "was not tried")
    again = sum(number > 1 for number in tried.values())
    words = f"{held} of {len(GUARDS)} guards, removed in turn, turned their test red; the control {control}"
    words += f"; {again} tried more than once" if again else ""
    ground.tell("G19", words, held == len(GUARDS) and control == STAYED_GREEN)


def _removed_in_one_process(ground: Ground, guards: list[Guard]) -> dict[str, str]:
    """What came of each guard, by its words; those whose tests another guard shares are tried along."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "guards.json"
        tests = list(dict.fromkeys(guard.test for guard in guards))
        # pytest's own tracebacks parse the source, and CPython 3.11 now and then ends that with a SystemError.
        options = ["-q", "--tb=native", "-m", "", "-p", "tests.trust.removing"]
        command = [sys.executable, "-m", "pytest", *options, *tests]
        environment = {**os.environ, "TRUST_GUARDS": str(told), "TEST_DATABASE_URL": ground.server_url}
        run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        found: dict[str, str] = json.loads(told.read_text()) if told.exists() else {}
    if not found.keys() >= {guard.words for guard in guards}:
        print(f"       pytest ended with {run.returncode}", run.stdout[-6000:], run.stderr[-2000:], flush=True)
    return found
