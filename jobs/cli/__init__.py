"""One click group a noun, found by name: each file offers ``group``."""

from __future__ import annotations

import sys

import click

from quality.folders import load_module, module_names


def groups() -> dict[str, click.Command]:
    """Every noun's command, by name."""
    package = sys.modules[__name__]
    return {name: load_module(package, name).group for name in module_names(package)}
