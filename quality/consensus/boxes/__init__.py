"""Consensus methods for boxes: one a file, found by name."""

from __future__ import annotations

import sys
from collections.abc import Callable

from quality.consensus.shapes import BoxAnswers, BoxConsensus
from quality.folders import load_module, module_names

Progress = Callable[[int, int], None]
"""Told how many rounds are done, and the most there can be."""


def names() -> tuple[str, ...]:
    """Names of the methods, sorted."""
    return module_names(sys.modules[__name__])


def load(name: str) -> Callable[[BoxAnswers], BoxConsensus]:
    """The ``combine`` function of the method ``name``; KeyError lists the known ones."""
    combine: Callable[[BoxAnswers], BoxConsensus] = load_module(sys.modules[__name__], name).combine
    return combine


def load_telling(name: str) -> Callable[[BoxAnswers, Progress], BoxConsensus]:
    """The same method, which tells how far it is; one without rounds says nothing."""
    module = load_module(sys.modules[__name__], name)
    telling: Callable[[BoxAnswers, Progress], BoxConsensus] | None
    telling = getattr(module, "combine_in_rounds", None)
    return telling or (lambda answers, _: load(name)(answers))
