"""Modules that need Playwright, which not every installation has."""

from __future__ import annotations

import importlib
from typing import Any

from jobs.errors import InvalidInput


def with_browser(name: str) -> Any:
    """The module ``name``; InvalidInput says how to install what it lacks."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != "playwright":
            raise
        raise InvalidInput(
            "template try: needs a browser: run `pip install playwright`, and "
            "`playwright install chromium` unless Chromium is installed"
        ) from error
