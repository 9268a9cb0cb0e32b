"""A bonus is paid once for each reason, within the budget, and is in both books."""

from __future__ import annotations

import pytest

from jobs.db import reading, transaction
from jobs.errors import BudgetExceeded, Conflict, InvalidInput
from jobs.spending import bonuses
from jobs.spending.ledger import balances, differences
from jobs.tables import Assignment, Intent
from webapp.marketplace.faults import Fault


@pytest.fixture
def done(bench):
    job_id = bench.launch(n_items=1, redundancy=1, budget="0.40")
    bench.drain()
    bench.answer_all(workers=1)
    bench.settle_down()
    return bench, job_id, bench.ours(Assignment)[0].id


def grant(bench, assignment_id, cents=10, key="great", reason="Great boxes"):
    with transaction(bench.sessions) as session:
        return bonuses.grant_bonus(
            session, assignment_id, cents * 10_000,
            reason_key=key, reason=reason, actor="ada", now=bench.dial(),
        )  # fmt: skip


def check(bench, job_id, cents, fee_cents):
    theirs = bench.spent_at_venue()
    assert (theirs.bonus_cents, theirs.bonus_fee_cents) == (cents, fee_cents)
    with reading(bench.sessions) as session:
        book = balances(session, job_id)
        assert differences(session) == []
    assert book.get("bonus", 0) == cents * 10_000
    assert book["fee"] == (theirs.fee_cents + fee_cents) * 10_000
    assert book["held"] == 0


def test_a_bonus_granted_twice_is_paid_once(done):
    bench, job_id, assignment_id = done
    assert grant(bench, assignment_id) == grant(bench, assignment_id)
    bench.settle_down()
    grant(bench, assignment_id)
    bench.settle_down()
    check(bench, job_id, 10, 2)


def test_another_amount_for_the_same_reason_is_refused(done):
    bench, _, assignment_id = done
    grant(bench, assignment_id)
    with pytest.raises(Conflict, match="other parameters"):
        grant(bench, assignment_id, cents=11)


def test_a_bonus_over_the_budget_is_refused_with_what_is_missing(done):
    bench, job_id, assignment_id = done
    with pytest.raises(BudgetExceeded) as refused:
        grant(bench, assignment_id, cents=30)
    assert refused.value.missing_micros == 20_000
    check(bench, job_id, 0, 0)


@pytest.mark.parametrize("effect", ["drop_before", "drop_after", "fault_after", "throttle"])
@pytest.mark.parametrize("hours", [0, 30])
def test_a_lost_reply_never_pays_a_bonus_twice(done, effect, hours):
    bench, job_id, assignment_id = done
    bench.market.market.faults.replace([Fault("SendBonus", effect, 1, 1)])
    grant(bench, assignment_id)
    bench.drain()
    bench.dial.turn(hours=hours)
    bench.settle_down()
    check(bench, job_id, 10, 2)
    assert bench.count(Intent, operation="SendBonus", state="done") == 1


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ({"cents": 0}, "whole cents"),
        ({"cents": -5}, "whole cents"),
        ({"key": "A b"}, "reason key"),
        ({"reason": " "}, "reason"),
        ({"reason": "bell \x07"}, "reason"),
        ({"reason": "x" * 1001}, "reason"),
    ],
)
def test_a_bonus_that_cannot_be_sent_is_refused(done, what, told):
    bench, _, assignment_id = done
    with pytest.raises(InvalidInput, match=told):
        grant(bench, assignment_id, **what)
