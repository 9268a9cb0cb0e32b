"""What a killed command leaves is removed, and nothing that a living one uses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from jobs.intake.scratch import remove_abandoned, scratch_folder

UNPACK = """
import sys
from pathlib import Path
from jobs.intake.scratch import scratch_folder
with scratch_folder(Path(sys.argv[1])) as folder:
    (folder / "deep").mkdir()
    (folder / "deep" / "photo.jpg").write_bytes(b"x")
    print("unpacked", flush=True)
    sys.stdin.read()
"""


def test_a_killed_command_leaves_nothing_after_the_next_sweep(tmp_path: Path) -> None:
    command = [sys.executable, "-c", UNPACK, str(tmp_path)]
    with subprocess.Popen(command, stdin=-1, stdout=-1, cwd=Path(__file__).parents[2]) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"unpacked\n"
        assert remove_abandoned(tmp_path) == 0
        assert len(list(tmp_path.glob("command-*/deep/photo.jpg"))) == 1
        child.kill()
        child.wait()
    assert remove_abandoned(tmp_path) == 1
    assert list(tmp_path.iterdir()) == []
    assert remove_abandoned(tmp_path) == 0


def test_the_next_command_removes_what_earlier_versions_left(tmp_path: Path) -> None:
    (tmp_path / "command-abc").mkdir(parents=True)
    (tmp_path / "command-abc" / "photo.jpg").write_bytes(b"x")
    (tmp_path / "17").mkdir()  # an upload of the web app
    with scratch_folder(tmp_path) as folder, scratch_folder(tmp_path) as other:
        assert sorted(tmp_path.iterdir()) == sorted([tmp_path / "17", folder, other])
    assert list(tmp_path.iterdir()) == [tmp_path / "17"]


def test_no_folder_of_uploads_is_no_fault(tmp_path: Path) -> None:
    assert remove_abandoned(tmp_path / "uploads") == 0
