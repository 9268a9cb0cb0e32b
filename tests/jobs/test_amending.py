"""What may change of a job that is under way."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError

from jobs import history, intents
from jobs.db import open_engine, open_sessions, reading, transaction
from jobs.errors import Conflict, InvalidInput
from jobs.hits import stopping
from jobs.installation import migrating
from jobs.planning import amending
from jobs.planning.amending import Terms
from jobs.reports.history import job_changes, newest_changes
from jobs.spending import ledger, pausing
from jobs.spending.ledger import Reason
from jobs.tables import Consensus, JobChange, StaleQuestion
from tests.factories import NOW
from tests.jobs.lifecycle import Bench
from tests.jobs.test_migration_exclusions import put


def _terms(bench: Bench, job_id: int) -> Terms:
    with reading(bench.sessions) as session:
        return amending.terms_of(session, job_id)


def _amend(bench: Bench, job_id: int, **changes: object) -> bool:
    wanted = replace(_terms(bench, job_id), **changes)  # type: ignore[arg-type]
    with transaction(bench.sessions) as session:
        return amending.amend(session, job_id, wanted, "mia@example.org", bench.dial())


def _answered(bench: Bench) -> int:
    """A job whose two questions got two answers each: one in agreement, one not."""
    job_id = bench.launch(n_items=2, redundancy=2, more="")
    bench.drain()
    bench.answer_as("ada")
    bench.answer_as("bob", "blue")
    bench.dial.turn(seconds=400)
    bench.drain()
    return job_id


def test_a_name_and_the_policies_change_once_and_a_repeat_does_nothing(bench: Bench) -> None:
    job_id = bench.launch()
    assert _amend(bench, job_id, name="cats", max_extra_answers=3, review="screen")
    assert _amend(bench, job_id, second_look="sampled", share=0.2, disputes="manager")
    assert _terms(bench, job_id) == Terms("cats", 0.5, 3, "screen", "sampled", 0.2, "manager")
    assert not _amend(bench, job_id)


def test_a_new_threshold_is_applied_to_every_answer_there_is(bench: Bench) -> None:
    job_id = _answered(bench)
    before = {row.state for row in bench.ours(Consensus)}
    sure_at = 1.0 if before == {"sure"} else 0.0
    with reading(bench.sessions) as session:
        wanted = replace(amending.terms_of(session, job_id), sure_at=sure_at)
        seen = amending.preview(session, job_id, wanted)
    assert seen.changes == (("sure_at", "0.5", str(sure_at)),)
    assert (seen.n_sure or 0) + (seen.n_unsure or 0) == len(bench.ours(Consensus))
    assert _amend(bench, job_id, sure_at=sure_at)
    assert bench.count(StaleQuestion, item_id=0) == 2
    bench.drain()
    assert {row.state for row in bench.ours(Consensus)} != before
    assert bench.count(StaleQuestion) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""}, {"name": " x"}, {"name": "a\nb"}, {"name": "x" * 201},
        {"sure_at": 1.5}, {"max_extra_answers": 21}, {"review": "shout"},
        {"second_look": "twice"}, {"share": 2.0}, {"disputes": "nobody"},
    ],
)  # fmt: skip
def test_terms_out_of_range_are_refused_in_words(bench: Bench, changes: dict[str, object]) -> None:
    job_id = bench.launch()
    before = _terms(bench, job_id)
    with pytest.raises(InvalidInput):
        _amend(bench, job_id, **changes)
    assert _terms(bench, job_id) == before


def test_a_name_that_another_job_has_is_refused(bench: Bench) -> None:
    job_id = bench.launch()
    bench.create(name="dogs")
    with pytest.raises(InvalidInput, match="another job is called 'dogs'"):
        _amend(bench, job_id, name="dogs")


def test_a_draft_is_not_amended_but_planned_anew(bench: Bench) -> None:
    with pytest.raises(Conflict, match="is draft"):
        _amend(bench, bench.create(), name="cats")


def test_every_change_is_remembered_once_with_who_and_what_it_was(bench: Bench) -> None:
    job_id = bench.launch()
    for _ in range(2):
        _amend(bench, job_id, name="cats", second_look="always")
        with transaction(bench.sessions) as session:
            given = {"key": "budget:raise", "reason": Reason("max"), "now": bench.dial()}
            ledger.set_budget(session, job_id, 90_000_000, **given)
    with reading(bench.sessions) as session:
        rows = job_changes(session, job_id)
        assert newest_changes(session, job_id) == rows[::-1]
        assert job_changes(session, job_id, after=rows[0].id) == rows[1:]
    told = [(row.what, row.after, row.actor) for row in rows]
    assert told == [
        ("name", "cats", "mia@example.org"),
        ("second_look", "always", "mia@example.org"),
        ("budget_micros", "90000000", "max"),
    ]
    assert [row.before for row in rows][1:] == ["asked", "50000000"]


def test_who_paused_resumed_and_stopped_a_job_is_remembered_once(bench: Bench) -> None:
    job_id = bench.launch()
    acts = (
        (pausing.pause_job, "mia@example.org"),
        (pausing.resume_job, "max@example.org"),
        (pausing.pause_job, "cli:ada"),
        (stopping.stop_job, "mia@example.org"),
    )
    for act, actor in acts:
        with transaction(bench.sessions) as session:
            act(session, job_id, actor, bench.dial())
        with pytest.raises(Conflict), transaction(bench.sessions) as session:
            act(session, job_id, actor, bench.dial())
        bench.dial.turn(seconds=60)
    with reading(bench.sessions) as session:
        rows = job_changes(session, job_id)
    assert [(row.what, row.before, row.after, row.actor) for row in rows] == [
        ("state", "running", "paused", "mia@example.org"),
        ("state", "paused", "running", "max@example.org"),
        ("state", "running", "paused", "cli:ada"),
        ("state", "paused", "cancelled", "mia@example.org"),
    ]
    assert [row.created_at for row in rows] == sorted({row.created_at for row in rows})


def test_a_switch_that_holds_every_job_back_changes_no_job(bench: Bench) -> None:
    job_id = bench.launch()
    with transaction(bench.sessions) as session:
        intents.set_pause(session, True, reason="a difference", actor="system", now=bench.dial())
    assert bench.job(job_id).state == "running"
    assert bench.count(JobChange) == 0


def test_what_was_changed_cannot_be_changed_itself(bench: Bench) -> None:
    _amend(bench, bench.launch(), name="cats")
    with pytest.raises(DBAPIError, match="insert-only"), transaction(bench.sessions) as session:
        session.execute(update(JobChange).values(actor="nobody"))


def test_a_database_from_before_histories_takes_them(empty_database_url: str) -> None:
    engine = open_engine(empty_database_url)
    with engine.begin() as connection:
        migrating.create(connection, "0008")
        put(connection, "dataset", id=1, name="photos")
        put(connection, "schema_version", id=1, name="pets")
        put(connection, "job", id=7, name="cats", dataset_id=1, schema_id=1, state="running",
            environment="local")  # fmt: skip
    migrating.upgrade(engine, NOW)
    sessions = open_sessions(engine)
    with transaction(sessions) as session:
        history.note(session, 7, [("name", "dogs", "cats")], "ada", NOW)
    with reading(sessions) as session:
        assert [(row.before, row.name) for row in job_changes(session, 7)] == [("dogs", "ada")]
    with pytest.raises(DBAPIError, match="insert-only"), engine.begin() as connection:
        connection.execute(text("DELETE FROM job_change"))
    engine.dispose()
