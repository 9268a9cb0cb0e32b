"""Plant each bug of tests/planted_bugs.py in a copy of the tree; its tests must fail.

.venv/bin/python scripts/planted_bugs.py             all of them
.venv/bin/python scripts/planted_bugs.py token lag   those whose name has one of these words
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.planted_bugs import BUGS, Bug

ROOT = Path(__file__).parents[1]
PARTS = ("quality", "jobs", "webapp", "hit_templates", "tests", "docs", "pyproject.toml")


def main(words: Sequence[str]) -> int:
    bugs = [bug for bug in BUGS if not words or any(word in bug.name for word in words)]
    survivors = []
    with tempfile.TemporaryDirectory(prefix="hitworks-bugs-") as scratch:
        tree = Path(scratch)
        for part in PARTS:
            _copy(ROOT / part, tree / part)
        for number, bug in enumerate(bugs, start=1):
            began = time.monotonic()
            killer = _killer(tree, bug)
            if not killer:
                survivors.append(bug.name)
            told = f"killed by {killer}" if killer else "SURVIVES"
            seconds = time.monotonic() - began
            print(f"{number:3}/{len(bugs)} {seconds:5.0f} s  {bug.name}: {told}", flush=True)
    print(f"{len(bugs) - len(survivors)} of {len(bugs)} planted bugs are found")
    return 1 if survivors else 0


def _copy(source: Path, target: Path) -> None:
    if source.is_file():
        shutil.copy(source, target)
    else:
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "vendor"))


def _killer(tree: Path, bug: Bug) -> str:
    """The test that fails with the bug in place; empty when none does."""
    file = tree / bug.file
    healthy = file.read_text()
    if healthy.count(bug.before) != 1:
        sys.exit(f"{bug.name}: expected its line once in {bug.file}")
    file.write_text(healthy.replace(bug.before, bug.after))
    try:
        return _first_failure(tree, bug.tests)
    finally:
        file.write_text(healthy)


def _first_failure(tree: Path, tests: Sequence[str]) -> str:
    options = ("-x", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "-m", "not postgres")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *tests],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    failed = [line for line in run.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    if run.returncode == 1 and failed:
        return failed[0].split("::", 1)[1].split(" - ")[0]
    if run.returncode != 0:
        sys.exit(f"the tests did not run:\n{run.stdout[-3000:]}{run.stderr[-3000:]}")
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
