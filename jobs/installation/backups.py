"""Backups: one file with the database, the pictures of a local store, and what proves it whole.

The database lies in it as an SQLite file, whichever database it came from, so that a backup
of one is restored into the other too. It is taken while everything runs: from SQLite by its
own backup API, from PostgreSQL in one read-only snapshot. The file is as secret as the
installation: it holds password hashes and the key that signs the pictures' addresses.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sqlite3
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import Engine, create_engine, event

from jobs.blobs import Blobs, LocalBlobs, is_key
from jobs.errors import Conflict, InvalidInput
from jobs.installation import migrating, table_copies
from jobs.migrations.guards import INSERT_ONLY

FORM = 1
MANIFEST, DATABASE, SIGNING_KEY, PICTURES = (
    "backup.json", "database.sqlite", "media.key", "pictures/",
)  # fmt: skip
_LARGEST_MANIFEST = 1024 * 1024
_PART = 1024 * 1024
_UNSEALED = b"-" * 64  # the archive's comment, its last bytes
Progress = Callable[[int, int], None]


class Manifest(BaseModel):
    """What a backup holds. ``pictures``: in this file, or to be backed up where they lie."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    form: int
    made_at: datetime
    schema_version: str
    database_sha256: str
    rows: dict[str, int]
    pictures: Literal["included", "elsewhere"]
    n_pictures: int


def write_backup(
    engine: Engine,
    blobs: Blobs,
    file: Path,
    now: datetime,
    progress: Progress,
    *,
    with_pictures: bool = True,
) -> Manifest:
    """Back up to the new ``file``, which gets its name only once it was read again.

    Raises:
        Conflict: when ``file`` exists, or the database has no tables of ours.
        InvalidInput: when what was written does not prove whole.

    """
    if file.exists():
        raise Conflict(f"{file}: exists already; a backup never replaces a file")
    store = blobs if isinstance(blobs, LocalBlobs) and with_pictures else None
    beside = file.with_name(f".{file.name}.{secrets.token_hex(6)}")
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".hitworks-backup-") as folder:
        try:
            snapshot = Path(folder) / DATABASE
            _take_snapshot(engine, snapshot)
            # Pictures are stored before the rows that name them and are never changed, so that
            # the folder read after the snapshot has them all.
            keys = store.keys() if store else []
            manifest = _manifest(snapshot, None if store is None else len(keys), now)
            with _private_file(beside) as stream:
                _write(stream, snapshot, manifest, store, keys, progress)
                seal(stream)
                stream.flush()
                os.fsync(stream.fileno())
            with open_backup(beside, Path(folder) / "read again"):
                pass
            # A link, unlike a rename, never replaces a file made meanwhile.
            file.hardlink_to(beside)
        finally:
            beside.unlink(missing_ok=True)
    return manifest


class Backup:
    """An opened backup whose every part has proven whole."""

    def __init__(self, archive: zipfile.ZipFile, manifest: Manifest, database: Path) -> None:
        self.manifest = manifest
        self.database = database
        self._archive = archive

    def signing_key(self) -> bytes | None:
        """The key of the pictures' addresses; None when pictures lie elsewhere."""
        names = self._archive.namelist()
        return self._archive.read(SIGNING_KEY) if SIGNING_KEY in names else None

    def pictures(self) -> Iterator[tuple[str, bytes]]:
        """Key and bytes of each picture in the file."""
        for name in self._archive.namelist():
            if name.startswith(PICTURES):
                yield name.removeprefix(PICTURES), self._archive.read(name)


@contextmanager
def open_backup(file: Path, folder: Path) -> Iterator[Backup]:
    """The backup in ``file``, checked from end to end; its database lies in ``folder``.

    Raises:
        InvalidInput: when the file is no backup, or is damaged; the message says where.
        Conflict: when it was made by a newer program.

    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        archive = zipfile.ZipFile(file)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise InvalidInput(f"{file}: expected a whole backup of ours: {error}") from error
    with archive:
        _check_seal(file)
        try:
            manifest = _read_manifest(archive, file)
            _extract(archive, manifest, folder / DATABASE, file)
            backup = Backup(archive, manifest, folder / DATABASE)
            _check_pictures(backup, file)
        except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise InvalidInput(f"{file}: the backup is damaged: {error}") from error
        _check_database(backup, file)
        yield backup


def open_copy(path: Path) -> Engine:
    """An engine on a database file that nobody else uses; it stays one plain file."""
    engine = create_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", _begin_by_hand)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def _begin_by_hand(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys=ON")


def _take_snapshot(engine: Engine, path: Path) -> None:
    """The database at one moment, as an SQLite file."""
    if engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(path)) as target:
            connection = engine.raw_connection()
            try:
                # All pages in one step: writers go on beside it in the write-ahead log.
                connection.driver_connection.backup(target)  # type: ignore[union-attr]
            finally:
                connection.close()
            target.execute("PRAGMA journal_mode=DELETE")
        return
    copy = open_copy(path)
    snapshot = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with snapshot.connect() as source:
        version = migrating.version_of(source)
        if version is None:
            raise Conflict("database: has no tables of ours; run: hitworks db upgrade")
        with copy.begin() as target:
            migrating.create(target, version)
        with copy.begin() as target:
            table_copies.copy_rows(source, target)
    copy.dispose()


def _manifest(snapshot: Path, n_pictures: int | None, now: datetime) -> Manifest:
    copy = open_copy(snapshot)
    with copy.connect() as connection:
        version = migrating.version_of(connection)
        rows = table_copies.count_rows(connection)
    copy.dispose()
    if version is None:
        raise Conflict("database: has no tables of ours; run: hitworks db upgrade")
    return Manifest(
        form=FORM,
        made_at=now,
        schema_version=version,
        database_sha256=_sha256(snapshot),
        rows=rows,
        pictures="elsewhere" if n_pictures is None else "included",
        n_pictures=n_pictures or 0,
    )


def _write(
    stream: BinaryIO,
    snapshot: Path,
    manifest: Manifest,
    store: LocalBlobs | None,
    keys: Sequence[str],
    progress: Progress,
) -> None:
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = _UNSEALED
        archive.writestr(MANIFEST, manifest.model_dump_json(indent=1))
        archive.write(snapshot, DATABASE)
        if store is None:
            return
        archive.writestr(SIGNING_KEY, store.secret)
        for number, key in enumerate(keys):
            progress(number, len(keys))
            archive.write(store.folder / key, PICTURES + key, zipfile.ZIP_STORED)


def seal(stream: BinaryIO) -> None:
    """End the archive's bytes with their SHA-256, so that no changed bit goes unseen."""
    size = stream.seek(0, os.SEEK_END)
    digest = _digest_of(stream, size - len(_UNSEALED))
    stream.seek(size - len(_UNSEALED))
    stream.write(digest)


def _check_seal(file: Path) -> None:
    with file.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END) - len(_UNSEALED)
        got = _digest_of(stream, max(size, 0))
        stream.seek(max(size, 0))
        expected = stream.read()
    if got != expected:
        raise InvalidInput(
            f"{file}: the backup is damaged: its bytes have the SHA-256 {got.decode()}, "
            f"expected {expected!r:.80}"
        )


def _digest_of(stream: BinaryIO, n_bytes: int) -> bytes:
    digest = hashlib.sha256()
    stream.seek(0)
    while n_bytes and (part := stream.read(min(n_bytes, _PART))):
        digest.update(part)
        n_bytes -= len(part)
    return digest.hexdigest().encode()


def _read_manifest(archive: zipfile.ZipFile, file: Path) -> Manifest:
    if MANIFEST not in archive.namelist():
        raise InvalidInput(f"{file}: expected a backup of ours: it holds no {MANIFEST}")
    with archive.open(MANIFEST) as stream:
        text = stream.read(_LARGEST_MANIFEST)
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        raise InvalidInput(f"{file}: its {MANIFEST} cannot be read: {error}") from error
    if manifest.form != FORM or manifest.schema_version not in migrating.known_versions():
        raise Conflict(
            f"{file}: expected form {FORM} and a schema version up to "
            f"{migrating.newest_version()}, found form {manifest.form} and version "
            f"{manifest.schema_version}: it was made by a newer program"
        )
    return manifest


def _extract(archive: zipfile.ZipFile, manifest: Manifest, path: Path, file: Path) -> None:
    if DATABASE not in archive.namelist():
        raise InvalidInput(f"{file}: the backup is damaged: it holds no {DATABASE}")
    with archive.open(DATABASE) as source, path.open("xb") as target:
        while part := source.read(_PART):
            target.write(part)
    if _sha256(path) != manifest.database_sha256:
        raise InvalidInput(
            f"{file}: the backup is damaged: its database has the SHA-256 {_sha256(path)} "
            f"instead of {manifest.database_sha256}"
        )


def _check_pictures(backup: Backup, file: Path) -> None:
    n_found = 0
    for key, data in backup.pictures():
        if not is_key(key) or hashlib.sha256(data).hexdigest() not in key:
            raise InvalidInput(f"{file}: the backup is damaged: picture {key:.100}")
        n_found += 1
    if n_found != backup.manifest.n_pictures:
        raise InvalidInput(
            f"{file}: the backup is damaged: expected {backup.manifest.n_pictures} pictures, "
            f"found {n_found}"
        )


def _check_database(backup: Backup, file: Path) -> None:
    """A test read: every page, every reference, every table's rows, every guard."""
    with closing(sqlite3.connect(backup.database)) as opened:
        found = [row[0] for row in opened.execute("PRAGMA integrity_check(5)")]
        orphans = opened.execute("PRAGMA foreign_key_check").fetchall()
        guards = [
            row[0]
            for row in opened.execute("SELECT tbl_name FROM sqlite_master WHERE type='trigger'")
        ]
    expected = [name for name in INSERT_ONLY if name in backup.manifest.rows]
    unguarded = [name for name in expected if guards.count(name) < 2]
    if found != ["ok"] or orphans or unguarded:
        raise InvalidInput(
            f"{file}: its database is damaged: {'; '.join(found)}; {len(orphans)} rows refer to "
            f"none; not guarded against change: {', '.join(unguarded) or 'none'}"
        )
    copy = open_copy(backup.database)
    with copy.connect() as connection:
        rows = table_copies.count_rows(connection)
    copy.dispose()
    if rows != backup.manifest.rows:
        raise InvalidInput(f"{file}: expected rows {backup.manifest.rows}, found {rows}")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _private_file(path: Path) -> BinaryIO:
    """A new file that only its owner reads."""
    return os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "w+b")
