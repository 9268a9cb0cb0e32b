"""Writers of SQLite share commits: each is kept whole or not at all, and knows which."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import Engine, create_engine, event, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from webapp.marketplace.store import Sessions, open_store, reading, write
from webapp.marketplace.tables.traffic import Setting
from webapp.marketplace.turns import NotKept

N_WRITERS = 24


@pytest.fixture
def sessions(tmp_path: Path) -> Iterator[Sessions]:
    opened = open_store(f"sqlite:///{tmp_path / 'turns.sqlite'}")
    yield opened
    opened.kw["bind"].dispose()


def put(name: str, value: object = 1) -> object:
    return lambda session: session.add(Setting(name=name, value=value))


def names(sessions: Sessions) -> set[str]:
    with reading(sessions) as session:
        return set(session.scalars(select(Setting.name)))


def all_at_once(sessions: Sessions, works: list) -> list[Exception | None]:
    """What each writer was told: nothing, or the error."""
    start = Barrier(len(works))

    def do(work: object) -> Exception | None:
        start.wait()
        try:
            write(sessions, work)  # type: ignore[arg-type]
        except (ValueError, NotKept, DBAPIError) as error:
            return error
        return None

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(do, works))


def test_writers_in_line_share_a_commit_and_are_all_kept(sessions: Sessions) -> None:
    commits: list[object] = []
    engine: Engine = sessions.kw["bind"]
    event.listen(engine, "commit", commits.append)
    told = all_at_once(sessions, [put(f"n{n}") for n in range(N_WRITERS)])
    assert told == [None] * N_WRITERS
    assert names(sessions) >= {f"n{n}" for n in range(N_WRITERS)}
    assert 1 <= len(commits) <= N_WRITERS


def test_a_writer_that_fails_takes_nobody_with_it(sessions: Sessions) -> None:
    def fail(session: Session) -> None:
        session.add(Setting(name="half", value=1))
        session.flush()
        raise ValueError("changed its mind")

    works = [fail if n % 3 == 0 else put(f"n{n}") for n in range(N_WRITERS)]
    told = all_at_once(sessions, works)
    assert [isinstance(error, ValueError) for error in told] == [n % 3 == 0 for n in range(24)]
    kept = names(sessions)
    assert "half" not in kept
    assert kept >= {f"n{n}" for n in range(N_WRITERS) if n % 3}


def test_two_of_the_same_key_leave_one(sessions: Sessions) -> None:
    told = all_at_once(sessions, [put("only", n) for n in range(8)])
    assert sum(error is None for error in told) == 1
    with reading(sessions) as session:
        assert session.scalar(select(func.count()).where(Setting.name == "only")) == 1


def test_on_a_full_disk_only_what_is_kept_was_promised(tmp_path: Path) -> None:
    path = tmp_path / "full.sqlite"
    sessions = open_store(f"sqlite:///{path}")
    engine: Engine = sessions.kw["bind"]

    def limit(connection: object, _record: object, _user: object) -> None:
        connection.execute("PRAGMA max_page_count=160")  # type: ignore[attr-defined]

    event.listen(engine, "checkout", limit)
    told = all_at_once(sessions, [put(f"n{n}", "x" * 20_000) for n in range(N_WRITERS)])
    engine.dispose()
    promised = {f"n{n}" for n, error in enumerate(told) if error is None}
    assert 0 < len(promised) < N_WRITERS
    reopened = create_engine(f"sqlite:///{path}")
    with reopened.connect() as connection:
        kept = set(connection.scalars(select(Setting.name)))
    reopened.dispose()
    assert kept == promised
