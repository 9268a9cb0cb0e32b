"""Everything that the desk shows of one question, read at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.adjudication import reserving, rounds
from jobs.adjudication.questions import steps_of
from jobs.adjudication.reserving import Look
from jobs.adjudication.rounds import Decider, Step
from jobs.errors import NotFound
from jobs.records import SETTLED, LabelSchema
from jobs.reports import ItemView, item_view
from jobs.reports.conflicts import ConflictRow, Queue, conflicts, n_waiting, place_of
from jobs.reports.datasets import job_schema
from jobs.reports.decisions import LastAct, Waits, last_act, waits
from jobs.reports.heads import JobHead, job_head
from jobs.reports.items import QuestionState
from jobs.specs.job_specs import Policy
from jobs.tables import Job, User


@dataclass(frozen=True)
class Desk:
    """One question as a person finds it.

    ``place`` continues the queue after it, ``start`` is the value to begin from, ``version`` the
    newest label version. ``refusal`` says
    why this person may not decide it ("" when they may), ``look`` who is looking at it.
    ``ahead`` is the question that comes next, whose picture can be fetched already.
    """

    job: JobHead
    item: ItemView
    question: QuestionState
    schema: LabelSchema
    place: str
    version: int
    start: Mapping[str, Any]
    steps: Sequence[Step]
    names: Mapping[str, str]
    refusal: str
    needs_two: bool
    waits: Waits | None
    look: Look | None
    undoable: LastAct | None
    n_left: int
    ahead: ConflictRow | None


def open_desk(
    session: Session,
    job_id: int,
    item_id: int,
    kind: str,
    *,
    queue: Queue,
    by: Decider,
    now: datetime,
) -> Desk:
    """The question with its answers, history and neighbours; only queries the database.

    Raises:
        NotFound: when the job asks no such question.

    """
    view = item_view(session, job_id, item_id)
    question = next((found for found in view.questions if found.kind == kind), None)
    if question is None:
        raise NotFound(f"item {item_id} of job {job_id} has no question about {kind} yet")
    job = session.get_one(Job, job_id)
    policy = Policy.model_validate(job.policy).adjudication
    steps = steps_of(session, job_id, item_id, kind)
    turn = rounds.open_round(steps)
    newest = next((label for label in view.labels if label.kind == kind), None)
    return Desk(
        job=job_head(session, job_id),
        item=view,
        question=question,
        schema=job_schema(session, job_id),
        place=place_of(session, job_id, item_id, kind),
        version=newest.version if newest else 0,
        start=_start(view, question, turn),
        steps=steps,
        names=_names(session, steps),
        refusal=rounds.refusal(turn, by, policy),
        needs_two=rounds.needs_two(policy, job.seed, item_id, kind),
        waits=waits(session, job_id, item_id, kind),
        look=reserving.looking(session, job_id, item_id, kind, by=by, now=now),
        undoable=last_act(session, by.name),
        n_left=n_waiting(session, queue),
        ahead=_ahead(session, view, kind, queue, by, now),
    )


def _start(view: ItemView, question: QuestionState, turn: Sequence[Step]) -> Mapping[str, Any]:
    """The label where one counts, the draft of who asked, or what the answers say."""
    newest = next((label for label in view.labels if label.kind == question.kind), None)
    if newest is not None and question.state in SETTLED and newest.value:
        return newest.value
    if turn and turn[-1].act == "ask" and turn[-1].value:
        return turn[-1].value
    return question.value


def _ahead(
    session: Session, view: ItemView, kind: str, queue: Queue, by: Decider, now: datetime
) -> ConflictRow | None:
    rows = conflicts(session, replace(queue, free_for=by.name), limit=2, now=now)
    here = (view.job_id, view.item_id, kind)
    return next((row for row in rows if (row.job_id, row.item_id, row.kind) != here), None)


def _names(session: Session, steps: Sequence[Step]) -> dict[str, str]:
    actors = {step.actor for step in steps}
    rows = session.execute(select(User.email, User.name).where(User.email.in_(actors)))
    return {**{actor: actor for actor in actors}, **dict(rows.all())}
