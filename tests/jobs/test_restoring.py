"""An old backup comes back: what the venue holds is adopted, and nothing is posted twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from jobs import calls, findings, intents
from jobs.db import reading, transaction
from jobs.errors import Paused
from jobs.hits import batches, ordering
from jobs.installation import backups
from jobs.installation.restoring import mark_restored, restore_backup
from jobs.planning import planning
from jobs.reconciling.reconciling import reconcile
from jobs.reviewing import reversals
from jobs.reviewing.review import decide
from jobs.specs import hit_specs
from jobs.spending import bonuses
from jobs.tables import (
    Answer,
    Assignment,
    Batch,
    Extension,
    Hit,
    HitTask,
    Job,
    Label,
    RawSubmission,
    Route,
    Work,
)
from webapp.marketplace.store import reading as market_reading
from webapp.marketplace.tables.work import Assignment as MarketAssignment


def quietly(_done: int, _total: int) -> None:
    """No progress is shown."""


def back_up(bench, engine, file: Path) -> Path:
    backups.write_backup(engine, bench.resources.blobs, file, bench.dial(), quietly)
    return file


def restore(bench, engine, file: Path, *, replace: bool = True):
    engine.dispose()
    return restore_backup(
        engine, bench.resources.settings, file, bench.dial(), quietly, replace=replace
    )


def launch_drafted(bench, job_id: int) -> None:
    with transaction(bench.sessions) as session:
        planning.launch(
            session, job_id, bench.resources.venues, bench.resources.blobs, bench.dial(), "ada"
        )


def buy_one_more_answer(bench, job_id: int) -> None:
    """A batch that routing would add, for the job's first two tasks in one HIT."""
    with transaction(bench.sessions) as session:
        route = session.scalars(select(Route).where(Route.job_id == job_id)).one()
        tasks = session.scalars(
            select(HitTask.task_id)
            .join(Hit, Hit.id == HitTask.hit_id)
            .join(Batch, Batch.id == Hit.batch_id)
            .where(Batch.route_id == route.id)
            .order_by(HitTask.task_id)
            .limit(2)
        ).all()
        context = hit_specs.route_context(session, route.id)
        batches.add_batch(session, context, [tasks], 1, bench.dial())


def submissions_at_venue(bench) -> int:
    with market_reading(bench.market.market.sessions) as session:
        rows = session.scalars(select(MarketAssignment.state)).all()
        return sum(state in ("Submitted", "Approved", "Rejected") for state in rows)


def pay_a_bonus(bench, key: str) -> str:
    raw = bench.ours(RawSubmission)[-1]
    (row,) = bench.ours(Assignment, raw_submission_id=raw.id)
    grant(bench, row.id, key)
    bench.drain()
    return raw.provider_assignment_id


def grant(bench, assignment_id: int, key: str) -> int:
    with transaction(bench.sessions) as session:
        return bonuses.grant_bonus(
            session, assignment_id, 70_000, reason_key=key, reason="Well done", actor="ada",
            now=bench.dial(),
        )  # fmt: skip


def run_all_but_reconciling(bench) -> None:
    for row in bench.ours(Work):
        if row.task_name != "reconcile":
            calls.run(bench.resources, row.id, "here")


def compare(bench):
    bench.dial.turn(minutes=5)
    return reconcile(bench.resources, quietly)


def test_an_old_backup_catches_up_with_the_venue_to_the_cent(bench, engine, tmp_path):
    job_id = bench.launch(n_items=4, more="review: {mode: approve}")
    draft_id = bench.create(name="drafted", tasks_per_hit=2)
    bench.drain()
    bench.answer_all(workers=1)
    bench.drain()
    file = back_up(bench, engine, tmp_path / "old.backup")

    launch_drafted(bench, draft_id)
    buy_one_more_answer(bench, job_id)
    bench.drain()
    bench.answer_all(workers=3)
    bench.settle_down(2)
    bonus_for = pay_a_bonus(bench, "quality")
    hits_before, spent_before = sorted(bench.market_hits()), bench.spent_at_venue().spent_cents
    n_submitted = submissions_at_venue(bench)

    restore(bench, engine, file)
    run_all_but_reconciling(bench)
    with pytest.raises(Paused):
        launch_drafted(bench, draft_id)
    assert bench.spent_at_venue().spent_cents == spent_before
    found = compare(bench)
    assert found.differences == {}
    assert found.n_adopted == 3
    assert sorted(bench.market_hits()) == hits_before
    assert bench.count(RawSubmission) == n_submitted
    (again,) = (
        row for row in bench.ours(Assignment)
        if row.raw_submission_id
        == bench.ours(RawSubmission, provider_assignment_id=bonus_for)[0].id
    )  # fmt: skip
    assert grant(bench, again.id, "quality")

    check_end(bench, hits_before)
    assert bench.count(Answer) > bench.count(RawSubmission)
    assert bench.count(Label) == 8


def check_end(bench, hits_before) -> None:
    """Every job done, no HIT twice, no answer lost, our books the venue's to the cent."""
    bench.answer_all(workers=3)
    bench.settle_down()
    assert {job.state for job in bench.ours(Job)} == {"finished"}
    assert sorted(marker for marker, _ in bench.market_hits()) == sorted(
        marker for marker, _ in hits_before
    )
    assert bench.count(RawSubmission) == submissions_at_venue(bench)
    assert [job.held_micros for job in bench.ours(Job)] == [0] * bench.count(Job)
    spent = bench.spent_at_venue().spent_cents
    assert spent * 10_000 == sum(job.spent_micros for job in bench.ours(Job))
    assert compare(bench).differences == {}


def test_a_hit_that_was_extended_after_the_backup_keeps_its_money_and_its_answers(
    bench, engine, tmp_path
):
    bench.launch(n_items=2)
    bench.drain()
    bench.answer_all(workers=2)
    bench.settle_down(3)
    file = back_up(bench, engine, tmp_path / "old.backup")
    with transaction(bench.sessions) as session:
        session.get_one(Job, 1).state = "running"
        ordering.order(session, [bench.ours(Hit)[0].id], 1, "ada", bench.dial())
    bench.drain()
    bench.answer_all(workers=3)
    hits_before = bench.market_hits()
    restore(bench, engine, file)
    found = compare(bench)
    assert (found.differences, found.n_adopted) == ({}, 1)
    assert bench.ours(Hit)[0].max_assignments == 3
    check_end(bench, hits_before)


def test_slots_that_were_opened_again_after_the_backup_give_their_money_back_once_more(
    bench, engine, tmp_path
):
    """In the backup the HIT is closed and its unused slot's money was given back."""
    job_id = bench.launch(n_items=1, redundancy=3)
    bench.drain()
    bench.answer_all(workers=2)
    bench.settle_down(2)
    bench.dial.turn(days=2)
    bench.settle_down(3)
    assert bench.job(job_id).held_micros == 0
    file = back_up(bench, engine, tmp_path / "old.backup")
    with transaction(bench.sessions) as session:
        session.get_one(Job, 1).state = "running"
        ordering.order(session, [bench.ours(Hit)[0].id], 1, "ada", bench.dial())
    bench.drain()
    restore(bench, engine, file)
    found = compare(bench)
    assert (found.differences, found.n_adopted) == ({}, 1)
    assert bench.job(job_id).held_micros == 60_000
    bench.dial.turn(days=2)
    bench.settle_down(4)
    assert [(hit.state, hit.held_micros) for hit in bench.ours(Hit)] == [("closed", 0)]
    assert bench.job(job_id).held_micros == 0
    bench.check_books()


@pytest.mark.parametrize("redundancy", [2, 3], ids=["a closed HIT", "an open HIT"])
def test_an_order_that_waited_in_the_backup_is_not_carried_out_again(
    bench, engine, tmp_path, redundancy
):
    """Ordered before the backup, bought, answered and paid after it."""
    job_id = bench.launch(n_items=1, redundancy=redundancy)
    bench.drain()
    bench.answer_all(workers=2)
    bench.settle_down(2)
    with transaction(bench.sessions) as session:
        session.get_one(Job, job_id).state = "running"
        ordering.order(session, [1], 1, "ada", bench.dial())
    file = back_up(bench, engine, tmp_path / "old.backup")
    bench.drain()
    bench.answer_all(workers=redundancy + 1)
    bench.settle_down(3)
    assert bench.count(Assignment, state="Approved") == redundancy + 1
    restore(bench, engine, file)
    found = compare(bench)
    assert (found.differences, found.n_adopted) == ({}, 1)
    bench.settle_down(4)
    (hit,) = bench.resources.venues("mturk", "local", {}).hits()
    assert hit.max_assignments == redundancy + 1
    assert [(row.max_assignments, row.state) for row in bench.ours(Hit)] == [
        (redundancy + 1, "closed")
    ]
    assert [row.state for row in bench.ours(Extension)] == ["done"]
    assert bench.job(job_id).spent_micros == (redundancy + 1) * 60_000
    assert bench.job(job_id).held_micros == 0
    bench.check_books()
    assert compare(bench).differences == {}


def reverse(bench, assignment_id: int) -> None:
    with transaction(bench.sessions) as session:
        reversals.reverse(
            session, assignment_id, bench.resources.venues, bench.resources.blobs, bench.dial(),
            reason="You were right", actor="ada",
        )  # fmt: skip


@pytest.mark.parametrize("is_asked_before", [False, True])
def test_a_rejection_that_was_taken_back_after_the_backup_is_paid_once(
    bench, engine, tmp_path, is_asked_before
):
    bench.launch(n_items=1, redundancy=2, more="review: {mode: screen}")
    bench.drain()
    bench.answer_all(workers=1)
    bench.dial.turn(seconds=61)
    bench.drain()
    (row,) = bench.ours(Assignment)
    with transaction(bench.sessions) as session:
        decide(session, row.id, "reject", "a mistake", "ada", bench.dial(), without_evidence=True)
    bench.answer_all(workers=2)
    bench.settle_down()
    if is_asked_before:
        reverse(bench, row.id)
    file = back_up(bench, engine, tmp_path / "old.backup")
    reverse(bench, row.id)
    bench.settle_down(2)
    restore(bench, engine, file)
    assert bench.ours(Assignment)[0].state == "Rejected"
    assert compare(bench).differences == {}
    assert bench.ours(Assignment)[0].state == "Approved"
    bench.settle_down(2)
    bench.check_books()
    assert bench.job(1).held_micros == 0


def test_hits_of_a_job_that_was_lost_wait_until_it_is_made_again(bench, engine, tmp_path):
    bench.launch(n_items=2)
    bench.drain()
    file = back_up(bench, engine, tmp_path / "old.backup")
    bench.launch(name="lost")
    bench.drain()
    bench.answer_all(workers=1)
    hits_before = bench.market_hits()
    restore(bench, engine, file)
    found = compare(bench)
    assert sorted(key.split(":")[0] for key in found.differences) == ["unknown", "unknown"]
    with reading(bench.sessions) as session:
        assert intents.is_restored(session)
    bench.create(name="lost")
    assert compare(bench).n_adopted == 2
    with transaction(bench.sessions) as session:
        assert not intents.is_restored(session)
        for row in findings.open_findings(session):
            findings.resolve(session, row.id, bench.dial())
        intents.set_pause(session, False, reason="looked", actor="ada", now=bench.dial())
    check_end(bench, hits_before)


def test_restoring_the_same_backup_again_doubles_nothing(bench, engine, tmp_path):
    bench.launch(n_items=2)
    file = back_up(bench, engine, tmp_path / "old.backup")
    names = set()
    for _ in range(2):
        bench.drain()
        bench.answer_all(workers=1)
        restore(bench, engine, file)
        compare(bench)
        with reading(bench.sessions) as session:
            names.add(intents.installation(session))
    assert len(names) == 2
    assert len(bench.market_hits()) == 2
    check_end(bench, bench.market_hits())


def test_a_database_brought_back_by_other_means_is_read_against_the_venue_too(bench):
    bench.launch(n_items=1)
    bench.drain()
    with transaction(bench.sessions) as session:
        mark_restored(session, "pg_restore", bench.dial())
        mark_restored(session, "pg_restore", bench.dial())
    with pytest.raises(Paused, match="pg_restore"), transaction(bench.sessions) as session:
        intents.refuse_when_paused(session, 1)
    assert compare(bench).differences == {}
    check_end(bench, bench.market_hits())


def test_an_open_finding_keeps_the_pause_of_a_restore_on(bench):
    bench.launch(n_items=1)
    with transaction(bench.sessions) as session:
        findings.report(session, "odd", "look at this", bench.dial(), None)
        mark_restored(session, "pg_restore", bench.dial())
    assert compare(bench).differences == {}
    with transaction(bench.sessions) as session:
        assert not intents.is_restored(session)
        with pytest.raises(Paused, match="pg_restore"):
            intents.refuse_when_paused(session, 1)


def test_a_pause_of_a_person_outlives_a_restore(bench, engine, tmp_path):
    bench.launch(n_items=1)
    with transaction(bench.sessions) as session:
        intents.set_pause(session, True, reason="lunch", actor="ada", now=bench.dial())
    restore(bench, engine, back_up(bench, engine, tmp_path / "old.backup"))
    assert compare(bench).differences == {}
    with pytest.raises(Paused, match="lunch"), transaction(bench.sessions) as session:
        intents.refuse_when_paused(session, 1)
