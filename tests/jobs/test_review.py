"""Nobody is rejected on one kind of evidence, and everybody is told why."""

from __future__ import annotations

import pytest

from jobs.reviewing.review import review_job, verdict
from jobs.specs.job_specs import ReviewPolicy
from jobs.tables import Assignment, Intent, Label, WorkerScore
from tests.factories import NOW
from webapp.marketplace.faults import Fault

SCREEN = ReviewPolicy(mode="screen")


def score(**changes):
    surely_bad = {
        "n_answers": 20, "n_gold": 6, "gold_accuracy": 0.1, "gold_low": 0.0, "gold_high": 0.4,
        "consensus_accuracy": 0.1, "consensus_low": 0.0, "consensus_high": 0.3,
    }  # fmt: skip
    return WorkerScore(
        job_id=1, worker_id=1, kind="tags", mean_seconds=3, details={}, computed_at=NOW,
        repeat_agreement=None, **{**surely_bad, **changes},
    )  # fmt: skip


def test_work_of_a_surely_bad_worker_is_rejected_with_a_reason():
    said = verdict(SCREEN, score())
    assert said.decision == "reject"
    assert "6 known pictures" in said.reason
    assert "10%" in said.reason


@pytest.mark.parametrize(
    "doubt",
    [
        {"gold_high": 0.5},
        {"gold_high": None},
        {"n_gold": 3},
        {"consensus_high": 0.5},
        {"consensus_high": None},
        {"n_answers": 7},
    ],
)
def test_any_doubt_in_either_kind_of_evidence_pays_the_work(doubt):
    assert verdict(SCREEN, score(**doubt)).decision == "approve"


def test_without_a_score_or_a_screening_policy_work_is_paid():
    assert verdict(SCREEN, None).decision == "approve"
    assert verdict(ReviewPolicy(), score()).decision == "approve"


def test_a_screening_job_decides_only_when_all_answers_to_a_hit_are_in(bench):
    bench.launch(n_items=2, redundancy=2, more="review: {mode: screen}")
    bench.drain()
    bench.answer_all(workers=1)
    bench.settle_down(2)
    assert bench.count(Assignment, decision=None) == 2
    bench.submit_raw("late", "nonsense")
    bench.settle_down(2)
    assert bench.count(Assignment, state="Approved") == 1
    assert bench.count(Assignment, state="Submitted") == 2


@pytest.mark.parametrize("effect", ["drop_before", "drop_after"])
def test_reviewing_twice_decides_once(bench, effect):
    job_id = bench.launch(n_items=2)
    bench.drain()
    bench.answer_all()
    bench.market.market.faults.replace([Fault("ApproveAssignment", effect, 2, 3)])
    bench.settle_down()
    again = review_job(bench.resources, job_id, lambda _done, _total: None)
    assert (again.n_approved, again.n_rejected, again.n_waiting) == (0, 0, 0)
    assert bench.count(Intent, operation="ApproveAssignment", state="done") == 4
    assert bench.count(Label) == 2
    bench.check_books()
