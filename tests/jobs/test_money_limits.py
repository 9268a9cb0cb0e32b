"""All jobs of an environment together: never over their cap, and stopped when an hour runs away."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from jobs import findings, intents
from jobs.db import reading, transaction
from jobs.errors import BudgetExceeded, Conflict, InvalidInput, Paused
from jobs.spending import ledger, limits
from jobs.spending.ledger import Reason
from jobs.tables import Finding, Hit, Job, Switch
from tests.factories import NOW, make_dataset, make_job

WHO = Reason("ada")
CENT = 10_000


@pytest.fixture
def two_jobs(sessions):
    """Two local jobs of a dollar each, and a production job."""
    with transaction(sessions) as session:
        items = make_dataset(session)
        ids = []
        for name, environment in (
            ("first", "local"),
            ("second", "local"),
            ("real", "production"),
        ):
            job = make_job(session, items, name=name, budget_micros=0, environment=environment)
            ledger.set_budget(session, job.id, 100 * CENT, key=name, reason=WHO, now=NOW)
            ids.append(job.id)
        return ids


def limit(sessions, environment="local", cap=None, hourly=None):
    with transaction(sessions) as session:
        return limits.set_limits(
            session, environment, cap_micros=cap, hourly_micros=hourly, actor="ada", now=NOW
        )


def hold(sessions, job_id, cents, key, now=NOW):
    with transaction(sessions) as session:
        return ledger.hold(session, job_id, cents * CENT, key=key, reason=WHO, now=now)


def standing(sessions, environment="local", now=NOW):
    with reading(sessions) as session:
        return limits.limits_of(session, environment, now)


def test_the_cap_is_shared_by_the_jobs_of_an_environment(sessions, two_jobs):
    first, second, real = two_jobs
    limit(sessions, cap=100 * CENT)
    hold(sessions, first, 70, "a")
    with pytest.raises(BudgetExceeded, match=r"cap of \$1\.00 for all local jobs") as refused:
        hold(sessions, second, 31, "b")
    assert refused.value.missing_micros == CENT
    hold(sessions, second, 30, "c")
    hold(sessions, real, 100, "d")
    found = standing(sessions)
    assert (found.held_micros, found.left_micros) == (100 * CENT, 0)
    with reading(sessions) as session:
        assert session.get_one(Job, second).held_micros == 30 * CENT
        assert ledger.differences(session) == []


def test_what_is_spent_stays_under_the_cap_and_what_is_given_back_frees_it(sessions, two_jobs):
    first, second, _ = two_jobs
    limit(sessions, cap=50 * CENT)
    hold(sessions, first, 50, "a")
    with transaction(sessions) as session:
        ledger.settle(session, first, {"reward": 20 * CENT}, key="s", reason=WHO, now=NOW)
        ledger.release(session, first, 10 * CENT, key="r", reason=WHO, now=NOW)
    assert standing(sessions).left_micros == 10 * CENT
    with pytest.raises(BudgetExceeded):
        hold(sessions, second, 11, "b")
    assert hold(sessions, second, 10, "c")
    with reading(sessions) as session:
        assert ledger.differences(session) == []


def test_a_cap_under_what_is_committed_is_refused(sessions, two_jobs):
    hold(sessions, two_jobs[0], 70, "a")
    with pytest.raises(BudgetExceeded) as refused:
        limit(sessions, cap=69 * CENT)
    assert refused.value.missing_micros == CENT
    assert limit(sessions, cap=70 * CENT).left_micros == 0
    assert limit(sessions, cap=None).left_micros is None
    with pytest.raises(InvalidInput, match="expected one of local, sandbox, production"):
        limit(sessions, environment="moon")


def test_the_database_itself_refuses_an_account_over_its_cap(sessions, two_jobs):
    limit(sessions, cap=CENT)
    with pytest.raises(IntegrityError), transaction(sessions) as session:
        session.execute(text("UPDATE account SET held_micros = 10001"))


def test_a_runaway_hour_stops_itself_with_a_reason_and_a_finding(sessions, two_jobs):
    first, second, _ = two_jobs
    limit(sessions, hourly=50 * CENT)
    hold(sessions, first, 50, "a")
    assert standing(sessions).hour_micros == 50 * CENT
    hold(sessions, first, 1, "b")
    with pytest.raises(Paused, match=r"over the limit of \$0\.50 an hour"):
        hold(sessions, second, 1, "c")
    with pytest.raises(Paused, match="hourly limit"), transaction(sessions) as session:
        intents.refuse_when_paused(session, second)
    with reading(sessions) as session:
        (finding,) = findings.open_findings(session)
        assert "over the limit of $0.50" in finding.message
        assert session.get_one(Switch, "pause").is_on


def test_paid_calls_go_on_only_when_every_finding_is_resolved(sessions, two_jobs):
    limit(sessions, hourly=CENT)
    hold(sessions, two_jobs[0], 2, "a")
    with pytest.raises(Conflict, match=r"findings are open .*over the limit"):
        lift(sessions)
    with transaction(sessions) as session:
        findings.resolve(session, session.query(Finding).one().id, NOW)
    lift(sessions)
    later = NOW.replace(hour=NOW.hour + 1)
    with pytest.raises(Paused):
        hold(sessions, two_jobs[0], 1, "b")
    assert hold(sessions, two_jobs[0], 1, "c", now=later)
    assert standing(sessions, now=later).hour_micros == CENT


def lift(sessions):
    with transaction(sessions) as session:
        intents.set_pause(session, False, reason="seen", actor="ada", now=NOW)


def test_posting_stops_within_the_hour_and_goes_on_after_a_person_has_looked(bench):
    limit(bench.sessions, hourly=130_000)
    job_id = bench.launch(n_items=4)
    bench.settle_down(2)
    assert len(bench.market_hits()) == 2
    assert bench.job(job_id).held_micros == 240_000
    with transaction(bench.sessions) as session:
        findings.resolve(session, session.query(Finding).one().id, bench.dial())
        limits.set_limits(
            session, "local", cap_micros=None, hourly_micros=None, actor="ada", now=bench.dial()
        )
    lift(bench.sessions)
    bench.settle_down(3)
    assert len(bench.market_hits()) == 4
    bench.check_books()


def test_a_cap_that_is_reached_posts_no_more_and_keeps_what_is_out(bench):
    job_id = bench.launch(n_items=3)
    limit(bench.sessions, cap=250_000)
    bench.settle_down(2)
    assert [hit.state for hit in bench.ours(Hit)] == ["posted", "posted", "planned"]
    assert bench.job(job_id).held_micros == 240_000
    bench.check_books()
