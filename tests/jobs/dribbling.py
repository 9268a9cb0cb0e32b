"""A venue behind a line that brings a reply's bytes one by one, and never so slowly as to be late.

Each byte comes long before a read times out; the whole reply to a post takes minutes.
"""

from __future__ import annotations

import http.client
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

PAUSE_SECONDS = 0.05


class Line:
    """What lies between us and the venue at ``url``: which replies dribble, and from where on."""

    def __init__(self, venue_url: str) -> None:
        self.venue = urlsplit(venue_url).netloc
        self.slow: dict[str, str] = {}
        """Operation to the part of its reply that dribbles: ``headers`` or ``body``."""
        self.n_slow = 0
        self.is_over = threading.Event()
        self.url = ""


@contextmanager
def line_to(venue_url: str, context: ssl.SSLContext | None = None) -> Iterator[Line]:
    """The line, for as long as the block runs."""
    line = Line(venue_url)

    class Relay(_Relay):
        way = line

    server = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "https" if context else "http"
    line.url = f"{scheme}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield line
    finally:
        line.is_over.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Relay(BaseHTTPRequestHandler):
    way: Line

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        there = http.client.HTTPConnection(self.way.venue)
        there.request("POST", self.path, body, dict(self.headers))
        reply = there.getresponse()
        content = reply.read()
        there.close()
        kept = [one for one in reply.getheaders() if one[0].lower() != "connection"]
        names = [f"{name}: {value}" for name, value in [*kept, ("Connection", "close")]]
        head = "\r\n".join([f"HTTP/1.1 {reply.status} {reply.reason}", *names, "", ""]).encode()
        self._bring(head, content, self.headers.get("X-Amz-Target", "").rpartition(".")[2])

    def _bring(self, head: bytes, content: bytes, operation: str) -> None:
        slow = self.way.slow.get(operation)
        self.way.n_slow += slow is not None
        at_once = {"headers": 0, "body": len(head)}.get(slow or "", len(head + content))
        try:
            self.wfile.write((head + content)[:at_once])
            for byte in (head + content)[at_once:]:
                if self.way.is_over.wait(PAUSE_SECONDS):
                    break
                self.wfile.write(bytes([byte]))
        except OSError:
            pass  # who asked has hung up
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
