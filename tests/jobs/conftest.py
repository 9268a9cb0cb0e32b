"""A database of its own for each test, migrated as in production."""

import pytest
from sqlalchemy.orm import Session

from jobs.blobs import open_blobs
from jobs.intake.datasets import import_dataset
from jobs.resources import open_resources
from jobs.settings import Settings
from tests.factories import NOW
from tests.jobs.exporting_bench import Exporting
from tests.jobs.lifecycle import Dial
from tests.jobs.pictures import picture


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
