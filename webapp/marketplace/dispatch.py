"""Which function answers which operation, and which of them only look."""

from __future__ import annotations

from collections.abc import Callable

from webapp.marketplace.operations import (
    assignments,
    hits,
    notifications,
    qualification_requests,
    qualification_types,
    workers,
)
from webapp.marketplace.operations.call import Call, Members

Operation = Callable[[Call, Members], Members]

OPERATIONS: dict[str, Operation] = {
    "CreateHIT": hits.create_hit,
    "CreateHITType": hits.create_hit_type,
    "CreateHITWithHITType": hits.create_hit_with_hit_type,
    "GetHIT": hits.get_hit,
    "ListHITs": hits.list_hits,
    "ListReviewableHITs": hits.list_reviewable_hits,
    "ListHITsForQualificationType": hits.list_hits_for_qualification_type,
    "UpdateExpirationForHIT": hits.update_expiration_for_hit,
    "CreateAdditionalAssignmentsForHIT": hits.create_additional_assignments_for_hit,
    "UpdateHITTypeOfHIT": hits.update_hit_type_of_hit,
    "UpdateHITReviewStatus": hits.update_hit_review_status,
    "DeleteHIT": hits.delete_hit,
    "ListAssignmentsForHIT": assignments.list_assignments_for_hit,
    "GetAssignment": assignments.get_assignment,
    "ApproveAssignment": assignments.approve_assignment,
    "RejectAssignment": assignments.reject_assignment,
    "GetFileUploadURL": assignments.get_file_upload_url,
    "SendBonus": assignments.send_bonus,
    "ListBonusPayments": assignments.list_bonus_payments,
    "GetAccountBalance": assignments.get_account_balance,
    "CreateQualificationType": qualification_types.create_qualification_type,
    "GetQualificationType": qualification_types.get_qualification_type,
    "ListQualificationTypes": qualification_types.list_qualification_types,
    "AssociateQualificationWithWorker": qualification_types.associate_qualification_with_worker,
    "DisassociateQualificationFromWorker": (
        qualification_types.disassociate_qualification_from_worker
    ),
    "GetQualificationScore": qualification_types.get_qualification_score,
    "UpdateQualificationType": qualification_requests.update_qualification_type,
    "DeleteQualificationType": qualification_requests.delete_qualification_type,
    "ListQualificationRequests": qualification_requests.list_qualification_requests,
    "AcceptQualificationRequest": qualification_requests.accept_qualification_request,
    "RejectQualificationRequest": qualification_requests.reject_qualification_request,
    "CreateWorkerBlock": workers.create_worker_block,
    "DeleteWorkerBlock": workers.delete_worker_block,
    "ListWorkerBlocks": workers.list_worker_blocks,
    "NotifyWorkers": workers.notify_workers,
    "UpdateNotificationSettings": notifications.update_notification_settings,
    "SendTestEventNotification": notifications.send_test_event_notification,
    "ListReviewPolicyResultsForHIT": hits.list_review_policy_results_for_hit,
    "ListWorkersWithQualificationType": qualification_types.list_workers_with_qualification_type,
}


def only_reads(operation: str) -> bool:
    """Whether the operation changes nothing."""
    return operation.startswith(("Get", "List"))
