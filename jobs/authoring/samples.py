"""What a page is shown with while it is written: rows of the author's, or items of a dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs import answers
from jobs.answer_fields import read_fields
from jobs.blobs import Blobs
from jobs.errors import InvalidAnswer, InvalidInput, NotFound
from jobs.pages import hit_page, page_fields
from jobs.pages.field_template import fill, read_template
from jobs.records import BOXES, TAGS, LabelSchema, PageSource, QuestionKind, TaskSpec
from jobs.specs.hit_specs import image_ref
from jobs.specs.label_schemas import load_schema, with_example_urls
from jobs.tables import Dataset, Item, SchemaVersion

MOST_TASKS = 20


@dataclass(frozen=True)
class Asked:
    """One HIT of a job to come: a question about items of a dataset."""

    kind: QuestionKind
    schema: LabelSchema
    attributes: tuple[str, ...]
    tasks: tuple[TaskSpec, ...]


@dataclass(frozen=True)
class Subject:
    """Which items, asked what, and how many to a page."""

    dataset_id: int
    schema_id: int
    kind: QuestionKind
    n_tasks: int = 1


@dataclass(frozen=True)
class ParsedAnswer:
    """What would be kept of an answer: its fields, and the value they are read as, if any.

    ``problem`` says why an answer would be refused; then there is no value.
    """

    fields: Mapping[str, Any]
    value: Any
    problem: str


def n_pages(session: Session, subject: Subject) -> int:
    """How many pages the dataset makes. NotFound when there is no such dataset."""
    if session.get(Dataset, subject.dataset_id) is None:
        raise NotFound(f"dataset {subject.dataset_id} does not exist")
    n_items = session.scalar(select(func.count()).where(Item.dataset_id == subject.dataset_id)) or 0
    return -(-n_items // subject.n_tasks)


def asked_on_page(session: Session, blobs: Blobs, subject: Subject, number: int) -> Asked:
    """The HIT of page ``number``, counted from 1. Changes nothing.

    Raises:
        NotFound: for a dataset, question or page that does not exist.
        InvalidInput: for a question that the schema does not ask.

    """
    row = session.get(SchemaVersion, subject.schema_id)
    if row is None:
        raise NotFound(f"question {subject.schema_id} does not exist")
    if not 1 <= subject.n_tasks <= MOST_TASKS:
        raise InvalidInput(f"images a page: expected 1 to {MOST_TASKS}, got {subject.n_tasks}")
    items = session.scalars(
        select(Item)
        .where(Item.dataset_id == subject.dataset_id)
        .order_by(Item.id)
        .offset((number - 1) * subject.n_tasks)
        .limit(subject.n_tasks)
    ).all()
    if not items:
        raise NotFound(f"dataset {subject.dataset_id}: has no page {number}")
    schema = with_example_urls(load_schema(row), blobs)
    names = tuple(one.name for one in schema.attributes)
    if subject.kind == TAGS and not names:
        raise InvalidInput(f"question {schema.name!r}: has no attributes to tag")
    tasks = (
        TaskSpec(item.id, position, image_ref(blobs, item, None))
        for position, item in enumerate(items)
    )
    return Asked(subject.kind, schema, () if subject.kind == BOXES else names, tuple(tasks))


def page_of(source: PageSource, shown: Asked | Mapping[str, Any], where: str = "row") -> str:
    """The page of one HIT, or of one row; in Jinja a row's columns are the names it sees.

    Raises:
        InvalidInput: as ``hit_page.render`` and ``fill``.

    """
    if isinstance(shown, Asked):
        return hit_page.render(shown.kind, shown.schema, shown.attributes, shown.tasks, source)
    if source.language == "fields":
        return fill(read_template(source.text), shown, where)
    return hit_page.render_source(source, dict(shown))


def columns_of(shown: Asked | Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The names that ``${fields}`` of a page can be filled from."""
    if isinstance(shown, Asked):
        return page_fields.field_names(shown.attributes)
    return tuple(dict.fromkeys(name for row in shown for name in row))


def parsed(raw: str, shown: Asked | None) -> ParsedAnswer:
    """What becomes of an answer's XML; without a question its fields are all there is to it."""
    try:
        fields = read_fields(raw).values
    except InvalidAnswer as error:
        return ParsedAnswer({}, None, str(error))
    if shown is None:
        return ParsedAnswer(fields, None, "")
    try:
        value = answers.parse(raw, shown.kind, shown.schema, shown.attributes, shown.tasks)
    except InvalidAnswer as error:
        return ParsedAnswer(fields, None, str(error))
    return ParsedAnswer(fields, [value[task.task_id] for task in shown.tasks], "")
