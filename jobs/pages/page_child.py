"""The child process in which templates that users wrote are rendered; nothing of ours is here.

It takes lines of JSON: first the template's source with the partials it may include, then a
context for each page. Each context is answered by one line: ``{"html"}`` or ``{"error"}``. A
page that takes too much CPU ends the process; the parent reads why in its exit status.
"""

from __future__ import annotations

import json
import math
import resource
import signal
import sys
from collections.abc import Callable
from typing import Any

from jinja2 import FunctionLoader, StrictUndefined, Template, TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

CPU_SECONDS = 1
MEMORY_BYTES = 256 * 1024 * 1024
LONGEST_PAGE = 200_000
IDLE_SECONDS = 60

# What a template's own arithmetic can raise besides Jinja's errors.
RENDER_ERRORS = (
    TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)


def make_environment(source: Callable[[str], str | None]) -> ImmutableSandboxedEnvironment:
    """The one environment of all HIT pages: escaping, no unknown names, no globals.

    ``source`` gives the text of a partial by its file name, or None.
    """
    environment = ImmutableSandboxedEnvironment(
        autoescape=True,
        undefined=StrictUndefined,
        loader=FunctionLoader(source),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.clear()
    return environment


def explained(error: Exception) -> str:
    """What went wrong in a template, for its author."""
    if isinstance(error, TemplateSyntaxError):
        return f"template, line {error.lineno}: {error.message}"
    if isinstance(error, MemoryError):
        return f"template: needs more than {MEMORY_BYTES // 1024**2} MB of memory"
    return f"template: {type(error).__name__}: {error!s:.200}"


def _main() -> None:
    _limit()
    first = json.loads(sys.stdin.buffer.readline() or b"null")
    if first is None:
        return
    environment = make_environment(first["partials"].get)
    template: Template | None = None
    while line := _next_line():
        context = json.loads(line)
        _allow_cpu(CPU_SECONDS)
        try:
            template = template or environment.from_string(first["source"])
            reply = _rendered(template, context)
        except RENDER_ERRORS as error:
            reply = {"error": explained(error)}
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


def _next_line() -> bytes:
    """The next request; a process that nobody asks for long ends by itself."""
    signal.alarm(IDLE_SECONDS)
    line = sys.stdin.buffer.readline()
    signal.alarm(0)
    return line


def _rendered(template: Template, context: dict[str, Any]) -> dict[str, str]:
    pieces, n_characters = [], 0
    for piece in template.generate(context):
        pieces.append(piece)
        n_characters += len(piece)
        if n_characters > LONGEST_PAGE:
            return {"error": f"template: its page is longer than {LONGEST_PAGE:,} characters"}
    return {"html": "".join(pieces)}


def _limit() -> None:
    """More than any page needs, and not much more; no file can be written."""
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 16),  # Python imports parts of itself when first needed
    ):
        _, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


def _allow_cpu(seconds: int) -> None:
    """So much from now on, whatever was used before; the system counts in whole seconds."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = math.ceil(usage.ru_utime + usage.ru_stime)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (used + seconds, hard))


if __name__ == "__main__":
    _main()
