"""Service with outside effects: HITs that are done with, disposed of at their venue.

A venue disposes of a HIT by itself after 120 days; doing it earlier keeps its lists short.
Afterwards nothing about the HIT can be read or decided there, so everything must be in.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs import intents
from jobs.db import reading, transaction
from jobs.errors import Conflict, ProviderError
from jobs.resources import Resources
from jobs.specs import hit_specs
from jobs.tables import Assignment, Batch, Hit, RawSubmission
from jobs.work import Progress

REVERSIBLE_FOR = timedelta(days=30)  # so long a rejection can be taken back


def dispose_batch(resources: Resources, batch_id: int, actor: str, progress: Progress) -> int:
    """Dispose of the closed batch's HITs at the venue; the number that were not before.

    A HIT that is gone already counts as disposed of, so a repeat after a lost reply is safe.

    Raises:
        NotFound: when there is no such batch.
        Conflict: when answers, decisions or money are still open, or a rejection may be
            taken back.
        ProviderError: when the venue does not answer or refuses; the next run goes on there.

    """
    with reading(resources.sessions) as session:
        context = hit_specs.batch_context(session, batch_id)
        _check(session, batch_id, resources.clock())
        found = select(Hit).where(Hit.batch_id == batch_id, Hit.provider_hit_id != "")
        hits = list(session.scalars(found.order_by(Hit.id)))
    provider = context.provider(resources.venues)
    n_disposed = 0
    for number, hit in enumerate(hits):
        progress(number, len(hits))
        call = intents.Call(
            key=f"delete:hit:{hit.id}",
            job_id=context.job.id,
            operation="DeleteHIT",
            parameters={"hit": hit.provider_hit_id},
            actor=actor,
            is_paid=False,
        )
        with transaction(resources.sessions) as session:
            intent, _ = intents.begin(session, call, resources.clock())
            if intent.state == "done":
                continue
            intents.stamp_attempt(session, intent.id, resources.clock())
        provider.trace.clear()
        try:
            provider.delete(hit.provider_hit_id)
        except ProviderError as error:
            state = "failed" if error.permanent else "unknown"
            with transaction(resources.sessions) as session:
                intents.finish(session, intent.id, state, resources.clock(), error=str(error))
            raise
        with transaction(resources.sessions) as session:
            intents.finish(
                session,
                intent.id,
                "done",
                resources.clock(),
                request_id=provider.trace.latest,
            )
        n_disposed += 1
    return n_disposed


def _check(session: Session, batch_id: int, now: datetime) -> None:
    batch = session.get_one(Batch, batch_id)
    if batch.state != "closed":
        raise Conflict(f"batch {batch_id} is {batch.state}: expected it to be closed")
    rejected = session.scalar(
        select(func.max(RawSubmission.submitted_at))
        .join(Assignment, Assignment.raw_submission_id == RawSubmission.id)
        .join(Hit, Hit.id == Assignment.hit_id)
        .where(Hit.batch_id == batch_id, Assignment.state == "Rejected")
    )
    if rejected is not None and now <= rejected + REVERSIBLE_FOR:
        raise Conflict(
            f"batch {batch_id}: a rejection can be taken back until "
            f"{rejected + REVERSIBLE_FOR:%Y-%m-%d}, which needs its HIT"
        )
