"""One seeded installation for all reading tests, and a fresh one for those that write."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.webapp.browsing import close, open_app, seed
from webapp.auth import limiter


@pytest.fixture(scope="session")
def seeded_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose installation has people, photos and one job with answers."""
    folder = tmp_path_factory.mktemp("seeded")
    seed(folder)
    return folder


@pytest.fixture
def app(seeded_folder: Path, tmp_path: Path) -> Iterator[Flask]:
    """The app over a copy of the seeded installation that a test may change."""
    folder = tmp_path / "data"
    shutil.copytree(seeded_folder, folder)
    app = open_app(folder)
    limiter.enabled = False
    yield app
    limiter.enabled = True
    close(app)


@pytest.fixture
def bare_app(tmp_path: Path) -> Iterator[Flask]:
    """The app over a fresh installation: nobody, nothing."""
    app = open_app(tmp_path / "bare")
    yield app
    limiter.reset()
    close(app)
