"""A rejection can be taken back for 30 days: paid once, within the budget, and the answer votes."""

from __future__ import annotations

import pytest

from jobs.db import reading, transaction
from jobs.errors import BudgetExceeded, Conflict, InvalidInput, NotFound
from jobs.providers.mturk import Mturk
from jobs.reconciling.reconciling import reconcile
from jobs.reviewing import reversals, review
from jobs.spending import bonuses, ledger
from jobs.tables import (
    Assignment,
    Consensus,
    Finding,
    Intent,
    LedgerTransaction,
    RawSubmission,
    Reversal,
    WorkerScore,
)
from webapp.marketplace.faults import Fault


@pytest.fixture
def rejected(bench):
    """A job of one HIT with two answers, of which Ada has rejected one; its id and the work's."""
    job_id = bench.launch(n_items=1, redundancy=2, budget="0.12", more="review: {mode: screen}")
    bench.drain()
    bench.answer_all(workers=1)
    bench.dial.turn(seconds=61)
    bench.drain()
    (first,) = bench.ours(Assignment)
    with transaction(bench.sessions) as session:
        review.decide(
            session, first.id, "reject", "No picture was looked at", "ada", bench.dial(),
            without_evidence=True,
        )  # fmt: skip
    bench.answer_all(workers=2)
    bench.settle_down()
    assert {row.state for row in bench.ours(Assignment)} == {"Approved", "Rejected"}
    return bench, job_id, first.id


def reverse(bench, assignment_id, reason="We looked again: you were right", actor="eve"):
    with transaction(bench.sessions) as session:
        return reversals.reverse(
            session, assignment_id, bench.resources.venues, bench.resources.blobs, bench.dial(),
            reason=reason, actor=actor,
        )  # fmt: skip


def check(bench, job_id, n_paid):
    bench.check_books()
    job = bench.job(job_id)
    assert (job.spent_micros, job.held_micros) == (n_paid * 60_000, 0)
    assert bench.spent_at_venue().spent_cents == n_paid * 6


def test_a_reversed_rejection_is_paid_once_and_its_answer_votes_again(rejected):
    bench, job_id, assignment_id = rejected
    assert [row.n_answers for row in bench.ours(Consensus)] == [1]
    assert reverse(bench, assignment_id) == reverse(bench, assignment_id)
    bench.settle_down()
    reverse(bench, assignment_id)
    bench.settle_down()
    (row,) = bench.ours(Assignment, id=assignment_id)
    assert (row.state, row.decision, row.decided_by) == ("Approved", "approve", "eve")
    assert [row.n_answers for row in bench.ours(Consensus)] == [2]
    with reading(bench.sessions) as session:
        assert session.query(WorkerScore).count() == 2
    (kept,) = bench.ours(Reversal)
    assert (kept.rejected_by, kept.rejection_reason) == ("ada", "No picture was looked at")
    check(bench, job_id, n_paid=2)
    assert bench.ours(Finding) == []
    (paid,) = bench.ours(LedgerTransaction, key=f"settle:assignment:{assignment_id}")
    assert (paid.actor, bool(paid.request_id), paid.intent_id) == ("eve", True, kept.intent_id)


def test_a_preview_says_whom_it_pays_and_until_when(rejected):
    bench, job_id, assignment_id = rejected
    with reading(bench.sessions) as session:
        seen = reversals.preview_reversal(
            session, assignment_id, bench.resources.venues, bench.resources.blobs, bench.dial()
        )
    assert (seen.reward_micros, seen.fee_micros, seen.budget_left_micros) == (
        50_000,
        10_000,
        60_000,
    )
    assert (seen.job_id, seen.rejected_by) == (job_id, "ada")
    assert 29 <= (seen.possible_until - bench.dial()).days <= 30


def reconciled(bench):
    return reconcile(bench.resources, lambda _done, _total: None).differences


def test_reconciling_agrees_before_between_and_after(rejected):
    """Paid at the venue, its reply lost: the open call explains the difference."""
    bench, job_id, assignment_id = rejected
    assert reconciled(bench) == {}
    bench.market.market.faults.replace([Fault("ApproveAssignment", "drop_after")])
    reverse(bench, assignment_id)
    bench.drain()
    assert bench.spent_at_venue().spent_cents == 12
    assert [row.state for row in bench.ours(Assignment, id=assignment_id)] == ["Rejected"]
    assert reconciled(bench) == {}
    bench.settle_down()
    assert reconciled(bench) == {}
    check(bench, job_id, n_paid=2)


def test_a_bonus_for_rejected_work_is_no_difference(rejected):
    bench, _, assignment_id = rejected
    with transaction(bench.sessions) as session:
        bonuses.grant_bonus(
            session, assignment_id, 10_000, reason_key="late", reason="We were too late",
            actor="ada", now=bench.dial(),
        )  # fmt: skip
    bench.settle_down(2)
    assert bench.spent_at_venue().bonus_cents == 1
    assert reconciled(bench) == {}


@pytest.mark.parametrize("effect", ["drop_before", "drop_after", "fault_after", "throttle"])
@pytest.mark.parametrize("hours", [0, 30])
def test_a_lost_reply_never_pays_a_reversal_twice(rejected, effect, hours):
    bench, job_id, assignment_id = rejected
    bench.market.market.faults.replace([Fault("ApproveAssignment", effect, 1, 2)])
    reverse(bench, assignment_id)
    bench.drain()
    bench.dial.turn(hours=hours)
    bench.settle_down()
    check(bench, job_id, n_paid=2)


def test_a_reversal_that_may_still_arrive_keeps_its_money(rejected, monkeypatch):
    """The first try is slow; the second is refused; then the first reaches the venue and pays."""
    bench, job_id, assignment_id = rejected
    bench.market.market.faults.replace([Fault("ApproveAssignment", "drop_before")])
    reverse(bench, assignment_id)
    bench.drain()
    bench.dial.turn(seconds=10)
    with monkeypatch.context() as patch:
        patch.setattr(Mturk, "reverse", lambda *_: "Rejected")
        bench.drain()
    assert bench.job(job_id).held_micros == 60_000
    raw = bench.ours(
        RawSubmission, id=bench.ours(Assignment, id=assignment_id)[0].raw_submission_id
    )
    bench.resources.venues("mturk", "local", {}).reverse(raw[0].provider_assignment_id, "late")
    bench.settle_down()
    check(bench, job_id, n_paid=2)
    assert reconciled(bench) == {}
    assert bench.ours(Finding) == []


def test_after_thirty_days_a_rejection_stands(rejected):
    bench, job_id, assignment_id = rejected
    bench.dial.turn(days=30)
    with pytest.raises(Conflict, match="30 days"):
        reverse(bench, assignment_id)
    check(bench, job_id, n_paid=1)


def test_a_reversal_that_comes_too_late_to_the_venue_gives_the_money_back(rejected):
    bench, job_id, assignment_id = rejected
    reverse(bench, assignment_id)
    assert bench.job(job_id).held_micros == 60_000
    bench.dial.turn(days=31)
    bench.settle_down()
    check(bench, job_id, n_paid=1)
    (told,) = bench.ours(Finding, state="open")
    assert "could not be taken back" in told.message
    assert bench.count(Intent, key=f"reverse:assignment:{assignment_id}", state="failed") == 1


@pytest.mark.parametrize(("effect", "n_paid"), [("drop_before", 1), ("drop_after", 2)])
def test_a_lost_reply_that_is_followed_too_late_is_looked_up(rejected, effect, n_paid):
    """The venue refuses the second try for its age; what became of the first one counts."""
    bench, job_id, assignment_id = rejected
    reverse(bench, assignment_id)
    bench.market.market.faults.replace([Fault("ApproveAssignment", effect, 1, 1)])
    bench.drain()
    bench.dial.turn(days=31)
    bench.settle_down()
    check(bench, job_id, n_paid)
    (intent,) = bench.ours(Intent, key=f"reverse:assignment:{assignment_id}")
    assert intent.state == ("done" if n_paid == 2 else "failed")
    assert bench.count(Finding, state="open") == 2 - n_paid


def test_a_reversal_over_the_budget_is_refused_with_what_is_missing(rejected):
    bench, job_id, assignment_id = rejected
    with transaction(bench.sessions) as session:
        ledger.set_budget(
            session, job_id, 100_000, key="less", reason=ledger.Reason("ada"), now=bench.dial()
        )
    with pytest.raises(BudgetExceeded) as refused:
        reverse(bench, assignment_id)
    assert refused.value.missing_micros == 20_000
    assert bench.ours(Reversal) == []
    check(bench, job_id, n_paid=1)


def test_only_rejected_work_can_be_reversed_and_the_worker_is_told_why(rejected):
    bench, _, assignment_id = rejected
    (other,) = bench.ours(Assignment, state="Approved")
    with pytest.raises(Conflict, match="is Approved"):
        reverse(bench, other.id)
    with pytest.raises(NotFound):
        reverse(bench, 999)
    for reason in ("", " ", "bell \x07", "x" * 1025):
        with pytest.raises(InvalidInput, match="reason"):
            reverse(bench, assignment_id, reason=reason)
