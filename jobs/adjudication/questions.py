"""One question under the lock of a transaction, with what people did about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.adjudication import rounds
from jobs.adjudication.rounds import Decider, Step
from jobs.combining import labels
from jobs.errors import Conflict, NotFound
from jobs.specs.job_specs import Policy
from jobs.tables import Consensus, Decision, Job, Label


@dataclass
class Question:
    """A question under the lock of this transaction, with its history."""

    row: Consensus
    job: Job
    newest: Label | None
    steps: Sequence[Step]

    @property
    def version(self) -> int:
        return self.newest.version if self.newest else 0

    @property
    def policy(self) -> Policy:
        return Policy.model_validate(self.job.policy)


def locked(session: Session, job_id: int, item_id: int, kind: str) -> Question:
    """The question, locked: people who act at once act one after the other."""
    row = session.scalar(
        select(Consensus)
        .where(Consensus.job_id == job_id, Consensus.item_id == item_id, Consensus.kind == kind)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise NotFound(f"job {job_id} asks no {kind} question about item {item_id}")
    return Question(
        row=row,
        job=session.get_one(Job, job_id),
        newest=labels.newest_labels(session, job_id, [item_id]).get((item_id, kind)),
        steps=steps_of(session, job_id, item_id, kind),
    )


def steps_of(session: Session, job_id: int, item_id: int, kind: str) -> tuple[Step, ...]:
    """What people did about a question, oldest first."""
    rows = session.execute(
        select(Decision, Label.value)
        .join(
            Label,
            (Label.job_id == Decision.job_id)
            & (Label.item_id == Decision.item_id)
            & (Label.kind == Decision.kind)
            & (Label.version == Decision.version),
        )
        .where(Decision.job_id == job_id, Decision.item_id == item_id, Decision.kind == kind)
        .order_by(Decision.version)
    )
    return tuple(
        Step(
            version=row.version,
            act=row.act,
            actor=row.actor,
            value=value,
            before=row.state_before,
            after=row.state_after,
            note=row.note,
        )
        for row, value in rows
    )


def refuse_stale(question: Question, expected_version: int) -> None:
    """Conflict when somebody acted since the version that the person saw."""
    if question.version != expected_version:
        row, newest = question.row, question.newest
        raise Conflict(
            f"item {row.item_id}, {row.kind}: expected label version {expected_version}, "
            f"but version {question.version} has been written by "
            f"{newest.actor if newest else 'nobody'}"
        )


def refuse_person(question: Question, by: Decider) -> None:
    """Conflict when another person must act on the question now."""
    turn = rounds.open_round(question.steps)
    reason = rounds.refusal(turn, by, question.policy.adjudication)
    if reason:
        raise Conflict(f"item {question.row.item_id}, {question.row.kind}: {reason}")


def label_version(session: Session, question: Question, version: int) -> Label | None:
    row = question.row
    return session.scalar(
        select(Label).where(
            Label.job_id == row.job_id,
            Label.item_id == row.item_id,
            Label.kind == row.kind,
            Label.version == version,
        )
    )


def next_label(
    question: Question, value: dict[str, Any], origin: str, by: Decider, now: datetime
) -> Label:
    row = question.row
    return Label(
        job_id=row.job_id,
        item_id=row.item_id,
        kind=row.kind,
        version=question.version + 1,
        value=value,
        confidence=1.0,
        origin=origin,
        provenance={},
        actor=by.name,
        created_at=now,
    )


def label_before(question: Question, old: Label | None, by: Decider, now: datetime) -> Label:
    """The label as it was before the last act; before any, what the answers say."""
    if old is None:
        made = labels.consensus_label(question.row, question.newest, now)
        made.actor = by.name
        return made
    made = next_label(question, old.value, old.origin, by, now)
    made.confidence, made.provenance = old.confidence, old.provenance
    return made
