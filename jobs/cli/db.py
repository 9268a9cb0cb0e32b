"""The database's schema."""

from __future__ import annotations

import click

from jobs import db, migrating, tallies
from jobs.cli import _door
from jobs.settings import Settings


@click.group("db")
def group() -> None:
    """The database: bring it to the newest schema, see where it stands."""


@group.command("upgrade")
@_door.settings_of
def upgrade(settings: Settings) -> None:
    """Apply every version that is missing; nothing to do the second time."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    engine = db.open_engine(settings.database())
    try:
        migrating.upgrade(engine, _door.now())
    finally:
        engine.dispose()
    click.echo("database: at the newest schema")


@group.command("status")
@_door.json_option
@_door.settings_of
def status(settings: Settings, as_json: bool) -> None:
    """Whether the database is at the newest schema, and whether its tables are as declared."""
    engine = db.open_engine(settings.database())
    try:
        is_current = migrating.is_current(engine)
        drift = migrating.drift(engine) if is_current else []
    finally:
        engine.dispose()
    words = "at the newest schema" if is_current else "not at the newest schema"
    text = "\n".join([f"database: {words}", *drift])
    _door.show({"is_current": is_current, "drift": drift}, as_json, text)


@group.command("verify-counts")
@_door.json_option
@_door.settings_of
def verify_counts(settings: Settings, as_json: bool) -> None:
    """Count every row anew and compare with the counts that pages show; 1 when they differ."""
    with _door.reading(settings) as session:
        found = tallies.differences(session)
    words = "counts: every one is what its rows say"
    _door.show({"differences": found}, as_json, "\n".join(found) or words)
    if found:
        raise SystemExit(1)
