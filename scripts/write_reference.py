"""Write docs/reference.md: every command, setting, format, method, provider and tagger.

    python scripts/write_reference.py

A test fails while the page and the program disagree.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click

from jobs import formats, providers, taggers
from jobs.pages.hit_page import template_names
from jobs.settings import Settings
from quality.consensus import boxes, tags
from webapp.cli import hitworks

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/reference.md"


def reference() -> str:
    """The whole page."""
    lines = [
        "# Reference",
        "",
        "Written by `scripts/write_reference.py`; do not edit by hand.",
        "",
        "## Commands",
        "",
        "Every reading command takes `--json`. Bad input ends with one message and exit code 2, "
        "a venue's refusal with 1.",
        "",
        *commands(hitworks, "hitworks"),
        "## Settings",
        "",
        "Each is read from the environment; `hitworks --data-dir` goes before its variable.",
        "",
        "| variable | default | meaning |",
        "|---|---|---|",
        *settings(),
        "",
        "## Files of one kind",
        "",
        *folder("Formats", formats, "jobs/formats"),
        *folder("Providers", providers, "jobs/providers"),
        *folder("Taggers", taggers, "jobs/taggers"),
        *folder("Consensus methods for tags", tags, "quality/consensus/tags"),
        *folder("Consensus methods for boxes", boxes, "quality/consensus/boxes"),
        "### HIT templates (`hit_templates/`)",
        "",
        *(f"- `{name}`" for name in template_names()),
    ]
    return "\n".join(lines) + "\n"


def commands(command: click.Command, path: str) -> Iterator[str]:
    """A table of the group's commands, then each subgroup's."""
    if not isinstance(command, click.Group):
        return
    leaves = {n: one for n, one in command.commands.items() if not isinstance(one, click.Group)}
    groups = {n: one for n, one in command.commands.items() if isinstance(one, click.Group)}
    yield from (f"### `{path}`", "")
    yield from (_sentence(command), "")
    if leaves:
        yield from ("| command | does |", "|---|---|")
        for name, leaf in sorted(leaves.items()):
            yield f"| `{path} {name}{_usage(leaf)}` | {_cell(_sentence(leaf))} |"
        yield ""
    for name, group in sorted(groups.items()):
        yield from commands(group, f"{path} {name}")


def settings() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        default = field.default if field.default_factory is None else "the user's data folder"
        shown = default if default != "" else "(empty)"
        yield f"| `HITWORKS_{name.upper()}` | {shown} | {field.description} |"


def folder(title: str, package: ModuleType, path: str) -> Iterator[str]:
    """The modules of a folder with the first line each says of itself."""
    yield from (f"### {title} (`{path}/`)", "")
    for name in package.names():
        module = importlib.import_module(f"{package.__name__}.{name}")
        yield f"- `{name}`: {(inspect.getdoc(module) or '').splitlines()[0]}"
    yield ""


def _usage(command: click.Command) -> str:
    parts = []
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            parts.append(str(parameter.name).upper())
        elif parameter.name not in ("as_json", "help"):
            name = max(parameter.opts, key=len)
            is_flag = isinstance(parameter, click.Option) and parameter.is_flag
            text = name if is_flag else f"{name} {name.lstrip('-').replace('-', '_').upper()}"
            parts.append(text if parameter.required else f"[{text}]")
    return "".join(f" {part}" for part in parts)


def _sentence(command: click.Command) -> str:
    return " ".join((command.help or "").split())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
