"""What a stranger would try on the money: each attack here once, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from jobs import findings, intents
from jobs.db import reading, transaction
from jobs.errors import BudgetExceeded, Conflict, Paused, ProviderError
from jobs.hits import extending, ordering, publishing, stopping
from jobs.providers.mturk import Mturk
from jobs.reviewing import review
from jobs.spending import bonuses, ledger, limits
from jobs.spending.ledger import Reason
from jobs.tables import Assignment, Extension, Hit, Intent, LedgerTransaction, Work
from tests.factories import NOW, make_dataset, make_job
from tests.jobs.lifecycle import Dial, open_bench
from webapp.marketplace.faults import Fault
from webapp.marketplace.options import Options
from webapp.marketplace.serving import serve

POST, BONUS = "CreateHITWithHITType", "SendBonus"
WHO = Reason("ada")


def quiet(_done, _total):
    """No lease to renew."""


def once(act):
    """Progress that acts at its first call, between a run's look and its effect."""
    told = []

    def progress(_done, _total):
        if not told:
            told.append(True)
            act()

    return progress


@pytest.fixture
def lagging(tmp_path, sessions):
    """A bench whose venue lists nothing that is younger than a minute."""
    dial, options = Dial(), Options(index_lag_seconds=60)
    url = f"sqlite:///{tmp_path / 'market.sqlite'}"
    with serve(database_url=url, clock=dial, options=options) as market:
        yield open_bench(tmp_path, sessions, market, dial)


@pytest.fixture
def done(bench):
    """A finished job with nine cents left in its budget, and its one paid assignment."""
    return finished(bench)


def finished(bench):
    job_id = bench.launch(n_items=1, redundancy=1, budget="0.15")
    bench.drain()
    bench.answer_all(workers=1)
    bench.settle_down()
    return bench, job_id, bench.ours(Assignment)[0].id


def grant(bench, assignment_id, key="great", cents=5, reason="Great boxes"):
    with transaction(bench.sessions) as session:
        return bonuses.grant_bonus(
            session, assignment_id, cents * 10_000,
            reason_key=key, reason=reason, actor="ada", now=bench.dial(),
        )  # fmt: skip


def switch(bench, is_on):
    with transaction(bench.sessions) as session:
        intents.set_pause(session, is_on, reason="a look", actor="ada", now=bench.dial())


def undecided(bench, n_items=1):
    """A screening job with one answer to each HIT, which waits for another or for a person."""
    job_id = bench.launch(n_items=n_items, redundancy=2, more="review: {mode: screen}")
    bench.drain()
    bench.answer_all(workers=1)
    bench.dial.turn(seconds=61)
    bench.drain()
    return job_id


def test_a_try_too_young_for_the_venues_list_is_not_followed_by_a_new_token(lagging):
    """Tries fail for 20 hours; the last of them posts; the list does not show it yet."""
    bench = lagging
    bench.launch(n_items=1)
    bench.market.market.faults.replace([Fault(POST, "drop_before", 1, 1)])
    bench.drain()
    bench.dial.turn(hours=19, minutes=59, seconds=50)
    bench.market.market.faults.replace([Fault(POST, "drop_after", 1, 1)])
    bench.drain()
    assert len(bench.market_hits()) == 1
    bench.dial.turn(seconds=20)
    bench.drain()
    assert len(bench.market_hits()) == 1
    bench.settle_down(3)
    assert len(bench.market_hits()) == 1
    (intent,) = bench.ours(Intent, operation=POST)
    assert (intent.state, intent.window) == ("done", 0)
    bench.check_books()


def test_a_refusal_right_after_a_try_that_the_list_does_not_show_keeps_the_money(
    lagging, monkeypatch
):
    """The second try had the effect; the third is refused while the list lags."""
    bench = lagging
    job_id = bench.launch(n_items=1)
    bench.market.market.faults.replace([Fault(POST, "drop_before", 1, 1)])
    bench.drain()
    bench.dial.turn(minutes=10)
    bench.market.market.faults.replace([Fault(POST, "drop_after", 1, 1)])
    bench.drain()
    bench.dial.turn(seconds=10)

    def refuse(_provider, _spec):
        raise ProviderError("not enough money", permanent=True)

    with monkeypatch.context() as patch:
        patch.setattr(Mturk, "publish", refuse)
        bench.drain()
    assert bench.job(job_id).held_micros == 120_000
    assert [row.state for row in bench.ours(Hit)] == ["unknown"]
    bench.settle_down(3)
    assert len(bench.market_hits()) == 1
    bench.check_books()


def test_a_bonus_too_young_for_the_venues_list_is_not_paid_with_a_new_token(lagging):
    """The last try of the first window pays it, and a minute later the list does not show it."""
    bench, _, assignment_id = finished(lagging)
    bench.market.market.faults.replace([Fault(BONUS, "drop_before", 1, 1)])
    grant(bench, assignment_id)
    bench.drain()
    bench.dial.turn(hours=19, minutes=59, seconds=50)
    bench.market.market.faults.replace([Fault(BONUS, "drop_after", 1, 1)])
    bench.drain()
    bench.dial.turn(seconds=20)
    bench.drain()
    bench.settle_down(3)
    assert bench.spent_at_venue().bonus_cents == 5
    (intent,) = bench.ours(Intent, operation=BONUS)
    assert (intent.state, intent.window) == ("done", 0)


def test_a_run_whose_decisions_were_carried_out_by_another_pays_nothing_more(bench):
    job_id = undecided(bench, n_items=2)
    for row in bench.ours(Assignment):
        with transaction(bench.sessions) as session:
            review.decide(session, row.id, "approve", "", "ada", bench.dial())

    def another():
        assert review.review_job(bench.resources, job_id, quiet).n_approved == 2

    late = review.review_job(bench.resources, job_id, once(another))
    assert late.n_approved == 0
    assert bench.count(LedgerTransaction, kind="settle") == 2
    calls = [one["operation"] for one in bench.market.market.faults.calls()]
    assert calls.count("ApproveAssignment") == 2
    bench.check_books()


def test_the_same_hold_comes_back_once_whoever_gives_it_back(sessions):
    with transaction(sessions) as session:
        job = make_job(session, make_dataset(session), budget_micros=0)
        ledger.set_budget(session, job.id, 1_000, key="b", reason=WHO, now=NOW)
        call = intents.Call("post", job.id, POST, {}, "ada")
        intent, _ = intents.begin(session, call, NOW)
        key = f"hold:intent:{intent.id}:{intent.window}"
        ledger.hold(session, job.id, 600, key=key, reason=WHO, now=NOW)
        ledger.hold(session, job.id, 300, key="another", reason=WHO, now=NOW)
    gate = Barrier(8)

    def give_back(_):
        gate.wait()
        with transaction(sessions) as session:
            return ledger.void(session, session.get_one(Intent, intent.id), WHO, NOW)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(give_back, range(8))) == 1
    with reading(sessions) as session:
        assert ledger.balances(session, job.id) == {"budget": -1_000, "available": 700, "held": 300}
        assert ledger.differences(session) == []


def test_bonuses_that_race_for_the_last_of_the_budget_never_pass_it(done):
    """Nine cents are left; each of 16 asks for six with its fee: one is paid."""
    bench, job_id, assignment_id = done
    gate = Barrier(16)

    def ask(number):
        gate.wait()
        try:
            return bool(grant(bench, assignment_id, key=f"key-{number}"))
        except BudgetExceeded:
            return False

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(ask, range(16))) == 1
    bench.settle_down()
    assert bench.job(job_id).spent_micros == 120_000
    theirs = bench.spent_at_venue()
    assert (theirs.bonus_cents, theirs.bonus_fee_cents) == (5, 1)


def test_one_bonus_asked_for_by_many_at_once_is_paid_once(done):
    bench, _, assignment_id = done
    gate = Barrier(16)

    def ask(_):
        gate.wait()
        return grant(bench, assignment_id)

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(ask, range(16)))) == 1
    bench.settle_down()
    assert bench.spent_at_venue().bonus_cents == 5
    assert bench.count(LedgerTransaction, kind="hold") == 2


def test_people_who_decide_at_once_decide_once_and_all_others_learn_who(bench):
    """Half approve, half reject; the venue and our books hold what the first one said."""
    undecided(bench)
    (work,) = bench.ours(Assignment)
    gate = Barrier(32)

    def decide(number):
        gate.wait()
        word = ("approve", "reject")[number % 2]
        try:
            with transaction(bench.sessions) as session:
                review.decide(
                    session, work.id, word, "looked", f"p{number}", bench.dial(),
                    without_evidence=True,
                )  # fmt: skip
        except Conflict as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(32) as pool:
        told = list(pool.map(decide, range(32)))
    assert told.count("") == 1
    first = told.index("")
    assert {text for text in told if text} == {
        f"assignment {work.id}: p{first} has decided to "
        f"{('approve', 'reject')[first % 2]} it already"
    }
    bench.settle_down()
    (work,) = bench.ours(Assignment)
    assert work.state == ("Approved", "Rejected")[first % 2]
    assert bench.count(LedgerTransaction, kind="settle") == (first % 2 == 0)
    bench.check_books()


@pytest.mark.parametrize("is_first", [True, False])
def test_a_hit_that_is_extended_and_called_in_at_once_keeps_its_money_right(bench, is_first):
    """Whichever call comes first, all is paid that was done and the rest comes back."""
    job_id = bench.launch(n_items=1, redundancy=2)
    bench.drain()
    (hit,) = bench.ours(Hit)
    with transaction(bench.sessions) as session:
        ordering.order(session, [hit.id], 1, "ada", bench.dial())

    def extend():
        extending.extend_batch(bench.resources, hit.batch_id, quiet)

    def call_in():
        stopping.expire_batch(bench.resources, hit.batch_id, quiet)

    if is_first:
        stopping.expire_batch(bench.resources, hit.batch_id, once(extend))
    else:
        extending.extend_batch(bench.resources, hit.batch_id, once(call_in))
    bench.answer_all(workers=3)
    bench.settle_down(4)
    bench.check_books()
    bench.dial.turn(days=2)
    bench.settle_down(6)
    (hit,) = bench.ours(Hit)
    assert (hit.state, hit.held_micros) == ("closed", 0)
    assert {row.state for row in bench.ours(Extension)} == {"done"}
    n_paid = bench.count(Assignment, state="Approved")
    assert bench.job(job_id).spent_micros == n_paid * 60_000
    assert bench.job(job_id).held_micros == 0
    bench.check_books()


def test_a_pause_in_the_middle_of_a_batch_lets_no_further_hit_out(bench):
    bench.launch(n_items=3)
    (row,) = bench.ours(Work, task_name="publish_batch")
    with pytest.raises(Paused):
        publishing.publish_batch(bench.resources, row.subject_id, lambda *_: switch(bench, True))
    assert bench.market_hits() == []
    switch(bench, False)
    asked = []

    def second(_done, _total):
        asked.append(True)
        if len(asked) == 2:
            switch(bench, True)

    with pytest.raises(Paused):
        publishing.publish_batch(bench.resources, row.subject_id, second)
    assert len(bench.market_hits()) == 1
    switch(bench, False)
    bench.settle_down(2)
    assert len(bench.market_hits()) == 3
    bench.check_books()


def test_a_pause_while_a_call_is_out_keeps_its_money_until_it_is_known(bench):
    job_id = bench.launch(n_items=1)
    bench.market.market.faults.replace([Fault(POST, "drop_after", 1, 1)])
    bench.drain()
    switch(bench, True)
    bench.settle_down(3)
    assert bench.job(job_id).held_micros == 120_000
    assert [hit.state for hit in bench.ours(Hit)] == ["unknown"]
    switch(bench, False)
    bench.settle_down(3)
    assert len(bench.market_hits()) == 1
    assert [hit.state for hit in bench.ours(Hit)] == ["posted"]
    bench.check_books()


def test_the_count_of_an_hour_is_not_begun_anew_by_a_clock_that_lags(sessions):
    """Two machines, seconds apart across the full hour, hold in turn."""
    before, after = NOW + timedelta(minutes=59, seconds=59), NOW + timedelta(hours=1, seconds=1)
    with transaction(sessions) as session:
        job = make_job(session, make_dataset(session), budget_micros=0)
        ledger.set_budget(session, job.id, 1_000, key="b", reason=WHO, now=NOW)
        limits.set_limits(session, "local", cap_micros=None, hourly_micros=50, actor="ada", now=NOW)
    held = 0
    for number in range(20):
        try:
            with transaction(sessions) as session:
                now = (after, before)[number % 2]
                ledger.hold(session, job.id, 10, key=f"{number}", reason=WHO, now=now)
                held += 10
        except Paused:
            continue
    assert held == 60  # what crosses the limit is the last
    with reading(sessions) as session:
        assert limits.limits_of(session, "local", before).hour_micros == 60
        assert limits.limits_of(session, "local", after).hour_micros == 60
        assert len(findings.open_findings(session)) == 1


def test_a_clock_that_was_days_ahead_does_not_hold_the_count_for_ever(sessions):
    with transaction(sessions) as session:
        job = make_job(session, make_dataset(session), budget_micros=0)
        ledger.set_budget(session, job.id, 1_000, key="b", reason=WHO, now=NOW)
        ahead = NOW + timedelta(days=3)
        ledger.hold(session, job.id, 40, key="ahead", reason=WHO, now=ahead)
        ledger.hold(session, job.id, 10, key="back", reason=WHO, now=NOW)
        assert limits.limits_of(session, "local", NOW).hour_micros == 10
