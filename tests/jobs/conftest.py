"""A database of its own for each test, migrated as in production."""

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from jobs.blobs import open_blobs
from jobs.migrating import upgrade
from jobs.settings import Settings
from tests.factories import NOW


@pytest.fixture
def session():
    engine = create_engine("sqlite://")
    upgrade(engine, NOW)
    with Session(engine) as opened, opened.begin():
        yield opened
        opened.rollback()
    engine.dispose()


@pytest.fixture
def blobs(tmp_path):
    return open_blobs(Settings(data_dir=tmp_path / "data"))
