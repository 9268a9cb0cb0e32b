"""Services: rehearsals asked for on a page and done outside the request, with their forecasts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.errors import Conflict, InvalidInput, NotFound
from jobs.rehearsals.forecast import MOST_ITEMS, MOST_RUNS, Forecast, Wanted, parse_people
from jobs.rehearsals.run import Cast
from jobs.tables import Job, Rehearsal
from quality.simulate import profile

WORKERS, STAFF, MODEL = "careful:2,average:4,sloppy:1", "careful:2", "average"
N_ITEMS, N_RUNS = 20, 5
GIVEN_UP_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class SavedRehearsal:
    """Where a rehearsal stands; ``result`` is the forecast's fields, empty before it is done."""

    id: int
    job_id: int
    state: str
    n_done: int
    n_runs: int
    result: dict[str, Any]
    problem: str
    created_by: str
    created_at: datetime


@dataclass(frozen=True)
class Asked:
    """A rehearsal that has not ended: of which job, and how it is to be done."""

    job_id: int
    wanted: Wanted


def plan_rehearsal(
    session: Session,
    job_id: int,
    *,
    actor: str,
    now: datetime,
    n_items: int = N_ITEMS,
    n_runs: int = N_RUNS,
) -> int | None:
    """The id of a new rehearsal of the draft, or None while one is under way.

    Raises:
        InvalidInput: for a number of items or runs out of bounds.
        NotFound: when there is no such job.
        Conflict: when the job is not a draft any more.

    """
    if not 1 <= n_items <= MOST_ITEMS or not 2 <= n_runs <= MOST_RUNS:
        raise InvalidInput(
            f"rehearsal: expected 1 to {MOST_ITEMS} items and 2 to {MOST_RUNS} runs, "
            f"got {n_items} and {n_runs}"
        )
    job = session.get(Job, job_id, with_for_update=True)
    if job is None:
        raise NotFound(f"job {job_id}: no such job")
    if job.state != "draft":
        raise Conflict(f"job {job_id} is {job.state}: expected a draft")
    last = newest(session, job_id, now)
    if last is not None and last.state == "planned":
        return None
    row = Rehearsal(
        job_id=job_id, state="planned", n_items=n_items, n_done=0, n_runs=n_runs, result={},
        problem="", created_by=actor, created_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row.id


def newest(session: Session, job_id: int, now: datetime) -> SavedRehearsal | None:
    """The job's last rehearsal; one that has not ended after an hour counts as failed."""
    row = session.scalars(
        select(Rehearsal).where(Rehearsal.job_id == job_id).order_by(Rehearsal.id.desc()).limit(1)
    ).first()
    if row is None:
        return None
    is_lost = row.state == "planned" and now - row.created_at > GIVEN_UP_AFTER
    return SavedRehearsal(
        id=row.id,
        job_id=row.job_id,
        state="failed" if is_lost else row.state,
        n_done=row.n_done,
        n_runs=row.n_runs,
        result=row.result,
        problem="it did not end within an hour; start it again" if is_lost else row.problem,
        created_by=row.created_by,
        created_at=row.created_at,
    )


def asked(session: Session, rehearsal_id: int) -> Asked | None:
    """What a rehearsal that has not ended is to do, with the usual crowd; None once it has."""
    row = _row(session, rehearsal_id)
    if row.state != "planned":
        return None
    cast = Cast(parse_people(WORKERS, "workers"), parse_people(STAFF, "staff"), profile(MODEL))
    return Asked(row.job_id, Wanted(cast, row.n_items, row.n_runs))


def note_progress(session: Session, rehearsal_id: int, n_done: int) -> None:
    """Say how many runs are done; never fewer than said before."""
    row = _row(session, rehearsal_id, lock=True)
    row.n_done = max(row.n_done, n_done)


def end_rehearsal(
    session: Session,
    rehearsal_id: int,
    now: datetime,
    found: Forecast | None,
    problem: str = "",
) -> None:
    """Keep what came of the rehearsal; a second time nothing changes."""
    row = _row(session, rehearsal_id, lock=True)
    if row.state != "planned":
        return
    row.state, row.problem, row.finished_at = "done" if found else "failed", problem[:4000], now
    if found:
        row.n_done = row.n_runs
        row.result = {**asdict(found), "runs": []}


def _row(session: Session, rehearsal_id: int, *, lock: bool = False) -> Rehearsal:
    found = select(Rehearsal).where(Rehearsal.id == rehearsal_id)
    row = session.scalars(found.with_for_update() if lock else found).first()
    if row is None:
        raise NotFound(f"rehearsal {rehearsal_id}: no such rehearsal")
    return row
