"""What a job spent by day and by worker, read off its counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.combining import tallies
from jobs.tables import Tally, Worker


@dataclass(frozen=True)
class DayTotal:
    """Rewards, fees and bonuses settled on a day of UTC."""

    day: date
    spent_micros: int


@dataclass(frozen=True)
class WorkerTotal:
    """What a worker was paid in the job, without the venue's fees."""

    worker_id: int
    provider: str
    provider_worker_id: str
    name: str
    earned_micros: int


def day_totals(session: Session, job_id: int) -> tuple[DayTotal, ...]:
    """The job's spending by day, newest first."""
    place = func.substr(Tally.key, 1, 10)
    rows = session.execute(
        select(place.label("day"), func.sum(Tally.n))
        .where(Tally.owner_id == job_id, Tally.subject == "spent")
        .group_by("day")
        .order_by(place.desc())
    )
    return tuple(DayTotal(date.fromisoformat(day), int(micros)) for day, micros in rows)


def worker_totals(session: Session, job_id: int, *, limit: int = 100) -> tuple[WorkerTotal, ...]:
    """Who was paid most in the job, at most ``limit`` of them."""
    earned = tallies.read(session, [job_id], "earned")[job_id].by_part("earned")
    ranked = sorted(earned.items(), key=lambda pair: (-pair[1], pair[0]))[:limit]
    workers = session.scalars(select(Worker).where(Worker.id.in_([one for one, _ in ranked])))
    known: dict[int, Worker] = {worker.id: worker for worker in workers}
    return tuple(
        WorkerTotal(
            worker_id=worker_id,
            provider=known[worker_id].provider,
            provider_worker_id=known[worker_id].provider_worker_id,
            name=known[worker_id].name,
            earned_micros=micros,
        )
        for worker_id, micros in ranked
        if worker_id in known
    )
