"""Service: what may change of a job that is under way: its name, and how it judges answers.

Dataset, question, routes, rewards and gold stay, for answers were given under them. A new
threshold is applied to every answer there is: all questions are combined anew.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime

from pydantic import ValidationError
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from jobs import history, work
from jobs.combining import tallies
from jobs.combining.staleness import EVERY_ITEM
from jobs.combining.tallies import N_BINS
from jobs.errors import Conflict, InvalidInput, NotFound
from jobs.input_faults import explain
from jobs.records import BOXES, TAGS
from jobs.specs.job_specs import Policy
from jobs.tables import Job, StaleQuestion

ALIVE = ("running", "paused")
LONGEST_NAME = 200


@dataclass(frozen=True)
class Terms:
    """What may change. ``max_extra_answers`` a question; ``review``: approve or screen.

    ``second_look`` (asked, sampled, always), its ``share`` of questions where it is sampled, and
    who decides ``disputes`` (anyone, manager) are as an ``AdjudicationPolicy`` has them.
    """

    name: str
    sure_at: float
    max_extra_answers: int
    review: str
    second_look: str
    share: float
    disputes: str


@dataclass(frozen=True)
class Amendment:
    """What an amendment would do: (what, before, after), and what it means for the questions.

    ``n_sure`` and ``n_unsure`` count combined questions by the new threshold, to a bin of the
    confidence histogram, of which there are N_BINS; None when the threshold stays.
    """

    changes: tuple[tuple[str, str, str], ...]
    n_sure: int | None
    n_unsure: int | None


def terms_of(session: Session, job_id: int) -> Terms:
    """The job's terms as they are. NotFound when there is no such job."""
    return _terms(_job(session, job_id))


def preview(session: Session, job_id: int, terms: Terms) -> Amendment:
    """What ``amend`` would change; raises what it raises."""
    job = _job(session, job_id)
    before = _terms(job)
    _check(session, job, terms)
    changes = _changes(before, terms)
    if before.sure_at == terms.sure_at:
        return Amendment(changes, None, None)
    bins = tallies.read(session, [job_id], "confidence")[job_id].by_key("confidence")
    n_sure = sum(n for place, n in bins.items() if int(place) / N_BINS >= terms.sure_at - 1e-9)
    return Amendment(changes, n_sure, sum(bins.values()) - n_sure)


def amend(session: Session, job_id: int, terms: Terms, actor: str, now: datetime) -> bool:
    """Set the terms; False when they are these already, and nothing is done.

    Who changed which, from what to what, is written into the job's history.

    Raises:
        InvalidInput: for a name that is taken, or a number out of its range.
        Conflict: when the job is not under way: a draft is changed in its plan.

    """
    job = session.get(Job, job_id, with_for_update=True, populate_existing=True)
    if job is None:
        raise NotFound(f"job {job_id} does not exist")
    before = _terms(job)
    policy = _check(session, job, terms)
    if before == terms:
        return False
    job.name, job.policy = terms.name, policy.model_dump(mode="json")
    if before.sure_at != terms.sure_at:
        rows = [{"job_id": job_id, "kind": kind, "item_id": EVERY_ITEM} for kind in (BOXES, TAGS)]
        session.execute(insert(StaleQuestion), rows)
    history.note(session, job_id, _changes(before, terms), actor, now)
    work.enqueue(session, "advance_job", job_id, now)
    return True


def _changes(before: Terms, after: Terms) -> tuple[tuple[str, str, str], ...]:
    """(what, before, after) of each term that differs."""
    return tuple(
        (one.name, str(getattr(before, one.name)), str(getattr(after, one.name)))
        for one in fields(Terms)
        if getattr(before, one.name) != getattr(after, one.name)
    )


def _check(session: Session, job: Job, terms: Terms) -> Policy:
    """The job's policy with these terms."""
    if job.state not in ALIVE:
        raise Conflict(f"job {job.id} is {job.state}: expected it to be running or paused")
    name = terms.name
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable() or name != name.strip():
        raise InvalidInput(
            f"name: expected 1 to {LONGEST_NAME} characters on a line, got {name!r:.60}"
        )
    taken = select(Job.id).where(Job.name == name, Job.id != job.id)
    if session.scalar(taken) is not None:
        raise InvalidInput(f"name: another job is called {name!r}")
    document = dict(job.policy)
    document["quality"] = {
        **document["quality"],
        "sure_at": terms.sure_at,
        "max_extra_answers": terms.max_extra_answers,
    }
    document["review"] = {**document["review"], "mode": terms.review}
    document["adjudication"] = {
        "second_look": terms.second_look,
        "share": terms.share,
        "disputes": terms.disputes,
    }
    try:
        return Policy.model_validate(document)
    except ValidationError as error:
        raise InvalidInput("; ".join(explain(error, Policy))) from error


def _terms(job: Job) -> Terms:
    policy = Policy.model_validate(job.policy)
    quality, adjudication = policy.quality, policy.adjudication
    return Terms(
        name=job.name,
        sure_at=quality.sure_at,
        max_extra_answers=quality.max_extra_answers,
        review=policy.review.mode,
        second_look=adjudication.second_look,
        share=adjudication.share,
        disputes=adjudication.disputes,
    )


def _job(session: Session, job_id: int) -> Job:
    job = session.get(Job, job_id)
    if job is None:
        raise NotFound(f"job {job_id} does not exist")
    return job
