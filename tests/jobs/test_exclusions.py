"""Who is kept out of one account is silent in its jobs, and in no other's."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select

from jobs.combining.consensus import combine_job
from jobs.db import reading, transaction
from jobs.reports import worker_page
from jobs.tables import Consensus, StaleQuestion, Work
from jobs.workers import standing
from tests.factories import NOW, make_answer, make_dataset, make_hits, make_job, make_route
from tests.factories import make_worker as hire

RED = {"tags": {"colour": "red"}}
BLUE = {"tags": {"colour": "blue"}}
WHY = {"reason": "Always the same colour", "actor": "ada", "now": NOW}
ENVIRONMENTS = ("production", "sandbox", "local")


@pytest.fixture
def three_jobs(sessions):
    """Ben and Cho answered the same picture in a job of each environment; Ben's and the jobs' ids.

    Dee, of the staff, answered in each of them, too.
    """
    with transaction(sessions) as session:
        items = make_dataset(session, 1)
        ben, cho = hire(session, "ben"), hire(session, "cho")
        dee = hire(session, "dee", provider="inhouse")
        jobs = []
        for environment in ENVIRONMENTS:
            job = make_job(session, items, name=environment, environment=environment)
            (hit,) = make_hits(session, make_route(session, job), items)
            make_answer(session, hit, ben, RED)
            make_answer(session, hit, cho, BLUE)
            make_answer(session, hit, dee, BLUE)
            jobs.append(job.id)
            combine_job(session, job.id, NOW)
    return sessions, ben.id, dee.id, dict(zip(ENVIRONMENTS, jobs, strict=True))


def do(sessions, verb, *arguments):
    with transaction(sessions) as session:
        session.execute(delete(StaleQuestion))
        session.execute(delete(Work))
        verb(session, *arguments, **WHY)


def voices(sessions, jobs):
    """How many answers count, by environment."""
    with transaction(sessions) as session:
        for job_id in jobs.values():
            combine_job(session, job_id, NOW)
        counted = dict(session.execute(select(Consensus.job_id, Consensus.n_answers)).all())
    return {environment: counted[job_id] for environment, job_id in jobs.items()}


def noted(sessions):
    """Jobs with questions to be combined anew, and those the background is woken for."""
    with reading(sessions) as session:
        stale = set(session.scalars(select(StaleQuestion.job_id)))
        woken = set(session.scalars(select(Work.subject_id).filter_by(task_name="advance_job")))
    return stale, woken


def test_who_is_excluded_in_the_sandbox_still_votes_in_production(three_jobs):
    sessions, ben, _, jobs = three_jobs
    do(sessions, standing.exclude, jobs["sandbox"], ben)
    assert noted(sessions) == ({jobs["sandbox"]}, {jobs["sandbox"]})
    assert voices(sessions, jobs) == {"production": 3, "sandbox": 2, "local": 3}
    with reading(sessions) as session:
        (state,) = {
            row.state
            for row in worker_page(session, jobs["production"]).rows
            if row.worker_id == ben
        }
        seen = standing.preview_exclusion(session, jobs["production"], ben)
    assert (state, seen.is_excluded) == ("active", False)
    assert [one.job_id for one in seen.votes_lost] == [jobs["production"]]


def test_letting_in_at_one_account_leaves_the_exclusion_at_another(three_jobs):
    sessions, ben, _, jobs = three_jobs
    do(sessions, standing.exclude, jobs["sandbox"], ben)
    do(sessions, standing.exclude, jobs["production"], ben)
    assert voices(sessions, jobs) == {"production": 2, "sandbox": 2, "local": 3}
    do(sessions, standing.readmit, jobs["production"], ben)
    assert noted(sessions) == ({jobs["production"]}, {jobs["production"]})
    assert voices(sessions, jobs) == {"production": 3, "sandbox": 2, "local": 3}


def test_staff_have_one_account_whatever_the_environment_of_the_job(three_jobs):
    sessions, _, dee, jobs = three_jobs
    do(sessions, standing.exclude, jobs["production"], dee)
    assert noted(sessions) == (set(jobs.values()), set(jobs.values()))
    assert set(voices(sessions, jobs).values()) == {2}
    do(sessions, standing.readmit, jobs["local"], dee)
    assert set(voices(sessions, jobs).values()) == {3}


def test_a_repeat_wakes_and_notes_nothing(three_jobs):
    sessions, ben, _, jobs = three_jobs
    for verb in (standing.exclude, standing.readmit):
        do(sessions, verb, jobs["sandbox"], ben)
        do(sessions, verb, jobs["sandbox"], ben)
        assert noted(sessions) == (set(), set())
