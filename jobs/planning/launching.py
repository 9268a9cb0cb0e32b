"""A launch that a person asked for and the background carries out, page by page.

Asked for, a job is ``launching``: it can be neither changed nor launched again. The run judges
it anew as of then. Where anything speaks against it nothing is written, the job is a draft
again, and its work row says why. Else ``launched_at`` is set, and from there on the rows are
written to the end, by one run or several; nothing of them is published before all are there.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import intents, work
from jobs.db import reading, transaction
from jobs.errors import BudgetExceeded, Conflict, InvalidInput, NotFound, Paused
from jobs.hits import batches, planned_rows
from jobs.planning import launch_gate, planning
from jobs.planning.planning import TASKS_A_PAGE
from jobs.resources import Resources
from jobs.tables import Job, Work
from jobs.work import Lease

CALL = "launch_job"
LAUNCHING = "launching"
_REFUSALS = (InvalidInput, NotFound, BudgetExceeded, Paused)


def ask(session: Session, job_id: int, now: datetime, *, confirmed: str = "") -> None:
    """Let the background launch a draft, once the launch gate has let it pass.

    Of several who ask at once one is heard. A launch that gave up is set going again.

    Raises:
        InvalidInput: when a production job's name was not typed.
        Conflict: when the job is not a draft.
        Paused: when a backup was restored and the venues have not been read since.

    """
    job = planning.lock_job(session, job_id)
    if job.state != "draft" and not _has_given_up(session, job):
        raise Conflict(f"job {job_id} is {job.state}: expected a draft")
    planning.check_confirmed(job.environment, job.name, confirmed)
    job.state = LAUNCHING
    row = work.enqueue(session, CALL, job_id, now)
    row.failures = row.n_done = row.n_total = 0
    session.flush()


def carry_out(resources: Resources, job_id: int, lease: Lease) -> None:
    """Write the rows of a job that is launching, and let it run; any other job stays as it is.

    A repeat goes on where the last run was killed. ``lease`` stops a run that was taken over
    before its next page.
    """
    if not _is_decided(resources, job_id, lease):
        return
    with reading(resources.sessions) as session:
        contexts = planning.routes_at_once(session, job_id)
        n_total = planning.count_hits(session, contexts)
    n_done = 0
    for context in contexts:
        with reading(resources.sessions) as session:
            left = planned_rows.rows_left(session, context)
        n_done += left.n_written
        for page in planned_rows.pages(left.hits, TASKS_A_PAGE):
            lease(n_done, n_total)
            with transaction(resources.sessions) as session:
                if _held(session, job_id, lease) is None:
                    return
                batch = planned_rows.first_batch(session, context)
                batch = batch or batches.open_batch(session, context, resources.clock())
                planned_rows.write(session, context, batch.id, page, left.known)
            n_done += len(page)
    lease(n_done, n_total)
    with transaction(resources.sessions) as session:
        job = _held(session, job_id, lease)
        if job is not None:
            for context in contexts:
                planned_rows.publish_first(session, context, resources.clock())
            planning.start(session, job, resources.clock())


def _is_decided(resources: Resources, job_id: int, lease: Lease) -> bool:
    """Whether the rows are to be written: an earlier run decided so, or this one does now."""
    with reading(resources.sessions) as session:
        job = session.get_one(Job, job_id)
    if job.state != LAUNCHING or job.launched_at is not None:
        return job.state == LAUNCHING
    place, now = resources, resources.clock()
    try:
        with reading(place.sessions) as session:  # it asks the venues: outside of what writes
            found = launch_gate.preview(session, job_id, place.venues, place.blobs, now)
        launch_gate.check(found)
        with transaction(place.sessions) as session:
            asked = _held(session, job_id, lease)
            if asked is None:
                return False
            planning.lock_job(session, job_id)
            intents.refuse_launches(session)
            planning.check_cost(session, asked, place.venues, place.blobs, now)
            asked.launched_at = now
    except _REFUSALS as error:
        _refuse(resources, job_id, lease, str(error))
        return False
    return True


def _refuse(resources: Resources, job_id: int, lease: Lease, why: str) -> None:
    """The job is a draft again, in one transaction with the reason."""
    with transaction(resources.sessions) as session:
        job = _held(session, job_id, lease)
        if job is not None:
            job.state = "draft"
            work.refuse(session, lease.claim, resources.clock(), why)


def _held(session: Session, job_id: int, lease: Lease) -> Job | None:
    """The job, held until the end of the transaction; None once another launch was first."""
    lease.fence(session)
    job = session.get_one(Job, job_id, with_for_update=True, populate_existing=True)
    return job if job.state == LAUNCHING else None


def _has_given_up(session: Session, job: Job) -> bool:
    """Whether the launch waits for a person, who now asks for it again."""
    state = session.scalar(select(Work.state).where(Work.key == f"{CALL}:{job.id}"))
    return job.state == LAUNCHING and state == "needs_person"
