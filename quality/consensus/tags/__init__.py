"""Consensus methods for tags: one a file, found by name."""

from __future__ import annotations

import sys
from collections.abc import Callable

from quality.consensus.shapes import TagAnswers, TagConsensus
from quality.folders import load_module, module_names


def names() -> tuple[str, ...]:
    """Names of the methods, sorted."""
    return module_names(sys.modules[__name__])


def load(name: str) -> Callable[[TagAnswers], TagConsensus]:
    """The ``combine`` function of the method ``name``; KeyError lists the known ones."""
    combine: Callable[[TagAnswers], TagConsensus] = load_module(sys.modules[__name__], name).combine
    return combine
