"""Whether the machinery runs, told from the work table alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.tables import Finding, Intent, Sweep, Switch, Work


@dataclass(frozen=True)
class Health:
    """``oldest_due_seconds`` is how long the most overdue work row has waited (0: none)."""

    work_by_state: dict[str, int]
    oldest_due_seconds: float
    last_swept_at: datetime | None
    n_unknown_intents: int
    n_open_findings: int
    is_paused: bool
    pause_reason: str


def health(session: Session, now: datetime) -> Health:
    """The state of background work, unknown outcomes, findings and the pause switch."""
    states = session.execute(select(Work.state, func.count()).group_by(Work.state))
    oldest = session.scalar(
        select(func.min(Work.next_try_at)).where(Work.state == "ready", Work.next_try_at <= now)
    )
    pause = session.get(Switch, "pause")
    return Health(
        work_by_state=dict(states.all()),
        oldest_due_seconds=(now - oldest).total_seconds() if oldest else 0.0,
        last_swept_at=session.scalar(select(func.max(Sweep.last_swept_at))),
        n_unknown_intents=session.scalar(
            select(func.count()).where(Intent.state == "unknown", Intent.state != "done")
        )
        or 0,
        n_open_findings=session.scalar(select(func.count()).where(Finding.state == "open")) or 0,
        is_paused=bool(pause and pause.is_on),
        pause_reason=pause.reason if pause and pause.is_on else "",
    )
