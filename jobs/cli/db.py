"""The database's schema."""

from __future__ import annotations

from pathlib import Path

import click
from sqlalchemy import Engine

from jobs import db
from jobs.blobs import open_blobs
from jobs.cli import _door
from jobs.combining import tallies
from jobs.installation import backups, migrating, restoring
from jobs.installation.backup_records import BackupRecord, remember
from jobs.settings import Settings


@click.group("db")
def group() -> None:
    """The database: bring it to the newest schema, see where it stands, back it up."""


@group.command("upgrade")
@_door.json_option
@_door.settings_of
def upgrade(settings: Settings, as_json: bool) -> None:
    """Apply every version that is missing; nothing to do the second time."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    engine = db.open_engine(settings.database())
    try:
        migrating.upgrade(engine, _door.now())
    finally:
        engine.dispose()
    _door.show({"is_current": True}, as_json, "database: at the newest schema")


@group.command("status")
@_door.json_option
@_door.settings_of
def status(settings: Settings, as_json: bool) -> None:
    """Whether the database is at the newest schema, and whether its tables are as declared."""
    engine = _reached(settings)
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


@group.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--without-pictures", is_flag=True, help="Leave out the data folder's pictures.")
@_door.json_option
@_door.settings_of
def backup(settings: Settings, file: Path, without_pictures: bool, as_json: bool) -> None:
    """Write the new FILE: the database, a local picture store and its key, all read again.

    Everything may go on meanwhile. Pictures in S3 stay there: back up the bucket by its own
    means. The file is as secret as the installation.
    """
    engine = _reached(settings)
    try:
        with _door.progress_bar("pictures", not as_json) as progress:
            made = backups.write_backup(
                engine,
                open_blobs(settings),
                file,
                _door.now(),
                progress,
                with_pictures=not without_pictures,
            )
    finally:
        engine.dispose()
    n_rows = sum(made.rows.values())
    record = BackupRecord(
        made_at=made.made_at,
        file=str(file.resolve()),
        n_bytes=file.stat().st_size,
        n_rows=n_rows,
        n_pictures=made.n_pictures,
    )
    remember(settings.data_dir, record)
    where = f"{made.n_pictures} pictures" if made.pictures == "included" else "no pictures"
    text = f"{file}: {n_rows} rows of schema {made.schema_version} and {where}, read again"
    _door.show({"file": str(file), **made.model_dump(mode="json")}, as_json, text)


@group.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Lose the rows that the database holds now.")
@_door.json_option
@_door.settings_of
def restore(settings: Settings, file: Path, replace: bool, as_json: bool) -> None:
    """Bring FILE back into an empty database; paid calls stop until ``ledger reconcile``.

    Nothing else may run meanwhile. A backup of SQLite is restored into PostgreSQL too, and
    the other way round.
    """
    engine = db.open_engine(settings.database())
    try:
        with _door.progress_bar("pictures", not as_json) as progress:
            found = restoring.restore_backup(
                engine, settings, file, _door.now(), progress, replace=replace
            )
    finally:
        engine.dispose()
    lines = [
        f"{found.n_rows} rows of {found.manifest.made_at:%Y-%m-%d %H:%M} UTC and "
        f"{found.n_pictures} pictures are back",
        "paid calls are stopped; before anything else, run: hitworks ledger reconcile",
    ]
    if found.n_missing:
        lines.append(f"{found.n_missing} pictures are not in the data folder: bring them back too")
    result = {
        "made_at": found.manifest.made_at,
        "n_rows": found.n_rows,
        "n_pictures": found.n_pictures,
        "n_missing_pictures": found.n_missing,
    }
    _door.show(result, as_json, "\n".join(lines))


@group.command("mark-restored")
@_door.json_option
@_door.settings_of
def mark_restored(settings: Settings, as_json: bool) -> None:
    """Say that the database was brought back by other means, such as pg_restore."""
    with _door.writing(settings) as session:
        reason = "an older state was brought back; run: hitworks ledger reconcile"
        restoring.mark_restored(session, reason, _door.now())
    text = "paid calls are stopped; run: hitworks ledger reconcile"
    _door.show({"is_paused": True, "reason": reason}, as_json, text)


def _reached(settings: Settings) -> Engine:
    """An engine whose database can be opened, whatever its schema."""
    engine = db.open_engine(settings.database())
    _door.reach(engine)
    return engine
