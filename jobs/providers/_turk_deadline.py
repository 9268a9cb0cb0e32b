"""A call of a venue ends within two minutes, however slowly its reply comes.

A read time-out is for one read of the socket: a reply of a byte a second never meets it. Here
each read of a reply, of its first line as of its last byte, has what is left of its call's
time. What ends a call so is a read time-out to botocore: nobody knows whether it had its effect.

Connecting, the handshake and sending each have one time-out for the whole of it already. The
system's own look-up of a name has a time of its own.
"""

from __future__ import annotations

import time
from contextvars import ContextVar
from io import BufferedReader, RawIOBase
from socket import socket
from typing import Any

from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPResponse,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)

LONGEST_CALL_SECONDS = 120.0
_ends_at: ContextVar[float] = ContextVar("ends_at")


def bounded(client: Any) -> Any:
    """``client``, each try of whose calls ends within ``LONGEST_CALL_SECONDS``.

    botocore has no public place for connections of another kind. It is asked for its own one
    here alone, and a release of it that keeps them elsewhere fails at once.
    """
    kinds = client._endpoint.http_session._pool_classes_by_scheme
    kinds.update(http=_Pool, https=_SecurePool)
    client.meta.events.register("before-send", _begin)
    return client


def _begin(**_: Any) -> None:
    """A ``before-send`` hook: the time of the call that this thread makes begins."""
    _ends_at.set(time.monotonic() + LONGEST_CALL_SECONDS)


class _Reads(RawIOBase):
    """What comes over ``wire``, for as long as the call has time."""

    def __init__(self, wire: socket, raw: RawIOBase) -> None:
        self._wire = wire
        self._raw = raw
        self._longest_read = wire.gettimeout()
        self._ends_at = _ends_at.get()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError("the reply is not whole, and the time of the call is over")
        self._wire.settimeout(min(left, self._longest_read or left))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Reply(AWSHTTPResponse):
    """The venue's response, or a proxy's, reading no longer than its call may last."""

    def __init__(self, sock: socket, *rest: Any, **named: Any) -> None:
        super().__init__(sock, *rest, status_tuple=None, **named)
        self.fp = BufferedReader(_Reads(sock, self.fp.detach()))


class _Connection(AWSHTTPConnection):
    response_class = _Reply


class _SecureConnection(AWSHTTPSConnection):
    response_class = _Reply


class _Pool(AWSHTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(AWSHTTPSConnectionPool):
    ConnectionCls = _SecureConnection
