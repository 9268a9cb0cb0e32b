"""Triggers that note which questions must be combined anew, whoever changed their answers.

An answer that comes, work that is rejected or taken back, a worker shut out or let in, and a
HIT that opens or closes each change what a question's consensus is made from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, text

CLOSED_HITS = "('closed', 'failed')"


@dataclass(frozen=True)
class Change:
    """Which tasks a changed row ``r`` (formerly ``o``) concerns; ``t`` is the task."""

    verb: str
    columns: str
    tasks: str
    where: str


CHANGES: Mapping[str, Change] = {
    "answer": Change("INSERT", "", "task t", "t.id = {new}.task_id"),
    "assignment": Change(
        "UPDATE",
        "state",
        "answer a JOIN task t ON t.id = a.task_id",
        "a.assignment_id = {new}.id AND ({new}.state = 'Rejected') <> ({old}.state = 'Rejected')",
    ),
    "worker": Change(
        "UPDATE",
        "state",
        "answer a JOIN task t ON t.id = a.task_id",
        "a.worker_id = {new}.id AND {new}.state <> {old}.state",
    ),
    "hit": Change(
        "UPDATE",
        "state",
        "hit_task x JOIN task t ON t.id = x.task_id",
        f"x.hit_id = {{new}}.id AND ({{new}}.state IN {CLOSED_HITS})"
        f" <> ({{old}}.state IN {CLOSED_HITS})",
    ),
}


def install(connection: Connection) -> None:
    """Make the triggers; a job that was never combined by this program is combined in full."""
    is_postgres = connection.dialect.name == "postgresql"
    for statement in _postgres() if is_postgres else _sqlite():
        connection.execute(text(statement))


def _insert(change: Change, source: str, new: str, old: str) -> str:
    where = change.where.format(new=new, old=old)
    return (
        "INSERT INTO stale_question (job_id, kind, item_id) "  # noqa: S608 - our own words
        f"SELECT DISTINCT t.job_id, t.kind, t.item_id FROM {source}{change.tasks} WHERE {where}"
    )


def _postgres() -> Iterator[str]:
    """Once a statement, over all the rows it changed; a key never changes, so it pairs them."""
    for table, change in CHANGES.items():
        is_new = change.verb == "INSERT"
        pair = "added r, " if is_new else "added r JOIN removed o ON o.id = r.id, "
        seen = "NEW TABLE AS added" + ("" if is_new else " OLD TABLE AS removed")
        name = f"stale_{table}"
        yield (
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {_insert(change, pair, 'r', 'o')}; RETURN NULL; END $$"
        )
        yield f"DROP TRIGGER IF EXISTS {name} ON {table}"
        yield (
            f"CREATE TRIGGER {name} AFTER {change.verb} ON {table} REFERENCING {seen} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
        )


def _sqlite() -> Iterator[str]:
    for table, change in CHANGES.items():
        verb = f"UPDATE OF {change.columns}" if change.columns else change.verb
        name = f"stale_{table}"
        yield f"DROP TRIGGER IF EXISTS {name}"
        yield (
            f"CREATE TRIGGER {name} AFTER {verb} ON {table} "
            f"BEGIN {_insert(change, '', 'NEW', 'OLD')}; END"
        )
