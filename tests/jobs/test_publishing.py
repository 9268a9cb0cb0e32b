"""HITs are posted at most once and their money is held before."""

from __future__ import annotations

import pytest

from jobs.tables import Hit, Intent, LedgerTransaction, Work
from webapp.marketplace import books
from webapp.marketplace.accounts import find_requester
from webapp.marketplace.faults import Fault
from webapp.marketplace.store import write

POST = "CreateHITWithHITType"


def fail(bench, *faults):
    bench.market.market.faults.replace(faults)


def test_a_job_posts_each_hit_once_and_holds_its_worst_case(bench):
    job_id = bench.launch(n_items=3)
    bench.drain()
    assert {row.error for row in bench.ours(Work)} == {""}
    assert len(bench.market_hits()) == 3
    assert bench.job(job_id).held_micros == 3 * 2 * (50_000 + 10_000)
    assert [hit.state for hit in bench.ours(Hit)] == ["posted"] * 3
    bench.check_books()


def test_publishing_again_posts_and_holds_nothing_more(bench):
    job_id = bench.launch()
    bench.drain()
    for row in bench.ours(Work, task_name="publish_batch"):
        bench.ask_again(row)
    bench.drain()
    assert len(bench.market_hits()) == 2
    assert bench.count(LedgerTransaction, job_id=job_id, kind="hold") == 2


@pytest.mark.parametrize("effect", ["drop_before", "drop_after", "fault_before", "fault_after"])
def test_a_lost_reply_never_makes_a_second_hit(bench, effect):
    job_id = bench.launch()
    fail(bench, Fault(POST, effect, 1, 1))
    bench.settle_down()
    assert len(bench.market_hits()) == 2
    assert [hit.state for hit in bench.ours(Hit)] == ["posted"] * 2
    assert bench.count(LedgerTransaction, job_id=job_id, kind="hold") == 2
    bench.check_books()


def test_an_unknown_outcome_keeps_the_money_held(bench):
    job_id = bench.launch(n_items=1)
    fail(bench, Fault(POST, "drop_after", 1, 100))
    bench.drain()
    (hit,) = bench.ours(Hit)
    assert hit.state == "unknown"
    assert bench.job(job_id).held_micros == 2 * 60_000
    (row,) = bench.ours(Work, task_name="publish_batch")
    assert row.state == "ready"
    assert "create_hit" in row.error


def test_past_the_life_of_a_token_the_venue_is_read_before_it_is_asked_again(bench):
    bench.launch(n_items=1)
    fail(bench, Fault(POST, "drop_after", 1, 1))
    bench.drain()
    bench.dial.turn(hours=30)
    bench.settle_down()
    assert len(bench.market_hits()) == 1
    # Its day was over by then, so that it is also closed and its money given back.
    assert [(hit.state, hit.held_micros) for hit in bench.ours(Hit)] == [("closed", 0)]
    (intent,) = bench.ours(Intent, operation=POST)
    assert intent.window == 0


def test_a_hit_the_venue_never_got_is_posted_with_a_new_token_after_a_day(bench):
    bench.launch(n_items=1)
    fail(bench, Fault(POST, "drop_before", 1, 1))
    bench.drain()
    (before,) = bench.ours(Intent, operation=POST)
    bench.dial.turn(hours=30)
    bench.settle_down()
    assert len(bench.market_hits()) == 1
    (after,) = bench.ours(Intent, operation=POST)
    assert (after.window, after.state) == (1, "done")
    assert after.token != before.token


def test_a_refused_hit_voids_its_hold_and_is_posted_once_there_is_money(bench):
    def spend_it_all(session):
        requester = find_requester(session, "local")
        books._shift(
            session, requester.id, available_cents=-requester.available_cents, held_cents=0
        )

    job_id = bench.launch(n_items=1)
    write(bench.market.market.sessions, spend_it_all)
    bench.drain()
    assert bench.market_hits() == []
    assert bench.job(job_id).held_micros == 0
    (intent,) = bench.ours(Intent, operation=POST)
    assert intent.state == "failed"
    assert "insufficient funds" in bench.ours(Work, task_name="publish_batch")[0].error
    write(
        bench.market.market.sessions,
        lambda session: books.deposit(
            session, find_requester(session, "local").id, 1000, key="more", now=1
        ),
    )
    bench.settle_down()
    assert len(bench.market_hits()) == 1
    assert bench.job(job_id).held_micros == 120_000
