"""Service: what people decide about questions. Every act is a new label version and a record.

Each act names the newest label version its person saw; one made in between refuses it, so a
double press acts once and nobody overwrites what they have not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from jobs import work
from jobs.adjudication import rounds, values
from jobs.adjudication.questions import (
    Question,
    label_before,
    label_version,
    locked,
    next_label,
    refuse_person,
    refuse_stale,
)
from jobs.adjudication.reasons import LABEL_REASONS, NO_LABEL_REASONS, check_note, check_reason
from jobs.adjudication.rounds import Act, Decider, Step
from jobs.combining import gold_results, labels
from jobs.errors import Conflict, InvalidInput, NotFound
from jobs.records import HELD, WAITING
from jobs.specs.label_schemas import load_schema
from jobs.tables import (
    Answer,
    Consensus,
    Decision,
    Item,
    Job,
    Label,
    Reservation,
    SchemaVersion,
    SecondLook,
    StaleQuestion,
    Task,
    Work,
)


@dataclass(frozen=True)
class Verdict:
    """A decision about a question; ``value`` (as ``Answer.value``) None sets it aside.

    ``sources`` says what each box was made from: ``{"how", "answers"}``, one a box.
    """

    value: dict[str, Any] | None
    reason: str
    note: str = ""
    sources: list[Any] | None = None


def decide(
    session: Session,
    job_id: int,
    item_id: int,
    kind: str,
    verdict: Verdict,
    *,
    by: Decider,
    expected_version: int,
    now: datetime,
) -> Label:
    """A new label version with a person's decision; the earlier ones stay.

    The label counts at once, or where two people must agree once the second one has
    (``jobs.adjudication.rounds``). ``expected_version`` is the newest version the person saw
    (0: none). The job ends when nothing is open any more.

    Raises:
        Conflict: when somebody else has acted in between, or another person must decide.
        InvalidInput: when the verdict is no answer to the question or its reason is unknown.
        NotFound: when the job asks no such question.

    """
    question = locked(session, job_id, item_id, kind)
    refuse_stale(question, expected_version)
    refuse_person(question, by)
    return _decide(session, question, verdict, by, now, origin="adjudication")


def ask(
    session: Session,
    job_id: int,
    item_id: int,
    kind: str,
    *,
    note: str,
    value: dict[str, Any] | None = None,
    by: Decider,
    expected_version: int,
    now: datetime,
) -> Label:
    """A label version that waits for another person; it counts for nothing until they decide.

    ``note`` tells them what to look at; ``value`` is the asker's draft, for them to see.

    Raises:
        Conflict, InvalidInput, NotFound: as ``decide``.

    """
    question = locked(session, job_id, item_id, kind)
    refuse_stale(question, expected_version)
    refuse_person(question, by)
    plain = check_note(note, is_needed=True)
    draft = _checked(session, question, value) if value is not None else {}
    state = rounds.asked_state(rounds.open_round(question.steps))
    made = next_label(question, draft, "asked", by, now)
    _record(session, question, made, "ask", state, by, now, note=plain)
    return made


def revert(
    session: Session,
    job_id: int,
    item_id: int,
    kind: str,
    version: int,
    *,
    by: Decider,
    now: datetime,
    expected_version: int | None = None,
) -> Label:
    """A decision for the value of an older version, as a new one: undo without forgetting."""
    question = locked(session, job_id, item_id, kind)
    if expected_version is not None:
        refuse_stale(question, expected_version)
    refuse_person(question, by)
    old = label_version(session, question, version)
    if old is None or old.origin == "asked":
        raise NotFound(f"item {item_id}, {kind}: there is no label version {version}")
    if version in rounds.unseen(question.steps, by.name):
        raise Conflict(
            f"item {item_id}, {kind}: version {version} waits for a second look; whoever takes it "
            "decides for themselves, and sees the first decision then"
        )
    value = None if old.origin == "set_aside" else old.value
    verdict = Verdict(value, "corrected" if value is not None else "other", f"version {version}")
    return _decide(session, question, verdict, by, now, origin="reverted", old=old)


def undo(
    session: Session,
    job_id: int,
    item_id: int,
    kind: str,
    *,
    by: Decider,
    expected_version: int,
    now: datetime,
) -> Label:
    """The last act on a question taken back: its state and value are those before it.

    Both versions stay in the history. Whoever acted may take it back, and any manager.

    Raises:
        Conflict: when nothing is there to take back, or it is another person's act.

    """
    question = locked(session, job_id, item_id, kind)
    refuse_stale(question, expected_version)
    kept = rounds.standing(question.steps)
    if not kept:
        raise Conflict(f"item {item_id}, {kind}: there is no decision to take back")
    last = kept[-1]
    if last.actor != by.name and not by.is_manager:
        raise Conflict(
            f"item {item_id}, {kind}: the last decision is {last.actor}'s: "
            "only they or a manager may take it back"
        )
    old = label_version(session, question, last.version - 1)
    made = label_before(question, old, by, now)
    _record(session, question, made, "undo", last.before, by, now)
    _look_again(session, question, last.before, now)
    return made


def _decide(
    session: Session,
    question: Question,
    verdict: Verdict,
    by: Decider,
    now: datetime,
    *,
    origin: str,
    old: Label | None = None,
) -> Label:
    known = NO_LABEL_REASONS if verdict.value is None else LABEL_REASONS
    reason = check_reason(verdict.reason, known)
    note = check_note(verdict.note, is_needed=reason == "other")
    value = {} if verdict.value is None else _checked(session, question, verdict.value)
    act: Act = "no_label" if verdict.value is None else "label"
    row, policy = question.row, question.policy.adjudication
    open_round = rounds.open_round(question.steps)
    turn = rounds.turn_of(
        open_round,
        act,
        value,
        needs_two=rounds.needs_two(policy, question.job.seed, row.item_id, row.kind),
        agree=lambda one, other: values.agree(row.kind, one, other),
    )
    made = next_label(question, value, origin if act == "label" else "set_aside", by, now)
    people = {*(step.actor for step in rounds.opinions(open_round)), by.name}
    made.provenance = {
        "reason": reason,
        "answers_sha256": row.answers_sha256,
        "n_people": len(people),
        **({"second_look": turn.ending} if turn.ending not in ("", "alone") else {}),
        **({"reverted_to": old.version} if old is not None else {}),
        **_sources(session, question, verdict, value),
    }
    _record(session, question, made, act, turn.state, by, now, reason=reason, note=note)
    return made


def _record(
    session: Session,
    question: Question,
    made: Label,
    act: Act,
    state: str,
    by: Decider,
    now: datetime,
    *,
    reason: str = "",
    note: str = "",
) -> None:
    """Keep the act and the label it wrote, and bring the question and its job up to date."""
    row = question.row
    step = Step(made.version, act, by.name, made.value, row.state, state, note)
    session.add(made)
    session.add(
        Decision(
            job_id=row.job_id,
            item_id=row.item_id,
            kind=row.kind,
            version=made.version,
            act=act,
            reason=reason,
            note=note,
            state_before=row.state,
            state_after=state,
            actor=by.name,
            created_at=now,
        )
    )
    row.state = state
    session.execute(delete(Reservation).where(Reservation.consensus_id == row.id))
    _replace_second_look(session, row, rounds.open_round([*question.steps, step]), now)
    gold_results.refresh(session, row.job_id, row.item_id)
    _follow_job(session, question.job, state, now)


def _replace_second_look(
    session: Session, row: Consensus, turn: Sequence[Step], now: datetime
) -> None:
    session.execute(delete(SecondLook).where(SecondLook.consensus_id == row.id))
    if not turn:
        return
    first, second = ([step.actor for step in rounds.opinions(turn)] + ["", ""])[:2]
    asks = [step for step in turn if step.act == "ask"]
    session.add(
        SecondLook(
            consensus_id=row.id,
            asked_by=turn[-1].actor if turn[-1].act == "ask" else "",
            first_by=first,
            second_by=second,
            note=asks[-1].note if asks else "",
            opened_at=now,
        )
    )


def _follow_job(session: Session, job: Job, state: str, now: datetime) -> None:
    """A finished job in which a question waits again runs on; one without any ends."""
    if state in (*WAITING, "open") and job.state == "finished":
        job.state, job.finished_at = "running", None
    elif _is_news_waiting(session, job.id):
        work.enqueue(session, "advance_job", job.id, now)  # it ends the job, once it has looked
    else:
        labels.finish_if_quiet(session, job, now)


def _look_again(session: Session, question: Question, state: str, now: datetime) -> None:
    """Answers may have come while a person's decision stood: the next combination looks."""
    if state in HELD:
        return
    row = question.row
    session.add(StaleQuestion(job_id=row.job_id, kind=row.kind, item_id=row.item_id))
    if state == "open":
        work.enqueue(session, "advance_job", row.job_id, now)


def _is_news_waiting(session: Session, job_id: int) -> bool:
    """Whether the job is to be combined anew: only then is it known what is still unsure."""
    waiting = select(Work.id).where(Work.key == f"advance_job:{job_id}", Work.state != "done")
    return session.scalar(waiting) is not None


def _checked(session: Session, question: Question, value: Any) -> dict[str, Any]:
    item = session.get_one(Item, question.row.item_id)
    schema = load_schema(session.get_one(SchemaVersion, question.job.schema_id))
    return values.checked_value(question.row.kind, value, schema, item.width, item.height)


def _sources(
    session: Session, question: Question, verdict: Verdict, value: dict[str, Any]
) -> dict[str, Any]:
    if verdict.sources is None or verdict.value is None:
        return {}
    row = question.row
    if row.kind != "boxes":
        raise InvalidInput("sources: expected only beside boxes")
    rows = session.execute(
        select(Answer.id, Answer.worker_id)
        .join(Task, Task.id == Answer.task_id)
        .where(Task.job_id == row.job_id, Task.item_id == row.item_id, Task.kind == row.kind)
    )
    return values.checked_sources(verdict.sources, len(value["boxes"]), dict(rows.all()))
