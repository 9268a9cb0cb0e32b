"""Service with outside effects: further answers bought from a HIT that is posted already.

The venue lets a worker take a HIT once, so that nobody is paid a second time for a task.
An order is a row; its intent and its money are committed before the call, and the intent
holds the target, not the increment: whatever stops the call, the next run compares the
target with what the venue shows. A HIT that can no longer grow refuses the order, and
routing then buys a new HIT for its tasks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs import intents, work
from jobs.db import reading, transaction
from jobs.errors import ProviderError
from jobs.hits import ordering
from jobs.providers import Provider
from jobs.records import PostedHit
from jobs.resources import Resources
from jobs.specs import hit_specs
from jobs.specs.hit_specs import RouteContext
from jobs.spending import ledger
from jobs.spending.ledger import Reason
from jobs.tables import Batch, Extension, Hit, Intent
from jobs.work import Progress

_FOR_EVER = (
    "AWS.MechanicalTurk.InvalidMaximumAssignmentsIncrease",
    "AWS.MechanicalTurk.HITTooOldForExtension",
    "AWS.MechanicalTurk.HITDoesNotExist",
)
_GONE = "Disposed"
_TROUBLES_IN_A_ROW = 3


@dataclass(frozen=True)
class ExtendReport:
    """A batch's orders by what became of them in this run."""

    n_extended: int
    n_refused: int


@dataclass(frozen=True)
class _Order:
    """One order on its way: which HIT, at which venue, on whose account."""

    extension_id: int
    hit_id: int
    provider_hit_id: str
    context: RouteContext
    provider: Provider

    @property
    def lifetime(self) -> timedelta:
        return timedelta(seconds=self.context.hit.lifetime_seconds)


def extend_batch(resources: Resources, batch_id: int, progress: Progress) -> ExtendReport:
    """Carry out every open order of the batch; any number of runs extend each HIT once.

    Raises:
        ProviderError: when a HIT could not be extended now; the next run goes on there.
        BudgetExceeded: when the budget does not cover the next order.
        Paused: while the pause switch is on or the job is paused.

    """
    with reading(resources.sessions) as session:
        orders = _open_orders(session, resources, batch_id)
    states: list[str] = []
    trouble: list[ProviderError] = []
    in_a_row = 0
    for number, one in enumerate(orders):
        try:
            before_call = _counted(progress, number, len(orders))
            states.append(_extend(resources, one, before_call))
            in_a_row = 0
        except ProviderError as error:
            trouble.append(error)
            in_a_row += 1
            if error.permanent or in_a_row >= _TROUBLES_IN_A_ROW:
                break
    with transaction(resources.sessions) as session:
        work.enqueue(session, "collect_batch", batch_id, resources.clock())
    if trouble:
        raise trouble[-1]
    return ExtendReport(states.count("done"), states.count("refused"))


def n_done(session: Session, batch_id: int) -> dict[int, int]:
    """How many orders were carried out, by HIT of the batch; HITs without one are absent."""
    rows = session.execute(
        select(Extension.hit_id, func.count())
        .join(Hit, Hit.id == Extension.hit_id)
        .where(Hit.batch_id == batch_id, Extension.state == "done")
        .group_by(Extension.hit_id)
    )
    return dict(rows.all())


def drop_planned(session: Session, batch_id: int, now: datetime) -> int:
    """Give up the batch's orders that no call was made for; how many there were."""
    rows = session.execute(
        select(Extension, Hit)
        .join(Hit, Hit.id == Extension.hit_id)
        .where(Hit.batch_id == batch_id, Extension.state == "planned")
        .with_for_update()
    ).all()
    for extension, hit in rows:
        _refuse(extension, hit, "the job was stopped", now)
    return len(rows)


def _counted(progress: Progress, number: int, n_all: int) -> Callable[[], None]:
    return lambda: progress(number, n_all)


def _open_orders(session: Session, resources: Resources, batch_id: int) -> list[_Order]:
    context = hit_specs.batch_context(session, batch_id)
    rows = session.execute(
        select(Extension.id, Hit.id, Hit.provider_hit_id)
        .join(Hit, Hit.id == Extension.hit_id)
        .where(Hit.batch_id == batch_id, Extension.state.in_(ordering.OPEN))
        .order_by(Extension.id)
    ).all()
    if not rows:
        return []
    provider = context.provider(resources.venues)
    return [_Order(*row, context, provider) for row in rows]


def _extend(resources: Resources, one: _Order, before_call: Callable[[], None]) -> str:
    """The order's state after this try."""
    before_call()
    with transaction(resources.sessions) as session:
        prepared = _intend(session, one, resources.clock())
    if prepared is None:
        return ""
    intent, target, before = prepared
    one.provider.trace.clear()
    try:
        if intent.attempts > 1 and intents.is_past_window(intent, resources.clock()):
            intent = _renew(resources, one, intent, target, before)
        posted = one.provider.extend(one.provider_hit_id, target, intent.token)
    except ProviderError as error:
        if not _has_grown(one, intent, target, error):
            return _recover(resources, one, intent, before, error)
        posted = one.provider.get(one.provider_hit_id)
    posted = _keep_open(resources, one, intent, posted)
    _confirm(resources, one, intent.id, posted, target)
    return "done"


def _intend(
    session: Session, one: _Order, now: datetime
) -> tuple[Intent, int, datetime | None] | None:
    """The intent with its attempt counted and its money held, the size to reach, the last try."""
    hit = session.get_one(Hit, one.hit_id, with_for_update=True, populate_existing=True)
    extension = session.get_one(
        Extension, one.extension_id, with_for_update=True, populate_existing=True
    )
    if extension.state not in ordering.OPEN:
        return None
    n_covered = ordering.n_covered(session, [hit], _state_before(hit, extension))[hit.id]
    if not extension.target_assignments:
        extension.target_assignments = max(hit.max_assignments, n_covered + extension.n_more)
    target = extension.target_assignments
    call = intents.Call(
        key=f"extend:hit:{hit.id}:{extension.number}",
        job_id=one.context.job.id,
        operation="CreateAdditionalAssignmentsForHIT",
        parameters={"hit": one.provider_hit_id, "target": target},
        actor=extension.actor,
    )
    intent, is_new = intents.begin(session, call, now)
    if is_new:
        ledger.hold(
            session,
            one.context.job.id,
            ordering.unit_price(one.context, one.provider, target) * (target - n_covered),
            key=f"hold:intent:{intent.id}:{intent.window}",
            reason=_reason(one, intent),
            now=now,
        )
        if hit.state != "extending":
            extension.hit_state = hit.state
        extension.state = "sending"
        ordering.reopen(session.get_one(Batch, hit.batch_id), hit)
        hit.state = "extending"
    before = (intent.last_sent_at or intent.first_sent_at) if intent.attempts else None
    return intents.stamp_attempt(session, intent.id, now), target, before


def _state_before(hit: Hit, extension: Extension) -> str:
    return extension.hit_state if hit.state == "extending" else hit.state


def _renew(
    resources: Resources, one: _Order, intent: Intent, target: int, before: datetime | None
) -> Intent:
    """Past the token's life the venue is read before a new token is used."""
    if one.provider.get(one.provider_hit_id).max_assignments >= target:
        return intent
    if intents.may_be_unlisted(before, resources.clock()):
        raise ProviderError(f"HIT {one.hit_id}: its last try may still arrive", permanent=False)
    with transaction(resources.sessions) as session:
        return intents.renew_window(session, intent.id, resources.clock())


def _has_grown(one: _Order, intent: Intent, target: int, error: ProviderError) -> bool:
    """Whether an earlier attempt had the effect that this one was refused."""
    if not error.permanent or intent.attempts == 1:
        return False
    try:
        return one.provider.get(one.provider_hit_id).max_assignments >= target
    except ProviderError as unread:
        if not unread.permanent:
            raise
        return False


def _keep_open(resources: Resources, one: _Order, intent: Intent, posted: PostedHit) -> PostedHit:
    """The HIT with at least half a lifetime left; its slots are there, so no error is final."""
    now = resources.clock()
    if posted.expires_at is not None and posted.expires_at >= now + one.lifetime / 2:
        return posted
    try:
        return one.provider.prolong(one.provider_hit_id, now + one.lifetime)
    except ProviderError as error:
        with transaction(resources.sessions) as session:
            intents.finish(session, intent.id, "unknown", now, error=str(error))
        raise ProviderError(
            str(error), permanent=False, outcome_unknown=True, code=error.code
        ) from error


def _confirm(
    resources: Resources, one: _Order, intent_id: int, posted: PostedHit, target: int
) -> None:
    now = resources.clock()
    with transaction(resources.sessions) as session:
        if not intents.finish(
            session,
            intent_id,
            "done",
            now,
            reference=f"{one.provider_hit_id} {target}",
            request_id=one.provider.trace.latest,
        ):
            return
        hit = session.get_one(Hit, one.hit_id, with_for_update=True, populate_existing=True)
        extension = session.get_one(Extension, one.extension_id, populate_existing=True)
        extension.n_added = target - hit.max_assignments
        extension.state, extension.finished_at = "done", now
        hit.max_assignments, hit.expires_at, hit.state = target, posted.expires_at, "posted"


def _recover(
    resources: Resources,
    one: _Order,
    intent: Intent,
    before: datetime | None,
    error: ProviderError,
) -> str:
    """Void what is known to have had no effect, keep the money held for everything else."""
    now = resources.clock()
    if error.permanent and intents.may_be_unlisted(before, now):
        error = ProviderError(str(error), permanent=False, outcome_unknown=True, code=error.code)
    is_final = error.permanent and _is_final(one, error)
    with transaction(resources.sessions) as session:
        if error.permanent and intents.is_last_attempt(session, intent):
            hit = session.get_one(Hit, one.hit_id, with_for_update=True, populate_existing=True)
            extension = session.get_one(Extension, one.extension_id, populate_existing=True)
            intents.finish(session, intent.id, "failed", now, error=str(error))
            ledger.void(session, intent, _reason(one, intent), now)
            if is_final:
                _refuse(extension, hit, str(error), now)
                return extension.state
            extension.state, extension.error = "planned", str(error)[:2000]
            hit.state = "extending" if extension.hit_state == "closed" else extension.hit_state
        elif error.permanent or error.outcome_unknown:
            intents.finish(session, intent.id, "unknown", now, error=str(error))
    raise error


def _is_final(one: _Order, error: ProviderError) -> bool:
    """Whether this HIT can never be extended, however often it is tried."""
    if error.code in _FOR_EVER:
        return True
    try:
        return one.provider.get(one.provider_hit_id).state == _GONE
    except ProviderError as unread:
        return unread.code in _FOR_EVER


def _refuse(extension: Extension, hit: Hit, why: str, now: datetime) -> None:
    extension.state, extension.error, extension.finished_at = "refused", why[:2000], now
    if hit.state == "extending":
        hit.state = extension.hit_state


def _reason(one: _Order, intent: Intent) -> Reason:
    return Reason(
        intent.actor, route_id=one.context.route.id, hit_id=one.hit_id, intent_id=intent.id
    )
