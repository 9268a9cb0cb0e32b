"""Services: how workers stand with us at a venue: kept out, let in again, given a qualification.

Every change is a row; the newest of a worker, account and name is what should hold. The
background carries it to the venue, where setting the same standing again changes nothing.
Whoever is excluded gets a qualification that HIT types ask workers *not* to have: on MTurk a
block counts against the requester and the worker, so it is made only when asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs import exclusions, work
from jobs.errors import Conflict, InvalidInput, NotFound
from jobs.exclusions import EXCLUSION
from jobs.providers import STAFF, environment_of
from jobs.reasons import checked_reason
from jobs.tables import (
    Answer,
    Assignment,
    Batch,
    Hit,
    Job,
    OwnQualification,
    Route,
    StandingChange,
    Task,
    Worker,
)

QUALIFICATION, BLOCK = "qualification", "block"
LONGEST_REASON = 1024
TASK = "set_standing"
MODEL = "model"


@dataclass(frozen=True)
class AnswersLost:
    """A job whose consensus loses a worker's answers while the worker is excluded."""

    job_id: int
    job: str
    state: str
    n_answers: int


@dataclass(frozen=True)
class ExclusionPreview:
    """Whom an exclusion touches, and what it changes here and at the venue."""

    worker_id: int
    provider: str
    provider_worker_id: str
    name: str
    environment: str
    is_excluded: bool
    n_waiting: int
    n_approved: int
    n_rejected: int
    votes_lost: tuple[AnswersLost, ...]
    n_open_hits: int
    """Open HITs at the account, all jobs together."""
    n_hits_still_open_to_them: int
    """Those posted before the account had its exclusion list: the worker may still take them."""


@dataclass(frozen=True)
class Standing:
    """What should hold between us and a worker at an account, and whether the venue has it."""

    kind: str
    name: str
    environment: str
    value: int | None
    state: str
    reason: str
    error: str
    actor: str
    created_at: datetime
    provider_type_id: str
    """The venue's id of the qualification, for a route's requirements; empty before it is made."""


def preview_exclusion(session: Session, job_id: int, worker_id: int) -> ExclusionPreview:
    """What ``exclude`` would do to a worker of the job. Changes nothing.

    Raises:
        NotFound: when there is no such job, or the worker did nothing in it.
        Conflict: for a model, which is left out by its route instead.

    """
    worker, environment = account_of(session, job_id, worker_id)
    counted = session.execute(
        select(Assignment.state, func.count())
        .where(Assignment.worker_id == worker_id)
        .group_by(Assignment.state)
    )
    states = {str(row[0]): int(row[1]) for row in counted}
    n_open, n_without = _open_hits(session, worker.provider, environment)
    return ExclusionPreview(
        worker_id=worker.id,
        provider=worker.provider,
        provider_worker_id=worker.provider_worker_id,
        name=worker.name,
        environment=environment,
        is_excluded=exclusions.is_excluded(session, worker_id, environment),
        n_waiting=states.get("Submitted", 0),
        n_approved=states.get("Approved", 0),
        n_rejected=states.get("Rejected", 0),
        votes_lost=_votes(session, worker, environment),
        n_open_hits=n_open,
        n_hits_still_open_to_them=n_without,
    )


def exclude(
    session: Session,
    job_id: int,
    worker_id: int,
    *,
    reason: str,
    actor: str,
    now: datetime,
    by: str = QUALIFICATION,
) -> StandingChange:
    """Keep the worker out of HITs posted from now on; their answers no longer vote.

    Work already submitted stays to be decided and paid. Asking twice changes nothing.
    ``by`` is ``qualification`` or, beside it, ``block``: the venue then keeps them out of
    every HIT of the account, tells them so, and counts it.

    Raises:
        InvalidInput: for another word, or a reason that is empty or too long.
        NotFound: when there is no such job, or the worker did nothing in it.
        Conflict: for a model.

    """
    worker, environment = account_of(session, job_id, worker_id)
    if by not in (QUALIFICATION, BLOCK):
        raise InvalidInput(f"by: expected qualification or block, got {by!r:.40}")
    ask = _Asking(
        session, job_id, worker, environment, checked_reason(reason, LONGEST_REASON), actor, now
    )
    made = ask.change(QUALIFICATION, EXCLUSION, 1)
    if by == BLOCK:
        made = ask.change(BLOCK, "", 1)
    exclusions.shut_out(session, worker, environment, job_id, now)
    return made


def readmit(
    session: Session, job_id: int, worker_id: int, *, reason: str, actor: str, now: datetime
) -> StandingChange:
    """Let an excluded worker in again, a block being lifted too; their answers vote again.

    Raises:
        Conflict: when the worker is not excluded.

    """
    worker, environment = account_of(session, job_id, worker_id)
    ask = _Asking(
        session, job_id, worker, environment, checked_reason(reason, LONGEST_REASON), actor, now
    )
    newest = newest_change(session, worker_id, environment, QUALIFICATION, EXCLUSION)
    if newest is None and not exclusions.is_excluded(session, worker_id, environment):
        raise Conflict(f"worker {worker.provider_worker_id} is not excluded")
    block = newest_change(session, worker_id, environment, BLOCK, "")
    if block is not None:
        ask.change(BLOCK, "", None)
    made = ask.change(QUALIFICATION, EXCLUSION, None)
    exclusions.let_in(session, worker, environment, job_id, now)
    return made


def grant(
    session: Session,
    job_id: int,
    worker_id: int,
    name: str,
    value: int | None,
    *,
    reason: str,
    actor: str,
    now: datetime,
) -> StandingChange:
    """Give the worker this installation's qualification ``name`` with a score; None takes it away.

    The qualification type is made at the venue when it does not exist yet. Granting the same
    score again changes nothing.

    Raises:
        InvalidInput: for a name or score that a venue does not take.

    """
    worker, environment = account_of(session, job_id, worker_id)
    if not name.strip() or len(name) > 200 or not name.isprintable() or name == EXCLUSION:
        raise InvalidInput(
            f"qualification: expected a name of 1 to 200 printable characters other than "
            f"{EXCLUSION!r}, got {name!r:.80}"
        )
    if value is not None and not 0 <= value <= 2**31 - 1:
        raise InvalidInput(f"qualification: expected a score from 0 to {2**31 - 1}, got {value}")
    ask = _Asking(
        session, job_id, worker, environment, checked_reason(reason, LONGEST_REASON), actor, now
    )
    return ask.change(QUALIFICATION, name.strip(), value)


def standings(session: Session, worker_id: int) -> tuple[Standing, ...]:
    """Every change of the worker's standing, the newest first."""
    rows = session.execute(
        select(StandingChange, OwnQualification.provider_type_id)
        .join(Worker, Worker.id == StandingChange.worker_id)
        .outerjoin(
            OwnQualification,
            (OwnQualification.provider == Worker.provider)
            & (OwnQualification.environment == StandingChange.environment)
            & (OwnQualification.name == StandingChange.name),
        )
        .where(StandingChange.worker_id == worker_id)
        .order_by(StandingChange.id.desc())
    )
    return tuple(
        Standing(
            row.kind, row.name, row.environment, row.value, row.state, row.reason, row.error,
            row.actor, row.created_at, type_id or "",
        )
        for row, type_id in rows
    )  # fmt: skip


def find_worker(session: Session, job_id: int, name: str) -> Worker:
    """The worker of the job whose number or whose id at the venue is ``name``; else NotFound."""
    is_number = name.isascii() and name.isdigit() and len(name) <= 18
    found = (
        select(Worker)
        .join(Assignment, Assignment.worker_id == Worker.id)
        .join(Hit, Hit.id == Assignment.hit_id)
        .join(Batch, Batch.id == Hit.batch_id)
        .where(Batch.job_id == job_id)
        .where(Worker.id == int(name) if is_number else Worker.provider_worker_id == name)
    )
    worker = session.scalars(found.order_by(Worker.id).limit(1)).first()
    if worker is None:
        raise NotFound(f"worker {name!r:.80}: did nothing in job {job_id}")
    return worker


def account_of(session: Session, job_id: int, worker_id: int) -> tuple[Worker, str]:
    """The worker, and the environment of the account at which the job meets them."""
    job = session.get(Job, job_id)
    if job is None:
        raise NotFound(f"job {job_id}: no such job")
    worker = session.get(Worker, worker_id)
    worked = (
        select(Assignment.id)
        .join(Hit, Hit.id == Assignment.hit_id)
        .join(Batch, Batch.id == Hit.batch_id)
        .where(Batch.job_id == job_id, Assignment.worker_id == worker_id)
    )
    if worker is None or session.scalars(worked.limit(1)).first() is None:
        raise NotFound(f"worker {worker_id}: did nothing in job {job_id}")
    if worker.provider == MODEL:
        raise Conflict(f"{worker.provider_worker_id} is a model: leave it out of the job's routes")
    return worker, environment_of(worker.provider, job.environment)


def newest_change(
    session: Session, worker_id: int, environment: str, kind: str, name: str
) -> StandingChange | None:
    """The change that counts, whatever became of it at the venue."""
    found = select(StandingChange).where(
        StandingChange.worker_id == worker_id,
        StandingChange.environment == environment,
        StandingChange.kind == kind,
        StandingChange.name == name,
    )
    return session.scalars(found.order_by(StandingChange.number.desc()).limit(1)).first()


@dataclass(frozen=True)
class _Asking:
    """Who asks for what about whom; ``change`` writes it down once."""

    session: Session
    job_id: int
    worker: Worker
    environment: str
    reason: str
    actor: str
    now: datetime

    def change(self, kind: str, name: str, value: int | None) -> StandingChange:
        """The row of the change, new or as asked before; the background is woken for it."""
        session = self.session
        session.refresh(self.worker, with_for_update=True)  # one change of a worker at a time
        newest = newest_change(session, self.worker.id, self.environment, kind, name)
        if newest is not None and newest.value == value and newest.state != "failed":
            return newest
        row = StandingChange(
            worker_id=self.worker.id,
            job_id=self.job_id,
            environment=self.environment,
            kind=kind,
            name=name,
            number=newest.number + 1 if newest else 1,
            value=value,
            state="asked",
            reason=self.reason,
            actor=self.actor,
            created_at=self.now,
        )
        session.add(row)
        session.flush()
        work.enqueue(session, TASK, self.worker.id, self.now)
        return row


def _votes(session: Session, worker: Worker, environment: str) -> tuple[AnswersLost, ...]:
    found = (
        select(Job.id, Job.name, Job.state, func.count())
        .join(Task, Task.job_id == Job.id)
        .join(Answer, Answer.task_id == Task.id)
        .join(Assignment, Assignment.id == Answer.assignment_id)
        .where(Answer.worker_id == worker.id, Assignment.state != "Rejected")
        .group_by(Job.id, Job.name, Job.state)
        .order_by(Job.id)
    )
    if worker.provider != STAFF:
        found = found.where(Job.environment == environment)
    return tuple(AnswersLost(*row) for row in session.execute(found))


def _open_hits(session: Session, provider: str, environment: str) -> tuple[int, int]:
    """Posted HITs at the account, and how many of them do not ask for the exclusion list."""
    since = session.scalar(
        select(OwnQualification.created_at).where(
            OwnQualification.provider == provider,
            OwnQualification.environment == environment,
            OwnQualification.name == EXCLUSION,
        )
    )
    posted: Sequence[datetime | None] = session.scalars(
        select(Hit.posted_at)
        .join(Batch, Batch.id == Hit.batch_id)
        .join(Route, Route.id == Batch.route_id)
        .join(Job, Job.id == Batch.job_id)
        .where(Hit.state == "posted", Route.provider == provider)
        .where(Job.environment == environment if provider != STAFF else Route.id > 0)
    ).all()
    without = [at for at in posted if since is None or at is None or at <= since]
    return len(posted), len(without)
