"""A small site that serves one page, the crowd elements and pictures, and keeps what is posted."""

from __future__ import annotations

import json
import mimetypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from playwright.sync_api import Page

STATIC = Path(__file__).parents[3] / "webapp" / "marketplace" / "static"
STANDARD_SCRIPT = "https://assets.crowd.aws/crowd-html-elements.js"
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline';"
    " img-src * data: blob:; style-src 'self' 'unsafe-inline'"
)


class Site:
    """Pages and pictures by path; every post to /mturk/externalSubmit is kept in order."""

    def __init__(self, port: int) -> None:
        self.root = f"http://127.0.0.1:{port}"
        self.content: dict[str, tuple[bytes, str]] = {"/favicon.ico": (b"", "image/x-icon")}
        self.missing: list[str] = []
        self.posts: list[dict[str, list[str]]] = []

    def add(
        self, path: str, body: bytes | str, media_type: str = "text/html; charset=utf-8"
    ) -> str:
        data = body.encode() if isinstance(body, str) else body
        self.content[path] = (data, media_type)
        return self.root + path

    def hit(self, html: str, *, assignment: str = "A1", path: str = "/hit") -> str:
        """The address of ``html`` as a worker's frame loads it."""
        self.add(path, html.replace(STANDARD_SCRIPT, "/crowd/crowd-html-elements.js"))
        parameters = {
            "assignmentId": assignment,
            "hitId": "H1",
            "workerId": "W1",
            "turkSubmitTo": self.root,
        }
        return f"{self.root}{path}?{urlencode(parameters)}"

    def answer(self) -> Any:
        """The one object in the last submission's taskAnswers."""
        (text,) = self.posts[-1]["taskAnswers"]
        (answer,) = json.loads(text)
        return answer

    def find(self, path: str) -> tuple[bytes, str] | None:
        if path in self.content:
            return self.content[path]
        folder = path.split("/")[1]
        file = STATIC / path.lstrip("/")
        if folder in ("crowd", "vendor", "frame") and file.is_file() and ".." not in path:
            return file.read_bytes(), mimetypes.guess_type(path)[0] or "application/octet-stream"
        return None


def open_hit(page: Page, address: str) -> None:
    """Loads ``address`` and waits until the crowd elements and their pictures are alive."""
    page.goto(address)
    wait_until_ready(page)


def wait_until_ready(page: Page) -> None:
    page.wait_for_function("() => customElements.get('crowd-form')")
    page.wait_for_function(
        "() => [...document.querySelectorAll('crowd-bounding-box, crowd-polygon, crowd-polyline,"
        " crowd-line, crowd-keypoint')].every((element) => element.ready || element.trouble)"
    )


@contextmanager
def running_site() -> Iterator[Site]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    server.site = Site(server.server_address[1])  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.site  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        site: Site = self.server.site  # type: ignore[attr-defined]
        found = site.find(urlsplit(self.path).path)
        if found is None:
            site.missing.append(self.path)
        self._send(200, *found) if found else self._send(404, b"not here", "text/plain")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if urlsplit(self.path).path != "/mturk/externalSubmit":
            self._send(404, b"not here", "text/plain")
            return
        posted = parse_qs(body, keep_blank_values=True)
        self.server.site.posts.append(posted)  # type: ignore[attr-defined]
        self._send(200, b"<!DOCTYPE html><title>ok</title><p id=received>Received</p>", "text/html")

    def _send(self, status: int, body: bytes, media_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", CONTENT_POLICY)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Silence: the tests look at what arrives, not at a log."""
