"""The requester's pages: one file a subject, each with its ``blueprint``."""

from __future__ import annotations

import sys

from flask import Blueprint

from quality.folders import load_module, module_names


def blueprints() -> tuple[Blueprint, ...]:
    """The blueprint of every file in this folder: a new page is a new file."""
    package = sys.modules[__name__]
    return tuple(load_module(package, name).blueprint for name in module_names(package))
