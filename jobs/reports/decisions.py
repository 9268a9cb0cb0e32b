"""What people decided: a question's history, what was set aside and why, one's last act."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session, aliased

from jobs.errors import NotFound
from jobs.reports.labels import LabelRow
from jobs.tables import Consensus, Decision, Item, Job, Label, SecondLook, User


@dataclass(frozen=True)
class DecisionRow:
    """One act of a person upon a question; ``version`` is that of the label it wrote."""

    version: int
    kind: str
    act: str
    reason: str
    note: str
    state_before: str
    state_after: str
    actor: str
    name: str
    created_at: datetime


@dataclass(frozen=True)
class SetAsideRow:
    """A question that was given no label, and why; ``id`` continues a page after it."""

    id: int
    job_id: int
    item_id: int
    item: str
    blob_key: str
    kind: str
    reason: str
    note: str
    actor: str
    created_at: datetime


@dataclass(frozen=True)
class LastAct:
    """The newest act of a person, if nobody has acted on that question since."""

    job_id: int
    item_id: int
    item: str
    kind: str
    version: int
    act: str


@dataclass(frozen=True)
class Decided(LabelRow):
    """A label version as it was just written, and the state its question is in now."""

    state: str = ""


@dataclass(frozen=True)
class Waits:
    """Why a question waits for another person: who did what, and the note for the next one."""

    asked_by: str
    first_by: str
    second_by: str
    note: str
    opened_at: datetime


def decision_list(session: Session, job_id: int, item_id: int) -> tuple[DecisionRow, ...]:
    """What people did about an item's questions, newest first; NotFound for a stranger's item."""
    _check_item(session, job_id, item_id)
    rows = session.execute(
        select(Decision, User.name)
        .outerjoin(User, User.email == Decision.actor)
        .where(Decision.job_id == job_id, Decision.item_id == item_id)
        .order_by(Decision.id.desc())
    )
    return tuple(
        DecisionRow(
            version=row.version,
            kind=row.kind,
            act=row.act,
            reason=row.reason,
            note=row.note,
            state_before=row.state_before,
            state_after=row.state_after,
            actor=row.actor,
            name=name or row.actor,
            created_at=row.created_at,
        )
        for row, name in rows
    )


def set_aside_reasons(session: Session, job_id: int | None = None) -> dict[str, int]:
    """How many questions were set aside, by the code of the reason, most first."""
    n = func.count()
    query = select(Decision.reason, n).where(*_set_aside(job_id)).group_by(Decision.reason)
    found = session.execute(query.order_by(n.desc(), Decision.reason))
    return {reason: int(count) for reason, count in found}


def set_asides(
    session: Session,
    job_id: int | None = None,
    *,
    reason: str = "",
    after: int = 0,
    limit: int = 60,
) -> tuple[SetAsideRow, ...]:
    """Questions set aside, in the order in which that was decided."""
    query = (
        select(Decision, Item.name, Item.blob_key)
        .join(Item, Item.id == Decision.item_id)
        .where(*_set_aside(job_id), Decision.id > after)
        .order_by(Decision.id)
        .limit(limit)
    )
    if reason:
        query = query.where(Decision.reason == reason)
    return tuple(
        SetAsideRow(
            id=row.id,
            job_id=row.job_id,
            item_id=row.item_id,
            item=item,
            blob_key=blob_key,
            kind=row.kind,
            reason=row.reason,
            note=row.note,
            actor=row.actor,
            created_at=row.created_at,
        )
        for row, item, blob_key in session.execute(query)
    )


def last_act(session: Session, actor: str) -> LastAct | None:
    """The person's newest act if it can still be taken back: nobody acted on it since."""
    row = session.execute(
        select(Decision, Item.name)
        .join(Item, Item.id == Decision.item_id)
        .where(Decision.actor == actor)
        .order_by(Decision.id.desc())
        .limit(1)
    ).first()
    if row is None or row[0].act == "undo":
        return None
    found, item = row
    newer = exists().where(
        Label.job_id == found.job_id,
        Label.item_id == found.item_id,
        Label.kind == found.kind,
        Label.version > found.version,
    )
    if session.scalar(select(newer)):
        return None
    return LastAct(found.job_id, found.item_id, item, found.kind, found.version, found.act)


def decided(session: Session, label_id: int) -> Decided:
    """A label version that was just written, whether it counts or not."""
    label, item, state = session.execute(
        select(Label, Item.name, Consensus.state)
        .join(Item, Item.id == Label.item_id)
        .join(
            Consensus,
            (Consensus.job_id == Label.job_id)
            & (Consensus.item_id == Label.item_id)
            & (Consensus.kind == Label.kind),
        )
        .where(Label.id == label_id)
    ).one()
    fields: dict[str, Any] = {
        name: getattr(label, name) for name in LabelRow.__dataclass_fields__ if name != "item"
    }
    return Decided(**fields, item=item, state=state)


def waits(session: Session, job_id: int, item_id: int, kind: str) -> Waits | None:
    """Why the question waits for another person; None when it does not."""
    row = session.scalar(
        select(SecondLook)
        .join(Consensus, Consensus.id == SecondLook.consensus_id)
        .where(Consensus.job_id == job_id, Consensus.item_id == item_id, Consensus.kind == kind)
    )
    if row is None:
        return None
    return Waits(
        asked_by=_name(session, row.asked_by),
        first_by=_name(session, row.first_by),
        second_by=_name(session, row.second_by),
        note=row.note,
        opened_at=row.opened_at,
    )


def _name(session: Session, actor: str) -> str:
    return session.scalar(select(User.name).where(User.email == actor)) or actor


def _set_aside(job_id: int | None) -> list[ColumnElement[bool]]:
    """The newest act about each question that is set aside now."""
    later = aliased(Decision)
    is_last = ~exists().where(
        later.job_id == Decision.job_id,
        later.item_id == Decision.item_id,
        later.kind == Decision.kind,
        later.version > Decision.version,
    )
    is_set_aside = exists().where(
        Consensus.job_id == Decision.job_id,
        Consensus.item_id == Decision.item_id,
        Consensus.kind == Decision.kind,
        Consensus.state == "set_aside",
    )
    found = [is_set_aside, is_last]
    return found if job_id is None else [*found, Decision.job_id == job_id]


def _check_item(session: Session, job_id: int, item_id: int) -> None:
    here = select(Item.id).join(Job, Job.dataset_id == Item.dataset_id)
    if session.scalar(here.where(Job.id == job_id, Item.id == item_id)) is None:
        raise NotFound(f"item {item_id} is not in job {job_id}")
