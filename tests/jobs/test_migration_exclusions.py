"""A database of each released schema keeps its rows, and who was excluded stays excluded."""

from __future__ import annotations

import pytest
from sqlalchemy import MetaData, Table, delete, insert, select, text
from sqlalchemy.exc import DBAPIError

from jobs.db import open_engine, open_sessions, reading, transaction
from jobs.installation import migrating
from jobs.tables import Answer, Exclusion, Intent, StaleQuestion
from tests.factories import NOW

JOBS = ("production", "sandbox", "local")
NAME = "HITworks: not invited"
MINE = {  # worker: (venue, state, changes as (environment, value))
    1: ("mturk", "excluded", (("sandbox", 1),)),
    2: ("mturk", "active", (("production", 1), ("production", None))),
    3: ("mturk", "active", (("local", 1), ("production", 1), ("production", None))),
    4: ("mturk", "excluded", ()),  # marked before changes were written down
    5: ("inhouse", "excluded", ()),
    6: ("inhouse", "excluded", (("local", 1),)),
    7: ("mturk", "active", ()),
}
KEPT_OUT = [
    (1, "sandbox"),
    (3, "local"),
    *((4, environment) for environment in sorted(JOBS)),
    (5, "local"),
    (6, "local"),
]


def table(connection, name):
    return Table(name, MetaData(), autoload_with=connection)


def put(connection, name, /, **values):
    """A row of the schema as it is now: what is not given is empty."""
    into = table(connection, name)
    empty = {"VARCHAR": "", "TEXT": "", "JSON": {}, "DATETIME": NOW, "TIMESTAMP": NOW}
    row = {
        column.name: empty.get(str(column.type).split("(")[0].split(" ")[0], 0)
        for column in into.columns
        if not column.nullable and column.name not in values and column.server_default is None
    }
    connection.execute(insert(into).values(**row, **values))


def released_3(connection):
    """Jobs of each environment, in which seven workers answered one question."""
    put(connection, "dataset", id=1, name="photos")
    put(connection, "schema_version", id=1, name="pets")
    put(connection, "item", id=1, dataset_id=1, sha256="a")
    for job, environment in enumerate(JOBS, start=1):
        put(connection, "job", id=job, name=environment, dataset_id=1, schema_id=1,
            environment=environment, state="running")  # fmt: skip
        put(connection, "route", id=job, job_id=job, kind="tags", provider="mturk", attributes=[])
        put(connection, "batch", id=job, job_id=job, route_id=job, name=environment)
        put(connection, "hit", id=job, batch_id=job, marker=f"m{job}", max_assignments=7,
            state="posted")  # fmt: skip
        put(connection, "task", id=job, job_id=job, item_id=1, kind="tags")
        put(connection, "hit_task", hit_id=job, task_id=job)
    for worker, (provider, state, _) in MINE.items():
        put(connection, "worker", id=worker, provider=provider, provider_worker_id=f"A{worker}",
            state=state)  # fmt: skip
        for job in range(1, 4):
            number = 10 * job + worker
            put(connection, "raw_submission", id=number, hit_id=job, raw=f"<{number}/>",
                provider=provider, provider_assignment_id=f"3{number}")  # fmt: skip
            put(connection, "assignment", id=number, raw_submission_id=number, hit_id=job,
                worker_id=worker, state="Approved", parse_state="parsed")  # fmt: skip
            put(connection, "answer", id=number, assignment_id=number, task_id=job,
                worker_id=worker, value={"tags": {"colour": "red"}})  # fmt: skip
    put(connection, "intent", id=1, key="publish:hit:1", job_id=1, state="unknown", attempts=2,
        first_sent_at=NOW, operation="CreateHITWithHITType")  # fmt: skip


def released_8(connection):
    """What was asked for since changes of standing are written down."""
    for worker, (_, _, changes) in MINE.items():
        for number, (environment, value) in enumerate(changes, start=1):
            put(connection, "standing_change", id=10 * worker + number, worker_id=worker, job_id=1,
                number=number,
                environment=environment, kind="qualification", name=NAME, value=value,
                state="done", actor="ada")  # fmt: skip
    connection.execute(delete(table(connection, "stale_question")))


@pytest.fixture
def upgraded(empty_database_url):
    """Version 3 with rows, brought to 8 and given more, brought to the newest."""
    engine = open_engine(empty_database_url)
    for version, fill in (("0003", released_3), ("0008", released_8)):
        with engine.begin() as connection:
            migrating.create(connection, version)
            fill(connection)
    migrating.upgrade(engine, NOW)
    yield engine
    engine.dispose()


def test_who_was_excluded_stays_excluded_where_it_was_asked_for(upgraded):
    with reading(open_sessions(upgraded)) as session:
        found = select(Exclusion.worker_id, Exclusion.environment)
        assert sorted(map(tuple, session.execute(found))) == sorted(KEPT_OUT)


def test_questions_whose_votes_changed_are_combined_anew_and_no_others(upgraded):
    """Worker 1 votes in production and local again, worker 3 no more in local."""
    with reading(open_sessions(upgraded)) as session:
        assert sorted(session.scalars(select(StaleQuestion.job_id))) == [1, 3]


def test_rows_stay_and_a_call_that_was_open_is_still_open(upgraded):
    with reading(open_sessions(upgraded)) as session:
        assert len(session.scalars(select(Answer.id)).all()) == 3 * len(MINE)
        intent = session.get_one(Intent, 1)
        assert (intent.state, intent.attempts, intent.first_sent_at) == ("unknown", 2, NOW)
        assert intent.last_sent_at is None
    assert migrating.drift(upgraded) == []


def test_evidence_is_still_insert_only_and_an_exclusion_still_notes_its_questions(upgraded):
    for change in ("UPDATE raw_submission SET raw = 'x'", "DELETE FROM answer"):
        with pytest.raises(DBAPIError, match="insert-only"), upgraded.begin() as connection:
            connection.execute(text(change))
    sessions = open_sessions(upgraded)
    with transaction(sessions) as session:
        session.execute(delete(StaleQuestion))
        session.add(Exclusion(worker_id=7, environment="sandbox"))
    with transaction(sessions) as session:
        assert list(session.scalars(select(StaleQuestion.job_id))) == [2]
        session.execute(delete(StaleQuestion))
        session.delete(session.get_one(Exclusion, (5, "local")))
    with reading(sessions) as session:
        assert sorted(session.scalars(select(StaleQuestion.job_id))) == [1, 2, 3]
