"""AWS Signature Version 4, seen from the receiving side."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from werkzeug import Request

from webapp.marketplace.refusals import Refusal

SERVICE = "mturk-requester"
_MAX_SKEW = timedelta(minutes=15)
_STAMP = "%Y%m%dT%H%M%SZ"
_MUST_BE_SIGNED = {"host", "x-amz-date", "x-amz-target"}
_HEADER = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/,\s]{1,128})/(?P<date>\d{8})/(?P<region>[a-z0-9-]+)/"
    r"(?P<service>[a-z0-9-]+)/aws4_request, ?SignedHeaders=(?P<headers>[a-z0-9;_-]+), ?"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True)
class Credential:
    """What a request's Authorization header claims."""

    access_key: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str


def claimed(request: Request) -> Credential:
    """The credential a request names, not verified yet.

    Raises:
        Refusal: MissingAuthenticationTokenException or IncompleteSignatureException.

    """
    header = request.headers.get("Authorization", "")
    if not header:
        raise Refusal("Missing Authentication Token", kind="MissingAuthenticationTokenException")
    found = _HEADER.fullmatch(header.strip())
    if not found:
        raise Refusal(
            "Authorization header is not a complete AWS4-HMAC-SHA256 signature.",
            kind="IncompleteSignatureException",
        )
    return Credential(
        found["key"],
        found["date"],
        found["region"],
        found["service"],
        tuple(found["headers"].split(";")),
        found["signature"],
    )


def verify(request: Request, body: bytes, credential: Credential, secret_key: str) -> None:
    """Nothing, if ``secret_key`` signed the request within the last 15 minutes on the wall clock.

    Raises:
        Refusal: InvalidSignatureException.

    """
    _check_age(request, credential)
    if credential.service != SERVICE:
        raise _bad_signature("Credential should be scoped to correct service: 'mturk-requester'.")
    unsigned = _MUST_BE_SIGNED - set(credential.signed_headers)
    if unsigned:
        raise _bad_signature(f"Not signed, but must be: {', '.join(sorted(unsigned))}.")
    expected = _signature(request, body, credential, secret_key)
    if not hmac.compare_digest(expected, credential.signature):
        raise _bad_signature(
            "The request signature we calculated does not match the signature you provided. Check "
            "your AWS Secret Access Key and signing method. Consult the service documentation for "
            "details."
        )


def _check_age(request: Request, credential: Credential) -> None:
    stamp = request.headers.get("X-Amz-Date", "")
    try:
        signed_at = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    except ValueError as error:
        raise _bad_signature(f"X-Amz-Date is not a timestamp: {stamp[:40]}") from error
    now = datetime.now(UTC)
    if signed_at < now - _MAX_SKEW:
        earliest = (now - _MAX_SKEW).strftime(_STAMP)
        raise _bad_signature(
            f"Signature expired: {stamp} is now earlier than {earliest} "
            f"({now.strftime(_STAMP)} - 15 min.)"
        )
    if signed_at > now + _MAX_SKEW:
        latest = (now + _MAX_SKEW).strftime(_STAMP)
        raise _bad_signature(
            f"Signature not yet current: {stamp} is still later than {latest} "
            f"({now.strftime(_STAMP)} + 15 min.)"
        )
    if not stamp.startswith(credential.date):
        raise _bad_signature(
            f"Date in Credential scope does not match YYYYMMDD from X-Amz-Date: {stamp}"
        )


def _signature(request: Request, body: bytes, credential: Credential, secret_key: str) -> str:
    headers = "".join(
        f"{name}:{' '.join(request.headers.get(name, '').split())}\n"
        for name in credential.signed_headers
    )
    canonical = "\n".join(
        (
            request.method,
            quote(request.path, safe="/-_.~"),
            request.query_string.decode("latin-1"),
            headers,
            ";".join(credential.signed_headers),
            hashlib.sha256(body).hexdigest(),
        )
    )
    scope = f"{credential.date}/{credential.region}/{credential.service}/aws4_request"
    to_sign = "\n".join(
        (
            "AWS4-HMAC-SHA256",
            request.headers.get("X-Amz-Date", ""),
            scope,
            hashlib.sha256(canonical.encode()).hexdigest(),
        )
    )
    key = f"AWS4{secret_key}".encode()
    for part in (credential.date, credential.region, credential.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, to_sign.encode(), "sha256").hexdigest()


def _bad_signature(message: str) -> Refusal:
    return Refusal(message, kind="InvalidSignatureException")
