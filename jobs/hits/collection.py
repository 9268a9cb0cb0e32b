"""Service with outside effects: every submission of a batch, once, raw bytes first.

The venue is read to its last page. What it returns is stored in one transaction, insert
only, and parsed in the next; what cannot be parsed is kept for a person. Reading twice
adds nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from jobs import answers, events, findings, work
from jobs.db import insert_new, reading, transaction
from jobs.errors import InvalidAnswer, ProviderError
from jobs.providers import Provider
from jobs.records import HitSpec, PostedHit, Submission
from jobs.resources import Resources
from jobs.reviewing import deadlines
from jobs.specs import hit_specs
from jobs.specs.hit_specs import RouteContext
from jobs.spending import settling
from jobs.tables import Answer, Assignment, Batch, Hit, RawSubmission, Worker
from jobs.work import Progress

ACTOR = "background"
_DONE_AT_VENUE = ("Reviewable", "Reviewing", "Disposed")
CLOSED_AGAIN = timedelta(minutes=10)
_ESCAPED = "\ufeffjson:"


@dataclass(frozen=True)
class CollectReport:
    """What one look at the venue brought; ``is_closed`` when nothing more can come or cost."""

    n_new: int
    n_unparsed: int
    n_closed: int
    n_settled: int
    is_closed: bool


def collect_batch(resources: Resources, batch_id: int, progress: Progress) -> CollectReport:
    """Fetch, store and parse what is new; close HITs the venue is done with.

    Raises:
        ProviderError: when the venue could not be read to the end; what was read is kept.

    """
    with reading(resources.sessions) as session:
        context = hit_specs.batch_context(session, batch_id)
        hit_ids = _hits_to_read(session, batch_id, resources.clock())
    provider = context.provider(resources.venues)
    n_new = n_unparsed = n_closed = n_settled = 0
    for number, hit_id in enumerate(hit_ids):
        progress(number, len(hit_ids))
        news = _collect_hit(resources, context, provider, hit_id)
        n_new += news.n_new
        n_unparsed += news.n_unparsed
        n_closed += news.n_closed
        n_settled += news.n_settled
    with transaction(resources.sessions) as session:
        is_closed = _close_batch(session, batch_id, resources.clock())
        if not is_closed:
            deadlines.ask_to_watch(session, resources.clock())
        if is_closed or n_new or n_closed or n_settled:
            work.enqueue(session, "advance_job", context.job.id, resources.clock())
    return CollectReport(n_new, n_unparsed, n_closed, n_settled, is_closed)


def _hits_to_read(session: Session, batch_id: int, now: datetime) -> list[int]:
    """HITs that are out, and closed ones with money or open work; those not read longest first.

    Undecided work of a closed HIT changes at the venue by its deadline or by another's hand:
    it is read then and now and then, not at every poll while we decide.
    """
    submitted = (Assignment.hit_id == Hit.id, Assignment.state == "Submitted")
    undecided = exists().where(*submitted)
    overdue = exists().where(*submitted, Assignment.auto_approval_at <= now)
    not_lately = or_(Hit.collected_at.is_(None), Hit.collected_at <= now - CLOSED_AGAIN)
    unsettled = (undecided & or_(overdue, not_lately)) | (~undecided & (Hit.held_micros > 0))
    found = (
        select(Hit.id)
        .where(Hit.batch_id == batch_id)
        .where(
            or_(
                Hit.state.in_(("posted", "extending")),
                (Hit.state == "closed") & unsettled,
            )
        )
        .order_by(Hit.collected_at.is_not(None), Hit.collected_at, Hit.id)
    )
    return list(session.scalars(found))


def _collect_hit(
    resources: Resources, context: RouteContext, provider: Provider, hit_id: int
) -> CollectReport:
    with reading(resources.sessions) as session:
        hit = session.get_one(Hit, hit_id)
        spec = hit_specs.hit_spec(
            context, hit, hit_specs.task_specs(session, resources.blobs, hit_id)
        )
    posted, submissions = _read_venue(resources, context, provider, hit, spec)
    now = resources.clock()
    with transaction(resources.sessions) as session:
        n_new = store(session, provider.name, hit, submissions, now)
        if n_new:
            _ask_to_advance(session, resources, context)
    n_unparsed = parse_new(resources, spec, hit_id)
    with transaction(resources.sessions) as session:
        row = session.get_one(Hit, hit_id, with_for_update=True)
        n_settled = _take_states(session, provider, spec, context, row, submissions, now)
        row.collected_at = now
        n_closed = 0
        if posted is not None:
            row.expires_at = posted.expires_at
            n_closed = int(row.state == "posted" and posted.state in _DONE_AT_VENUE)
            row.state = "closed" if n_closed else row.state
        held = row.held_micros
        settled = settling.release_when_settled(session, row, context, ACTOR, now)
        n_settled += int(settled and held > 0)
        if n_closed or n_settled:
            _ask_to_advance(session, resources, context)
    return CollectReport(n_new, n_unparsed, n_closed, n_settled, settled)


def _read_venue(
    resources: Resources, context: RouteContext, provider: Provider, hit: Hit, spec: HitSpec
) -> tuple[PostedHit | None, list[Submission]]:
    """The HIT's state, read before its list: a HIT seen done has nothing after its last page."""
    if hit.state == "closed" and not provider.has_pages:
        return None, []
    try:
        posted = provider.get(hit.provider_hit_id)
        return posted, list(provider.fetch(posted, spec))
    except ProviderError as error:
        if not error.permanent:
            raise
        with transaction(resources.sessions) as session:
            key, message = f"lost:{hit.marker}", f"HIT {hit.id} cannot be read: {error}"
            findings.report(session, key, message, resources.clock(), context.job.id)
        return None, []


def store(
    session: Session,
    provider_name: str,
    hit: Hit,
    submissions: Sequence[Submission],
    now: datetime,
) -> int:
    """Insert what is not stored yet, bytes as they came; the number of new submissions."""
    n_new = 0
    for submission in submissions:
        raw_id = insert_new(
            session,
            RawSubmission,
            {
                "hit_id": hit.id,
                "provider": provider_name,
                "provider_assignment_id": submission.provider_assignment_id,
                "provider_worker_id": submission.provider_worker_id,
                "raw": storable(submission.raw),
                "sha256": hashlib.sha256(
                    submission.raw.encode("utf-8", "surrogatepass")
                ).hexdigest(),
                "accepted_at": submission.accepted_at,
                "submitted_at": submission.submitted_at,
                "received_at": now,
            },
        )
        if raw_id is None:
            continue
        n_new += 1
        worked = (submission.submitted_at - submission.accepted_at).total_seconds()
        session.add(
            Assignment(
                raw_submission_id=raw_id,
                hit_id=hit.id,
                worker_id=_worker_id(session, provider_name, submission, now),
                state="Submitted",
                parse_state="new",
                auto_approval_at=submission.auto_approval_at,
                work_seconds=max(0.0, worked),
            )
        )
    session.flush()
    return n_new


def parse_new(resources: Resources, spec: HitSpec, hit_id: int) -> int:
    """Answers of the HIT's submissions that were not parsed yet; the number that could not be."""
    n_unparsed = 0
    with transaction(resources.sessions) as session:
        rows = session.execute(
            select(Assignment, RawSubmission)
            .join(RawSubmission, RawSubmission.id == Assignment.raw_submission_id)
            .where(Assignment.hit_id == hit_id, Assignment.parse_state == "new")
            .order_by(Assignment.id)
            .with_for_update(of=Assignment)
        ).all()
        for assignment, raw in rows:
            n_unparsed += not _parse(session, assignment, raw, spec, resources.clock())
    return n_unparsed


def storable(raw: str) -> str:
    """``raw`` itself, or its JSON form where a database would refuse NUL or half a character."""
    if (
        raw.startswith(_ESCAPED)
        or "\x00" in raw
        or any("\ud800" <= letter <= "\udfff" for letter in raw)
    ):
        return _ESCAPED + json.dumps(raw)
    return raw


def original(stored: str) -> str:
    """What ``storable`` was given."""
    if stored.startswith(_ESCAPED):
        return str(json.loads(stored.removeprefix(_ESCAPED)))
    return stored


def _parse(
    session: Session, assignment: Assignment, raw: RawSubmission, spec: HitSpec, now: datetime
) -> bool:
    try:
        values = answers.parse(
            original(raw.raw), spec.kind, spec.schema, spec.attributes, spec.tasks
        )
    except InvalidAnswer as error:
        assignment.parse_state = "unparsed"
        assignment.parse_error = f"{error.code}: {error}".replace("\x00", "")[:2000]
        return False
    session.add_all(
        Answer(
            assignment_id=assignment.id,
            task_id=task_id,
            worker_id=assignment.worker_id,
            value=value,
            seconds=assignment.work_seconds / max(1, len(spec.tasks)),
            created_at=now,
        )
        for task_id, value in values.items()
    )
    assignment.parse_state = "parsed"
    return True


def _take_states(
    session: Session,
    provider: Provider,
    spec: HitSpec,
    context: RouteContext,
    hit: Hit,
    submissions: Sequence[Submission],
    now: datetime,
) -> int:
    """Decisions the venue made by itself, such as approval at its deadline."""
    decided = {
        (submission.provider_assignment_id, submission.provider_worker_id): submission.state
        for submission in submissions
        if submission.state != "Submitted"
    }
    if not decided:
        return 0
    rows = session.execute(
        select(Assignment, RawSubmission)
        .join(RawSubmission, RawSubmission.id == Assignment.raw_submission_id)
        .where(Assignment.hit_id == hit.id, Assignment.state == "Submitted")
    ).all()
    n_taken = 0
    for assignment, raw in rows:
        state = decided.get((raw.provider_assignment_id, raw.provider_worker_id))
        if state is None:
            continue
        cost, fee = settling.price(provider, spec, raw)
        n_taken += settling.record_state(
            session, assignment, state, context,
            cost_micros=cost, fee_micros=fee, actor=settling.VENUE, now=now,
            request_id=provider.trace.read,
        )  # fmt: skip
    return n_taken


def _worker_id(session: Session, provider_name: str, submission: Submission, now: datetime) -> int:
    identity = {
        "provider": provider_name,
        "provider_worker_id": submission.provider_worker_id,
    }
    insert_new(session, Worker, {**identity, "name": "", "created_at": now})
    return session.scalars(select(Worker.id).filter_by(**identity)).one()


def _ask_to_advance(session: Session, resources: Resources, context: RouteContext) -> None:
    """Have the job looked at a poll from now, in the transaction that brings the news.

    The end of the run asks for it at once; this is for a run that never gets there.
    """
    now = resources.clock()
    later = now + timedelta(seconds=resources.settings.poll_seconds)
    work.enqueue(session, "advance_job", context.job.id, now, at=later)


def _close_batch(session: Session, batch_id: int, now: datetime) -> bool:
    """Close an open batch once every HIT is closed and holds no money and no open decision."""
    batch = session.get_one(Batch, batch_id, with_for_update=True)
    if batch.state == "closed":
        return True
    undecided = exists().where(Assignment.hit_id == Hit.id, Assignment.state == "Submitted")
    waiting = select(Hit.id).where(
        Hit.batch_id == batch_id,
        or_(Hit.state.not_in(("closed", "failed")), Hit.held_micros > 0, undecided),
    )
    if batch.state != "open" or session.scalars(waiting.limit(1)).first() is not None:
        return False
    batch.state = "closed"
    events.tell(
        session,
        "batch.finished",
        f"{batch_id}:{now.isoformat()}",
        now,
        job_id=batch.job_id,
        batch_id=batch_id,
    )
    return True
