"""Services: stop a job for good. Nothing new is posted, what is out is called in, work is paid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from jobs import events, history, intents, work
from jobs.db import reading, transaction
from jobs.errors import Conflict, NotFound, ProviderError
from jobs.hits import extending, prolonging, publishing
from jobs.providers import Provider
from jobs.resources import Resources
from jobs.specs import hit_specs
from jobs.tables import Batch, Hit, Intent, Job
from jobs.work import Progress

STOPPABLE = ("launching", "running", "paused")
UNSETTLED = ("sending", "unknown", "extending")
ACTOR = "background"


def stop_job(session: Session, job_id: int, actor: str, now: datetime) -> int:
    """Cancel the job; the number of batches that the background now calls in.

    A launch under way writes no further page. Work already submitted is still collected,
    decided and paid; held money comes back once the venue can charge no more. Who stopped it is
    written into its history; a second stop is refused.

    Raises:
        Conflict: when the job is a draft, finished or cancelled already.

    """
    lock = {"key_share": True}  # what an update takes: rows that name the job are not in its way
    job = session.get(Job, job_id, with_for_update=lock, populate_existing=True)
    if job is None:
        raise NotFound(f"job {job_id}: no such job")
    if job.state not in STOPPABLE:
        raise Conflict(
            f"job {job_id} is {job.state}: expected it to be launching, running or paused"
        )
    history.note(session, job_id, [(history.STATE, job.state, "cancelled")], actor, now)
    job.state, job.finished_at = "cancelled", now
    batches = list(
        session.scalars(select(Batch).where(Batch.job_id == job_id, Batch.state != "closed"))
    )
    for batch in batches:
        session.execute(
            update(Hit)
            .where(Hit.batch_id == batch.id, Hit.state == "planned")
            .values(state="closed")
        )
        batch.state = "posting" if batch.state == "planned" else batch.state
        extending.drop_planned(session, batch.id, now)
        unsettled = ("prolong_batch",) if prolonging.is_ordered(session, batch.id) else ()
        for name in ("publish_batch", "extend_batch", *unsettled, "expire_batch"):
            work.enqueue(session, name, batch.id, now)
    events.tell(session, "job.stopped", str(job_id), now, job_id=job_id)
    return len(batches)


def expire_batch(resources: Resources, batch_id: int, progress: Progress) -> int:
    """Close every posted HIT of the batch to new workers, and say how many were open.

    The time is absolute, so a repeat expires nothing twice.

    Raises:
        ProviderError: while a HIT's posting, extending or keeping open is not settled, or the
            venue does not answer.

    """
    with reading(resources.sessions) as session:
        context = hit_specs.batch_context(session, batch_id)
        found = select(Hit).where(Hit.batch_id == batch_id).order_by(Hit.id)
        hits = list(session.scalars(found))
        n_extended = extending.n_done(session, batch_id)
        is_left = context.job.state == "cancelled" and work.waits_for_person(
            session, "publish_batch", batch_id
        )
    provider = context.provider(resources.venues)
    unsettled = [hit.id for hit in hits if hit.state in UNSETTLED]
    posted = [hit for hit in hits if hit.state == "posted"]
    for number, hit in enumerate(posted):
        progress(number, len(posted))
        key = _expire_key(hit.id, n_extended.get(hit.id, 0))
        if not _expire(resources, context.job.id, provider, hit, key):
            unsettled.append(hit.id)
    if is_left:
        _settle_posting(resources, hits)
    with transaction(resources.sessions) as session:
        for hit in hits:
            if hit.state == "closed":
                _end_expiry(session, _expire_key(hit.id, n_extended.get(hit.id, 0)), resources)
        work.enqueue(session, "collect_batch", batch_id, resources.clock())
    if unsettled:
        raise ProviderError(
            f"batch {batch_id}: what became of posting, extending or keeping open HITs "
            f"{unsettled} is still to be found out",
            permanent=False,
        )
    return len(posted)


def _settle_posting(resources: Resources, hits: Sequence[Hit]) -> None:
    """Find out what became of HITs whose posting waits for a person: a stop does not.

    The next run calls in those that are out; posting then ends, with nothing left to post.
    """
    unknown = [hit for hit in hits if hit.state in ("sending", "unknown")]
    n_settled = sum(publishing.settle(resources, hit.id) for hit in unknown)
    if n_settled:
        with transaction(resources.sessions) as session:
            work.enqueue(session, "publish_batch", unknown[0].batch_id, resources.clock())


def _expire(resources: Resources, job_id: int, provider: Provider, hit: Hit, key: str) -> bool:
    """Whether the HIT is closed to new workers; not right after a call to keep it open.

    That call may come late, and open the HIT after its money was given back. It is not waited
    for until its outcome is known: its run may have died for good.
    """
    call = intents.Call(
        key=key,
        job_id=job_id,
        operation="UpdateExpirationForHIT",
        parameters={"hit": hit.provider_hit_id},
        actor=ACTOR,
        is_paid=False,
    )
    with transaction(resources.sessions) as session:
        session.get_one(Hit, hit.id, with_for_update=True)
        if prolonging.is_under_way(session, hit.id, resources.clock()):
            return False
        prolonging.give_up(session, hit.id, resources.clock())
        intent, _ = intents.begin(session, call, resources.clock())
        if intent.state == "done":
            return True
        intents.stamp_attempt(session, intent.id, resources.clock())
    provider.trace.clear()
    now_open = provider.expire(hit.provider_hit_id)
    with transaction(resources.sessions) as session:
        intents.finish(
            session,
            intent.id,
            "done",
            resources.clock(),
            reference=now_open.state,
            request_id=provider.trace.latest,
        )
    return True


def _end_expiry(session: Session, key: str, resources: Resources) -> None:
    """End a call whose run died after it: the venue has closed the HIT, nothing is to be asked."""
    intent_id = session.scalar(select(Intent.id).where(Intent.key == key))
    if intent_id is not None:
        intents.finish(session, intent_id, "done", resources.clock(), reference="closed")


def _expire_key(hit_id: int, n_extended: int) -> str:
    """A HIT that was opened again by an extension can be called in once more."""
    return f"expire:hit:{hit_id}:{n_extended}" if n_extended else f"expire:hit:{hit_id}"
