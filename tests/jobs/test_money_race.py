"""Many processes race for the last of the budget: not a micro-dollar over, on either database."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from sqlalchemy import select

from jobs.db import reading, transaction
from jobs.spending import ledger, limits
from jobs.spending.ledger import Reason
from jobs.tables import Finding, Job, LedgerTransaction, Switch
from tests.factories import NOW, make_dataset, make_job

N_PROCESSES = 64
HOLDS_EACH = 3
BUDGET = 100
RACERS = """
import json, multiprocessing, sys
from datetime import UTC, datetime
from jobs.spending import ledger
from jobs.db import open_engine, open_sessions, transaction
from jobs.errors import BudgetExceeded, Paused

url, job_ids, n_processes, n_holds = json.loads(sys.argv[1])
now = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
fork = multiprocessing.get_context("fork")
gate, wins = fork.Barrier(n_processes), fork.SimpleQueue()

def race(racer):
    engine = open_engine(url)
    sessions = open_sessions(engine)
    won = 0
    gate.wait()
    for number in range(n_holds):
        try:
            with transaction(sessions) as session:
                won += ledger.hold(
                    session, job_ids[racer % len(job_ids)], 3, key=f"{racer}:{number}",
                    reason=ledger.Reason(f"racer {racer}"), now=now,
                )
        except (BudgetExceeded, Paused):
            pass
    engine.dispose()
    wins.put(won)

racers = [fork.Process(target=race, args=(racer,)) for racer in range(n_processes)]
for one in racers:
    one.start()
won = sum(wins.get() for _ in racers)
for one in racers:
    one.join()
assert [one.exitcode for one in racers] == [0] * n_processes
print(won)
"""


def test_processes_that_race_for_the_budget_never_pass_it(sessions, engine, database_url):
    with transaction(sessions) as session:
        job_id = a_job(session, make_dataset(session), "one", BUDGET)
    engine.dispose()
    won = race(database_url, [job_id])
    assert won == BUDGET // 3
    with reading(sessions) as session:
        assert session.get_one(Job, job_id).held_micros == won * 3
        assert ledger.balances(session, job_id)["available"] == BUDGET - won * 3
        assert ledger.differences(session) == []
        assert session.query(LedgerTransaction).filter_by(kind="hold").count() == won


def test_processes_of_several_jobs_never_pass_the_cap_of_their_environment(
    sessions, engine, database_url
):
    with transaction(sessions) as session:
        items = make_dataset(session)
        job_ids = [a_job(session, items, f"job {number}", 10 * BUDGET) for number in range(4)]
        limits.set_limits(
            session, "local", cap_micros=BUDGET, hourly_micros=None, actor="ada", now=NOW
        )
    engine.dispose()
    won = race(database_url, job_ids)
    assert won == BUDGET // 3
    with reading(sessions) as session:
        assert limits.limits_of(session, "local", NOW).held_micros == won * 3
        assert sum(session.scalars(select(Job.held_micros))) == won * 3
        assert ledger.differences(session) == []


def test_processes_that_race_cross_the_limit_of_an_hour_once(sessions, engine, database_url):
    with transaction(sessions) as session:
        items = make_dataset(session)
        job_ids = [a_job(session, items, f"job {number}", 10 * BUDGET) for number in range(4)]
        limits.set_limits(
            session, "local", cap_micros=None, hourly_micros=BUDGET, actor="ada", now=NOW
        )
    engine.dispose()
    won = race(database_url, job_ids)
    assert won == BUDGET // 3 + 1
    with reading(sessions) as session:
        assert session.query(Finding).count() == 1
        assert session.get_one(Switch, "pause").is_on


def a_job(session, items, name, budget):
    job = make_job(session, items, name=name, budget_micros=0)
    ledger.set_budget(session, job.id, budget, key=name, reason=Reason("ada"), now=NOW)
    return job.id


def race(database_url, job_ids):
    """How many holds all racers together won; the jobs are dealt among the processes."""
    told = json.dumps([database_url, job_ids, N_PROCESSES, HOLDS_EACH])
    racers = subprocess.run(
        [sys.executable, "-c", RACERS, told],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        text=True,
        check=True,
    )
    return int(racers.stdout)
