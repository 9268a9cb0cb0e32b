"""botocore's errors as ours: what is known of the effect decides, not the wording."""

from __future__ import annotations

import json
import re
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
)
from botocore.model import OperationModel

from jobs.errors import ProviderError

ALREADY_EXISTS = ("AWS.MechanicalTurk.HitAlreadyExists", "AWS.MechanicalTurk.HITAlreadyExists")
WRONG_ASSIGNMENT_STATE = "AWS.MechanicalTurk.InvalidAssignmentState"
NO_SUCH_HIT = "AWS.MechanicalTurk.HITDoesNotExist"
INSUFFICIENT_FUNDS = "AWS.MechanicalTurk.InsufficientFunds"
TOKEN_USED = "has already been processed"  # noqa: S105 (a message of the venue)
ENTITY = re.compile(r"[A-Z0-9]{20,64}")

_REFUSED = {"RequestError", "ParameterValidationError", "ValidationException"}
_SLOW_DOWN = {
    "ThrottlingException",
    "Throttling",
    "TooManyRequestsException",
    "RequestLimitExceeded",
}
_WHO_ARE_YOU = {
    "AccessDeniedException",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_NEVER_SENT = (
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
)


def keep_turk_code(http_response: Any, parsed: dict[str, Any], **_: Any) -> None:
    """An ``after-call`` hook: botocore drops TurkErrorCode from errors its model does not know."""
    if http_response.status_code < 300 or "TurkErrorCode" in parsed:
        return
    try:
        body = json.loads(http_response.content)
    except ValueError:
        return
    if isinstance(body, dict) and isinstance(body.get("TurkErrorCode"), str):
        parsed["TurkErrorCode"] = body["TurkErrorCode"]


class UnreadableReply(BotoCoreError):
    """What came back with a success's status is not the venue's."""

    fmt = "expected a reply in JSON, got {size} bytes that are none"


def refuse_unreadable(http_response: Any, model: OperationModel, **_: Any) -> None:
    """An ``after-call`` hook: a proxy's page, or half a reply, is no success.

    botocore reads either as a reply without members: an empty list, a decision carried out.
    """
    if http_response.status_code >= 300:
        return
    content = http_response.content
    if not content and not (model.output_shape and model.output_shape.members):
        return
    try:
        is_reply = isinstance(json.loads(content), dict)
    except ValueError:
        is_reply = False
    if not is_reply:
        raise UnreadableReply(size=len(content))


def translate(error: BotoCoreError | ClientError, operation: str) -> ProviderError:
    """The error for ``operation``: refused for good, refused for now, or of unknown outcome."""
    if isinstance(error, ClientError):
        return _translate_reply(error, operation)
    if isinstance(error, ParamValidationError):
        return ProviderError(f"{operation}: {error}", permanent=True, code="ParamValidation")
    return ProviderError(
        f"{operation}: {error}",
        permanent=False,
        outcome_unknown=not isinstance(error, _NEVER_SENT),
        code=type(error).__name__,
    )


def _translate_reply(error: ClientError, operation: str) -> ProviderError:
    response: dict[str, Any] = dict(error.response)
    kind = str(response.get("Error", {}).get("Code", ""))
    message = str(response.get("Error", {}).get("Message", ""))[:1000]
    code = str(response.get("TurkErrorCode") or kind)
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    text = f"{operation}: {code}: {message}"
    if kind in _SLOW_DOWN or kind in _WHO_ARE_YOU:
        return ProviderError(text, permanent=False, code=code)
    if kind in _REFUSED and 400 <= status < 500:
        return ProviderError(text, permanent=True, code=code)
    return ProviderError(text, permanent=False, outcome_unknown=True, code=code)
