"""Rows as the service's output shapes."""

from __future__ import annotations

from webapp.marketplace.encoding import money_text
from webapp.marketplace.lifecycle import open_slots
from webapp.marketplace.operations.call import Members
from webapp.marketplace.tables.qualifications import Qualification, QualificationType
from webapp.marketplace.tables.work import Assignment, Hit


def hit_shape(hit: Hit) -> Members:
    """A HIT with everything the service tells of it."""
    hit_type = hit.hit_type
    return {
        "HITId": hit.hit_id,
        "HITTypeId": hit_type.hit_type_id,
        "HITGroupId": hit_type.hit_group_id,
        "HITLayoutId": hit.layout_id or None,
        "CreationTime": hit.created_at,
        "Title": hit_type.title,
        "Description": hit_type.description,
        "Question": hit.question,
        "Keywords": hit_type.keywords or None,
        "HITStatus": hit.status,
        "MaxAssignments": hit.max_assignments,
        "Reward": money_text(hit_type.reward_cents),
        "AutoApprovalDelayInSeconds": hit_type.auto_approval_seconds,
        "Expiration": hit.expires_at,
        "AssignmentDurationInSeconds": hit_type.duration_seconds,
        "RequesterAnnotation": hit.annotation or None,
        "QualificationRequirements": hit_type.requirements,
        "HITReviewStatus": "NotReviewed",
        "NumberOfAssignmentsPending": hit.n_pending,
        "NumberOfAssignmentsAvailable": open_slots(hit),
        "NumberOfAssignmentsCompleted": hit.n_approved + hit.n_rejected,
    }


def assignment_shape(assignment: Assignment, worker_id: str) -> Members:
    """An assignment with its answer."""
    return {
        "AssignmentId": assignment.assignment_id,
        "WorkerId": worker_id,
        "HITId": assignment.hit.hit_id,
        "AssignmentStatus": assignment.state,
        "AutoApprovalTime": assignment.auto_approves_at,
        "AcceptTime": assignment.accepted_at,
        "SubmitTime": assignment.submitted_at,
        "ApprovalTime": assignment.approved_at,
        "RejectionTime": assignment.rejected_at,
        "Deadline": assignment.deadline,
        "Answer": assignment.answer,
        "RequesterFeedback": assignment.feedback or None,
    }


def qualification_type_shape(row: QualificationType) -> Members:
    """A qualification type."""
    return {
        "QualificationTypeId": row.qualification_type_id,
        "CreationTime": row.created_at,
        "Name": row.name,
        "Description": row.description,
        "Keywords": row.keywords or None,
        "QualificationTypeStatus": row.status if row.status == "Active" else "Inactive",
        "Test": row.test or None,
        "TestDurationInSeconds": row.test_duration_seconds,
        "AnswerKey": row.answer_key or None,
        "RetryDelayInSeconds": row.retry_delay_seconds,
        "IsRequestable": row.status == "Active" and not row.for_staff,
        "AutoGranted": row.auto_granted,
        "AutoGrantedValue": row.auto_granted_value if row.auto_granted else None,
    }


def qualification_shape(row: Qualification) -> Members:
    """A worker's qualification."""
    return {
        "QualificationTypeId": row.type.qualification_type_id,
        "WorkerId": row.worker.worker_id,
        "GrantTime": row.granted_at,
        "IntegerValue": row.value,
        "Status": row.status,
    }
