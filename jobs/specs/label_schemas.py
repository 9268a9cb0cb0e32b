"""Label schemas: what is asked, read strictly, kept in versions that never change."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator as After
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from jobs import images
from jobs.blobs import Blobs
from jobs.errors import Conflict, InvalidInput, NotFound
from jobs.input_faults import explain
from jobs.records import Attribute, AttributeKind, LabelSchema
from jobs.strict_yaml import read_mapping
from jobs.tables import SchemaVersion

LONGEST_SCALE = 101
LONGEST_NAME = 40  # of an attribute: templates, form fields and columns of exports carry it
_NAME = rf"^[a-z][a-z0-9_]{{0,{LONGEST_NAME - 1}}}$"
YES_NO = ("yes", "no")


def _clean(text: str) -> str:
    """NFC, so that two spellings of one word are one option; nothing that cannot be seen."""
    if not text.isprintable():
        raise ValueError("expected printable characters only")
    if "|" in text:
        raise ValueError("expected no '|': it separates many choices in tables")
    return unicodedata.normalize("NFC", text)


def _paragraphs(text: str) -> str:
    if not text.replace("\n", "").replace("\t", "").isprintable():
        raise ValueError("expected printable characters and line breaks only")
    return unicodedata.normalize("NFC", text)


Name = Annotated[
    str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True), After(_clean)
]
Line = Annotated[str, StringConstraints(max_length=300, strip_whitespace=True), After(_paragraphs)]
Prose = Annotated[str, StringConstraints(max_length=20_000), After(_paragraphs)]
_STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class AttributeModel(BaseModel):
    """One attribute as people write it."""

    model_config = _STRICT

    name: Annotated[str, StringConstraints(pattern=_NAME)]
    kind: Literal["one", "many", "yes_no", "scale"]
    title: Line = ""
    options: list[Name] = Field(default_factory=list, max_length=100)
    low: int | None = Field(None, ge=-1000, le=1000)
    high: int | None = Field(None, ge=-1000, le=1000)
    unsure: Annotated[str, After(_clean)] = Field("", max_length=100)

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        scale = self.low is not None or self.high is not None
        if self.kind in ("one", "many"):
            if scale:
                raise ValueError(f"{self.kind!r} takes options, not low and high")
            _refuse_repeats(self.options, "options", at_least=1 if self.kind == "many" else 2)
        elif self.options:
            raise ValueError(f"{self.kind!r} takes no options")
        if self.kind == "scale":
            if self.low is None or self.high is None or self.low >= self.high:
                raise ValueError("'scale' takes low and high, low under high")
            if self.high - self.low >= LONGEST_SCALE:
                raise ValueError(f"expected a scale of at most {LONGEST_SCALE} steps")
        elif scale:
            raise ValueError(f"{self.kind!r} takes no low and high")
        if self.unsure.casefold() in {option.casefold() for option in _options(self)}:
            raise ValueError(f"unsure {self.unsure!r} is one of the options already")
        return self


class ExampleModel(BaseModel):
    """An example picture: an http(s) address, a file beside the schema, or a stored key."""

    model_config = _STRICT

    image: Annotated[str, StringConstraints(min_length=1, max_length=1000), After(_paragraphs)]
    text: Line = ""
    verdict: Literal["good", "bad"] = "good"


class SchemaModel(BaseModel):
    """A label schema as people write it."""

    model_config = _STRICT

    name: Name
    title: Line = ""
    instructions: Prose = ""
    short_instructions: Prose = ""
    classes: list[Name] = Field(default_factory=list, max_length=200)
    attributes: list[AttributeModel] = Field(default_factory=list, max_length=40)
    examples: list[ExampleModel] = Field(default_factory=list, max_length=20)

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self.classes and not self.attributes:
            raise ValueError("expected classes, attributes, or both")
        _refuse_repeats(self.classes, "classes", at_least=0)
        _refuse_repeats([each.name for each in self.attributes], "attributes", at_least=0)
        return self


def name_of(words: str, otherwise: str) -> str:
    """The name of an attribute that people call ``words``: ``wears_a_helmet``.

    A name as schemas take it stays as it is. ``otherwise`` where no letter of the words can be
    written without accents.
    """
    if re.fullmatch(_NAME, words):
        return words
    plain = unicodedata.normalize("NFKD", words.replace("ß", "ss").lower())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    name = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    if not name:
        return otherwise
    name = name if name[0].isalpha() else f"is_{name}"
    return name[:LONGEST_NAME].rstrip("_")


def parse_schema(text: str, where: str) -> LabelSchema:
    """The schema that YAML or JSON ``text`` states; ``where`` names it in errors.

    Raises:
        InvalidInput: with every fault found, each with its place.

    """
    return _validated(read_mapping(text, where), where)


def store_examples(schema: LabelSchema, folder: Path, blobs: Blobs) -> LabelSchema:
    """The schema with each example picture that is a file of ``folder`` put into ``blobs``.

    Raises:
        InvalidInput: when a file is missing, lies outside ``folder``, or is no image.

    """
    return dataclasses.replace(
        schema, examples=tuple(_stored(each, folder, blobs) for each in schema.examples)
    )


def check_examples(schema: LabelSchema, blobs: Blobs) -> None:
    """Refuse an example picture that is neither an http(s) address nor in the store.

    Raises:
        InvalidInput: naming the example; a schema sent over the web has no folder beside it.

    """
    for number, example in enumerate(schema.examples):
        image = example["image"]
        if _is_web(image):
            continue
        try:
            blobs.read(image)
        except NotFound as error:
            raise InvalidInput(
                f"examples.{number}.image: expected an http(s) address or a stored picture, "
                f"got {image!r:.100}"
            ) from error


def with_example_urls(schema: LabelSchema, blobs: Blobs) -> LabelSchema:
    """The schema whose examples carry the ``url`` that a worker's browser loads."""
    return dataclasses.replace(
        schema,
        examples=tuple(
            {**each, "url": image if _is_web(image := each["image"]) else blobs.url(image)}
            for each in schema.examples
        ),
    )


def save_schema(session: Session, schema: LabelSchema, now: datetime) -> SchemaVersion:
    """The version that holds this body: a new one, or the one that had it already.

    Raises:
        Conflict: when another writer saved a version of this name in the same moment.

    """
    body = to_body(schema)
    digest = hashlib.sha256(_canonical(body).encode()).hexdigest()
    same_name = SchemaVersion.name == schema.name
    known = session.scalar(
        select(SchemaVersion)
        .where(same_name, SchemaVersion.sha256 == digest)
        .order_by(SchemaVersion.version.desc())
        .limit(1)
    )
    if known:
        return known
    newest = session.scalar(select(func.max(SchemaVersion.version)).where(same_name)) or 0
    row = SchemaVersion(
        name=schema.name, version=newest + 1, sha256=digest, body=body, created_at=now
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        raise Conflict(f"schema {schema.name!r}: another version was saved just now") from error
    return row


def load_schema(row: SchemaVersion) -> LabelSchema:
    """The schema that a saved version holds."""
    return _validated(dict(row.body), f"schema {row.name!r} version {row.version}")


def to_body(schema: LabelSchema) -> dict[str, Any]:
    """Plain values that state the schema as ``parse_schema`` reads it."""
    return {
        "name": schema.name,
        "title": schema.title,
        "instructions": schema.instructions,
        "short_instructions": schema.short_instructions,
        "classes": list(schema.classes),
        "attributes": [_attribute_body(each) for each in schema.attributes],
        "examples": [
            {key: each[key] for key in ("image", "text", "verdict")} for each in schema.examples
        ],
    }


def _validated(body: dict[str, Any], where: str) -> LabelSchema:
    try:
        model = SchemaModel.model_validate(body)
    except ValidationError as error:
        faults = "; ".join(explain(error, SchemaModel))
        raise InvalidInput(f"{where}: {faults}") from error
    return LabelSchema(
        name=model.name,
        classes=tuple(model.classes),
        attributes=tuple(_attribute(each) for each in model.attributes),
        title=model.title,
        instructions=model.instructions,
        short_instructions=model.short_instructions,
        examples=tuple(each.model_dump() for each in model.examples),
    )


def _attribute(model: AttributeModel) -> Attribute:
    kind: AttributeKind = model.kind
    return Attribute(
        name=model.name,
        kind=kind,
        title=model.title or model.name.replace("_", " "),
        options=_options(model),
        low=model.low or 0,
        high=model.high or 0,
        unsure=model.unsure.strip(),
    )


def _options(model: AttributeModel) -> tuple[str, ...]:
    if model.kind == "yes_no":
        return YES_NO
    if model.kind == "scale":
        return tuple(str(step) for step in range(model.low or 0, (model.high or 0) + 1))
    return tuple(model.options)


def _attribute_body(attribute: Attribute) -> dict[str, Any]:
    body: dict[str, Any] = {
        "name": attribute.name,
        "kind": attribute.kind,
        "title": attribute.title,
        "unsure": attribute.unsure,
    }
    if attribute.kind in ("one", "many"):
        body["options"] = list(attribute.options)
    if attribute.kind == "scale":
        body |= {"low": attribute.low, "high": attribute.high}
    return body


def _refuse_repeats(names: list[str], what: str, at_least: int) -> None:
    if len(names) < at_least:
        raise ValueError(f"expected at least {at_least} {what}, got {len(names)}")
    seen: set[str] = set()
    for name in names:
        if name.casefold() in seen:
            raise ValueError(f"{what}: {name!r} appears twice (capitals do not count)")
        seen.add(name.casefold())


def _stored(example: Mapping[str, str], folder: Path, blobs: Blobs) -> dict[str, str]:
    image = example["image"]
    if _is_web(image):
        return dict(example)
    path = (folder / image).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise InvalidInput(f"example {image!r:.100}: expected a file beside the schema")
    if not path.is_file():
        raise InvalidInput(f"example {image!r:.100}: no such file beside the schema")
    data = path.read_bytes()
    return {**example, "image": blobs.put(data, images.inspect_image(data).media_type)}


def _is_web(image: str) -> bool:
    return image.startswith(("https://", "http://"))


def _canonical(body: dict[str, Any]) -> str:
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
