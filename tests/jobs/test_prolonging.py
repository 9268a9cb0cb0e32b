"""HITs that are out are shown for longer, once, and nothing else of them changes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jobs import work
from jobs.db import transaction
from jobs.errors import Conflict, InvalidInput, ProviderError
from jobs.hits import collection, prolonging, stopping
from jobs.tables import Hit, Intent, Work
from tests.jobs.fault_points import Breaker, Crash, Point
from tests.jobs.lifecycle import Bench
from webapp.marketplace.faults import Fault
from webapp.marketplace.store import reading as market_reading
from webapp.marketplace.tables.work import Hit as MarketHit

CALL = prolonging.OPERATION


def quiet(_done: int, _total: int) -> None:
    """No lease to renew."""


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


def _orders(bench: Bench) -> list[Intent]:
    return [one for one in bench.ours(Intent) if one.key.startswith("prolong:batch:")]


def _calls(bench: Bench) -> list[Intent]:
    return [one for one in bench.ours(Intent) if one.key.startswith("prolong:hit:")]


def _prolong(bench: Bench) -> int:
    return prolonging.prolong_batch(bench.resources, 1, quiet)


def _stop(bench: Bench, job_id: int) -> None:
    with transaction(bench.sessions) as session:
        stopping.stop_job(session, job_id, "mia@example.org", bench.dial())


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
    assert len(_orders(bench)) == 1
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
        stopping.stop_job(session, job_id, "mia@example.org", bench.dial())
    prolonging.prolong_batch(bench.resources, 1, lambda *_: None)
    assert _ends(bench) == {1.0}
    (intent,) = _orders(bench)
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


def test_each_call_is_counted_before_it_and_keeps_the_venues_request_after_it(bench: Bench) -> None:
    bench.launch()
    bench.drain()
    bench.market.market.faults.replace([])
    _ask(bench, 5)
    assert _prolong(bench) == 2
    calls = _calls(bench)
    assert [(one.state, one.attempts) for one in calls] == [("done", 1), ("done", 1)]
    assert all(one.request_id and one.last_sent_at for one in calls)
    assert len({one.request_id for one in calls}) == 2
    assert [one["operation"] for one in bench.market.market.faults.calls()].count(CALL) == 2


@pytest.mark.parametrize(
    ("effect", "state"),
    [
        ("drop_before", "unknown"),
        ("drop_after", "unknown"),
        ("fault_before", "unknown"),
        ("fault_after", "unknown"),
        ("throttle", "sending"),
    ],
)
def test_a_lost_reply_is_asked_again_under_the_same_intent(
    bench: Bench, effect: str, state: str
) -> None:
    """Every try of the first call fails; nothing is known of it until the next run."""
    bench.launch()
    bench.drain()
    _ask(bench, 5)
    bench.market.market.faults.replace([Fault(CALL, effect, 1, 5)])
    with pytest.raises(ProviderError):
        _prolong(bench)
    (call,) = _calls(bench)
    assert (call.state, call.attempts, call.request_id) == (state, 1, "")
    assert call.error
    bench.market.market.faults.replace([])
    assert _prolong(bench) == 2
    assert _ends(bench) == {5.0}
    assert [(one.state, one.attempts) for one in _calls(bench)] == [("done", 2), ("done", 1)]
    assert all(one.request_id for one in _calls(bench))
    assert [one.state for one in _orders(bench)] == ["done"]
    bench.check_books()


@pytest.mark.parametrize("where", ["before_commit", "after_commit"])
@pytest.mark.parametrize("number", range(1, 6))
def test_a_run_that_dies_at_any_commit_is_taken_up_by_the_next(
    bench: Bench, where: str, number: int
) -> None:
    """Two HITs: before and after each call there is a commit, and one at the end."""
    bench.launch()
    bench.drain()
    _ask(bench, 5)
    breaker = Breaker([Point(where, number)])
    breaker.watch(bench.sessions)
    with pytest.raises(Crash):
        _prolong(bench)
    _prolong(bench)
    breaker.is_on = False
    assert _ends(bench) == {5.0}
    assert {one.state for one in [*_calls(bench), *_orders(bench)]} == {"done"}
    died_in_a_call = (where, number) in {
        ("after_commit", 1), ("before_commit", 2), ("after_commit", 3), ("before_commit", 4)
    }  # fmt: skip
    assert sum(one.attempts for one in _calls(bench)) == 2 + died_in_a_call
    assert all(one.request_id for one in _calls(bench))
    bench.check_books()


def test_a_hit_that_is_called_in_while_its_batch_is_prolonged_stays_closed(bench: Bench) -> None:
    """The job is stopped and its money given back between the run's look and its calls."""
    job_id = bench.launch()
    bench.drain()
    _ask(bench, 5)

    def stop(number: int, _total: int) -> None:
        if number == 0:
            _stop(bench, job_id)
            stopping.expire_batch(bench.resources, 1, quiet)
            collection.collect_batch(bench.resources, 1, quiet)
            assert bench.job(job_id).held_micros == 0

    assert prolonging.prolong_batch(bench.resources, 1, stop) == 0
    assert {status for _, status in bench.market_hits()} == {"Reviewable"}
    assert bench.answer_all(workers=1) == 0
    assert _calls(bench) == []
    bench.check_books()


def test_a_hit_that_was_called_in_without_a_stop_stays_closed_too(bench: Bench) -> None:
    bench.launch(n_items=1)
    bench.drain()
    _ask(bench, 5)

    def call_in(_done: int, _total: int) -> None:
        stopping.expire_batch(bench.resources, 1, quiet)

    assert prolonging.prolong_batch(bench.resources, 1, call_in) == 0
    (order,) = _orders(bench)
    assert (order.state, order.error) == ("done", "HIT 1: it was called in")
    assert {status for _, status in bench.market_hits()} == {"Reviewable"}


def test_a_hit_is_not_called_in_while_a_call_to_keep_it_open_may_still_arrive(
    bench: Bench,
) -> None:
    """Its reply is lost, the job is stopped: the call may reach the venue late."""
    job_id = bench.launch(n_items=1)
    bench.drain()
    _ask(bench, 5)
    bench.market.market.faults.replace([Fault(CALL, "drop_before", 1, 5)])
    with pytest.raises(ProviderError):
        _prolong(bench)
    bench.market.market.faults.replace([])
    _stop(bench, job_id)
    with pytest.raises(ProviderError, match="keeping open"):
        stopping.expire_batch(bench.resources, 1, quiet)
    assert _prolong(bench) == 0
    (call,) = _calls(bench)
    assert (call.state, call.error) == ("failed", "the HIT is left to end")
    with pytest.raises(ProviderError, match="keeping open"):
        stopping.expire_batch(bench.resources, 1, quiet)
    assert bench.job(job_id).held_micros > 0
    bench.dial.turn(minutes=3)
    assert stopping.expire_batch(bench.resources, 1, quiet) == 1
    bench.settle_down()
    assert bench.job(job_id).held_micros == 0
    bench.check_books()


def _dies_for_good(bench: Bench) -> None:
    """Each run to keep the batch open dies in its first call; then a person has to look."""
    bench.market.market.faults.replace([Fault(CALL, "drop_before", 1, 100)])
    with pytest.raises(ProviderError):
        _prolong(bench)
    bench.market.market.faults.replace([])
    (row,) = bench.ours(Work, task_name="prolong_batch")
    for _ in range(work.MAX_FAILURES):
        with transaction(bench.sessions) as session:
            assert work.claim(session, row.id, "who dies", bench.dial(), 1)
        bench.dial.turn(seconds=2)
        with transaction(bench.sessions) as session:
            work.sweep(session, "sweeper", bench.dial(), 60)
    assert _state_of_work(bench) == "needs_person"


def _state_of_work(bench: Bench) -> str:
    (row,) = bench.ours(Work, task_name="prolong_batch")
    return str(row.state)


def test_hits_are_called_in_though_keeping_them_open_waits_for_a_person(bench: Bench) -> None:
    """Its last call was never answered, and no run of it is to be expected."""
    job_id = bench.launch()
    bench.drain()
    _ask(bench, 5)
    _dies_for_good(bench)
    assert [one.state for one in _calls(bench)] == ["unknown"]
    with pytest.raises(ProviderError, match="keeping open"):
        stopping.expire_batch(bench.resources, 1, quiet)
    bench.dial.turn(minutes=2)
    assert stopping.expire_batch(bench.resources, 1, quiet) == 2
    assert _state_of_work(bench) == "needs_person"
    assert {status for _, status in bench.market_hits()} == {"Reviewable"}
    assert [(one.state, one.error) for one in _calls(bench)] == [("failed", "the HIT is called in")]
    collection.collect_batch(bench.resources, 1, quiet)
    assert bench.job(job_id).held_micros == 0

    with transaction(bench.sessions) as session:
        work.revive(session, bench.ours(Work, task_name="prolong_batch")[0].id, bench.dial())
    bench.drain()
    assert _state_of_work(bench) == "done"
    assert {status for _, status in bench.market_hits()} == {"Reviewable"}
    bench.check_books()


def test_a_stopped_job_leaves_nothing_for_a_person_to_look_at(bench: Bench) -> None:
    job_id = bench.launch()
    bench.drain()
    _ask(bench, 5)
    _dies_for_good(bench)
    _stop(bench, job_id)
    bench.settle_down()
    assert _state_of_work(bench) == "done"
    assert [(one.state, one.error) for one in _orders(bench)] == [("failed", "the job was stopped")]
    assert {status for _, status in bench.market_hits()} == {"Reviewable"}
    assert bench.job(job_id).held_micros == 0
    bench.check_books()
