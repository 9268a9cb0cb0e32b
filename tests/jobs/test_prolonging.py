"""HITs that are out are shown for longer, once, and nothing else of them changes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jobs.db import transaction
from jobs.errors import Conflict, InvalidInput
from jobs.hits import prolonging, stopping
from jobs.tables import Hit, Intent
from tests.jobs.lifecycle import Bench
from webapp.marketplace.store import reading as market_reading
from webapp.marketplace.tables.work import Hit as MarketHit


def _ask(bench: Bench, days: float) -> int:
    with transaction(bench.sessions) as session:
        until = bench.dial() + timedelta(days=days)
        return prolonging.ask(session, 1, until, "ada", bench.dial())


def _ends(bench: Bench) -> set[float]:
    """In how many days the venue ends each HIT."""
    with market_reading(bench.market.market.sessions) as session:
        hits = session.query(MarketHit).all()
        now = bench.dial().timestamp()
        return {round((hit.expires_at / 1000 - now) / 86_400, 2) for hit in hits}


def test_hits_stay_open_until_the_new_end_and_no_money_moves(bench: Bench) -> None:
    job_id = bench.launch()
    bench.drain()
    held = bench.job(job_id).held_micros
    assert _ends(bench) == {1.0}
    assert _ask(bench, 5) == 2
    bench.drain()
    assert _ends(bench) == {5.0}
    assert {hit.expires_at for hit in bench.ours(Hit)} == {bench.dial() + timedelta(days=5)}
    assert bench.job(job_id).held_micros == held
    bench.check_books()


def test_a_hit_is_prolonged_once_when_it_is_asked_for_twice(bench: Bench) -> None:
    bench.launch()
    bench.drain()
    _ask(bench, 5)
    _ask(bench, 5)
    assert bench.count(Intent, operation=prolonging.OPERATION) == 1
    bench.drain()
    assert prolonging.prolong_batch(bench.resources, 1, lambda *_: None) == 0
    with pytest.raises(Conflict, match="no HIT that is out ends before"):
        _ask(bench, 5)


def test_the_later_of_two_times_counts(bench: Bench) -> None:
    bench.launch()
    bench.drain()
    _ask(bench, 5)
    _ask(bench, 3)
    bench.drain()
    assert _ends(bench) == {5.0}
    assert {row.state for row in bench.ours(Intent, operation=prolonging.OPERATION)} == {"done"}


def test_hits_that_were_called_in_stay_closed(bench: Bench) -> None:
    bench.launch()
    bench.drain()
    stopping.expire_batch(bench.resources, 1, lambda *_: None)
    with pytest.raises(Conflict):
        _ask(bench, 5)


def test_a_stopped_jobs_hits_are_not_prolonged(bench: Bench) -> None:
    job_id = bench.launch()
    bench.drain()
    _ask(bench, 5)
    with transaction(bench.sessions) as session:
        stopping.stop_job(session, job_id, bench.dial())
    prolonging.prolong_batch(bench.resources, 1, lambda *_: None)
    assert _ends(bench) == {1.0}
    (intent,) = bench.ours(Intent, operation=prolonging.OPERATION)
    assert (intent.state, intent.error) == ("failed", "the job was stopped")


@pytest.mark.parametrize("days", [-1, 0, 366])
def test_a_time_out_of_reach_is_refused_in_words(bench: Bench, days: float) -> None:
    bench.launch()
    with pytest.raises(InvalidInput, match="until: expected a time within 365 days"):
        _ask(bench, days)


def test_models_have_nothing_to_prolong(bench: Bench) -> None:
    bench.launch(provider="model", options="{tagger: photometry}", reward="0", redundancy=1)
    with pytest.raises(Conflict, match="models answer at once"):
        _ask(bench, 5)


def test_a_hit_that_ended_is_not_opened_again_behind_its_money(bench: Bench) -> None:
    """It ends while the order waits; collecting gives its money back; the order comes late."""
    job_id = bench.launch(n_items=1)
    bench.drain()
    assert _ask(bench, 5) == 1
    bench.dial.turn(days=1, seconds=1)
    prolonging.prolong_batch(bench.resources, 1, lambda *_: None)
    bench.settle_down()
    assert {status for _, status in bench.market_hits()} == {"Reviewable"}
    assert [(hit.state, hit.held_micros) for hit in bench.ours(Hit)] == [("closed", 0)]
    assert bench.job(job_id).held_micros == 0
    bench.check_books()


def test_a_hit_in_its_last_minutes_is_left_to_end(bench: Bench) -> None:
    bench.launch(n_items=1)
    bench.drain()
    bench.dial.turn(hours=23, minutes=51)
    with pytest.raises(Conflict, match="no HIT that is out"):
        _ask(bench, 5)
