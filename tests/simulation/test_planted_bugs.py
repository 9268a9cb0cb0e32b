"""A simulation that cannot fail proves nothing: bugs are planted, and must be found soon."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from jobs import intents
from jobs.hits import collection
from jobs.spending import ledger
from jobs.tables import Intent
from tests.simulation.run import failure_text, run_seeds
from tests.simulation.troubles import DUPLICATE, LOST, OVER

WITHIN_SEEDS = 60


def _use_a_new_token_at_each_try(patch: pytest.MonkeyPatch) -> None:
    stamp = intents.stamp_attempt

    def stamp_anew(session: Session, intent_id: int, now: datetime) -> Intent:
        intent = stamp(session, intent_id, now)
        intent.token = f"{intent.token[:40]}try{intent.attempts}"
        return intent

    patch.setattr(intents, "stamp_attempt", stamp_anew)


def _hold_too_little(patch: pytest.MonkeyPatch) -> None:
    hold = ledger.hold
    patch.setattr(
        ledger,
        "hold",
        lambda session, job_id, micros, **more: hold(session, job_id, micros // 2, **more),
    )


def _overlook_every_third_submission(patch: pytest.MonkeyPatch) -> None:
    store = collection.store

    def store_some(session: Session, name: str, hit: Any, submissions: Any, now: Any) -> int:
        return store(session, name, hit, [one for one in submissions if not _is_third(one)], now)

    patch.setattr(collection, "store", store_some)


def _is_third(submission: Any) -> bool:
    return sum(map(ord, submission.provider_assignment_id)) % 3 == 0


@pytest.mark.parametrize(
    ("plant", "kind"),
    [
        (_use_a_new_token_at_each_try, DUPLICATE),
        (_hold_too_little, OVER),
        (_overlook_every_third_submission, LOST),
    ],
)
def test_a_planted_bug_is_found(
    monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None], kind: str
) -> None:
    plant(monkeypatch)
    for report in run_seeds(range(WITHIN_SEEDS)):
        if any(trouble.kind == kind for trouble in report.troubles):
            text = failure_text(report)
            assert f"scripts/simulate --first {report.seed} --seeds 1 --trace" in text
            assert report.trace[-1] in text
            return
    pytest.fail(f"{WITHIN_SEEDS} seeds ended without {kind}")
