"""Service: how current labels compare with gold, kept label by label so that sums are cheap."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from jobs.combining.comparing import Match, match_boxes, match_tags
from jobs.combining.current_labels import is_current
from jobs.records import BOXES
from jobs.tables import GoldAnswer, GoldResult, Job, Label

_PAGE = 1000


def refresh(session: Session, job_id: int, item_id: int | None = None) -> int:
    """The number of labels compared anew: those that are new, changed, or whose gold changed.

    Results of labels that count no more go. Safe to repeat: nothing changes the second time.
    """
    session.flush()
    _forget_old(session, job_id, item_id)
    dataset_gold = select(GoldAnswer, Label).join(
        Label, (Label.item_id == GoldAnswer.item_id) & (Label.kind == GoldAnswer.kind)
    )
    is_known = exists().where(
        GoldResult.job_id == job_id,
        GoldResult.item_id == GoldAnswer.item_id,
        GoldResult.kind == GoldAnswer.kind,
    )
    found = dataset_gold.where(Label.job_id == job_id, is_current(), ~is_known)
    if item_id is not None:
        found = found.where(GoldAnswer.item_id == item_id)
    n_compared = 0
    while rows := session.execute(found.order_by(GoldAnswer.id).limit(_PAGE)).all():
        session.add_all(row for gold, label in rows for row in _results(job_id, gold, label))
        session.flush()
        n_compared += len(rows)
    return n_compared


def refresh_dataset(session: Session, dataset_id: int) -> None:
    """The same for every job on the dataset, after its gold answers changed."""
    for job_id in session.scalars(select(Job.id).where(Job.dataset_id == dataset_id)):
        refresh(session, job_id)


def _forget_old(session: Session, job_id: int, item_id: int | None) -> None:
    still = (
        exists()
        .where(
            Label.id == GoldResult.label_id,
            GoldAnswer.item_id == GoldResult.item_id,
            GoldAnswer.kind == GoldResult.kind,
            GoldAnswer.created_at == GoldResult.gold_at,
            is_current(),
        )
        .correlate(GoldResult)
    )
    old = delete(GoldResult).where(GoldResult.job_id == job_id, ~still)
    if item_id is not None:
        old = old.where(GoldResult.item_id == item_id)
    session.execute(old.execution_options(synchronize_session=False))


def _results(job_id: int, gold: GoldAnswer, label: Label) -> Iterator[GoldResult]:
    compare = match_boxes if gold.kind == BOXES else match_tags
    by_name = compare(label.value, gold.value)
    whole = Match(
        sum(one.n_right for one in by_name.values()),
        sum(one.n_labels for one in by_name.values()),
        sum(one.n_gold for one in by_name.values()),
        [iou for one in by_name.values() for iou in one.ious],
    )
    for name, one in {"": whole, **by_name}.items():
        yield GoldResult(
            job_id=job_id,
            item_id=gold.item_id,
            kind=gold.kind,
            name=name,
            label_id=label.id,
            gold_at=gold.created_at,
            n_right=one.n_right,
            n_labels=one.n_labels,
            n_gold=one.n_gold,
            iou_millionths=round(sum(one.ious) * 1_000_000),
        )
