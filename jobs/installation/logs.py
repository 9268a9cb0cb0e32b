"""Log lines of the web app and the background workers, as text or JSON, without secrets."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime

from jobs.settings import Settings

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


class TextLines(logging.Formatter):
    """Time, logger, message."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return scrub(super().format(record))


class JsonLines(logging.Formatter):
    """One JSON object a line; a record's ``fields`` are keys beside the message."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        scrubbed = {
            key: scrub(value) if isinstance(value, str) else value for key, value in line.items()
        }
        return json.dumps(scrubbed, ensure_ascii=False, default=str)
