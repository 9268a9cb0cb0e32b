"""What a hostile, broken or bored page could submit: a grammar, and any number of its sentences.

Every hostile value meets every field once; after that, sentences are drawn with a seed: a
few fields spoilt at once, envelopes torn, bytes damaged.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from tests.jobs.submissions import TAGGED, box, crowd, drawn, xml

Fields = dict[str, Any]

NUMBERS: tuple[Any, ...] = (
    -1, -0.0, 0, 1e-320, 1e308, 5e-324, 2**53 + 1, 10**30, -(10**400), 0.5, "5", " 5 ", "٥", "1_0",
    "NaN", True, False, None, [], {}, [5], {"value": 5},
)  # fmt: skip
RAW_NUMBERS = (
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    "-1e999",
    "01",
    "+1",
    "0x10",
    ".5",
    "1" * 5000,
)
LABELS: tuple[Any, ...] = (
    "bus", "", " ", "x" * 100_000, "cafe\u0301", "caf\u00e9", "CAR", "Car ", "car\n", "car\x00",
    "\u202ecar", "car\u200d", "👩\u200d🚗", "\ud800", "car\udfff", "__proto__", "constructor",
    "<b>car</b>", "<script>alert(1)</script>", "=1+1", "${secret}", "{{7*7}}", "'; DROP TABLE hit",
    "../../etc/passwd", "car|bus", 1, 1.5, True, None, [], ["car"], {"car": True},
)  # fmt: skip
BOXES: tuple[Any, ...] = (
    [], [box(width=0)], [box(height=0)], [box(width=-30, height=-40)], [box(left=99, width=2)],
    [box(left=100)], [box(left=101)], [box(left=-1)], [box(0, 0, 100, 80)], [box(-1, -1, 102, 82)],
    [box(-500, -500, 2000, 2000)], [box()] * 2, [box()] * 2_001, [box(score=2)], [box(rotation=1)],
    [box(strange=1)], [{}], [None], ["box"], [[10, 20, 30, 40]], {"0": box()}, "boxes", 5, None,
    [{"label": "car"}], [box(), None], [box() | {"label": ["car"]}],
    [{"label": "car", "vertices": [{"x": number, "y": number} for number in range(10_000)]}],
)  # fmt: skip
SIZES: tuple[Any, ...] = (
    None, {}, [], "100x80", {"width": 80, "height": 100}, {"width": 100},
    {"width": 100.0, "height": 80}, {"width": "100", "height": "80"},
    {"width": 0, "height": 0}, {"width": 10**9, "height": 10**9},
)  # fmt: skip
NUMBER_FIELDS = ("left", "top", "width", "height", "score", "rotation", "angle")
TAG_FIELDS = ("light", "weather", "wet", "sharpness")
TWICE = (
    "<Answer><QuestionIdentifier>taskAnswers</QuestionIdentifier><FreeText>[]</FreeText></Answer>"
)
ENVELOPES: tuple[Callable[[str], str], ...] = (
    lambda raw: raw[: len(raw) // 2],
    lambda raw: raw * 2,
    lambda raw: "",
    lambda raw: raw.replace("QuestionFormAnswers", "Answers"),
    lambda raw: "<!DOCTYPE a [<!ENTITY b 'c'>]>" + raw,
    lambda raw: "<!DOCTYPE a SYSTEM 'http://127.0.0.1:9/x.dtd'>" + raw,
    lambda raw: '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>' + raw,
    lambda raw: raw.replace("<Answer>", TWICE + "<Answer>"),
    lambda raw: raw.replace("ASCII", "UTF-16"),
    lambda raw: raw.replace("ASCII", "UTF-7"),
    lambda raw: raw.encode("utf-16", "surrogatepass").decode("latin-1"),
    lambda raw: raw.encode("utf-8", "surrogatepass").decode("latin-1"),
    lambda raw: "\ufeff" + raw,
    lambda raw: "\x1f\x8b\x08" + raw[:200],
    lambda raw: raw + "\x00",
    lambda raw: raw.replace("<Answer>", "<a>" * 5_000),
    lambda raw: raw.replace("taskAnswers", "taskAnswers" * 1_000),
    lambda raw: raw.replace("[{", '[{"a": 1, "a": 2, '),
    lambda raw: raw.replace("[{", "[" * 20_000 + "{"),
    lambda raw: raw.replace("[{", '{"a":' * 20_000 + "[{"),
    lambda raw: raw + " " * (1024 * 1024),
    lambda raw: "\ufeffjson:" + json.dumps(raw),
)  # fmt: skip
FRAGMENTS = (
    "<",
    "&",
    "&#0;",
    "]]>",
    "\x00",
    "\ud800",
    '"',
    "{",
    "[",
    "\\",
    "\\u0000",
    "�",
    "１",
    "NaN",
)


def submissions(n: int, seed: int) -> Iterator[str]:
    """``n`` raw answers: each hostile value at each field first, then drawn ones."""
    yield from islice(_all(seed), n)


def n_crossed() -> int:
    """How many raw answers it takes for every value to meet every field."""
    return sum(1 for _ in _crossed())


def _all(seed: int) -> Iterator[str]:
    yield from _crossed()
    rng = np.random.default_rng(seed)
    while True:
        yield _drawn(rng)


def _crossed() -> Iterator[str]:
    for name in NUMBER_FIELDS:
        for value in (*NUMBERS, *LABELS):
            yield crowd(drawn(box(**{name: value})))
        yield from (_raw_number(crowd(drawn(box(**{name: 12321}))), text) for text in RAW_NUMBERS)
    for value in (*LABELS, *NUMBERS):
        yield crowd(drawn(box(label=value)))
        yield crowd(drawn(box()) | {"t0-nothing": value})
        for name in TAG_FIELDS:
            yield from _spoilt_tags(name, value)
    for boxes in BOXES:
        for size in SIZES:
            yield crowd({"t0-boxes": {"boundingBoxes": boxes, "inputImageProperties": size}})
    for value in (*BOXES, *SIZES, *LABELS):
        yield crowd({"t0-boxes": value})
    for fields in ({}, drawn(box(), position=1), drawn(box(), width=640, height=480)):
        yield crowd(fields)  # of another page, or another image
    for tear in ENVELOPES:
        yield tear(crowd(drawn(box())))
        yield tear(crowd(TAGGED))


def _spoilt_tags(name: str, value: Any) -> Iterator[str]:
    field = f"t0-{name}"
    yield crowd(TAGGED | {field: value})
    yield crowd(TAGGED | {f"{field}-unsure": value})
    if isinstance(value, str):
        yield crowd(TAGGED | {field: {value: True}})
        yield crowd(TAGGED | {field: {"labels": [value]}})
        plain = {f"t0-{each}": "on" for each in TAG_FIELDS} | {field: value}
        yield xml({key: _sayable(text) for key, text in plain.items()})


def _drawn(rng: np.random.Generator) -> str:
    """A valid answer with one to four fields spoilt; every third one torn or damaged too."""
    fields: Fields = dict(TAGGED) if rng.random() < 0.5 else {}
    boxes = [box(**_some_box(rng)) for _ in range(int(rng.integers(0, 4)))]
    fields |= drawn(*boxes)
    for _ in range(int(rng.integers(0, 4))):
        name = str(rng.choice([*fields, "t0-nothing", "t0-light-unsure", "t9-light", "strange"]))
        fields[name] = _pick(rng, (*NUMBERS, *LABELS, *BOXES, *SIZES))
    raw = crowd(fields)
    chance = rng.random()
    if chance < 0.1:
        return _pick(rng, ENVELOPES[:19])(raw)
    return _damaged(rng, raw) if chance < 0.34 else raw


def _some_box(rng: np.random.Generator) -> Fields:
    sides: Fields = {
        "left": float(rng.uniform(-20, 110)),
        "top": float(rng.uniform(-20, 90)),
        "width": float(rng.uniform(-5, 120)),
        "height": float(rng.uniform(-5, 100)),
    }
    if rng.random() < 0.4:
        sides[str(rng.choice(NUMBER_FIELDS))] = _pick(rng, NUMBERS)
    if rng.random() < 0.2:
        sides["label"] = _pick(rng, LABELS)
    return sides


def _damaged(rng: np.random.Generator, raw: str) -> str:
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(0, max(1, len(raw))))
        gone = int(rng.integers(0, 12))
        raw = raw[:at] + str(_pick(rng, FRAGMENTS)) + raw[at + gone :]
    return raw


def _pick(rng: np.random.Generator, choices: Any) -> Any:
    return choices[int(rng.integers(0, len(choices)))]


def _raw_number(raw: str, text: str) -> str:
    """What ``json.dumps`` would not write: a number as another program's JSON has it."""
    return raw.replace("12321", text)


def _sayable(text: str) -> str:
    return text.replace("\x00", "&#0;")
