"""The RQ door: a queue that only carries ids of work rows, and the worker that follows them.

Redis is disposable. A wake-up may be lost or doubled; the sweeper finds what is due in the
database, and running a row twice has the effect of once. Whoever can write to Redis can wake
rows and nothing else: names come from a fixed list, arguments are one whole number, and
callbacks, webhooks and worker commands are not read.
"""

from __future__ import annotations

import ctypes
import logging
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import redis
from rq import Queue, Worker
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer
from sqlalchemy import Engine

from jobs import calls, owners, work
from jobs.clock import database_clock
from jobs.db import UNANSWERED, open_engine, open_sessions, reading, transaction
from jobs.installation import logs
from jobs.installation.queue_server import queue_url
from jobs.intake.intakes import uploads_folder
from jobs.intake.scratch import remove_abandoned
from jobs.resources import Resources, open_resources
from jobs.settings import Settings
from jobs.tables import Work
from jobs.work import Lease

QUEUE = "hitworks"
_log = logging.getLogger(__name__)
_WORKER_TTL_SECONDS = 120
_RESTART_SECONDS = 1.0
_PR_SET_PDEATHSIG = 1


class WakeUp(Job):
    """An RQ job that can only name one of our calls and the id of a work row."""

    def restore(self, raw_data: Any) -> None:
        super().restore(raw_data)
        self._success_callback_name = None
        self._failure_callback_name = None
        self._stopped_callback_name = None
        self._dependency_ids = []
        self.webhooks = []
        self.group_id = None
        self.repeats_left = self.retries_left = None
        self.rate_limit_key = self.rate_limit_concurrency = None

    @property
    def func(self) -> Callable[..., Any]:
        """What the horse runs; never an import by name."""
        name, args = self.func_name, self.args
        if name not in calls.CALLS or self.kwargs:
            raise ValueError(f"expected one of {', '.join(calls.CALLS)}, got {name!r:.80}")
        if len(args) != 1 or type(args[0]) is not int:
            raise ValueError(f"{name}: expected the id of a work row, got {args!r:.80}")
        return _run_here

    success_callback = failure_callback = stopped_callback = property(lambda _: None)


def open_queue(connection: redis.Redis) -> Queue:
    """The one queue that wake-ups go through."""
    return Queue(QUEUE, connection=connection, job_class=WakeUp, serializer=JSONSerializer)


def wake(queue: Queue, rows: Iterable[Work]) -> int:
    """Put the rows' ids on the queue, leaving out those that wait there; how many were put."""
    waiting = {job_id.rpartition("-")[0] for job_id in queue.get_job_ids()}
    n_woken = 0
    for row in rows:
        name = f"work-{row.id}-{row.attempts}"
        if name in waiting:
            continue
        job = WakeUp.create(
            row.task_name,
            args=[row.id],
            id=f"{name}-{secrets.token_hex(4)}",  # RQ deletes by id what another worker may run
            connection=queue.connection,
            serializer=JSONSerializer,
            status=JobStatus.QUEUED,
            description=row.key,
            timeout=-1,
            result_ttl=0,
            failure_ttl=60,
        )
        queue.enqueue_job(job)
        n_woken += 1
    return n_woken


def wake_due(resources: Resources, connection: redis.Redis) -> int:
    """Wake every row that is due, at once instead of at the next sweep.

    Best effort, after a commit: a server that does not answer is left to the sweeper.
    """
    with reading(resources.sessions) as session:
        rows = work.due(session, resources.clock())
    try:
        return wake(open_queue(connection), rows) if rows else 0
    except redis.RedisError as error:
        _log.warning("the queue does not answer, the sweeper will wake the work: %s", error)
        return 0


def wake_now(resources: Resources) -> int:
    """``wake_due`` for a process that holds no connection, such as the web app."""
    connection = redis.Redis.from_url(
        queue_url(resources.settings), socket_connect_timeout=1, socket_timeout=2
    )
    with connection:
        return wake_due(resources, connection)


def run_worker(settings: Settings) -> None:
    """Serve the queue until SIGTERM; never returns otherwise.

    Whatever ends RQ's loop (the server restarts, its keys are flushed) starts it anew.
    """
    engine = open_engine(settings.database())
    resources = open_resources(settings, open_sessions(engine), database_clock(engine))
    level = settings.log_level.upper()
    logs.set_up(settings)
    while True:
        try:
            connection = redis.Redis.from_url(queue_url(settings))
            worker = _WakingWorker(connection, engine, resources)
            worker.work(logging_level=level)
        except redis.RedisError as error:
            _log.warning("the queue does not answer: %s", error)
        else:
            if worker.was_asked_to_stop:
                return
        time.sleep(_RESTART_SECONDS)


class _WakingWorker(Worker):
    """RQ's worker on our one queue, which sweeps between jobs and dies with its horses."""

    def __init__(self, connection: redis.Redis, engine: Engine, resources: Resources) -> None:
        self._engine = engine
        self._resources = resources
        self._swept_at: float | None = None  # by a counter that no change of the clock touches
        super().__init__(
            [open_queue(connection)],
            connection=connection,
            job_class=WakeUp,
            serializer=JSONSerializer,
            worker_ttl=_WORKER_TTL_SECONDS,
            default_result_ttl=0,
            log_job_description=False,
        )

    @property
    def was_asked_to_stop(self) -> bool:
        return self._shutdown_requested_date is not None

    @property
    def dequeue_timeout(self) -> int:
        """Idle no longer than until the next sweep."""
        return max(1, int(self._resources.settings.sweep_seconds))

    @property
    def should_run_maintenance_tasks(self) -> bool:
        pause = self._resources.settings.sweep_seconds
        return self._swept_at is None or time.monotonic() - self._swept_at >= pause

    def run_maintenance_tasks(self) -> None:
        """Sweep; RQ's own cleaning of its registries comes along, for tidiness."""
        self._swept_at = time.monotonic()
        try:
            self._sweep()
        except UNANSWERED as error:
            _log.warning("the database does not answer: %s", error)
        if super().should_run_maintenance_tasks:
            super().run_maintenance_tasks()  # type: ignore[no-untyped-call]

    def subscribe(self) -> None:
        """Take no commands over Redis; it would also put a thread beside the fork."""

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        """Fork with no database connection open: a child must never share one."""
        self._engine.dispose()
        super().fork_work_horse(job, queue)

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        _die_with_parent()
        global _here
        _here = (self._resources, self.connection)
        super().main_work_horse(job, queue)

    def _sweep(self) -> None:
        settings, clock = self._resources.settings, self._resources.clock
        with transaction(self._resources.sessions) as session:
            lease_seconds = max(5.0, 2 * settings.sweep_seconds)
            rows = work.sweep(
                session, owners.this_process(), clock(), lease_seconds, owners.is_gone
            )
        if rows:
            wake(open_queue(self.connection), rows)
        remove_abandoned(uploads_folder(settings))


_here: tuple[Resources, redis.Redis] | None = None
"""In a horse: what its one call works with."""


def _run_here(work_id: int) -> None:
    if _here is None:
        raise RuntimeError("background calls run in a worker's horse only")
    resources, connection = _here
    calls.run(resources, work_id, owners.this_process(), partial(kept, when_lost=_end_horse))
    wake_due(resources, connection)


def _end_horse(lease: Lease) -> None:
    """Free the worker of a run that hangs or has lost its work: what it was doing, another does.

    It ends as by ``kill -9``, which any run may at any place, and the row is found again.
    """
    claim = lease.claim
    _log.error(
        "%s of %s (work %s, attempt %s): the lease is lost, or nothing was heard of the run for %s;"
        " its process ends",
        claim.task_name, claim.subject_id, claim.work_id, claim.attempt, work.LONGEST_STEP,
    )  # fmt: skip
    os._exit(1)


def _leave_it(_lease: Lease) -> None:
    """A command is let go on to its next step, which the lost lease stops."""


@contextmanager
def kept(lease: Lease, when_lost: Callable[[Lease], None] = _leave_it) -> Iterator[None]:
    """Prolong the lease for as long as the block runs; a process that stands still loses it.

    ``when_lost`` is called, in a thread of its own, once the lease is another's or the step
    seems to hang.
    """
    is_over = threading.Event()

    def prolong() -> None:
        while not is_over.wait(lease.seconds / 3):
            try:
                if not lease.prolong():
                    break
            except UNANSWERED as error:
                _log.warning("the database does not answer: %s", error)
        if not is_over.is_set():
            when_lost(lease)

    keeper = threading.Thread(target=prolong, daemon=True)
    keeper.start()
    try:
        yield
    finally:
        is_over.set()
        keeper.join()


def _die_with_parent() -> None:
    """On Linux the kernel ends a horse whose worker was killed; elsewhere fencing has to do."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == 1:
        os._exit(1)
