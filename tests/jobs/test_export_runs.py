"""An export in the background: killed, doubled, overtaken, failed, made again."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event

import pytest
from sqlalchemy import MetaData, insert, select, text

from jobs import hooks
from jobs.db import open_engine, open_sessions, reading, transaction
from jobs.errors import Conflict, NotFound
from jobs.installation import migrating
from jobs.reports.exports import export_list
from jobs.resources import open_resources
from jobs.settings import Settings
from jobs.tables import Consensus, HookDelivery, Item, Work
from tests.factories import NOW, box
from tests.jobs.exporting_bench import Exporting
from tests.jobs.lifecycle import Dial
from tests.jobs.pictures import picture
from tests.jobs.test_review_upgrade import ROWS, TIMES


class Killed(BaseException):
    """The process is gone: nothing of ours may catch it."""


def kill_at(place: int):
    """A watch that ends the run at its ``place``-th sign of life."""
    seen = []

    def watch(_done: int, _total: int) -> None:
        seen.append(1)
        if len(seen) == place:
            raise Killed

    return watch


def parts(exporting) -> list[str]:
    return [path.name for path in exporting.folder.glob(".*")]


GREEN = {"tags": {"colour": "green"}}
ELSEWHERE = {"boxes": [box(100, 100, 200, 200)]}


def disturb(exporting, job_id: int) -> None:
    """Everything that can happen to labels after a snapshot: decided, reverted, doubted."""
    exporting.change(job_id, "photo-0.jpg", "tags", GREEN, 2, origin="adjudication")
    exporting.change(job_id, "photo-1.jpg", "boxes", ELSEWHERE, 2, origin="adjudication")
    exporting.change(job_id, "photo-1.jpg", "boxes", ELSEWHERE, 3, origin="reverted")
    with transaction(exporting.resources.sessions) as session:
        for row in session.scalars(select(Consensus).where(Consensus.job_id == job_id)):
            row.state, row.agreement, row.confidence = "conflict", 0.1, 0.2


@pytest.mark.parametrize("form", ["jsonl", "coco", "voc", "csv_tags"])
def test_a_snapshot_is_the_same_bytes_after_later_decisions(exporting, form):
    job_id = exporting.job()
    row, data = exporting.export(job_id, form)
    disturb(exporting, job_id)
    (exporting.folder / row.file_name).unlink()
    exporting.dial.turn(days=30)
    exporting.again(job_id, row.id)
    assert exporting.row(row.id).state == "waiting"
    exporting.run(row.id)
    later = exporting.row(row.id)
    assert exporting.data(row.id) == data
    assert (later.state, later.sha256) == ("done", row.sha256)
    assert (later.finished_at, later.checked_at) == (row.finished_at, exporting.dial())


def test_labels_that_change_while_an_export_runs_do_not_tear_it(exporting):
    job_id = exporting.job(1100)
    _, expected = exporting.export(job_id, "jsonl")
    export_id, seen = exporting.plan(job_id, "jsonl"), []

    def watch(n_done: int, _total: int) -> None:
        if n_done == 500 and not seen:
            seen.append(n_done)
            disturb(exporting, job_id)
            exporting.change(job_id, "photo-1099.jpg", "tags", GREEN, 2)

    exporting.run(export_id, watch=watch)
    assert seen
    assert exporting.data(export_id) == expected


def test_a_run_that_is_killed_leaves_no_file_and_is_done_again(exporting):
    job_id = exporting.job(1100)
    for place in (1, 3, 4):
        export_id = exporting.plan(job_id, "voc", name=f"killed at {place}")
        with pytest.raises(Killed):
            exporting.run(export_id, watch=kill_at(place))
        assert exporting.row(export_id).state == "running"
        assert list(exporting.folder.iterdir()) == []
        exporting.dial.turn(seconds=61)
        exporting.sweep()
        assert exporting.row(export_id).problem.startswith("the run of here ended without a word")
        assert exporting.run(export_id)
        row = exporting.row(export_id)
        assert (row.state, row.n_labels, row.problem) == ("done", 1100, "")
        assert [path.name for path in exporting.folder.iterdir()] == [row.file_name]
        (exporting.folder / row.file_name).unlink()


PROGRAM = """
import os, signal, sys
from contextlib import nullcontext
from pathlib import Path
from jobs import calls
from jobs.clock import database_clock
from jobs.db import open_engine, open_sessions
from jobs.resources import open_resources
from jobs.settings import Settings

url, folder, work_id = sys.argv[1:]
engine = open_engine(url)
settings = Settings(data_dir=Path(folder), database_url=url)
place = open_resources(settings, open_sessions(engine), database_clock(engine))

def watch(n_done, n_total):
    if n_done:
        os.kill(os.getpid(), signal.SIGKILL)

def keep(lease):
    lease.watch = watch
    return nullcontext()

calls.run(place, int(work_id), "doomed", keep)
"""


def test_a_process_killed_for_good_leaves_nothing_that_stays(exporting, database_url):
    job_id = exporting.job(1100)
    export_id = exporting.plan(job_id, "csv_tags")
    folder = str(exporting.resources.settings.data_dir)
    command = [sys.executable, "-c", PROGRAM, database_url, folder,
               str(exporting.work_id(export_id))]  # fmt: skip
    root = str(Path(__file__).parents[2])
    ended = subprocess.run(command, env={**os.environ, "PYTHONPATH": root}, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert len(parts(exporting)) == 1
    exporting.dial.now = exporting_clock(exporting, export_id)
    exporting.sweep()
    assert exporting.run(export_id)
    assert [path.name for path in exporting.folder.iterdir()] == [
        exporting.row(export_id).file_name
    ]


def exporting_clock(exporting, export_id: int):
    """A moment after the dead process's lease, which the real clock gave."""
    with reading(exporting.resources.sessions) as session:
        row = session.get_one(Work, exporting.work_id(export_id))
        assert row.lease_until is not None
        return row.lease_until.replace(year=row.lease_until.year + 1)


def test_a_run_whose_lease_was_taken_over_changes_nothing(exporting):
    job_id = exporting.job(1100)
    export_id = exporting.plan(job_id, "jsonl")
    is_slow, may_go_on = Event(), Event()

    def stall(n_done: int, _total: int) -> None:
        if n_done == 500:
            is_slow.set()
            assert may_go_on.wait(60)

    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(exporting.run, export_id, "slow", stall)
        assert is_slow.wait(60)
        exporting.dial.turn(seconds=61)
        assert exporting.run(export_id, "quick")
        done = exporting.row(export_id)
        data = exporting.data(export_id)
        may_go_on.set()
        assert slow.result(60)
    assert exporting.row(export_id) == done
    assert exporting.data(export_id) == data
    assert [path.name for path in exporting.folder.iterdir()] == [done.file_name]


def test_two_exports_of_the_same_labels_at_once_are_one_file(exporting):
    job_id = exporting.job(600)
    numbers = [exporting.plan(job_id, "yolo") for _ in range(2)]
    start = Barrier(2)

    def run(export_id: int) -> bool:
        start.wait()
        return exporting.run(export_id, f"owner {export_id}")

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(run, numbers)) == [True, True]
    one, other = map(exporting.row, numbers)
    assert one.state == other.state == "done"
    assert one.file_name == other.file_name
    assert [path.name for path in exporting.folder.iterdir()] == [one.file_name]


def test_two_people_who_export_at_once_get_a_name_each(exporting):
    job_id, start = exporting.job(), Barrier(2)

    def plan(name: str) -> int | str:
        start.wait()
        try:
            return exporting.plan(job_id, "coco", name=name)
        except Conflict as error:
            return str(error)

    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(plan, ["same", "same"]))
    assert sorted(type(one).__name__ for one in found) == ["int", "str"]


def test_what_would_fail_again_ends_as_failed_with_its_reason_and_can_be_tried(exporting):
    job_id = exporting.job(1)
    export_id = exporting.plan(job_id, "yolo", {"images": True})
    exporting.run(export_id)
    row = exporting.row(export_id)
    assert (row.state, row.file_name) == ("failed", "")
    assert "no such image" in row.problem
    assert list(exporting.folder.iterdir()) == []
    with transaction(exporting.resources.sessions) as session:
        item = session.scalars(select(Item)).one()
        item.blob_key = exporting.resources.blobs.put(picture(), "image/jpeg")
    exporting.again(job_id, export_id)
    exporting.run(export_id)
    assert exporting.row(export_id).state == "done"
    assert exporting.row(export_id).checked_at is None


def test_what_may_pass_is_tried_again_and_then_waits_for_a_person(exporting):
    job_id = exporting.job()
    export_id = exporting.plan(job_id, "jsonl")
    exporting.folder.parent.mkdir(parents=True, exist_ok=True)
    exporting.folder.write_text("in the way")
    exporting.run(export_id)
    row = exporting.row(export_id)
    assert (row.state, row.problem) == ("waiting", "the file cannot be written: File exists")
    for _ in range(5):
        exporting.dial.turn(hours=1)
        exporting.run(export_id)
    assert exporting.row(export_id).state == "failed"
    assert exporting.row(export_id).problem == "the file cannot be written: File exists"
    exporting.folder.unlink()
    exporting.again(job_id, export_id)
    exporting.run(export_id)
    assert exporting.row(export_id).state == "done"


def test_other_bytes_than_the_first_time_are_told_and_the_first_file_stays(exporting):
    job_id = exporting.job()
    row, data = exporting.export(job_id, "jsonl")
    with transaction(exporting.resources.sessions) as session:
        session.execute(text("UPDATE item SET name = 'renamed.jpg' WHERE name = 'photo-1.jpg'"))
    exporting.again(job_id, row.id)
    exporting.run(row.id)
    later = exporting.row(row.id)
    assert later.state == "failed"
    assert f"made again it is another file: expected SHA-256 {row.sha256}, got " in later.problem
    assert exporting.data(row.id) == data
    assert [path.name for path in exporting.folder.iterdir()] == [row.file_name]


def test_asking_again_twice_or_while_it_runs_writes_it_once(exporting):
    job_id = exporting.job()
    row, data = exporting.export(job_id, "jsonl")
    for _ in range(2):
        exporting.again(job_id, row.id)

    def watch(n_done: int, _total: int) -> None:
        exporting.again(job_id, row.id)

    assert exporting.run(row.id, watch=watch)
    assert exporting.row(row.id).state == "done"
    assert exporting.run(row.id)  # asked for while it ran: it finds nothing to do
    assert not exporting.run(row.id)
    assert exporting.data(row.id) == data
    with pytest.raises(NotFound):
        exporting.again(job_id + 1, row.id)


def test_a_finished_export_is_told_once(exporting):
    with transaction(exporting.resources.sessions) as session:
        hooks.add_hook(
            session, "https://example.org/hear", ["export.finished"],
            actor="ada", now=NOW, may_be_private=False,
        )  # fmt: skip
    job_id = exporting.job()
    row, _ = exporting.export(job_id, "jsonl", name="told")
    exporting.again(job_id, row.id)
    exporting.run(row.id)
    with reading(exporting.resources.sessions) as session:
        (delivery,) = session.scalars(select(HookDelivery)).all()
    assert f'"export_id":{row.id},"name":"told","format":"jsonl"' in delivery.body
    assert row.sha256 in delivery.body


def test_the_pages_of_a_snapshot_never_change(exporting):
    exporting.export(exporting.job(), "jsonl")
    for change in ("UPDATE export_page SET number = 7", "DELETE FROM export_page"):
        with (
            pytest.raises(Exception, match="export_page is insert-only"),
            transaction(exporting.resources.sessions) as session,
        ):
            session.execute(text(change))


def test_exports_from_version_8_are_kept_and_new_ones_can_be_made(empty_database_url, tmp_path):
    engine = open_engine(empty_database_url)
    with engine.begin() as connection:
        migrating.create(connection, "0008")
    old = MetaData()
    old.reflect(engine)
    row = {"job_id": 1, "format": "coco", "state": "done", "file_name": "a.json", "sha256": "0",
           "n_labels": 3, "actor": "ada", "created_at": NOW, "finished_at": NOW}  # fmt: skip
    with engine.begin() as connection:
        for name, values in (*ROWS[:3], ("export", row), ("export", row)):
            times = {one.name: NOW for one in old.tables[name].columns if one.name in TIMES}
            connection.execute(insert(old.tables[name]), {**values, **times})
    migrating.upgrade(engine, NOW)
    dial = Dial()
    place = open_resources(Settings(data_dir=tmp_path), open_sessions(engine), dial)
    with reading(place.sessions) as session:
        found = export_list(session, 1)
    assert [(one.name, one.state, one.filters) for one in found] == [
        ("export-2", "done", None), ("export-1", "done", None)
    ]  # fmt: skip
    exporting = Exporting(place, dial)
    with pytest.raises(Conflict, match="before label versions were pinned"):
        exporting.again(1, 1)
    assert exporting.export(exporting.job(name="new"), "jsonl")
    engine.dispose()
