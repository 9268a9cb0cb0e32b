"""A copy of one small installation for each test, entered by command, page and API."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bad_input.doors import House, build, opened
from webapp import cli
from webapp.auth import limiter


@pytest.fixture(scope="session")
def prepared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """People, three pictures, a schema, and their rows."""
    folder = tmp_path_factory.mktemp("house")
    build(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HITWORKS_DATA_DIR", str(folder / "data"))
        cli.main(["dataset", "import", str(folder / "pictures"), "--name", "photos"])
        cli.main(["schema", "save", str(folder / "schema.json")])
    return folder


@pytest.fixture
def house(
    prepared_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[House]:
    """The installation, to be refused by."""
    folder = tmp_path / "house"
    shutil.copytree(prepared_folder, folder)
    for name in [name for name in os.environ if name.startswith("HITWORKS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HITWORKS_DATA_DIR", str(folder / "data"))
    monkeypatch.chdir(folder)
    limiter.enabled = False
    with opened(folder, capsys) as found:
        yield found
    limiter.enabled = True
