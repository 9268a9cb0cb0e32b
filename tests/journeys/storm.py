"""Disturbances of a town's processes: which, when and how long all follow from one seed."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import redis
import requests

from jobs.errors import ProviderError
from jobs.installation.queue_server import queue_url
from jobs.rehearsals.robots import Robot, work
from tests.journeys.town import Town

KILLS = ("horse",) * 4 + ("background",) * 3 + ("queue",) * 2 + ("marketplace", "web")
STALLS = ("horse",) * 3 + ("background", "queue", "marketplace", "web")
FLUSH_EVERY = 5


@dataclass
class Postgres:
    """A server of the storm's own that is killed and started again."""

    pid: Callable[[], int]
    start: Callable[[], None]


@dataclass
class Storm:
    """What was done so far, in words; a failure prints it with the seed."""

    town: Town
    seed: int
    lease_seconds: float
    postgres: Postgres | None = None
    log: list[str] = field(default_factory=list)
    n_done: int = 0
    _wakers: list[threading.Timer] = field(default_factory=list)
    _stalled: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)

    def disturb(self) -> None:
        """One disturbance, then a pause; every fifth time the queue is emptied."""
        if self.n_done % FLUSH_EVERY == FLUSH_EVERY - 1:
            self._flush()
        elif self._chance.random() < 0.6:
            self._kill(self._chance.choice(KILLS + ("postgres",) * (2 if self.postgres else 0)))
        else:
            self._stall(self._chance.choice(STALLS + ("postgres",) * bool(self.postgres)))
        pause = self._chance.uniform(0.2, 0.7)
        deadline = time.monotonic() + pause
        while time.monotonic() < deadline:
            self.town.stack.tend()
            time.sleep(0.05)

    def calm(self) -> None:
        """Every stalled process goes on."""
        for waker in self._wakers:
            waker.join()
        self._wakers.clear()

    def story(self) -> str:
        return f"seed {self.seed}:\n" + "\n".join(self.log)

    def _note(self, what: str) -> None:
        self.n_done += 1
        self.log.append(f"{self.n_done}. {what}")

    def _kill(self, what: str) -> None:
        pid = self._pid(what)
        if pid is None or not _sent(pid, signal.SIGKILL):
            return
        self._note(f"kill -9 {what} {pid}")
        if what == "postgres" and self.postgres:
            self.postgres.start()

    def _stall(self, what: str) -> None:
        """SIGSTOP, and SIGCONT later: of a horse and its worker after the lease has ended."""
        pid = self._pid(what)
        if pid is None or not _sent(pid, signal.SIGSTOP):
            return
        self._stalled.add(pid)
        is_owner = what in ("horse", "background")
        seconds = self.lease_seconds + 1 if is_owner else self._chance.uniform(0.3, 1.5)
        self._note(f"stall {what} {pid} for {seconds:.1f} s")
        waker = threading.Timer(seconds, _sent, (pid, signal.SIGCONT))
        waker.start()
        self._wakers.append(waker)

    def _flush(self) -> None:
        try:
            with redis.Redis.from_url(queue_url(self.town.settings), socket_timeout=3) as queue:
                queue.flushall()
        except redis.RedisError as error:
            self.log.append(f"   the queue was away: {error}")
            self.town.stack.tend()
            self.calm()
            return
        self._note("FLUSHALL")

    def _pid(self, what: str) -> int | None:
        """A process of that kind, chosen by the seed; for a horse a moment is waited."""
        if what == "postgres":
            return self.postgres.pid() if self.postgres else None
        pids = self.town.stack.pids()
        if what != "horse":
            return pids[self._chance.choice(sorted(n for n in pids if n.startswith(what)))]
        parents = [pid for name, pid in sorted(pids.items()) if name.startswith("background")]
        self._chance.shuffle(parents)
        deadline = time.monotonic() + 1.0
        while time.monotonic() < deadline:
            for parent in parents:
                horses = [pid for pid in children(parent) if pid not in self._stalled]
                if horses:
                    return horses[0]
            time.sleep(0.01)
        return None


def children(pid: int) -> list[int]:
    """The child processes of ``pid``; none when it is gone."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(number) for number in text.split()]


@contextmanager
def stubborn_crowd(url: str, robots: list[Robot], known: dict) -> Iterator[None]:
    """Robots that sign in again when the marketplace was away."""
    stop = threading.Event()

    def live(robot: Robot) -> None:
        while not stop.wait(0.3):
            try:
                work(url, robot, known, stop.wait, lambda _done: None)
            except (ProviderError, requests.RequestException):
                continue

    threads = [threading.Thread(target=live, args=(robot,)) for robot in robots]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _sent(pid: int, number: signal.Signals) -> bool:
    """Whether there was still a process to send it to."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
