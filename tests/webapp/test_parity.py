"""Everything the pages do is possible over the API and on the command line, or says why not."""

from __future__ import annotations

import re
from pathlib import Path

import click
from flask import Flask

from webapp.cli import hitworks

DOCUMENT = Path(__file__).parents[2] / "docs" / "api.md"
HEADING = "| page sends | call | command |"


def table() -> dict[str, tuple[str, str]]:
    """(calls, commands) by the address that a page sends to, as the document lists them."""
    lines = DOCUMENT.read_text(encoding="utf-8").split(HEADING, 1)[1].splitlines()[2:]
    found: dict[str, tuple[str, str]] = {}
    for line in lines:
        if not line.startswith("|"):
            break
        page, calls, commands = (cell.strip() for cell in line.strip("|").split(" | "))
        address = nameless(page.strip("`"))
        assert address not in found, f"{page}: listed twice"
        found[address] = calls, commands
    return found


def nameless(address: str) -> str:
    """An address with its variables unnamed, for the document has its own names for them."""
    return re.sub(r"<[^>]*>", "<>", address)


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def is_excused(cell: str) -> bool:
    """Whether the cell says why there is none, in more than a word."""
    return cell.startswith("no: ") and len(cell) > len("no: as above") - 1


def test_every_form_of_the_pages_is_in_the_table_and_nothing_else(app: Flask) -> None:
    forms = {
        nameless(rule.rule)
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and not rule.rule.startswith("/api/")
    }
    listed = set(table())
    assert forms - listed == set(), "forms without a call and a command: see docs/api.md"
    assert listed - forms == set(), "listed, but no page sends it"


def test_every_call_of_the_table_is_one_of_the_api(app: Flask) -> None:
    known = {
        f"{method} {nameless(rule.rule.removeprefix('/api/v1'))}"
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1")
        for method in rule.methods or ()
    }
    for page, (calls, _) in table().items():
        named = {nameless(call) for call in quoted(calls)}
        assert named <= known, (page, named - known)
        assert named or is_excused(calls), page


def test_every_command_of_the_table_is_one_of_ours() -> None:
    for page, (_, commands) in table().items():
        for command in quoted(commands):
            found: click.Command | None = hitworks
            for word in command.split()[1:]:
                assert isinstance(found, click.Group), command
                found = found.commands.get(word)
                assert found is not None, command
        assert quoted(commands) or is_excused(commands), page
