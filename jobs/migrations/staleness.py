"""Triggers that note which questions must be combined anew, whoever changed their answers.

An answer that comes, work that is rejected or taken back, a worker shut out or let in, and a
HIT that opens or closes each change what a question's consensus is made from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

CLOSED_HITS = "('closed', 'failed')"
ACCOUNT = "CASE w.provider WHEN 'inhouse' THEN 'local' ELSE j.environment END"
"""The environment of the account at which job ``j`` meets worker ``w``."""


@dataclass(frozen=True)
class Change:
    """Which tasks ``t`` a row of ``table`` concerns: ``{new}``, or ``{old}`` when it is gone."""

    table: str
    verb: str
    columns: str
    tasks: str
    where: str

    @property
    def name(self) -> str:
        return f"stale_{self.table}{'_gone' if self.verb == 'DELETE' else ''}"


WORKER = Change(
    "worker",
    "UPDATE",
    "state",
    "answer a JOIN task t ON t.id = a.task_id",
    "a.worker_id = {new}.id AND {new}.state <> {old}.state",
)
"""Until version 0011."""
CHANGES = (
    Change("answer", "INSERT", "", "task t", "t.id = {new}.task_id"),
    Change(
        "assignment",
        "UPDATE",
        "state",
        "answer a JOIN task t ON t.id = a.task_id",
        "a.assignment_id = {new}.id AND ({new}.state = 'Rejected') <> ({old}.state = 'Rejected')",
    ),
    WORKER,
    Change(
        "hit",
        "UPDATE",
        "state",
        "hit_task x JOIN task t ON t.id = x.task_id",
        f"x.hit_id = {{new}}.id AND ({{new}}.state IN {CLOSED_HITS})"
        f" <> ({{old}}.state IN {CLOSED_HITS})",
    ),
)
_OF_ACCOUNT = (
    "answer a JOIN task t ON t.id = a.task_id JOIN job j ON j.id = t.job_id "
    "JOIN worker w ON w.id = a.worker_id"
)
EXCLUSIONS = tuple(
    Change(
        "exclusion",
        verb,
        "",
        _OF_ACCOUNT,
        f"a.worker_id = {row}.worker_id AND {row}.environment = {ACCOUNT}",
    )
    for verb, row in (("INSERT", "{new}"), ("DELETE", "{old}"))
)


def install(connection: Connection, changes: Sequence[Change] = CHANGES) -> None:
    """Make the triggers; a job that was never combined by this program is combined in full."""
    is_postgres = connection.dialect.name == "postgresql"
    for change in changes:
        for statement in _postgres(change) if is_postgres else _sqlite(change):
            connection.execute(text(statement))


def drop(connection: Connection, change: Change) -> None:
    """Take the trigger of ``change`` away again."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"DROP TRIGGER {change.name} ON {change.table}"))
        connection.execute(text(f"DROP FUNCTION {change.name}()"))
    else:
        connection.execute(text(f"DROP TRIGGER {change.name}"))


def _insert(change: Change, source: str, new: str, old: str) -> str:
    where = change.where.format(new=new, old=old)
    return (
        "INSERT INTO stale_question (job_id, kind, item_id) "  # noqa: S608 - our own words
        f"SELECT DISTINCT t.job_id, t.kind, t.item_id FROM {source}{change.tasks} WHERE {where}"
    )


_ROWS = {  # by verb: the changed rows, and under which names a statement's trigger sees them
    "INSERT": ("added r, ", "NEW TABLE AS added"),
    "UPDATE": (
        "added r JOIN removed o ON o.id = r.id, ",
        "NEW TABLE AS added OLD TABLE AS removed",
    ),
    "DELETE": ("removed o, ", "OLD TABLE AS removed"),
}


def _postgres(change: Change) -> Iterator[str]:
    """Once a statement, over all the rows it changed; a key never changes, so it pairs them."""
    rows, seen = _ROWS[change.verb]
    yield (
        f"CREATE OR REPLACE FUNCTION {change.name}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN {_insert(change, rows, 'r', 'o')}; RETURN NULL; END $$"
    )
    yield f"DROP TRIGGER IF EXISTS {change.name} ON {change.table}"
    yield (
        f"CREATE TRIGGER {change.name} AFTER {change.verb} ON {change.table} REFERENCING {seen} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {change.name}()"
    )


def _sqlite(change: Change) -> Iterator[str]:
    verb = f"UPDATE OF {change.columns}" if change.columns else change.verb
    yield f"DROP TRIGGER IF EXISTS {change.name}"
    yield (
        f"CREATE TRIGGER {change.name} AFTER {verb} ON {change.table} "
        f"BEGIN {_insert(change, '', 'NEW', 'OLD')}; END"
    )
