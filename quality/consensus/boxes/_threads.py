"""The same work on many blocks, in threads: numpy lets go of the interpreter's lock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_THREADS = 2
_MANY = 3  # with fewer blocks threads are not worth starting
T = TypeVar("T")
R = TypeVar("R")


def over(blocks: Iterable[T], work: Callable[[T], R]) -> list[R]:
    """``work`` done on every block, results in order."""
    todo = list(blocks)
    if len(todo) < _MANY:
        return [work(block) for block in todo]
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(work, todo))
