"""Fail when the tables in the code are not those that the migrations make."""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from jobs.db import open_engine
from jobs.installation.migrating import drift, upgrade
from webapp.marketplace import migrating as marketplace


def main() -> int:
    with tempfile.TemporaryDirectory() as scratch:
        engine = open_engine(f"sqlite:///{Path(scratch) / 'drift.sqlite'}")
        upgrade(engine, datetime.now(UTC))
        differences = drift(engine)
        engine.dispose()
        engine = open_engine(f"sqlite:///{Path(scratch) / 'marketplace.sqlite'}")
        marketplace.upgrade(engine)
        differences += marketplace.drift(engine)
        engine.dispose()
    for difference in differences:
        print(difference, file=sys.stderr)
    print("The migrations make the tables of the code." if not differences else "Drift.")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
