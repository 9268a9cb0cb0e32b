"""A stopped job posts nothing more, pays for what was done, and gives the rest back."""

from __future__ import annotations

import pytest

from jobs import calls
from jobs.db import transaction
from jobs.errors import Conflict
from jobs.hits import stopping
from jobs.tables import Batch, Hit, Intent, Work
from webapp.marketplace.faults import Fault


def stop(bench, job_id):
    with transaction(bench.sessions) as session:
        return stopping.stop_job(session, job_id, "mia@example.org", bench.dial())


def test_stopping_pays_what_was_done_and_gives_the_rest_back(bench):
    job_id = bench.launch(n_items=3)
    bench.drain()
    bench.answer_all(workers=1)
    stop(bench, job_id)
    bench.settle_down()
    job = bench.job(job_id)
    assert (job.state, job.held_micros, job.spent_micros) == ("cancelled", 0, 3 * 60_000)
    assert {status for _, status in bench.market_hits()} == {"Reviewable"}
    assert [batch.state for batch in bench.ours(Batch)] == ["closed"]
    assert bench.spent_at_venue().held_cents == 0
    bench.check_books()


def test_stopping_before_the_post_posts_nothing(bench):
    job_id = bench.launch(n_items=3)
    stop(bench, job_id)
    bench.settle_down()
    assert bench.market_hits() == []
    assert bench.job(job_id).held_micros == 0
    assert [batch.state for batch in bench.ours(Batch)] == ["closed"]


def test_stopping_twice_is_refused(bench):
    job_id = bench.launch()
    stop(bench, job_id)
    with pytest.raises(Conflict, match="cancelled"):
        stop(bench, job_id)


@pytest.mark.parametrize("effect", ["drop_before", "drop_after"])
def test_a_hit_of_unknown_outcome_is_found_out_before_its_money_comes_back(bench, effect):
    job_id = bench.launch(n_items=1)
    bench.market.market.faults.replace([Fault("CreateHITWithHITType", effect, 1, 1)])
    bench.drain()
    assert [hit.state for hit in bench.ours(Hit)] == ["unknown"]
    stop(bench, job_id)
    bench.drain()
    bench.settle_down()
    assert len(bench.market_hits()) == 1
    assert bench.job(job_id).held_micros == 0
    assert bench.spent_at_venue().held_cents == 0


@pytest.mark.parametrize("effect", ["drop_before", "drop_after", "fault_after"])
def test_a_lost_reply_while_expiring_is_asked_again(bench, effect):
    job_id = bench.launch(n_items=2)
    bench.drain()
    stop(bench, job_id)
    bench.market.market.faults.replace([Fault("UpdateExpirationForHIT", effect, 1, 2)])
    bench.settle_down()
    assert bench.job(job_id).held_micros == 0
    assert {status for _, status in bench.market_hits()} == {"Reviewable"}


def test_a_call_to_expire_of_unknown_outcome_is_ended_once_the_hit_is_closed(bench):
    job_id = bench.launch(n_items=1)
    bench.drain()
    stop(bench, job_id)
    bench.market.market.faults.replace([Fault("UpdateExpirationForHIT", "drop_after", 1, 1)])
    for name in ("expire_batch", "collect_batch"):
        (row,) = bench.ours(Work, task_name=name)
        bench.ask_again(row)
        assert calls.run(bench.resources, row.id, "one after the other")
    assert [hit.state for hit in bench.ours(Hit)] == ["closed"]
    bench.settle_down()
    expiries = bench.ours(Intent, operation="UpdateExpirationForHIT")
    assert [intent.state for intent in expiries] == ["done"]
