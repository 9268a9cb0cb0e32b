"""Service with outside effects: HITs that are out are shown to workers for longer.

The new end is an absolute time, so that a repeat sets it once more and changes nothing. One
intent a batch and time says what is wanted; no money moves, for what the HITs may cost is
held until they close. A HIT that was called in, or is about to end, stays closed to new
workers: one that ended may be closed here and its money given back while the venue opens it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, String, cast, exists, func, select, update
from sqlalchemy.orm import Session

from jobs import intents, work
from jobs.db import reading, transaction
from jobs.errors import Conflict, InvalidInput, ProviderError
from jobs.resources import Resources
from jobs.specs import hit_specs
from jobs.specs.hit_specs import RouteContext
from jobs.tables import Hit, Intent
from jobs.work import Progress

LONGEST = timedelta(days=365)
LAST_CALL = timedelta(minutes=10)  # before its end a HIT is left to end
ALIVE = ("running", "paused")
OPERATION = "UpdateExpirationForHIT"


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
        hits = session.execute(sooner).all() if is_alive else []
    refused = _prolong(resources, context, hits, until, progress)
    with transaction(resources.sessions) as session:
        for one in wanted:
            state = "done" if is_alive else "failed"
            error = "; ".join(refused) if is_alive else "the job was stopped"
            intents.finish(session, one.id, state, resources.clock(), error=error)
        work.enqueue(session, "collect_batch", batch_id, resources.clock())
    return len(hits) - len(refused)


def _prolong(
    resources: Resources,
    context: RouteContext,
    hits: Sequence[tuple[int, str, datetime | None]],
    until: datetime,
    progress: Progress,
) -> list[str]:
    """What the venue said of each HIT that it would not prolong."""
    provider, refused = context.provider(resources.venues), []
    for number, (hit_id, provider_hit_id, ends_at) in enumerate(hits):
        progress(number, len(hits))
        if ends_at is None or ends_at <= resources.clock() + LAST_CALL:
            refused.append(f"HIT {hit_id}: it ends at {ends_at}")
            continue
        try:
            posted = provider.prolong(provider_hit_id, until)
        except ProviderError as error:
            if not error.permanent:
                raise
            refused.append(f"HIT {hit_id}: {error}")
            continue
        with transaction(resources.sessions) as session:
            session.execute(
                update(Hit)
                .where(Hit.id == hit_id, Hit.state == "posted")
                .values(expires_at=posted.expires_at)
            )
    return refused


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


def _wanted(session: Session, batch_id: int) -> list[Intent]:
    asked = Intent.key.startswith(_beginning(batch_id)) & Intent.state.in_(intents.OPEN)
    return list(session.scalars(select(Intent).where(asked).order_by(Intent.id)))


def _beginning(batch_id: int) -> str:
    return f"prolong:batch:{batch_id}:"
