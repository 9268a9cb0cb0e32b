"""Triggers that refuse any change of evidence and money rows, on both databases.

Alembic's batch mode makes a SQLite table anew and so drops its triggers: a migration that
touches one of these tables calls ``guard`` again; a test counts the triggers after each.
"""

from __future__ import annotations

from alembic import op

INSERT_ONLY = ("answer", "ledger_entry", "ledger_transaction", "raw_submission")


def guard(table: str) -> None:
    """``table`` takes rows and nothing else: UPDATE and DELETE fail, TRUNCATE too."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(f"DROP TRIGGER IF EXISTS {table}_no_{verb.lower()}")
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is insert-only'); END"
            )
        return
    op.execute(
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is insert-only', TG_TABLE_NAME "
        "USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(f"DROP TRIGGER IF EXISTS {table}_no_change ON {table}")
    op.execute(
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
