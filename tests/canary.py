"""A server on loopback that nothing may reach: whoever asks it for something is remembered."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = "canary-inner-secret"


@dataclass
class Canary:
    """Where it listens, what it was asked for, and what it says: SECRET, or the way elsewhere."""

    port: int
    leads_to: str = ""
    heard: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def listening(leads_to: str = "") -> Iterator[Canary]:
    """A canary, until the block ends; with ``leads_to`` it redirects there."""

    class Saying(BaseHTTPRequestHandler):
        def answer(self) -> None:
            made.heard.append(self.path)
            self.send_response(302 if made.leads_to else 200)
            if made.leads_to:
                self.send_header("Location", made.leads_to)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(SECRET)))
            self.end_headers()
            self.wfile.write(SECRET.encode())

        def do_GET(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.answer()

        def do_PUT(self) -> None:
            self.answer()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Saying)
    made = Canary(server.server_port, leads_to)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
