"""MTurk's replies as our records."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from jobs.errors import ProviderError
from jobs.money import MICROS_PER_DOLLAR
from jobs.records import Bonus, PostedHit, Submission


def member(reply: dict[str, Any], name: str, operation: str) -> Any:
    """``reply[name]``; a proxy's page instead of a reply says nothing about the effect."""
    if name not in reply:
        raise ProviderError(
            f"{operation}: the reply holds no {name}", permanent=False, outcome_unknown=True
        )
    return reply[name]


def posted_hit(hit: dict[str, Any], *, with_question: bool = False) -> PostedHit:
    """The HIT; its question is large and is kept where one HIT is asked for."""
    return PostedHit(
        provider_hit_id=hit["HITId"],
        marker=hit.get("RequesterAnnotation", ""),
        state=hit.get("HITStatus", ""),
        max_assignments=hit.get("MaxAssignments", 0),
        n_available=hit.get("NumberOfAssignmentsAvailable", 0),
        n_pending=hit.get("NumberOfAssignmentsPending", 0),
        expires_at=hit.get("Expiration"),
        provider_hit_type_id=hit.get("HITTypeId", ""),
        reward_micros=micros(hit.get("Reward", "0")),
        question=hit.get("Question", "") if with_question else "",
    )


def submission(row: dict[str, Any]) -> Submission:
    return Submission(
        provider_assignment_id=row["AssignmentId"],
        provider_worker_id=row["WorkerId"],
        provider_hit_id=row["HITId"],
        raw=row.get("Answer", ""),
        state=row["AssignmentStatus"],
        accepted_at=row["AcceptTime"],
        submitted_at=row["SubmitTime"],
        auto_approval_at=row.get("AutoApprovalTime"),
    )


def bonus(row: dict[str, Any]) -> Bonus:
    return Bonus(
        provider_worker_id=row["WorkerId"],
        provider_assignment_id=row["AssignmentId"],
        amount_micros=micros(row["BonusAmount"]),
        reason=row.get("Reason", ""),
        granted_at=row.get("GrantTime"),
    )


def micros(text: str) -> int:
    """Micro-dollars of an amount that the venue wrote."""
    return int(Decimal(text) * MICROS_PER_DOLLAR)
