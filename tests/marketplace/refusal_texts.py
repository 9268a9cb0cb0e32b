"""What the service says when it says no. ``exact``: its documents or recorded replies have it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Text:
    """``…`` stands for what differs from call to call."""

    code: str
    message: str
    is_exact: bool = True


_STATUS = "This operation can be called with a status of: "
_CURRENT = "This HIT is currently in the state '…'.  " + _STATUS
_VALUE = "ParameterValidationError InvalidParameterValue"
_CHOSEN = False

TEXTS: dict[str, Text] = {
    "no HIT": Text("RequestError HITDoesNotExist", "Hit … does not exist."),
    "no assignment": Text("RequestError AssignmentDoesNotExist", "Assignment … does not exist."),
    "needs Submitted": Text("RequestError InvalidAssignmentState", _STATUS + "Submitted"),
    "needs a submission": Text(
        "RequestError InvalidAssignmentState", _STATUS + "Reviewable,Approved,Rejected"
    ),
    "too soon": Text("RequestError InvalidAssignmentState", _STATUS + "null"),
    "HIT disposed of": Text(
        "RequestError InvalidHITState",
        "This HIT is currently in the state 'Disposed'.  " + _STATUS + "Reviewing, Reviewable",
    ),
    "token processed": Text(
        "RequestError DuplicateRequest",
        'The idempotency token "…" has already been processed.',
    ),
    "no money": Text(
        "RequestError InsufficientFunds",
        "This Requester has insufficient funds in their account to complete this transaction. "
        "Please visit https://requester.mturk.com/prepayments/new to purchase Prepaid HITs.",
    ),
    "name taken": Text(
        "RequestError QualificationTypeAlreadyExists",
        "You have already created a QualificationType with this name. A QualificationType's name "
        "must be unique among all of the QualificationTypes created by the same user.",
    ),
    "needs Active,Inactive": Text(
        "RequestError InvalidQualificationTypeState", _STATUS + "Active,Inactive"
    ),
    "needs Granted": Text("RequestError InvalidQualificationState", _STATUS + "Granted"),
    "bad WorkerId": Text(_VALUE, 'The value "…" is not valid for the parameter WorkerId.'),
    "WorkerId invalid": Text("RequestError InvalidParameterValue", "WorkerId is invalid."),
    "HTML5 error": Text(
        _VALUE,
        "There was an error parsing the HTML5 data in your request.  Please make sure the data is "
        "well-formed and validates as HTML5. Details: Errors: … Invalid content: …",
    ),
    "amount pattern": Text(
        "ValidationException",
        "1 validation error detected: Value '0.9752' at 'bonusAmount' failed to satisfy "
        "constraint: Member must satisfy regular expression pattern: ^[0-9]+(\\.)?[0-9]{0,2}$",
    ),
    "null member": Text(
        "ValidationException",
        "1 validation error detected: Value null at 'reason' failed to satisfy constraint: "
        "Member must not be null",
    ),
    "too fast": Text("ThrottlingException", "Rate exceeded"),
    "too many at once": Text(
        "ValidationException",
        "1 validation error detected: Value '101' at 'maxResults' failed to satisfy constraint: "
        "Member must have value less than or equal to 100",
        _CHOSEN,
    ),
    "no HIT type": Text("RequestError HITTypeDoesNotExist", "HITType … does not exist.", _CHOSEN),
    "no layout": Text("RequestError HITLayoutDoesNotExist", "HITLayout … does not exist.", _CHOSEN),
    "HIT exists": Text(
        "RequestError HitAlreadyExists",
        "Hit … already exists: the UniqueRequestToken has been used before.",
        _CHOSEN,
    ),
    "HIT not deletable": Text(
        "RequestError InvalidHITState", _CURRENT + "Reviewing, Reviewable", _CHOSEN
    ),
    "HIT not Reviewable": Text("RequestError InvalidHITState", _CURRENT + "Reviewable", _CHOSEN),
    "HIT not Reviewing": Text("RequestError InvalidHITState", _CURRENT + "Reviewing", _CHOSEN),
    "HIT has work": Text(
        "RequestError InvalidHITState", "Hit … has accepted or submitted assignments.", _CHOSEN
    ),
    "HIT settles": Text(
        "RequestError InvalidHITState",
        "Hit … was created moments ago and cannot be modified yet. Please try again.",
        _CHOSEN,
    ),
    "no tenth assignment": Text(
        "RequestError InvalidMaximumAssignmentsIncrease",
        "Hit … was created with fewer than 10 assignments and cannot be extended to have 10 or "
        "more.",
        _CHOSEN,
    ),
    "bonus needs work": Text(
        "RequestError InvalidAssignmentState", _STATUS + "Submitted,Approved,Rejected", _CHOSEN
    ),
    "no file uploads": Text(
        _VALUE,
        'FileUploadAnswer is no longer supported: no file was uploaded for the question "…".',
        _CHOSEN,
    ),
    "no qualification type": Text(
        "RequestError QualificationTypeDoesNotExist",
        "QualificationType … does not exist.",
        _CHOSEN,
    ),
    "no qualification": Text(
        "RequestError QualificationDoesNotExist",
        "Qualification … of Worker … does not exist.",
        _CHOSEN,
    ),
    "no request": Text(
        "RequestError QualificationRequestDoesNotExist",
        "QualificationRequest … does not exist.",
        _CHOSEN,
    ),
    "needs Active": Text("RequestError InvalidQualificationTypeState", _STATUS + "Active", _CHOSEN),
    "request decided": Text(
        "RequestError InvalidQualificationRequestState", _STATUS + "Submitted", _CHOSEN
    ),
    "needs a question": Text(
        "ParameterValidationError MissingParameters",
        "Either a Question or a HITLayoutId must be given, and not both.",
        _CHOSEN,
    ),
    "needs a notification": Text(
        "ParameterValidationError MissingParameters",
        "Either a Notification or Active must be given.",
        _CHOSEN,
    ),
    "out of range": Text(
        "ParameterValidationError ParameterOutOfRange",
        'The value "…" is not valid for the parameter LifetimeInSeconds. It must be between 30 '
        "and 31536000.",
        _CHOSEN,
    ),
    "bad endpoint": Text(
        "RequestError InvalidTransportEndpoint",
        'The destination "…" is not a valid transport endpoint.',
        _CHOSEN,
    ),
}
