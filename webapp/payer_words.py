"""Who would pay where, or why nobody can say, in a person's words. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.errors import ProviderError
from jobs.money import format_usd
from jobs.records import Identity

PLACES = {
    "local": "Our own marketplace",
    "sandbox": "MTurk's sandbox, no money",
    "production": "MTurk, real money",
}
_NO_KEYS = {"NoCredentialsError", "PartialCredentialsError", "MissingAuthenticationToken"}
_OLD_KEYS = {"ExpiredTokenException", "RequestExpired"}
_BAD_KEYS = {
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_NO_RIGHT = {"AccessDeniedException", "AccessDenied", "RequestError"}
_BUSY = {"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"}
_UNREACHED = {
    "ConnectTimeoutError",
    "EndpointConnectionError",
    "ProxyConnectionError",
    "ReadTimeoutError",
}


@dataclass(frozen=True)
class PayerLine:
    """One environment: ``state`` in a word, ``words`` for people, ``raw`` as the venue said it."""

    environment: str
    place: str
    state: str
    is_known: bool
    words: str
    raw: str


def known(identity: Identity) -> PayerLine:
    """Whose account pays, and what is in it."""
    if identity.arn:
        who = f"AWS account {identity.account} pays, as {identity.arn.rpartition('/')[2]}."
    else:
        who = f"The account “{identity.account}” pays."
    balance = identity.balance_micros
    has = "What is in it is not known." if balance is None else f"It holds {format_usd(balance)}."
    raw = f"{identity.arn or identity.account} at {identity.endpoint}"
    return _line(identity.environment, "known", f"{who} {has}", raw, is_known=True)


def unknown(environment: str, error: ProviderError) -> PayerLine:
    """Why nobody can say who pays, and what helps."""
    state, words = _explained(environment, error.code)
    return _line(environment, state, words, str(error), is_known=False)


def _explained(environment: str, code: str) -> tuple[str, str]:
    if code in _NO_KEYS:
        return "not set up", (
            "No AWS keys are set up on this machine, so nothing can be bought there. Nothing is "
            "wrong as long as no job asks for it; otherwise whoever runs this machine sets them up."
        )
    if code in _OLD_KEYS:
        return "refused", "AWS says that the keys of this machine are too old. They need renewing."
    if code in _BAD_KEYS:
        return "refused", "AWS does not know the keys of this machine. They need setting up anew."
    if code in _NO_RIGHT:
        return "refused", (
            "The venue knows the keys of this machine, and does not let them ask for the balance: "
            "the account is not registered as a requester, or the keys may not use MTurk."
        )
    if code in _BUSY:
        return "busy", "The venue is busy. Open this page again in a minute."
    if code in _UNREACHED and environment == "local":
        return "not reached", (
            "Our own marketplace does not answer. It runs while HITworks does, so it was stopped "
            "or has not started yet."
        )
    if code in _UNREACHED:
        return "not reached", "This machine does not reach Amazon. Is it connected to the internet?"
    return "not known", "The venue answered in a way that does not say who pays."


def _line(environment: str, state: str, words: str, raw: str, *, is_known: bool) -> PayerLine:
    return PayerLine(environment, PLACES[environment], state, is_known, words, raw)
