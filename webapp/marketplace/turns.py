"""SQLite's writers take turns, and those that stand in line share one commit.

A commit waits for the disk, a hundred times longer than the work. So a writer whose turn ends
while another waits leaves its work, whole, in the open transaction for that one to commit. No
writer gets an answer before its work is on the disk.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Lock
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

Result = TypeVar("Result")

_MOST_IN_ONE = 32


class NotKept(Exception):
    """The transaction that several writers shared did not reach the disk; nothing of it is kept."""


class _Shared:
    """One open transaction, and whether its end has come."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.n_writers = 0
        self.problem: Exception | None = None
        self._over = Event()

    def is_whole(self) -> bool:
        """False when SQLite has undone the transaction by itself, as when the disk is full."""
        driver = self.connection.connection.dbapi_connection
        return driver is not None and bool(driver.in_transaction)

    def end(self) -> None:
        """Commit; where that fails every writer is told."""
        try:
            if self.is_whole():
                self.connection.commit()
            else:
                self.problem = NotKept("SQLite undid the transaction")
        except DBAPIError as error:
            self.problem = error
        finally:
            self.connection.close()
            self._over.set()

    def wait(self) -> None:
        """Return when the work is kept.

        Raises:
            NotKept: it is not.

        """
        self._over.wait()
        if self.problem is not None:
            raise NotKept("the transaction was not kept") from self.problem


class Turns:
    """The line of those who want to write."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turn = Lock()
        self._counting = Lock()
        self._n_waiting = 0
        self._open: _Shared | None = None

    def write(self, work: Callable[[Session], Result]) -> Result:
        """The result of ``work``, once it is on the disk; a ``work`` that raises leaves no trace.

        Raises:
            NotKept: the disk did not take it.

        """
        shared = None
        with self._counting:
            self._n_waiting += 1
        try:
            with self._turn:
                with self._counting:
                    self._n_waiting -= 1
                shared = self._open or _Shared(self._engine.connect())
                try:
                    return _within(shared, work)
                finally:
                    self._pass_on(shared)
        finally:
            if shared is not None:
                shared.wait()

    def _pass_on(self, shared: _Shared) -> None:
        """Leave the transaction to the next in line, or end it."""
        shared.n_writers += 1
        is_last = self._n_waiting == 0 or shared.n_writers >= _MOST_IN_ONE
        if is_last or not shared.is_whole():
            self._open = None
            shared.end()
        else:
            self._open = shared


def _within(shared: _Shared, work: Callable[[Session], Result]) -> Result:
    """``work`` in a savepoint of its own."""
    connection = shared.connection
    if not connection.in_transaction():
        connection.begin()
    with (
        Session(
            connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
        ) as session,
        session.begin(),
    ):
        return work(session)
