"""Background calls: what each name in the work table runs, wherever it is run.

The database decides what is due; a queue only wakes. ``run`` is one of the three doors where
any error is caught: it ends in the work row, with the time of the next try.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta

from sqlalchemy import select

from jobs import hooks, work
from jobs.combining import consensus, labels
from jobs.db import UNANSWERED, reading, transaction
from jobs.errors import HitworksError, Paused, ProviderError
from jobs.exporting.writing import write_planned
from jobs.hits import hearing, routing
from jobs.hits.collection import collect_batch
from jobs.hits.extending import extend_batch
from jobs.hits.prolonging import prolong_batch
from jobs.hits.publishing import publish_batch
from jobs.hits.stopping import expire_batch
from jobs.intake.taking_in import take_in
from jobs.planning import launching
from jobs.reconciling.reconciling import reconcile
from jobs.resources import Resources
from jobs.reviewing import deadlines, reversals
from jobs.reviewing.review import review_job
from jobs.spending.bonuses import pay_bonus
from jobs.tables import Job, Work
from jobs.work import Claim, Lease, LeaseLost, Progress
from jobs.workers import enforcing, letters

_BETWEEN_RECONCILES = timedelta(hours=1)
Call = Callable[[Resources, int, Lease], datetime | None]
"""Does the work on a subject; gives the time at which it wants to run again, if any."""


def _publish(resources: Resources, batch_id: int, progress: Progress) -> datetime | None:
    enforcing.keep_list(resources, batch_id)
    publish_batch(resources, batch_id, progress)
    if resources.settings.notification_queue_url:
        with transaction(resources.sessions) as session:
            hearing.ask_to_hear(session, batch_id, resources.clock())
    return None


def _extend(resources: Resources, batch_id: int, progress: Progress) -> datetime | None:
    extend_batch(resources, batch_id, progress)
    return None


def _expire(resources: Resources, batch_id: int, progress: Progress) -> datetime | None:
    expire_batch(resources, batch_id, progress)
    return None


def _prolong(resources: Resources, batch_id: int, progress: Progress) -> datetime | None:
    prolong_batch(resources, batch_id, progress)
    return None


def _collect(resources: Resources, batch_id: int, progress: Progress) -> datetime | None:
    report = collect_batch(resources, batch_id, progress)
    return None if report.is_closed else _a_poll_later(resources)


def _pay_bonus(resources: Resources, intent_id: int, progress: Progress) -> datetime | None:
    pay_bonus(resources, intent_id, progress)
    return None


def _reverse(resources: Resources, intent_id: int, progress: Progress) -> datetime | None:
    reversals.carry_out(resources, intent_id, progress)
    return None


def _set_standing(resources: Resources, worker_id: int, progress: Progress) -> datetime | None:
    enforcing.set_standing(resources, worker_id, progress)
    return None


def _send_letter(resources: Resources, letter_id: int, progress: Progress) -> datetime | None:
    letters.send(resources, letter_id, progress)
    return None


def _advance(resources: Resources, job_id: int, lease: Lease) -> datetime | None:
    """Combine what is known, decide the work, finish what is sure."""
    consensus.combine_in_pages(
        resources.sessions, job_id, resources.clock(), lease.note, fence=lease.fence
    )
    review = review_job(resources, job_id, lease)
    with transaction(resources.sessions) as session:
        routing.route_onward(session, job_id, resources.clock())
    labels.finish_in_pages(resources.sessions, job_id, resources.clock(), lease)
    return _a_poll_later(resources) if review.n_too_soon else review.look_at


def _watch(resources: Resources, _: int, progress: Progress) -> datetime | None:
    return deadlines.watch(resources, progress)


def _subscribe(resources: Resources, route_id: int, progress: Progress) -> datetime | None:
    progress(0, 1)
    hearing.subscribe_route(resources, route_id)
    return None


def _hear(resources: Resources, _: int, progress: Progress) -> datetime | None:
    return hearing.listen(resources, progress)


def _export(resources: Resources, export_id: int, lease: Lease) -> datetime | None:
    write_planned(resources, export_id, lease.note)
    return None


def _deliver_hook(resources: Resources, delivery_id: int, progress: Progress) -> datetime | None:
    return hooks.deliver(resources, delivery_id, progress)


def _reconcile(resources: Resources, _: int, lease: Lease) -> datetime | None:
    """Look at the venues' lists every hour while a job runs."""
    reconcile(resources, lease.note, in_full=False)
    with reading(resources.sessions) as session:
        is_running = session.scalar(select(Job.id).where(Job.state == "running").limit(1))
    return resources.clock() + _BETWEEN_RECONCILES if is_running else None


def _launch(resources: Resources, job_id: int, lease: Lease) -> datetime | None:
    launching.carry_out(resources, job_id, lease)
    return None


CALLS: dict[str, Call] = {
    launching.CALL: _launch,
    "publish_batch": _publish,
    "collect_batch": _collect,
    "extend_batch": _extend,
    "expire_batch": _expire,
    "prolong_batch": _prolong,
    "advance_job": _advance,
    "pay_bonus": _pay_bonus,
    "reverse_rejection": _reverse,
    "set_standing": _set_standing,
    "send_letter": _send_letter,
    "watch_deadlines": _watch,
    "subscribe_route": _subscribe,
    "hear_news": _hear,
    "export_job": _export,
    "reconcile": _reconcile,
    "deliver_hook": _deliver_hook,
    "take_in": take_in,
}


def run(
    resources: Resources,
    work_id: int,
    owner: str,
    keep: Callable[[Lease], AbstractContextManager[object]] = nullcontext,
) -> bool:
    """Run the row if it is due and free; False when there was nothing to do.

    Running the same row any number of times, also at once, has the effect of once. ``keep``
    is open while the call runs, and may prolong its lease during a long step.
    """
    lease_seconds = resources.settings.lease_seconds
    with transaction(resources.sessions) as session:
        claim = work.claim(session, work_id, owner, resources.clock(), lease_seconds)
    if claim is None:
        return False
    lease = Lease(resources.sessions, claim, resources.clock, lease_seconds)
    try:
        with keep(lease):
            again_at = CALLS[claim.task_name](resources, claim.subject_id, lease)
    except LeaseLost:
        return True
    except Exception as error:  # noqa: BLE001 (the door of background calls: the row keeps it)
        _note_failure(resources, claim, error)
        return True
    with transaction(resources.sessions) as session:
        work.finish(session, claim, resources.clock(), again_at=again_at)
    return True


def drain(resources: Resources, owner: str = "here", limit: int = 100_000) -> int:
    """Run every row that is due, in this process, until none is; the number of runs."""
    n_runs = 0
    while n_runs < limit:
        with reading(resources.sessions) as session:
            due = [row.id for row in work.due(session, resources.clock())]
        n_ran = sum(run(resources, work_id, owner) for work_id in due)
        n_runs += n_ran
        if not n_ran:
            return n_runs
    return n_runs


def waiting(resources: Resources) -> list[Work]:
    """Rows that are not done, the next due first."""
    with reading(resources.sessions) as session:
        return work.unfinished(session)


def _a_poll_later(resources: Resources) -> datetime:
    return resources.clock() + timedelta(seconds=resources.settings.poll_seconds)


def _note_failure(resources: Resources, claim: Claim, error: Exception) -> None:
    is_transient = isinstance(error, (*UNANSWERED, Paused)) or (
        isinstance(error, ProviderError) and not error.permanent
    )
    known = isinstance(error, HitworksError)
    text = str(error) if known else "".join(traceback.format_exception(error)[-6:])
    with transaction(resources.sessions) as session:
        work.fail(session, claim, resources.clock(), text, is_transient=is_transient)
