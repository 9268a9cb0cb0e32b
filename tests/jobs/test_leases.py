"""A step that lasts longer than its lease keeps it; a run that was taken over writes nothing."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from jobs import background, calls, work
from jobs.combining import consensus
from jobs.db import reading, transaction
from jobs.resources import open_resources
from jobs.settings import Settings
from jobs.tables import Consensus, Work
from tests.factories import NOW, box, make_answer, make_dataset, make_hits, make_job, make_route
from tests.factories import make_worker as hire
from tests.jobs.fault_points import Crash
from tests.jobs.lifecycle import Dial

RED = {"tags": {"colour": "red"}}
BLUE = {"tags": {"colour": "blue"}}


def take(sessions, owner, dial, seconds=120.0):
    """A lease of the one work row, or None while it is another's."""
    with transaction(sessions) as session:
        row = work.enqueue(session, "advance_job", 1, dial())
    with transaction(sessions) as session:
        claim = work.claim(session, row.id, owner, dial(), seconds)
    return claim and work.Lease(sessions, claim, dial, seconds)


def lease_end(sessions):
    with reading(sessions) as session:
        return session.get_one(Work, 1).lease_until


def wait_until(is_so):
    while not is_so():
        time.sleep(0.01)


def test_a_step_of_many_leases_is_not_taken_over_and_ends_with_its_process(sessions):
    dial = Dial()
    lease = take(sessions, "first", dial, seconds=0.3)
    with background.kept(lease):
        for _ in range(5):
            before = lease_end(sessions)
            dial.turn(seconds=0.25)
            wait_until(lambda before=before: lease_end(sessions) > before)
            assert take(sessions, "second", dial) is None
    dial.turn(seconds=0.31)
    assert take(sessions, "second", dial) is not None


def test_a_step_that_never_says_a_word_is_given_up(sessions):
    dial = Dial()
    lease = take(sessions, "first", dial)
    dial.turn(seconds=work.LONGEST_STEP.total_seconds())
    assert lease.prolong()
    dial.turn(seconds=1)
    assert not lease.prolong()
    lease(1, 2)
    assert lease.prolong()


def test_a_lease_that_was_taken_over_is_not_prolonged(sessions):
    dial = Dial()
    lease = take(sessions, "first", dial)
    dial.turn(seconds=121)
    second = take(sessions, "second", dial)
    assert not lease.prolong()
    assert second.prolong()
    with pytest.raises(work.LeaseLost), transaction(sessions) as session:
        lease.fence(session)


def test_a_combination_that_was_taken_over_while_it_learned_overwrites_nothing(sessions):
    """The first run stands still in its fit; the second combines one answer more and is done."""
    with transaction(sessions) as session:
        items = make_dataset(session, 1)
        job = make_job(session, items)
        (hit,) = make_hits(session, make_route(session, job), items)
        make_answer(session, hit, hire(session, "ben"), RED)
        late = hire(session, "cho")
    dial = Dial()
    first = take(sessions, "first", dial)
    learned = []

    def stand_still(n_done, n_total):
        if learned:
            return
        learned.append(True)
        dial.turn(seconds=121)
        with transaction(sessions) as session:
            make_answer(session, hit, late, BLUE)
        second = take(sessions, "second", dial)
        consensus.combine_in_pages(sessions, job.id, dial(), second, fence=second.fence)

    with pytest.raises(work.LeaseLost):
        consensus.combine_in_pages(sessions, job.id, NOW, stand_still, fence=first.fence)
    with reading(sessions) as session:
        (row,) = session.query(Consensus)
    assert (row.n_answers, row.combined_at) == (2, NOW + timedelta(seconds=121))


def test_a_sweep_leaves_a_run_alone_that_renewed_or_ended_since_it_looked(sessions):
    dial = Dial()
    lease = take(sessions, "first", dial)
    with reading(sessions) as session:
        seen = session.get_one(Work, 1)
    lease(1, 2)
    dial.turn(seconds=1)
    lease(1, 2)
    with transaction(sessions) as session:
        work._end_run(session, seen, dial())
    with reading(sessions) as session:
        row = session.get_one(Work, 1)
    assert (row.state, row.owner, row.failures) == ("running", "first", 0)


def test_a_job_whose_combination_always_dies_waits_for_a_person(sessions, tmp_path, monkeypatch):
    """However many rounds of its fit each run does before: the next begins them anew."""
    with transaction(sessions) as session:
        items = make_dataset(session, 12)
        job = make_job(session, items)
        cast = [hire(session, name) for name in ("ben", "cho", "dan")]
        for hit in make_hits(session, make_route(session, job, kind="boxes"), items):
            for worker in cast:
                make_answer(session, hit, worker, {"boxes": [box(9, 9, 40, 40)]})
        row = work.enqueue(session, "advance_job", job.id, NOW)
    dial = Dial()
    resources = open_resources(Settings(data_dir=tmp_path), sessions, dial)
    told = []

    def die(*_):
        with reading(sessions) as session:
            told.append(session.get_one(Work, row.id).n_done)
        raise Crash

    monkeypatch.setattr(consensus, "_write", die)
    for _ in range(work.MAX_FAILURES):
        with pytest.raises(Crash):
            calls.run(resources, row.id, "here")
        dial.turn(seconds=1000)
        with transaction(sessions) as session:
            work.sweep(session, "sweeper", dial(), 1)
    assert min(told) > 2
    with reading(sessions) as session:
        kept = session.get_one(Work, row.id)
    assert (kept.state, kept.failures) == ("needs_person", work.MAX_FAILURES)
    assert not calls.run(resources, row.id, "here")
