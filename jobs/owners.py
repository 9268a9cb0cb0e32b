"""Names of the processes that own work, and whether one of this machine is dead.

After a machine's processes were killed, the next sweeper there need not wait for their leases
to end. Of another machine nothing is known; nor of another container on this one.
"""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path


def this_process() -> str:
    """Machine, space of process ids, process: at most 80 characters."""
    return f"{_here()}:{os.getpid()}"


def is_gone(owner: str) -> bool:
    """Whether ``owner`` was a process of this very machine that runs no more."""
    where, _, number = owner.rpartition(":")
    if where != _here() or not number.isdecimal():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False


@cache
def _here() -> str:
    """The host's name with its boot and its space of process ids, where Linux tells them."""
    return f"{socket.gethostname()[:30]}:{_boot()}:{_pid_space()}"


def _boot() -> str:
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text(encoding="ascii").strip()[:8] if path.exists() else ""


def _pid_space() -> str:
    path = Path("/proc/self/ns/pid")
    return str(path.stat().st_ino) if path.exists() else ""
