"""How a job stands: progress, agreement, accuracy against gold, money. Read off its counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from jobs.combining import tallies
from jobs.combining.tallies import N_BINS, Counts
from jobs.errors import NotFound
from jobs.records import SETTLED, WAITING
from jobs.reports.accuracy import GoldAccuracy, accuracy_against_gold
from jobs.reports.launches import LaunchProgress, launch_progress
from jobs.reports.money import RouteCost, cost_by_route
from jobs.specs.job_specs import Policy
from jobs.tables import Dataset, Finding, Job, SchemaVersion

_OF_JOBS = ("questions", "answers", "states", "agreement", "agreement_sum")


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
    """All of a job's page. Histograms have N_BINS equal bins over [0, 1].

    ``sure_at`` is the confidence from which on the job takes an answer for the label.
    ``launch`` is there while a launch is under way, and after one that was not carried out.
    """

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
    sure_at: float
    launch: LaunchProgress | None = None


def job_list(
    session: Session, *, before: int | None = None, limit: int | None = None
) -> tuple[JobSummary, ...]:
    """Jobs with an id under ``before``, newest first; the same few queries whatever their size."""
    found = _jobs().order_by(Job.id.desc()).limit(limit)
    if before is not None:
        found = found.where(Job.id < before)
    return _summaries(session, session.execute(found).all())


def n_jobs(session: Session) -> int:
    """How many jobs there are."""
    return session.scalar(select(func.count()).select_from(Job)) or 0


def job_report(session: Session, job_id: int) -> JobReport:
    """The job's numbers. NotFound when there is no such job."""
    jobs = session.execute(_jobs().where(Job.id == job_id)).all()
    if not jobs:
        raise NotFound(f"job {job_id} does not exist")
    counts = tallies.read(
        session, [job_id], "hits", "assignments", "states", "unparsed", "confidence", "agreement"
    )[job_id]
    n_findings = select(func.count()).where(Finding.job_id == job_id, Finding.state == "open")
    return JobReport(
        summary=_summaries(session, jobs)[0],
        routes=cost_by_route(session, job_id),
        hits_by_state=counts.by_key("hits"),
        assignments_by_state=counts.by_key("assignments"),
        consensus_by_state=states(counts),
        n_unparsed=counts.total("unparsed"),
        n_findings=session.scalar(n_findings) or 0,
        gold=accuracy_against_gold(session, job_id),
        confidence_histogram=_histogram(counts, "confidence"),
        agreement_histogram=_histogram(counts, "agreement"),
        sure_at=Policy.model_validate(jobs[0][0].policy).quality.sure_at,
        launch=launch_progress(session, job_id, jobs[0][0].state),
    )


def states(counts: Counts, kind: str = "") -> dict[str, int]:
    """Questions by state, of one kind or of both."""
    found: dict[str, int] = {}
    for place, n in counts.by_key("states").items():
        own, _, state = place.partition(" ")
        if kind in ("", own):
            found[state] = found.get(state, 0) + n
    return found


def _jobs() -> Select[Job, str, str, int]:
    return (
        select(Job, Dataset.name, SchemaVersion.name, SchemaVersion.version)
        .join(Dataset, Dataset.id == Job.dataset_id)
        .join(SchemaVersion, SchemaVersion.id == Job.schema_id)
    )


def _summaries(session: Session, rows: Sequence[Any]) -> tuple[JobSummary, ...]:
    if not rows:
        return ()
    counts = tallies.read(session, [row[0].id for row in rows], *_OF_JOBS)
    items = tallies.read(session, {row[0].dataset_id for row in rows}, "items")
    return tuple(_summary(row, counts[row[0].id], items[row[0].dataset_id]) for row in rows)


def _summary(row: Any, counts: Counts, items: Counts) -> JobSummary:
    """A settled question has its label: both are written in one transaction."""
    job, dataset, schema, version = row
    by_state = states(counts)
    n_compared = counts.total("agreement")
    return JobSummary(
        id=job.id,
        name=job.name,
        state=job.state,
        environment=job.environment,
        dataset=dataset,
        schema=f"{schema} v{version}",
        n_items=items.total("items"),
        n_questions=counts.total("questions"),
        n_labels=sum(by_state.get(state, 0) for state in SETTLED),
        n_answers=counts.total("answers"),
        n_conflicts=sum(by_state.get(state, 0) for state in WAITING),
        agreement=counts.total("agreement_sum") / 1_000_000 / n_compared if n_compared else None,
        budget_micros=job.budget_micros,
        held_micros=job.held_micros,
        spent_micros=job.spent_micros,
        created_at=job.created_at,
        launched_at=job.launched_at,
        finished_at=job.finished_at,
    )


def _histogram(counts: Counts, subject: str) -> tuple[int, ...]:
    by_bin = counts.by_key(subject)
    return tuple(by_bin.get(f"{number:02d}", 0) for number in range(N_BINS))
