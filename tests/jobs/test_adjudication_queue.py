"""The queue of questions: worst first, one to each person, on both databases."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import MetaData, func, insert, select, text
from sqlalchemy.orm import Session

from jobs.adjudication import deciding, reserving
from jobs.adjudication.deciding import Verdict
from jobs.adjudication.desk import open_desk
from jobs.adjudication.rounds import Decider
from jobs.db import open_engine, open_sessions, reading, transaction
from jobs.errors import Conflict, NotFound
from jobs.installation import migrating
from jobs.reports import job_report
from jobs.reports.conflicts import Queue, conflicts, n_conflicts, n_waiting
from jobs.reports.labels import label_page
from jobs.tables import Consensus, Decision, Job, Label, Reservation
from tests.factories import (
    NOW,
)
from tests.jobs.adjudicating import (
    ANA,
    BEN,
    BLUE,
    EVE,
    LATER,
    MIA,
    RED,
    SCHEMA,
    a_conflict,
    ask,
    decide,
)


@pytest.fixture
def session(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path / 'one.sqlite'}")
    migrating.upgrade(engine, NOW)
    with Session(engine, expire_on_commit=False) as opened, opened.begin():
        yield opened
        opened.rollback()
    engine.dispose()


def test_the_worst_comes_first_and_filters_count(session):
    job, items = a_conflict(session, n_items=3)
    session.execute(
        text("UPDATE consensus SET confidence = 0.1 WHERE item_id = :item"), {"item": items[2].id}
    )
    rows = conflicts(session, Queue(job.id))
    assert [row.item_id for row in rows] == [items[2].id, items[0].id, items[1].id]
    said = session.scalars(select(Consensus.value).order_by(Consensus.item_id)).all()
    for colour in ("red", "blue", "green"):
        about = Queue(job.id, about=f"colour={colour}")
        n_said = sum(value["tags"].get("colour") == colour for value in said)
        assert n_waiting(session, about) == len(conflicts(session, about)) == n_said
    assert n_waiting(session, Queue(job.id, kind="boxes")) == 0
    ask(session, job, items[0], 0)
    assert n_waiting(session, Queue(job.id, state="second_look")) == 1
    assert [row.item_id for row in conflicts(session, Queue(job.id, state="second_look"))] == [
        items[0].id
    ]
    assert job_report(session, job.id).summary.n_conflicts == 3


def test_two_people_get_two_questions_and_nobody_their_own_request(session):
    job, items = a_conflict(session, n_items=3)
    queue = Queue(job.id)
    first = reserving.take_next(session, queue, by=ANA, now=NOW)
    second = reserving.take_next(session, queue, by=BEN, now=NOW)
    assert first.item_id != second.item_id
    assert reserving.take_next(session, queue, by=ANA, now=NOW).item_id == first.item_id
    look = reserving.reserve(session, job.id, first.item_id, "tags", by=BEN, now=NOW)
    assert (look.actor, look.is_mine) == ("ana", False)
    (held,) = [row for row in conflicts(session, queue, now=NOW) if row.looked_at_by == "ana"]
    assert held.item_id == first.item_id
    over = reserving.reserve(
        session, job.id, first.item_id, "tags", by=BEN, now=NOW, is_taken_over=True
    )
    assert over.is_mine
    later = NOW + reserving.LEASE + timedelta(seconds=1)
    again = reserving.reserve(session, job.id, first.item_id, "tags", by=ANA, now=later)
    assert again.is_mine
    reserving.release(session, job.id, first.item_id, "tags", by=ANA)
    reserving.release(session, job.id, first.item_id, "tags", by=ANA)
    item = next(item for item in items if item.id == first.item_id)
    ask(session, job, item, 0)
    theirs = {reserving.take_next(session, queue, by=ANA, now=later).item_id for _ in range(3)}
    assert item.id not in theirs


def test_a_decision_frees_its_question(session):
    job, (item,) = a_conflict(session)
    reserving.reserve(session, job.id, item.id, "tags", by=ANA, now=NOW)
    decide(session, job, item, RED, 0)
    assert session.scalar(select(func.count()).select_from(Reservation)) == 0
    assert reserving.take_next(session, Queue(job.id), by=BEN, now=NOW) is None


def test_the_desk_tells_who_may_decide_and_where_to_begin(session):
    job, items = a_conflict(session, n_items=2)
    ask(session, job, items[0], 0, value=BLUE)
    queue = Queue(job.id)
    mine = open_desk(session, job.id, items[0].id, "tags", queue=queue, by=ANA, now=NOW)
    theirs = open_desk(session, job.id, items[0].id, "tags", queue=queue, by=BEN, now=NOW)
    assert "another person" in mine.refusal
    assert (theirs.refusal, theirs.start, theirs.n_left) == ("", BLUE, 2)
    assert theirs.ahead.item_id == items[1].id
    with pytest.raises(NotFound):
        open_desk(session, job.id, items[0].id, "boxes", queue=queue, by=BEN, now=NOW)


def test_two_presses_at_once_decide_once_on_both_databases(sessions):
    with transaction(sessions) as session:
        job, items = a_conflict(session, n_items=1)
        job_id, item_id = job.id, items[0].id
    came: list[str] = []
    gate = threading.Barrier(2)

    def press(person: Decider) -> None:
        gate.wait()
        try:
            with transaction(sessions) as session:
                deciding.decide(
                    session, job_id, item_id, "tags", Verdict(RED, "agreed"), by=person,
                    expected_version=0, now=LATER,
                )  # fmt: skip
            came.append("decided")
        except Conflict as conflict:
            came.append("refused")
            assert "has been written by" in str(conflict)

    threads = [threading.Thread(target=press, args=(person,)) for person in (ANA, BEN)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(came) == ["decided", "refused"]
    with reading(sessions) as session:
        assert session.scalar(select(func.count(Label.id))) == 1
        assert session.scalar(select(func.count(Decision.id))) == 1


def test_two_who_start_at_once_get_two_questions_on_both_databases(sessions):
    with transaction(sessions) as session:
        job, _ = a_conflict(session, n_items=4)
        queue = Queue(job.id)
    taken: list[int] = []
    gate = threading.Barrier(4)

    def start(person: Decider) -> None:
        gate.wait()
        with transaction(sessions) as session:
            taken.append(reserving.take_next(session, queue, by=person, now=NOW).item_id)

    people = (ANA, BEN, EVE, MIA)
    threads = [threading.Thread(target=start, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(taken)) == 4


@pytest.mark.parametrize("n_more", [-8, 0])
def test_of_many_who_start_at_once_each_gets_a_question_while_there_is_one(sessions, n_more):
    n_people = 32
    with transaction(sessions) as session:
        job, items = a_conflict(session, n_items=n_people + n_more)
        queue = Queue(job.id)
    gate = threading.Barrier(n_people)

    def start(number: int) -> int | None:
        person = Decider(f"person{number}@example.org", is_manager=False)
        gate.wait()
        with transaction(sessions) as session:
            row = reserving.take_next(session, queue, by=person, now=NOW)
            return row.item_id if row else None

    with ThreadPoolExecutor(n_people) as pool:
        taken = list(pool.map(start, range(n_people)))
    got = [item_id for item_id in taken if item_id is not None]
    assert sorted(got) == sorted(item.id for item in items)


@pytest.mark.postgres
def test_who_comes_too_late_at_every_look_still_gets_what_is_left(postgres_databases):
    """Eight others take five questions each, unseen until they are done: then eight looks fail."""
    n_others, n_each = 8, 5
    with postgres_databases.copy() as url, ExitStack() as place:
        engine = open_engine(url)
        place.callback(engine.dispose)
        sessions = open_sessions(engine)
        with transaction(sessions) as session:
            job, items = a_conflict(session, n_items=n_others * n_each + 1)
        late = place.enter_context(sessions())
        pool = place.enter_context(ThreadPoolExecutor(1))
        others = [place.enter_context(sessions()) for _ in range(n_others)]
        for number, other in enumerate(others):
            person = Decider(f"person{number}@example.org", is_manager=False)
            for item in items[n_each * number : n_each * (number + 1)]:
                reserving.reserve(other, job.id, item.id, "tags", by=person, now=NOW)
        waits_for = "SELECT pg_backend_pid() = ANY(pg_blocking_pids(:pid))"
        pid = late.scalar(text("SELECT pg_backend_pid()"))
        asked = pool.submit(reserving.take_next, late, Queue(job.id), by=ANA, now=NOW)
        for other in others:
            while not other.scalar(text(waits_for), {"pid": pid}):
                assert not asked.done(), asked.result()
            other.commit()
        assert asked.result().item_id == items[-1].id


def test_a_database_of_version_8_keeps_its_decisions_and_takes_second_looks(empty_database_url):
    engine = open_engine(empty_database_url)
    with engine.begin() as connection:
        migrating.create(connection, "0008")
    old = MetaData()
    old.reflect(engine)
    rows = {
        "dataset": {"name": "d"},
        "schema_version": {"name": "s", "version": 1, "sha256": "", "body": SCHEMA},
        "item": {"dataset_id": 1, "name": "a.jpg", "sha256": "0", "blob_key": "k", "width": 9,
                 "height": 9, "media_type": "image/jpeg", "licence": "", "source": "",
                 "attributes": {}},
        "job": {"name": "j", "dataset_id": 1, "schema_id": 1, "environment": "local",
                "state": "finished", "seed": 1, "policy": {}, "budget_micros": 0,
                "held_micros": 0, "spent_micros": 0},
        "consensus": {"job_id": 1, "item_id": 1, "kind": "tags", "state": "adjudicated",
                      "method": "m@1", "value": RED, "confidence": 0.5, "n_answers": 2,
                      "answers_sha256": "0", "provenance": {}, "combined_at": NOW},
        "label": {"job_id": 1, "item_id": 1, "kind": "tags", "version": 1, "value": RED,
                  "confidence": 1.0, "origin": "adjudication", "actor": "ada",
                  "provenance": {"reason": "seen by eye"}},
    }  # fmt: skip
    with engine.begin() as connection:
        for name, row in rows.items():
            known = old.tables[name].columns
            times = {"created_at": NOW} if "created_at" in known else {}
            connection.execute(insert(old.tables[name]), {**row, **times})
    migrating.upgrade(engine, NOW)
    sessions = open_sessions(engine)
    with transaction(sessions) as session:
        assert [row.value for row in label_page(session, 1)] == [RED]
        assert session.get_one(Job, 1).state == "finished"
        one = SimpleNamespace(id=1)
        ask(session, one, one, 1, by=BEN)
        assert n_conflicts(session, 1) == 1
        assert label_page(session, 1) == ()
    with engine.connect() as connection, pytest.raises(Exception, match="insert-only"):
        connection.execute(text("UPDATE decision SET note = 'x'"))
    engine.dispose()
