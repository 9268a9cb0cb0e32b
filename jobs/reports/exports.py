"""What was exported: who, when, which labels, and how far the file is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from jobs.errors import NotFound
from jobs.exporting.choices import Filters, from_body
from jobs.exporting.exports import TASK
from jobs.tables import Export, Work

UNFINISHED = ("waiting", "running")


@dataclass(frozen=True)
class ExportRow:
    """One export of a job; ``file_name`` lies in the exports folder once it was written.

    ``state`` is waiting, running, done or failed; ``problem`` says why it failed, or, while it
    is waiting, what broke off the last try. ``filters`` and ``included`` are None in an export
    from before label versions were pinned: only those that have them can be made again.
    ``checked_at`` is when it was last made again, to the same bytes.
    """

    id: int
    job_id: int
    name: str
    format: str
    state: str
    problem: str
    n_done: int
    n_labels: int
    filters: Filters | None
    included: tuple[str, ...] | None
    file_name: str
    sha256: str
    n_bytes: int
    actor: str
    created_at: datetime
    finished_at: datetime | None
    checked_at: datetime | None

    @property
    def is_unfinished(self) -> bool:
        """Whether the background still has to do with it."""
        return self.state in UNFINISHED


def export_list(
    session: Session, job_id: int, *, before: int | None = None, limit: int = 200
) -> tuple[ExportRow, ...]:
    """The exports of a job, newest first, from under the id ``before``."""
    found = _joined().where(Export.job_id == job_id)
    if before is not None:
        found = found.where(Export.id < before)
    return tuple(map(_row, session.execute(found.order_by(Export.id.desc()).limit(limit))))


def export_row(session: Session, job_id: int, export_id: int) -> ExportRow:
    """One export of the job. NotFound for another job's."""
    found = _joined().where(Export.id == export_id, Export.job_id == job_id)
    row = session.execute(found).first()
    if row is None:
        raise NotFound(f"export {export_id} is not of job {job_id}")
    return _row(row)


def _joined() -> Any:
    is_its_work = (Work.subject_id == Export.id) & (Work.task_name == TASK)
    return select(Export, Work).outerjoin(Work, is_its_work)


def _row(found: Row[Any, Any]) -> ExportRow:
    row, work = found
    choices = from_body(row.format, row.choices) if row.choices else None
    state, problem = _state(row, work)
    return ExportRow(
        id=row.id,
        job_id=row.job_id,
        name=row.name,
        format=row.format,
        state=state,
        problem=problem,
        n_done=work.n_done if state == "running" else 0,
        n_labels=row.n_labels,
        filters=choices.filters if choices else None,
        included=choices.included if choices else None,
        file_name=row.file_name,
        sha256=row.sha256,
        n_bytes=row.n_bytes,
        actor=row.actor,
        created_at=row.created_at,
        finished_at=row.finished_at,
        checked_at=row.checked_at,
    )


def _state(row: Export, work: Work | None) -> tuple[str, str]:
    """The state as people see it: that of the row, or of the work that is to change it."""
    if row.state != "planned":
        return row.state, row.problem
    if work is None or work.state == "needs_person":
        return "failed", last_line(work.error if work else "nothing is set to write it")
    return ("running" if work.state == "running" else "waiting"), last_line(work.error)


def last_line(error: str) -> str:
    """A traceback is for the log: its last line says what happened."""
    lines = error.strip().splitlines()
    return lines[-1] if lines else ""
