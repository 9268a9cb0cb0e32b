"""How a job stands: progress, agreement, accuracy against gold, money."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from jobs.errors import NotFound
from jobs.records import SETTLED
from jobs.reports.accuracy import GoldAccuracy, accuracy_against_gold
from jobs.reports.money import RouteCost, cost_by_route
from jobs.tables import (
    Answer,
    Assignment,
    Batch,
    Consensus,
    Dataset,
    Finding,
    Hit,
    Item,
    Job,
    SchemaVersion,
    Task,
)

N_BINS = 20


@dataclass(frozen=True)
class JobSummary:
    """One line of the jobs list. ``agreement`` is the mean over questions with two answers."""

    id: int
    name: str
    state: str
    environment: str
    dataset: str
    schema: str
    n_items: int
    n_questions: int
    n_labels: int
    n_answers: int
    n_conflicts: int
    agreement: float | None
    budget_micros: int
    held_micros: int
    spent_micros: int
    created_at: datetime
    launched_at: datetime | None
    finished_at: datetime | None

    @property
    def progress(self) -> float:
        return self.n_labels / self.n_questions if self.n_questions else 0.0

    @property
    def cost_per_label_micros(self) -> int | None:
        return self.spent_micros // self.n_labels if self.n_labels else None


@dataclass(frozen=True)
class JobReport:
    """All of a job's page. Histograms have N_BINS equal bins over [0, 1]."""

    summary: JobSummary
    routes: tuple[RouteCost, ...]
    hits_by_state: dict[str, int]
    assignments_by_state: dict[str, int]
    consensus_by_state: dict[str, int]
    n_unparsed: int
    n_findings: int
    gold: tuple[GoldAccuracy, ...]
    confidence_histogram: tuple[int, ...]
    agreement_histogram: tuple[int, ...]


def job_list(session: Session) -> tuple[JobSummary, ...]:
    """Every job, newest first; a fixed number of queries whatever their number."""
    jobs = session.execute(_jobs().order_by(Job.id.desc())).all()
    return _summaries(session, jobs)


def job_report(session: Session, job_id: int) -> JobReport:
    """The job's numbers. NotFound when there is no such job."""
    jobs = session.execute(_jobs().where(Job.id == job_id)).all()
    if not jobs:
        raise NotFound(f"job {job_id} does not exist")
    return JobReport(
        summary=_summaries(session, jobs)[0],
        routes=cost_by_route(session, job_id),
        hits_by_state=_counts(
            session,
            select(Hit.state, func.count())
            .join(Batch, Batch.id == Hit.batch_id)
            .where(Batch.job_id == job_id)
            .group_by(Hit.state),
        ),
        assignments_by_state=_counts(session, _assignments(job_id, Assignment.state)),
        consensus_by_state=_counts(
            session,
            select(Consensus.state, func.count())
            .where(Consensus.job_id == job_id)
            .group_by(Consensus.state),
        ),
        n_unparsed=_counts(session, _assignments(job_id, Assignment.parse_state)).get(
            "unparsed", 0
        ),
        n_findings=session.scalar(
            select(func.count()).where(Finding.job_id == job_id, Finding.state == "open")
        )
        or 0,
        gold=accuracy_against_gold(session, job_id),
        confidence_histogram=_histogram(session, job_id, Consensus.confidence),
        agreement_histogram=_histogram(session, job_id, Consensus.agreement),
    )


def _jobs() -> Select[Job, str, str, int]:
    return (
        select(Job, Dataset.name, SchemaVersion.name, SchemaVersion.version)
        .join(Dataset, Dataset.id == Job.dataset_id)
        .join(SchemaVersion, SchemaVersion.id == Job.schema_id)
    )


@dataclass(frozen=True)
class _Tally:
    """Sums over a job's questions."""

    n_labels: int = 0
    n_conflicts: int = 0
    agreement: float | None = None


def _summaries(session: Session, rows) -> tuple[JobSummary, ...]:  # type: ignore[no-untyped-def]
    job_ids = [row[0].id for row in rows]
    n_items = _counts(
        session,
        select(Item.dataset_id, func.count())
        .where(Item.dataset_id.in_({row[0].dataset_id for row in rows}))
        .group_by(Item.dataset_id),
    )
    n_questions = _n_questions(session, job_ids)
    tallies = _tallies(session, job_ids)
    n_answers = _counts(
        session,
        select(Task.job_id, func.count())
        .join(Answer, Answer.task_id == Task.id)
        .where(Task.job_id.in_(job_ids))
        .group_by(Task.job_id),
    )
    return tuple(
        JobSummary(
            id=job.id,
            name=job.name,
            state=job.state,
            environment=job.environment,
            dataset=dataset,
            schema=f"{schema} v{version}",
            n_items=n_items.get(job.dataset_id, 0),
            n_questions=n_questions.get(job.id, 0),
            n_labels=tallies.get(job.id, _Tally()).n_labels,
            n_answers=n_answers.get(job.id, 0),
            n_conflicts=tallies.get(job.id, _Tally()).n_conflicts,
            agreement=tallies.get(job.id, _Tally()).agreement,
            budget_micros=job.budget_micros,
            held_micros=job.held_micros,
            spent_micros=job.spent_micros,
            created_at=job.created_at,
            launched_at=job.launched_at,
            finished_at=job.finished_at,
        )
        for job, dataset, schema, version in rows
    )


def _n_questions(session: Session, job_ids: Sequence[int]) -> dict[int, int]:
    questions = (
        select(Task.job_id, Task.item_id, Task.kind)
        .where(Task.job_id.in_(job_ids))
        .distinct()
        .subquery()
    )
    return _counts(session, select(questions.c.job_id, func.count()).group_by(questions.c.job_id))


def _tallies(session: Session, job_ids: Sequence[int]) -> dict[int, _Tally]:
    """A settled question has its label: both are written in one transaction."""
    rows = session.execute(
        select(
            Consensus.job_id,
            func.count().filter(Consensus.state.in_(SETTLED)),
            func.count().filter(Consensus.state == "conflict"),
            func.avg(Consensus.agreement),
        )
        .where(Consensus.job_id.in_(job_ids))
        .group_by(Consensus.job_id)
    )
    return {job_id: _Tally(*numbers) for job_id, *numbers in rows}


def _counts(session: Session, query) -> dict:  # type: ignore[no-untyped-def, type-arg]
    return dict(session.execute(query).all())


def _assignments(job_id: int, column):  # type: ignore[no-untyped-def]
    return (
        select(column, func.count())
        .select_from(Assignment)
        .join(Hit, Hit.id == Assignment.hit_id)
        .join(Batch, Batch.id == Hit.batch_id)
        .where(Batch.job_id == job_id)
        .group_by(column)
    )


def _histogram(session: Session, job_id: int, column) -> tuple[int, ...]:  # type: ignore[no-untyped-def]
    bins = func.floor(column * N_BINS)
    found = session.execute(
        select(bins, func.count())
        .where(Consensus.job_id == job_id, column.is_not(None))
        .group_by(bins)
    )
    counts = [0] * N_BINS
    for bin_number, count in found:
        counts[min(int(bin_number), N_BINS - 1)] += count
    return tuple(counts)
