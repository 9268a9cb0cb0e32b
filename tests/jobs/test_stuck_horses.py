"""A worker whose run hangs, or has lost its work, does not wait for it: the run's process ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from jobs import owners, work
from jobs.clock import machine_time
from jobs.db import transaction
from jobs.tables import Hit, Work
from tests.jobs.dribbling import Line, line_to
from tests.jobs.processes import check_end, wait_until, wait_until_finished

POST = "CreateHITWithHITType"
# A venue that holds on to a call for as long as it likes, as a bug of ours or a library's might.
PATIENT = """
from jobs import background, settings
from jobs.providers import _turk_deadline
_turk_deadline.LONGEST_CALL_SECONDS = 1e9
{more}
background.run_worker(settings.read_settings())
"""
HASTY = """
from datetime import timedelta
from jobs import work
work.LONGEST_STEP = timedelta(seconds=5)
"""


@pytest.fixture
def line(live) -> Iterator[Line]:
    """A line to the venue, on which the reply to each post takes minutes."""
    bench, workers, _ = live
    with line_to(bench.market.url) as found:
        found.slow = {POST: "headers"}
        workers.environment["HITWORKS_MTURK_LOCAL_URL"] = found.url
        yield found


def stuck(bench, line):
    """The work that is stuck in a call, once it is."""
    wait_until(lambda: line.n_slow, bench)
    found = []
    wait_until(lambda: found.extend(bench.ours(Work, state="running")) or found, bench)
    assert [hit.state for hit in bench.ours(Hit)] == ["sending"]
    return found[0]


def test_a_horse_that_hangs_ends_and_its_worker_goes_on(live, line):
    bench, workers, _ = live
    job_id = bench.launch(n_items=1)
    workers.start(1, PATIENT.format(more=HASTY))
    first = stuck(bench, line)
    wait_until(lambda: line.n_slow > 1, bench)
    assert owners.is_gone(first.owner)
    assert workers.processes[0].poll() is None
    (again,) = bench.ours(Work, task_name="publish_batch")
    assert again.attempts > first.attempts
    assert again.failures > 0
    assert "without a word" in again.error
    line.slow = {}
    wait_until(lambda: [hit.state for hit in bench.ours(Hit)] == ["posted"], bench)
    bench.answer_all()
    wait_until_finished(bench, job_id)
    check_end(bench, job_id, 1, 2)
    assert workers.stop() == [0]


def test_a_horse_whose_work_was_taken_over_ends_and_its_worker_does_other_work(live, line):
    bench, workers, _ = live
    job_id = bench.launch(n_items=1)
    workers.start(1, PATIENT.format(more=""))
    mine = stuck(bench, line)
    with transaction(bench.sessions) as session:
        row = session.get_one(Work, mine.id, with_for_update=True)
        row.owner, row.attempts = "elsewhere:1", row.attempts + 1
        row.lease_until = machine_time() + timedelta(hours=1)
    wait_until(lambda: owners.is_gone(mine.owner), bench)
    assert workers.processes[0].poll() is None

    line.slow = {}
    with transaction(bench.sessions) as session:
        work.enqueue(session, "watch_deadlines", 0, machine_time())
    wait_until(lambda: bench.ours(Work, task_name="watch_deadlines")[0].attempts, bench)
    assert bench.ours(Work, id=mine.id)[0].owner == "elsewhere:1"

    with transaction(bench.sessions) as session:
        theirs = work.Claim(mine.id, mine.task_name, 1, "elsewhere:1", mine.attempts + 1)
        assert work.finish(session, theirs, machine_time(), again_at=machine_time())
    wait_until(lambda: [hit.state for hit in bench.ours(Hit)] == ["posted"], bench)
    bench.answer_all()
    wait_until_finished(bench, job_id)
    check_end(bench, job_id, 1, 2)
    assert workers.stop() == [0]
