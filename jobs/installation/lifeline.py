"""One launcher a data folder, and child processes that end with it, however it ends.

The launcher keeps one end of a pipe open and hands the other to each child. When the
launcher is gone, even by SIGKILL, the pipe closes and the child asks itself to end.
"""

from __future__ import annotations

import fcntl
import os
import signal
import threading
from pathlib import Path
from typing import IO

from jobs.errors import Conflict

VARIABLE = "HITWORKS_LIFELINE"  # the number of the pipe's reading end


def lock_folder(data_dir: Path) -> IO[bytes]:
    """The lock of who runs or replaces what is in ``data_dir``, held until it is closed.

    Raises:
        Conflict: while another process holds it.

    """
    handle = (data_dir / "launcher.lock").open("ab")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        handle.close()
        raise Conflict(f"{data_dir}: another launcher already runs on this folder") from error
    return handle


def end_with_launcher() -> None:
    """In a child: SIGTERM to itself once the launcher is gone; nothing without a launcher."""
    end = os.environ.pop(VARIABLE, "")
    if end:
        threading.Thread(target=_watch, args=(int(end),), daemon=True).start()


def _watch(end: int) -> None:
    while os.read(end, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
