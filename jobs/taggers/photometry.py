"""Light, contrast, blur, size and colour, measured from pixels without any model.

Options name, for each attribute, a measure and the thresholds that cut its range into
the attribute's options, lowest first::

    {"attributes": {
        "light": {"measure": "brightness", "thresholds": [70, 190],
                  "options": ["dark", "normal", "bright"]},
        "main_colour": {"measure": "colour"},
    }}

===========  ==================================================================
measure      number
===========  ==================================================================
brightness   mean luma, 0 (black) to 255 (white)
contrast     standard deviation of luma, 0 to 127.5
blur         0 (sharp) to 1 (blurred): Crete, Dolmiere, Ladret, Nicolas 2007,
             "The blur effect: perception and estimation with a new
             no-reference perceptual blur metric"
colourful    0 (grey) to about 110: Hasler and Süsstrunk 2003, "Measuring
             colourfulness in natural images"; tinted prints stay under 20
resolution   shorter side in pixels
colour       share of the picture in each colour name; takes no thresholds
===========  ==================================================================
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field
from scipy.ndimage import uniform_filter1d

from jobs.errors import InvalidInput
from jobs.images import open_upright
from jobs.records import TAGS, Attribute, LabelSchema, QuestionKind
from jobs.taggers._reading import Options, asked, read_options

VERSION = "1"
LONGEST_SIDE = 512  # pixels looked at: blur is judged at the size a person sees
BLUR_WINDOW = 9  # the low-pass filter's length in the paper
SHARE_OF_MANY = 0.2  # of the picture, for a colour to count where many may be chosen

Measure = Literal["brightness", "contrast", "blur", "colourful", "resolution", "colour"]
DEFAULT_THRESHOLDS: Mapping[str, tuple[float, ...]] = {
    "brightness": (70.0, 190.0),
    "contrast": (30.0, 70.0),
    "blur": (0.35, 0.55),
    "colourful": (25.0,),
    "resolution": (480.0, 1080.0),
}

# name: hue range in degrees; the unhued names are told apart by saturation and value.
HUES = (
    ("red", 0, 15),
    ("orange", 15, 42),
    ("yellow", 42, 68),
    ("green", 68, 165),
    ("blue", 165, 255),
    ("purple", 255, 295),
    ("pink", 295, 335),
    ("red", 335, 360),
)
SAME_COLOUR = {"gray": "grey", "violet": "purple", "magenta": "pink", "cyan": "blue"}


class AttributeRule(Options):
    """How one attribute is answered."""

    measure: Measure
    thresholds: tuple[float, ...] | None = None
    options: tuple[str, ...] = ()


class PhotometryOptions(Options):
    """``attributes``: rules by attribute name; an attribute named like a measure needs none."""

    attributes: dict[str, AttributeRule] = Field(default_factory=dict)


class Photometer:
    """Answers tag questions from measured numbers."""

    def __init__(self, options: PhotometryOptions) -> None:
        self.version = VERSION
        self._rules = options.attributes

    def check(self, kind: QuestionKind, schema: LabelSchema, attributes: tuple[str, ...]) -> None:
        if kind != TAGS:
            raise InvalidInput("tagger photometry: answers tags, not boxes")
        for attribute in asked(schema, attributes):
            _check_rule(self._rule(attribute), attribute)

    def tag(
        self, image: bytes, kind: QuestionKind, schema: LabelSchema, attributes: tuple[str, ...]
    ) -> dict[str, Any]:
        self.check(kind, schema, attributes)
        picture = open_upright(image)
        return {
            "tags": {
                attribute.name: _answer(picture, self._rule(attribute), attribute)
                for attribute in asked(schema, attributes)
            }
        }

    def _rule(self, attribute: Attribute) -> AttributeRule:
        rule = self._rules.get(attribute.name)
        if rule is not None:
            return rule
        if attribute.name in (*DEFAULT_THRESHOLDS, "colour"):
            return AttributeRule.model_validate({"measure": attribute.name})
        raise InvalidInput(
            f"tagger photometry: attribute {attribute.name!r} needs a rule in options.attributes"
        )


def connect(options: Mapping[str, Any], _models: Path | None) -> Photometer:
    """The photometer with these options."""
    return Photometer(read_options(PhotometryOptions, options, "photometry"))


def brightness(picture: Image.Image) -> float:
    """Mean luma, 0 to 255."""
    return float(_luma(picture).mean())


def contrast(picture: Image.Image) -> float:
    """Standard deviation of luma, 0 to 127.5."""
    return float(_luma(picture).std())


def resolution(picture: Image.Image) -> float:
    """The shorter side in pixels."""
    return float(min(picture.size))


def blur(picture: Image.Image) -> float:
    """How little a further blur would change the picture, 0 (sharp) to 1; flat counts as 1."""
    luma = _luma(picture)
    return max(_blur_along(luma, axis) for axis in (0, 1))


def colourfulness(picture: Image.Image) -> float:
    """Spread of the opponent colours plus 0.3 of their mean, 0 for shades of grey."""
    small = picture.copy()
    small.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.BOX)
    red, green, blue_ = np.asarray(small, dtype=np.float64).reshape(-1, 3).T
    opponents = np.stack([red - green, (red + green) / 2 - blue_])
    spread, mean = opponents.std(axis=1), opponents.mean(axis=1)
    return float(np.hypot(*spread) + 0.3 * np.hypot(*mean))


def colour_shares(picture: Image.Image) -> dict[str, float]:
    """Share of the picture in each colour name; the shares sum to 1."""
    small = picture.copy()
    small.thumbnail((96, 96))
    hsv = np.asarray(small.convert("HSV"), dtype=np.float64).reshape(-1, 3)
    names = _colour_names(hsv[:, 0] * 360 / 256, hsv[:, 1] / 255, hsv[:, 2] / 255)
    found, counts = np.unique(names, return_counts=True)
    return {str(name): float(count / len(names)) for name, count in zip(found, counts, strict=True)}


MEASURES: Mapping[str, Callable[[Image.Image], float]] = {
    "brightness": brightness,
    "contrast": contrast,
    "blur": blur,
    "colourful": colourfulness,
    "resolution": resolution,
}


def _answer(picture: Image.Image, rule: AttributeRule, attribute: Attribute) -> str | list[str]:
    options = _options(rule, attribute)
    if rule.measure == "colour":
        return _colour_answer(colour_shares(picture), options, attribute)
    number = MEASURES[rule.measure](picture)
    answer = options[bisect_right(_thresholds(rule), number)]
    return [answer] if attribute.kind == "many" else answer


def _colour_answer(
    shares: Mapping[str, float], options: tuple[str, ...], attribute: Attribute
) -> str | list[str]:
    share = {option: shares.get(SAME_COLOUR.get(option, option), 0.0) for option in options}
    ranked = sorted(options, key=lambda option: -share[option])  # ties: the schema's order
    if attribute.kind != "many":
        return ranked[0]
    large = [option for option in options if share[option] >= SHARE_OF_MANY]
    return large or ranked[:1]


def _check_rule(rule: AttributeRule, attribute: Attribute) -> None:
    options = _options(rule, attribute)
    where = f"tagger photometry: attribute {attribute.name!r}"
    unknown = [option for option in options if option not in attribute.options]
    if unknown:
        raise InvalidInput(f"{where}: the schema has no option {unknown[0]!r}")
    if rule.measure == "colour":
        if attribute.kind not in ("one", "many"):
            raise InvalidInput(f"{where}: colour needs one or many choices")
        return
    thresholds = _thresholds(rule)
    if any(low >= high for low, high in pairwise(thresholds)):
        raise InvalidInput(f"{where}: expected rising thresholds, got {list(thresholds)}")
    if len(options) != len(thresholds) + 1:
        raise InvalidInput(
            f"{where}: {len(thresholds)} thresholds cut {len(thresholds) + 1} ranges, "
            f"but there are {len(options)} options"
        )


def _options(rule: AttributeRule, attribute: Attribute) -> tuple[str, ...]:
    chosen = rule.options or attribute.options
    return tuple(option for option in chosen if option != attribute.unsure)


def _thresholds(rule: AttributeRule) -> tuple[float, ...]:
    return DEFAULT_THRESHOLDS[rule.measure] if rule.thresholds is None else rule.thresholds


def _luma(picture: Image.Image) -> NDArray[np.float64]:
    small = picture.convert("L")
    small.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float64)


def _blur_along(luma: NDArray[np.float64], axis: int) -> float:
    sharp = np.abs(np.diff(luma, axis=axis))
    soft = np.abs(np.diff(uniform_filter1d(luma, BLUR_WINDOW, axis=axis), axis=axis))
    total = float(sharp.sum())
    lost = float(np.maximum(0.0, sharp - soft).sum())
    return 1.0 - lost / total if total else 1.0


def _colour_names(
    hue: NDArray[np.float64], saturation: NDArray[np.float64], value: NDArray[np.float64]
) -> NDArray[np.str_]:
    names = np.empty(len(hue), dtype="<U8")
    for name, low, high in HUES:
        names[(hue >= low) & (hue < high)] = name
    is_brown = ((names == "orange") | (names == "red")) & (value < 0.6) & (saturation < 0.85)
    names[is_brown] = "brown"
    names[saturation < 0.18] = "grey"
    names[(saturation < 0.18) & (value > 0.85)] = "white"
    names[value < 0.2] = "black"
    return names
