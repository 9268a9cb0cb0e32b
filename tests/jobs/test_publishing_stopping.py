"""A stopped job posts nothing more, pays for what was done, and gives the rest back."""

from __future__ import annotations

import pytest

from jobs import calls, work
from jobs.db import transaction
from jobs.errors import Conflict, ProviderError
from jobs.hits import publishing, stopping
from jobs.tables import Batch, Hit, Intent, Work
from webapp.marketplace.faults import Fault

POST = "CreateHITWithHITType"


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


def test_a_stop_does_not_wait_for_posting_that_waits_for_a_person(bench):
    """One post had its effect, one had none, and each run since has died: nobody has been told."""
    job_id = bench.launch(n_items=3)
    bench.market.market.faults.replace([Fault(POST, "drop_after", 1, 1)])
    progress = iter(range(100))

    def lose_the_second(_done, _total):
        if next(progress) == 1:
            bench.market.market.faults.replace([Fault(POST, "drop_before", 1, 1)])

    with pytest.raises(ProviderError):
        publishing.publish_batch(bench.resources, 1, lose_the_second)
    assert [hit.state for hit in bench.ours(Hit)] == ["unknown", "unknown", "posted"]
    assert len(bench.market_hits()) == 2
    stop(bench, job_id)
    (row,) = bench.ours(Work, task_name="publish_batch")
    for _ in range(work.MAX_FAILURES):
        die(bench, row)
    assert bench.ours(Work, id=row.id)[0].state == "needs_person"

    call_in(bench, "still to be found out")
    assert [hit.state for hit in bench.ours(Hit)] == ["posted", "unknown", "posted"]
    assert bench.job(job_id).held_micros == 3 * 2 * 60_000
    die(bench, row)
    bench.dial.turn(minutes=2)
    call_in(bench, "still to be found out")
    assert [hit.state for hit in bench.ours(Hit)] == ["posted", "closed", "posted"]
    bench.settle_down()
    assert {status for _, status in bench.market_hits()} == {"Reviewable"}
    assert len(bench.market_hits()) == 2
    assert bench.job(job_id).held_micros == bench.spent_at_venue().held_cents == 0
    assert [batch.state for batch in bench.ours(Batch)] == ["closed"]
    assert bench.ours(Work, id=row.id)[0].state == "done"
    bench.check_books()


def call_in(bench, why_again):
    with pytest.raises(ProviderError, match=why_again):
        stopping.expire_batch(bench.resources, 1, lambda *_: None)


def die(bench, row):
    """A run that ends without a word, and whoever finds it."""
    with transaction(bench.sessions) as session:
        assert work.claim(session, row.id, "who dies", bench.dial(), 1)
    bench.dial.turn(seconds=2)
    with transaction(bench.sessions) as session:
        work.sweep(session, "sweeper", bench.dial(), 60)
