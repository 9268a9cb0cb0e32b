"""Operations on workers: blocks and letters."""

from __future__ import annotations

from sqlalchemy import ColumnElement, delete, exists, select

from webapp.marketplace.hit_types import checked_text
from webapp.marketplace.operations.call import Call, Members
from webapp.marketplace.paging import page
from webapp.marketplace.refusals import bad_value, bad_worker_id
from webapp.marketplace.tables.people import Worker, WorkerBlock, WorkerMessage
from webapp.marketplace.tables.work import Assignment, Hit

_LONGEST_REASON = 4096
_MOST_LETTERS = 100


def create_worker_block(call: Call, args: Members) -> Members:
    """CreateWorkerBlock: the worker is told of the block, not of its reason."""
    reason = checked_text(args, "Reason", _LONGEST_REASON)
    worker = call.session.scalar(select(Worker).where(Worker.worker_id == args["WorkerId"]))
    if worker is None:
        raise bad_value("WorkerId", args["WorkerId"])
    row = call.session.scalar(select(WorkerBlock).where(*_block(call, worker.worker_id)))
    if row:
        row.reason = reason
        return {}
    call.session.add(
        WorkerBlock(
            requester_id=call.requester.id,
            worker_id=worker.worker_id,
            reason=reason,
            created_at=call.now,
        )
    )
    call.session.add(
        WorkerMessage(
            worker_id=worker.worker_id,
            subject="A requester has blocked you",
            text=f"{call.requester.name} does not take work from you any more.",
            sent_at=call.now,
        )
    )
    return {}


def delete_worker_block(call: Call, args: Members) -> Members:
    """DeleteWorkerBlock: unblocking who is not blocked succeeds."""
    known = select(Worker.id).where(Worker.worker_id == args["WorkerId"])
    if call.session.scalar(known) is None:
        raise bad_worker_id()
    call.session.execute(delete(WorkerBlock).where(*_block(call, args["WorkerId"])))
    return {}


def list_worker_blocks(call: Call, args: Members) -> Members:
    """ListWorkerBlocks."""
    query = select(WorkerBlock).where(WorkerBlock.requester_id == call.requester.id)
    rows, members = page(call, args, query, [WorkerBlock.id], lambda row: (row.id,))
    blocks = [{"WorkerId": row.worker_id, "Reason": row.reason} for row in rows]
    return {**members, "WorkerBlocks": blocks}


def notify_workers(call: Call, args: Members) -> Members:
    """NotifyWorkers: only who has had work decided by the caller gets the letter."""
    subject = checked_text(args, "Subject", 200)
    text = checked_text(args, "MessageText", 4096)
    worker_ids = list(dict.fromkeys(args["WorkerIds"]))
    if not 1 <= len(worker_ids) <= _MOST_LETTERS:
        raise bad_value("WorkerIds", f"{len(worker_ids)} ids")
    known = _acquainted(call, worker_ids)
    call.session.add_all(
        WorkerMessage(worker_id=worker_id, subject=subject, text=text, sent_at=call.now)
        for worker_id in worker_ids
        if worker_id in known
    )
    failures = [
        {
            "NotifyWorkersFailureCode": "HardFailure",
            "NotifyWorkersFailureMessage": f"You have not reviewed any work of {worker_id}.",
            "WorkerId": worker_id,
        }
        for worker_id in worker_ids
        if worker_id not in known
    ]
    return {"NotifyWorkersFailureStatuses": failures}


def _acquainted(call: Call, worker_ids: list[str]) -> set[str]:
    decided = exists().where(
        Assignment.worker_id == Worker.id,
        Assignment.state.in_(("Approved", "Rejected")),
        Assignment.hit_id == Hit.id,
        Hit.requester_id == call.requester.id,
    )
    rows = call.session.scalars(
        select(Worker.worker_id).where(Worker.worker_id.in_(worker_ids), decided)
    )
    return set(rows)


def _block(call: Call, worker_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (
        WorkerBlock.requester_id == call.requester.id,
        WorkerBlock.worker_id == worker_id,
    )
