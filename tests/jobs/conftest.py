"""A database of its own for each test, migrated as in production."""

import os
from pathlib import Path

import pytest
import redis
from sqlalchemy.orm import Session

from jobs.blobs import open_blobs
from jobs.clock import machine_time
from jobs.db import open_sessions
from jobs.intake.datasets import import_dataset
from jobs.resources import open_resources
from jobs.settings import Settings
from tests.factories import NOW
from tests.jobs.exporting_bench import Exporting
from tests.jobs.lifecycle import Dial, open_bench
from tests.jobs.pictures import picture
from tests.jobs.processes import Workers
from webapp.marketplace.serving import serve


@pytest.fixture
def session(sqlite_files):
    engine = sqlite_files.in_memory()
    with Session(engine) as opened, opened.begin():
        yield opened
        opened.rollback()
    engine.dispose()


@pytest.fixture
def blobs(tmp_path):
    return open_blobs(Settings(data_dir=tmp_path / "data"))


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for number in range(3):
        (folder / f"{number}.jpg").write_bytes(picture(40 + number, 20))
    (folder / "more" / "turned.png").write_bytes(picture(60, 30, form="PNG", orientation=6))
    return folder


@pytest.fixture
def take_in(session, blobs):
    def run(source, form="folder", **more):
        return import_dataset(
            session, blobs, name="photos", source=source, format=form, now=NOW, **more
        )

    return run


@pytest.fixture
def exporting(tmp_path, sessions):
    """Exports of an installation of its own, on both databases in turn."""
    dial = Dial()
    settings = Settings(data_dir=tmp_path / "data", lease_seconds=60.0)
    return Exporting(open_resources(settings, sessions, dial), dial)


@pytest.fixture
def live(tmp_path, engine, database_url, queue_url):
    """An installation on the wall's clock, and the maker of its worker processes."""
    with serve(database_url=f"sqlite:///{tmp_path / 'market.sqlite'}") as market:
        bench = open_bench(
            tmp_path, open_sessions(engine), market, machine_time,
            database_url=database_url, redis_url=queue_url,
            sweep_seconds=1.0, lease_seconds=4.0,
        )  # fmt: skip
        workers = Workers(
            {
                **os.environ,
                "PYTHONPATH": str(Path(__file__).parents[2]),
                "HITWORKS_DATA_DIR": str(tmp_path / "data"),
                "HITWORKS_DATABASE_URL": database_url,
                "HITWORKS_REDIS_URL": queue_url,
                "HITWORKS_MTURK_LOCAL_URL": market.url,
                "HITWORKS_POLL_SECONDS": "0.5",
                "HITWORKS_SWEEP_SECONDS": "1",
                "HITWORKS_LEASE_SECONDS": "4",
                "HITWORKS_LOG_LEVEL": "warning",
            }
        )
        yield bench, workers, redis.Redis.from_url(queue_url)
        workers.kill()
