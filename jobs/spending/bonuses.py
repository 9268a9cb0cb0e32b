"""Services: a bonus for good work, once for each (assignment, reason key)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import fees, intents, work
from jobs.db import reading, transaction
from jobs.errors import Conflict, InvalidInput, NotFound, ProviderError
from jobs.money import MICROS_PER_CENT, format_usd
from jobs.providers import Provider
from jobs.reasons import checked_reason
from jobs.resources import Resources
from jobs.specs import hit_specs
from jobs.specs.hit_specs import RouteContext
from jobs.spending import ledger
from jobs.spending.ledger import Reason
from jobs.tables import Assignment, Batch, Hit, Intent, RawSubmission, Worker
from jobs.work import Progress

LONGEST_REASON = 1000
_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}", re.ASCII)


@dataclass(frozen=True)
class BonusPreview:
    """Whom a bonus would pay, what it costs, and what was given for the work before."""

    assignment_id: int
    job_id: int
    provider: str
    provider_worker_id: str
    amount_micros: int
    fee_micros: int
    budget_left_micros: int
    granted_before: tuple[tuple[str, int], ...]
    """(reason key, amount) of each bonus of the assignment so far."""


@dataclass(frozen=True)
class _Bonus:
    """What the intent says is to be paid, and to whom."""

    intent: Intent
    context: RouteContext
    assignment: Assignment
    raw: RawSubmission

    @property
    def amount_micros(self) -> int:
        return int(self.intent.parameters["amount_micros"])

    @property
    def fee_micros(self) -> int:
        return int(self.intent.parameters["fee_micros"])

    @property
    def tried_at(self) -> datetime | None:
        """When an earlier run last tried to pay it; None before the first."""
        intent = self.intent
        return (intent.last_sent_at or intent.first_sent_at) if intent.attempts else None

    @property
    def reason(self) -> str:
        """The text the worker reads; its end finds the bonus again for life."""
        return f"{self.intent.parameters['reason']} [{self.intent.key}]"


def preview_bonus(
    session: Session, assignment_id: int, amount_micros: int, now: datetime
) -> BonusPreview:
    """What ``grant_bonus`` would do. Changes nothing.

    Raises:
        InvalidInput: for an amount that is not whole cents.
        Conflict: for work that is not decided, or a route that pays no bonus.

    """
    _check_amount(amount_micros)
    assignment, context = _payable(session, assignment_id)
    worker = session.get_one(Worker, assignment.worker_id)
    before = session.execute(
        select(Intent.key, Intent.parameters)
        .where(Intent.key.startswith(f"bonus:assignment:{assignment_id}:", autoescape=True))
        .where(Intent.state != "failed")
        .order_by(Intent.id)
    )
    job = context.job
    return BonusPreview(
        assignment_id=assignment_id,
        job_id=job.id,
        provider=worker.provider,
        provider_worker_id=worker.provider_worker_id,
        amount_micros=amount_micros,
        fee_micros=fees.bonus_fee(amount_micros, fees.table_on(now.date())),
        budget_left_micros=job.budget_micros - job.held_micros - job.spent_micros,
        granted_before=tuple(
            (key.split(":", 3)[3], int(parameters["amount_micros"])) for key, parameters in before
        ),
    )


def grant_bonus(
    session: Session,
    assignment_id: int,
    amount_micros: int,
    *,
    reason_key: str,
    reason: str,
    actor: str,
    now: datetime,
) -> int:
    """Hold the bonus and its fee, and have it paid; the id of its intent.

    Granting it again under the same key changes nothing.

    Raises:
        InvalidInput: for an amount that is not whole cents, or a reason that cannot be sent.
        BudgetExceeded: when the job's budget does not cover it.
        Conflict: for another amount under the same key, or work that is not decided.

    """
    _check_amount(amount_micros)
    if not _KEY.fullmatch(reason_key):
        raise InvalidInput(
            f"bonus: reason key: expected letters, digits, - and _, got {reason_key!r:.60}"
        )
    reason = checked_reason(reason, LONGEST_REASON, "bonus: reason")
    assignment, context = _payable(session, assignment_id)
    fee = fees.bonus_fee(amount_micros, fees.table_on(now.date()))
    call = intents.Call(
        key=f"bonus:assignment:{assignment_id}:{reason_key}",
        job_id=context.job.id,
        operation="SendBonus",
        parameters={"amount_micros": amount_micros, "fee_micros": fee, "reason": reason},
        actor=actor,
    )
    intent, is_new = intents.begin(session, call, now)
    if is_new:
        key = f"hold:intent:{intent.id}:{intent.window}"
        why = _why(intent, assignment, context)
        ledger.hold(session, context.job.id, amount_micros + fee, key=key, reason=why, now=now)
    if intent.state in intents.OPEN:
        work.enqueue(session, "pay_bonus", intent.id, now)
    return intent.id


def pay_bonus(resources: Resources, intent_id: int, progress: Progress) -> None:
    """Pay a granted bonus once, however often it is tried.

    Raises:
        ProviderError: when the venue does not answer; the money stays held.
        Paused: while the pause switch is on.

    """
    with reading(resources.sessions) as session:
        bonus = _read(session, intent_id)
    if bonus.intent.state not in intents.OPEN:
        return
    progress(0, 1)
    provider = bonus.context.provider(resources.venues)
    if intents.is_past_window(bonus.intent, resources.clock()):
        if _is_paid(provider, bonus):
            _confirm(resources, bonus, provider.trace.latest)
            return
        if intents.may_be_unlisted(bonus.tried_at, resources.clock()):
            raise ProviderError(
                f"bonus {intent_id}: the venue's list may not show yet what was tried at "
                f"{bonus.tried_at:%H:%M:%S}",
                permanent=False,
            )
        with transaction(resources.sessions) as session:
            intents.renew_window(session, intent_id, resources.clock())
    provider.trace.clear()
    with transaction(resources.sessions) as session:
        intents.refuse_when_paused(session, bonus.context.job.id)
        intent = intents.stamp_attempt(session, intent_id, resources.clock())
    try:
        provider.bonus(
            bonus.raw.provider_worker_id,
            bonus.raw.provider_assignment_id,
            bonus.amount_micros,
            bonus.reason,
            intent.token,
        )
    except ProviderError as error:
        _recover(resources, provider, bonus, intent, error)
        return
    _confirm(resources, bonus, provider.trace.latest)


def _check_amount(amount_micros: int) -> None:
    if amount_micros <= 0 or amount_micros % MICROS_PER_CENT:
        raise InvalidInput(f"bonus: expected whole cents above 0, got {format_usd(amount_micros)}")


def _payable(session: Session, assignment_id: int) -> tuple[Assignment, RouteContext]:
    """The decided assignment of a route that pays bonuses."""
    assignment = session.get(Assignment, assignment_id)
    if assignment is None:
        raise NotFound(f"assignment {assignment_id}: no such assignment")
    if assignment.state == "Submitted":
        raise Conflict(f"assignment {assignment_id} is not decided yet: a bonus comes after that")
    context = hit_specs.batch_context(session, session.get_one(Hit, assignment.hit_id).batch_id)
    if context.route.provider != "mturk":
        raise Conflict(f"assignment {assignment_id}: {context.route.provider} pays no bonus")
    return assignment, context


def _recover(
    resources: Resources, provider: Provider, bonus: _Bonus, intent: Intent, error: ProviderError
) -> None:
    now = resources.clock()
    if error.permanent and intent.attempts > 1:
        # An earlier attempt may have been the one with the effect.
        if _is_paid(provider, bonus):
            _confirm(resources, bonus, provider.trace.latest)
            return
        if intents.may_be_unlisted(bonus.tried_at, now):
            error = ProviderError(
                str(error), permanent=False, outcome_unknown=True, code=error.code
            )
    with transaction(resources.sessions) as session:
        if error.permanent and intents.is_last_attempt(session, intent):
            intents.finish(session, intent.id, "failed", now, error=str(error))
            ledger.void(session, intent, _why(intent, bonus.assignment, bonus.context), now)
        elif error.outcome_unknown:
            intents.finish(session, intent.id, "unknown", now, error=str(error))
    raise error


def _confirm(resources: Resources, bonus: _Bonus, request_id: str) -> None:
    now = resources.clock()
    with transaction(resources.sessions) as session:
        intents.finish(session, bonus.intent.id, "done", now, request_id=request_id)
        spent = {"bonus": bonus.amount_micros, "fee": bonus.fee_micros}
        key = f"settle:intent:{bonus.intent.id}"
        why = replace(_why(bonus.intent, bonus.assignment, bonus.context), request_id=request_id)
        ledger.settle(session, bonus.context.job.id, spent, key=key, reason=why, now=now)


def _is_paid(provider: Provider, bonus: _Bonus) -> bool:
    """Whether the venue lists this very bonus: the amount, and our key in its reason."""
    return any(
        listed.amount_micros == bonus.amount_micros and f"[{bonus.intent.key}]" in listed.reason
        for listed in provider.bonuses(bonus.raw.provider_assignment_id)
    )


def _read(session: Session, intent_id: int) -> _Bonus:
    intent = session.get_one(Intent, intent_id)
    assignment_id = int(intent.key.split(":")[2])
    assignment, raw, batch_id = session.execute(
        select(Assignment, RawSubmission, Batch.id)
        .join(RawSubmission, RawSubmission.id == Assignment.raw_submission_id)
        .join(Hit, Hit.id == Assignment.hit_id)
        .join(Batch, Batch.id == Hit.batch_id)
        .where(Assignment.id == assignment_id)
    ).one()
    return _Bonus(intent, hit_specs.batch_context(session, batch_id), assignment, raw)


def _why(intent: Intent, assignment: Assignment, context: RouteContext) -> Reason:
    return Reason(
        intent.actor,
        route_id=context.route.id,
        assignment_id=assignment.id,
        worker_id=assignment.worker_id,
        intent_id=intent.id,
    )
