"""A job's answers read a page of items at a time, so that memory holds a page and no more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from jobs.combining.votes import Vote
from jobs.exclusions import silenced
from jobs.tables import Answer, Assignment, Hit, HitTask, Item, Task, Worker

PAGE = 500
CLOSED_HITS = ("closed", "failed")


class Reader(Protocol):
    """Gives a session to read with; each page may have its own."""

    def __call__(self) -> AbstractContextManager[Session]: ...


@dataclass(frozen=True)
class Page:
    """Some items of a question, by rising id, and the answers to it.

    ``asked`` lists all items of the page, answered or not; ``votes`` the answers that count
    by item, ``repeats`` the hidden repeats; ``waiting`` the items with an open HIT; ``sizes``
    is (width, height) by item.
    """

    asked: Sequence[int]
    votes: dict[int, list[Vote]]
    repeats: dict[int, list[Vote]]
    waiting: frozenset[int]
    sizes: dict[int, tuple[int, int]]


def pages(
    read: Reader, job_id: int, kind: str, only: Sequence[int] | None = None
) -> Iterator[Page]:
    """Every page of the question, or those of the items ``only`` (rising ids)."""
    last, position = 0, 0
    while True:
        with read() as session:
            if only is None:
                asked = _next_items(session, job_id, kind, last)
            else:
                asked = list(only[position : position + PAGE])
            if not asked:
                return
            page = _page(session, job_id, kind, asked)
        yield page
        if len(asked) < PAGE:
            return
        last, position = asked[-1], position + PAGE


def _next_items(session: Session, job_id: int, kind: str, last: int) -> list[int]:
    found = select(Task.item_id).where(
        Task.job_id == job_id, Task.kind == kind, Task.item_id > last
    )
    return list(session.scalars(found.distinct().order_by(Task.item_id).limit(PAGE)))


def _page(session: Session, job_id: int, kind: str, asked: Sequence[int]) -> Page:
    here = (Task.job_id == job_id, Task.kind == kind, Task.item_id.in_(asked))
    rows = session.execute(
        select(
            Answer.id,
            Task.id.label("task_id"),
            Task.repeat_of,
            Task.item_id,
            Task.tile,
            Answer.worker_id,
            Worker.provider,
            Answer.value,
            Answer.seconds,
        )
        .join(Task, Task.id == Answer.task_id)
        .join(Worker, Worker.id == Answer.worker_id)
        .join(Assignment, Assignment.id == Answer.assignment_id)
        .where(*here, Assignment.state != "Rejected")
        .where(Answer.worker_id.not_in(silenced(job_id)))
        .order_by(Answer.id)
    ).all()
    waiting = session.scalars(
        select(Task.item_id)
        .join(HitTask, HitTask.task_id == Task.id)
        .join(Hit, Hit.id == HitTask.hit_id)
        .where(*here, Hit.state.not_in(CLOSED_HITS))
    )
    sizes = session.execute(select(Item.id, Item.width, Item.height).where(Item.id.in_(asked)))
    units = _units([row for row in rows if row.repeat_of is None])
    repeat_units = _units([row for row in rows if row.repeat_of is not None])
    return Page(
        asked,
        _votes((row for row in rows if row.repeat_of is None), units),
        _votes((row for row in rows if row.repeat_of is not None), repeat_units),
        frozenset(waiting),
        {item_id: (width, height) for item_id, width, height in sizes},
    )


def _units(rows: Sequence[Row[Any]]) -> dict[Any, int]:
    """A gold item is asked in many tasks: the first task of an item (or tile) names the unit."""
    unit_of: dict[Any, int] = {}
    for row in sorted(rows, key=lambda row: int(row.task_id)):
        unit_of.setdefault(_place(row), row.repeat_of or row.task_id)
    return unit_of


def _place(row: Row[Any]) -> tuple[int, tuple[float, ...]]:
    return row.item_id, tuple(row.tile or ())


def _votes(rows: Iterator[Row[Any]], unit_of: dict[Any, int]) -> dict[int, list[Vote]]:
    found: dict[int, list[Vote]] = defaultdict(list)
    for row in rows:
        found[row.item_id].append(
            Vote(
                answer_id=row.id,
                unit=unit_of[_place(row)],
                item_id=row.item_id,
                worker_id=row.worker_id,
                provider=row.provider,
                value=row.value,
                seconds=row.seconds,
                tile=(row.tile[0], row.tile[1], row.tile[2], row.tile[3]) if row.tile else None,
            )
        )
    return dict(found)
