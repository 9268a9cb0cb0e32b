"""What was measured with: the versions and the machine, one line."""

from __future__ import annotations

import platform
from importlib import metadata

NAMES = ("numpy", "scipy", "crowd-kit", "scikit-learn", "ensemble-boxes")


def line() -> str:
    found = []
    for name in NAMES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            found.append(f"{name} not installed")
    return f"Python {platform.python_version()}, " + ", ".join(found)
