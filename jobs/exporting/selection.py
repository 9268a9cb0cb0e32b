"""Which label versions the choices name right now: one statement, decided by the database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, select
from sqlalchemy.orm import Session, aliased

from jobs.combining.current_labels import is_newest
from jobs.exporting.choices import Choices, kinds_of, values_by_attribute
from jobs.records import BOXES, SETTLED, TAGS, Attribute, LabelSchema
from jobs.tables import Consensus, Label

CONSENSUS_ALONE = "consensus"  # the origin of a label that no person decided


def count_labels(session: Session, job_id: int, schema: LabelSchema, choices: Choices) -> int:
    """How many labels the choices name now."""
    found = _chosen(session, job_id, schema, choices).with_only_columns(func.count())
    return session.scalar(found) or 0


def count_final(session: Session, job_id: int) -> dict[str, int]:
    """How many final labels the job has by kind, whatever is chosen."""
    has_label = exists().where(_its_question(Label))
    found = (
        select(Consensus.kind, func.count())
        .where(Consensus.job_id == job_id, Consensus.state.in_(SETTLED), has_label)
        .group_by(Consensus.kind)
    )
    return dict(session.execute(found).all())


def chosen_ids(
    session: Session, job_id: int, schema: LabelSchema, choices: Choices
) -> Select[int, float | None]:
    """The labels' ids and the agreement of their questions, in the order of import."""
    found = _chosen(session, job_id, schema, choices)
    return found.order_by(Label.item_id, Label.kind)


def _chosen(
    session: Session, job_id: int, schema: LabelSchema, choices: Choices
) -> Select[int, float | None]:
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    filters = choices.filters
    found = (
        select(Label.id, Consensus.agreement)
        .join(Consensus, _its_question(Label))
        .where(
            Label.job_id == job_id,
            Label.kind.in_(kinds_of(choices)),
            is_newest(Label),
            Consensus.state.in_(SETTLED),
        )
    )
    if filters.min_confidence:
        found = found.where(Label.confidence >= filters.min_confidence)
    if filters.only_decided:
        found = found.where(Label.origin != CONSENSUS_ALONE)
    if filters.classes:
        shows = _has_class_sqlite if is_sqlite else _has_class_postgres
        found = found.where(_of_item(job_id, BOXES, lambda one: shows(one, filters.classes)))
    says = _has_value_sqlite if is_sqlite else _has_value_postgres
    known = {attribute.name: attribute for attribute in schema.attributes}
    for name, values in values_by_attribute(filters.tags).items():
        found = found.where(
            _of_item(job_id, TAGS, lambda one, n=name, v=values: says(one, known[n], v))
        )
    return found


def _its_question(label: Any, question: Any = Consensus) -> ColumnElement[bool]:
    return and_(
        question.job_id == label.job_id,
        question.kind == label.kind,
        question.item_id == label.item_id,
    )


def _of_item(job_id: int, kind: str, is_met: Any) -> ColumnElement[bool]:
    """Whether the label's picture has a final label of ``kind`` that meets a condition."""
    other, question = aliased(Label), aliased(Consensus)
    found = (
        select(other.item_id)
        .join(question, _its_question(other, question))
        .where(
            other.job_id == job_id,
            other.kind == kind,
            is_newest(other),
            question.state.in_(SETTLED),
            is_met(other),
        )
    )
    return Label.item_id.in_(found)


def _has_class_sqlite(label: Any, classes: tuple[str, ...]) -> Any:
    box = func.json_each(label.value, "$.boxes").table_valued("value")
    return exists(
        select(1).select_from(box).where(func.json_extract(box.c.value, "$.label").in_(classes))
    )


def _has_class_postgres(label: Any, classes: tuple[str, ...]) -> Any:
    boxes = func.json_array_elements(label.value.op("->")("boxes"))
    box = boxes.table_valued("value").render_derived()
    return exists(select(1).select_from(box).where(box.c.value.op("->>")("label").in_(classes)))


def _has_value_sqlite(label: Any, attribute: Attribute, values: list[str]) -> Any:
    path = f"$.tags.{attribute.name}"
    if attribute.kind != "many":
        return func.json_extract(label.value, path).in_(values)
    said = func.json_each(label.value, path).table_valued("value")
    return exists(select(1).select_from(said).where(said.c.value.in_(values)))


def _has_value_postgres(label: Any, attribute: Attribute, values: list[str]) -> Any:
    tags = label.value.op("->")("tags")
    if attribute.kind != "many":
        return tags.op("->>")(attribute.name).in_(values)
    options = func.json_array_elements_text(tags.op("->")(attribute.name))
    said = options.table_valued("value").render_derived()
    return exists(select(1).select_from(said).where(said.c.value.in_(values)))
