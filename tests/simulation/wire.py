"""Between boto3 and the marketplace: botocore's HTTP session, with an app instead of a socket."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError
from flask import Flask

from tests.jobs.lifecycle import Dial
from tests.simulation.chances import Chances, Crash
from webapp.marketplace.faults import Fault, FaultPlan

READ_TIMEOUT_SECONDS = 30
LATEST_ARRIVAL = timedelta(seconds=75)
"""A request the client gave up on may still arrive; later than this it never does."""

_SECONDS_OF_A_CALL = 0.04
_DIALLED = {
    "request lost": "drop_before",
    "reply lost": "drop_after",
    "fault without effect": "fault_before",
    "fault after the effect": "fault_after",
    "throttled": "throttle",
    "slow before the effect": "delay_before",
    "slow after the effect": "delay_after",
}
_PAGE = b"<html><body>The proxy is very sorry.</body></html>"
Headers = dict[str, str]


@dataclass(frozen=True)
class _Reply:
    status: int
    headers: Headers
    body: bytes
    is_cut: bool


_NOTHING = _Reply(200, {}, b"", is_cut=False)


class _Body(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.getvalue()


class _Channel:
    """What the marketplace closes when it is told to cut a connection: waitress's, here."""

    def __init__(self) -> None:
        self.socket = self
        self.will_close = False

    def shutdown(self, _how: int) -> None:
        """Nothing to shut."""

    def is_gone(self) -> bool:
        return self.will_close


class Wire:
    """Every request of every client of this process goes through here.

    ``pause`` lets other processes run before the request leaves and before its reply is
    seen; ``watch`` is called after each request that arrived.
    """

    def __init__(self, dial: Dial) -> None:
        self.app: Flask
        self.plan: FaultPlan
        self.chances: Chances
        self.note: Callable[[str], None]
        self.pause: Callable[[], None]
        self.watch: Callable[[], None]
        self.before_send: Callable[[], None]
        self._dial = dial
        self._late: list[tuple[datetime, str, dict[str, Any], bytes]] = []

    def clear(self) -> None:
        """Forget requests under way."""
        self._late.clear()

    def close(self) -> None:
        """Nothing to close: botocore calls this."""

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        """The marketplace's reply, or what the trouble of the seed makes of it."""
        self.before_send()
        self.pause()
        if self.chances.strikes("crash before the call"):
            raise Crash
        operation = _text(request.headers["X-Amz-Target"]).rpartition(".")[2]
        trouble = self.chances.call_fault()
        self._dial.turn(seconds=_SECONDS_OF_A_CALL)
        if trouble == "connection refused":
            raise EndpointConnectionError(endpoint_url=request.url)
        if trouble == "a proxy answers by itself":
            return _response(request.url, _NOTHING, trouble)
        environ, body = _environ(request), _bytes(request.body)
        if trouble == "request arrives late":
            self._late.append((self._dial() + LATEST_ARRIVAL, operation, environ, body))
            self._dial.turn(seconds=READ_TIMEOUT_SECONDS)
            raise ReadTimeoutError(endpoint_url=request.url)
        left_at = self._dial()
        reply = self._arrive(operation, environ, body, trouble)
        self.pause()
        if self.chances.strikes("crash after the call"):
            raise Crash
        if reply.is_cut:
            raise ConnectionClosedError(endpoint_url=request.url)
        if trouble.startswith("slow") and self._dial() - left_at > timedelta(
            seconds=READ_TIMEOUT_SECONDS
        ):
            raise ReadTimeoutError(endpoint_url=request.url)
        return _response(request.url, reply, trouble)

    def let_late_ones_arrive(self, before: datetime | None = None) -> None:
        """Requests their clients have given up on reach the marketplace after all."""
        due = [one for one in self._late if before is None or one[0] <= before]
        self._late = [one for one in self._late if one not in due]
        for _, operation, environ, body in due:
            self._arrive(f"late {operation}", environ, body, "")

    def _arrive(self, operation: str, environ: dict[str, Any], body: bytes, trouble: str) -> _Reply:
        if trouble in _DIALLED:
            seconds = self.chances.pick((2.0, 20.0, 45.0)) if "slow" in trouble else 0.0
            self.plan.replace([Fault("*", _DIALLED[trouble], seconds=seconds)])  # type: ignore[arg-type]
        channel = _Channel()
        environ |= {
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "waitress.client_disconnected": channel.is_gone,
        }
        begun: list[Any] = []
        chunks = self.app(environ, lambda status, headers, _=None: begun.extend((status, headers)))
        content = b"".join(chunks)
        if trouble in _DIALLED:
            self.plan.replace([])
        reply = _Reply(int(begun[0][:3]), dict(begun[1]), content, channel.will_close)
        self.note(f"{operation} {trouble and f'({trouble}) '}-> {_told(reply)}")
        self.watch()
        return reply


def _response(url: str, reply: _Reply, trouble: str) -> AWSResponse:
    status, headers, body = reply.status, reply.headers, reply.body
    if trouble in ("reply is a page of a proxy", "a proxy answers by itself"):
        status, headers, body = 200, {"Content-Type": "text/html"}, _PAGE
    elif trouble == "gateway error after the effect":
        status, headers, body = 502, {"Content-Type": "text/html"}, _PAGE
    elif trouble == "reply is cut short" and len(body) > 2:
        body = body[: len(body) // 2]
    return AWSResponse(url, status, headers, _Body(body))


def _told(reply: _Reply) -> str:
    if reply.is_cut:
        return "cut"
    return f"{reply.status} {reply.body[:90].decode(errors='replace')}"


def _environ(request: AWSPreparedRequest) -> dict[str, Any]:
    parts = urlsplit(request.url)
    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": parts.path or "/",
        "QUERY_STRING": parts.query,
        "SERVER_NAME": parts.hostname,
        "SERVER_PORT": str(parts.port or 80),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": parts.netloc,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "CONTENT_LENGTH": str(len(_bytes(request.body))),
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        if key == "CONTENT_TYPE":
            environ[key] = _text(value)
        elif key != "CONTENT_LENGTH":
            environ[f"HTTP_{key}"] = _text(value)
    return environ


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _bytes(value: str | bytes | None) -> bytes:
    return value.encode() if isinstance(value, str) else value or b""
