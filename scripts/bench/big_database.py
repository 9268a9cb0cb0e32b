"""A database of any size, made by the database itself: one large job, four small, a draft."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, Engine, insert, text

from jobs.combining import gold_results, tallies
from jobs.db import open_sessions, transaction
from jobs.migrations import counting
from jobs.tables import (
    Batch,
    Dataset,
    Export,
    Finding,
    Intake,
    Job,
    Route,
    SchemaVersion,
    Sweep,
    Work,
    Worker,
    WorkerScore,
)
from scripts.bench.big_sql import (
    ANSWERS_EACH,
    BEGAN,
    N_WORKERS,
    REWARD,
    SOURCES,
    SPAN,
    TASKS_A_HIT,
    Size,
    pieces_of,
    ranges,
)

CHUNK = 50_000
STATES = ("running", "finished", "running", "paused", "cancelled", "draft")
SCHEMA = {
    "name": "street",
    "title": "Draw every car and name the light",
    "instructions": "Boxes touch the outermost pixels.",
    "classes": ["car", "person"],
    "attributes": [
        {"name": "light", "kind": "one", "title": "Which light?", "options": ["day", "night"]}
    ],
    "examples": [],
}


def build(engine: Engine, n_items: int, blob_key: str) -> Size:
    """Fill an empty, migrated database; ``n_items`` is a multiple of 400."""
    size = Size(n_items)
    pieces = pieces_of(engine.dialect.name, size)
    with engine.begin() as connection:
        _few_rows(connection, size)
    for name, (columns, values, range_name) in SOURCES.items():
        low, high, condition = ranges(size, pieces)[range_name]
        for start in range(low, high + 1, CHUNK):
            stop = min(start + CHUNK - 1, high)
            statement = text(
                f"WITH RECURSIVE numbers(n) AS (SELECT CAST({start} AS BIGINT) UNION ALL "  # noqa: S608 - our own words
                f"SELECT n + 1 FROM numbers WHERE n < {stop}) "
                f"INSERT INTO {name.split()[0]} ({columns}) "
                f"SELECT {values.format_map(pieces)} FROM numbers WHERE {condition}"
            )
            bound = {"blob_key": blob_key} if ":blob_key" in values else {}
            with engine.begin() as connection:
                _without_checks(connection)
                connection.execute(statement, bound)
    with engine.begin() as connection:
        counting.fill(connection)
        _settle_totals(connection)
        _set_sequences(connection)
    _analyze(engine)
    with transaction(open_sessions(engine)) as session:
        for job_id in range(1, 6):
            gold_results.refresh(session, job_id)
            tallies.fold(session, job_id)
    return size


def _without_checks(connection: Connection) -> None:
    """Rows that are right by arithmetic: keys are not looked up, counts are added at the end."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("SET LOCAL synchronous_commit = off"))


def _few_rows(connection: Connection, size: Size) -> None:
    """Everything of which a large installation has few."""
    late = BEGAN + SPAN
    names = ("street", "finished", "running", "paused", "cancelled", "draft")
    _add(connection, Dataset, [
        {"id": n, "name": name, "created_at": BEGAN} for n, name in enumerate(names[:5], 1)
    ])  # fmt: skip
    _add(connection, Intake, [
        {"id": n, "dataset_id": n, "source": "bench", "n_rows": count, "n_accepted": count,
         "n_refused": 0, "refusals": [], "created_at": BEGAN}
        for n, count in enumerate([size.large] + 4 * [size.small], 1)
    ])  # fmt: skip
    schema = {"id": 1, "name": "street", "version": 1, "sha256": "0" * 64, "body": SCHEMA}
    _add(connection, SchemaVersion, [{**schema, "created_at": BEGAN}])
    policy = {"slicing": {"gold_rate": 0.02}}
    _add(connection, Job, [
        {"id": n, "name": name, "dataset_id": min(n, 5) if state != "draft" else 2,
         "schema_id": 1, "environment": "local", "state": state, "seed": n, "policy": policy,
         "budget_micros": 10**12, "held_micros": 0, "spent_micros": 0, "created_at": BEGAN,
         "launched_at": None if state == "draft" else BEGAN,
         "finished_at": late if state in ("finished", "cancelled") else None}
        for n, (name, state) in enumerate(zip(names, STATES, strict=True), 1)
    ])  # fmt: skip
    _few_rows_of_work(connection)
    _few_rows_of_upkeep(connection, size)


def _few_rows_of_work(connection: Connection) -> None:
    """Routes and batches of the jobs, and who worked in them."""
    options = {"when": "always", "hit": {}, "venue": {}}
    _add(connection, Route, [
        {"id": n, "job_id": n, "position": 0, "provider": "mturk",
         "kind": "boxes" if n == 1 else "tags", "attributes": [] if n == 1 else ["light"],
         "redundancy": 3, "reward_micros": REWARD, "tasks_per_hit": TASKS_A_HIT,
         "options": options, "provider_hit_type_id": ""}
        for n in range(1, 7)
    ])  # fmt: skip
    _add(connection, Batch, [
        {"id": n, "job_id": n, "route_id": n, "name": f"batch {n}",
         "state": "closed" if n == 2 else "open", "created_at": BEGAN} for n in range(1, 6)
    ])  # fmt: skip
    _add(connection, Worker, [
        {"id": n, "provider": "mturk", "provider_worker_id": f"W{n}", "name": "",
         "created_at": BEGAN} for n in range(1, N_WORKERS + 1)
    ])  # fmt: skip
    _add(connection, WorkerScore, [
        {"job_id": job, "worker_id": n, "kind": "boxes" if job == 1 else "tags",
         "n_answers": 100, "n_gold": 20, "gold_accuracy": 0.9, "gold_low": 0.8,
         "gold_high": 0.95, "consensus_accuracy": 0.92, "consensus_low": 0.9,
         "consensus_high": 0.94, "repeat_agreement": None, "mean_seconds": 8.0, "details": {},
         "computed_at": BEGAN + SPAN}
        for job in range(1, 6) for n in range(1, N_WORKERS + 1)
    ])  # fmt: skip


def _few_rows_of_upkeep(connection: Connection, size: Size) -> None:
    """Background work, findings, exports and the sweep."""
    late = BEGAN + SPAN
    _add(connection, Work, [
        {"id": n, "key": f"advance_job:{n}", "task_name": "advance_job", "subject_id": n,
         "state": "needs_person" if n == 3 else "done", "attempts": 1, "failures": 0,
         "run_again": False, "owner": "", "next_try_at": late, "n_done": 0, "n_total": 0,
         "error": "", "created_at": BEGAN} for n in range(1, 301)
    ])  # fmt: skip
    _add(connection, Finding, [
        {"id": n, "key": f"bench:{n}", "job_id": 1, "message": "A difference.", "state": "open",
         "created_at": late} for n in range(1, 13)
    ])  # fmt: skip
    _add(connection, Export, [
        {"id": n, "job_id": 1, "name": f"{n}", "format": "jsonl", "state": "done",
         "file_name": "missing.jsonl", "sha256": "0" * 64, "n_labels": size.large,
         "actor": "ada", "created_at": late}
        for n in range(1, 31)
    ])  # fmt: skip
    _add(connection, Sweep, [{"id": 1, "owner": "bench", "lease_until": late,
                              "last_swept_at": late}])  # fmt: skip


def _add(connection: Connection, table: type, rows: list[dict[str, object]]) -> None:
    connection.execute(insert(table), rows)


def _settle_totals(connection: Connection) -> None:
    """What jobs hold and have spent, as the ledger says."""
    for column, accounts in (("held", "'held'"), ("spent", "'reward', 'fee'")):
        connection.execute(
            text(
                f"UPDATE job SET {column}_micros = (SELECT coalesce(sum(e.amount_micros), 0) "  # noqa: S608
                "FROM ledger_entry e JOIN ledger_transaction t ON t.id = e.transaction_id "
                f"WHERE t.job_id = job.id AND e.account IN ({accounts}))"
            )
        )


def _set_sequences(connection: Connection) -> None:
    if connection.dialect.name != "postgresql":
        return
    tables = {name.split()[0] for name in SOURCES} - {"hit_task"}
    few = {"dataset", "intake", "schema_version", "job", "route", "batch", "worker", "work"}
    for table in sorted(tables | few | {"finding", "export"}):
        connection.execute(
            text(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), "  # noqa: S608
                f"(SELECT max(id) FROM {table}))"
            )
        )


def _analyze(engine: Engine) -> None:
    """What a database does by itself in quiet minutes."""
    words = "VACUUM ANALYZE" if engine.dialect.name == "postgresql" else "ANALYZE"
    connection = engine.raw_connection()
    try:
        driver: Any = connection.driver_connection
        if engine.dialect.name == "postgresql":
            driver.autocommit = True
        driver.cursor().execute(words)
    finally:
        connection.close()


def describe(size: Size) -> str:
    """The size in words."""
    return json.dumps(
        {
            "items": size.n_items,
            "answers": size.n_items * ANSWERS_EACH,
            "HITs": size.n_hits,
            "assignments": size.n_assignments,
        }
    )
