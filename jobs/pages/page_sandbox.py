"""Pages of templates that users wrote, rendered in a child process with limits.

A child serves one template and is kept for its next page, so that a batch pays for one start
only. It ends with this process, when it was not asked for a minute, or by its limits.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jobs.errors import InvalidInput
from jobs.pages import page_child

MOST_CHILDREN = 4
LONGEST_SECONDS = 20.0  # by the clock: a busy machine is not the template's fault

_Key = tuple[int, str, tuple[tuple[str, str], ...]]


def render_untrusted(source: str, partials: Mapping[str, str], context: Mapping[str, Any]) -> str:
    """The page of ``context``: plain values only. ``partials`` may be included by name.

    Raises:
        InvalidInput: for a template that fails, and for one that takes more than a second
            of CPU time, 256 MB of memory or 200,000 characters.

    """
    key = (os.getpid(), source, tuple(sorted(partials.items())))
    reply = None
    while reply is None:  # a child may end, unused for long, between two pages
        reply = _taken(key).ask(context)
    if "error" in reply:
        raise InvalidInput(reply["error"])
    return reply["html"]


class _Child:
    """One process that renders one template, for one thread at a time."""

    def __init__(self, source: str, partials: Mapping[str, str]) -> None:
        self.is_over = False
        self._lock = threading.Lock()
        self._unread = b""
        self._process = subprocess.Popen(  # noqa: S603 - a program of our own
            [sys.executable, "-I", str(Path(page_child.__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
        )
        self._send({"source": source, "partials": dict(partials)})

    def ask(self, context: Mapping[str, Any]) -> dict[str, str] | None:
        """The child's reply, or None when it had ended before.

        Raises:
            InvalidInput: when this page ended it.

        """
        with self._lock:
            if self.is_over or not self._send(context):
                self._end(0)
                return None
            line = self._line(time.monotonic() + LONGEST_SECONDS)
            if line:
                reply: dict[str, str] = json.loads(line)
                return reply
            status = self._end(1 if line is not None else 0)
        if status == -signal.SIGALRM:
            return None
        raise InvalidInput(_verdict(status))

    def end(self) -> None:
        """End the process; a second time nothing."""
        with self._lock:
            self._end(0)

    def _end(self, patience: float) -> int:
        """The exit status. ``patience`` is for a process that is ending by itself."""
        self.is_over = True
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(BrokenPipeError):
                if pipe is not None:
                    pipe.close()
        return self._process.returncode

    def _send(self, value: Mapping[str, Any]) -> bool:
        stdin = self._process.stdin
        if stdin is None or self._process.poll() is not None:
            return False
        try:
            stdin.write(json.dumps(value).encode() + b"\n")
            stdin.flush()
        except BrokenPipeError:
            return False
        return True

    def _line(self, deadline: float) -> bytes | None:
        """The next line; empty when the child has ended, None past the deadline."""
        stdout = self._process.stdout
        if stdout is None:
            return b""
        with selectors.DefaultSelector() as ready:
            ready.register(stdout, selectors.EVENT_READ)
            while b"\n" not in self._unread:
                if not ready.select(max(0.0, deadline - time.monotonic())):
                    return None
                chunk = os.read(stdout.fileno(), 65_536)
                if not chunk:
                    return b""
                self._unread += chunk
        line, _, self._unread = self._unread.partition(b"\n")
        return line


_children: OrderedDict[_Key, _Child] = OrderedDict()
_lock = threading.Lock()


def _taken(key: _Key) -> _Child:
    """The child of this template; the one used longest ago ends where there are too many."""
    with _lock:
        child = _children.get(key)
        if child is None or child.is_over:
            child = _children[key] = _Child(key[1], dict(key[2]))
        _children.move_to_end(key)
        own = [one for one in _children if one[0] == os.getpid()]
        old = [_children.pop(one) for one in own[:-MOST_CHILDREN]]
    for one in old:
        one.end()
    return child


def _verdict(status: int) -> str:
    if status == -signal.SIGXCPU:
        return f"template: took more than {page_child.CPU_SECONDS} second of CPU time for one page"
    if status == -signal.SIGKILL:
        return f"template: took more than {LONGEST_SECONDS:.0f} seconds for one page"
    return f"template: brought its process to an end (status {status})"


@atexit.register
def _close_all() -> None:
    """A fork leaves its parent's children alone: they are under another process's number."""
    for key, child in list(_children.items()):
        if key[0] == os.getpid():
            child.end()
