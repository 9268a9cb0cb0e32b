"""Background workers side by side: one makes a step, then another, as the seed decides."""

from __future__ import annotations

from collections.abc import Callable

from greenlet import getcurrent, greenlet
from sqlalchemy.exc import DBAPIError, OperationalError

from jobs import calls
from tests.simulation.chances import Chances, Crash
from tests.simulation.stage import Stage


class Process:
    """One background worker. It runs one work row at a time and stops between its steps.

    A step ends before each transaction and around each call to the venue: another process
    may run there, time may pass, and what was under way goes on later or never.
    """

    def __init__(self, name: str, stage: Stage, note: Callable[[str], None]) -> None:
        self._name = name
        self._stage = stage
        self._note = note
        self._n_lives = 0
        self._running: greenlet | None = None
        self._be_born()

    @property
    def is_busy(self) -> bool:
        """Whether a run is under way."""
        return self._running is not None

    def start(self, work_id: int) -> None:
        """Take up a work row, as a wake-up asks."""
        assert self._running is None
        self._running = greenlet(self._run)
        self._resume(work_id)

    def step(self) -> None:
        """Go on to the next place where others may run."""
        self._resume()

    def kill(self) -> None:
        """End the process where it stands."""
        if self._running is not None:
            self._running.throw(Crash)
            self._running = None

    def _resume(self, *arguments: int) -> None:
        assert self._running is not None
        self._running.switch(*arguments)
        if self._running.dead:
            self._running = None

    def _run(self, work_id: int) -> None:
        try:
            ran = calls.run(self._resources, work_id, self._owner)
        except Crash:
            self._note(f"{self._owner} is gone")
            self._be_born()
        except DBAPIError as error:
            self._note(f"{self._owner} fails: {error.orig}")
        else:
            self._note(f"{self._owner} ends work {work_id}" if ran else f"{work_id} is not free")

    def _be_born(self) -> None:
        """A new process remembers nothing: neither its clients' caches nor its name."""
        self._n_lives += 1
        self._owner = f"{self._name}.{self._n_lives}"
        self._resources = self._stage.resources()


def pause() -> None:
    """Let others run, if this is a background worker's step."""
    hub = getcurrent().parent
    if hub is not None:
        hub.switch()


def put_faults_around_transactions(stage: Stage, chances: Chances) -> None:
    """From now on transactions meet the seed's trouble, and others run before each."""
    sessions = stage.sessions

    def before_begin() -> None:
        pause()
        if chances.strikes("database locked"):
            raise _trouble("database is locked")

    def before_commit() -> None:
        if chances.strikes("crash before the commit"):
            raise Crash

    def after_commit() -> None:
        if chances.strikes("crash after the commit"):
            raise Crash
        if chances.strikes("commit's reply lost"):
            raise _trouble("the connection was cut after COMMIT")

    sessions.before_begin = before_begin
    sessions.before_commit = before_commit
    sessions.after_commit = after_commit


def _trouble(text: str) -> OperationalError:
    return OperationalError("COMMIT", {}, Exception(text))
