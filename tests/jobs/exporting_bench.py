"""A small installation whose jobs have labels, and the export of them, on either database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from jobs import calls, work
from jobs.db import reading, transaction
from jobs.exporting import exports
from jobs.exporting.choices import Filters
from jobs.exporting.files import exports_folder
from jobs.reports.exports import ExportRow, export_row
from jobs.resources import Resources
from jobs.tables import Export, Item, Job, Label, Work
from jobs.work import Lease
from tests.factories import NOW, box, make_dataset, make_job, settle
from tests.jobs.lifecycle import Dial

BOXES = {"boxes": [box(1, 2, 30, 40), box(5.25, 6, 7, 8.5, "dog")]}
RED = {"tags": {"colour": "red"}}


def add_label(session, job, item, kind="boxes", value=BOXES, version=1, **more) -> Label:
    """A settled label; its question is settled too."""
    row = Label(
        job_id=job.id,
        item_id=item.id,
        kind=kind,
        version=version,
        value=value,
        confidence=more.pop("confidence", 0.9),
        origin=more.pop("origin", "consensus"),
        provenance=more.pop("provenance", {}),
        actor="system",
        created_at=NOW,
    )
    session.add(row)
    settle(session, job, item, kind)
    return row


@dataclass
class Exporting:
    """Exports of one installation, made as the background makes them."""

    resources: Resources
    dial: Dial

    def job(self, n_items: int = 3, name: str = "label pets") -> int:
        """A job whose every item has a label of both kinds."""
        with transaction(self.resources.sessions) as session:
            items = make_dataset(session, n_items, f"photos of {name}")
            made = make_job(session, items, name=name)
            for item in reversed(items):
                add_label(session, made, item, "tags", RED)
                add_label(session, made, item)
            return made.id

    def change(self, job_id: int, item: str, kind: str, value: Any, version: int, **more) -> None:
        """A later version of one label."""
        with transaction(self.resources.sessions) as session:
            job = session.get_one(Job, job_id)
            found = self.item(session, job, item)
            add_label(session, job, found, kind, value, version, **more)

    def item(self, session, job, name: str) -> Item:
        here = (Item.name == name, Item.dataset_id == job.dataset_id)
        return session.scalars(select(Item).where(*here)).one()

    def plan(self, job_id: int, form: str, wanted=None, name: str = "", **filters) -> int:
        with transaction(self.resources.sessions) as session:
            return exports.plan_export(
                session, job_id, form, Filters(**filters), wanted or {},
                name=name, actor="ada", now=self.dial(),
            ).id  # fmt: skip

    def count(self, job_id: int, form: str, **filters) -> tuple[int, int]:
        with reading(self.resources.sessions) as session:
            found = exports.count_export(session, job_id, form, Filters(**filters), {})
        return found.n_labels, found.n_final

    def again(self, job_id: int, export_id: int) -> None:
        with transaction(self.resources.sessions) as session:
            exports.make_again(session, job_id, export_id, self.dial())

    def work_id(self, export_id: int) -> int:
        with reading(self.resources.sessions) as session:
            key = f"{exports.TASK}:{export_id}"
            return session.scalars(select(Work.id).where(Work.key == key)).one()

    def run(self, export_id: int, owner: str = "here", watch=lambda *_: None) -> bool:
        @contextmanager
        def watched(lease: Lease) -> Iterator[None]:
            lease.watch = watch
            yield

        return calls.run(self.resources, self.work_id(export_id), owner, watched)

    def sweep(self) -> None:
        with transaction(self.resources.sessions) as session:
            work.sweep(session, "sweeper", self.dial(), 10)

    def row(self, export_id: int) -> ExportRow:
        with reading(self.resources.sessions) as session:
            return export_row(session, session.get_one(Export, export_id).job_id, export_id)

    @property
    def folder(self) -> Path:
        return exports_folder(self.resources.settings)

    def data(self, export_id: int) -> bytes:
        return (self.folder / self.row(export_id).file_name).read_bytes()

    def export(self, job_id: int, form: str, wanted=None, **filters) -> tuple[ExportRow, bytes]:
        """The row and the bytes of a finished export."""
        export_id = self.plan(job_id, form, wanted, **filters)
        self.run(export_id)
        row = self.row(export_id)
        assert row.state == "done", row.problem
        return row, self.data(export_id)


def lines(data: bytes) -> list[dict[str, Any]]:
    """The records of a JSON lines file."""
    return [json.loads(line) for line in data.splitlines()]
