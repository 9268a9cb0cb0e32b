"""A keep-alive HTTP/1.1 client that costs next to nothing, so that the server is measured."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Self
from urllib.parse import urlencode, urlsplit

_TRIES = 2


@dataclass(frozen=True)
class Answer:
    """What came back: never followed, never decoded beyond UTF-8."""

    status: int
    location: str
    text: str


@dataclass
class Visitor:
    """One connection to one origin, with the cookies it has been given."""

    origin: str
    cookies: dict[str, str] = field(default_factory=dict)
    _reader: asyncio.StreamReader | None = None
    _writer: asyncio.StreamWriter | None = None

    async def get(self, path: str) -> Answer:
        return await self._ask("GET", path, "")

    async def post(self, path: str, **fields: str) -> Answer:
        return await self._ask("POST", path, urlencode(fields))

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

    def twin(self) -> Self:
        """A second connection with the same cookies: the same worker in another window."""
        return type(self)(self.origin, self.cookies)

    async def _ask(self, method: str, path: str, body: str) -> Answer:
        for _ in range(_TRIES):
            fresh = self._writer is None
            try:
                return await self._ask_once(method, path, body)
            except (ConnectionError, asyncio.IncompleteReadError):
                self.close()
                if fresh or method != "GET":
                    raise
        raise ConnectionError(f"{self.origin}{path}: the connection was cut twice")

    async def _ask_once(self, method: str, path: str, body: str) -> Answer:
        host = urlsplit(self.origin).netloc
        if self._writer is None or self._reader is None:
            name, _, port = host.partition(":")
            self._reader, self._writer = await asyncio.open_connection(name, int(port))
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", f"Cookie: {cookies}"]
        if body:
            lines += [
                "Content-Type: application/x-www-form-urlencoded",
                f"Content-Length: {len(body)}",
            ]
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers: dict[str, str] = {}
        for line in head[1:]:
            name, _, value = line.partition(": ")
            if name.lower() == "set-cookie":
                self._keep(value)
            headers[name.lower()] = value
        text = await self._reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Answer(int(head[0].split()[1]), headers.get("location", ""), text.decode())

    def _keep(self, header: str) -> None:
        for name, morsel in SimpleCookie(header).items():
            self.cookies[name] = morsel.value
