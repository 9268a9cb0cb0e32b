"""Only what changed is combined anew, and nothing that changed is forgotten."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from jobs.combining import staleness
from jobs.combining.consensus import combine_in_pages, combine_job
from jobs.combining.labels import finish_in_pages, finish_job
from jobs.db import reading, transaction
from jobs.tables import (
    Assignment,
    Consensus,
    Exclusion,
    Hit,
    Label,
    Refit,
    StaleQuestion,
    WorkerScore,
)
from tests.factories import (
    NOW,
    box,
    make_answer,
    make_dataset,
    make_hits,
    make_job,
    make_route,
    make_worker,
)

LATER = NOW + timedelta(hours=1)
RED = {"tags": {"colour": "red"}}
BLUE = {"tags": {"colour": "blue"}}


def quiet(_done: int, _total: int) -> None:
    """No lease to renew."""


@pytest.fixture
def campaign(sessions, monkeypatch):
    """A job of thirty posted HITs with two answers each, which counts as a long one."""
    monkeypatch.setattr(staleness, "SMALL", 10)
    monkeypatch.setattr(staleness, "SAMPLE", 10)
    with transaction(sessions) as session:
        items = make_dataset(session, 30)
        job = make_job(session, items)
        hits = make_hits(session, make_route(session, job), items, state="posted")
        cast = [make_worker(session, name) for name in ("ben", "cho", "eve")]
        for hit in hits:
            for worker in cast[:2]:
                make_answer(session, hit, worker, RED)
    combine_in_pages(sessions, job.id, NOW, quiet)
    return job, hits, cast


def stale(sessions):
    with reading(sessions) as session:
        return sorted(session.scalars(select(StaleQuestion.item_id).distinct()))


def rows(sessions):
    with reading(sessions) as session:
        found = session.scalars(select(Consensus).order_by(Consensus.item_id, Consensus.kind))
        return [
            (row.item_id, row.kind, row.state, row.value, row.confidence, row.answers_sha256,
             row.provenance)
            for row in found
        ]  # fmt: skip


def test_a_new_answer_combines_its_question_alone(sessions, campaign):
    job, hits, cast = campaign
    assert stale(sessions) == []
    with transaction(sessions) as session:
        make_answer(session, hits[4], cast[2], BLUE)
    assert stale(sessions) == [5]
    report = combine_in_pages(sessions, job.id, LATER, quiet)
    assert (report.n_open, report.n_changed) == (1, 1)
    assert stale(sessions) == []
    with reading(sessions) as session:
        times = dict(session.execute(select(Consensus.item_id, Consensus.combined_at)).all())
        assert session.scalars(select(Refit.fitted_at).where(Refit.kind == "tags")).one() == NOW
    assert {item for item, at in times.items() if at == LATER} == {5}


@pytest.mark.parametrize("change", ["rejected", "excluded", "closed"])
def test_what_takes_an_answer_away_or_ends_the_wait_is_noted(sessions, campaign, change):
    job, hits, cast = campaign
    with transaction(sessions) as session:
        if change == "rejected":
            work = select(Assignment.id).where(Assignment.hit_id == hits[6].id).limit(1)
            session.execute(
                update(Assignment)
                .where(Assignment.id == work.scalar_subquery())
                .values(state="Rejected")
            )
        elif change == "excluded":
            session.add(Exclusion(worker_id=cast[0].id, environment=job.environment))
        else:
            session.execute(update(Hit).where(Hit.id == hits[6].id).values(state="closed"))
    assert stale(sessions) == (list(range(1, 31)) if change == "excluded" else [7])
    combine_in_pages(sessions, job.id, LATER, quiet)
    with reading(sessions) as session:
        row = session.scalars(select(Consensus).where(Consensus.item_id == 7)).one()
    assert (row.n_answers, row.state) == (
        (2, "sure" if row.confidence >= 0.9 else "conflict") if change == "closed" else (1, "open")
    )


def test_skill_is_learned_anew_when_answers_grew_by_a_tenth_and_at_the_end(sessions, campaign):
    job, hits, cast = campaign
    with transaction(sessions) as session:
        for hit in hits[:6]:  # sixty answers before
            make_answer(session, hit, cast[2], RED)
    combine_in_pages(sessions, job.id, LATER, quiet)
    with reading(sessions) as session:
        assert session.scalars(select(Refit.n_answers).where(Refit.kind == "tags")).all() == [66]
        assert session.scalar(select(func.count()).select_from(WorkerScore)) == 3
    with transaction(sessions) as session:
        session.execute(update(Hit).values(state="closed"))
    combine_in_pages(sessions, job.id, LATER + timedelta(hours=1), quiet)
    with reading(sessions) as session:
        assert session.scalars(
            select(Refit.fitted_at).where(Refit.kind == "tags")
        ).one() == LATER + timedelta(hours=1)


def test_a_combination_that_breaks_off_is_done_again_whole(sessions, campaign):
    job, hits, cast = campaign
    with transaction(sessions) as session:
        for hit in hits[:3]:
            make_answer(session, hit, cast[2], BLUE)

    def die(_done, _total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        combine_in_pages(sessions, job.id, LATER, die)
    assert stale(sessions) == [1, 2, 3]
    combine_in_pages(sessions, job.id, LATER, quiet)
    assert stale(sessions) == []
    with reading(sessions) as session:
        answered = session.execute(select(Consensus.item_id).where(Consensus.n_answers == 3)).all()
    assert len(answered) == 3


def test_by_pieces_or_at_once_the_last_combination_says_the_same(sessions, monkeypatch):
    """Whatever came between, a finished job's labels depend on its answers alone."""
    monkeypatch.setattr(staleness, "SMALL", 10)
    monkeypatch.setattr(staleness, "SAMPLE", 5)
    chance = random.Random(5)
    with transaction(sessions) as session:
        items = make_dataset(session, 25)
        job = make_job(session, items)
        tags = make_hits(session, make_route(session, job), items, state="posted")
        boxes = make_hits(session, make_route(session, job, kind="boxes"), items, state="posted")
        cast = [make_worker(session, name) for name in ("ben", "cho", "eve")]
    work = [(hit, worker) for hit in tags + boxes for worker in cast]
    chance.shuffle(work)
    for start in range(0, len(work), 15):
        with transaction(sessions) as session:
            for hit, worker in work[start : start + 15]:
                shift = chance.randrange(6)
                value = (
                    chance.choice([RED, RED, BLUE])
                    if hit in tags
                    else {"boxes": [box(10 + shift, 10, 90, 90 - shift)] * (shift > 0)}
                )
                make_answer(session, hit, worker, value)
        combine_in_pages(sessions, job.id, NOW, quiet)
        finish_in_pages(sessions, job.id, NOW, quiet)
    with transaction(sessions) as session:
        session.execute(update(Hit).values(state="closed"))
    combine_in_pages(sessions, job.id, LATER, quiet)
    by_pieces = rows(sessions)
    with transaction(sessions) as session:
        combine_job(session, job.id, LATER)
    assert rows(sessions) == by_pieces
    assert len(by_pieces) == 50


def test_labels_are_finished_a_page_at_a_time_as_at_once(sessions, campaign, monkeypatch):
    job, _, _ = campaign
    monkeypatch.setattr("jobs.combining.labels.PAGE", 7)
    with transaction(sessions) as session:
        session.execute(update(Consensus).values(state="sure"))
    assert finish_in_pages(sessions, job.id, LATER, quiet) == 30
    assert finish_in_pages(sessions, job.id, LATER, quiet) == 0
    with transaction(sessions) as session:
        assert finish_job(session, job.id, LATER) == 0
        assert session.scalar(select(func.count()).select_from(Label)) == 30
