"""The SQL by which a database counts: triggers of both dialects made from one list.

Each count is the sum of its rows in ``tally``. On PostgreSQL a statement adds one row a
place, so that no two transactions wait for each other's counts; SQLite has one writer and
adds in place. Alembic's batch mode makes a SQLite table anew and so drops its triggers: a
migration that touches a counted table calls ``install`` again; a test counts them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, text

N_BINS = 20
SPENT = "'reward', 'fee', 'bonus'"


@dataclass(frozen=True)
class Count:
    """What one table adds to one subject; ``r`` is the row, capitals are pieces of SQL below."""

    subject: str
    owner: str
    part: str = "0"
    key: str = "''"
    n: str = "1"
    where: str = ""


_JOB_OF_HIT = "(SELECT b.job_id FROM batch b WHERE b.id = r.batch_id)"
_BATCH_OF_WORK = "(SELECT h.batch_id FROM hit h WHERE h.id = r.hit_id)"
_JOB_OF_WORK = (
    "(SELECT b.job_id FROM hit h JOIN batch b ON b.id = h.batch_id WHERE h.id = r.hit_id)"
)
_JOB_OF_ANSWER = "(SELECT t.job_id FROM task t WHERE t.id = r.task_id)"
_KIND_OF_ANSWER = "(SELECT t.kind FROM task t WHERE t.id = r.task_id)"
_JOB_OF_LEG = "(SELECT t.job_id FROM ledger_transaction t WHERE t.id = r.transaction_id)"
_ROUTE_OF_LEG = (
    "coalesce((SELECT t.route_id FROM ledger_transaction t WHERE t.id = r.transaction_id), 0)"
)
_MINUTE_OF_LEG = "(SELECT MINUTE(t.at) FROM ledger_transaction t WHERE t.id = r.transaction_id)"
_DATASET_OF_GOLD = "(SELECT i.dataset_id FROM item i WHERE i.id = r.item_id)"
_FIRST_GOLD = "NOT EXISTS (SELECT 1 FROM gold_answer o WHERE o.item_id = r.item_id AND o.id < r.id)"
_FIRST_TASK = (
    "NOT EXISTS (SELECT 1 FROM task o WHERE o.job_id = r.job_id AND o.kind = r.kind"
    " AND o.item_id = r.item_id AND o.id < r.id)"
)

COUNTS: Mapping[str, tuple[Count, ...]] = {
    "item": (Count("items", "r.dataset_id"),),
    "gold_answer": (Count("gold", _DATASET_OF_GOLD, where=_FIRST_GOLD),),
    "task": (Count("questions", "r.job_id", key="r.kind", where=_FIRST_TASK),),
    "hit": (
        Count("hits", _JOB_OF_HIT, "r.batch_id", "r.state"),
        Count("wanted", _JOB_OF_HIT, "r.batch_id", "r.state", "r.max_assignments"),
        Count(
            "expiring",
            _JOB_OF_HIT,
            key="HOUR(r.expires_at)",
            where="r.state = 'posted' AND r.expires_at IS NOT NULL",
        ),
    ),
    "assignment": (
        Count("assignments", _JOB_OF_WORK, _BATCH_OF_WORK, "r.state"),
        Count("unparsed", _JOB_OF_WORK, where="r.parse_state = 'unparsed'"),
        Count("work", _JOB_OF_WORK, "r.worker_id", "r.state"),
        Count("earned", _JOB_OF_WORK, "r.worker_id", n="r.cost_micros"),
        Count("worked_ms", _JOB_OF_WORK, "r.worker_id", n="WHOLE(r.work_seconds * 1000)"),
    ),
    "answer": (
        Count("answers", _JOB_OF_ANSWER, key=_KIND_OF_ANSWER),
        Count("pace", _JOB_OF_ANSWER, key="MINUTE(r.created_at)"),
    ),
    "consensus": (
        Count("states", "r.job_id", key="r.kind || ' ' || r.state"),
        Count("confidence", "r.job_id", key="BIN(r.confidence)"),
        Count("agreement", "r.job_id", key="BIN(r.agreement)", where="r.agreement IS NOT NULL"),
        Count(
            "agreement_sum",
            "r.job_id",
            n="WHOLE(r.agreement * 1000000)",
            where="r.agreement IS NOT NULL",
        ),
    ),
    "ledger_entry": (
        Count("money", _JOB_OF_LEG, _ROUTE_OF_LEG, "r.account", "r.amount_micros"),
        Count(
            "spent",
            _JOB_OF_LEG,
            _ROUTE_OF_LEG,
            _MINUTE_OF_LEG,
            "r.amount_micros",
            f"r.account IN ({SPENT})",
        ),
    ),
}
"""By table, what its rows count towards."""

_PIECES = {
    "postgresql": {
        "MINUTE": "to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')",
        "HOUR": "to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24')",
        "BIN": f"lpad(CAST(least(floor({{0}} * {N_BINS}), {N_BINS - 1}) AS text), 2, '0')",
        "WHOLE": "CAST(round({0}) AS bigint)",
    },
    "sqlite": {
        "MINUTE": "substr({0}, 1, 16)",
        "HOUR": "substr({0}, 1, 13)",
        "BIN": f"printf('%02d', min(CAST({{0}} * {N_BINS} AS INTEGER), {N_BINS - 1}))",
        "WHOLE": "CAST(round({0}) AS INTEGER)",
    },
}
COLUMNS = "subject, owner_id, part_id, key, n"
# The classes and options that a combined answer holds, from its JSON.
_FACETS = {
    "postgresql": (
        "SELECT DISTINCT r.job_id, f.name, r.item_id FROM {0} r CROSS JOIN LATERAL ("
        "SELECT 'class:' || (b.value ->> 'label') AS name"
        " FROM json_array_elements(r.value -> 'boxes') b "
        "UNION SELECT t.key || '=' || (t.value #>> '{{}}') FROM json_each(r.value -> 'tags') t"
        " WHERE json_typeof(t.value) <> 'array' "
        "UNION SELECT t.key || '=' || o.value FROM json_each(r.value -> 'tags') t,"
        " LATERAL json_array_elements_text(CASE json_typeof(t.value) WHEN 'array' THEN t.value"
        " ELSE '[]' END) o) f"
    ),
    "sqlite": (
        "SELECT {1}job_id, 'class:' || json_extract(b.value, '$.label'), {1}item_id"
        " FROM {0}json_each({1}value, '$.boxes') b "
        "UNION SELECT {1}job_id, t.key || '=' || t.value, {1}item_id"
        " FROM {0}json_each({1}value, '$.tags') t WHERE t.type <> 'array' "
        "UNION SELECT {1}job_id, t.key || '=' || o.value, {1}item_id"
        " FROM {0}json_each({1}value, '$.tags') t, json_each(t.value) o WHERE t.type = 'array'"
    ),
}


def install(connection: Connection) -> None:
    """Make the triggers; counts of rows that are there already are added by ``fill``."""
    make = _install_postgres if connection.dialect.name == "postgresql" else _install_sqlite
    for statement in make():
        connection.execute(text(statement))


def fill(connection: Connection) -> None:
    """Count every row anew, whatever was counted before."""
    dialect = connection.dialect.name
    connection.execute(text("DELETE FROM tally"))
    connection.execute(text("DELETE FROM facet"))
    for table in COUNTS:
        connection.execute(text(f"INSERT INTO tally ({COLUMNS}) {truth(table, dialect)}"))
    connection.execute(text(f"INSERT INTO facet (job_id, name, item_id) {facets(dialect)}"))


def _translated(expression: str, dialect: str) -> str:
    pieces = _PIECES[dialect]
    return re.sub(
        r"\b(MINUTE|HOUR|BIN|WHOLE)\(([^()]*)\)",
        lambda found: pieces[found[1]].format(found[2]),
        expression,
    )


def _select(count: Count, source: str, dialect: str, sign: str = "") -> str:
    where = f" WHERE {count.where}" if count.where else ""
    values = f"{count.owner}, {count.part}, {count.key}, {sign}{count.n}"
    return _translated(f"SELECT '{count.subject}', {values} FROM {source} r{where}", dialect)  # noqa: S608


def truth(table: str, dialect: str) -> str:
    """Every count of a table from its rows."""
    parts = (f"SELECT * FROM ({_select(c, table, dialect)}) c" for c in COUNTS[table])  # noqa: S608
    return _grouped(" UNION ALL ".join(parts), dialect)


def _grouped(union: str, dialect: str) -> str:
    names = "(subject, owner_id, part_id, key, n)"
    if dialect == "postgresql":
        return (
            f"SELECT subject, owner_id, part_id, key, sum(n) FROM ({union}) AS c{names} "  # noqa: S608
            "GROUP BY subject, owner_id, part_id, key HAVING sum(n) <> 0"
        )
    return (
        f"WITH c{names} AS ({union}) SELECT subject, owner_id, part_id, key, sum(n) FROM c "  # noqa: S608
        "GROUP BY subject, owner_id, part_id, key HAVING sum(n) <> 0"
    )


def facets(dialect: str) -> str:
    if dialect == "postgresql":
        return _FACETS[dialect].format("consensus")
    return _FACETS[dialect].format("consensus r, ", "r.")


def _install_postgres() -> Iterator[str]:
    """A trigger a table and verb, run once a statement over all the rows it changed."""
    dialect = "postgresql"
    verbs = {
        "INSERT": (("added", ""),),
        "UPDATE": (("added", ""), ("removed", "-")),
        "DELETE": (("removed", "-"),),
    }
    for table, counts in COUNTS.items():
        for verb, sources in verbs.items():
            union = " UNION ALL ".join(
                _select(count, source, dialect, sign)
                for source, sign in sources
                for count in counts
            )
            body = f"INSERT INTO tally ({COLUMNS}) {_grouped(union, dialect)};"
            if table == "consensus":
                body += _facet_changes([source for source, _ in sources])
            name = f"count_{table}_{verb.lower()}"
            seen = " ".join(
                f"{'NEW' if source == 'added' else 'OLD'} TABLE AS {source}"
                for source, _ in sources
            )
            yield (
                f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN {body} RETURN NULL; END $$"
            )
            yield f"DROP TRIGGER IF EXISTS {name} ON {table}"
            yield (
                f"CREATE TRIGGER {name} AFTER {verb} ON {table} REFERENCING {seen} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
            )


def _facet_changes(sources: list[str]) -> str:
    made = _FACETS["postgresql"]
    body = ""
    if "removed" in sources:
        body += (
            f" DELETE FROM facet f USING ({made.format('removed')}) d "  # noqa: S608
            "WHERE f.job_id = d.job_id AND f.name = d.name AND f.item_id = d.item_id;"
        )
    if "added" in sources:
        body += f" INSERT INTO facet (job_id, name, item_id) {made.format('added')};"
    return body


def _install_sqlite() -> Iterator[str]:
    """A trigger a table and verb, run once a row; one writer at a time adds in place."""
    verbs = {"INSERT": ("NEW",), "UPDATE": ("OLD", "NEW"), "DELETE": ("OLD",)}
    for table, counts in COUNTS.items():
        for verb, sources in verbs.items():
            name = f"count_{table}_{verb.lower()}"
            body = " ".join(_add_in_place(count, source) for source in sources for count in counts)
            if table == "consensus":
                body += " ".join(_facet_change(source) for source in sources)
            yield f"DROP TRIGGER IF EXISTS {name}"
            yield f"CREATE TRIGGER {name} AFTER {verb} ON {table} BEGIN {body} END"


def _add_in_place(count: Count, source: str) -> str:
    """Add to the place's row, or make it."""
    row = re.compile(r"\br\.")
    owner, part, key, n = (
        row.sub(f"{source}.", _translated(piece, "sqlite"))
        for piece in (count.owner, count.part, count.key, count.n)
    )
    where = row.sub(f"{source}.", _translated(count.where, "sqlite")) or "1"
    sign = "-" if source == "OLD" else ""
    place = (
        f"subject = '{count.subject}' AND owner_id = {owner} AND part_id = {part} AND key = {key}"
    )
    return (
        f"INSERT INTO tally ({COLUMNS}) SELECT '{count.subject}', {owner}, {part}, {key}, 0 "  # noqa: S608
        f"WHERE ({where}) AND NOT EXISTS (SELECT 1 FROM tally WHERE {place}); "
        f"UPDATE tally SET n = n + {sign}({n}) WHERE {place} AND ({where});"
    )


def _facet_change(source: str) -> str:
    made = _FACETS["sqlite"].format("", f"{source}.")
    if source == "OLD":
        return f" DELETE FROM facet WHERE (job_id, name, item_id) IN ({made});"  # noqa: S608
    return f" INSERT OR IGNORE INTO facet (job_id, name, item_id) {made};"
