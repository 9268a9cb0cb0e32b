"""Operations on assignments, bonuses and the account's money."""

from __future__ import annotations

from sqlalchemy import func, select

from webapp.marketplace import books, decisions, fees, tokens
from webapp.marketplace.dial import DAY
from webapp.marketplace.encoding import money_text
from webapp.marketplace.hit_types import checked_money, checked_text
from webapp.marketplace.lifecycle import locked_assignment
from webapp.marketplace.operations.call import Call, Members
from webapp.marketplace.operations.shapes import assignment_shape, hit_shape
from webapp.marketplace.paging import page
from webapp.marketplace.refusals import (
    Refusal,
    assignment_missing,
    assignment_state,
    bad_value,
    missing,
)
from webapp.marketplace.tables.money import Bonus
from webapp.marketplace.tables.people import Requester, Worker, WorkerMessage
from webapp.marketplace.tables.work import Assignment

_COMPLETED = ("Submitted", "Approved", "Rejected")
_LONGEST_FEEDBACK = 1024
_LONGEST_REASON = 4096
_BONUS_DAYS = 183


def list_assignments_for_hit(call: Call, args: Members) -> Members:
    """ListAssignmentsForHIT: submitted and decided ones, the earliest submission first."""
    hit = call.hit(args["HITId"])
    wanted = args.get("AssignmentStatuses") or _COMPLETED
    query = select(Assignment).where(Assignment.hit_id == hit.id, Assignment.state.in_(wanted))
    rows, members = page(
        call,
        args,
        query,
        [func.coalesce(Assignment.submitted_at, 0), Assignment.id],
        lambda row: (row.submitted_at or 0, row.id),
    )
    worker_ids = _worker_ids(call, rows)
    shapes = [assignment_shape(row, worker_ids[row.worker_id]) for row in rows]
    return {**members, "Assignments": shapes}


def get_assignment(call: Call, args: Members) -> Members:
    """GetAssignment: with its HIT."""
    assignment = call.assignment(args["AssignmentId"])
    if assignment.state not in _COMPLETED:
        raise assignment_state("Reviewable,Approved,Rejected", assignment.state)
    worker_id = _worker_ids(call, [assignment])[assignment.worker_id]
    return {
        "Assignment": assignment_shape(assignment, worker_id),
        "HIT": hit_shape(assignment.hit),
    }


def approve_assignment(call: Call, args: Members) -> Members:
    """ApproveAssignment: pays the worker and the fee."""
    assignment = call.assignment(args["AssignmentId"])
    feedback = _feedback(args)
    decisions.check_ripe(assignment, call.now, call.options.decision_lag_seconds)
    if assignment.state == "Rejected" and args.get("OverrideRejection"):
        decisions.approve_rejected(call.session, assignment, call.now, feedback)
    else:
        decisions.approve(call.session, assignment, call.now, feedback)
    return {}


def reject_assignment(call: Call, args: Members) -> Members:
    """RejectAssignment: nothing is paid."""
    assignment = call.assignment(args["AssignmentId"])
    feedback = _feedback(args)
    decisions.check_ripe(assignment, call.now, call.options.decision_lag_seconds)
    decisions.reject(call.session, assignment, call.now, feedback or "")
    return {}


def send_bonus(call: Call, args: Members) -> Members:
    """SendBonus: paid at once, with its fee."""
    tokens.claim(
        call.session, call.requester.id, call.operation, args.get("UniqueRequestToken"), call.now
    )
    cents = checked_money(args, "BonusAmount", least=1)
    reason = checked_text(args, "Reason", _LONGEST_REASON)
    assignment = locked_assignment(call.session, call.assignment(args["AssignmentId"]).id)
    worker = call.session.get_one(Worker, assignment.worker_id)
    if worker.worker_id != args["WorkerId"]:
        raise bad_value("WorkerId", args["WorkerId"])
    _check_bonus_allowed(call, assignment)
    bonus = Bonus(
        requester_id=call.requester.id, hit_id=assignment.hit_id, assignment_id=assignment.id,
        worker_id=worker.id, amount_cents=cents, reason=reason, granted_at=call.now,
    )  # fmt: skip
    call.session.add(bonus)
    call.session.flush()
    fee = fees.bonus_fee(cents, account_kind=call.requester.kind)
    books.pay_bonus(call.session, assignment, bonus.id, cents, fee, call.now)
    call.session.add(
        WorkerMessage(
            worker_id=worker.worker_id,
            subject=f"A bonus of ${money_text(cents)}",
            text=reason,
            sent_at=call.now,
        )
    )
    return {}


def list_bonus_payments(call: Call, args: Members) -> Members:
    """ListBonusPayments: of one HIT or of one assignment."""
    if ("HITId" in args) == ("AssignmentId" in args):
        raise missing("HITId", "Either a HITId or an AssignmentId must be given, and not both.")
    query = select(Bonus).where(Bonus.requester_id == call.requester.id)
    if "HITId" in args:
        query = query.where(Bonus.hit_id == call.hit(args["HITId"]).id)
    else:
        query = query.where(Bonus.assignment_id == call.assignment(args["AssignmentId"]).id)
    if call.options.index_lag_seconds:
        query = query.where(Bonus.granted_at <= call.now - call.options.index_lag_seconds * 1000)
    rows, members = page(call, args, query, [Bonus.id], lambda row: (row.id,))
    return {**members, "BonusPayments": [_bonus_shape(call, row) for row in rows]}


def get_account_balance(call: Call, _args: Members) -> Members:
    """GetAccountBalance: what can be spent; what is held for open HITs."""
    requester = call.session.get_one(Requester, call.requester.id)
    return {
        "AvailableBalance": money_text(requester.available_cents),
        "OnHoldBalance": money_text(requester.held_cents),
    }


def get_file_upload_url(call: Call, args: Members) -> Members:
    """GetFileUploadURL: file upload answers ended on 2017-12-12, so no assignment has a file."""
    call.assignment(args["AssignmentId"])
    raise Refusal(
        "FileUploadAnswer is no longer supported: no file was uploaded for the question "
        f'"{args["QuestionIdentifier"]}".',
        "AWS.MechanicalTurk.InvalidParameterValue",
        kind="ParameterValidationError",
        extra={"Parameter": "QuestionIdentifier"},
    )


def _feedback(args: Members) -> str | None:
    if "RequesterFeedback" not in args:
        return None
    return checked_text(args, "RequesterFeedback", _LONGEST_FEEDBACK, blank=True)


def _check_bonus_allowed(call: Call, assignment: Assignment) -> None:
    if assignment.state not in _COMPLETED:
        raise assignment_state("Submitted,Approved,Rejected", assignment.state)
    if call.now - (assignment.submitted_at or 0) > _BONUS_DAYS * DAY:
        raise assignment_missing(assignment.assignment_id)


def _worker_ids(call: Call, rows: list[Assignment]) -> dict[int, str]:
    pks = {row.worker_id for row in rows}
    found = call.session.execute(select(Worker.id, Worker.worker_id).where(Worker.id.in_(pks)))
    return dict(found.all())


def _bonus_shape(call: Call, row: Bonus) -> Members:
    assignment = call.session.get_one(Assignment, row.assignment_id)
    return {
        "WorkerId": call.session.get_one(Worker, row.worker_id).worker_id,
        "BonusAmount": money_text(row.amount_cents),
        "AssignmentId": assignment.assignment_id,
        "Reason": row.reason,
        "GrantTime": row.granted_at,
    }
