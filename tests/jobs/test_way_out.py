"""The proxy of pages on trial: what is public passes whole, everything else is refused."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
import requests

from jobs import hook_addresses
from jobs.rehearsals.way_out import open_way
from tests.canary import SECRET, Canary, listening


@pytest.fixture
def canary() -> Iterator[Canary]:
    with listening() as made:
        yield made


@pytest.fixture
def way() -> Iterator[str]:
    with open_way() as address:
        yield address


def told(way: str, text: bytes) -> bytes:
    """Everything the proxy answers to ``text``."""
    with socket.create_connection(("127.0.0.1", int(way.rpartition(":")[2]))) as near:
        near.sendall(text)
        near.settimeout(10)
        found = b""
        while piece := near.recv(4096):
            found += piece
        return found


def test_what_is_public_passes_whole(
    way: str, canary: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook_addresses, "is_public", lambda _address: True)
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(f"{canary.url}/a?b=1", proxies={"http": way}, timeout=30)
    assert (answer.status_code, answer.text) == (200, SECRET)
    tunnelled = told(
        way,
        f"CONNECT 127.0.0.1:{canary.port} HTTP/1.1\r\n\r\n".encode()
        + b"GET /tunnel HTTP/1.0\r\n\r\n",
    )
    assert tunnelled.startswith(b"HTTP/1.1 200 Connection established\r\n\r\n")
    assert SECRET.encode() in tunnelled
    assert canary.heard == ["/a?b=1", "/tunnel"]


@pytest.mark.parametrize(
    "line",
    [
        "GET http://127.0.0.1:{port}/ HTTP/1.1", "CONNECT 127.0.0.1:{port} HTTP/1.1",
        "CONNECT localhost:{port} HTTP/1.1", "GET http://[::ffff:127.0.0.1]:{port}/ HTTP/1.1",
        "GET http://x@127.0.0.1:{port}/ HTTP/1.1", "CONNECT [::1]:{port} HTTP/1.1",
        "GET http://169.254.169.254/latest/meta-data/ HTTP/1.1", "CONNECT 10.0.0.1:22 HTTP/1.1",
        "GET / HTTP/1.1", "CONNECT :{port} HTTP/1.1", "CONNECT 127.0.0.1:99999 HTTP/1.1", "x", "",
    ],
)  # fmt: skip
def test_what_lies_within_is_refused(way: str, canary: Canary, line: str) -> None:
    text = line.format(port=canary.port)
    assert told(way, f"{text}\r\nHost: x\r\n\r\n".encode()).startswith(b"HTTP/1.1 403 ")
    assert canary.heard == []
