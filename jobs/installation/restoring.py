"""Put a backup's content in the place of a database: all of it or nothing.

The restored database knows less than the venues. So it is marked: no paid call is made until
``ledger reconcile`` has read them and taken over what happened since
(``jobs/reconciling/adopting.py``), and what is written from now on carries another name than
what the lost rows were called.
"""

from __future__ import annotations

import secrets
import sqlite3
import string
import tempfile
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, select, text, update
from sqlalchemy.orm import Session

from jobs import blobs, intents, work
from jobs.errors import Conflict
from jobs.installation import backups, lifeline, migrating, table_copies
from jobs.installation.backups import Backup, Progress
from jobs.settings import Settings
from jobs.tables import Base, Hit, Installation, Item, Switch

ACTOR = "restore"
_ENDING = string.ascii_lowercase + string.digits


@dataclass(frozen=True)
class Restored:
    """What a restore brought back; ``n_missing`` items have no picture in the data folder."""

    manifest: backups.Manifest
    n_rows: int
    n_pictures: int
    n_missing: int


def restore_backup(
    engine: Engine,
    settings: Settings,
    file: Path,
    now: datetime,
    progress: Progress,
    *,
    replace: bool,
) -> Restored:
    """Bring the backup back into the settings' database and data folder, marked as restored.

    The database is changed in one step at the end: broken off before, it is as it was.

    Raises:
        InvalidInput: when the file is no backup or is damaged.
        Conflict: when it was made by a newer program; when the database holds rows and
            ``replace`` is not said; when anybody else uses the database.

    """
    data_dir = settings.data_dir
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (
        closing(lifeline.lock_folder(data_dir)),
        tempfile.TemporaryDirectory(dir=data_dir, prefix=".restore-") as folder,
        backups.open_backup(file, Path(folder)) as backup,
    ):
        _prepare(backup, file, now)
        _restore_pictures(backup, settings, progress)
        if engine.dialect.name == "sqlite":
            _replace_sqlite(engine, backup.database, replace)
        else:
            _replace_postgres(engine, backup.database, replace)
        manifest = backup.manifest
        n_missing = 0 if settings.blob_url else _count_missing(backup.database, settings)
        return Restored(manifest, sum(manifest.rows.values()), manifest.n_pictures, n_missing)


def mark_restored(session: Session, reason: str, now: datetime) -> None:
    """Stop paid calls until the venues were read, and have that done by the background.

    For a database that was brought back by other means too. The new ending of our name keeps
    tokens and markers from being those of rows that were lost.
    """
    row = session.scalars(select(Installation).with_for_update()).one()
    ending = "".join(secrets.choice(_ENDING) for _ in range(3))
    row.key = f"{row.key.partition('.')[0]}.{ending}"
    for name in (intents.RESTORED, intents.PAUSE):
        switch = session.get(Switch, name)
        if switch is None or not switch.is_on:  # a person's own pause outlives the restore
            intents.set_pause(session, True, reason=reason, actor=ACTOR, now=now, name=name)
    session.execute(update(Hit).values(collected_at=None))  # all are to be read again
    work.enqueue(session, "reconcile", 0, now)


def _prepare(backup: Backup, file: Path, now: datetime) -> None:
    """Bring the backup's database, while still a file aside, to the newest schema; mark it."""
    copy = backups.open_copy(backup.database)
    try:
        migrating.upgrade(copy, now)
        with Session(copy) as session, session.begin():
            made_at = f"{backup.manifest.made_at:%Y-%m-%d %H:%M} UTC"
            mark_restored(
                session,
                f"restored {file.name} of {made_at}; run: hitworks ledger reconcile",
                now,
            )
    finally:
        copy.dispose()


def _restore_pictures(backup: Backup, settings: Settings, progress: Progress) -> None:
    """Pictures come before the rows that name them; those that are there stay."""
    secret = backup.signing_key()
    if secret is None or settings.blob_url:
        return
    blobs.keep_signing_key(blobs.signing_key_path(settings), secret)
    store = blobs.open_blobs(settings)
    for number, (key, data) in enumerate(backup.pictures()):
        progress(number, backup.manifest.n_pictures)
        store.put(data, blobs.media_type_of(key))


def _count_missing(database: Path, settings: Settings) -> int:
    copy = backups.open_copy(database)
    folder = settings.data_dir / "blobs"
    with Session(copy) as session:
        keys = session.scalars(select(Item.blob_key).distinct())
        n_missing = sum(not (folder / key).exists() for key in keys)
    copy.dispose()
    return n_missing


def _replace_sqlite(engine: Engine, source: Path, replace: bool) -> None:
    """SQLite's backup API writes in one transaction: another process sees the old or the new."""
    path = Path(str(engine.url.database))
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=2)) as target:
        try:
            # Leaving the write-ahead log needs the file for oneself.
            mode = target.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
        except sqlite3.DatabaseError as error:
            raise Conflict(
                f"{path}: {error}: stop every process that uses it (hitworks up, web, "
                "background); a damaged file must be moved away first"
            ) from error
        if mode != "delete":
            raise Conflict(f"{path}: is in use: stop every process that uses it first")
        checked = backups.open_copy(path)
        with checked.connect() as connection:
            _refuse_rows(connection, replace)
        checked.dispose()
        with closing(sqlite3.connect(source)) as opened:
            opened.backup(target)


def _replace_postgres(engine: Engine, source: Path, replace: bool) -> None:
    """One transaction drops, makes and fills the tables, triggers and all."""
    copy = backups.open_copy(source)
    try:
        with engine.begin() as target, copy.connect() as rows:
            _refuse_others(target)
            _refuse_rows(target, replace)
            known = [*Base.metadata.tables, table_copies.VERSION_TABLE]
            names = ", ".join(f'"{name}"' for name in known)
            target.execute(text(f"DROP TABLE IF EXISTS {names} CASCADE"))
            migrating.create(target, migrating.newest_version())
            table_copies.copy_rows(rows, target)
            expected, got = table_copies.count_rows(rows), table_copies.count_rows(target)
            if expected != got:
                raise Conflict(f"restore: expected rows {expected}, found {got}")
    finally:
        copy.dispose()


def _refuse_others(connection: Connection) -> None:
    n_others = connection.scalar(
        text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
    )
    if n_others:
        raise Conflict(
            f"database: {n_others} other connections use it: stop the web app and every "
            "background worker first"
        )


def _refuse_rows(connection: Connection, replace: bool) -> None:
    rows = table_copies.count_rows(connection)
    fresh = _rows_of_a_new_database()
    found = {name: n for name, n in rows.items() if n > fresh.get(name, 0)}
    if found and not replace:
        counted = ", ".join(f"{n} of {name}" for name, n in sorted(found.items()))
        raise Conflict(
            f"database: expected an empty one, it holds rows ({counted:.200}); to lose them, "
            "say --replace"
        )


def _rows_of_a_new_database() -> dict[str, int]:
    """What nobody would miss: rows that every database has, and the sweeper's lease."""
    new = create_engine("sqlite://")
    migrating.upgrade(new, datetime.fromtimestamp(0, UTC))
    with new.connect() as connection:
        rows = table_copies.count_rows(connection)
    new.dispose()
    return {**rows, "sweep": 1}
