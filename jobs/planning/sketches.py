"""Services: questions that were begun and not finished, each seen by its owner alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from jobs.errors import InvalidInput, NotFound
from jobs.tables import Dataset, JobSketch

MOST_SKETCHES = 20
LARGEST = 200_000  # characters


@dataclass(frozen=True)
class SketchRow:
    """A question that was begun: about which dataset, and what it is called so far."""

    id: int
    dataset_id: int
    dataset: str
    title: str
    touched_at: datetime


def keep(
    session: Session,
    sketch_id: int,
    actor: str,
    dataset_id: int,
    form: Mapping[str, str],
    now: datetime,
) -> int:
    """The sketch's id: a new one for 0; keeping it again overwrites it.

    The oldest give way beyond ``MOST_SKETCHES`` of one person.

    Raises:
        InvalidInput: when the form is too long to be a question.
        NotFound: for another person's sketch, or one that is gone.

    """
    if sum(len(name) + len(text) for name, text in form.items()) > LARGEST:
        raise InvalidInput(f"question: expected at most {LARGEST:,} characters")
    if sketch_id:
        row = _own(session, sketch_id, actor)
        row.form, row.touched_at = dict(form), now
    else:
        row = JobSketch(actor=actor, dataset_id=dataset_id, form=dict(form), touched_at=now)
        session.add(row)
    session.flush()
    newest = select(JobSketch.id).where(JobSketch.actor == actor).order_by(JobSketch.id.desc())
    kept = list(session.scalars(newest.limit(MOST_SKETCHES)))
    session.execute(
        delete(JobSketch).where(JobSketch.actor == actor, JobSketch.id.not_in([*kept, row.id]))
    )
    return row.id


def form_of(session: Session, sketch_id: int, actor: str) -> dict[str, str]:
    """The form as it was kept. NotFound for another person's."""
    return {str(name): str(text) for name, text in _own(session, sketch_id, actor).form.items()}


def drop(session: Session, sketch_id: int, actor: str) -> None:
    """Forget a sketch; one that is gone already, or another person's, stays as it is."""
    session.execute(delete(JobSketch).where(JobSketch.id == sketch_id, JobSketch.actor == actor))


def begun_by(session: Session, actor: str) -> tuple[SketchRow, ...]:
    """What this person has begun, the latest first."""
    rows = session.execute(
        select(JobSketch, Dataset.name)
        .join(Dataset, Dataset.id == JobSketch.dataset_id)
        .where(JobSketch.actor == actor)
        .order_by(JobSketch.touched_at.desc(), JobSketch.id.desc())
    )
    return tuple(
        SketchRow(
            row.id,
            row.dataset_id,
            dataset,
            str(row.form.get("title") or row.form.get("name") or ""),
            row.touched_at,
        )
        for row, dataset in rows
    )


def _own(session: Session, sketch_id: int, actor: str) -> JobSketch:
    row = session.get(JobSketch, sketch_id)
    if row is None or row.actor != actor:
        raise NotFound(f"question {sketch_id}: nothing was begun under this number")
    return row
