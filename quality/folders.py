"""A folder of modules is its own registry: list the names, load one by name."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType


def module_names(package: ModuleType) -> tuple[str, ...]:
    """Names of the public modules in ``package``, sorted; a leading underscore hides a module."""
    found = (module.name for module in pkgutil.iter_modules(package.__path__))
    return tuple(sorted(name for name in found if not name.startswith("_")))


def load_module(package: ModuleType, name: str) -> ModuleType:
    """The module ``name`` of ``package``.

    Raises:
        KeyError: when no such module exists; the message lists those that do.

    """
    known = module_names(package)
    if name not in known:
        raise KeyError(f"unknown name {name!r}: expected one of {', '.join(known)}")
    return importlib.import_module(f"{package.__name__}.{name}")
