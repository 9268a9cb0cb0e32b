"""Service: final labels. Versions are added, never changed; the newest counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import exists, func, or_, select, tuple_
from sqlalchemy.orm import Session

from jobs import events
from jobs.combining import gold_results
from jobs.db import Sessions, reading, transaction
from jobs.errors import NotFound
from jobs.records import WAITING
from jobs.tables import Batch, Consensus, Job, Label, Work

SYSTEM = "system"
PAGE = 500
Place = tuple[int, str]
START: Place = (0, "")


def finish_job(session: Session, job_id: int, now: datetime) -> int:
    """The number of labels written: one for each sure question whose label is missing or old.

    While answers are awaited only missing labels are written; once no batch is open, those
    that the last answers changed get a new version, so that the newest labels depend on the
    answers alone and not on when they came. Safe to repeat: an unchanged consensus writes
    nothing, and a person's label is never replaced by a later consensus. The job is finished
    once nothing is open.
    """
    job = session.get(Job, job_id)
    if job is None:
        raise NotFound(f"job {job_id} does not exist")
    is_awaiting = _n_open_batches(session, job_id) > 0
    n_written = 0
    place: Place | None = START
    while place is not None:
        n_more, place = _finish_page(session, job_id, place, now, is_awaiting=is_awaiting)
        n_written += n_more
    gold_results.refresh(session, job_id)
    finish_if_quiet(session, job, now)
    return n_written


def finish_in_pages(
    sessions: Sessions, job_id: int, now: datetime, progress: Callable[[int, int], None]
) -> int:
    """The same for the background, a page a transaction; one that breaks off goes on next time."""
    with reading(sessions) as session:
        is_awaiting = _n_open_batches(session, job_id) > 0
    n_written = n_pages = 0
    place: Place | None = START
    while place is not None:
        with transaction(sessions) as session:
            n_more, place = _finish_page(session, job_id, place, now, is_awaiting=is_awaiting)
        n_written, n_pages = n_written + n_more, n_pages + 1
        progress(n_pages, n_pages + 1)
    with transaction(sessions) as session:
        gold_results.refresh(session, job_id)
        finish_if_quiet(session, session.get_one(Job, job_id), now)
    return n_written


def _finish_page(
    session: Session, job_id: int, place: Place, now: datetime, *, is_awaiting: bool
) -> tuple[int, Place | None]:
    """Labels written for the next sure questions after ``place``, and where to go on."""
    found = (
        select(Consensus)
        .where(
            Consensus.job_id == job_id,
            Consensus.state == "sure",
            tuple_(Consensus.item_id, Consensus.kind) > place,
        )
        .order_by(Consensus.item_id, Consensus.kind)
        .limit(PAGE)
    )
    if is_awaiting:
        found = found.where(
            ~exists().where(
                Label.job_id == job_id,
                Label.item_id == Consensus.item_id,
                Label.kind == Consensus.kind,
            )
        )
    rows = session.scalars(found).all()
    newest = newest_labels(session, job_id, [row.item_id for row in rows])
    fresh = [
        consensus_label(row, newest.get((row.item_id, row.kind)), now)
        for row in rows
        if _wantsconsensus_label(row, newest.get((row.item_id, row.kind)), is_awaiting=is_awaiting)
    ]
    session.add_all(fresh)
    session.flush()
    return len(fresh), (rows[-1].item_id, rows[-1].kind) if len(rows) == PAGE else None


def _wantsconsensus_label(row: Consensus, label: Label | None, *, is_awaiting: bool) -> bool:
    if label is None:
        return True
    return not is_awaiting and label.origin == "consensus" and label.value != row.value


def consensus_label(row: Consensus, before: Label | None, now: datetime) -> Label:
    return Label(
        job_id=row.job_id,
        item_id=row.item_id,
        kind=row.kind,
        version=before.version + 1 if before else 1,
        value=row.value,
        confidence=row.confidence,
        origin="consensus",
        provenance={
            **row.provenance,
            "method": row.method,
            "n_answers": row.n_answers,
            "answers_sha256": row.answers_sha256,
        },
        actor=SYSTEM,
        created_at=now,
    )


def newest_labels(
    session: Session, job_id: int, item_ids: Sequence[int]
) -> dict[tuple[int, str], Label]:
    """The newest label versions of these items, by item and kind, counted or not."""
    rows = session.scalars(
        select(Label)
        .where(Label.job_id == job_id, Label.item_id.in_(item_ids))
        .order_by(Label.item_id, Label.kind, Label.version)
    )
    return {(row.item_id, row.kind): row for row in rows}


def finish_if_quiet(session: Session, job: Job, now: datetime) -> None:
    """End a running job in which nothing is open; a job that is looked at anew waits for that."""
    session.flush()
    if job.state == "running" and _is_quiet(session, job.id) and not _is_old(session, job.id):
        job.state = "finished"
        job.finished_at = now
        events.tell(session, "job.finished", f"{job.id}:{now.isoformat()}", now, job_id=job.id)


def _is_old(session: Session, job_id: int) -> bool:
    """Whether answers came, or HITs closed, since the job was combined: the next run looks."""
    asked = select(Work.id).where(
        Work.key == f"advance_job:{job_id}", or_(Work.run_again, Work.state == "ready")
    )
    return session.scalar(asked) is not None


def _is_quiet(session: Session, job_id: int) -> bool:
    """Whether no batch is open and no question waits for answers or for a person."""
    waiting = exists().where(Consensus.job_id == job_id, Consensus.state.in_(("open", *WAITING)))
    return not session.scalar(select(waiting)) and not _n_open_batches(session, job_id)


def _n_open_batches(session: Session, job_id: int) -> int:
    query = select(func.count()).where(Batch.job_id == job_id, Batch.state != "closed")
    return session.scalar(query) or 0
