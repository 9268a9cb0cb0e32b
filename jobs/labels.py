"""Service: final labels. Versions are added, never changed; the newest counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import exists, func, or_, select, tuple_
from sqlalchemy.orm import Session

from jobs import events, gold_results, work
from jobs.answers import box_value, check_box, check_tag
from jobs.consensus import ADJUDICATED
from jobs.db import Sessions, reading, transaction
from jobs.errors import Conflict, InvalidAnswer, NotFound
from jobs.label_schemas import load_schema
from jobs.records import BOXES
from jobs.tables import Batch, Consensus, Item, Job, Label, SchemaVersion, Work

SYSTEM = "system"
PAGE = 500
Place = tuple[int, str]
START: Place = (0, "")
T = TypeVar("T")


def finish_job(session: Session, job_id: int, now: datetime) -> int:
    """The number of labels written: one for each sure question whose label is missing or old.

    While answers are awaited only missing labels are written; once no batch is open, those
    that the last answers changed get a new version, so that the newest labels depend on the
    answers alone and not on when they came. Safe to repeat: an unchanged consensus writes
    nothing, and a person's label is never replaced by a later consensus. The job is finished
    once nothing is open.
    """
    job = session.get(Job, job_id)
    if job is None:
        raise NotFound(f"job {job_id} does not exist")
    is_awaiting = _n_open_batches(session, job_id) > 0
    n_written = 0
    place: Place | None = START
    while place is not None:
        n_more, place = _finish_page(session, job_id, place, now, is_awaiting=is_awaiting)
        n_written += n_more
    gold_results.refresh(session, job_id)
    _finish_if_quiet(session, job, now)
    return n_written


def finish_in_pages(
    sessions: Sessions, job_id: int, now: datetime, progress: Callable[[int, int], None]
) -> int:
    """The same for the background, a page a transaction; one that breaks off goes on next time."""
    with reading(sessions) as session:
        is_awaiting = _n_open_batches(session, job_id) > 0
    n_written = n_pages = 0
    place: Place | None = START
    while place is not None:
        with transaction(sessions) as session:
            n_more, place = _finish_page(session, job_id, place, now, is_awaiting=is_awaiting)
        n_written, n_pages = n_written + n_more, n_pages + 1
        progress(n_pages, n_pages + 1)
    with transaction(sessions) as session:
        gold_results.refresh(session, job_id)
        _finish_if_quiet(session, session.get_one(Job, job_id), now)
    return n_written


def _finish_page(
    session: Session, job_id: int, place: Place, now: datetime, *, is_awaiting: bool
) -> tuple[int, Place | None]:
    """Labels written for the next sure questions after ``place``, and where to go on."""
    found = (
        select(Consensus)
        .where(
            Consensus.job_id == job_id,
            Consensus.state == "sure",
            tuple_(Consensus.item_id, Consensus.kind) > place,
        )
        .order_by(Consensus.item_id, Consensus.kind)
        .limit(PAGE)
    )
    if is_awaiting:
        found = found.where(
            ~exists().where(
                Label.job_id == job_id,
                Label.item_id == Consensus.item_id,
                Label.kind == Consensus.kind,
            )
        )
    rows = session.scalars(found).all()
    newest = _newest(session, job_id, [row.item_id for row in rows])
    fresh = [
        _label(row, newest.get((row.item_id, row.kind)), now)
        for row in rows
        if _wants_label(row, newest.get((row.item_id, row.kind)), is_awaiting=is_awaiting)
    ]
    session.add_all(fresh)
    session.flush()
    return len(fresh), (rows[-1].item_id, rows[-1].kind) if len(rows) == PAGE else None


def _wants_label(row: Consensus, label: Label | None, *, is_awaiting: bool) -> bool:
    if label is None:
        return True
    return not is_awaiting and label.origin == "consensus" and label.value != row.value


def _label(row: Consensus, before: Label | None, now: datetime) -> Label:
    return Label(
        job_id=row.job_id,
        item_id=row.item_id,
        kind=row.kind,
        version=before.version + 1 if before else 1,
        value=row.value,
        confidence=row.confidence,
        origin="consensus",
        provenance={
            **row.provenance,
            "method": row.method,
            "n_answers": row.n_answers,
            "answers_sha256": row.answers_sha256,
        },
        actor=SYSTEM,
        created_at=now,
    )


def adjudicate(
    session: Session,
    *,
    job_id: int,
    item_id: int,
    kind: str,
    value: dict[str, Any],
    reason: str,
    actor: str,
    expected_version: int,
    now: datetime,
) -> Label:
    """A new label version that holds a person's decision; the earlier ones stay.

    ``expected_version`` is the newest version the person saw (0: none); Conflict when
    someone else has decided in between, so a double click decides once.

    Raises:
        InvalidAnswer: when ``value`` (as ``Answer.value``) is no answer to the question.

    """
    consensus = _consensus(session, job_id, item_id, kind)
    checked = _checked(session, job_id, item_id, kind, value)
    newest = _newest(session, job_id, [item_id]).get((item_id, kind))
    version = newest.version if newest else 0
    if version != expected_version:
        raise Conflict(
            f"item {item_id}, {kind}: expected label version {expected_version}, "
            f"but version {version} has been written by {newest.actor if newest else 'nobody'}"
        )
    label = Label(
        job_id=job_id,
        item_id=item_id,
        kind=kind,
        version=version + 1,
        value=checked,
        confidence=1.0,
        origin="adjudication",
        provenance={"reason": reason, "answers_sha256": consensus.answers_sha256},
        actor=actor,
        created_at=now,
    )
    session.add(label)
    consensus.state = ADJUDICATED
    gold_results.refresh(session, job_id, item_id)
    if _is_news_waiting(session, job_id):
        work.enqueue(session, "advance_job", job_id, now)  # it ends the job, once it has looked
    else:
        _finish_if_quiet(session, session.get_one(Job, job_id), now)
    return label


def revert(
    session: Session,
    *,
    job_id: int,
    item_id: int,
    kind: str,
    version: int,
    actor: str,
    now: datetime,
) -> Label:
    """A new newest version with the value of an older one: undo without forgetting."""
    consensus = _consensus(session, job_id, item_id, kind)
    newest = _newest(session, job_id, [item_id]).get((item_id, kind))
    old = session.scalar(
        select(Label).where(
            Label.job_id == job_id,
            Label.item_id == item_id,
            Label.kind == kind,
            Label.version == version,
        )
    )
    if old is None or newest is None:
        raise NotFound(f"item {item_id}, {kind}: there is no label version {version}")
    label = Label(
        job_id=job_id,
        item_id=item_id,
        kind=kind,
        version=newest.version + 1,
        value=old.value,
        confidence=old.confidence,
        origin="reverted",
        provenance={**old.provenance, "reverted_to": version},
        actor=actor,
        created_at=now,
    )
    session.add(label)
    consensus.state = ADJUDICATED
    gold_results.refresh(session, job_id, item_id)
    return label


def _checked(
    session: Session, job_id: int, item_id: int, kind: str, value: dict[str, Any]
) -> dict[str, Any]:
    """``value`` clipped and validated like a worker's answer; a tag may be left out."""
    job = session.get_one(Job, job_id)
    item = session.get_one(Item, item_id)
    schema = load_schema(session.get_one(SchemaVersion, job.schema_id))
    if kind == BOXES:
        boxes = [_with_sides(box) for box in _listed(value, "boxes", list)]
        return box_value(
            [
                check_box(box, schema.classes, item.width, item.height, f"boxes.{place}")
                for place, box in enumerate(boxes)
            ]
        )
    known = {attribute.name: attribute for attribute in schema.attributes}
    tags = _listed(value, "tags", dict)
    strange = set(tags) - set(known)
    if strange:
        raise InvalidAnswer(f"tags: expected some of {sorted(known)}, got {sorted(strange)}")
    return {"tags": {name: check_tag(tags[name], known[name], name) for name in sorted(tags)}}


def _listed(value: Any, name: str, shape: type[T]) -> T:
    found = value.get(name) if isinstance(value, dict) else None
    if not isinstance(found, shape):
        raise InvalidAnswer(f"expected {{{name!r}: {shape.__name__}}}, got {value!r:.80}")
    return found


def _with_sides(box: Any) -> Any:
    """A box given by its corners as one given by corner and size; what is no box stays."""
    if not isinstance(box, dict) or not {"left", "top", "right", "bottom"} <= box.keys():
        return box
    sides = [box[side] for side in ("left", "top", "right", "bottom")]
    if not all(isinstance(side, (int, float)) for side in sides):
        return box
    rest = {key: box[key] for key in box.keys() - {"right", "bottom", "score"}}
    return {**rest, "width": sides[2] - sides[0], "height": sides[3] - sides[1]}


def _consensus(session: Session, job_id: int, item_id: int, kind: str) -> Consensus:
    row = session.scalar(
        select(Consensus).where(
            Consensus.job_id == job_id, Consensus.item_id == item_id, Consensus.kind == kind
        )
    )
    if row is None:
        raise NotFound(f"job {job_id} asks no {kind} question about item {item_id}")
    return row


def _newest(session: Session, job_id: int, item_ids: Sequence[int]) -> dict[tuple[int, str], Label]:
    rows = session.scalars(
        select(Label)
        .where(Label.job_id == job_id, Label.item_id.in_(item_ids))
        .order_by(Label.item_id, Label.kind, Label.version)
    )
    return {(row.item_id, row.kind): row for row in rows}


def _finish_if_quiet(session: Session, job: Job, now: datetime) -> None:
    session.flush()
    if job.state == "running" and _is_quiet(session, job.id) and not _is_old(session, job.id):
        job.state = "finished"
        job.finished_at = now
        events.tell(session, "job.finished", f"{job.id}:{now.isoformat()}", now, job_id=job.id)


def _is_news_waiting(session: Session, job_id: int) -> bool:
    """Whether the job is to be combined anew: only then is it known what is still unsure."""
    waiting = select(Work.id).where(Work.key == f"advance_job:{job_id}", Work.state != "done")
    return session.scalar(waiting) is not None


def _is_old(session: Session, job_id: int) -> bool:
    """Whether answers came, or HITs closed, since the job was combined: the next run looks."""
    asked = select(Work.id).where(
        Work.key == f"advance_job:{job_id}", or_(Work.run_again, Work.state == "ready")
    )
    return session.scalar(asked) is not None


def _is_quiet(session: Session, job_id: int) -> bool:
    """Whether no batch is open and no question waits for answers or for a person."""
    waiting = exists().where(Consensus.job_id == job_id, Consensus.state.in_(("open", "conflict")))
    return not session.scalar(select(waiting)) and not _n_open_batches(session, job_id)


def _n_open_batches(session: Session, job_id: int) -> int:
    query = select(func.count()).where(Batch.job_id == job_id, Batch.state != "closed")
    return session.scalar(query) or 0
