"""Everything on one machine: queue server, web app, marketplace and background workers.

Each part is a child process of its own, with a log in the data folder. A part that dies is
started again; when the launcher ends, by Ctrl-C, SIGTERM or even SIGKILL, so do the parts.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Self

from jobs.errors import Conflict
from jobs.installation import lifeline, queue_server
from jobs.settings import Settings

READY_SECONDS = 60.0
STOP_SECONDS = 20.0
RESTART_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0)
STEADY_SECONDS = 30.0  # a part that ran this long starts again without delay

Say = Callable[[str], None]


@dataclass(frozen=True)
class Part:
    """One child: its command, and the address that answers once it is ready ("" for none)."""

    name: str
    arguments: tuple[str, ...]
    ready_url: str = ""


@dataclass
class _Child:
    part: Part
    process: subprocess.Popen[bytes]
    started: float
    n_restarts: int = 0


@dataclass
class Stack:
    """The running whole. Use as a context manager: leaving it stops every part."""

    settings: Settings
    say: Say = field(default=lambda _line: None)
    _children: list[_Child] = field(default_factory=list)
    _queue: queue_server.QueueServer | None = None
    _lock: IO[bytes] | None = None
    _lifeline: tuple[int, int] | None = None

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def pids(self) -> dict[str, int]:
        """Process ids by part name."""
        found = {child.part.name: child.process.pid for child in self._children}
        return found | ({"queue": self._queue.pid} if self._queue else {})

    def supervise(self, should_stop: Callable[[], bool]) -> None:
        """Keep every part running until ``should_stop``."""
        while not should_stop():
            self.tend()
            time.sleep(0.25)

    def tend(self) -> None:
        """Start again what has died; a part that keeps dying is started ever more rarely."""
        if self._queue and not self._queue.is_running():
            self.say("queue server ended; starting it again")
            self._queue = queue_server.start(self.settings.data_dir)
        for index, child in enumerate(self._children):
            if child.process.poll() is None:
                continue
            ran = time.monotonic() - child.started
            n_restarts = 0 if ran > STEADY_SECONDS else child.n_restarts + 1
            if ran < RESTART_SECONDS[min(n_restarts, len(RESTART_SECONDS)) - 1]:
                continue
            self.say(f"{child.part.name} ended ({child.process.returncode}); starting it again")
            self._children[index] = self._launch(child.part, n_restarts)

    def stop(self) -> None:
        """End every part in good order: those that use the queue before the queue."""
        for child in self._children:
            if child.process.poll() is None:
                child.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for child in self._children:
            _wait_or_kill(child.process, deadline)
        self._children.clear()
        if self._queue:
            self._queue.stop()
            self._queue = None
        for end in self._lifeline or ():
            os.close(end)
        self._lifeline = None
        if self._lock:
            self._lock.close()
            self._lock = None

    def _start(self) -> None:
        data_dir = self.settings.data_dir
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        (data_dir / "logs").mkdir(exist_ok=True)
        self._lock = lifeline.lock_folder(data_dir)
        _refuse_taken_ports(self.settings)
        self._lifeline = os.pipe()
        if not self.settings.redis_url:
            self._queue = queue_server.start(data_dir)
            self.say(f"queue server: {self._queue.url}")
        for part in parts(self.settings):
            self._children.append(self._launch(part, 0))
        for child in self._children:
            self._wait_until_ready(child)

    def _launch(self, part: Part, n_restarts: int) -> _Child:
        if self._lifeline is None:
            raise Conflict("launcher: not started")
        read_end = self._lifeline[0]
        log = self.log_of(part.name)
        environment = {
            **os.environ,
            **environment_of(self.settings),
            lifeline.VARIABLE: str(read_end),
        }
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 - our own program with our own arguments
                [sys.executable, "-m", "webapp.cli", *part.arguments],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=[read_end],
            )
        return _Child(part, process, time.monotonic(), n_restarts)

    def _wait_until_ready(self, child: _Child) -> None:
        deadline = time.monotonic() + READY_SECONDS
        url = child.part.ready_url
        while url and not answers(url):
            if child.process.poll() is not None or time.monotonic() > deadline:
                raise Conflict(
                    f"{child.part.name}: did not start; its log {self.log_of(child.part.name)} "
                    f"ends: {_tail(self.log_of(child.part.name))}"
                )
            time.sleep(0.05)
        self.say(f"{child.part.name}: {url or 'started'}")

    def log_of(self, name: str) -> Path:
        """Where the part ``name`` writes what it says."""
        return self.settings.data_dir / "logs" / f"{name}.log"


def parts(settings: Settings) -> tuple[Part, ...]:
    """The children of the launcher, in the order in which they start."""
    marketplace = f"http://127.0.0.1:{settings.marketplace_port}/worker"
    background = (
        Part(f"background-{number}", ("background", "run"))
        for number in range(1, settings.n_background_workers + 1)
    )
    return (
        Part("marketplace", ("marketplace",), marketplace),
        Part("web", ("web",), f"http://{settings.web_host}:{settings.web_port}/sign-in"),
        *background,
    )


def environment_of(settings: Settings) -> Mapping[str, str]:
    """The settings as environment variables, for a child that reads them again."""
    return {f"HITWORKS_{name.upper()}": str(value) for name, value in settings.model_dump().items()}


def answers(url: str) -> bool:
    """Whether anything below a server error comes back."""
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - an http address of our own
            return True
    except urllib.error.HTTPError as error:
        with error:
            return error.code < 500
    except OSError:
        return False


@contextlib.contextmanager
def stop_on_signals() -> Iterator[Callable[[], bool]]:
    """A question that turns true at SIGINT or SIGTERM, which then end nothing by themselves."""
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    numbers: Sequence[signal.Signals] = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, stop) for number in numbers]
    try:
        yield stopped.is_set
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _refuse_taken_ports(settings: Settings) -> None:
    """Name the port that is in use, before anything is started."""
    taken = {
        "web_port": (settings.web_host, settings.web_port),
        "marketplace_port": ("127.0.0.1", settings.marketplace_port),
        "content_port": ("127.0.0.1", settings.content_port),
    }
    for name, (host, port) in taken.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise Conflict(
                    f"{name}: {host}:{port} is in use; set HITWORKS_{name.upper()} to another"
                ) from error


def _wait_or_kill(process: subprocess.Popen[bytes], deadline: float) -> None:
    try:
        process.wait(max(0.1, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _tail(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-1200:].strip() if log.exists() else ""
