"""Further answers from many HITs are ordered together, in as many queries as from one."""

from __future__ import annotations

import pytest
from sqlalchemy import event, update

from jobs.db import parts, transaction
from jobs.errors import Conflict
from jobs.hits import batches, ordering, orders
from jobs.tables import Extension, Hit, Task, Work


@pytest.fixture
def posted(bench):
    bench.launch(n_items=12, budget="90.00")
    bench.drain()
    return bench


def n_queries(bench, run):
    seen = []

    def see(*call):
        seen.append(call[2])

    engine = bench.sessions.kw["bind"]
    event.listen(engine, "before_cursor_execute", see)
    with transaction(bench.sessions) as session:
        run(session)
    event.remove(engine, "before_cursor_execute", see)
    return len(seen)


def test_many_orders_cost_the_queries_of_one(posted):
    ids = [hit.id for hit in posted.ours(Hit)]

    def ask(hit_ids):
        return n_queries(
            posted, lambda session: ordering.order(session, hit_ids, 1, "ada", posted.dial())
        )

    ask(ids[:1])  # makes the row of the work that the others wake
    assert ask(ids[1:2]) == ask(ids[2:])
    assert posted.count(Extension, number=1, n_more=1, state="planned") == 12
    assert posted.count(Work, task_name="extend_batch") == 1


def test_what_policy_and_people_ask_for_costs_the_same_whatever_the_number(posted):
    venues = posted.resources.venues
    ids = [hit.id for hit in posted.ours(Hit)]
    looks = [
        n_queries(
            posted, lambda session, ids=ids: orders.preview_orders(session, 1, 1, venues, ids)
        )
        for ids in (ids[:1], ids)
    ]
    assert looks[0] == looks[1]
    tasks = [task.id for task in posted.ours(Task)]
    bought = [
        n_queries(
            posted,
            lambda session, some=some: batches.buy_answers(session, 1, some, 1, posted.dial()),
        )
        for some in (tasks[:1], tasks[1:2], tasks[2:])
    ]
    assert bought[1] == bought[2]
    assert posted.count(Extension) == 12


def test_one_hit_that_cannot_grow_refuses_the_order_of_all(posted):
    ids = [hit.id for hit in posted.ours(Hit)]
    with transaction(posted.sessions) as session:
        session.execute(update(Hit).where(Hit.id == ids[5]).values(state="failed"))
    with pytest.raises(Conflict, match=f"HIT {ids[5]}: it is failed"):
        n_queries(posted, lambda session: ordering.order(session, ids, 1, "ada", posted.dial()))
    assert posted.count(Extension) == 0


def test_ids_come_in_parts_that_every_database_takes():
    assert [len(some) for some in parts(range(12_001))] == [5_000, 5_000, 2_001]
    assert list(parts(())) == []
