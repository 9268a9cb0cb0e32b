"""Our books against the venue's: equal in peace, and every difference found and told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from jobs import findings, intents
from jobs.db import transaction
from jobs.errors import Paused
from jobs.providers import mturk
from jobs.providers._turk_question import question_xml
from jobs.reconciling.reconciling import reconcile
from jobs.spending import bonuses
from jobs.tables import Balance, Finding, Hit, Intent, LedgerTransaction, RawSubmission, Work
from webapp.marketplace import books
from webapp.marketplace.accounts import find_requester
from webapp.marketplace.faults import Fault
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
    assert list(found.differences) == [
        f"bonus:{raw.provider_assignment_id}",
        "balance:local",
    ]


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


def add_money(bench, cents, key="more"):
    write(
        bench.market.market.sessions,
        lambda session: books.deposit(
            session, find_requester(session, "local").id, cents, key=key, now=1
        ),
    )


def take_money(bench, cents):
    def take(session):
        requester = find_requester(session, "local")
        books._shift(session, requester.id, available_cents=-cents, held_cents=0)

    write(bench.market.market.sessions, take)


def test_the_balance_agrees_with_our_books_at_every_stage_of_a_job(bench):
    compare(bench)
    bench.launch(n_items=3, redundancy=10, reward="0.07")
    for _ in range(3):
        bench.drain()
        assert compare(bench).differences == {}
        bench.answer_all(workers=4)
    bench.dial.turn(days=2)
    bench.settle_down()
    found = compare(bench)
    assert (found.differences, found.notes) == ({}, [])
    (row,) = bench.ours(Balance)
    assert row.low_micros == row.high_micros
    assert row.balance_micros == bench.spent_at_venue().available_cents * 10_000


def test_money_that_left_the_account_beside_our_books_stops_paid_calls_once_told(bench):
    bench.launch(n_items=1, redundancy=1)
    bench.drain()
    bench.answer_all(workers=1)
    bench.settle_down()
    compare(bench)
    take_money(bench, 300)
    found = compare(bench)
    assert list(found.differences) == ["balance:local"]
    assert "at least $3.00 left the account" in found.differences["balance:local"]
    assert bench.ours(Finding)[0].state == "open"
    assert compare(bench).differences == {}


def test_other_programs_hits_on_the_account_explain_what_left_it(bench):
    bench.launch(n_items=1, redundancy=1)
    bench.drain()
    compare(bench)
    client = mturk.open_client("local", bench.resources.settings, "local")
    client.create_hit(
        Title="Another program's", Description="Not ours", Reward="1.00", MaxAssignments=2,
        LifetimeInSeconds=3600, AssignmentDurationInSeconds=600,
        Question=question_xml("<!DOCTYPE html><p>Hello</p>"),
    )  # fmt: skip
    found = compare(bench)
    assert found.differences == {}
    assert "its 1 HITs that are not ours" in found.notes[0]
    assert bench.count(Finding) == 0


def test_money_that_is_paid_in_is_noted(bench):
    bench.launch(n_items=1)
    bench.drain()
    compare(bench)
    add_money(bench, 5_000)
    found = compare(bench)
    assert found.differences == {}
    assert "money was paid in" in found.notes[0]


def test_nothing_is_bought_while_a_finding_is_open_even_if_paid_calls_go_on(bench):
    job_id = bench.launch(n_items=1)
    with transaction(bench.sessions) as session:
        findings.report(session, "odd", "something is odd", bench.dial(), job_id)
    bench.drain()
    assert bench.market_hits() == []
    (row,) = bench.ours(Work, task_name="publish_batch")
    assert "nothing is bought while finding 1 is open: something is odd" in row.error
    with transaction(bench.sessions) as session:
        findings.resolve(session, 1, bench.dial())
    bench.settle_down(2)
    assert len(bench.market_hits()) == 1


def test_the_background_compares_by_itself_every_hour(bench):
    bench.launch(n_items=1)
    bench.drain()
    assert bench.count(Balance) == 0
    bench.dial.turn(minutes=31)
    bench.drain()
    (row,) = bench.ours(Work, task_name="reconcile")
    assert bench.count(Balance) == 1
    assert row.next_try_at == bench.dial() + timedelta(hours=1)


@pytest.mark.parametrize("effect", ["", "drop_after", "fault_after"])
def test_every_movement_of_money_names_who_what_for_and_the_venues_request(bench, effect):
    job_id = bench.launch(n_items=1, redundancy=1)
    if effect:
        faults = ("CreateHITWithHITType", "ApproveAssignment", "SendBonus")
        bench.market.market.faults.replace([Fault(name, effect, 1, 1) for name in faults])
    bench.settle_down(2)
    bench.answer_all(workers=1)
    bench.settle_down(4)
    with transaction(bench.sessions) as session:
        bonuses.grant_bonus(
            session, 1, 50_000, reason_key="k", reason="Fine", actor="ada", now=bench.dial()
        )
    bench.settle_down(2)
    moved = bench.ours(LedgerTransaction, job_id=job_id)
    kinds = [one.kind for one in moved if one.kind != "budget"]
    assert sorted(kinds) == ["hold", "hold", "settle", "settle"]
    asked = {intent.id: intent for intent in bench.ours(Intent)}
    for one in moved:
        assert one.actor
        if one.kind != "budget":
            assert asked[one.intent_id].request_id
        if one.kind == "settle":
            assert one.request_id == asked[one.intent_id].request_id
    assert len({intent.request_id for intent in asked.values()}) == len(asked)


def test_what_a_closed_hit_gives_back_names_the_call_that_posted_it(bench):
    bench.launch(n_items=1)
    bench.drain()
    bench.dial.turn(days=2)
    bench.settle_down(2)
    (back,) = bench.ours(LedgerTransaction, kind="release")
    (post,) = bench.ours(Intent, operation="CreateHITWithHITType")
    assert (back.intent_id, back.request_id) == (post.id, post.request_id)
