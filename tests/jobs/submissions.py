"""Submissions as MTurk and our own pages send them."""

from __future__ import annotations

import json
from xml.sax.saxutils import escape

from jobs.records import ImageRef, TaskSpec
from jobs.specs.label_schemas import parse_schema

NAMESPACE = (
    "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/"
    "QuestionFormAnswers.xsd"
)
SCHEMA = parse_schema(
    """
name: street
classes: [car, café]
attributes:
  - {name: light, kind: one, options: [day, night], unsure: cannot tell}
  - {name: weather, kind: many, options: [rain, snow, fog], unsure: cannot tell}
  - {name: wet, kind: yes_no}
  - {name: sharpness, kind: scale, low: 1, high: 5, unsure: cannot tell}
""",
    "schema",
)
ATTRIBUTES = ("light", "weather", "wet", "sharpness")
WHOLE = TaskSpec(7, 0, ImageRef(1, "k", "http://x/y", 100, 80))
TILE = TaskSpec(8, 1, ImageRef(2, "k", "http://x/y", 100, 80, offset_x=500, offset_y=300))
TAGGED = {
    "t0-light": {"day": True, "night": False, "cannot tell": False},
    "t0-weather": {"rain": False, "snow": True, "fog": True},
    "t0-wet": {"yes": False, "no": True},
    "t0-sharpness": 4,
}


def xml(fields):
    answers = "".join(
        f"<Answer><QuestionIdentifier>{escape(name)}</QuestionIdentifier>"
        f"<FreeText>{escape(text)}</FreeText></Answer>"
        for name, text in fields.items()
    )
    return (
        '<?xml version="1.0" encoding="ASCII"?>'
        f'<QuestionFormAnswers xmlns="{NAMESPACE}">{answers}</QuestionFormAnswers>'
    )


def crowd(fields):
    return xml({"taskAnswers": json.dumps([fields])})


def box(left=10, top=20, width=30, height=40, label="car", **more):
    return {"label": label, "left": left, "top": top, "width": width, "height": height, **more}


def drawn(*boxes, width=100, height=80, position=0):
    size = {"width": width, "height": height}
    return {f"t{position}-boxes": {"boundingBoxes": list(boxes), "inputImageProperties": size}}
