"""Requests that a slow network brings to the venue after their client has given them up."""

from __future__ import annotations

from jobs.db import transaction
from jobs.errors import ProviderError
from jobs.hits import ordering
from jobs.providers.mturk import Mturk
from jobs.tables import Hit, Intent
from webapp.marketplace.faults import Fault

EXTEND = "CreateAdditionalAssignmentsForHIT"


def order_one_more(bench):
    """An order for a third answer whose first call was lost on its way."""
    job_id = bench.launch(n_items=1, redundancy=2)
    bench.drain()
    with transaction(bench.sessions) as session:
        ordering.order(session, [1], 1, "ada", bench.dial())
    bench.market.market.faults.replace([Fault(EXTEND, "drop_before", 1, 1)])
    bench.drain()
    bench.market.market.faults.replace([])
    return job_id


def venue(bench):
    return bench.resources.venues("mturk", "local", {})


def arrive_late(bench):
    """The request that was lost, as a slow network brings it when its client has given up."""
    (intent,) = bench.ours(Intent, operation=EXTEND)
    venue(bench)._client.create_additional_assignments_for_hit(
        HITId=intent.parameters["hit"],
        NumberOfAdditionalAssignments=1,
        UniqueRequestToken=intent.token,
    )


def size_at_venue(bench):
    (hit,) = venue(bench).hits()
    return hit.max_assignments


def test_an_order_that_may_still_arrive_is_not_followed_by_a_new_token(bench):
    """The last try of a token's life is slow; a try with a new token would grow the HIT twice."""
    job_id = order_one_more(bench)
    bench.dial.turn(hours=19, minutes=59, seconds=50)
    bench.market.market.faults.replace([Fault(EXTEND, "drop_before", 1, 1)])
    bench.drain()
    bench.market.market.faults.replace([])
    slow = bench.ours(Intent, operation=EXTEND)[0]
    bench.dial.turn(seconds=20)
    bench.drain()
    assert [one.window for one in bench.ours(Intent, operation=EXTEND)] == [0]
    arrive_late(bench)
    bench.dial.turn(minutes=6)
    bench.drain()
    assert size_at_venue(bench) == bench.ours(Hit)[0].max_assignments == 3
    (intent,) = bench.ours(Intent, operation=EXTEND)
    assert (intent.state, intent.token) == ("done", slow.token)
    assert bench.job(job_id).held_micros == 180_000
    bench.check_books()


def test_an_order_refused_while_an_earlier_try_may_still_arrive_keeps_its_money(bench, monkeypatch):
    job_id = order_one_more(bench)
    bench.dial.turn(seconds=10)

    def refuse(*_):
        raise ProviderError("not enough money", permanent=True)

    with monkeypatch.context() as patch:
        patch.setattr(Mturk, "extend", refuse)
        bench.drain()
    assert bench.job(job_id).held_micros == 180_000
    arrive_late(bench)
    bench.dial.turn(minutes=6)
    bench.drain()
    assert size_at_venue(bench) == bench.ours(Hit)[0].max_assignments == 3
    assert bench.job(job_id).held_micros == 180_000
    bench.check_books()
