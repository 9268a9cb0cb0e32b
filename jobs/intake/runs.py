"""One run of an import's background call: its fence against other runs, and the rows it reads.

A run takes a number that is one higher than any before it. Whatever it writes, it first makes
sure under a lock that no later run has begun and that nobody has cancelled the import.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.db import reading, transaction
from jobs.intake.intakes import FORGOTTEN, uploads_folder
from jobs.resources import Resources
from jobs.tables import Intake, IntakeFile
from jobs.work import LeaseLost, Progress

_AT_ONCE = 32


class Moved(Exception):
    """The import is no longer in the state this step works in: somebody cancelled it."""


@dataclass(frozen=True)
class Run:
    """One run of the call; ``number`` fences it off from runs before and after."""

    resources: Resources
    intake_id: int
    number: int
    progress: Progress
    state: str
    source: str
    staged: str
    created_at: datetime

    @property
    def folder(self) -> Path:
        """The staging folder."""
        return uploads_folder(self.resources.settings) / self.staged


def begin(resources: Resources, intake_id: int, progress: Progress) -> Run | None:
    """The import's next run; None when it is gone. An upload forgotten for a day is cancelled."""
    now = resources.clock()
    with transaction(resources.sessions) as session:
        row = session.get(Intake, intake_id, with_for_update=True)
        if row is None:
            return None
        row.run += 1
        if row.state == "receiving" and (row.touched_at or row.created_at) + FORGOTTEN <= now:
            row.state = "cancelled"
        session.flush()
        return Run(
            resources, row.id, row.run, progress, row.state, row.source, row.staged, row.created_at
        )


def reread(run: Run) -> Run | None:
    """The run with the state that the import is in now; None when it is gone."""
    with reading(run.resources.sessions) as session:
        row = session.get(Intake, run.intake_id)
        return replace(run, state=row.state) if row else None


def owned(session: Session, run: Run) -> Intake:
    """The row, locked, while this run is the newest and the import in the state it works in."""
    row = session.get(Intake, run.intake_id, with_for_update=True, populate_existing=True)
    if row is None or row.run != run.number:
        raise LeaseLost(f"import {run.intake_id}: another run has taken it over")
    if row.state != run.state:
        raise Moved
    return row


def rows_in(run: Run, state: str) -> Any:
    """The import's rows in that state, in order: a statement."""
    return (
        select(IntakeFile)
        .where(IntakeFile.intake_id == run.intake_id, IntakeFile.state == state)
        .order_by(IntakeFile.row)
    )


def page_of(run: Run, state: str) -> list[IntakeFile]:
    """The first few of its rows in that state."""
    with reading(run.resources.sessions) as session:
        return list(session.scalars(rows_in(run, state).limit(_AT_ONCE)))


def count(session: Session, run: Run, state: str) -> int:
    """How many of its rows are in that state."""
    counted = select(func.count()).where(
        IntakeFile.intake_id == run.intake_id, IntakeFile.state == state
    )
    return session.scalar(counted) or 0
