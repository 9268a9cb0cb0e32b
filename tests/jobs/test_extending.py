"""One more answer is bought from the same HIT: nobody is paid twice for a task, whatever fails."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import select

from jobs.db import reading, transaction
from jobs.errors import BudgetExceeded, Conflict, InvalidInput, NotFound
from jobs.hits import extending, ordering, stopping
from jobs.tables import (
    Assignment,
    Batch,
    Extension,
    Finding,
    Hit,
    HitTask,
    Intent,
    Job,
    LedgerTransaction,
    Worker,
)
from webapp.marketplace.faults import Fault
from webapp.marketplace.store import write
from webapp.marketplace.tables.work import Hit as MarketHit

EXTEND = "CreateAdditionalAssignmentsForHIT"
PROLONG = "UpdateExpirationForHIT"
COLOURS = ("red", "green", "blue")


def launch(bench, n_extra=1, **settings):
    """A launched job that buys up to ``n_extra`` further answers for what is not sure."""
    job_id = bench.create(**settings)
    set_extra(bench, job_id, n_extra)
    return bench.launch_draft(job_id)


def set_extra(bench, job_id, n_extra):
    with transaction(bench.sessions) as session:
        job = session.get_one(Job, job_id)
        quality = {**job.policy["quality"], "sure_at": 0.9, "max_extra_answers": n_extra}
        job.policy = {**job.policy, "quality": quality}


def disagree(bench, *names):
    """Each named worker answers, in a colour of their own, all HITs they may take; how many."""
    return sum(
        bench.answer_as(name, COLOURS[number % len(COLOURS)]) for number, name in enumerate(names)
    )


def paid_answers(bench):
    """How many approved assignments each worker has for each task."""
    with reading(bench.sessions) as session:
        rows = session.execute(
            select(Worker.provider_worker_id, HitTask.task_id)
            .join(Assignment, Assignment.worker_id == Worker.id)
            .join(HitTask, HitTask.hit_id == Assignment.hit_id)
            .where(Assignment.state == "Approved")
        ).all()
    return Counter(tuple(row) for row in rows)


def until_ordered(bench):
    """A poll at a time, until an answer has been ordered and its call tried once."""
    while not bench.count(Extension):
        bench.dial.turn(seconds=61)
        bench.drain()


def wait_for_order(bench):
    bench.settle_down(3)
    (order,) = bench.ours(Extension)
    return order


@pytest.mark.parametrize("provider", ["mturk", "inhouse"])
def test_a_worker_who_answered_before_cannot_take_the_answer_that_is_bought(bench, provider):
    who = ("staff1", "staff2", "staff3") if provider == "inhouse" else ("ben", "cho", "dan")
    job_id = launch(bench, n_items=2, provider=provider)
    bench.drain()
    assert disagree(bench, who[0], who[1]) == 4
    bench.settle_down(3)
    assert [hit.max_assignments for hit in bench.ours(Hit)] == [3, 3]
    assert len(bench.market_hits()) == 2
    assert disagree(bench, who[0], who[1]) == 0
    assert disagree(bench, who[2]) == 2
    bench.settle_down()
    assert set(paid_answers(bench).values()) == {1}
    assert len(paid_answers(bench)) == 6
    assert bench.job(job_id).held_micros == 0
    if provider == "mturk":
        assert bench.job(job_id).spent_micros == 2 * 3 * 60_000
        bench.check_books()


def test_whatever_the_crowd_does_nobody_is_paid_twice_for_a_task(bench):
    crowd = ("ben", "cho", "dan", "eve", "fay")
    launch(bench, n_extra=3, n_items=4, tasks_per_hit=2)
    for _ in range(4):
        bench.settle_down(2)
        disagree(bench, *crowd)
    bench.settle_down()
    answers = paid_answers(bench)
    assert set(answers.values()) == {1}
    assert set(Counter(task for _, task in answers).values()) == {5}
    bench.check_books()


def test_what_was_bought_is_held_first_and_never_above_the_ceiling(bench):
    job_id = launch(bench, n_extra=2, n_items=1)
    bench.drain()
    disagree(bench, "ben", "cho")
    wait_for_order(bench)
    assert bench.job(job_id).held_micros == 60_000
    disagree(bench, "dan")
    bench.settle_down()
    disagree(bench, "eve")
    bench.settle_down()
    assert [order.n_added for order in bench.ours(Extension)] == [1, 1]
    assert bench.ours(Hit)[0].max_assignments == 4
    disagree(bench, "fay")
    assert bench.count(Assignment) == 4


def test_a_neighbour_in_the_same_hit_needs_no_second_order(bench):
    launch(bench, n_items=2, tasks_per_hit=2)
    bench.drain()
    disagree(bench, "ben", "cho")
    order = wait_for_order(bench)
    assert (order.n_added, order.state) == (1, "done")


def test_the_price_has_the_fee_of_a_hit_of_ten(bench):
    job_id = launch(bench, n_items=1, redundancy=10, reward="0.10")
    bench.drain()
    disagree(bench, *(f"worker{number}" for number in range(10)))
    wait_for_order(bench)
    assert bench.job(job_id).held_micros == 140_000
    disagree(bench, "eve")
    bench.settle_down()
    assert bench.job(job_id).spent_micros == 11 * 140_000
    bench.check_books()


@pytest.mark.parametrize("provider", ["mturk", "inhouse"])
def test_nine_cannot_become_ten_so_a_new_hit_is_made_that_earlier_workers_cannot_take(
    bench, provider
):
    crowd = [f"{'staff' if provider == 'inhouse' else 'worker'}{number}" for number in range(9)]
    launch(bench, n_items=1, redundancy=9, provider=provider)
    bench.drain()
    disagree(bench, *crowd)
    bench.settle_down(3)
    assert [hit.max_assignments for hit in bench.ours(Hit)] == [9, 1]
    assert disagree(bench, *crowd) == 0
    assert disagree(bench, "staff10" if provider == "inhouse" else "eve") == 1
    bench.settle_down()
    assert set(paid_answers(bench).values()) == {1}
    assert bench.count(Extension) == 0


def test_a_hit_that_the_venue_no_longer_has_is_replaced(bench):
    launch(bench, n_items=1)
    bench.drain()
    disagree(bench, "ben", "cho")
    bench.market.market.faults.replace([Fault(EXTEND, "drop_before", 1, 1)])
    until_ordered(bench)
    write(
        bench.market.market.sessions,
        lambda session: session.query(MarketHit).update({"hit_id": "3" + "Z" * 29}),
    )
    bench.settle_down(3)
    assert [order.state for order in bench.ours(Extension)] == ["refused"]
    assert [hit.state for hit in bench.ours(Hit)] == ["closed", "posted"]
    assert disagree(bench, "ben", "cho") == 0


def test_an_expired_hit_is_opened_again_for_as_long_as_a_new_one(bench):
    job_id = launch(bench, n_items=1)
    bench.drain()
    disagree(bench, "ben", "cho")
    bench.market.market.faults.replace([Fault(EXTEND, "fault_before", 1, 200)])
    bench.settle_down(2)
    bench.dial.turn(days=2)
    bench.market.market.faults.replace([])
    bench.settle_down(2)
    (hit,) = bench.ours(Hit)
    assert (hit.state, hit.max_assignments) == ("posted", 3)
    assert hit.expires_at > bench.dial()
    assert disagree(bench, "dan") == 1
    bench.settle_down()
    assert bench.job(job_id).held_micros == 0
    bench.check_books()


def test_slots_that_nobody_took_are_opened_again_and_paid_for(bench):
    """Two of three answered before the HIT ended: its third slot serves the order."""
    job_id = launch(bench, n_items=1, redundancy=3)
    bench.drain()
    disagree(bench, "ben", "cho")
    bench.settle_down(2)
    bench.dial.turn(days=2)
    bench.settle_down(3)
    (order,) = bench.ours(Extension)
    assert (order.state, order.target_assignments, order.n_added) == ("done", 3, 0)
    assert bench.job(job_id).held_micros == 60_000
    bench.dial.turn(days=2)
    bench.settle_down(3)
    # Nobody came: the ceiling was one order, so the money comes back and nothing is bought anew.
    assert bench.job(job_id).held_micros == 0
    assert bench.count(Extension) == 1
    bench.check_books()


@pytest.mark.parametrize("effect", ["drop_before", "drop_after", "fault_before", "fault_after"])
@pytest.mark.parametrize("operation", [EXTEND, PROLONG])
def test_a_lost_reply_never_extends_twice(bench, effect, operation):
    job_id = launch(bench, n_items=1)
    bench.drain()
    disagree(bench, "ben", "cho")
    bench.dial.turn(hours=20)
    bench.market.market.faults.replace([Fault(operation, effect, 1, 1)])
    bench.settle_down(3)
    assert bench.ours(Hit)[0].max_assignments == 3
    assert bench.count(LedgerTransaction, kind="hold") == 2
    assert disagree(bench, "dan", "eve") == 1
    bench.settle_down()
    assert bench.job(job_id).spent_micros == 3 * 60_000
    assert bench.count(Finding) == 0
    bench.check_books()


def test_an_unknown_outcome_keeps_the_money_held(bench):
    job_id = launch(bench, n_items=1)
    bench.drain()
    disagree(bench, "ben", "cho")
    bench.market.market.faults.replace([Fault(EXTEND, "drop_after", 1, 100)])
    until_ordered(bench)
    (intent,) = bench.ours(Intent, operation=EXTEND)
    assert (intent.state, bench.job(job_id).held_micros) == ("unknown", 60_000)
    assert bench.ours(Hit)[0].state == "extending"


@pytest.mark.parametrize("effect", ["drop_before", "drop_after"])
def test_past_the_life_of_a_token_the_hit_is_read_before_it_is_extended_again(bench, effect):
    launch(bench, n_items=1)
    bench.drain()
    disagree(bench, "ben", "cho")
    bench.market.market.faults.replace([Fault(EXTEND, effect, 1, 1)])
    until_ordered(bench)
    bench.dial.turn(hours=30)
    bench.settle_down(3)
    assert bench.ours(Hit)[0].max_assignments == 3
    (intent,) = bench.ours(Intent, operation=EXTEND)
    assert (intent.state, intent.window) == ("done", 1 if effect == "drop_before" else 0)


def order(bench, hit_id, n_more=1):
    with transaction(bench.sessions) as session:
        ordering.order(session, [hit_id], n_more, "ada", bench.dial())


def test_an_open_hit_is_extended_by_hand_and_stays_open(bench):
    job_id = bench.launch(n_items=1)
    bench.drain()
    disagree(bench, "ben")
    order(bench, 1, 2)
    bench.settle_down(2)
    assert bench.ours(Hit)[0].max_assignments == 4
    assert bench.job(job_id).held_micros + bench.job(job_id).spent_micros == 4 * 60_000
    bench.check_books()


def test_two_orders_at_once_are_refused(bench):
    bench.launch(n_items=1)
    bench.drain()
    order(bench, 1)
    with pytest.raises(Conflict, match="being bought already"):
        order(bench, 1)


def test_what_cannot_be_extended_is_refused_with_the_reason(bench):
    job_id = bench.launch(n_items=1)
    with pytest.raises(Conflict, match="planned: expected it to be posted"):
        order(bench, 1)
    bench.drain()
    with pytest.raises(InvalidInput, match="at least 1"):
        order(bench, 1, 0)
    with pytest.raises(Conflict, match="cannot grow to 10"):
        order(bench, 1, 8)
    with pytest.raises(NotFound):
        order(bench, 99)
    with transaction(bench.sessions) as session:
        stopping.stop_job(session, job_id, "mia@example.org", bench.dial())
    with pytest.raises(Conflict, match="cancelled"):
        order(bench, 1)


def test_an_order_over_the_budget_is_not_sent(bench):
    job_id = bench.launch(n_items=1, budget="0.12")
    bench.drain()
    order(bench, 1)
    with pytest.raises(BudgetExceeded):
        extending.extend_batch(bench.resources, 1, lambda _done, _all: None)
    assert bench.ours(Extension)[0].state == "planned"
    assert bench.job(job_id).held_micros == 120_000
    bench.settle_down(2)
    assert bench.ours(Hit)[0].max_assignments == 2


def test_stopping_a_job_drops_an_order_that_was_not_sent(bench):
    job_id = bench.launch(n_items=1)
    bench.drain()
    order(bench, 1)
    with transaction(bench.sessions) as session:
        stopping.stop_job(session, job_id, "mia@example.org", bench.dial())
    bench.settle_down()
    assert [row.state for row in bench.ours(Extension)] == ["refused"]
    assert bench.ours(Hit)[0].max_assignments == 2
    assert [batch.state for batch in bench.ours(Batch)] == ["closed"]
    assert bench.job(job_id).held_micros == 0


@pytest.mark.parametrize("effect", ["drop_before", "drop_after"])
def test_stopping_a_job_finds_out_what_became_of_an_order_and_calls_the_hit_in(bench, effect):
    job_id = bench.launch(n_items=1)
    bench.drain()
    order(bench, 1)
    bench.market.market.faults.replace([Fault(EXTEND, effect, 1, 1)])
    bench.drain()
    with transaction(bench.sessions) as session:
        stopping.stop_job(session, job_id, "mia@example.org", bench.dial())
    bench.settle_down()
    assert bench.job(job_id).held_micros == 0
    assert bench.spent_at_venue().held_cents == 0
    assert {status for _, status in bench.market_hits()} == {"Reviewable"}


def test_a_hit_that_was_called_in_and_opened_again_can_be_called_in_again(bench):
    job_id = bench.launch(n_items=1)
    bench.drain()
    disagree(bench, "ben")
    stopping.expire_batch(bench.resources, 1, lambda _done, _all: None)
    bench.settle_down(1)
    assert bench.ours(Hit)[0].state == "closed"
    with transaction(bench.sessions) as session:
        session.get_one(Job, job_id).state = "running"
    order(bench, 1)
    bench.settle_down(1)
    assert {status for _, status in bench.market_hits()} == {"Assignable"}
    with transaction(bench.sessions) as session:
        stopping.stop_job(session, job_id, "mia@example.org", bench.dial())
    bench.settle_down()
    assert {status for _, status in bench.market_hits()} == {"Reviewable"}
    assert bench.job(job_id).held_micros == 0
    bench.check_books()
