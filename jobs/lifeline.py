"""A child process that ends with its launcher, however the launcher ends.

The launcher keeps one end of a pipe open and hands the other to each child. When the
launcher is gone, even by SIGKILL, the pipe closes and the child asks itself to end.
"""

from __future__ import annotations

import os
import signal
import threading

VARIABLE = "HITWORKS_LIFELINE"  # the number of the pipe's reading end


def end_with_launcher() -> None:
    """In a child: SIGTERM to itself once the launcher is gone; nothing without a launcher."""
    end = os.environ.pop(VARIABLE, "")
    if end:
        threading.Thread(target=_watch, args=(int(end),), daemon=True).start()


def _watch(end: int) -> None:
    while os.read(end, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
