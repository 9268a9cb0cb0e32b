"""Questions on which the answers do not settle: what an adjudicator sees next."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from jobs.records import BOXES, TAGS
from jobs.tables import Consensus, Item, Job, Tally

KINDS = (BOXES, TAGS)


@dataclass(frozen=True)
class ConflictRow:
    """One open question for a person; ``place`` continues a page after it."""

    place: str
    job_id: int
    job: str
    item_id: int
    item: str
    blob_key: str
    kind: str
    confidence: float
    agreement: float | None
    n_answers: int


def conflicts(
    session: Session,
    *,
    job_id: int | None = None,
    after: tuple[float, int] | None = None,
    limit: int = 60,
) -> tuple[ConflictRow, ...]:
    """The least sure questions that want a person, of one job or of all, worst first."""
    query = (
        select(Consensus, Job.name, Item.name, Item.blob_key)
        .join(Job, Job.id == Consensus.job_id)
        .join(Item, Item.id == Consensus.item_id)
        .where(Consensus.state == "conflict")
        .order_by(Consensus.confidence, Consensus.id)
        .limit(limit)
    )
    if job_id is not None:
        query = query.where(Consensus.job_id == job_id)
    if after is not None:
        query = query.where(tuple_(Consensus.confidence, Consensus.id) > after)
    return tuple(
        ConflictRow(
            place=f"{row.confidence!r}~{row.id}",
            job_id=row.job_id,
            job=job,
            item_id=row.item_id,
            item=item,
            blob_key=blob_key,
            kind=row.kind,
            confidence=row.confidence,
            agreement=row.agreement,
            n_answers=row.n_answers,
        )
        for row, job, item, blob_key in session.execute(query)
    )


def n_conflicts(session: Session, job_id: int | None = None) -> int:
    """How many questions want a person."""
    query = select(func.coalesce(func.sum(Tally.n), 0)).where(
        Tally.subject == "states", Tally.key.in_([f"{kind} conflict" for kind in KINDS])
    )
    if job_id is not None:
        query = query.where(Tally.owner_id == job_id)
    return int(session.scalar(query) or 0)
