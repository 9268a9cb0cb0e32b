"""Hands on a picture: positions are image pixels, turned into the browser's own."""

from __future__ import annotations

from playwright.sync_api import Locator, Page

BOUNDING_BOX = """
<crowd-bounding-box name="{name}" src="{src}" labels="{labels}" header="Find things" {extra}>
<full-instructions header="How">Draw tight boxes.</full-instructions>
<short-instructions>Tight boxes</short-instructions></crowd-bounding-box>
"""
SIZE = (640, 480)


def bounding_box(
    src: str, *, name: str = "b", labels: str = "['Dog', 'Cat']", extra: str = ""
) -> str:
    return BOUNDING_BOX.format(name=name, src=src, labels=labels, extra=extra)


class Hand:
    """A pointer over the canvas of one element."""

    def __init__(self, page: Page, element: Locator, size: tuple[int, int] = SIZE) -> None:
        self.page = page
        self.canvas = element.locator(".canvas")
        self.size = size
        self.canvas.scroll_into_view_if_needed()

    def at(self, x: float, y: float) -> tuple[float, float]:
        frame = self.canvas.bounding_box()
        assert frame
        return (
            frame["x"] + x / self.size[0] * frame["width"],
            frame["y"] + y / self.size[1] * frame["height"],
        )

    def drag(self, x0: float, y0: float, x1: float, y1: float) -> None:
        self.page.mouse.move(*self.at(x0, y0))
        self.page.mouse.down()
        self.page.mouse.move(*self.at((x0 + x1) / 2, (y0 + y1) / 2))
        self.page.mouse.move(*self.at(x1, y1))
        self.page.mouse.up()

    def click(self, x: float, y: float) -> None:
        self.page.mouse.click(*self.at(x, y))


def boxes(page: Page, name: str = "b") -> list[list[int | str]]:
    """The boxes that would be submitted: [label, left, top, right, bottom]."""
    value = page.evaluate("() => document.querySelector('crowd-form').value")
    return [
        [b["label"], b["left"], b["top"], b["left"] + b["width"], b["top"] + b["height"]]
        for b in value[name]["boundingBoxes"]
    ]


def near(found: list[list[int | str]], wanted: list[list[int | str]], slack: int = 1) -> bool:
    """True when labels are equal and sides differ by ``slack`` pixels at most."""
    return len(found) == len(wanted) and all(
        one[0] == other[0]
        and all(abs(a - b) <= slack for a, b in zip(one[1:], other[1:], strict=True))  # type: ignore[operator]
        for one, other in zip(found, wanted, strict=True)
    )
