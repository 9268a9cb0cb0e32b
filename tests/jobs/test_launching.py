"""A launch carried out by the background: once, whole or not at all, whatever happens between."""

from __future__ import annotations

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier

import pytest
from sqlalchemy import func, select

from jobs import calls, findings, intents, work
from jobs.db import reading, transaction
from jobs.errors import Conflict, InvalidInput, Paused
from jobs.planning import drafts, launching, planning
from jobs.reports import job_report
from jobs.spending import ledger
from jobs.spending.ledger import Reason
from jobs.tables import Batch, GoldAnswer, Hit, HitTask, Item, Task, Work
from jobs.work import LeaseLost

GOLDS = "{gold_rate: 0.2, repeat_rate: 0.1}"


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def small_pages(monkeypatch):
    monkeypatch.setattr("jobs.planning.launching.TASKS_A_PAGE", 2)


def ask(bench, job_id, **given):
    with transaction(bench.sessions) as session:
        launching.ask(session, job_id, bench.dial(), **given)


def row_of(bench, job_id):
    (row,) = bench.ours(Work, key=f"launch_job:{job_id}")
    return row


def report(bench, job_id):
    with reading(bench.sessions) as session:
        return job_report(session, job_id)


def run_until(bench, job_id, n_pages):
    """One run that ends without a word once it has noted its progress ``n_pages`` times."""
    seen = []

    def watch(n_done, n_total):
        seen.append((n_done, n_total))
        if len(seen) > n_pages:
            raise Killed

    @contextmanager
    def keep(lease):
        lease.watch = watch
        yield

    with pytest.raises(Killed):
        calls.run(bench.resources, row_of(bench, job_id).id, "first", keep)
    return seen


def add_gold(bench, name):
    with transaction(bench.sessions) as session:
        item = session.scalars(select(Item).where(Item.name == name)).one()
        session.add(
            GoldAnswer(item_id=item.id, kind="tags", value={"tags": {"colour": "red"}},
                       created_at=bench.dial())
        )  # fmt: skip


def asked(bench, job_id):
    """How often each (item, is a repeat) is asked, and the sizes of the HITs that ask."""
    with reading(bench.sessions) as session:
        rows = session.execute(
            select(Task.item_id, Task.repeat_of, HitTask.hit_id)
            .join(HitTask, HitTask.task_id == Task.id)
            .where(Task.job_id == job_id)
        ).all()
        n_tasks = session.scalar(select(func.count()).where(Task.job_id == job_id))
    questions = Counter((item_id, repeat is not None) for item_id, repeat, _ in rows)
    return questions, sorted(Counter(hit_id for *_, hit_id in rows).values()), n_tasks


def set_budget(bench, job_id, micros):
    with transaction(bench.sessions) as session:
        ledger.set_budget(
            session, job_id, micros, key=f"budget:{job_id}:{micros}", reason=Reason("ada"),
            now=bench.dial(),
        )  # fmt: skip


def test_what_was_asked_for_is_written_by_the_background_and_posted(bench):
    job_id = bench.create(n_items=3)
    ask(bench, job_id)
    assert bench.job(job_id).state == "launching"
    assert (bench.count(Hit), bench.count(Task)) == (0, 0)
    assert report(bench, job_id).launch.state == "waiting"
    bench.drain()
    assert bench.job(job_id).state == "running"
    assert report(bench, job_id).launch is None
    assert len(bench.market_hits()) == 3
    bench.check_books()


def test_in_pages_the_rows_are_those_of_one_transaction(bench, small_pages):
    bench.create(n_items=9)
    for number in range(3):
        add_gold(bench, f"{number}.jpg")
    given = {"slicing": GOLDS, "tasks_per_hit": 2}
    at_once = bench.launch(name="at once", **given)
    paged = bench.create(name="paged", **given)
    ask(bench, paged)
    bench.drain()
    assert bench.job(paged).state == "running"
    assert len({hit.marker for hit in bench.ours(Hit)}) == bench.count(Hit)
    assert asked(bench, paged) == asked(bench, at_once)


def test_a_launch_at_once_tells_how_many_hits_are_planned(bench, monkeypatch):
    monkeypatch.setattr("jobs.planning.planning.TASKS_A_PAGE", 4)
    job_id = bench.create(n_items=9, slicing="{gold_rate: 0, repeat_rate: 0.3}", tasks_per_hit=2)
    heard = []
    with transaction(bench.sessions) as session:
        place = bench.resources
        planning.launch(
            session, job_id, place.venues, place.blobs, bench.dial(), "ada",
            progress=lambda n_done, n_total: heard.append((n_done, n_total)),
        )  # fmt: skip
    n_hits = bench.count(Hit)
    assert heard[0] == (0, n_hits)
    assert heard[-1] == (n_hits, n_hits)
    assert heard == sorted(set(heard))
    assert len(heard) > 2
    assert bench.count(Batch) == 1
    bench.drain()
    assert len(bench.market_hits()) == n_hits


def test_of_several_who_ask_one_is_heard(bench):
    job_id = bench.create()
    ask(bench, job_id)
    with pytest.raises(Conflict, match="is launching: expected a draft"):
        ask(bench, job_id)
    with pytest.raises(Conflict, match="is launching: expected a draft"):
        bench.launch_draft(job_id)
    with reading(bench.sessions) as session:
        spec = drafts.read_draft(session, job_id)
    with pytest.raises(Conflict, match="is launching"), transaction(bench.sessions) as session:
        drafts.change_draft(session, job_id, spec, bench.dial(), "ada")
    bench.drain()
    with pytest.raises(Conflict, match="is running"):
        ask(bench, job_id)
    assert (bench.count(Batch), bench.count(Hit)) == (1, 2)


def test_of_several_who_ask_at_once_one_is_heard(bench):
    job_id, start = bench.create(), Barrier(4)

    def try_it(_):
        start.wait()
        try:
            ask(bench, job_id)
        except Conflict as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(try_it, range(4)))
    assert sorted(answers) == ["", *[f"job {job_id} is launching: expected a draft"] * 3]
    bench.drain()
    assert (bench.count(Batch), bench.count(Hit)) == (1, 2)


def test_carried_out_twice_it_is_written_once(bench):
    job_id = bench.create()
    ask(bench, job_id)
    bench.drain()
    bench.ask_again(row_of(bench, job_id))
    bench.drain()
    assert (bench.count(Batch), bench.count(Hit), len(bench.market_hits())) == (1, 2, 2)


@pytest.mark.parametrize("n_pages", [0, 1, "all"])
def test_a_run_that_was_killed_is_followed_by_one_that_writes_the_rest(bench, small_pages, n_pages):
    bench.create(n_items=9)
    for number in range(3):
        add_gold(bench, f"{number}.jpg")
    given = {"slicing": GOLDS, "tasks_per_hit": 2}
    whole = bench.launch(name="whole", **given)
    job_id = bench.create(name="killed", **given)
    ask(bench, job_id)
    n_hits = len(asked(bench, whole)[1])
    n_pages = n_hits if n_pages == "all" else n_pages
    assert run_until(bench, job_id, n_pages)[-1] == (n_pages, n_hits)
    assert bench.job(job_id).state == "launching"
    assert report(bench, job_id).hits_by_state == ({"planned": n_pages} if n_pages else {})
    bench.dial.turn(minutes=3)
    bench.drain()
    assert bench.job(job_id).state == "running"
    assert asked(bench, job_id) == asked(bench, whole)
    assert bench.count(Batch) == 2


def test_a_gold_that_came_between_two_runs_leaves_no_question_unasked(bench, small_pages):
    job_id = bench.create(n_items=7, slicing=GOLDS, tasks_per_hit=2)
    ask(bench, job_id)
    run_until(bench, job_id, 2)
    add_gold(bench, "6.jpg")
    bench.dial.turn(minutes=3)
    bench.drain()
    questions, _, n_tasks = asked(bench, job_id)
    assert {item for item, is_repeat in questions if not is_repeat} == {
        item.id for item in bench.ours(Item)
    }
    assert n_tasks == len(questions)
    assert bench.job(job_id).state == "running"


def test_a_run_that_was_taken_over_writes_no_further_page(bench, small_pages):
    job_id = bench.create(n_items=6)
    ask(bench, job_id)
    row = row_of(bench, job_id)
    with transaction(bench.sessions) as session:
        stale = work.claim(session, row.id, "slow", bench.dial(), 60)
    lease = work.Lease(bench.sessions, stale, bench.dial, 60)
    bench.dial.turn(seconds=61)
    bench.drain()
    with transaction(bench.sessions) as session:
        session.get_one(launching.Job, job_id).state = launching.LAUNCHING
    with pytest.raises(LeaseLost):
        launching.carry_out(bench.resources, job_id, lease)
    assert bench.count(Hit) == 6


def shrink(bench, job_id):
    set_budget(bench, job_id, 10_000)
    return r"budget is \$0\.01: \$0\.23 is missing"


def pause(bench, _job_id):
    with transaction(bench.sessions) as session:
        intents.set_pause(session, True, reason="lunch", actor="ada", now=bench.dial())
    return "paid calls are paused by ada: lunch"


def find(bench, _job_id):
    with transaction(bench.sessions) as session:
        findings.report(session, "hit:x", "a HIT nobody knows", bench.dial(), None)
    return "nothing is bought while finding .* is open: a HIT nobody knows"


@pytest.mark.parametrize("happens", [shrink, pause, find])
def test_what_happened_since_it_was_asked_for_refuses_it_and_it_can_be_launched_again(
    bench, happens
):
    job_id = bench.create(n_items=2)
    ask(bench, job_id)
    why = happens(bench, job_id)
    bench.drain()
    assert (bench.job(job_id).state, bench.job(job_id).launched_at) == ("draft", None)
    assert (bench.count(Batch), bench.count(Task), bench.count(Hit)) == (0, 0, 0)
    told = report(bench, job_id).launch
    assert told.state == "refused"
    assert re.search(why, told.problem)
    assert row_of(bench, job_id).state == "done"
    set_budget(bench, job_id, 60_000_000)
    with transaction(bench.sessions) as session:
        for finding in findings.open_findings(session):
            findings.resolve(session, finding.id, bench.dial())
        intents.set_pause(session, False, reason="", actor="ada", now=bench.dial())
    ask(bench, job_id)
    assert report(bench, job_id).launch.problem == ""
    bench.drain()
    assert (bench.job(job_id).state, len(bench.market_hits())) == ("running", 2)


def test_a_production_job_is_asked_for_only_with_its_name(bench):
    job_id = bench.create(more="environment: production")
    with pytest.raises(InvalidInput, match="expected its name, 'pets'"):
        ask(bench, job_id, confirmed="Pets")
    assert bench.job(job_id).state == "draft"
    ask(bench, job_id, confirmed="pets")
    bench.drain()
    assert bench.job(job_id).state == "draft"
    assert "nobody could say who pays" in report(bench, job_id).launch.problem


def test_a_restored_backup_launches_nothing_until_the_venues_are_read(bench):
    job_id, other = bench.create(), bench.create(name="other")
    ask(bench, job_id)
    with transaction(bench.sessions) as session:
        intents.set_pause(
            session, True, reason="restored", actor="restore", now=bench.dial(),
            name=intents.RESTORED,
        )  # fmt: skip
    with pytest.raises(Paused, match="a backup was restored"):
        ask(bench, other)
    bench.drain()
    assert bench.job(job_id).state == "draft"
    assert bench.count(Hit) == 0


def test_a_launch_that_gave_up_goes_on_once_it_is_asked_for_again(bench, small_pages):
    job_id = bench.create(n_items=4)
    ask(bench, job_id)
    run_until(bench, job_id, 1)
    with transaction(bench.sessions) as session:
        row = session.get_one(Work, row_of(bench, job_id).id)
        row.state, row.failures, row.error = "needs_person", 6, "Traceback:\n  ...\nOops: no disk"
    told = report(bench, job_id).launch
    assert (told.state, told.problem) == ("failed", "Oops: no disk")
    ask(bench, job_id)
    bench.drain()
    assert (bench.job(job_id).state, len(bench.market_hits())) == ("running", 4)


def test_nothing_of_a_launching_job_is_posted(bench, small_pages):
    job_id = bench.create(n_items=4)
    ask(bench, job_id)
    run_until(bench, job_id, 1)
    with reading(bench.sessions) as session, pytest.raises(Paused, match="is launching"):
        intents.refuse_when_paused(session, job_id)
    (batch,) = bench.ours(Batch)
    with transaction(bench.sessions) as session:
        work.enqueue(session, "publish_batch", batch.id, bench.dial())
    bench.drain()
    assert bench.market_hits() == []
    bench.dial.turn(minutes=3)
    bench.drain()
    bench.dial.turn(minutes=10)
    bench.drain()
    assert len(bench.market_hits()) == 4
    bench.check_books()
