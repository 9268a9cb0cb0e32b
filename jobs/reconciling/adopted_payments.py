"""Service: payments that a venue made after the backup was taken, booked once each.

Work that was rejected and then approved after all, and bonuses. A bonus ends with the key of
its intent; the assignment's number in it may be another's now, so only the reason key counts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import fees, intents
from jobs.db import reading, transaction
from jobs.errors import BudgetExceeded, Conflict
from jobs.providers import Provider
from jobs.records import Bonus, HitSpec
from jobs.resources import Resources
from jobs.specs import hit_specs
from jobs.specs.hit_specs import RouteContext
from jobs.spending import ledger, settling
from jobs.spending.ledger import Reason
from jobs.tables import Assignment, Hit, Intent, RawSubmission

ACTOR = "restore"
_BONUS = re.compile(r"(.*) \[bonus:assignment:\d+:([a-z0-9_-]+)\]", re.ASCII | re.DOTALL)


def book_payments(resources: Resources, hit_id: int) -> dict[str, str]:
    """Book what the venue paid for the HIT's work; what could not be, as sentences by key.

    Raises:
        ProviderError: when the venue does not answer.

    """
    with reading(resources.sessions) as session:
        hit = session.get_one(Hit, hit_id)
        context = hit_specs.batch_context(session, hit.batch_id)
        tasks = hit_specs.task_specs(session, resources.blobs, hit_id)
        spec = hit_specs.hit_spec(context, hit, tasks)
        found = session.execute(
            select(Assignment, RawSubmission)
            .join(RawSubmission, RawSubmission.id == Assignment.raw_submission_id)
            .where(Assignment.hit_id == hit_id)
            .order_by(Assignment.id)
        ).all()
    provider = context.provider(resources.venues)
    approved = _approved_ids(provider, hit, spec, found)
    troubles: dict[str, str] = {}
    for assignment, raw in found:
        bonuses = list(provider.bonuses(raw.provider_assignment_id))
        try:
            with transaction(resources.sessions) as session:
                now = resources.clock()
                row = session.get_one(Assignment, assignment.id, with_for_update=True)
                if raw.provider_assignment_id in approved:
                    price = settling.price(provider, spec, raw)
                    _book_approval(session, context, row, price, now)
                for bonus in bonuses:
                    _book_bonus(session, context, row, bonus, now)
        except (BudgetExceeded, Conflict) as error:
            troubles[f"payment:{raw.provider_assignment_id}"] = (
                f"assignment {assignment.id} was paid at the venue and cannot be booked: {error}"
            )
    return troubles


def _approved_ids(provider: Provider, hit: Hit, spec: HitSpec, found: Sequence[Any]) -> set[str]:
    """Work that is rejected here and approved at the venue."""
    rejected = {
        raw.provider_assignment_id for assignment, raw in found if assignment.state == "Rejected"
    }
    if not rejected:
        return set()
    posted = provider.get(hit.provider_hit_id)
    states = {one.provider_assignment_id: one.state for one in provider.fetch(posted, spec)}
    return {number for number in rejected if states.get(number) == "Approved"}


def _book_approval(
    session: Session,
    context: RouteContext,
    row: Assignment,
    price: tuple[int, int],
    now: datetime,
) -> None:
    if row.state != "Rejected":
        return
    why = Reason(
        ACTOR,
        route_id=context.route.id,
        hit_id=row.hit_id,
        assignment_id=row.id,
        worker_id=row.worker_id,
    )
    reversal = session.scalar(select(Intent).where(Intent.key == f"reverse:assignment:{row.id}"))
    if reversal is not None and intents.finish(session, reversal.id, "done", now):
        # What it holds, it holds aside from the HIT: the payment is booked below instead.
        ledger.void(session, reversal, replace(why, hit_id=None, intent_id=reversal.id), now)
    key = f"hold:restored:assignment:{row.id}"
    ledger.hold(session, context.job.id, sum(price), key=key, reason=why, now=now)
    row.decision, row.decided_by, row.decided_at = "approve", settling.VENUE, now
    row.decision_reason = "approved at the venue after it was rejected"
    cost, fee = price
    settling.record_state(
        session, row, "Approved", context,
        cost_micros=cost, fee_micros=fee, actor=settling.VENUE, now=now,
    )  # fmt: skip


def _book_bonus(
    session: Session, context: RouteContext, row: Assignment, bonus: Bonus, now: datetime
) -> None:
    """Write the bonus and its fee down as paid; one of another maker is left to reconciling."""
    ours = _BONUS.fullmatch(bonus.reason)
    if ours is None:
        return
    granted = bonus.granted_at or now
    fee = fees.bonus_fee(bonus.amount_micros, fees.table_on(granted.date()))
    call = intents.Call(
        key=f"bonus:assignment:{row.id}:{ours[2]}",
        job_id=context.job.id,
        operation="SendBonus",
        parameters={"amount_micros": bonus.amount_micros, "fee_micros": fee, "reason": ours[1]},
        actor=ACTOR,
        is_paid=False,
    )
    intent, is_new = intents.begin(session, call, now)
    why = Reason(
        ACTOR,
        route_id=context.route.id,
        assignment_id=row.id,
        worker_id=row.worker_id,
        intent_id=intent.id,
    )
    if is_new:
        key = f"hold:intent:{intent.id}:{intent.window}"
        amount = bonus.amount_micros + fee
        ledger.hold(session, context.job.id, amount, key=key, reason=why, now=now)
    if intents.finish(session, intent.id, "done", now):
        spent = {"bonus": bonus.amount_micros, "fee": fee}
        key = f"settle:intent:{intent.id}"
        ledger.settle(session, context.job.id, spent, key=key, reason=why, now=now)
