"""Service with outside effects: HITs posted at most once, with their money held before.

For each HIT: the intent and the hold are committed, the venue is called with the intent's
token, the result is committed. Whatever stops it in between, the next run finds the intent
and asks with the same token; past the life of a token it reads the venue first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs import events, findings, intents, work
from jobs.db import reading, transaction
from jobs.errors import NotFound, ProviderError
from jobs.providers import Provider
from jobs.records import BOXES, HitSpec, PostedHit
from jobs.resources import Resources
from jobs.specs import hit_specs
from jobs.specs.hit_specs import RouteContext
from jobs.spending import ledger
from jobs.spending.ledger import Reason
from jobs.tables import Assignment, Batch, Hit, HitTask, Intent, Route, Worker
from jobs.work import Progress

ACTOR = "background"
TO_POST = ("planned", "sending", "unknown")
_TROUBLES_IN_A_ROW = 3


@dataclass(frozen=True)
class PublishReport:
    """HITs of the batch by what is known of them now."""

    n_posted: int
    n_failed: int
    n_open: int


@dataclass(frozen=True)
class _Posting:
    """One HIT on its way: what to post, where, and on whose account."""

    hit_id: int
    context: RouteContext
    spec: HitSpec
    worst_micros: int
    provider: Provider


def publish_batch(resources: Resources, batch_id: int, progress: Progress) -> PublishReport:
    """Post every HIT of the batch that is not posted; any number of runs post each once.

    ``progress`` is called before each paid call and stops a run that has lost its lease.

    Raises:
        ProviderError: when a HIT could not be posted now; the next run goes on there.
        BudgetExceeded: when the budget does not cover the next HIT.
        Paused: while the pause switch is on or the job is paused.

    """
    with transaction(resources.sessions) as session:
        hit_ids, n_total = _start(session, batch_id, resources)
    trouble: list[ProviderError] = []
    in_a_row = 0
    for number, hit_id in enumerate(hit_ids):
        posting = _prepare(resources, hit_id)
        done = n_total - len(hit_ids) + number - len(trouble)
        try:
            _publish(resources, posting, lambda done=done: progress(done, n_total))  # type: ignore[misc]
            in_a_row = 0
        except ProviderError as error:
            trouble.append(error)
            in_a_row += 1
            if error.permanent or in_a_row >= _TROUBLES_IN_A_ROW:
                break
    with transaction(resources.sessions) as session:
        report = _finish(session, batch_id, resources.clock())
    progress(report.n_posted, n_total)
    if trouble:
        raise trouble[-1]
    return report


def adopt(resources: Resources, hit_id: int, posted: PostedHit) -> bool:
    """Take over a HIT that the venue holds under our marker; False when it was ours already.

    After a restored backup our rows may not know what was posted: the money is held for it
    as if it had been posted now, and no second one can be posted.

    Raises:
        BudgetExceeded: when the budget does not cover it.

    """
    posting = _prepare(resources, hit_id)
    with transaction(resources.sessions) as session:
        begun = _intend(session, posting, resources, is_paid=False)
        if begun is None:
            return False
        work.enqueue(session, "collect_batch", _batch_id(session, hit_id), resources.clock())
    _confirm(resources, posting, begun[0].id, posted)
    return True


def settle(resources: Resources, hit_id: int) -> bool:
    """Read at the venue what became of posting a HIT not wanted any more; whether that is known.

    Listed there, it is ours, and can be called in. Not listed, and its last try too old to be
    missing, it is closed and its money comes back. Nothing is rendered or posted by this: what
    keeps HITs from being posted, such as a picture that is gone, keeps none out.
    """
    with reading(resources.sessions) as session:
        hit = session.get_one(Hit, hit_id)
        context = hit_specs.batch_context(session, hit.batch_id)
        spec = hit_specs.hit_spec(context, hit, ())
        begun = select(Intent).where(Intent.key == f"publish:hit:{hit_id}")
        intent = session.scalar(begun.where(Intent.state.in_(intents.OPEN)))
    if intent is None:
        return True
    posting = _Posting(hit_id, context, spec, 0, context.provider(resources.venues))
    posting.provider.trace.clear()
    looked_at = resources.clock()
    found = posting.provider.find(spec.marker)
    if found is not None:
        _confirm(resources, posting, intent.id, found)
        return True
    if intents.may_be_unlisted(intent.last_sent_at or intent.first_sent_at, looked_at):
        return False
    with transaction(resources.sessions) as session:
        hit = session.get_one(Hit, hit_id, with_for_update=True, populate_existing=True)
        if not intents.is_last_attempt(session, intent):
            return False
        absent = ProviderError(f"the venue lists no HIT {spec.marker}", permanent=True)
        _void(session, posting, intent, absent, resources)
        hit.state = "closed"
    return True


def _batch_id(session: Session, hit_id: int) -> int:
    return session.get_one(Hit, hit_id).batch_id


def _start(session: Session, batch_id: int, resources: Resources) -> tuple[list[int], int]:
    batch = session.get(Batch, batch_id)
    if batch is None:
        raise NotFound(f"batch {batch_id}: no such batch")
    if batch.state == "planned":
        batch.state = "posting"
    # HITs posted before a stop must be collected, whatever keeps the others from being posted.
    work.enqueue(session, "collect_batch", batch_id, resources.clock())
    hits = session.execute(
        select(Hit.id, Hit.state).where(Hit.batch_id == batch_id).order_by(Hit.id)
    ).all()
    return [hit.id for hit in hits if hit.state in TO_POST], len(hits)


def _prepare(resources: Resources, hit_id: int) -> _Posting:
    with reading(resources.sessions) as session:
        hit = session.get_one(Hit, hit_id)
        context = hit_specs.batch_context(session, hit.batch_id)
        tasks = hit_specs.task_specs(session, resources.blobs, hit_id)
        spec = replace(
            hit_specs.hit_spec(context, hit, tasks),
            excluded_worker_ids=_who_took_a_task(session, hit, context.route),
        )
    provider = context.provider(resources.venues)
    if provider.has_pages:
        spec = replace(spec, html=hit_specs.page(context, tasks, resources.blobs))
    return _Posting(hit_id, context, spec, provider.quote(spec).worst_micros, provider)


def _who_took_a_task(session: Session, hit: Hit, route: Route) -> tuple[str, ...]:
    """The venue's ids of workers who took one of the HIT's tasks in another batch.

    A venue stops nobody from answering a task again in a new HIT: they would be paid
    twice, and only their first answer counts.
    """
    tasks = select(HitTask.task_id).where(HitTask.hit_id == hit.id)
    rows = session.execute(
        select(Worker.provider_worker_id, Route.kind, Route.attributes)
        .join(Assignment, Assignment.worker_id == Worker.id)
        .join(Hit, Hit.id == Assignment.hit_id)
        .join(HitTask, HitTask.hit_id == Hit.id)
        .join(Batch, Batch.id == Hit.batch_id)
        .join(Route, Route.id == Batch.route_id)
        .where(HitTask.task_id.in_(tasks), Hit.batch_id != hit.batch_id)
        .where(Route.provider == route.provider)
    )
    return tuple(
        sorted(
            {
                worker
                for worker, kind, attributes in rows
                if kind == BOXES or set(attributes) & set(route.attributes)
            }
        )
    )


def _publish(resources: Resources, posting: _Posting, before_call: Callable[[], None]) -> None:
    before_call()
    with transaction(resources.sessions) as session:
        begun = _intend(session, posting, resources)
    if begun is None:
        return
    intent, before = begun
    posting.provider.trace.clear()
    if intent.attempts > 1 and intents.is_past_window(intent, resources.clock()):
        found = posting.provider.find(posting.spec.marker)
        if found is not None:
            _confirm(resources, posting, intent.id, found)
            return
        if intents.may_be_unlisted(before, resources.clock()):
            raise ProviderError(
                f"HIT {posting.hit_id}: the venue's list may not show yet what was tried at "
                f"{before:%H:%M:%S}",
                permanent=False,
            )
        with transaction(resources.sessions) as session:
            intent = intents.renew_window(session, intent.id, resources.clock())
    try:
        posted = posting.provider.publish(replace(posting.spec, token=intent.token))
    except ProviderError as error:
        _recover(resources, posting, intent, before, error)
    else:
        _confirm(resources, posting, intent.id, posted)


def _intend(
    session: Session, posting: _Posting, resources: Resources, *, is_paid: bool = True
) -> tuple[Intent, datetime | None] | None:
    """The intent with its attempt counted and its money held, and when the try before it was.

    None when nothing is to be done.
    """
    now, spec, job_id = resources.clock(), posting.spec, posting.context.job.id
    hit = session.get_one(Hit, posting.hit_id, with_for_update=True, populate_existing=True)
    if hit.state not in TO_POST:
        return None
    call = intents.Call(
        key=f"publish:hit:{hit.id}",
        job_id=job_id,
        operation="CreateHITWithHITType",
        parameters={
            "marker": spec.marker,
            "tasks": [task.task_id for task in spec.tasks],
            "reward_micros": spec.reward_micros,
            "max_assignments": spec.max_assignments,
        },
        actor=ACTOR,
        is_paid=is_paid,
    )
    intent, is_new = intents.begin(session, call, now)
    if is_new:
        key = f"hold:intent:{intent.id}:{intent.window}"
        ledger.hold(
            session,
            job_id,
            posting.worst_micros,
            key=key,
            reason=_reason(posting, intent.id),
            now=now,
        )
        hit.state = "sending"
    before = (intent.last_sent_at or intent.first_sent_at) if intent.attempts else None
    return intents.stamp_attempt(session, intent.id, now), before


def _confirm(resources: Resources, posting: _Posting, intent_id: int, posted: PostedHit) -> None:
    now = resources.clock()
    with transaction(resources.sessions) as session:
        first = intents.finish(
            session,
            intent_id,
            "done",
            now,
            reference=posted.provider_hit_id,
            request_id=posting.provider.trace.latest,
        )
        hit = session.get_one(Hit, posting.hit_id, with_for_update=True, populate_existing=True)
        if not first:
            _compare(session, hit, posted, posting, now)
            return
        hit.state, hit.posted_at, hit.expires_at = "posted", now, posted.expires_at
        hit.provider_hit_id = posted.provider_hit_id
        if posted.provider_hit_type_id:
            route = session.get_one(Route, posting.context.route.id)
            route.provider_hit_type_id = posted.provider_hit_type_id


def _compare(
    session: Session, hit: Hit, posted: PostedHit, posting: _Posting, now: datetime
) -> None:
    if hit.provider_hit_id != posted.provider_hit_id:
        findings.report(
            session,
            f"twice:{hit.marker}:{posted.provider_hit_id}",
            f"HIT {hit.id} is {hit.provider_hit_id or 'not posted'} here, and the venue also "
            f"has {posted.provider_hit_id} under its marker {hit.marker}",
            now,
            posting.context.job.id,
        )


def _recover(
    resources: Resources,
    posting: _Posting,
    intent: Intent,
    before: datetime | None,
    error: ProviderError,
) -> None:
    """Void what is known to have had no effect, keep the money held for everything else."""
    if error.permanent and intent.attempts > 1:
        # An earlier attempt may have been the one with the effect.
        found = posting.provider.find(posting.spec.marker)
        if found is not None:
            _confirm(resources, posting, intent.id, found)
            return
        if intents.may_be_unlisted(before, resources.clock()):
            error = ProviderError(
                str(error), permanent=False, outcome_unknown=True, code=error.code
            )
    with transaction(resources.sessions) as session:
        if error.permanent and intents.is_last_attempt(session, intent):
            _void(session, posting, intent, error, resources)
        elif error.permanent or error.outcome_unknown:
            _set_unknown(session, posting, intent.id, error, resources)
    raise error


def _void(
    session: Session,
    posting: _Posting,
    intent: Intent,
    error: ProviderError,
    resources: Resources,
) -> None:
    now = resources.clock()
    intents.finish(session, intent.id, "failed", now, error=str(error))
    hit = session.get_one(Hit, posting.hit_id, with_for_update=True, populate_existing=True)
    ledger.void(session, intent, _reason(posting, intent.id), now)
    # Without effect it may be tried again, with a new window: the cause can be mended.
    hit.state = "planned"


def _set_unknown(
    session: Session,
    posting: _Posting,
    intent_id: int,
    error: ProviderError,
    resources: Resources,
) -> None:
    if intents.finish(session, intent_id, "unknown", resources.clock(), error=str(error)):
        session.get_one(Hit, posting.hit_id, populate_existing=True).state = "unknown"


def _finish(session: Session, batch_id: int, now: datetime) -> PublishReport:
    batch = session.get_one(Batch, batch_id, with_for_update=True)
    rows = session.execute(
        select(Hit.state, func.count()).where(Hit.batch_id == batch_id).group_by(Hit.state)
    )
    states: dict[str, int] = {row[0]: row[1] for row in rows}
    n_open = sum(states.get(state, 0) for state in TO_POST)
    if not n_open and batch.state == "posting":
        batch.state = "open"
        events.tell(
            session,
            "batch.published",
            str(batch_id),
            now,
            job_id=batch.job_id,
            batch_id=batch_id,
            n_hits=sum(states.values()),
        )
    n_failed = states.get("failed", 0)
    return PublishReport(sum(states.values()) - n_open - n_failed, n_failed, n_open)


def _reason(posting: _Posting, intent_id: int) -> Reason:
    return Reason(
        ACTOR, route_id=posting.context.route.id, hit_id=posting.hit_id, intent_id=intent_id
    )
