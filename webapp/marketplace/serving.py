"""Runs both origins of a marketplace with waitress, in threads of this process."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

from flask import Flask
from waitress import wasyncore
from waitress.server import BaseWSGIServer, create_server

from webapp.marketplace.apps import MOST_BYTES, content_app, worker_app
from webapp.marketplace.delivery import deliver
from webapp.marketplace.dial import Clock, utc_clock
from webapp.marketplace.market import Market, open_market
from webapp.marketplace.options import Options
from webapp.marketplace.settling import sweep

_TICK_SECONDS = 1.0


@dataclass(frozen=True)
class Running:
    """A marketplace that answers: its addresses, its rows and its time."""

    market: Market

    @property
    def url(self) -> str:
        """Where boto3 and workers' browsers go."""
        return self.market.worker_origin

    @property
    def content_url(self) -> str:
        """Where the frames' pages come from."""
        return self.market.content_origin

    @property
    def admin_headers(self) -> dict[str, str]:
        """What an admin call must carry."""
        return {"Authorization": f"Bearer {self.market.secrets.admin_token}"}


@contextmanager
def serve(
    *,
    database_url: str,
    host: str = "127.0.0.1",
    port: int = 0,
    content_port: int = 0,
    worker_origin: str = "",
    content_origin: str = "",
    secret_file: Path | None = None,
    clock: Clock = utc_clock,
    options: Options | None = None,
    n_threads: int = 8,
) -> Iterator[Running]:
    """A marketplace that answers for as long as the block runs.

    Port 0 takes a free one. The origins are what browsers see; empty, they follow from
    host and port. They should differ in their host names, not in their ports alone.
    """
    with ExitStack() as opened:
        sockets = [opened.enter_context(_listen(host, one)) for one in (port, content_port)]
        ports = [one.getsockname()[1] for one in sockets]
        market = open_market(
            database_url=database_url,
            worker_origin=worker_origin or f"http://{host}:{ports[0]}",
            content_origin=content_origin or f"http://{_content_name(host)}:{ports[1]}",
            secret_file=secret_file,
            clock=clock,
            options=options,
        )
        opened.pop_all()
    servers = [
        _server(worker_app(market), sockets[0], n_threads),
        _server(content_app(market), sockets[1], max(2, n_threads // 2)),
    ]
    threads = [Thread(target=server.run, daemon=True) for server in servers]
    stop = Event()
    threads.append(Thread(target=_tick, args=(market, stop), daemon=True))
    for thread in threads:
        thread.start()
    try:
        yield Running(market)
    finally:
        stop.set()
        for server in servers:
            _stop(server)
        for thread in threads:
            thread.join(timeout=10)
        market.sessions.kw["bind"].dispose()


def _content_name(host: str) -> str:
    """Another name of this machine for the frames' pages: cookies do not tell ports apart.

    On the workers' own host name a page in the frame could plant a cookie that signs the
    worker in as somebody else.
    """
    return "localhost" if host == "127.0.0.1" else host


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    return listener


# A request that waits for a thread is no news: writers of SQLite take turns.
logging.getLogger("waitress.queue").setLevel(logging.ERROR)


def _server(app: Flask, listener: socket.socket, n_threads: int) -> BaseWSGIServer:
    return create_server(
        app,
        sockets=[listener],
        threads=n_threads,
        ident=None,
        channel_request_lookahead=1,
        max_request_body_size=MOST_BYTES + 65_536,
        connection_limit=1000,
        clear_untrusted_proxy_headers=True,
    )


def _stop(server: BaseWSGIServer) -> None:
    """Let requests under way end, then close every socket in the thread that watches them."""
    server.task_dispatcher.shutdown()
    trigger = server.trigger
    with trigger.lock:  # that thread waits for it: it cannot close the trigger while it is pulled
        trigger.thunks.append(lambda: wasyncore.close_all(server._map, ignore_all=True))
        trigger._physical_pull()


def _tick(market: Market, stop: Event) -> None:
    """Do what becomes due also while nobody calls."""
    while not stop.wait(_TICK_SECONDS):
        sweep(market)
        deliver(market)
