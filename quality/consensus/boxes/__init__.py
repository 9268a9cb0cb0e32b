"""Consensus methods for boxes: one a file, found by name."""

from __future__ import annotations

import sys
from collections.abc import Callable

from quality.consensus.shapes import BoxAnswers, BoxConsensus
from quality.folders import load_module, module_names


def names() -> tuple[str, ...]:
    """Names of the methods, sorted."""
    return module_names(sys.modules[__name__])


def load(name: str) -> Callable[[BoxAnswers], BoxConsensus]:
    """The ``combine`` function of the method ``name``; KeyError lists the known ones."""
    combine: Callable[[BoxAnswers], BoxConsensus] = load_module(sys.modules[__name__], name).combine
    return combine
