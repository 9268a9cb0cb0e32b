"""What the service says when it says no. Programs match on these texts: keep them verbatim.

Texts without a source in the service's documents or in recorded replies are listed as
*chosen* in docs/marketplace.md.
"""

from __future__ import annotations

from typing import Any

_CODE = "AWS.MechanicalTurk."


class Refusal(Exception):
    """An error body of the API. ``kind`` is its ``__type``, ``code`` its TurkErrorCode."""

    def __init__(
        self,
        message: str,
        code: str = "",
        *,
        kind: str = "RequestError",
        status: int = 400,
        extra: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.kind = kind
        self.status = status
        self.extra = extra or {}

    def body(self, suffix: str) -> dict[str, Any]:
        """The JSON object sent; the service's own errors end in the time, gateway errors do not."""
        if not self.code:
            return {"__type": self.kind, "message": self.message, "Message": self.message}
        return {
            "__type": self.kind,
            "Message": f"{self.message} {suffix}",
            "TurkErrorCode": self.code,
            **self.extra,
        }


class Declined(Exception):
    """A worker's act that cannot be done; the text is for the worker."""

    def __init__(self, message: str, *, status: int = 409, title: str = "Not done") -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.title = title


def hit_missing(hit_id: str) -> Refusal:
    """No such HIT, or not the caller's."""
    return Refusal(f"Hit {hit_id} does not exist.", _CODE + "HITDoesNotExist")


def hit_type_missing(hit_type_id: str) -> Refusal:
    """No such HIT type, or not the caller's."""
    return Refusal(f"HITType {hit_type_id} does not exist.", _CODE + "HITTypeDoesNotExist")


def assignment_missing(assignment_id: str) -> Refusal:
    """No such assignment, or not the caller's."""
    return Refusal(f"Assignment {assignment_id} does not exist.", _CODE + "AssignmentDoesNotExist")


def layout_missing(layout_id: str) -> Refusal:
    """No such layout."""
    return Refusal(f"HITLayout {layout_id} does not exist.", _CODE + "HITLayoutDoesNotExist")


def assignment_state(allowed: str, current: str) -> Refusal:
    """The assignment is in none of the ``allowed`` states."""
    return Refusal(
        f"This operation can be called with a status of: {allowed}",
        _CODE + "InvalidAssignmentState",
        extra={"CurrentState": current},
    )


def hit_state(current: str, allowed: str) -> Refusal:
    """The HIT's state does not allow the operation.

    The service says this even where the state is allowed and undecided work is what
    stands in the way of DeleteHIT.
    """
    return Refusal(
        f"This HIT is currently in the state '{current}'.  "
        f"This operation can be called with a status of: {allowed}",
        _CODE + "InvalidHITState",
        extra={"CurrentState": current},
    )


def hit_has_work(hit_id: str, what: str) -> Refusal:
    """The HIT cannot be changed because of its assignments."""
    return Refusal(f"Hit {hit_id} has {what} assignments.", _CODE + "InvalidHITState")


def hit_settling(hit_id: str) -> Refusal:
    """A HIT made seconds ago cannot be changed yet."""
    return Refusal(
        f"Hit {hit_id} was created moments ago and cannot be modified yet. Please try again.",
        _CODE + "InvalidHITState",
    )


def hit_exists(hit_id: str) -> Refusal:
    """CreateHIT's token was used before."""
    return Refusal(
        f"Hit {hit_id} already exists: the UniqueRequestToken has been used before.",
        _CODE + "HitAlreadyExists",
        extra={"HITId": hit_id},
    )


def token_used(token: str) -> Refusal:
    """Any other operation's token was used before."""
    return Refusal(
        f'The idempotency token "{token}" has already been processed.',
        _CODE + "DuplicateRequest",
    )


def insufficient_funds() -> Refusal:
    """The account cannot pay."""
    return Refusal(
        "This Requester has insufficient funds in their account to complete this transaction. "
        "Please visit https://requester.mturk.com/prepayments/new to purchase Prepaid HITs.",
        _CODE + "InsufficientFunds",
    )


def maximum_increase(hit_id: str) -> Refusal:
    """Fewer than ten assignments may not become ten or more."""
    return Refusal(
        f"Hit {hit_id} was created with fewer than 10 assignments and cannot be extended to have "
        "10 or more.",
        _CODE + "InvalidMaximumAssignmentsIncrease",
    )


def bad_value(parameter: str, value: object) -> Refusal:
    """A parameter's value is refused by the service itself, not by the model's constraints."""
    return Refusal(
        f'The value "{value}" is not valid for the parameter {parameter}.',
        _CODE + "InvalidParameterValue",
        kind="ParameterValidationError",
        extra={"Parameter": parameter},
    )


def out_of_range(parameter: str, value: object, low: int, high: int) -> Refusal:
    """A number outside its documented range."""
    return Refusal(
        f'The value "{value}" is not valid for the parameter {parameter}. '
        f"It must be between {low} and {high}.",
        "AWS.ParameterOutOfRange",
        kind="ParameterValidationError",
        extra={"Parameter": parameter},
    )


def bad_document(parameter: str, message: str, code: str = "InvalidParameterValue") -> Refusal:
    """A Question, Test or AnswerKey that does not parse."""
    return Refusal(
        message, _CODE + code, kind="ParameterValidationError", extra={"Parameter": parameter}
    )


def missing(parameter: str, message: str) -> Refusal:
    """A parameter is needed that the model does not require."""
    return Refusal(
        message,
        "AWS.MissingParameters",
        kind="ParameterValidationError",
        extra={"Parameter": parameter},
    )


def qualification_type_missing(type_id: str) -> Refusal:
    """No such qualification type, or not the caller's."""
    return Refusal(
        f"QualificationType {type_id} does not exist.", _CODE + "QualificationTypeDoesNotExist"
    )


def qualification_type_exists(type_id: str) -> Refusal:
    """The owner has one of that name."""
    return Refusal(
        "You have already created a QualificationType with this name. A QualificationType's name "
        "must be unique among all of the QualificationTypes created by the same user.",
        _CODE + "QualificationTypeAlreadyExists",
        extra={"QualificationTypeId": type_id},
    )


def qualification_type_state(allowed: str, current: str) -> Refusal:
    """The qualification type is in none of the ``allowed`` states."""
    return Refusal(
        f"This operation can be called with a status of: {allowed}",
        _CODE + "InvalidQualificationTypeState",
        extra={"CurrentState": current},
    )


def qualification_missing(type_id: str, worker_id: str) -> Refusal:
    """The worker never held it."""
    return Refusal(
        f"Qualification {type_id} of Worker {worker_id} does not exist.",
        _CODE + "QualificationDoesNotExist",
    )


def qualification_state(current: str) -> Refusal:
    """The worker's qualification was revoked."""
    return Refusal(
        "This operation can be called with a status of: Granted",
        _CODE + "InvalidQualificationState",
        extra={"CurrentState": current},
    )


def qualification_request_missing(request_id: str) -> Refusal:
    """No such request, or for another's qualification type."""
    return Refusal(
        f"QualificationRequest {request_id} does not exist.",
        _CODE + "QualificationRequestDoesNotExist",
    )


def qualification_request_state(current: str) -> Refusal:
    """The request was decided before."""
    return Refusal(
        "This operation can be called with a status of: Submitted",
        _CODE + "InvalidQualificationRequestState",
        extra={"CurrentState": current},
    )


def bad_destination(destination: str) -> Refusal:
    """A notification's destination is not one its transport can reach."""
    return Refusal(
        f'The destination "{destination}" is not a valid transport endpoint.',
        _CODE + "InvalidTransportEndpoint",
    )


def bad_worker_id() -> Refusal:
    """DeleteWorkerBlock without a usable id."""
    return Refusal("WorkerId is invalid.", _CODE + "InvalidParameterValue")


def throttled() -> Refusal:
    """Too many calls in too little time, or told to say so."""
    return Refusal("Rate exceeded", kind="ThrottlingException")


def service_fault() -> Refusal:
    """The service's own failure."""
    return Refusal(
        "Service is temporarily unavailable. Please try again.",
        "AWS.ServiceUnavailable",
        kind="ServiceFault",
        status=500,
    )
