"""The way out for pages on trial: a proxy to the public internet and nowhere else.

Whoever writes a template chooses what its page asks for, and the browser it is tried in runs
on the server. All it asks of others goes through here, after a redirect too, and to the very
address that was checked.
"""

from __future__ import annotations

import select
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from urllib.parse import urlsplit

from jobs.hook_addresses import Unreachable, checked_address

SILENCE_SECONDS = 30.0
_LONGEST_LINE = 32 * 1024
_MOST_HEADERS = 200
_REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_OPEN = b"HTTP/1.1 200 Connection established\r\n\r\n"
_OURS = (b"connection", b"proxy-connection", b"proxy-authorization")


@contextmanager
def open_way() -> Iterator[str]:
    """The address of a proxy on loopback, until the block ends."""
    with _Server(("127.0.0.1", 0), _Way) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False


class _Way(socketserver.StreamRequestHandler):
    """One connection of the browser, led to one host."""

    rbufsize = 0  # what follows the head is read from the socket itself
    timeout = SILENCE_SECONDS

    def handle(self) -> None:
        try:
            line = self.rfile.readline(_LONGEST_LINE)
            headers = _headers(self.rfile)
            method, target = _request_line(line)
            is_tunnel = method == "CONNECT"
            parts = urlsplit(f"//{target}" if is_tunnel else target)
            host, port = parts.hostname or "", parts.port or 80
            address = checked_address(host, port, may_be_private=False)
            with socket.create_connection((address, port), SILENCE_SECONDS) as far:
                if is_tunnel:
                    self.wfile.write(_OPEN)
                else:
                    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
                    first = f"{method} {path} HTTP/1.1\r\n".encode("latin-1")
                    far.sendall(first + headers + b"Connection: close\r\n\r\n")
                _join(self.connection, far)
        except (Unreachable, ValueError):
            self.wfile.write(_REFUSED)
        except OSError:
            return  # one of the two hung up, or the host is silent


def _request_line(line: bytes) -> tuple[str, str]:
    """Method and target; ValueError for a line that is none."""
    method, target, _version = line.decode("latin-1").split()
    return method, target


def _headers(stream: BufferedIOBase) -> bytes:
    """The header lines that go on to the host."""
    kept = b""
    for _ in range(_MOST_HEADERS):
        line = stream.readline(_LONGEST_LINE)
        if line in (b"\r\n", b"\n", b""):
            return kept
        if line.partition(b":")[0].strip().lower() not in _OURS:
            kept += line
    raise ValueError("too many headers")


def _join(near: socket.socket, far: socket.socket) -> None:
    """Pass on what either says until one of them ends, or both are silent for long."""
    other = {near: far, far: near}
    while said := select.select([near, far], [], [], SILENCE_SECONDS)[0]:
        for one in said:
            data = one.recv(64 * 1024)
            if not data:
                return
            other[one].sendall(data)
