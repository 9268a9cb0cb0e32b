"""Disks that fill, power that fails, money and keys that end in the middle of a batch."""

from __future__ import annotations

import shutil

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from jobs import work
from jobs.db import open_engine, open_sessions, reading, transaction
from jobs.hits import publishing
from jobs.spending import ledger, limits
from jobs.tables import Hit, Intent, Job, LedgerTransaction, RawSubmission, Work
from webapp.marketplace import books, rpc
from webapp.marketplace.accounts import find_requester
from webapp.marketplace.refusals import Refusal
from webapp.marketplace.store import write

POST = "CreateHITWithHITType"


def leave_cents(bench, cents):
    def change(session):
        requester = find_requester(session, "local")
        books._shift(
            session, requester.id,
            available_cents=cents - requester.available_cents, held_cents=0,
        )  # fmt: skip

    write(bench.market.market.sessions, change)


def test_money_that_ends_in_the_middle_of_a_batch_stops_it_and_the_rest_waits(bench):
    """Two answers at five cents and a fee of one are twelve cents a HIT; there are twenty."""
    job_id = bench.launch(n_items=4)
    leave_cents(bench, 20)
    bench.drain()
    assert [hit.state for hit in bench.ours(Hit)] == ["posted", "planned", "planned", "planned"]
    assert [one.state for one in bench.ours(Intent, operation=POST)] == ["done", "failed"]
    assert bench.job(job_id).held_micros == 120_000
    (row,) = bench.ours(Work, task_name="publish_batch")
    assert "insufficient funds" in row.error
    leave_cents(bench, 1_000)
    bench.settle_down(3)
    assert len(bench.market_hits()) == 4
    bench.check_books()


def test_keys_that_are_refused_for_a_while_fail_nothing_for_good(bench, monkeypatch):
    job_id = bench.launch(n_items=3)

    asked = []

    def revoke(_done, _total):
        asked.append(True)
        if len(asked) == 2:
            monkeypatch.setattr(rpc, "find_requester", refuse)

    def refuse(*_):
        raise Refusal(
            "The security token included in the request is invalid.",
            kind="UnrecognizedClientException",
        )

    (row,) = bench.ours(Work, task_name="publish_batch")
    with pytest.raises(publishing.ProviderError, match="UnrecognizedClient") as refused:
        publishing.publish_batch(bench.resources, row.subject_id, revoke)
    assert (refused.value.permanent, refused.value.outcome_unknown) == (False, False)
    states = {hit.state for hit in bench.ours(Hit)}
    assert states <= {"posted", "sending", "planned"}
    for _ in range(3 * work.MAX_FAILURES):
        bench.settle_down(1)
    assert {one.state for one in bench.ours(Work)} <= {"ready", "done"}
    assert not bench.count(Intent, state="failed")
    monkeypatch.undo()
    bench.settle_down(3)
    assert len(bench.market_hits()) == 3
    assert bench.job(job_id).held_micros == 360_000
    bench.check_books()


@pytest.fixture
def small_disk(bench):
    """Sets how many more pages each connection to our SQLite database may write."""
    engine = bench.sessions.kw["bind"]
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL's disk is its server's")
    left = {"pages": None}

    @event.listens_for(engine, "connect")
    def restrict(connection, _record):
        if left["pages"] is not None:
            (used,) = connection.execute("PRAGMA page_count").fetchone()
            connection.execute(f"PRAGMA max_page_count = {used + left['pages']}")

    def allow(pages):
        left["pages"] = pages
        engine.dispose()

    return allow


@pytest.mark.parametrize("pages", range(0, 12, 2))
def test_a_disk_that_fills_anywhere_doubles_and_loses_nothing(bench, small_disk, pages):
    """Whatever step meets the full disk ends with an error; once there is space all goes on."""
    job_id = bench.launch(n_items=6)
    small_disk(pages)
    for _ in range(6):
        try:
            bench.drain()
            bench.answer_all(workers=2)
        except DBAPIError as error:
            assert "full" in str(error)
        bench.dial.turn(seconds=400)
    small_disk(None)
    bench.answer_all(workers=2)
    bench.settle_down(8)
    bench.answer_all(workers=2)
    bench.settle_down(6)
    assert len(bench.market_hits()) == 6
    assert bench.count(RawSubmission) == 12
    assert (bench.job(job_id).state, bench.job(job_id).held_micros) == ("finished", 0)
    bench.check_books()


def test_the_power_may_fail_after_any_commit(bench, tmp_path):
    """The files as they lie on the disk at each commit open elsewhere, and their books agree."""
    engine = bench.sessions.kw["bind"]
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL keeps its own promise of this")
    copies = []

    def copy(_session):
        folder = tmp_path / f"copy-{len(copies)}"
        folder.mkdir()
        for file in (tmp_path / "test.sqlite", tmp_path / "test.sqlite-wal"):
            shutil.copy(file, folder)
        with reading(bench.sessions) as session:
            copies.append((folder, session.query(LedgerTransaction).count()))

    event.listen(bench.sessions, "after_commit", copy)
    bench.launch(n_items=2)
    bench.drain()
    bench.answer_all(workers=2)
    bench.settle_down(3)
    event.remove(bench.sessions, "after_commit", copy)
    assert len(copies) > 50
    for folder, n_movements in copies:
        lost = open_engine(f"sqlite:///{folder / 'test.sqlite'}")
        with reading(open_sessions(lost)) as session:
            assert session.scalar(text("PRAGMA integrity_check")) == "ok"
            assert session.query(LedgerTransaction).count() == n_movements
            assert ledger.differences(session) == []
        lost.dispose()


@pytest.mark.parametrize("number", range(1, 12))
def test_a_commit_whose_reply_is_lost_is_neither_repeated_nor_forgotten(bench, number):
    """The connection is cut after COMMIT: the run fails, and the next one sees what is there."""
    bench.launch(n_items=1)
    seen = []

    def cut(_session):
        seen.append(True)
        if len(seen) == number:
            raise DBAPIError("COMMIT", {}, Exception("the connection was cut after COMMIT"))

    event.listen(bench.sessions, "after_commit", cut)
    try:
        bench.drain()
    except DBAPIError:
        bench.dial.turn(seconds=200)
    event.remove(bench.sessions, "after_commit", cut)
    bench.settle_down(3)
    bench.answer_all(workers=2)
    bench.settle_down(4)
    assert len(bench.market_hits()) == 1
    assert bench.count(LedgerTransaction, kind="hold") == 1
    assert bench.count(LedgerTransaction, kind="settle") == 2
    with reading(bench.sessions) as session:
        assert session.query(Job).one().state == "finished"
        assert limits.differences(session) == []
    bench.check_books()


def test_a_run_that_was_cut_off_holds_nothing_twice(bench):
    """The same, for the two writes of one movement: both are there or neither."""
    job_id = bench.launch(n_items=1)
    with pytest.raises(ZeroDivisionError), transaction(bench.sessions) as session:
        ledger.hold(session, job_id, 10_000, key="k", reason=ledger.Reason("ada"), now=bench.dial())
        raise ZeroDivisionError
    assert bench.count(LedgerTransaction, key="k") == 0
    assert bench.job(job_id).held_micros == 0
    bench.drain()
    bench.check_books()
