"""Prints time and memory of combining, labelling and exporting the large job of a database.

    python -m scripts.bench.pages --items 200000 --keep FOLDER
    python -m scripts.bench.combining FOLDER

In turn: everything combined; one question in a hundred answered anew and combined; labels
written; labels exported. Each runs in a process of its own, whose peak memory is given.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from sqlalchemy import insert, select

from jobs.combining import consensus, labels
from jobs.db import Sessions, open_engine, open_sessions, reading, transaction
from jobs.exporting import exports
from jobs.exporting.choices import Filters
from jobs.exporting.writing import write_planned
from jobs.reports.exports import export_row
from jobs.resources import open_resources
from jobs.settings import Settings
from jobs.tables import StaleQuestion, Task
from scripts.bench.big_sql import BEGAN, SPAN
from scripts.bench.pages import open_database

JOB = 1
NOW = BEGAN + SPAN + timedelta(hours=1)


def combine(sessions: Sessions, _: Settings) -> str:
    """The whole job: the first time, so workers' skill is learned from every answer."""
    return str(consensus.combine_in_pages(sessions, JOB, NOW, _quiet))


def combine_again(sessions: Sessions, _: Settings) -> str:
    """One question in a hundred, as after a poll of a busy job."""
    with transaction(sessions) as session:
        asked = select(Task.job_id, Task.kind, Task.item_id).where(
            Task.job_id == JOB, Task.item_id % 100 == 0
        )
        names = ["job_id", "kind", "item_id"]
        session.execute(insert(StaleQuestion).from_select(names, asked))
    return str(consensus.combine_in_pages(sessions, JOB, NOW, _quiet))


def finish(sessions: Sessions, _: Settings) -> str:
    """Labels of the questions that are sure by now."""
    return f"{labels.finish_in_pages(sessions, JOB, NOW, _quiet):,} labels written"


def export(sessions: Sessions, settings: Settings) -> str:
    """All labels as JSONL."""
    with transaction(sessions) as session:
        row = exports.plan_export(session, JOB, "jsonl", Filters(), {}, actor="bench", now=NOW)
        export_id = row.id
    write_planned(open_resources(settings, sessions, lambda: NOW), export_id, _quiet)
    with reading(sessions) as session:
        done = export_row(session, JOB, export_id)
    return f"{done.n_labels:,} labels, {done.n_bytes / 2**20:.0f} MiB"


STEPS: tuple[Callable[[Sessions, Settings], str], ...] = (combine, combine_again, finish, export)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("folder", type=Path, help="what scripts.bench.pages --keep left")
    folder = parser.parse_args().folder
    kind = "sqlite" if (folder / "bench.sqlite").exists() else "postgres"
    context = multiprocessing.get_context("spawn")
    with open_database(folder, kind) as url:
        for step in STEPS:
            process = context.Process(target=_run, args=(step, url, folder))
            process.start()
            process.join()
            if process.exitcode:
                return 1
    return 0


def _run(step: Callable[[Sessions, Settings], str], url: str, folder: Path) -> None:
    settings = Settings(data_dir=folder / "data", database_url=url)
    sessions = open_sessions(open_engine(url))
    before = resource.getrusage(resource.RUSAGE_SELF)
    began = time.perf_counter()
    said = step(sessions, settings)
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    peak, grown = after.ru_maxrss / 1024, (after.ru_maxrss - before.ru_maxrss) / 1024
    print(
        f"{step.__name__:<14} {seconds:7.1f} s, {cpu:7.1f} s of CPU, "
        f"peak {peak:,.0f} MiB ({grown:,.0f} over the start): {said}",
        flush=True,
    )


def _quiet(_done: int, _total: int) -> None:
    """No lease to renew here."""


if __name__ == "__main__":
    sys.exit(main())
