"""The queue only wakes: it may be flushed, and its workers killed, without loss or doubling."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import redis
from rq.job import Job
from rq.serializers import JSONSerializer

from jobs import background, calls, owners, work
from jobs.clock import machine_time
from jobs.db import transaction
from jobs.tables import Hit, RawSubmission, Work
from tests.jobs.processes import check_end, wait_until, wait_until_finished
from webapp.marketplace.faults import Fault

LOSSY_PROGRAM = """
import random, sys
from rq import Queue
from jobs import background, settings

chances = random.Random(sys.argv[1])

class Lossy(Queue):
    "Drops 30 % of the wake-ups and doubles 30 %."
    def enqueue_job(self, job, **more):
        chance = chances.random()
        if chance < 0.3:
            return job
        super().enqueue_job(job, **more)
        if chance > 0.7:
            self.push_job_id(job.id)
        return job

background.Queue = Lossy
background.run_worker(settings.read_settings())
"""


def test_a_worker_takes_a_job_from_launch_to_labels_and_stops_when_asked(live):
    bench, workers, _ = live
    workers.start()
    job_id = bench.launch(n_items=3)
    wait_until(lambda: len(bench.market_hits()) == 3)
    bench.answer_all()
    wait_until_finished(bench, job_id)
    check_end(bench, job_id, 3, 6)
    assert workers.stop() == [0]


def test_flushing_the_queue_loses_nothing(live):
    bench, workers, queue = live
    workers.start()
    job_id = bench.launch(n_items=3)
    queue.flushall()
    wait_until(lambda: bench.market_hits())
    queue.flushall()
    wait_until(lambda: len(bench.market_hits()) == 3)
    queue.flushall()
    bench.answer_all()
    queue.flushall()
    wait_until_finished(bench, job_id)
    check_end(bench, job_id, 3, 6)


def test_a_queue_that_drops_and_doubles_a_third_changes_nothing(live):
    bench, workers, _ = live
    workers.start(2, LOSSY_PROGRAM, "seed 7")
    job_id = bench.launch(n_items=4)
    wait_until(lambda: len(bench.market_hits()) == 4, bench)
    bench.answer_all()
    wait_until_finished(bench, job_id)
    check_end(bench, job_id, 4, 8)


def test_killing_the_workers_in_the_middle_doubles_and_loses_nothing(live):
    bench, workers, _ = live
    job_id = bench.launch(n_items=6)
    bench.market.market.faults.replace(
        [Fault("CreateHITWithHITType", "delay_after", 1, 1000, seconds=0.3)]
    )
    for n_hits in (1, 3):
        workers.start(2)
        wait_until(lambda n_hits=n_hits: len(bench.market_hits()) >= n_hits)
        workers.kill()
    bench.market.market.faults.replace([])
    workers.start()
    wait_until(lambda: len(bench.market_hits()) == 6)
    bench.answer_all()
    wait_until(lambda: bench.count(RawSubmission) > 2)
    workers.kill()
    workers.start()
    wait_until_finished(bench, job_id)
    check_end(bench, job_id, 6, 12)


def test_a_horse_dies_with_its_worker(live):
    bench, workers, _ = live
    bench.market.market.faults.replace(
        [Fault("CreateHITWithHITType", "delay_before", 1, 1000, seconds=20.0)]
    )
    bench.launch(n_items=1)
    workers.start()
    (parent,) = workers.processes
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
    if not children.parent.exists():
        pytest.skip("needs Linux's /proc")
    wait_until(lambda: bench.ours(Hit)[0].state == "sending")
    (horse,) = children.read_text().split()
    workers.kill()
    wait_until(lambda: not Path(f"/proc/{horse}").exists())


def test_whoever_writes_to_the_queue_can_wake_rows_and_nothing_else(live, tmp_path):
    bench, workers, queue = live
    canary = tmp_path / "canary"
    bench.launch(n_items=1)
    (row,) = bench.ours(Work, task_name="publish_batch")
    touch = {"serializer": JSONSerializer, "connection": queue}
    attacks = [
        Job.create("os.system", [f"touch {canary}"], id="one", **touch),
        Job.create("publish_batch", [row.id, f"touch {canary}"], id="two", **touch),
        Job.create("publish_batch", [row.id], id="three", **touch),
    ]
    for name in ("success", "failure", "stopped"):
        setattr(attacks[2], f"_{name}_callback_name", "pathlib.Path.touch")
    open_queue = background.open_queue(queue)
    for attack in attacks:
        open_queue.enqueue_job(attack)
    workers.start()
    wait_until(lambda: bench.market_hits())
    wait_until(lambda: not open_queue.get_job_ids())
    workers.stop()
    assert not canary.exists()


@pytest.mark.parametrize(
    ("name", "args", "kwargs"),
    [
        ("os.system", [1], {}),
        ("jobs.calls.run", [1], {}),
        ("publish_batch", [], {}),
        ("publish_batch", [1, 2], {}),
        ("publish_batch", ["1"], {}),
        ("publish_batch", [True], {}),
        ("publish_batch", [1.0], {}),
        ("publish_batch", [[1]], {}),
        ("publish_batch", [1], {"work_id": 2}),
    ],
)
def test_a_wake_up_names_a_call_of_ours_and_one_row_or_runs_nothing(queue_url, name, args, kwargs):
    with redis.Redis.from_url(queue_url) as connection:
        evil = Job.create(
            name, args, kwargs, id="evil", serializer=JSONSerializer, connection=connection
        )
        for kind in ("success", "failure", "stopped"):
            setattr(evil, f"_{kind}_callback_name", "os.getpid")
        evil._dependency_ids = ["another"]
        evil.save()
        read = background.WakeUp.fetch("evil", connection=connection, serializer=JSONSerializer)
    with pytest.raises(ValueError, match="expected"):
        assert read.func
    assert read.success_callback is read.failure_callback is read.stopped_callback is None
    assert (read._dependency_ids, read.retries_left) == ([], None)


def test_a_pickle_on_the_queue_is_never_opened(live, tmp_path):
    bench, workers, queue = live
    bench.launch(n_items=1)
    canary = tmp_path / "canary"
    payload = pickle.dumps(("publish_batch", None, (_Bomb(canary),), {}))
    now = machine_time().isoformat()
    queue.hset(
        "rq:job:bomb",
        mapping={
            "data": payload,
            "created_at": now,
            "origin": background.QUEUE,
            "status": "queued",
        },
    )
    queue.rpush(f"rq:queue:{background.QUEUE}", "bomb")
    workers.start()
    wait_until(lambda: bench.market_hits())
    assert workers.stop() == [0]
    assert not canary.exists()


class _Bomb:
    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self):
        return Path.touch, (self._path,)


def test_waking_twice_puts_an_id_on_the_queue_once(live):
    bench, _, queue = live
    bench.launch(n_items=1)
    assert background.wake_due(bench.resources, queue) == 2
    assert background.wake_due(bench.resources, queue) == 0
    assert len(background.open_queue(queue).get_job_ids()) == 2


def test_work_commits_although_the_queue_is_down(live):
    bench, _, queue = live
    bench.launch(n_items=1)
    down = redis.Redis(unix_socket_path="/nowhere/queue.sock")
    assert background.wake_due(bench.resources, down) == 0
    assert calls.drain(bench.resources) > 0
    queue.close()


def test_a_run_that_lost_its_lease_changes_nothing(bench):
    bench.launch(n_items=1)
    (row,) = bench.ours(Work, task_name="publish_batch")
    with transaction(bench.sessions) as session:
        first = work.claim(session, row.id, "first", bench.dial(), 10)
    assert first is not None
    with transaction(bench.sessions) as session:
        assert work.claim(session, row.id, "second", bench.dial(), 10) is None
    bench.dial.turn(seconds=11)
    with transaction(bench.sessions) as session:
        second = work.claim(session, row.id, "second", bench.dial(), 10)
    assert second is not None
    late = work.Lease(bench.sessions, first, bench.dial, 10)
    with pytest.raises(work.LeaseLost):
        late(1, 1)
    with transaction(bench.sessions) as session:
        assert not work.finish(session, first, bench.dial(), again_at=None)
        assert not work.fail(session, first, bench.dial(), "late", is_transient=False)
        assert work.finish(session, second, bench.dial(), again_at=None)


def test_work_asked_for_while_it_runs_runs_once_more(bench):
    bench.launch(n_items=1)
    (row,) = bench.ours(Work, task_name="advance_job")
    with transaction(bench.sessions) as session:
        claim = work.claim(session, row.id, "me", bench.dial(), 10)
    bench.ask_again(row)
    with transaction(bench.sessions) as session:
        work.finish(session, claim, bench.dial(), again_at=None)
    (row,) = bench.ours(Work, task_name="advance_job")
    assert (row.state, row.next_try_at) == ("ready", bench.dial())


def test_work_that_kills_its_process_each_time_ends_with_a_person(bench):
    bench.launch(n_items=1)
    (row,) = bench.ours(Work, task_name="publish_batch")
    for _ in range(work.MAX_FAILURES):
        with transaction(bench.sessions) as session:
            assert work.claim(session, row.id, "me", bench.dial(), 10)
        bench.dial.turn(seconds=60)
        with transaction(bench.sessions) as session:
            work.sweep(session, "sweeper", bench.dial(), 30)
    (row,) = bench.ours(Work, task_name="publish_batch")
    assert row.state == "needs_person"
    with transaction(bench.sessions) as session:
        work.revive(session, row.id, bench.dial())
    bench.drain()
    assert len(bench.market_hits()) == 1


def test_work_of_a_dead_process_of_this_machine_does_not_wait_for_its_lease(bench):
    bench.launch(n_items=1)
    (row,) = bench.ours(Work, task_name="publish_batch")
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    owner = owners.this_process().rpartition(":")[0] + f":{child.pid}"
    with transaction(bench.sessions) as session:
        assert work.claim(session, row.id, owner, bench.dial(), 600)
        assert work.sweep(session, owner, bench.dial(), 600) is not None

    def sweep():
        with transaction(bench.sessions) as session:
            found = work.sweep(session, "me", bench.dial(), 600, owners.is_gone)
            return found and [one.id for one in found]

    assert sweep() is None
    child.kill()
    child.wait()
    assert row.id in sweep()
    assert bench.ours(Work, id=row.id)[0].state == "ready"


@pytest.mark.parametrize("owner", ["", "me", "elsewhere:abc:1:99999999", "1", "x" * 80])
def test_of_an_owner_elsewhere_nothing_is_known(owner):
    assert not owners.is_gone(owner)
    assert not owners.is_gone(owners.this_process())
    assert len(owners.this_process()) <= 80


def test_one_process_sweeps_at_a_time(bench):
    with transaction(bench.sessions) as session:
        assert work.sweep(session, "one", bench.dial(), 30) is not None
    with transaction(bench.sessions) as session:
        assert work.sweep(session, "two", bench.dial(), 30) is None
    bench.dial.turn(seconds=31)
    with transaction(bench.sessions) as session:
        assert work.sweep(session, "two", bench.dial(), 30) is not None
