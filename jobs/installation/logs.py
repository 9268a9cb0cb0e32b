"""Log lines of the web app and the background workers, as text or JSON, without secrets."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime

from jobs.settings import Settings

LONGEST_MESSAGE = 4000  # characters of a line
LONGEST_END = 100  # lines at either end of a traceback
# Tokens and webhook secrets of ours, passwords in URLs, bearer headers, signatures of AWS.
_SECRET = re.compile(
    r"(?:hwk_|whsec_)[\w-]+"
    r"|(?<=://)[^\s/@]+(?=@)"
    r"|(?<=[Bb]earer )[\w.~+/-]+=*"
    r"|(?<=Signature=)[\w%.-]+"
)


def set_up(settings: Settings) -> None:
    """Write what is logged from now on to the error stream, as the settings say."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if settings.log_format == "json" else TextLines())
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)


def scrub(text: str) -> str:
    """The text with whatever looks like a secret taken out."""
    return _SECRET.sub("[secret]", text)


def plain(text: str) -> str:
    """The text on one line, without secrets, its middle cut, hidden characters written out."""
    text = scrub(text)
    if len(text) > LONGEST_MESSAGE:
        text = f"{text[: LONGEST_MESSAGE // 2]} ... {text[-LONGEST_MESSAGE // 2 :]}"
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


class TextLines(logging.Formatter):
    """Time, logger, message; the lines of an error are indented, so that none looks like one."""

    def format(self, record: logging.LogRecord) -> str:
        lines = [f"{self.formatTime(record)} {record.name} {plain(record.getMessage())}"]
        if record.exc_info:
            lines += [f"  {line}" for line in _lines(self.formatException(record.exc_info))]
        return "\n".join(lines)


class JsonLines(logging.Formatter):
    """One JSON object a line; a record's ``fields`` are keys beside the message."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": plain(record.getMessage()),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["error"] = "\n".join(_lines(self.formatException(record.exc_info)))
        scrubbed = {
            key: scrub(value) if isinstance(value, str) else value for key, value in line.items()
        }
        return json.dumps(scrubbed, ensure_ascii=False, default=str)


def _lines(error: str) -> list[str]:
    """The lines of a traceback, its middle left out where it is endless."""
    lines = error.split("\n")
    if len(lines) > 2 * LONGEST_END:
        lines = [*lines[:LONGEST_END], "...", *lines[-LONGEST_END:]]
    return [plain(line) for line in lines]
