"""Triggers that refuse any change of evidence and money rows, on both databases.

Alembic's batch mode makes a SQLite table anew and so drops its triggers: a migration that
touches one of these tables calls ``guard`` again; a test counts the triggers after each.
"""

from __future__ import annotations

from alembic import op

INSERT_ONLY = (
    "answer",
    "ledger_entry",
    "ledger_transaction",
    "raw_submission",
    "template_version",
    "export_page",
    "decision",
    "job_change",
)


def guard(table: str) -> None:
    """``table`` takes rows and nothing else: UPDATE and DELETE fail, TRUNCATE too.

    For its owner as well, and where a table it refers to is emptied with CASCADE.
    """
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


def fix(table: str, column: str) -> None:
    """``column`` keeps the value its row was inserted with, such as where a job's money flows."""
    name = f"{table}_{column}_is_fixed"
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"DROP TRIGGER IF EXISTS {name}")
        op.execute(
            f"CREATE TRIGGER {name} BEFORE UPDATE OF {column} ON {table} "
            f"WHEN NEW.{column} <> OLD.{column} "
            f"BEGIN SELECT RAISE(ABORT, '{table}.{column} is fixed'); END"
        )
        return
    op.execute(
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table}.{column} is fixed' "
        "USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(f"DROP TRIGGER IF EXISTS {name} ON {table}")
    op.execute(
        f"CREATE TRIGGER {name} BEFORE UPDATE ON {table} FOR EACH ROW "
        f"WHEN (NEW.{column} IS DISTINCT FROM OLD.{column}) EXECUTE FUNCTION {name}()"
    )
