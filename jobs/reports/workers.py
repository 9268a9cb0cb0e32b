"""Who answered, how well, how fast, and for how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Subquery, func, literal, select, union_all
from sqlalchemy.orm import Session

from jobs.combining import tallies
from jobs.errors import NotFound
from jobs.exclusions import silenced
from jobs.tables import Answer, Tally, Task, Worker, WorkerScore


@dataclass(frozen=True)
class WorkerRow:
    """One worker's part in a job; accuracies are in [0, 1] with 95 % intervals."""

    worker_id: int
    provider: str
    provider_worker_id: str
    name: str
    state: str
    kind: str
    n_answers: int
    n_gold: int
    gold_accuracy: float | None
    gold_low: float | None
    gold_high: float | None
    consensus_accuracy: float | None
    consensus_low: float | None
    consensus_high: float | None
    repeat_agreement: float | None
    mean_seconds: float
    n_approved: int
    n_rejected: int
    earned_micros: int
    work_seconds: float
    details: dict[str, Any]

    @property
    def hourly_wage_micros(self) -> int | None:
        """Earned micro-dollars an hour over all this worker's assignments of the job."""
        if self.work_seconds <= 0:
            return None
        return int(self.earned_micros * 3600 / self.work_seconds)


@dataclass(frozen=True)
class WorkerPage:
    """Whole workers of a job, each with its row a kind of question.

    ``next`` is the ``after`` of the next page: the last worker's id; None on the last page.
    """

    rows: tuple[WorkerRow, ...]
    next: int | None


def worker_page(
    session: Session, job_id: int, *, after: int | None = None, limit: int = 100
) -> WorkerPage:
    """Workers behind the worker ``after``: most answers first, those that do not count last.

    The same few queries whatever their number.

    Raises:
        NotFound: when the worker ``after`` is not, or no more, in the job's list.

    """
    places = _places(job_id)
    found = select(places.c.worker_id).order_by(places.c.n.desc(), places.c.worker_id)
    if after is not None:
        n = session.scalar(select(places.c.n).where(places.c.worker_id == after))
        if n is None:
            raise NotFound(f"job {job_id}: worker {after} is not in its list: begin it anew")
        is_fewer = places.c.n < n
        found = found.where(is_fewer | ((places.c.n == n) & (places.c.worker_id > after)))
    ids = list(session.scalars(found.limit(limit + 1)))
    page = ids[:limit]
    return WorkerPage(worker_rows(session, job_id, page), page[-1] if len(ids) > limit else None)


def worker_rows(session: Session, job_id: int, worker_ids: Sequence[int]) -> tuple[WorkerRow, ...]:
    """Each (worker, question kind) of these workers, in their order; none for a stranger."""
    counts = tallies.read(session, [job_id], "work", "earned", "worked_ms", parts=worker_ids)[
        job_id
    ]
    earned, worked = counts.by_part("earned"), counts.by_part("worked_ms")
    silent = set(session.scalars(silenced(job_id)))
    scores = [
        (score, worker)
        for score, worker in session.execute(
            select(WorkerScore, Worker)
            .join(Worker, Worker.id == WorkerScore.worker_id)
            .where(WorkerScore.job_id == job_id, Worker.id.in_(worker_ids))
            .order_by(WorkerScore.n_answers.desc(), WorkerScore.kind)
        )
    ]
    scored = {worker.id for _, worker in scores}
    unscored = _unscored(session, job_id, [one for one in worker_ids if one not in scored])
    place = {worker_id: number for number, worker_id in enumerate(worker_ids)}
    return tuple(
        _row(
            score,
            worker,
            silent,
            counts.of_part("work", worker.id),
            earned.get(worker.id, 0),
            worked.get(worker.id, 0),
        )
        for score, worker in sorted([*scores, *unscored], key=lambda one: place[one[1].id])
    )


def _places(job_id: int) -> Subquery:
    """Every worker of the job, and by what the list is ordered; 0 where nothing counts."""
    score = WorkerScore.__table__.c
    scored = select(score.worker_id, func.max(score.n_answers).label("n"))
    scored = scored.where(score.job_id == job_id).group_by(score.worker_id)
    here = select(score.worker_id).where(score.job_id == job_id)
    silent = select(Tally.part_id, literal(0)).where(
        Tally.owner_id == job_id, Tally.subject == "work", Tally.part_id.not_in(here)
    )
    return union_all(scored, silent.distinct()).subquery()


def _unscored(
    session: Session, job_id: int, worker_ids: Sequence[int]
) -> list[tuple[WorkerScore, Worker]]:
    """Workers none of whose answers count, being excluded or rejected: they can be readmitted."""
    if not worker_ids:
        return []
    rows = session.execute(
        select(Worker, Task.kind, func.count(), func.avg(Answer.seconds))
        .join(Answer, Answer.worker_id == Worker.id)
        .join(Task, Task.id == Answer.task_id)
        .where(Task.job_id == job_id, Worker.id.in_(worker_ids))
        .group_by(Worker.id, Task.kind)
        .order_by(Worker.id, Task.kind)
    )
    return [
        (
            WorkerScore(
                job_id=job_id,
                worker_id=worker.id,
                kind=kind,
                n_answers=n,
                n_gold=0,
                mean_seconds=float(seconds),
                details={},
            ),
            worker,
        )
        for worker, kind, n, seconds in rows
    ]


def _row(
    score: WorkerScore,
    worker: Worker,
    silent: set[int],
    work: dict[str, int],
    earned_micros: int,
    worked_ms: int,
) -> WorkerRow:
    return WorkerRow(
        worker_id=worker.id,
        provider=worker.provider,
        provider_worker_id=worker.provider_worker_id,
        name=worker.name,
        state="excluded" if worker.id in silent else "active",
        kind=score.kind,
        n_answers=score.n_answers,
        n_gold=score.n_gold,
        gold_accuracy=score.gold_accuracy,
        gold_low=score.gold_low,
        gold_high=score.gold_high,
        consensus_accuracy=score.consensus_accuracy,
        consensus_low=score.consensus_low,
        consensus_high=score.consensus_high,
        repeat_agreement=score.repeat_agreement,
        mean_seconds=score.mean_seconds,
        n_approved=work.get("Approved", 0),
        n_rejected=work.get("Rejected", 0),
        earned_micros=earned_micros,
        work_seconds=worked_ms / 1000,
        details=score.details,
    )
