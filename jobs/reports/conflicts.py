"""Questions that want a person: what an adjudicator sees next, worst first.

Worst is the question whose combined answer is least likely to be right as a whole (its
confidence); of two alike, the older one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, text, tuple_
from sqlalchemy.orm import Session

from jobs.errors import InvalidInput
from jobs.records import BOXES, TAGS, WAITING
from jobs.tables import Consensus, Facet, Item, Job, Reservation, SecondLook, Tally, User

KINDS = (BOXES, TAGS)
_PLACE = re.compile(r"([01](?:\.[0-9]{1,20})?(?:e-[0-9]{1,3})?)~([0-9]{1,18})", re.ASCII)
MOST_COUNTED = 1_000
_IS_WAITING = "consensus.state IN ('conflict', 'second_look', 'disputed')"  # as its index says it


@dataclass(frozen=True)
class Queue:
    """Which questions: of one job or of all, of a kind, in a state, about a class or option.

    ``about`` is ``class:car`` or ``colour=red`` of the combined answer. ``free_for`` leaves out
    what somebody else looks at and what this person may not decide. "" means any.
    """

    job_id: int | None = None
    kind: str = ""
    state: str = ""
    about: str = ""
    free_for: str = ""


@dataclass(frozen=True)
class ConflictRow:
    """One question for a person; ``place`` continues a page after it.

    ``looked_at_by`` is who looks at it now; ``barred`` are those who may not decide it.
    """

    place: str
    job_id: int
    job: str
    item_id: int
    item: str
    blob_key: str
    kind: str
    state: str
    confidence: float
    agreement: float | None
    n_answers: int
    looked_at_by: str = ""
    looked_at_by_name: str = ""
    barred: tuple[str, ...] = ()


def conflicts(
    session: Session,
    queue: Queue | None = None,
    *,
    job_id: int | None = None,
    after: tuple[float, int] | None = None,
    limit: int = 60,
    now: datetime | None = None,
) -> tuple[ConflictRow, ...]:
    """The questions of ``queue`` (or of a whole job), worst first.

    ``now`` decides which reservations still hold; without it none is looked at.
    """
    queue = queue or Queue(job_id)
    is_held = text("1 = 0") if now is None else Reservation.until > now
    query = (
        select(
            Consensus, Job.name, Item.name, Item.blob_key, Reservation.actor, User.name, SecondLook
        )
        .join(Job, Job.id == Consensus.job_id)
        .join(Item, Item.id == Consensus.item_id)
        .outerjoin(Reservation, and_(Reservation.consensus_id == Consensus.id, is_held))
        .outerjoin(User, User.email == Reservation.actor)
        .outerjoin(SecondLook, SecondLook.consensus_id == Consensus.id)
        .where(*_conditions(queue))
        .order_by(Consensus.confidence, Consensus.id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(Consensus.confidence, Consensus.id) > after)
    return tuple(_row(*found) for found in session.execute(query))


def read_place(mark: str) -> tuple[float, int] | None:
    """The mark of a row as (confidence, id), or None for ""; InvalidInput for anything else."""
    if not mark:
        return None
    found = _PLACE.fullmatch(mark)
    if found is None:
        raise InvalidInput(f"after: expected the mark of the previous page, got {mark!r:.40}")
    return float(found[1]), int(found[2])


def place_of(session: Session, job_id: int, item_id: int, kind: str) -> str:
    """The mark of one question, after which a queue goes on."""
    row = session.execute(
        select(Consensus.confidence, Consensus.id).where(
            Consensus.job_id == job_id, Consensus.item_id == item_id, Consensus.kind == kind
        )
    ).one()
    return f"{row.confidence!r}~{row.id}"


def n_conflicts(session: Session, job_id: int | None = None) -> int:
    """How many questions want a person."""
    return n_waiting(session, Queue(job_id))


def n_waiting(session: Session, queue: Queue) -> int:
    """How many questions are in the queue; about a class or option, counted up to 1,000."""
    if queue.about:
        some = select(Consensus.id).where(*_conditions(queue)).limit(MOST_COUNTED)
        return session.scalar(select(func.count()).select_from(some.subquery())) or 0
    kinds = (queue.kind,) if queue.kind else KINDS
    states = (queue.state,) if queue.state else WAITING
    query = select(func.coalesce(func.sum(Tally.n), 0)).where(
        Tally.subject == "states",
        Tally.key.in_([f"{kind} {state}" for kind in kinds for state in states]),
    )
    if queue.job_id is not None:
        query = query.where(Tally.owner_id == queue.job_id)
    return int(session.scalar(query) or 0)


def _conditions(queue: Queue) -> list[ColumnElement[bool]]:
    state: Any = Consensus.state == queue.state if queue.state else text(_IS_WAITING)
    found: list[ColumnElement[bool]] = [state]
    if queue.job_id is not None:
        found.append(Consensus.job_id == queue.job_id)
    if queue.kind:
        found.append(Consensus.kind == queue.kind)
    if queue.about:
        found.append(
            exists().where(
                Facet.job_id == Consensus.job_id,
                Facet.name == queue.about,
                Facet.item_id == Consensus.item_id,
            )
        )
    if queue.free_for:
        found.append(or_(Reservation.actor.is_(None), Reservation.actor == queue.free_for))
        found += [
            or_(person.is_(None), person != queue.free_for)
            for person in (SecondLook.asked_by, SecondLook.first_by, SecondLook.second_by)
        ]
    return found


def _row(
    row: Consensus,
    job: str,
    item: str,
    blob_key: str,
    actor: str | None,
    name: str | None,
    second: SecondLook | None,
) -> ConflictRow:
    people = (second.asked_by, second.first_by, second.second_by) if second else ()
    return ConflictRow(
        place=f"{row.confidence!r}~{row.id}",
        job_id=row.job_id,
        job=job,
        item_id=row.item_id,
        item=item,
        blob_key=blob_key,
        kind=row.kind,
        state=row.state,
        confidence=row.confidence,
        agreement=row.agreement,
        n_answers=row.n_answers,
        looked_at_by=actor or "",
        looked_at_by_name=name or actor or "",
        barred=tuple(dict.fromkeys(person for person in people if person)),
    )


def waiting_by_state(session: Session, job_id: int | None = None) -> Mapping[str, int]:
    """Questions by state, of those that a person brought about or that want one."""
    query = select(Tally.key, func.sum(Tally.n)).where(Tally.subject == "states")
    if job_id is not None:
        query = query.where(Tally.owner_id == job_id)
    found: dict[str, int] = {}
    for key, n in session.execute(query.group_by(Tally.key)):
        state = key.partition(" ")[2]
        found[state] = found.get(state, 0) + int(n)
    return {state: found.get(state, 0) for state in (*WAITING, "set_aside")}
