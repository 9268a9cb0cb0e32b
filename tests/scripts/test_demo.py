"""The demo as it is run: all three routes, real photos, real processes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(600)
def test_the_demo_runs_to_its_end_and_its_books_agree(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    arguments = ["--exit", "--data-dir", str(folder), "--hurry", "1000"]
    done = subprocess.run(
        [sys.executable, "scripts/demo_run.py", *arguments],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "160"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    text = done.stdout
    assert "agree with the marketplace's to the cent" in text
    boxes = re.search(r"box accuracy\s+F1 (\d\.\d+)", text)
    tags = re.search(r"tag accuracy\s+(\d\.\d+)", text)
    assert boxes is not None
    assert tags is not None
    assert float(boxes[1]) > 0.8
    assert float(tags[1]) > 0.8  # which robot takes which HIT is left to chance
    for route in ("model boxes", "model tags", "inhouse boxes", "mturk boxes", "mturk tags"):
        assert f"cost {route}" in text
    assert len(list((folder / "exports").iterdir())) == 5
