"""What is installed is what was reviewed: every package at one version, with its hashes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_every_locked_package_has_one_version_and_a_hash(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    packages = [line for line in lines if not line.startswith("-")]
    assert len(packages) > 30
    for line in packages:
        assert re.match(r"[A-Za-z0-9._\[\],-]+ ?==[^ ]+", line), line[:60]
        assert "--hash=sha256:" in line, line[:60]


def test_packages_for_the_browser_are_locked_by_their_digests() -> None:
    locked = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    fetched = {name: row for name, row in locked.items() if name and not row.get("link")}
    assert fetched
    assert all(row["integrity"].startswith("sha512-") for row in fetched.values())
