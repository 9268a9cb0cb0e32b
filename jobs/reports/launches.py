"""How far a launch is that was asked for, and why the last one was not carried out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.reports.exports import last_line
from jobs.tables import Work


@dataclass(frozen=True)
class LaunchProgress:
    """A launch under way, or the last one that was not carried out.

    ``state`` is waiting, running, refused (nothing was written, the job is a draft again) or
    failed (a person must ask again). ``n_done`` of ``n_total`` HITs are prepared. ``problem``
    says why it was refused or failed, or what broke off the last try; ``at`` when it ended.
    """

    state: str
    n_done: int
    n_total: int
    problem: str
    at: datetime | None


def launch_progress(session: Session, job_id: int, job_state: str) -> LaunchProgress | None:
    """The launch of a job in this state; None for a draft without one, and for what runs."""
    if job_state not in ("draft", "launching"):
        return None
    row = session.scalar(select(Work).where(Work.key == f"launch_job:{job_id}"))
    if row is None or (job_state == "draft" and not row.error):
        return None
    if job_state == "draft":
        state = "refused"
    elif row.state == "needs_person":
        state = "failed"
    else:
        state = "running" if row.state == "running" else "waiting"
    problem = row.error if state == "refused" else last_line(row.error)
    return LaunchProgress(state, row.n_done, row.n_total, problem, row.finished_at)
