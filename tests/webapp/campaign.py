"""A whole campaign in a database: real services, simulated people, photos that come in a wheel."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import accounts
from jobs.combining import consensus, labels
from jobs.intake.datasets import import_dataset
from jobs.planning import planning
from jobs.resources import Resources
from jobs.specs.job_specs import read_job_spec
from jobs.specs.label_schemas import parse_schema, save_schema
from jobs.spending import ledger
from jobs.spending.ledger import Reason
from jobs.tables import (
    Answer,
    Assignment,
    Batch,
    GoldAnswer,
    Hit,
    HitTask,
    Item,
    RawSubmission,
    Route,
    Task,
    Worker,
)
from quality.simulate import answer_tag, draw_boxes, profile, seconds_worked

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"
CLASSES = ("cup", "spoon", "eye", "face", "rocket")
COLOURS = ("red", "brown", "orange", "blue")
SIZE = (600, 400)
# Boxes drawn by looking at the photos, in pixels of 600 x 400: class, left, top, right, bottom.
PHOTOS: dict[str, tuple[str, tuple[tuple[str, int, int, int, int], ...]]] = {
    "coffee.png": ("red", (("cup", 173, 18, 412, 285), ("spoon", 326, 67, 424, 327))),
    "chelsea.png": (
        "brown",
        (("face", 40, 0, 485, 385), ("eye", 180, 113, 277, 193), ("eye", 393, 147, 455, 217)),
    ),
    "astronaut.png": ("orange", (("face", 212, 40, 320, 148), ("rocket", 415, 2, 537, 215))),
    "rocket.jpg": ("blue", (("rocket", 289, 120, 316, 385),)),
}
CROWD = (
    ("A1MAYA", "careful"),
    ("A2IVAN", "average"),
    ("A3LENA", "average"),
    ("A4OMAR", "sloppy"),
    ("A5ZOE", "spam_random"),
)
SCHEMA = f"""
name: desk-and-sky
title: Draw a box around each object, and name the main colour
instructions: |
  Boxes touch the outermost pixels of the object. Draw what you can see, not what you guess.
classes: [{", ".join(CLASSES)}]
attributes:
  - name: colour
    kind: one
    title: "Which colour is most of it?"
    options: [{", ".join(COLOURS)}]
    unsure: cannot tell
"""


@dataclass(frozen=True)
class Shot:
    """One crop of a photo, with what is truly on it."""

    name: str
    data: bytes
    colour: str
    boxes: tuple[tuple[str, float, float, float, float], ...]


@cache
def shots(n_crops: int = 4) -> tuple[Shot, ...]:
    """Every photo, shifted a little for each crop so that no two images are the same bytes."""
    found = []
    folder = Path(skimage.data.__file__).parent
    for name, (colour, boxes) in PHOTOS.items():
        whole = Image.open(folder / name).convert("RGB").resize(SIZE)
        for number in range(n_crops):
            dx, dy = 9 * number, 6 * number
            crop = whole.crop((dx, dy, SIZE[0], SIZE[1]))
            data = io.BytesIO()
            crop.save(data, "JPEG", quality=85)
            moved = tuple(
                (kind, max(x - dx, 0.0), max(y - dy, 0.0), float(right - dx), float(bottom - dy))
                for kind, x, y, right, bottom in boxes
            )
            stem = name.partition(".")[0]
            found.append(Shot(f"{stem}-{number + 1}.jpg", data.getvalue(), colour, moved))
    return tuple(found)


def add_people(session: Session) -> dict[str, int]:
    """One person of each role, all with PASSWORD; ids by role."""
    return {
        role: accounts.create_person(
            session,
            email=f"{role}@example.org",
            name=f"Ada {role.title()}",
            password=PASSWORD,
            role=role,
            now=NOW,
        ).id
        for role in accounts.ROLES
    }


def add_dataset(session: Session, resources: Resources, folder: Path, name: str) -> int:
    """The photos as a dataset; the first shot of each photo is gold."""
    folder.mkdir(parents=True, exist_ok=True)
    for shot in shots():
        (folder / shot.name).write_bytes(shot.data)
    (folder / "broken.jpg").write_bytes(shots()[0].data[:2000])
    report = import_dataset(
        session,
        resources.blobs,
        name=name,
        source=folder,
        format="folder",
        now=NOW,
        licence="CC0-1.0",
        item_source="scikit-image",
    )
    items = session.scalars(select(Item).where(Item.dataset_id == report.dataset_id)).all()
    for item in items:
        shot = _shot(item.name)
        if shot.name.endswith("-1.jpg"):
            for kind, value in (
                ("boxes", _box_value(shot.boxes)),
                ("tags", {"tags": {"colour": shot.colour}}),
            ):
                session.add(GoldAnswer(item_id=item.id, kind=kind, value=value, created_at=NOW))
    session.flush()
    return report.dataset_id


def add_job(
    session: Session,
    resources: Resources,
    *,
    dataset: str,
    name: str = "Desk and sky",
    answered: float = 0.8,
) -> int:
    """A launched job of which ``answered`` HITs have come back, been paid and combined."""
    save_schema(session, parse_schema(SCHEMA, "schema"), NOW)
    job_id = draft_job(session, dataset=dataset, name=name)
    planning.launch(session, job_id, resources.venues, resources.blobs, NOW, "manager@example.org")
    rng = np.random.default_rng(7)
    workers = _workers(session)
    hits = session.scalars(
        select(Hit).join(Batch).where(Batch.job_id == job_id).order_by(Hit.id)
    ).all()
    for number, hit in enumerate(hits):
        _hold(session, job_id, hit, NOW + timedelta(seconds=2 * number))
        if number % 5 < 5 * answered:
            _answer_hit(
                session, job_id, hit, workers, rng, NOW + timedelta(seconds=40 + 9 * number)
            )
    consensus.combine_job(session, job_id, NOW + timedelta(hours=1))
    labels.finish_job(session, job_id, NOW + timedelta(hours=1))
    return job_id


def draft_job(session: Session, *, dataset: str, name: str, environment: str = "local") -> int:
    """A draft with a crowd for boxes and tags."""
    save_schema(session, parse_schema(SCHEMA, "schema"), NOW)
    crowd: dict[str, Any] = {"provider": "mturk", "redundancy": 4, "options": {}}
    document = {
        "name": name,
        "dataset": dataset,
        "schema": "desk-and-sky",
        "environment": environment,
        "budget": "25.00",
        "seed": 3,
        "routes": [
            {**crowd, "kind": "boxes", "reward": "0.06", "tasks_per_hit": 1},
            {**crowd, "kind": "tags", "reward": "0.03", "tasks_per_hit": 4},
        ],
        "slicing": {"gold_rate": 0.2},
        "quality": {"sure_at": 0.9, "box_method": "iou_clusters"},
    }
    return planning.create_job(session, read_job_spec(document, "job"), NOW).id


def _workers(session: Session) -> list[tuple[Worker, str]]:
    found = []
    for key, habits in CROWD:
        row = session.scalar(select(Worker).where(Worker.provider_worker_id == key))
        if row is None:
            row = Worker(provider="mturk", provider_worker_id=key, created_at=NOW)
            session.add(row)
        found.append((row, habits))
    session.flush()
    return found


def _hold(session: Session, job_id: int, hit: Hit, at: datetime) -> None:
    route = session.get_one(Route, session.get_one(Batch, hit.batch_id).route_id)
    hit.state, hit.provider_hit_id, hit.posted_at = "posted", f"H{hit.id}", at
    amount = hit.max_assignments * route.reward_micros * 6 // 5
    reason = Reason("system", route_id=route.id, hit_id=hit.id)
    ledger.hold(session, job_id, amount, key=f"publish:hit:{hit.id}", reason=reason, now=at)


def _answer_hit(
    session: Session,
    job_id: int,
    hit: Hit,
    workers: list[tuple[Worker, str]],
    rng: np.random.Generator,
    at: datetime,
) -> None:
    route = session.get_one(Route, session.get_one(Batch, hit.batch_id).route_id)
    tasks = session.scalars(
        select(Task).join(HitTask).where(HitTask.hit_id == hit.id).order_by(HitTask.position)
    ).all()
    for place in rng.permutation(len(workers))[: hit.max_assignments]:
        worker, habits = workers[int(place)]
        values = [_answer(session, task, habits, rng) for task in tasks]
        n_boxes = sum(len(value.get("boxes", [])) for value in values)
        seconds = seconds_worked(len(tasks), n_boxes, profile(habits), rng)
        assignment = _assignment(session, hit, worker, values, at, seconds)
        for task, value in zip(tasks, values, strict=True):
            session.add(
                Answer(
                    assignment_id=assignment.id,
                    task_id=task.id,
                    worker_id=worker.id,
                    value=value,
                    seconds=seconds / len(tasks),
                    created_at=at,
                )
            )
        assignment.cost_micros, assignment.fee_micros = (
            route.reward_micros,
            route.reward_micros // 5,
        )
        ledger.settle(
            session,
            job_id,
            {"reward": assignment.cost_micros, "fee": assignment.fee_micros},
            key=f"reward:assignment:{assignment.id}",
            reason=Reason(
                "system",
                route_id=route.id,
                hit_id=hit.id,
                assignment_id=assignment.id,
                worker_id=worker.id,
            ),
            now=at,
        )
    hit.state, hit.collected_at = "closed", at


def _answer(session: Session, task: Task, habits: str, rng: np.random.Generator) -> dict[str, Any]:
    shot = _shot(session.get_one(Item, task.item_id).name)
    if task.kind == "tags":
        said = answer_tag(COLOURS.index(shot.colour), len(COLOURS), profile(habits), rng)
        return {"tags": {"colour": COLOURS[said]}}
    item = session.get_one(Item, task.item_id)
    xyxy, names = draw_boxes(
        [box[1:] for box in shot.boxes],
        [CLASSES.index(box[0]) for box in shot.boxes],
        (item.width, item.height),
        len(CLASSES),
        profile(habits),
        rng,
    )
    drawn = [(CLASSES[int(n)], *map(float, box)) for n, box in zip(names, xyxy, strict=True)]
    return _box_value(tuple(drawn))


def _assignment(
    session: Session,
    hit: Hit,
    worker: Worker,
    values: list[dict[str, Any]],
    at: datetime,
    seconds: float,
) -> Assignment:
    raw = json.dumps(values)
    submission = RawSubmission(
        hit_id=hit.id,
        provider=worker.provider,
        provider_assignment_id=f"S{hit.id}-{worker.id}",
        provider_worker_id=worker.provider_worker_id,
        raw=raw,
        sha256=hashlib.sha256(raw.encode()).hexdigest(),
        accepted_at=at - timedelta(seconds=seconds),
        submitted_at=at,
        received_at=at,
    )
    session.add(submission)
    session.flush()
    assignment = Assignment(
        raw_submission_id=submission.id,
        hit_id=hit.id,
        worker_id=worker.id,
        state="Approved",
        parse_state="parsed",
        decision="approve",
        decided_by="system",
        decided_at=at,
        work_seconds=seconds,
    )
    session.add(assignment)
    session.flush()
    return assignment


def _box_value(boxes: tuple[tuple[str, float, float, float, float], ...]) -> dict[str, Any]:
    sides = ("left", "top", "right", "bottom")
    return {
        "boxes": [
            {
                "label": box[0],
                **{side: round(float(x), 2) for side, x in zip(sides, box[1:], strict=True)},
            }
            for box in boxes
        ]
    }


def _shot(name: str) -> Shot:
    return next(shot for shot in shots() if shot.name == Path(name).name)
