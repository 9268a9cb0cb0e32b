"""What every worker page shows around its content, and how it writes money and time."""

from __future__ import annotations

from typing import Any

from flask import Flask

from webapp.marketplace.dial import as_datetime
from webapp.marketplace.encoding import money_text
from webapp.marketplace.pages.session import n_unread_messages, present_worker

NAVIGATION = (
    ("HITs", "browse.groups"),
    ("Your work", "history.work_done"),
    ("Qualifications", "qualifications.mine"),
    ("Messages", "history.messages"),
)


def install(app: Flask) -> None:
    """Give the app's templates the filters and names they use."""
    app.jinja_env.filters.update(dollars=dollars, span=span, moment=moment)
    app.context_processor(_shared)


def dollars(cents: int) -> str:
    """``$1.05``."""
    return f"${money_text(cents)}"


def span(seconds: int) -> str:
    """A duration in its two largest units, such as ``1 h 5 min``."""
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    left, parts = max(0, int(seconds)), []
    for name, size in units:
        if left >= size:
            parts.append(f"{left // size} {name}")
            left %= size
    return " ".join(parts[:2]) or "0 s"


def moment(milliseconds: int | None) -> str:
    """A UTC date and time to the minute, or a dash."""
    if milliseconds is None:
        return "–"
    return as_datetime(milliseconds).strftime("%Y-%m-%d %H:%M UTC")


def _shared() -> dict[str, Any]:
    worker = present_worker()
    return {"worker": worker, "navigation": NAVIGATION, "n_unread": n_unread_messages()}
