"""What the studio's form holds: a page, and what it is shown with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from jobs.authoring import samples
from jobs.authoring.rows import read_rows
from jobs.authoring.samples import Asked, Subject
from jobs.blobs import Blobs
from jobs.errors import InvalidInput, NotFound
from jobs.records import BOXES, TAGS, PageSource
from jobs.specs import saved_templates

Form = Mapping[str, str]
LARGEST_NUMBER = 1_000_000


@dataclass(frozen=True)
class Shown:
    """One page's filling, and how many pages there are with the same data."""

    filling: Asked | Mapping[str, Any]
    number: int
    n_pages: int

    @property
    def asked(self) -> Asked | None:
        """The HIT of a job, where the page is filled from a dataset."""
        return self.filling if isinstance(self.filling, Asked) else None


def source_of(form: Form) -> PageSource:
    """The page as it stands in the editor, its lines ended as text files end them.

    Raises:
        InvalidInput: for a language that no template has.

    """
    language = form.get("language", "fields")
    if language not in saved_templates.LANGUAGES:
        raise InvalidInput(f"language: expected fields or jinja, got {language!r:.40}")
    text = form.get("source", "").replace("\r\n", "\n")
    if len(text) > saved_templates.LONGEST_SOURCE:
        raise InvalidInput(
            f"template: expected at most {saved_templates.LONGEST_SOURCE:,} characters, "
            f"got {len(text):,}"
        )
    return PageSource(text, language, form.get("name", "") or "template")


def shown_of(session: Session, blobs: Blobs, form: Form, number: int | None = None) -> Shown:
    """What fills the page: a row that was typed, or items of a dataset. Changes nothing.

    Raises:
        InvalidInput: for rows that cannot be read, or a number that is none.
        NotFound: for a dataset, question or row that does not exist.

    """
    wanted = number or whole(form, "number", 1)
    if form.get("data") == "dataset":
        subject = subject_of(form)
        n_pages = samples.n_pages(session, subject)
        at = min(wanted, n_pages) if n_pages else wanted
        return Shown(samples.asked_on_page(session, blobs, subject, at), at, n_pages)
    rows = rows_of(form)
    at = min(wanted, len(rows))
    return Shown(rows[at - 1], at, len(rows))


def rows_of(form: Form) -> tuple[Mapping[str, Any], ...]:
    """The rows in the form; without any, one row without columns."""
    text = form.get("rows", "")
    return read_rows(text, "rows") if text.strip() else ({},)


def columns_of(form: Form, shown: Shown) -> tuple[str, ...] | None:
    """The columns a page may use; None where it has no data to compare with."""
    if shown.asked:
        return samples.columns_of(shown.asked)
    return samples.columns_of(rows_of(form)) if form.get("rows", "").strip() else None


def subject_of(form: Form) -> Subject:
    """The dataset and the question that the form names."""
    kind = form.get("kind", BOXES)
    if kind not in (BOXES, TAGS):
        raise InvalidInput(f"kind: expected boxes or tags, got {kind!r:.40}")
    dataset_id, schema_id = whole(form, "dataset", 0), whole(form, "schema", 0)
    if not dataset_id or not schema_id:
        raise NotFound("choose a dataset and a question, or type rows of your own")
    tasks = whole(form, "tasks", 1)
    return Subject(dataset_id, schema_id, kind, tasks)


def whole(form: Form, name: str, default: int) -> int:
    """A whole number of the form, from 1 up; ``default`` where it is empty."""
    text = form.get(name, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= LARGEST_NUMBER):
        raise InvalidInput(f"{name}: expected a whole number from 1, got {text!r:.40}")
    return int(text)
