"""Answers are collected exactly once, kept as they came, and settled as the venue charges."""

from __future__ import annotations

import hashlib

import pytest

from jobs.db import transaction
from jobs.errors import Conflict, InvalidInput
from jobs.hits import collection
from jobs.providers.model import answer_xml
from jobs.reviewing import review
from jobs.tables import (
    Answer,
    Assignment,
    Batch,
    Finding,
    Hit,
    Label,
    LedgerTransaction,
    RawSubmission,
    Work,
)
from webapp.marketplace.faults import Fault


def fail(bench, *faults):
    bench.market.market.faults.replace(faults)


def test_a_job_goes_from_launch_to_labels_and_the_books_agree_to_the_cent(bench):
    job_id = bench.launch(n_items=3, redundancy=2)
    bench.drain()
    assert bench.answer_all(workers=2) == 6
    bench.settle_down()
    job = bench.job(job_id)
    assert (job.state, job.held_micros) == ("finished", 0)
    assert job.spent_micros == 6 * 60_000
    assert {label.value["tags"]["colour"] for label in bench.ours(Label)} == {"red"}
    assert [batch.state for batch in bench.ours(Batch)] == ["closed"]
    assert {row.key for row in bench.ours(Work) if row.state != "done"} <= {
        "reconcile:0",
        "watch_deadlines:0",
    }
    bench.check_books()


def test_collecting_again_adds_nothing(bench):
    bench.launch()
    bench.drain()
    bench.answer_all()
    bench.settle_down()
    before = [
        bench.count(table) for table in (RawSubmission, Answer, Assignment, LedgerTransaction)
    ]
    for row in bench.ours(Work):
        bench.ask_again(row)
    bench.drain()
    after = [bench.count(table) for table in (RawSubmission, Answer, Assignment, LedgerTransaction)]
    assert before == after


def test_an_expired_hit_gives_back_what_nobody_earned(bench):
    job_id = bench.launch(n_items=1, redundancy=3)
    bench.drain()
    bench.answer_all(workers=1)
    bench.settle_down(2)
    assert bench.job(job_id).held_micros == 2 * 60_000
    bench.dial.turn(days=2)
    bench.settle_down()
    job = bench.job(job_id)
    assert (job.held_micros, job.spent_micros) == (0, 60_000)
    bench.check_books()


def test_raw_bytes_are_kept_and_an_answer_that_is_none_waits_for_a_person(bench):
    job_id = bench.launch(n_items=1)
    bench.drain()
    nonsense = "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"
    assert bench.submit_raw("ben", nonsense)
    assert bench.submit_raw("cho", answer_xml({"t0-colour": {"red": True}}))
    bench.settle_down()
    raws = {raw.raw: raw.sha256 for raw in bench.ours(RawSubmission)}
    assert raws[nonsense] == hashlib.sha256(nonsense.encode()).hexdigest()
    states = [(row.parse_state, row.state) for row in bench.ours(Assignment)]
    assert sorted(states) == [("parsed", "Approved"), ("unparsed", "Submitted")]
    (waiting,) = bench.ours(Assignment, parse_state="unparsed")
    assert waiting.parse_error
    with transaction(bench.sessions) as session:
        review.decide(session, waiting.id, "reject", "Not an answer", "ada", bench.dial())
    bench.settle_down()
    assert bench.job(job_id).held_micros == 0
    assert bench.spent_at_venue().held_cents == 0
    bench.check_books()


def test_work_that_the_venue_approves_by_itself_is_paid_in_our_books_too(bench):
    bench.launch(n_items=1, redundancy=1)
    bench.drain()
    bench.submit_raw("ben", "nonsense")
    bench.settle_down()
    bench.dial.turn(days=4)
    bench.settle_down()
    (assignment,) = bench.ours(Assignment)
    assert (assignment.state, assignment.decided_by) == ("Approved", "venue")
    bench.check_books()


def test_the_first_decision_counts_and_the_second_person_learns_who_was_first(bench):
    bench.launch(n_items=1, redundancy=1)
    bench.drain()
    bench.submit_raw("ben", "nonsense")
    bench.settle_down()
    (assignment,) = bench.ours(Assignment)
    with transaction(bench.sessions) as session:
        review.decide(session, assignment.id, "approve", "", "ada", bench.dial())
    with pytest.raises(Conflict, match="ada"), transaction(bench.sessions) as session:
        review.decide(session, assignment.id, "reject", "Bad", "eve", bench.dial())
    with pytest.raises(InvalidInput, match="reason"), transaction(bench.sessions) as session:
        review.decide(session, assignment.id, "reject", " ", "eve", bench.dial())
    bench.settle_down()
    bench.check_books()


@pytest.mark.parametrize("operation", ["ApproveAssignment", "ListAssignmentsForHIT", "GetHIT"])
@pytest.mark.parametrize("effect", ["drop_before", "drop_after", "fault_after", "throttle"])
def test_a_lost_reply_pays_once_and_loses_nothing(bench, operation, effect):
    bench.launch(n_items=1, redundancy=2)
    bench.drain()
    bench.answer_all(workers=2)
    fail(bench, Fault(operation, effect, 1, 2))
    bench.settle_down()
    assert [row.state for row in bench.ours(Assignment)] == ["Approved", "Approved"]
    assert bench.spent_at_venue().spent_cents == 2 * 6
    assert bench.ours(Finding) == []
    bench.check_books()


def test_bytes_that_a_database_would_refuse_are_kept_all_the_same():
    for raw in ("plain", "nul \x00 inside", "half \ud800 letter", "\ufeffjson:"):
        stored = collection.storable(raw)
        assert "\x00" not in stored
        stored.encode()
        assert collection.original(stored) == raw


def test_hits_are_read_oldest_look_first(bench):
    bench.launch(n_items=3)
    bench.drain()
    fail(bench, Fault("GetHIT", "throttle", 2, 2))
    bench.dial.turn(seconds=61)
    bench.drain()
    looked_at = [hit.collected_at for hit in bench.ours(Hit)]
    assert looked_at[0] == bench.dial()
    assert looked_at[1:] != [bench.dial()] * 2
