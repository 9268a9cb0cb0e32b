"""Imports in the background: killed anywhere, done twice, cancelled, on both databases."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from jobs import calls, work
from jobs.db import Sessions, open_engine, open_sessions, reading, transaction
from jobs.errors import Conflict, InvalidInput, NotFound
from jobs.installation.migrating import upgrade
from jobs.intake import intakes
from jobs.intake.facts import FAULTS, fault_of, megapixel_labels
from jobs.intake.taking_in import take_in
from jobs.resources import Resources, open_resources
from jobs.settings import Settings
from jobs.tables import Dataset, Intake, IntakeFile, Item, Work
from tests.factories import NOW
from tests.jobs.fault_points import Breaker, Crash, Point
from tests.jobs.pictures import picture


@dataclass
class House:
    """An installation whose clock stands where it is put."""

    resources: Resources
    now: datetime = NOW

    @property
    def sessions(self) -> Sessions:
        return self.resources.sessions

    def send(self, files: dict[str, bytes], name: str = "pets") -> int:
        """An upload that is complete and waits for the background."""
        with transaction(self.sessions) as session:
            row = intakes.begin_upload(session, name=name, actor="ada", now=self.now)
            intakes.reserve(session, row.id, len(files), sum(map(len, files.values())), self.now)
        folder = intakes.received_folder(self.resources.settings, row.staged)
        for path, data in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        with transaction(self.sessions) as session:
            intakes.start(session, row.id, self.now)
        return row.id

    def drain(self) -> None:
        self.now += timedelta(minutes=10)
        calls.drain(self.resources)

    def intake(self, intake_id: int) -> Intake:
        with reading(self.sessions) as session:
            return session.get_one(Intake, intake_id)

    def names(self) -> list[str]:
        with reading(self.sessions) as session:
            return list(session.scalars(select(Item.name).order_by(Item.id)))

    def count(self, table: type) -> int:
        with reading(self.sessions) as session:
            return session.scalar(select(func.count()).select_from(table)) or 0

    def staged(self) -> list[Path]:
        folder = intakes.uploads_folder(self.resources.settings)
        return list(folder.iterdir()) if folder.exists() else []


def open_house(folder: Path, sessions: Sessions, **settings: str) -> House:
    house = House(None)  # type: ignore[arg-type]
    values = Settings(data_dir=folder, **settings)  # type: ignore[arg-type]
    house.resources = open_resources(values, sessions, lambda: house.now)
    return house


@pytest.fixture
def house(tmp_path: Path, sessions: Sessions) -> House:
    return open_house(tmp_path / "data", sessions)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[House]:
    """On SQLite alone, where the database makes no difference."""
    engine = open_engine(f"sqlite:///{tmp_path / 'small.sqlite'}")
    upgrade(engine, NOW)
    yield open_house(tmp_path / "data", open_sessions(engine))
    engine.dispose()


def zipped(members: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


def mixed() -> dict[str, bytes]:
    """Ninety good pictures, one of them twice, one turned; a torn one and a text."""
    good = {f"in/{number:03}.png": picture(30 + number, 20, form="PNG") for number in range(90)}
    return {
        **good,
        "in/again.png": good["in/007.png"],
        "in/turned.jpg": picture(60, 30, orientation=6),
        "in/torn.png": good["in/003.png"][:60],
        "in/words.jpg": b"hello",
    }


def test_an_archive_becomes_items_with_a_report_and_leaves_no_files(house: House) -> None:
    intake_id = house.send({"photos.zip": zipped(mixed())})
    house.drain()
    row = house.intake(intake_id)
    assert (row.state, row.n_rows, row.n_accepted, row.n_refused) == ("done", 94, 91, 3)
    assert row.facts["faults"] == {"damaged": 1, "duplicate": 1, "no_image": 1}
    assert (row.facts["n_turned"], row.facts["largest"]) == (1, [119, 20])
    assert sum(row.facts["megapixels"]) == 91
    assert len(row.facts["samples"]) == 24
    with reading(house.sessions) as session:
        refused = session.scalars(select(IntakeFile).order_by(IntakeFile.row)).all()
    assert {one.name for one in refused} == {"again.png", "torn.png", "words.jpg"}
    assert {one.state for one in refused} == {"refused"}
    assert house.names()[0] == "000.png"
    assert not house.staged()


def test_a_second_upload_of_the_same_adds_nothing(house: House) -> None:
    house.send(mixed())
    house.drain()
    again = house.send(mixed())
    house.drain()
    row = house.intake(again)
    assert (row.state, row.n_accepted, row.n_refused) == ("done", 0, 94)
    assert row.facts["faults"]["duplicate"] == 92
    assert (len(house.names()), house.count(Dataset)) == (91, 1)


def test_running_the_call_again_changes_nothing(small: House) -> None:
    intake_id = small.send(mixed())
    small.drain()
    before = small.intake(intake_id)
    for _ in range(2):
        assert take_in(small.resources, intake_id, lambda _done, _total: None) is None
    after = small.intake(intake_id)
    assert (after.n_accepted, after.facts) == (before.n_accepted, before.facts)
    assert len(small.names()) == 91


def test_an_import_killed_at_every_commit_in_turn_goes_on_and_imports_nothing_twice(
    small: House, tmp_path: Path
) -> None:
    breaker = Breaker()
    breaker.watch(small.sessions)
    small.send({"photos.zip": zipped(mixed())})
    breaker.n_commits = 0
    small.drain()
    whole, n_commits = small.names(), breaker.n_commits
    for number in range(1, n_commits + 1):
        for where in ("before_commit", "after_commit"):
            crash_once(tmp_path / f"{where}{number}", Point(where, number), whole)


def crash_once(folder: Path, point: Point, whole: list[str]) -> None:
    folder.mkdir()
    engine = open_engine(f"sqlite:///{folder / 'db.sqlite'}")
    upgrade(engine, NOW)
    house = open_house(folder / "data", open_sessions(engine))
    intake_id = house.send({"photos.zip": zipped(mixed())})
    breaker = Breaker([point])
    breaker.watch(house.sessions)
    with pytest.raises(Crash):
        house.drain()
    house.drain()
    assert house.names() == whole, point
    row = house.intake(intake_id)
    assert (row.state, row.n_accepted, row.n_refused) == ("done", 91, 3), point
    assert not house.staged()
    engine.dispose()
    shutil.rmtree(folder)


def test_a_run_that_lost_its_place_writes_nothing_more(house: House) -> None:
    intake_id = house.send(mixed())
    seen: list[int] = []

    def overtaken(done: int, _total: int) -> None:
        seen.append(done)
        if done == 32:
            assert take_in(house.resources, intake_id, lambda _d, _t: None) is None

    with pytest.raises(work.LeaseLost):
        take_in(house.resources, intake_id, overtaken)
    assert seen[-1] == 32
    assert house.intake(intake_id).state == "done"
    assert len(house.names()) == 91


@pytest.mark.parametrize("at", [0, 32, 64])
def test_a_cancelled_import_leaves_nothing(house: House, at: int) -> None:
    intake_id = house.send({"photos.zip": zipped(mixed())})

    def cancelling(done: int, _total: int) -> None:
        if done == at:
            with transaction(house.sessions) as session:
                intakes.cancel(session, intake_id, house.now)

    take_in(house.resources, intake_id, cancelling)
    house.drain()
    assert [house.count(table) for table in (Intake, IntakeFile, Item, Dataset)] == [0] * 4
    assert not house.staged()
    assert not (house.resources.settings.data_dir / "blobs").exists()
    with pytest.raises(NotFound), transaction(house.sessions) as session:
        intakes.cancel(session, intake_id, house.now)


def test_an_import_that_stores_or_has_ended_cannot_be_cancelled(small: House) -> None:
    intake_id = small.send(mixed())

    def too_late(done: int, total: int) -> None:
        if total and done > total // 2:
            with pytest.raises(Conflict, match="stor"), transaction(small.sessions) as session:
                intakes.cancel(session, intake_id, small.now)

    take_in(small.resources, intake_id, too_late)
    with pytest.raises(Conflict, match="done"), transaction(small.sessions) as session:
        intakes.cancel(session, intake_id, small.now)
    assert len(small.names()) == 91


def test_an_upload_that_never_ends_is_forgotten_after_a_day(small: House) -> None:
    with transaction(small.sessions) as session:
        row = intakes.begin_upload(session, name="pets", actor="ada", now=small.now)
        intakes.reserve(session, row.id, 1, 10, small.now)
    folder = intakes.received_folder(small.resources.settings, row.staged)
    folder.mkdir(parents=True)
    (folder / "a.jpg").write_bytes(b"half")
    small.drain()
    assert small.intake(row.id).state == "receiving"
    small.now += timedelta(days=2)
    small.drain()
    assert (small.count(Intake), small.staged()) == (0, [])


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"a.zip": b"no zip"}, "expected a readable zip file"),
        ({"a.zip": zipped({"../x.jpg": b"x"})}, "expected a plain relative path"),
        ({"a.zip": zipped({"b.zip": b"x"})}, "is an archive itself"),
        ({"a.zip": zipped({"x.jpg": b"\0" * 10}), "x.jpg": b"x"}, "sent twice"),
        ({"list.csv": b"path\n"}, "found no rows"),
        ({"torn.jpg": b"hello", "more.jpg": b"x"}, "could take in none 2 rows"),
    ],
)
def test_a_faulty_source_fails_with_its_reason_and_makes_no_dataset(
    small: House, files: dict[str, bytes], told: str
) -> None:
    intake_id = small.send(files)
    small.drain()
    row = small.intake(intake_id)
    assert row.state == "failed"
    assert told in row.problem
    assert (small.count(Dataset), small.count(Item), small.staged()) == (0, 0, [])
    assert not calls.waiting(small.resources)


def test_files_that_another_machine_has_wait_for_it_and_are_given_up_after_a_day(
    small: House,
) -> None:
    intake_id = small.send(mixed())
    shutil.rmtree(intakes.uploads_folder(small.resources.settings))
    small.drain()
    assert "machine that received" in calls.waiting(small.resources)[0].error
    small.now += timedelta(days=1)
    small.drain()
    assert small.intake(intake_id).state == "failed"


def test_an_image_changed_while_it_is_taken_in_is_refused(tmp_path: Path, small: House) -> None:
    folder = tmp_path / "server"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.jpg").write_bytes(picture(40 + number, 20))
    small.resources = replace(
        small.resources,
        settings=small.resources.settings.model_copy(update={"import_folders": str(folder)}),
    )
    with transaction(small.sessions) as session:
        row = intakes.begin_elsewhere(
            session,
            small.resources.settings,
            place=str(folder),
            name="pets",
            actor="ada",
            now=small.now,
        )

    def changing(done: int, _total: int) -> None:
        if done == 3:
            (folder / "1.jpg").write_bytes(picture(99, 20))

    take_in(small.resources, row.id, changing)
    assert small.names() == ["0.jpg", "2.jpg"]
    assert (folder / "0.jpg").exists()


def test_only_folders_that_the_administrator_allows_are_read(tmp_path: Path) -> None:
    (tmp_path / "open" / "in").mkdir(parents=True)
    (tmp_path / "open" / "out").symlink_to("/etc")
    none, some = Settings(), Settings(import_folders=f"{tmp_path / 'open'}, {tmp_path / 'two'}")
    assert intakes.allowed_path(some, str(tmp_path / "open" / "in")).name == "in"
    for settings, place in [
        (none, str(tmp_path)),
        (some, str(tmp_path)),
        (some, str(tmp_path / "open" / ".." / "x")),
        (some, str(tmp_path / "open" / "out" / "hostname")),
        (some, "/etc"),
        (some, ""),
        (some, "a\0b"),
        (some, str(tmp_path / "open" / "nothing")),
    ]:
        with pytest.raises(InvalidInput, match="place"):
            intakes.allowed_path(settings, place)


def test_no_more_is_received_than_has_room_and_nothing_after_the_start(small: House) -> None:
    with transaction(small.sessions) as session:
        row = intakes.begin_upload(session, name="pets", actor="ada", now=small.now)
        for n_files, n_bytes in ((10**7, 1), (1, 10**13)):
            with pytest.raises(InvalidInput, match="expected at most"):
                intakes.reserve(session, row.id, n_files, n_bytes, small.now)
        with pytest.raises(InvalidInput, match="got none"):
            intakes.start(session, row.id, small.now)
        intakes.reserve(session, row.id, 1, 1, small.now)
        for _ in range(2):
            intakes.start(session, row.id, small.now)
        with pytest.raises(Conflict, match="takes no more files"):
            intakes.reserve(session, row.id, 1, 1, small.now)
    with reading(small.sessions) as session:
        assert [one.key for one in session.scalars(select(Work))] == ["take_in:1"]


def test_every_refusal_has_a_kind_that_people_can_read() -> None:
    assert fault_of("duplicate: the same image as 'a'") == "duplicate"
    assert fault_of("image: damaged or truncated (x)") == "damaged"
    assert fault_of("columns: expected text") == "bad_row"
    assert {fault_of(text) for text in ("path: x", "name: y", "s3://b/k: no such object")} == {
        "bad_path", "unreadable",
    }  # fmt: skip
    assert len(megapixel_labels()) == 8
    assert json.dumps(FAULTS)
