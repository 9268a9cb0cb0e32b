"""Our books against the venue's: equal in peace, and every difference found and told."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from jobs import intents
from jobs.db import transaction
from jobs.errors import Paused
from jobs.reconciling import reconcile
from jobs.tables import Finding, Hit, Intent, RawSubmission, Work
from webapp.marketplace.store import write
from webapp.marketplace.tables.work import Hit as MarketHit


def compare(bench):
    bench.dial.turn(minutes=5)
    return reconcile(bench.resources, lambda _done, _total: None)


def test_in_peace_there_is_no_difference(bench):
    bench.launch(n_items=3)
    bench.drain()
    bench.answer_all()
    bench.settle_down()
    found = compare(bench)
    assert (found.n_hits, found.n_submissions, found.differences) == (3, 6, {})


def test_a_hit_that_our_rows_forgot_is_adopted_and_never_posted_again(bench):
    """As after restoring a backup from before the post."""
    bench.launch(n_items=2)
    with transaction(bench.sessions) as session:
        before = {hit.id: hit.marker for hit in session.scalars(select(Hit))}
    bench.drain()
    forgotten = bench.ours(Hit)[0].id
    with transaction(bench.sessions) as session:
        intent = session.scalars(select(Intent).filter_by(key=f"publish:hit:{forgotten}")).one()
        intent.key, intent.state = "another life", "failed"
        session.execute(
            update(Hit).where(Hit.id == forgotten).values(state="planned", provider_hit_id="")
        )
    compare(bench)
    assert [hit.state for hit in bench.ours(Hit)] == ["posted", "posted"]
    bench.settle_down()
    assert sorted(marker for marker, _ in bench.market_hits()) == sorted(before.values())


@pytest.mark.parametrize("in_full", [True, False])
def test_a_hit_under_our_marker_that_nobody_knows_stops_all_paid_calls(bench, in_full):
    job_id = bench.launch(n_items=2)
    bench.drain()
    with transaction(bench.sessions) as session:
        stranger = f"hitworks:{intents.installation(session)}:hit:999"
    write(
        bench.market.market.sessions,
        lambda session: session.execute(
            update(MarketHit).where(MarketHit.id == 1).values(annotation=stranger)
        ),
    )
    bench.dial.turn(minutes=5)
    found = reconcile(bench.resources, lambda _done, _total: None, in_full=in_full)
    assert [key for key in found.differences if key.startswith("unknown")] == [
        f"unknown:{stranger}"
    ]
    assert bench.count(Finding, state="open") == len(found.differences)
    with pytest.raises(Paused), transaction(bench.sessions) as session:
        intents.refuse_when_paused(session, job_id)
    again = reconcile(bench.resources, lambda _done, _total: None, in_full=in_full)
    assert again.differences == found.differences
    assert bench.count(Finding) == len(found.differences)


def test_a_hit_the_venue_lost_is_found(bench):
    bench.launch(n_items=1)
    bench.drain()
    write(
        bench.market.market.sessions,
        lambda session: session.execute(
            update(MarketHit).values(hit_id="3" + "Z" * 29, annotation="", status="Disposed")
        ),
    )
    found = compare(bench)
    assert [key.split(":")[0] for key in found.differences] == ["lost"]


def test_a_bonus_that_was_paid_behind_our_back_is_found(bench):
    bench.launch(n_items=1, redundancy=1)
    bench.drain()
    bench.answer_all(workers=1)
    bench.settle_down()
    (raw,) = bench.ours(RawSubmission)
    venue = bench.resources.venues("mturk", "local", {})
    venue.bonus(raw.provider_worker_id, raw.provider_assignment_id, 50_000, "Behind", "X" * 52)
    found = compare(bench)
    assert list(found.differences) == [f"bonus:{raw.provider_assignment_id}"]


def test_the_pause_switch_stops_paid_calls_and_lifting_it_lets_them_go_on(bench):
    bench.launch(n_items=1)
    with transaction(bench.sessions) as session:
        intents.set_pause(session, True, reason="lunch", actor="ada", now=bench.dial())
    bench.drain()
    assert bench.market_hits() == []
    (row,) = bench.ours(Work, task_name="publish_batch")
    assert "lunch" in row.error
    with transaction(bench.sessions) as session:
        intents.set_pause(session, False, reason="", actor="ada", now=bench.dial())
    bench.settle_down()
    assert len(bench.market_hits()) == 1
