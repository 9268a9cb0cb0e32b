"""A story told again and again, broken off at each of its points in turn.

A point is a commit of ours (the process dies right before or right after it) or a call to
the venue (its request or its reply is lost). After the break the story goes on as after a
restart, with leases that run out; at its end nothing may be doubled, lost or over budget.
"""

from __future__ import annotations

import atexit
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlalchemy import Engine, event, text, update
from sqlalchemy.orm import Session, sessionmaker

from jobs import calls, work
from jobs.combining import tallies
from jobs.db import open_engine, open_sessions, reading, transaction
from jobs.installation.migrating import upgrade
from jobs.spending import ledger
from jobs.tables import (
    Assignment,
    Finding,
    Hit,
    Installation,
    Intent,
    Job,
    Label,
    LedgerTransaction,
    RawSubmission,
    Work,
)
from tests.factories import NOW
from tests.jobs.lifecycle import Bench, Dial, open_bench
from webapp.marketplace.faults import Fault
from webapp.marketplace.serving import Running

LEASE_SECONDS = 120
MOST_ROUNDS = 40
SURE_OF_TWO_IN_THREE = {"sure_at": 0.6, "max_extra_answers": 1}


class Crash(BaseException):
    """The process is gone: nothing catches this, as nothing catches SIGKILL."""


@dataclass(frozen=True)
class Point:
    """Where a story breaks: ``before_commit``, ``after_commit``, or an effect of the venue."""

    where: str
    number: int


class Breaker:
    """Counts commits, and crashes at the chosen ones."""

    def __init__(self, points: Iterable[Point] = ()) -> None:
        self._points = set(points)
        self.n_commits = 0
        self.is_on = True

    def watch(self, maker: sessionmaker[Session]) -> None:
        event.listen(maker, "before_commit", self._before)
        event.listen(maker, "after_commit", self._after)

    def _before(self, _session: Session) -> None:
        if self.is_on:
            self.n_commits += 1
            self._crash_at("before_commit")

    def _after(self, _session: Session) -> None:
        if self.is_on:
            self._crash_at("after_commit")

    def _crash_at(self, where: str) -> None:
        point = Point(where, self.n_commits)
        if point in self._points:
            self._points.remove(point)
            raise Crash


@dataclass(frozen=True)
class Ending:
    """How many points the story passed, and what was wrong at its end (nothing, one hopes)."""

    n_commits: int
    n_calls: int
    troubles: tuple[str, ...]


def tell(folder: Path, market: Running, points: Iterable[Point], server: str = "") -> Ending:
    """Play one job with these breaks: two people disagree, a third answer is bought, a label.

    On SQLite, or on the PostgreSQL server of this URL.
    """
    with _database(folder, server) as url:
        engine = open_engine(url)
        ending = _played(engine, folder, market, points)
        engine.dispose()
    return ending


def _played(engine: Engine, folder: Path, market: Running, points: Iterable[Point]) -> Ending:
    with engine.begin() as connection:  # each story is an installation of its own
        connection.execute(update(Installation).values(key=secrets.token_hex(6)))
    breaker = Breaker(point for point in points if point.where.endswith("_commit"))
    maker = open_sessions(engine)
    dial = market.market.dial._clock  # the dial that the marketplace was opened with
    assert isinstance(dial, Dial)
    bench = open_bench(folder, maker, market, dial, lease_seconds=LEASE_SECONDS)
    before = bench.spent_at_venue()
    job_id = bench.create(n_items=1, redundancy=2, reward="0.05")
    with transaction(maker) as session:
        job = session.get_one(Job, job_id)
        job.policy = {**job.policy, "quality": {**job.policy["quality"], **SURE_OF_TWO_IN_THREE}}
    bench.launch_draft(job_id)
    breaker.watch(maker)
    faults = [point for point in points if not point.where.endswith("_commit")]
    market.market.faults.replace([Fault("*", at.where, at.number, at.number) for at in faults])
    _until(bench, lambda: bench.count(Hit, state="posted") == 1)
    breaker.is_on = False
    bench.answer_as("ben", "red")
    bench.answer_as("cho", "blue")
    breaker.is_on = True
    _until(bench, lambda: bench.count(Hit, state="posted", max_assignments=3) == 1)
    breaker.is_on = False
    bench.answer_as("ben", "red")  # who may not answer again
    bench.answer_as("dan", "red")
    breaker.is_on = True
    _until(
        bench, lambda: bench.job(job_id).state == "finished" and not bench.job(job_id).held_micros
    )
    breaker.is_on = False
    n_calls = len(market.market.faults.calls())
    market.market.faults.replace([])
    after = bench.spent_at_venue()
    spent = after.spent_cents - before.spent_cents
    troubles = tuple(_troubles(bench, job_id, spent, after.held_cents - before.held_cents))
    return Ending(breaker.n_commits, n_calls, troubles)


@contextmanager
def _database(folder: Path, server: str) -> Iterator[str]:
    """A migrated database of the story's own, gone afterwards."""
    if not server:
        yield f"sqlite:///{shutil.copy(_empty(), folder / 'story.sqlite')}"
        return
    template, name = _template(server), f"story_{secrets.token_hex(6)}"
    engine = open_engine(server)
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
        yield engine.url.set(database=name).render_as_string(hide_password=False)
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@cache
def _template(server: str) -> str:
    """The name of a migrated database without rows on that server."""
    name = f"story_{secrets.token_hex(6)}"
    engine = open_engine(server)
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = engine.url.set(database=name).render_as_string(hide_password=False)
    engine.dispose()
    engine = open_engine(url)
    upgrade(engine, NOW)
    engine.dispose()
    return name


@cache
def _empty() -> Path:
    """A migrated database without rows; migrating anew would take most of a story's time."""
    path = Path(tempfile.mkdtemp(prefix="hitworks-story-")) / "empty.sqlite"
    atexit.register(shutil.rmtree, path.parent, ignore_errors=True)
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine, NOW)
    engine.dispose()
    return path


def _until(bench: Bench, is_so) -> None:
    for _ in range(MOST_ROUNDS):
        try:
            with transaction(bench.sessions) as session:
                work.sweep(session, "sweeper", bench.dial(), 1)
            calls.drain(bench.resources)
            if is_so():
                return
        except Crash:
            continue
        finally:
            bench.dial.turn(seconds=LEASE_SECONDS + 1)


def _troubles(bench: Bench, job_id: int, spent_cents: int, held_cents: int):
    ours = f":{bench.ours(Hit)[0].marker.split(':')[1]}:"
    hits = [marker for marker, _ in bench.market_hits() if ours in marker]
    job: Job = bench.job(job_id)
    with reading(bench.sessions) as session:
        yield from ledger.differences(session)
        yield from tallies.differences(session)
    for what, expected, got in (
        ("HITs at the venue", 1, len(hits)),
        ("raw submissions", 3, bench.count(RawSubmission)),
        ("approved assignments", 3, bench.count(Assignment, state="Approved")),
        ("labels", 1, bench.count(Label)),
        ("cents spent at the venue", 18, spent_cents),
        ("cents held at the venue", 0, held_cents),
        ("micro-dollars spent here", 180_000, job.spent_micros),
        ("micro-dollars held here", 0, job.held_micros),
        ("movements that name no call", 0, _n_unnamed(bench, "intent_id")),
        ("payments without the venue's request", 0, _n_unnamed(bench, "request_id", "settle")),
        ("state of the job", "finished", job.state),
        ("open findings", 0, bench.count(Finding, state="open")),
        (
            "open intents",
            0,
            bench.count(Intent, state="sending") + bench.count(Intent, state="unknown"),
        ),
        ("work for a person", 0, bench.count(Work, state="needs_person")),
    ):
        if expected != got:
            yield f"{what}: expected {expected}, got {got}"


def _n_unnamed(bench: Bench, column: str, *kinds: str) -> int:
    return sum(
        not getattr(one, column)
        for one in bench.ours(LedgerTransaction)
        if one.kind in (kinds or ("hold", "settle", "release"))
    )
