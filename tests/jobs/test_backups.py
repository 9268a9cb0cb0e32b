"""A backup is whole or refused; a restore is whole or did not happen. On both databases."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import func, inspect, select, text
from sqlalchemy.exc import DatabaseError

from jobs.blobs import open_blobs
from jobs.db import open_engine, open_sessions, reading, transaction
from jobs.errors import Conflict, InvalidInput
from jobs.installation import backups, migrating, table_copies
from jobs.installation.restoring import restore_backup
from jobs.migrations.guards import INSERT_ONLY
from jobs.settings import Settings
from jobs.tables import Base, Installation, Switch, Work, Worker
from tests.factories import NOW
from tests.jobs.test_restoring import back_up, quietly, restore

NOT_COPIED = ("installation", "switch", "work")  # marked by a restore


def content(engine) -> dict[str, list[tuple]]:
    """Every row of every table, in the types of our tables; not when HITs were last read."""
    found = {}
    with engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            if table.name not in NOT_COPIED:
                columns = [each for each in table.columns if each.name != "collected_at"]
                rows = connection.execute(select(*columns).order_by(*table.primary_key.columns))
                found[table.name] = [tuple(row) for row in rows]
    return found


def guards(engine) -> set[str]:
    """What the database runs by itself when a row changes."""
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if engine.dialect.name == "sqlite"
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'O'"
    )
    with engine.connect() as connection:
        return set(connection.scalars(text(query)))


@pytest.fixture
def worked(bench):
    """An installation with rows in most tables."""
    bench.launch(n_items=2)
    bench.drain()
    bench.answer_all()
    bench.settle_down(3)
    return bench


def test_every_row_picture_and_guard_comes_back(worked, engine, tmp_path):
    before, guarded = content(engine), guards(engine)
    pictures = dict.fromkeys(open_blobs(worked.resources.settings).keys())
    file = back_up(worked, engine, tmp_path / "whole.backup")
    assert file.stat().st_mode & 0o777 == 0o600
    elsewhere = Settings(data_dir=tmp_path / "elsewhere")
    worked.answer_all(workers=3)
    engine.dispose()
    found = restore_backup(engine, elsewhere, file, NOW, quietly, replace=True)
    assert content(engine) == before
    assert guards(engine) == guarded
    assert (found.n_pictures, found.n_missing) == (len(pictures), 0)
    store = open_blobs(elsewhere)
    assert dict.fromkeys(store.keys()) == pictures
    assert [store.url(key) for key in pictures] == [
        worked.resources.blobs.url(key) for key in pictures
    ]
    for name in INSERT_ONLY[:4]:
        with pytest.raises(DatabaseError, match="insert-only"), engine.begin() as connection:
            connection.execute(text(f"DELETE FROM {name}"))
    with transaction(open_sessions(engine)) as session:  # ids go on after the last one
        last = session.scalar(select(func.max(Worker.id)))
        row = Worker(provider="mturk", provider_worker_id="new", created_at=NOW)
        session.add(row)
        session.flush()
        assert row.id > last


def test_a_backup_moves_between_the_two_databases(worked, engine, tmp_path, postgres_url):
    file = back_up(worked, engine, tmp_path / "moved.backup")
    before = content(engine)
    name = f"moved_{os.getpid()}"
    server = open_engine(postgres_url).execution_options(isolation_level="AUTOCOMMIT")
    if engine.dialect.name == "sqlite":
        with server.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        other = open_engine(server.url.set(database=name).render_as_string(hide_password=False))
    else:
        other = open_engine(f"sqlite:///{tmp_path / 'other.sqlite'}")
    settings = Settings(data_dir=tmp_path / "elsewhere")
    restore_backup(other, settings, file, NOW, quietly, replace=False)
    assert content(other) == before
    assert migrating.drift(other) == []
    with reading(open_sessions(other)) as session:
        assert session.get_one(Switch, "restored").is_on
        assert "." in session.scalars(select(Installation.key)).one()
    other.dispose()
    if engine.dialect.name == "sqlite":
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name}"))
    server.dispose()


def test_writers_go_on_while_a_backup_is_taken_and_it_shows_one_moment(
    bench, engine, sessions, tmp_path
):
    """Two rows are written together each time: a torn copy would hold one of them."""
    bench.launch(n_items=1)
    is_over = threading.Event()

    def write() -> None:
        number = 0
        while not is_over.is_set():
            number += 1
            with transaction(sessions) as session:
                for side in ("left", "right"):
                    session.add(
                        Worker(provider=side, provider_worker_id=str(number), created_at=NOW)
                    )
                    session.flush()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            file = back_up(bench, engine, tmp_path / f"{number}.backup")
            with backups.open_backup(file, tmp_path / f"opened{number}") as backup:
                copy = backups.open_copy(backup.database)
                with reading(open_sessions(copy)) as session:
                    sides = [
                        session.scalar(select(func.count()).where(Worker.provider == side))
                        for side in ("left", "right")
                    ]
                copy.dispose()
            assert sides[0] == sides[1]
    finally:
        is_over.set()
        writer.join()
    assert sides[0] > 0


def test_a_damaged_file_is_refused_and_changes_nothing(worked, engine, tmp_path):
    good = back_up(worked, engine, tmp_path / "good.backup").read_bytes()
    file = tmp_path / "bad.backup"
    before = content(engine)
    for at in [*range(0, len(good), len(good) // 40), len(good) - 70, len(good) - 1]:
        changed = bytes([255 - good[at]])
        file.write_bytes(good[:at] + changed + good[at + 1 :])
        with pytest.raises(InvalidInput, match=r"bad\.backup: .*(damaged|expected)"):
            restore(worked, engine, file)
    for data in (b"", b"-- pg_dump", good[: len(good) // 2], good[:-1], good + b"x"):
        file.write_bytes(data)
        with pytest.raises(InvalidInput, match=r"bad\.backup: .*(damaged|expected)"):
            restore(worked, engine, file)
    assert content(engine) == before


def rewritten(file: Path, name: str, change) -> Path:
    """A copy of the backup in which one part is another."""
    made = file.with_suffix(".changed")
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(made, "w") as target:
        for entry in source.namelist():
            data = source.read(entry)
            target.writestr(entry, change(data) if entry == name else data)
        target.comment = source.comment
    with made.open("r+b") as stream:
        backups.seal(stream)
    return made


def test_a_newer_programs_backup_is_refused_with_its_version(worked, engine, tmp_path):
    file = back_up(worked, engine, tmp_path / "new.backup")
    version = migrating.newest_version().encode()
    newer = rewritten(file, backups.MANIFEST, lambda data: data.replace(version, b"9999"))
    with pytest.raises(Conflict, match="version 9999: it was made by a newer program"):
        restore(worked, engine, newer)


def test_a_database_changed_by_hand_is_found_by_its_checksum(worked, engine, tmp_path):
    file = back_up(worked, engine, tmp_path / "good.backup")
    changed = rewritten(file, backups.DATABASE, lambda data: data.replace(b"photos", b"fotos!"))
    with pytest.raises(InvalidInput, match="SHA-256"):
        restore(worked, engine, changed)


def test_rows_are_lost_only_when_that_was_said(worked, engine, tmp_path):
    file = back_up(worked, engine, tmp_path / "good.backup")
    with pytest.raises(Conflict, match=r"expected an empty one.*--replace"):
        restore(worked, engine, file, replace=False)
    with pytest.raises(Conflict, match="exists already"):
        back_up(worked, engine, file)


def test_a_database_in_use_is_not_replaced(worked, engine, database_url, tmp_path):
    file = back_up(worked, engine, tmp_path / "good.backup")
    other = open_engine(database_url)
    with other.connect() as connection:
        connection.execute(select(Work.id))
        with pytest.raises(Conflict, match=r"stop (every process|the web app)"):
            restore(worked, engine, file)
    other.dispose()


def test_a_backup_from_before_an_upgrade_is_upgraded_when_it_is_restored(
    empty_database_url, tmp_path
):
    engine = open_engine(empty_database_url)
    with engine.begin() as connection:
        migrating.create(connection, "0003")
        connection.execute(
            text("INSERT INTO installation (id, key, created_at) VALUES (1, 'old', :now)"),
            {"now": NOW},
        )
    settings = Settings(data_dir=tmp_path / "data")
    file = tmp_path / "old.backup"
    made = backups.write_backup(engine, open_blobs(settings), file, NOW, quietly)
    assert made.schema_version == "0003"
    engine.dispose()
    restore_backup(engine, settings, file, NOW, quietly, replace=False)
    assert migrating.is_current(engine)
    with reading(open_sessions(engine)) as session:
        assert session.scalars(select(Installation.key)).one().startswith("old.")
    engine.dispose()


def test_pictures_may_be_left_to_their_own_backup(worked, engine, tmp_path):
    file = tmp_path / "rows.backup"
    blobs = worked.resources.blobs
    backups.write_backup(engine, blobs, file, NOW, quietly, with_pictures=False)
    engine.dispose()
    elsewhere = Settings(data_dir=tmp_path / "elsewhere")
    found = restore_backup(engine, elsewhere, file, NOW, quietly, replace=True)
    assert (found.manifest.pictures, found.n_missing) == ("elsewhere", 2)


RESTORE = """
import sys
from pathlib import Path
from jobs.db import open_engine
from jobs.installation.restoring import restore_backup
from jobs.settings import Settings
from tests.factories import NOW
engine = open_engine(sys.argv[1])
print("ready", flush=True)
restore_backup(engine, Settings(data_dir=Path(sys.argv[2])), Path(sys.argv[3]), NOW,
               lambda a, b: None, replace=True)
"""


def test_a_restore_killed_at_any_moment_leaves_the_old_rows_or_the_new(
    worked, engine, database_url, tmp_path
):
    old = content(engine)
    file = back_up(worked, engine, tmp_path / "good.backup")
    with transaction(worked.sessions) as session:
        session.add_all(
            Worker(provider="later", provider_worker_id=str(number), created_at=NOW)
            for number in range(500)
        )
    new = content(engine)
    engine.dispose()
    seen = []
    for moment in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", RESTORE, database_url, str(tmp_path / "data"), str(file)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(0.1 + 0.25 * moment)
        process.kill()
        process.wait()
        process.stdout.close()
        wait_until_alone(engine)
        found = content(engine)
        engine.dispose()
        assert found in (old, new)
        seen.append(found == old)
        if found == old:
            break
    restore(worked, engine, file)
    assert content(engine) == old
    assert not seen[0] or inspect(engine).get_table_names()


def wait_until_alone(engine) -> None:
    """PostgreSQL notices a killed client a moment later."""
    if engine.dialect.name == "sqlite":
        return
    query = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    while True:
        with engine.connect() as connection:
            if not connection.scalar(query):
                break
        time.sleep(0.05)
    engine.dispose()


def test_counting_rows_names_every_table_of_ours(worked, engine):
    with engine.connect() as connection:
        assert set(table_copies.count_rows(connection)) == set(Base.metadata.tables)
