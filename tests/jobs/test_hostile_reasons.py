"""Reasons in every script are kept and sent; what cannot be printed is refused beforehand."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from jobs.db import reading, transaction
from jobs.errors import InvalidInput
from jobs.reasons import checked_reason
from jobs.reviewing import reversals, review
from jobs.spending import bonuses
from jobs.tables import Assignment, Finding, Intent
from jobs.workers import letters, standing
from tests.jobs.test_money_attacks import BONUS, finished, grant, undecided


@pytest.fixture
def done(bench):
    return finished(bench)


UNPRINTABLE = ("nul \x00", "half \ud83d", "bell \x07", "turned \u202e", "x" * 5_000)


@pytest.mark.parametrize("text", [*UNPRINTABLE, "", "  ", "two\nlines"])
def test_a_hostile_reason_is_refused_before_anything_is_written(done, text):
    bench, job_id, assignment_id = done
    why = {"reason": text, "actor": "ada", "now": bench.dial()}
    place = bench.resources
    attempts = (
        lambda s: bonuses.grant_bonus(s, assignment_id, 10_000, reason_key="k", **why),
        lambda s: standing.exclude(s, job_id, 1, **why),
        lambda s: standing.grant(s, job_id, 1, "Good", 1, **why),
        lambda s: reversals.reverse(
            s, assignment_id, place.venues, place.blobs, bench.dial(), reason=text, actor="ada"
        ),
        lambda s: letters.warn(
            s, job_id, [1], subject=text, text="Hello", actor="ada", now=bench.dial()
        ),
        lambda s: checked_reason(text, 500),
    )
    for attempt in attempts:
        with pytest.raises(InvalidInput), transaction(bench.sessions) as session:
            attempt(session)
    assert bench.count(Intent, operation=BONUS) == 0
    assert bench.ours(Finding) == []


@pytest.mark.parametrize("text", UNPRINTABLE)
def test_a_hostile_reason_decides_nothing(bench, text):
    undecided(bench)
    (work,) = bench.ours(Assignment)
    for decision in ("approve", "reject"):
        with pytest.raises(InvalidInput), transaction(bench.sessions) as session:
            review.decide(
                session, work.id, decision, text, "ada", bench.dial(), without_evidence=True
            )
    with reading(bench.sessions) as session:
        assert session.scalar(select(func.count()).where(Assignment.decision.is_not(None))) == 0


@pytest.mark.parametrize("reason", ["Ünïcode, 漢字 and \N{GRINNING FACE}", "  framed  "])
def test_letters_of_every_script_reach_the_venue(done, reason):
    bench, _, assignment_id = done
    grant(bench, assignment_id, reason=reason)
    bench.settle_down()
    assert bench.spent_at_venue().bonus_cents == 5
    assert bench.count(Intent, operation=BONUS, state="done") == 1
