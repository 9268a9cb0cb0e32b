"""Service with outside effects: HITs that are out are shown to workers for longer.

The new end is an absolute time, so that a repeat sets it once more and changes nothing. One
intent a batch and time says what is wanted, and one a HIT and time says what was called; no
money moves, for what the HITs may cost is held until they close. A HIT that was called in, or
is about to end, stays closed to new workers: one that ended may be closed here and its money
given back while the venue opens it. So each HIT is looked at again, and its call written
down, in one transaction right before the call, and a HIT is not called in right after a call
to keep it open (``is_under_way``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, String, cast, exists, func, select, update
from sqlalchemy.orm import Session

from jobs import intents, work
from jobs.db import reading, transaction
from jobs.errors import Conflict, InvalidInput, ProviderError
from jobs.providers import Provider
from jobs.resources import Resources
from jobs.specs import hit_specs
from jobs.specs.hit_specs import RouteContext
from jobs.tables import Hit, Intent, Job
from jobs.work import Progress

LONGEST = timedelta(days=365)
LAST_CALL = timedelta(minutes=10)  # before its end a HIT is left to end
ALIVE = ("running", "paused")
OPERATION = "UpdateExpirationForHIT"
ACTOR = "background"
_CALL = "prolong:hit:"


@dataclass(frozen=True)
class _Order:
    """HITs of a batch to keep open until a time, and where."""

    context: RouteContext
    provider: Provider
    until: datetime


def ask(session: Session, batch_id: int, until: datetime, actor: str, now: datetime) -> int:
    """Have the background keep the batch's HITs open until then; how many end sooner now.

    The same time asked for twice is asked for once.

    Raises:
        InvalidInput: for a time that is past, or more than a year ahead.
        Conflict: when the job is over, the route's answers come from a model, or no HIT
            that is out ends sooner.

    """
    context, until = hit_specs.batch_context(session, batch_id), until.replace(microsecond=0)
    n_sooner = preview(session, batch_id, until, now)
    if not n_sooner:
        raise Conflict(f"batch {batch_id}: no HIT that is out ends before {until.isoformat()}")
    call = intents.Call(
        key=f"{_beginning(batch_id)}{until:%Y%m%dT%H%M%S}",
        job_id=context.job.id,
        operation=OPERATION,
        parameters={"batch": batch_id, "until": until.isoformat()},
        actor=actor,
        is_paid=False,
    )
    intents.begin(session, call, now)
    work.enqueue(session, "prolong_batch", batch_id, now)
    return n_sooner


def preview(session: Session, batch_id: int, until: datetime, now: datetime) -> int:
    """How many HITs that are out end before ``until``; raises what ``ask`` raises of the order."""
    context = hit_specs.batch_context(session, batch_id)
    if not now < until <= now + LONGEST:
        raise InvalidInput(
            f"until: expected a time within {LONGEST.days} days from now, got {until.isoformat()}"
        )
    if context.job.state not in ALIVE:
        raise Conflict(f"job {context.job.id} is {context.job.state}: its HITs are not prolonged")
    if context.route.provider == "model":
        raise Conflict(f"batch {batch_id}: models answer at once, there is nothing to prolong")
    sooner = _sooner(batch_id, until, now).subquery()
    return session.scalar(select(func.count()).select_from(sooner)) or 0


def prolong_batch(resources: Resources, batch_id: int, progress: Progress) -> int:
    """Set the new end of each HIT that ends sooner; how many. Any number of runs do it once.

    A HIT that the venue will not prolong any more is left as it is.

    Raises:
        ProviderError: when the venue does not answer now; the next run goes on there.

    """
    with reading(resources.sessions) as session:
        context = hit_specs.batch_context(session, batch_id)
        wanted = _wanted(session, batch_id)
        if not wanted:
            return 0
        until = max(datetime.fromisoformat(one.parameters["until"]) for one in wanted)
        is_alive = context.job.state in ALIVE
        sooner = _sooner(batch_id, until, resources.clock())
        hit_ids = [row.id for row in session.execute(sooner)] if is_alive else []
    order = _Order(context, context.provider(resources.venues), until)
    refused: list[str] = []
    for number, hit_id in enumerate(hit_ids):
        progress(number, len(hit_ids))
        why_not = _prolong(resources, order, hit_id)
        refused += [f"HIT {hit_id}: {why_not}"] if why_not else []
    with transaction(resources.sessions) as session:
        state = "done" if is_alive else "failed"
        error = "; ".join(refused) if is_alive else "the job was stopped"
        _end(session, batch_id, wanted, state, error, resources.clock())
        work.enqueue(session, "collect_batch", batch_id, resources.clock())
    return len(hit_ids) - len(refused)


def is_under_way(session: Session, hit_id: int, now: datetime) -> bool:
    """Whether a call to keep the HIT open was tried so lately that it may have its effect yet.

    Nobody waits for longer than that, whatever has become of the run that made it: while the
    HIT's row is held, no further try begins, and after it was called in none is made.
    """
    lately = Intent.last_sent_at > now - intents.LISTING_LAG
    begun = _calls_for(hit_id) & (Intent.state != "done") & lately
    return session.scalar(select(Intent.id).where(begun).limit(1)) is not None


def give_up(session: Session, hit_id: int, now: datetime) -> None:
    """End what is not settled of keeping the HIT open: it is being called in."""
    unsettled = select(Intent.id).where(_calls_for(hit_id) & Intent.state.in_(intents.OPEN))
    for call_id in list(session.scalars(unsettled)):
        intents.finish(session, call_id, "failed", now, error="the HIT is called in")


def is_ordered(session: Session, batch_id: int) -> bool:
    """Whether an order to keep the batch open has not come to its end."""
    return bool(_wanted(session, batch_id))


def _prolong(resources: Resources, order: _Order, hit_id: int) -> str:
    """Why the HIT is not kept open; empty when it is."""
    with transaction(resources.sessions) as session:
        hit = session.get_one(Hit, hit_id, with_for_update=True)
        why_not = _refusal(session, hit, order, resources.clock())
        if why_not:
            return why_not
        call = intents.Call(
            key=f"{_CALL}{hit_id}:{order.until:%Y%m%dT%H%M%S}",
            job_id=order.context.job.id,
            operation=OPERATION,
            parameters={"hit": hit.provider_hit_id, "until": order.until.isoformat()},
            actor=ACTOR,
            is_paid=False,
        )
        intent, _ = intents.begin(session, call, resources.clock())
        if intent.state == "done":
            return ""
        intents.stamp_attempt(session, intent.id, resources.clock())
    order.provider.trace.clear()
    try:
        posted = order.provider.prolong(hit.provider_hit_id, order.until)
    except ProviderError as error:
        state = "failed" if error.permanent else "unknown" if error.outcome_unknown else "sending"
        with transaction(resources.sessions) as session:
            intents.finish(session, intent.id, state, resources.clock(), error=str(error))
        if not error.permanent:
            raise
        return str(error)
    with transaction(resources.sessions) as session:
        request_id = order.provider.trace.latest
        intents.finish(session, intent.id, "done", resources.clock(), request_id=request_id)
        session.execute(
            update(Hit)
            .where(Hit.id == hit_id, Hit.state == "posted")
            .values(expires_at=posted.expires_at)
        )
    return ""


def _refusal(session: Session, hit: Hit, order: _Order, now: datetime) -> str:
    """Why this HIT may not be kept open any more, looked at right before the call."""
    state = session.scalar(select(Job.state).where(Job.id == order.context.job.id))
    if state not in ALIVE:
        return f"the job is {state}"
    if hit.state != "posted":
        return f"it is {hit.state}"
    if session.scalar(select(Hit.id).where(Hit.id == hit.id, _called_in())) is not None:
        return "it was called in"
    if hit.expires_at is None or hit.expires_at <= now + LAST_CALL:
        return f"it ends at {hit.expires_at}"
    return ""


def _end(
    session: Session, batch_id: int, wanted: list[Intent], state: str, error: str, now: datetime
) -> None:
    """End the orders, and calls of runs that died: their HITs are not to be asked for again."""
    for one in wanted:
        intents.finish(session, one.id, state, now, error=error)
    hit_ids = set(session.scalars(select(Hit.id).where(Hit.batch_id == batch_id)))
    begun = Intent.key.startswith(_CALL) & Intent.state.in_(intents.OPEN)
    for call_id, key in session.execute(select(Intent.id, Intent.key).where(begun)).all():
        if int(key.split(":")[2]) in hit_ids:
            intents.finish(session, call_id, "failed", now, error="the HIT is left to end")


def _sooner(batch_id: int, until: datetime, now: datetime) -> Select[int, str, datetime | None]:
    """HITs that workers can take until before ``until``; those called in are not among them."""
    return (
        select(Hit.id, Hit.provider_hit_id, Hit.expires_at)
        .where(Hit.batch_id == batch_id, Hit.state == "posted", ~_called_in())
        .where(Hit.expires_at < until, Hit.expires_at > now + LAST_CALL)
        .order_by(Hit.id)
    )


def _called_in() -> ColumnElement[bool]:
    key = "expire:hit:" + cast(Hit.id, String)
    return exists().where((Intent.key == key) | Intent.key.like(key + ":%"))


def _calls_for(hit_id: int) -> ColumnElement[bool]:
    return Intent.key.startswith(f"{_CALL}{hit_id}:")


def _wanted(session: Session, batch_id: int) -> list[Intent]:
    asked = Intent.key.startswith(_beginning(batch_id)) & Intent.state.in_(intents.OPEN)
    return list(session.scalars(select(Intent).where(asked).order_by(Intent.id)))


def _beginning(batch_id: int) -> str:
    return f"prolong:batch:{batch_id}:"
