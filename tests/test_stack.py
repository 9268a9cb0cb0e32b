"""The launcher with its real children."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import pytest

from jobs.errors import Conflict
from jobs.installation import queue_server
from jobs.marketplace_accounts import add_worker, read_admin_token
from jobs.settings import Settings
from webapp import stack


def free_ports(n: int) -> list[int]:
    with ExitStack() as opened:
        probes = [opened.enter_context(socket.socket()) for _ in range(n)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    web, marketplace, content = free_ports(3)
    return Settings(
        data_dir=tmp_path / "data",
        web_port=web,
        marketplace_port=marketplace,
        content_port=content,
        n_background_workers=1,
        sweep_seconds=1.0,
    )


@contextmanager
def launched(settings: Settings) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """``hitworks up`` as a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", "webapp.cli", "up"],
        env={**os.environ, **stack.environment_of(settings), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout
        finally:
            process.kill()


def until(answer: bool, url: str, seconds: float = 30) -> bool:
    """Whether the address answers (or not) within the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if stack.answers(url) is answer:
            return True
        time.sleep(0.05)
    return False


def read_until(stream: IO[str], text: str) -> str:
    said = ""
    for line in stream:
        said += line
        if text in line:
            return said
    raise AssertionError(f"never said {text!r}: {said}")


def test_everything_answers_and_ends_together(settings: Settings) -> None:
    said: list[str] = []
    with stack.Stack(settings, said.append) as running:
        assert set(running.pids()) == {"queue", "web", "marketplace", "background-1"}
        assert stack.answers(f"{settings.web_url()}/sign-in")
        assert stack.answers(f"{settings.local_mturk()}/worker")
        assert queue_server.is_answering(queue_server.queue_url(settings))
        with pytest.raises(Conflict, match="another launcher"), stack.Stack(settings):
            pass
        token = read_admin_token(settings.data_dir)
        assert add_worker(settings.local_mturk(), token, "ann", "a password", is_staff=True)
        with pytest.raises(Conflict, match="ann"):
            add_worker(settings.local_mturk(), token, "ann", "a password")
        pids = running.pids()
        running.stop()
        running.stop()
    assert not any(_lives(pid) for pid in pids.values())
    assert not stack.answers(settings.web_url())


def test_a_part_that_dies_is_started_again(settings: Settings) -> None:
    with stack.Stack(settings) as running:
        before = running.pids()
        for name in ("background-1", "queue"):
            os.kill(before[name], signal.SIGKILL)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            running.tend()
            after = running.pids()
            is_back = queue_server.is_answering(queue_server.queue_url(settings))
            if is_back and after["background-1"] != before["background-1"]:
                break
            time.sleep(0.1)
        assert running.pids()["background-1"] != before["background-1"]
        assert queue_server.is_answering(queue_server.queue_url(settings))


def test_a_taken_port_is_named_and_nothing_is_left_running(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", settings.web_port))
        taken.listen()
        with pytest.raises(Conflict, match="HITWORKS_WEB_PORT"), stack.Stack(settings):
            pass
    assert not queue_server.is_answering(queue_server.queue_url(settings))


def test_up_prints_addresses_and_ends_in_good_order_at_sigterm(settings: Settings) -> None:
    with launched(settings) as (process, said):
        text = read_until(said, "Logs:")
        assert settings.web_url() in text
        assert "first-run token" in text
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert not stack.answers(settings.local_mturk())


def test_the_parts_end_even_when_the_launcher_is_killed(settings: Settings) -> None:
    with launched(settings) as (process, said):
        read_until(said, "Logs:")
        process.kill()
        process.wait()
        assert until(False, f"{settings.web_url()}/sign-in")
        assert until(False, f"{settings.local_mturk()}/worker")
    with stack.Stack(settings) as again:
        assert stack.answers(f"{settings.web_url()}/sign-in")
        assert set(again.pids()) == {"queue", "web", "marketplace", "background-1"}


def test_the_settings_reach_the_children_unchanged(settings: Settings) -> None:
    environment = stack.environment_of(settings)
    assert environment["HITWORKS_WEB_PORT"] == str(settings.web_port)
    assert set(environment) == {f"HITWORKS_{name.upper()}" for name in Settings.model_fields}


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
