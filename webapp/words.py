"""Numbers, money and times as people read them; every template shares these."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask, request, url_for
from markupsafe import Markup

from jobs.adjudication.reasons import reason_words
from jobs.money import MICROS_PER_CENT, format_usd, round_half_up_to_cent
from webapp import charts

NOTHING = "–"
KIND_NAMES = {"boxes": "Boxes", "tags": "Tags"}
PROVIDER_NAMES = {"mturk": "MTurk crowd", "inhouse": "In-house", "model": "Model"}
STATE_NAMES = {
    "sure": "sure",
    "open": "wants answers",
    "conflict": "conflict",
    "adjudicated": "decided",
    "set_aside": "set aside",
    "second_look": "wants a second look",
    "disputed": "two disagree",
    "needs_person": "needs a person",
    "receiving": "being sent",
    "checking": "being checked",
    "keeping": "being stored",
}

ACT_NAMES = {
    "label": "decided",
    "no_label": "set aside",
    "ask": "left to another person",
    "undo": "taken back",
    "hidden": "decided, shown once another person has",
}
SECOND_LOOKS = {
    "agreed": "two people agree",
    "asked": "after a request for a second look",
    "third": "a third person settled it",
}


def install(app: Flask) -> None:
    """Offer the words of this module to the templates."""
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(
        usd=usd,
        cents=cents,
        count=count,
        percent=percent,
        seconds=seconds,
        plain=plain_amount,
        when=when,
        tag=tag_value,
        kind_name=lambda kind: KIND_NAMES.get(kind, kind),
        provider_name=lambda name: PROVIDER_NAMES.get(name, name),
        who=who,
        state_name=lambda state: STATE_NAMES.get(state, state),
        act_name=lambda act: ACT_NAMES.get(act, act),
        second_look_words=lambda ending: SECOND_LOOKS.get(ending, ending),
        reason_words=reason_words,
    )
    app.jinja_env.globals.update(charts=charts, asset=_versioned(app))
    app.context_processor(lambda: {"theme": theme()})


def theme() -> str:
    """The reader's choice of colours: light, dark, or what their system says."""
    chosen = request.cookies.get("appearance", "")
    return chosen if chosen in ("light", "dark") else "auto"


def who(route: Any) -> str:
    """Who answers on a route: its venue, and which model."""
    name = PROVIDER_NAMES.get(route.provider, route.provider)
    return f"{name} {route.tagger}" if route.tagger else name


def usd(micros: int | None) -> str:
    """``$1,234.50``; more decimals only where the amount has them."""
    return NOTHING if micros is None else format_usd(micros)


def cents(micros: int | None) -> str:
    """An amount rounded to the cent; under ten cents to two digits that count."""
    if micros is None:
        return NOTHING
    if abs(micros) < MICROS_PER_CENT // 10:
        return format_usd(round(micros, 2 - len(str(abs(micros)))) if micros else 0)
    if abs(micros) < 10 * MICROS_PER_CENT:
        return format_usd(round_half_up_to_cent(micros * 10) // 10)
    return format_usd(round_half_up_to_cent(micros))


def plain_amount(text: str) -> str:
    """``0.05`` of ``0.050000``: an amount as a form takes it, with cents at least."""
    whole, _, rest = str(text).partition(".")
    return f"{whole}.{rest.rstrip('0').ljust(2, '0')}"


def count(number: int | None) -> str:
    """``12,345``."""
    return NOTHING if number is None else f"{number:,}"


def percent(share: float | None, digits: int = 0) -> str:
    """``87 %`` of a share in [0, 1]; never rounded up to a hundred or down to nothing."""
    if share is None:
        return NOTHING
    step = 10.0**-digits
    value = round(share * 100, digits)
    if share < 1 and value >= 100:
        value = 100 - step
    if share > 0 and value <= 0:
        value = step
    return f"{value:.{digits}f} %"


def seconds(value: float | None) -> str:
    """``42 s``, ``3 min 5 s``, ``2 h 10 min``."""
    if value is None:
        return NOTHING
    whole = round(value)
    if whole < 60:
        return f"{value:.1f} s" if value < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 48 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} days"


def when(moment: datetime | None) -> Markup | str:
    """A time element in UTC; a small script rewrites it in the reader's zone."""
    if moment is None:
        return NOTHING
    utc = moment.astimezone(UTC)
    return Markup('<time datetime="{}">{} UTC</time>').format(
        utc.isoformat(timespec="seconds"), utc.strftime("%Y-%m-%d %H:%M")
    )


def tag_value(value: Any) -> str:
    """A tag as text; many choices are joined."""
    if isinstance(value, list):
        return ", ".join(str(option) for option in value) or "none"
    return str(value)


def _versioned(app: Flask) -> Any:
    """Addresses of static files that change when the file does, so that browsers may keep them."""
    digests: dict[str, str] = {}

    def asset(name: str) -> str:
        if name not in digests:
            data = (Path(app.static_folder or "") / name).read_bytes()
            digests[name] = hashlib.sha256(data).hexdigest()[:12]
        return url_for("static", filename=name, v=digests[name])

    return asset
