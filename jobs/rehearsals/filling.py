"""Fills any HIT page in a browser as a worker would: looks for what can be answered, answers it.

It knows crowd elements, the controls of plain HTML and a canvas to draw on; what it answers
is chance, for it shows that answers arrive, not that they are right.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from playwright.sync_api import Frame, Locator, Page

WORDS = "A worker's words: é, <b>, 100 %"
READY_MS = 10_000
_SUBMIT = re.compile(r"submit|send|done|finish", re.IGNORECASE)
_MARKED = "crowd-bounding-box, crowd-polygon, crowd-polyline, crowd-line, crowd-keypoint"
_CORNERS = {
    "crowd-keypoint": ((0.4, 0.4),),
    "crowd-line": ((0.2, 0.2), (0.7, 0.6)),
    "crowd-polyline": ((0.2, 0.2), (0.7, 0.6)),
    "crowd-polygon": ((0.2, 0.2), (0.7, 0.3), (0.4, 0.7)),
}
_TEXTS = {
    "number": "3", "range": "3", "email": "worker@example.org", "url": "https://example.org/",
    "tel": "5550100", "date": "2026-01-31", "time": "12:30", "month": "2026-01",
    "week": "2026-W05", "datetime-local": "2026-01-31T12:30", "color": "#336699",
}  # fmt: skip
_COMPLAINTS = """() => [
    ...[...document.querySelectorAll('[data-crowd-problem]')].map((one) => one.textContent),
    ...[...document.querySelectorAll('form :invalid')].map((one) =>
        `${one.name || one.localName}: ${one.validationMessage}`),
]"""
_NO_TEXT = ("hidden", "submit", "button", "reset", "image", "radio", "checkbox", "file")


def wait_until_alive(frame: Frame) -> None:
    """The page and its crowd elements with their pictures are there."""
    frame.wait_for_load_state("load")
    frame.wait_for_function(
        f"""() => !document.querySelector('crowd-form') || (customElements.get('crowd-form') &&
        [...document.querySelectorAll('{_MARKED}')].every((one) => one.ready || one.trouble))""",
        timeout=READY_MS,
    )


def submit_button(frame: Frame) -> Locator | None:
    """The button that sends the form, or None."""
    named = frame.get_by_role("button", name=_SUBMIT)
    plain = frame.locator("xpath=//input[@type='submit']|//form//button[not(@type='button')]")
    for found in (named, plain):
        shown = [one for one in found.all() if one.is_visible()]
        if shown:
            return shown[-1]
    return None


def complaints(frame: Frame) -> list[str]:
    """What the page says is wrong with its answers, in page order."""
    said: list[str] = frame.evaluate(_COMPLAINTS)
    return said


def fill_page(page: Page, frame: Frame, rng: np.random.Generator) -> None:
    """Answer every question of the page that shows itself."""
    for element in frame.locator(_MARKED).all():
        _mark(page, element, rng)
    for canvas in frame.locator("xpath=//canvas").all():
        _drag(page, canvas, (0.2, 0.2), (0.6, 0.7))
    _fill_crowd(frame, rng)
    _fill_plain(frame, rng)


def _mark(page: Page, element: Locator, rng: np.random.Generator) -> None:
    name = str(element.evaluate("(one) => one.localName"))
    canvas = element.locator(".canvas")
    if name == "crowd-bounding-box":
        for shift in rng.uniform(0.0, 0.1, 1 + int(rng.integers(2))):
            page.keyboard.down("Shift")  # draws even where another box lies
            _drag(page, canvas, (0.1 + shift, 0.1 + shift), (0.5 + shift, 0.6 + shift))
            page.keyboard.up("Shift")
            labels = element.locator(".labels button").all()
            if labels:
                labels[int(rng.integers(len(labels)))].click()
        return
    canvas.scroll_into_view_if_needed()
    for x, y in _CORNERS[name]:
        page.mouse.click(*_at(canvas, x, y))
    if name in ("crowd-polygon", "crowd-polyline"):
        page.keyboard.press("Enter")


def _at(area: Locator, x: float, y: float) -> tuple[float, float]:
    frame = area.bounding_box() or {"x": 0.0, "y": 0.0, "width": 0.0, "height": 0.0}
    return frame["x"] + x * frame["width"], frame["y"] + y * frame["height"]


def _drag(page: Page, area: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
    area.scroll_into_view_if_needed()
    page.mouse.move(*_at(area, *start))
    page.mouse.down()
    page.mouse.move(*_at(area, *end), steps=4)
    page.mouse.up()


def _fill_crowd(frame: Frame, rng: np.random.Generator) -> None:
    for group in frame.locator("crowd-radio-group").all():
        _pick(group.get_by_role("radio"), rng)
    for one in frame.locator("crowd-classifier, crowd-image-classifier").all():
        _pick(one.get_by_role("radio"), rng)
    for one in frame.locator(
        "crowd-classifier-multi-select, crowd-image-classifier-multi-select"
    ).all():
        one.get_by_role("checkbox").first.check()
    seen = set()
    for box in frame.locator("crowd-checkbox:not([exclusive], [disabled])").all():
        name = box.get_attribute("name") or ""
        if not name.endswith("nothing") and (name not in seen or rng.random() < 0.5):
            box.check()
        seen.add(name)
    for toggle in frame.locator("crowd-toggle-button:not([disabled])").all():
        toggle.check()
    for slider in frame.locator("crowd-slider:not([disabled])").get_by_role("slider").all():
        slider.press("ArrowRight")
    for text in frame.locator("crowd-input, crowd-text-area").locator("input, textarea").all():
        if text.is_enabled():
            _write(text)


def _fill_plain(frame: Frame, rng: np.random.Generator) -> None:
    """Controls outside of crowd elements; XPath does not look into those."""
    for one in frame.locator("xpath=//input|//textarea|//select").all():
        if not one.is_visible() or not one.is_editable() or one.is_disabled():
            continue
        kind = str(one.evaluate("(one) => one.localName === 'input' ? one.type : one.localName"))
        if kind == "select":
            one.select_option(index=int(one.locator("option").count()) - 1)
        elif kind not in _NO_TEXT:
            _write(one)
    radios = frame.locator("xpath=//input[@type='radio']")
    for name in sorted({one.get_attribute("name") or "" for one in radios.all()}):
        _pick(frame.locator(f"xpath=//input[@type='radio'][@name={_quoted(name)}]"), rng)
    for number, one in enumerate(frame.locator("xpath=//input[@type='checkbox']").all()):
        if one.is_enabled() and (number == 0 or rng.random() < 0.5):
            one.check(force=True)


def _quoted(name: str) -> str:
    parts = ", '\"', ".join(f'"{part}"' for part in name.split('"'))
    return f"concat({parts}, '')"


def _pick(choices: Locator, rng: np.random.Generator) -> None:
    enabled = [one for one in choices.all() if one.is_enabled()]
    if enabled:
        enabled[int(rng.integers(len(enabled)))].click(force=True)


def _write(control: Locator) -> None:
    kind: Any = control.evaluate(
        "(one) => ({type: one.type, min: one.min, max: one.maxLength, list: one.pattern})"
    )
    text = kind["min"] if kind["type"] == "number" and kind["min"] else _TEXTS.get(kind["type"])
    longest = kind["max"] if isinstance(kind["max"], int) and kind["max"] > 0 else len(WORDS)
    control.fill(str(text or WORDS[:longest]))
