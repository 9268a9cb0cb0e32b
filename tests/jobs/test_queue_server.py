from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from jobs.installation import queue_server
from jobs.installation.queue_server import QueueServer
from jobs.settings import Settings


@pytest.fixture
def server(tmp_path: Path) -> Iterator[QueueServer]:
    running = queue_server.start(tmp_path)
    yield running
    running.stop()


def client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url)


def test_the_server_answers_keeps_a_file_and_never_evicts(
    server: QueueServer, tmp_path: Path
) -> None:
    with client(server.url) as connection:
        assert connection.config_get("appendonly") == {"appendonly": "yes"}
        assert connection.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert any((tmp_path / "queue").rglob("*.aof"))


def test_only_this_user_may_open_the_socket(server: QueueServer) -> None:
    path = Path(server.url.removeprefix("unix://"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_what_was_queued_outlives_a_restart(tmp_path: Path) -> None:
    first = queue_server.start(tmp_path)
    with client(first.url) as connection:
        connection.rpush("list", "a", "b")
    first.stop()
    assert not first.is_running()
    second = queue_server.start(tmp_path)
    try:
        with client(second.url) as connection:
            assert connection.lrange("list", 0, -1) == [b"a", b"b"]
    finally:
        second.stop()


def test_stopping_twice_is_stopping_once(server: QueueServer) -> None:
    server.stop()
    server.stop()
    assert not queue_server.is_answering(server.url)


def test_a_server_that_a_killed_launcher_left_is_replaced(tmp_path: Path) -> None:
    program = (
        "from pathlib import Path; from jobs.installation import queue_server; import sys, time;"
        "print(queue_server.start(Path(sys.argv[1])).pid, flush=True); time.sleep(600)"
    )
    launcher = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert launcher.stdout is not None
    left_over = int(launcher.stdout.readline())
    launcher.kill()
    launcher.wait()
    launcher.stdout.close()
    server = queue_server.start(tmp_path)
    try:
        assert server.pid != left_over
        assert queue_server.is_answering(server.url)
        assert _has_ended(left_over)
    finally:
        server.stop()


def _has_ended(pid: int) -> bool:
    for _ in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        state = Path(f"/proc/{pid}/stat")
        if state.exists() and state.read_text().split(") ")[1].startswith("Z"):
            return True
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    return False


def test_a_forked_child_does_not_stop_its_parents_server(server: QueueServer) -> None:
    server._owner = os.getpid() + 1  # as the server looks from another process
    server.stop()
    assert server.is_running()
    server._owner = os.getpid()


def test_a_long_folder_gets_a_socket_with_a_short_path(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 60) / ("y" * 60)
    url = queue_server.queue_url(Settings(data_dir=deep))
    assert len(url) <= queue_server.LONGEST_SOCKET_PATH + len("unix://")
    server = queue_server.start(deep)
    try:
        assert server.url == url
    finally:
        server.stop()


def test_a_configured_server_is_used_as_it_is() -> None:
    assert queue_server.queue_url(Settings(redis_url="redis://there:1/2")) == "redis://there:1/2"
