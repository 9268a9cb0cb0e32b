from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import vendor_files

ROOT = Path(__file__).parents[2]


def test_the_lock_holds_hashes_and_no_addresses() -> None:
    text = (ROOT / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]
    assert "://" not in text
    assert "resolved" not in text
    assert all("integrity" in entry for name, entry in packages.items() if name)


def test_python_locks_hold_hashes_and_no_addresses() -> None:
    for name in ("requirements.lock", "requirements-dev.lock", "requirements-node.lock"):
        text = (ROOT / name).read_text()
        assert "://" not in text, name
        pinned = re.findall(r"^[A-Za-z0-9][^\s=]*==", text, re.MULTILINE)
        assert pinned
        assert text.count("--hash=sha256:") >= len(pinned)


def test_what_is_installed_is_what_the_list_says() -> None:
    for entry in vendor_files.entries():
        for folder in entry["into"]:  # type: ignore[attr-defined]
            path = ROOT / folder / Path(str(entry["file"])).name
            assert vendor_files._sha256(path) == entry["sha256"], path


def test_every_library_and_all_it_bundles_comes_with_its_licence() -> None:
    for folder in ("webapp/marketplace/static/vendor", "webapp/static/vendor"):
        notices = (ROOT / folder / vendor_files.NOTICES).read_text()
        assert "@annotorious/annotorious" in notices
        assert "Pelagios Network" in notices
        assert "rbush" in notices


def test_copying_twice_copies_once(tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    assert vendor_files.copy_files(tmp_path) > 0
    assert vendor_files.copy_files(tmp_path) == 0


def test_a_file_with_another_hash_is_refused(tmp_path: Path) -> None:
    first = vendor_files.entries()[0]
    package = tmp_path / "node_modules" / str(first["package"])
    shutil.copytree(ROOT / "node_modules" / str(first["package"]), package)
    (package / str(first["file"])).write_text("something else")
    with pytest.raises(SystemExit, match="not the one stated"):
        vendor_files.copy_files(tmp_path)


def test_nothing_third_party_is_tracked() -> None:
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    folders = ("node_modules/", "webapp/marketplace/static/vendor/", "webapp/static/vendor/")
    for folder in folders:
        assert folder in ignored
