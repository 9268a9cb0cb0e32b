"""A queue that is full, read-only or shut: work is kept, said in the log, and woken later."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
import redis
from rq.serializers import JSONSerializer

from jobs import background, calls
from jobs.background import WakeUp
from jobs.tables import Hit, Work
from tests.jobs.lifecycle import Bench

Act = Callable[[redis.Redis], object]
SICK: dict[str, tuple[Act, Act]] = {
    "full": (
        lambda server: server.config_set("maxmemory", 1),
        lambda server: server.config_set("maxmemory", 0),
    ),
    "a read-only replica": (
        lambda server: server.replicaof("127.0.0.1", 9),
        lambda server: server.replicaof("NO", "ONE"),
    ),
    "another password": (
        lambda server: server.config_set("requirepass", "secret"),
        lambda server: server.config_set("requirepass", ""),
    ),
}


@pytest.mark.parametrize("name", SICK)
def test_work_is_kept_while_the_queue_is_sick_and_woken_once_it_is_well(
    bench: Bench, queue_url: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    fall_ill, recover = SICK[name]
    bench.launch(n_items=1)
    n_waiting = bench.count(Work, state="ready")
    with redis.Redis.from_url(queue_url, single_connection_client=True) as server:
        assert server.ping()
        fall_ill(server)
        with caplog.at_level(logging.WARNING), redis.Redis.from_url(queue_url) as asked:
            assert background.wake_due(bench.resources, asked) == 0
        assert "the queue does not answer" in caplog.text
        assert "secret" not in caplog.text
        assert bench.count(Work, state="ready") == n_waiting > 0
        recover(server)
        assert background.wake_due(bench.resources, server) > 0
    calls.drain(bench.resources)
    assert bench.count(Hit, state="posted") == 1
    bench.check_books()


def test_a_wake_up_is_never_broken_off_by_a_signal_of_the_queue(
    bench: Bench, queue_url: str
) -> None:
    """RQ's limit raises at any line, in the middle of a paid call, too: leases do without it."""
    bench.launch(n_items=1)
    with redis.Redis.from_url(queue_url) as server:
        assert background.wake_due(bench.resources, server) > 0
        queue = background.open_queue(server)
        woken = [
            WakeUp.fetch(job_id, connection=server, serializer=JSONSerializer)
            for job_id in queue.get_job_ids()
        ]
    assert woken
    assert {(job.timeout, job.retries_left) for job in woken} == {(-1, None)}
