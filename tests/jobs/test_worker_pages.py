"""The workers of a job, page by page: each once, in order, at the cost of one page."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from jobs.db import reading, transaction
from jobs.errors import NotFound
from jobs.reports import worker_page, worker_rows
from jobs.reports.habits import signs
from jobs.reports.heads import worker_names
from jobs.tables import Worker, WorkerScore


def add_workers(bench, job_id, n, *, provider="mturk"):
    """Workers with two kinds of answers each, two of whom always have answered as many."""
    ids = []
    with transaction(bench.sessions) as session:
        for number in range(n):
            known = f"{provider}-{len(ids)}-{number}-of-{n}"
            worker = Worker(
                provider=provider, provider_worker_id=known, name=known, created_at=bench.dial()
            )
            session.add(worker)
            session.flush()
            ids.append(worker.id)
            for kind, n_answers in (("boxes", 3), ("tags", 10 + number // 2)):
                session.add(
                    WorkerScore(
                        job_id=job_id, worker_id=worker.id, kind=kind, n_answers=n_answers,
                        n_gold=0, mean_seconds=1.0 + number, details={}, computed_at=bench.dial(),
                    )
                )  # fmt: skip
    return ids


def pages(bench, job_id, limit):
    after, found = None, []
    while True:
        with reading(bench.sessions) as session:
            page = worker_page(session, job_id, after=after, limit=limit)
        found.append([(row.worker_id, row.kind) for row in page.rows])
        after = page.next
        if after is None:
            return found


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
def test_pages_hold_each_worker_once_most_answers_first(bench, limit):
    job_id, other = bench.create(), bench.create(name="other")
    ids = add_workers(bench, job_id, 7)
    add_workers(bench, other, 3)
    found = pages(bench, job_id, limit)
    ranked = [ids[place] for place in (6, 4, 5, 2, 3, 0, 1)]
    assert [row for page in found for row in page] == [
        (worker_id, kind) for worker_id in ranked for kind in ("tags", "boxes")
    ]
    assert all(len(page) == 2 * limit for page in found[:-1])


def test_a_page_costs_the_same_queries_whatever_the_number_of_workers(bench):
    job_id = bench.create()
    add_workers(bench, job_id, 5)
    seen = []
    engine = bench.sessions.kw["bind"]
    event.listen(engine, "before_cursor_execute", lambda *a: seen.append(a[2]))
    counts = []
    for n_more in (0, 60):
        after = add_workers(bench, job_id, n_more)[-1] if n_more else None
        seen.clear()
        with reading(bench.sessions) as session:
            page = worker_page(session, job_id, after=after, limit=4)
            signs(session, job_id, page.rows)
        assert len(page.rows) == 8
        counts.append(len(seen) - bool(after))  # the place of the one it goes on behind
    assert counts[0] == counts[1]


def test_a_worker_who_left_the_list_is_no_place_to_go_on_from(bench):
    job_id = bench.create()
    add_workers(bench, job_id, 1)
    with reading(bench.sessions) as session, pytest.raises(NotFound, match="begin it anew"):
        worker_page(session, job_id, after=999)


def test_a_job_without_workers_has_one_empty_page(bench):
    job_id = bench.create()
    assert pages(bench, job_id, 10) == [[]]
    with reading(bench.sessions) as session:
        assert worker_rows(session, job_id, [1, 2]) == ()


def test_signs_of_a_page_go_by_the_pace_of_everyone(bench):
    job_id = bench.create()
    add_workers(bench, job_id, 9)
    with transaction(bench.sessions) as session:
        slowest = session.query(WorkerScore).filter_by(mean_seconds=9.0, kind="tags").one()
        slowest.mean_seconds = 0.1
    with reading(bench.sessions) as session:
        page = worker_page(session, job_id, limit=1)
        told = signs(session, job_id, page.rows)
    assert ["half of the workers" in one.told for one in told[slowest.worker_id, "tags"]] == [True]


def test_the_choice_of_workers_stays_short_and_holds_the_chosen_one(bench):
    job_id, other = bench.create(), bench.create(name="other")
    ids = add_workers(bench, job_id, 6)
    strangers = add_workers(bench, other, 1, provider="inhouse")
    with reading(bench.sessions) as session:
        for chosen, expected in ((None, ids[4:]), (ids[0], [ids[0], *ids[4:]])):
            found = worker_names(session, job_id, chosen=chosen, most=2)
            assert {one.worker_id for one in found} == set(expected)
        found = worker_names(session, job_id, chosen=strangers[0], most=2)
        assert strangers[0] not in {one.worker_id for one in found}
