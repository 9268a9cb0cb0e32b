"""What a job will likely cost, yield and take: its own routes, rehearsed by simulated workers.

Each run has a marketplace and a database of its own in a folder that is thrown away; the
real database is only read, the real venues are never called, and no money exists.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.errors import InvalidInput, NotFound
from jobs.pages import hit_page
from jobs.planning.planning import find_schema
from jobs.records import LabelSchema
from jobs.rehearsals.robots import Ground
from jobs.rehearsals.run import Cast, RunResult, rehearse
from jobs.rehearsals.scenes import Scene
from jobs.specs import saved_templates
from jobs.specs.job_specs import JobSpec, RouteSpec
from jobs.specs.label_schemas import load_schema
from jobs.tables import Dataset, GoldAnswer, Item
from quality.prediction import Interval, prediction_interval
from quality.simulate import PROFILES, WorkerProfile, profile

LEVEL = 0.9
MOST_ITEMS = 1000
MOST_WORKERS = 200
MOST_RUNS = 50

OpenMarketplace = Callable[[Path, Callable[[], datetime]], AbstractContextManager[Ground]]
"""Starts a marketplace of its own in a folder, on the clock given, and ends it with the block."""


@dataclass(frozen=True)
class Subject:
    """All of a job that a rehearsal needs, read once from the real database."""

    spec: JobSpec
    schema: LabelSchema
    scenes: tuple[Scene, ...]
    blob_keys: dict[int, str]


@dataclass(frozen=True)
class Wanted:
    """How to rehearse: who works, on how many items (0: all), how often, from which seed."""

    cast: Cast
    n_items: int = 20
    n_runs: int = 5
    seed: int = 0


@dataclass(frozen=True)
class Measure:
    """One number of the forecast with its interval; ``unit`` is usd, seconds, share or count."""

    name: str
    unit: str
    likely: float
    low: float
    high: float


@dataclass(frozen=True)
class Forecast:
    """The whole dataset's numbers, from ``n_runs`` rehearsals of ``n_rehearsed`` items each."""

    job: str
    n_items: int
    n_rehearsed: int
    n_runs: int
    n_people: int
    measures: tuple[Measure, ...]
    budget_micros: int
    notes: tuple[str, ...]
    runs: tuple[RunResult, ...]


def parse_people(text: str, name: str) -> tuple[WorkerProfile, ...]:
    """The workers that ``careful:2,average:4`` describes, in that order.

    Raises:
        InvalidInput: for an unknown skill, or a number that is none.

    """
    people: list[WorkerProfile] = []
    for part in text.split(","):
        skill, _, number = part.strip().partition(":")
        if skill not in PROFILES or not (number or "1").isascii() or not (number or "1").isdigit():
            raise InvalidInput(
                f"{name}: expected such as careful:2,average:4 with the skills "
                f"{', '.join(PROFILES)}, got {part!r:.60}"
            )
        people += [profile(skill)] * min(int(number or "1"), MOST_WORKERS + 1)
    if not 1 <= len(people) <= MOST_WORKERS:
        raise InvalidInput(f"{name}: expected 1 to {MOST_WORKERS} workers, got {len(people)}")
    return tuple(people)


def read_subject(session: Session, spec: JobSpec) -> Subject:
    """The job's dataset, question and known answers. Changes nothing.

    Raises:
        NotFound: for a dataset or schema that does not exist.
        InvalidInput: for a dataset without items, or a template that does not exist.

    """
    dataset = session.scalar(select(Dataset).where(Dataset.name == spec.dataset))
    if dataset is None:
        raise NotFound(f"dataset {spec.dataset!r}: no such dataset")
    schema = load_schema(find_schema(session, spec.schema_name))
    items = list(session.scalars(select(Item).where(Item.dataset_id == dataset.id)))
    if not items:
        raise InvalidInput(f"dataset {spec.dataset!r}: expected at least one item, it has none")
    known: dict[int, dict[str, dict[str, object]]] = {}
    found = select(GoldAnswer).join(Item, Item.id == GoldAnswer.item_id)
    for gold in session.scalars(found.where(Item.dataset_id == dataset.id)):
        known.setdefault(gold.item_id, {})[gold.kind] = gold.value
    scenes = tuple(Scene(one.id, one.width, one.height, known.get(one.id, {})) for one in items)
    saved_templates.check_routes(session, spec.routes, schema)
    plain = spec.model_copy(update={"routes": tuple(map(_on_our_page, spec.routes))})
    return Subject(plain, schema, scenes, {one.id: one.blob_key for one in items})


def _on_our_page(route: RouteSpec) -> RouteSpec:
    """The route with the product's own page: robots cannot read what a requester wrote."""
    if route.hit.template in hit_page.template_names():
        return route
    hit = route.hit.model_copy(update={"template": ""})
    return route.model_copy(update={"hit": hit})


def forecast(
    subject: Subject,
    wanted: Wanted,
    open_marketplace: OpenMarketplace,
    read_blob: Callable[[str], bytes],
    folder: Path,
    now: datetime,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Forecast:
    """Rehearse ``n_runs`` times in ``folder`` and say what to expect of the whole dataset.

    The same arguments give the same numbers.

    Raises:
        InvalidInput: for a number of items or runs out of bounds, or a page too large to post.

    """
    n_items = min(wanted.n_items or len(subject.scenes), len(subject.scenes))
    if not 1 <= n_items <= MOST_ITEMS or not 1 <= wanted.n_runs <= MOST_RUNS:
        raise InvalidInput(
            f"rehearsal: expected 1 to {MOST_ITEMS} items and 1 to {MOST_RUNS} runs, "
            f"got {n_items} and {wanted.n_runs}"
        )
    runs = []
    for number in range(wanted.n_runs):
        progress(number, wanted.n_runs)
        rng = np.random.default_rng([wanted.seed, number])
        place = folder / f"run-{number}"
        place.mkdir(parents=True)
        scenes = _chosen(subject.scenes, n_items, rng)
        runs.append(
            rehearse(
                subject.spec, subject.schema, scenes, subject.blob_keys, wanted.cast,
                open_marketplace, read_blob, place, now, rng,
            )
        )  # fmt: skip
    progress(wanted.n_runs, wanted.n_runs)
    scale = len(subject.scenes) / n_items
    return Forecast(
        job=subject.spec.name,
        n_items=len(subject.scenes),
        n_rehearsed=n_items,
        n_runs=wanted.n_runs,
        n_people=len(wanted.cast.workers) + (len(wanted.cast.staff) if _has_staff(subject) else 0),
        measures=_measures(runs, scale),
        budget_micros=subject.spec.budget,
        notes=_notes(subject, runs),
        runs=tuple(runs),
    )


def _has_staff(subject: Subject) -> bool:
    return any(route.provider == "inhouse" for route in subject.spec.routes)


def _chosen(scenes: Sequence[Scene], n: int, rng: np.random.Generator) -> tuple[Scene, ...]:
    """``n`` items, with known answers among them in the share they have in the dataset."""
    known = [one for one in scenes if one.known]
    other = [one for one in scenes if not one.known]
    n_known = min(len(known), math.ceil(n * len(known) / len(scenes)))
    n_known = max(n_known, n - len(other))
    picked = [known[k] for k in rng.permutation(len(known))[:n_known]]
    picked += [other[k] for k in rng.permutation(len(other))[: n - n_known]]
    return tuple(sorted(picked, key=lambda one: one.item_id))


def _measures(runs: Sequence[RunResult], scale: float) -> tuple[Measure, ...]:
    found = [
        _measure("cost", "usd", [run.cost_micros / 1e6 * scale for run in runs]),
        _measure("of it fees", "usd", [run.fee_micros / 1e6 * scale for run in runs]),
        _measure("judgments an item", "count", [run.judgments_per_item for run in runs]),
        _measure("time from launch to last answer", "seconds", [r.elapsed * scale for r in runs]),
        _measure("time worked, all people", "seconds", [r.work_seconds * scale for r in runs]),
        _measure("labels without a person's decision", "share", [r.labelled for r in runs]),
    ]
    agreed = [run.agreement for run in runs if run.agreement is not None]
    if agreed:
        found.append(_measure("agreement", "share", agreed))
    names = {"boxes": "F1 of boxes at IoU 0.5", "tags": "accuracy of tags"}
    for kind, name in names.items():
        values = [run.accuracy[kind] for run in runs if kind in run.accuracy]
        if values:
            found.append(_measure(name, "share", values))
    return tuple(found)


def _measure(name: str, unit: str, values: Sequence[float]) -> Measure:
    most = 1.0 if unit == "share" else math.inf
    found: Interval = prediction_interval(values, LEVEL, least=0.0, most=most)
    return Measure(name, unit, found.likely, found.low, found.high)


def _notes(subject: Subject, runs: Sequence[RunResult]) -> tuple[str, ...]:
    notes = []
    n_known = sum(1 for one in subject.scenes if one.known)
    notes.append(
        f"{n_known} of {len(subject.scenes)} items have known answers; the others were given "
        + ("scenes like theirs" if n_known else "scenes of usual objects and tags")
    )
    if any(route.hit.qualification_requirements for route in subject.spec.routes):
        notes.append("qualification requirements were left out, and so was a fee for Masters")
    if any(route.provider == "model" for route in subject.spec.routes):
        notes.append("models were simulated at the skill stated for them, not run")
    if n_open := sum(run.n_open_hits for run in runs):
        notes.append(
            f"{n_open} HITs stayed open for want of people: nobody may answer a HIT twice, "
            "and some run out of time"
        )
    if n_late := sum(run.n_late for run in runs):
        notes.append(f"{n_late} answers came after the HIT's time: allow more of it")
    return tuple(notes)
