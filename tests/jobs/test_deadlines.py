"""Nothing is lost to a deadline: it is decided, collected or shown to a person before."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jobs.db import reading, transaction
from jobs.reports.attention import attention
from jobs.reports.deadlines import decide_by
from jobs.reviewing import deadlines, review
from jobs.tables import Assignment, Finding, Hit, RawSubmission, Work
from tests.factories import NOW


def live_on(bench, days, step_hours=1.0):
    """Let time pass as a running installation does, an hour at a time."""
    for _ in range(int(days * 24 / step_hours)):
        bench.drain()
        bench.dial.turn(hours=step_hours)
    bench.drain()


def shown(bench):
    """What the requester's first page says about deadlines."""
    with reading(bench.sessions) as session:
        found = [one for one in attention(session, bench.dial()) if one.kind == "deadline"]
    return [(one.n, one.at) for one in found]


def test_screening_decides_before_the_venue_pays_unasked(bench):
    """Two answers to a HIT are wanted and one comes: its worker must not wait for ever."""
    bench.launch(n_items=1, redundancy=2, more="review: {mode: screen}")
    bench.drain()
    bench.answer_all(workers=1)
    live_on(bench, days=0.1)
    (waiting,) = bench.ours(Assignment)
    assert (waiting.decision, waiting.state) == (None, "Submitted")
    with transaction(bench.sessions) as session:
        session.get_one(Hit, waiting.hit_id).expires_at = None
    live_on(bench, days=2.9)
    (row,) = bench.ours(Assignment)
    assert (row.state, row.decided_by) == ("Approved", "policy")
    assert row.decided_at < row.auto_approval_at
    assert bench.ours(Finding) == []
    bench.check_books()


@pytest.mark.parametrize(
    ("delay_hours", "margin_hours"), [(72, 6), (720, 6), (24, 6), (8, 2), (1, 0.25)]
)
def test_the_margin_before_automatic_payment_grows_with_it_up_to_six_hours(
    delay_hours, margin_hours
):
    paid_at = NOW + timedelta(hours=delay_hours)
    assert paid_at - decide_by(NOW, paid_at) == timedelta(hours=margin_hours)


def test_work_for_a_person_is_shown_a_day_before_the_venue_pays_it(bench):
    bench.launch(n_items=1, redundancy=1)
    bench.drain()
    bench.submit_raw("ben", "nonsense")
    live_on(bench, days=1.9)
    assert shown(bench) == []
    live_on(bench, days=0.3)
    (row,) = bench.ours(Assignment)
    assert shown(bench) == [(1, row.auto_approval_at)]
    with transaction(bench.sessions) as session:
        review.decide(session, row.id, "reject", "It is no answer", "ada", bench.dial())
    live_on(bench, days=0.1)
    assert shown(bench) == []
    assert [one.state for one in bench.ours(Assignment)] == ["Rejected"]
    bench.check_books()


def test_a_decision_that_was_never_carried_out_is_woken_before_its_deadline(bench):
    bench.launch(n_items=1, redundancy=1)
    bench.drain()
    bench.submit_raw("ben", "nonsense")
    bench.settle_down(2)
    (row,) = bench.ours(Assignment)
    with transaction(bench.sessions) as session:
        review.decide(session, row.id, "reject", "It is no answer", "ada", bench.dial())
        session.query(Work).filter_by(task_name="advance_job").update({"state": "needs_person"})
    live_on(bench, days=2.9)
    (row,) = bench.ours(Assignment)
    assert (row.state, row.decided_by) == ("Rejected", "ada")
    assert bench.spent_at_venue().spent_cents == 0


def test_answers_are_collected_before_the_venue_disposes_of_their_hit(bench):
    """Collecting was given up for a person who never came; the watch wakes it in time."""
    bench.launch(n_items=1, redundancy=2)
    bench.drain()
    with transaction(bench.sessions) as session:
        session.query(Work).filter_by(task_name="collect_batch").update({"state": "needs_person"})
    bench.answer_all(workers=1)
    live_on(bench, days=105, step_hours=12)
    assert bench.count(RawSubmission) == 0
    live_on(bench, days=3, step_hours=12)
    assert bench.count(RawSubmission) == 1
    (told,) = bench.ours(Finding)
    assert ("120 days" in told.message, told.state) == (True, "resolved")
    live_on(bench, days=30, step_hours=24)
    bench.resources.venues("mturk", "local", {}).identity()  # any call makes the venue tidy up
    assert bench.market_hits() == [(bench.ours(Hit)[0].marker, "Disposed")]
    bench.check_books()


def test_looking_twice_tells_once(bench):
    bench.launch(n_items=1, redundancy=1)
    bench.drain()
    bench.dial.turn(days=110)
    for _ in range(2):
        deadlines.watch(bench.resources, lambda _done, _total: None)
    assert bench.count(Finding, state="open") == 1
