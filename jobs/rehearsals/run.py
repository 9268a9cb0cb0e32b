"""One rehearsal of a job: an installation of its own, a crowd in simulated time, its numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from jobs import calls, db, providers
from jobs.blobs import Blobs, open_blobs
from jobs.installation import migrating
from jobs.marketplace_accounts import add_worker
from jobs.money import MICROS_PER_DOLLAR, parse_usd
from jobs.planning import planning
from jobs.providers.model import Model
from jobs.providers.model import Options as ModelOptions
from jobs.records import BOXES, Box, Environment, LabelSchema
from jobs.rehearsals.answers import Truth, picture_name
from jobs.rehearsals.model import PictureNames, SimulatedTagger
from jobs.rehearsals.robots import Ground, Robot
from jobs.rehearsals.scenes import Scene, truths
from jobs.rehearsals.shift import Dial, Shift, work_shift
from jobs.reports import JobReport, job_report
from jobs.resources import Resources
from jobs.settings import Settings
from jobs.specs.hit_specs import image_ref
from jobs.specs.job_specs import JobSpec, RouteSpec
from jobs.specs.label_schemas import save_schema
from jobs.tables import Dataset, GoldAnswer, Hit, Item, Task
from quality.simulate import WorkerProfile

BUDGET_MICROS = 9_000 * MICROS_PER_DOLLAR  # below what a new account at the marketplace has
POLL_SECONDS = 10.0
PASSWORD = "robots need no secret"  # noqa: S105 - of accounts that end with the run
STAFF_WORD = "rehearsalofstaff"  # in the keywords of staff's HITs, by which their robots search


@dataclass(frozen=True)
class Cast:
    """Who works: the crowd, the staff, and the skill that models are given."""

    workers: tuple[WorkerProfile, ...]
    staff: tuple[WorkerProfile, ...]
    model: WorkerProfile


@dataclass(frozen=True)
class RunResult:
    """What one rehearsal came to. ``accuracy`` is by question kind, against what was shown."""

    n_items: int
    cost_micros: int
    fee_micros: int
    judgments_per_item: float
    agreement: float | None
    labelled: float
    accuracy: Mapping[str, float]
    elapsed: float
    work_seconds: float
    n_submitted: int
    n_late: int
    n_open_hits: int


@dataclass(frozen=True)
class _RehearsalBlobs:
    """Reads the real pictures, writes cut tiles into the run's own folder, serves none."""

    own: Blobs
    read_real: Callable[[str], bytes]
    real_keys: frozenset[str]

    def put(self, data: bytes, media_type: str) -> str:
        return self.own.put(data, media_type)

    def read(self, key: str) -> bytes:
        return self.read_real(key) if key in self.real_keys else self.own.read(key)

    def url(self, key: str) -> str:
        return self.own.url(key)

    def verify(self, signature: str, key: str) -> bool:
        return self.own.verify(signature, key)

    def thumbnail(self, key: str, width: int) -> bytes:
        return self.own.thumbnail(key, width)

    def fetch(self, uri: str) -> bytes:
        return self.own.fetch(uri)


def rehearse(
    spec: JobSpec,
    schema: LabelSchema,
    scenes: Sequence[Scene],
    blob_keys: Mapping[int, str],
    cast: Cast,
    open_marketplace: Callable[[Path, Callable[[], datetime]], AbstractContextManager[Ground]],
    read_blob: Callable[[str], bytes],
    folder: Path,
    now: datetime,
    rng: np.random.Generator,
) -> RunResult:
    """Launch the job's copy in ``folder``, let the cast work it off, and sum up."""
    shown = truths(scenes, schema, rng)
    dial = Dial(now)
    with open_marketplace(folder, dial) as ground:
        settings = Settings(
            data_dir=folder, database_url="", blob_url="", redis_url="", public_url="",
            mturk_local_url=ground.url, poll_seconds=POLL_SECONDS,
        )  # fmt: skip
        engine = db.open_engine(settings.database())
        try:
            run = _Run(spec, schema, shown, cast, settings, engine, dial, rng)
            blobs = _RehearsalBlobs(open_blobs(settings), read_blob, frozenset(blob_keys.values()))
            return run.result(ground, blobs, scenes, blob_keys)
        finally:
            engine.dispose()


class _Run:
    """The rows and the people of one rehearsal."""

    def __init__(
        self, spec: JobSpec, schema: LabelSchema, shown: Mapping[int, Truth], cast: Cast,
        settings: Settings, engine: Engine, dial: Dial, rng: np.random.Generator,
    ) -> None:  # fmt: skip
        self.spec, self.schema, self.shown, self.cast = spec, schema, shown, cast
        self.settings, self.engine, self.dial, self.rng = settings, engine, dial, rng
        self.by_picture: dict[str, Truth] = {}

    def result(
        self, ground: Ground, blobs: Blobs, scenes: Sequence[Scene], keys: Mapping[int, str]
    ) -> RunResult:
        migrating.upgrade(self.engine, self.dial())
        sessions = db.open_sessions(self.engine)
        resources = Resources(self.settings, sessions, blobs, self._venues(blobs), self.dial)
        with db.transaction(sessions) as session:
            items = self._copy(session, scenes, keys)
            job_id = planning.create_job(session, _as_rehearsed(self.spec), self.dial()).id
        with db.transaction(sessions) as session:
            planning.launch(session, job_id, resources.venues, blobs, self.dial(), "rehearsal")
        started = self.dial()
        self._catch_up(resources)
        robots = self._robots(ground)
        shift = work_shift(
            ground.url, robots, self.by_picture, self.dial, lambda: self._catch_up(resources)
        )
        self._catch_up(resources)
        with db.transaction(sessions) as session:
            self._tell_truths(session, items)
            report = job_report(session, job_id)
            n_open = session.scalar(select(func.count()).where(Hit.state == "posted")) or 0
        return _summed(report, shift, (shift.ended_at - started).total_seconds(), n_open)

    def _copy(
        self, session: Session, scenes: Sequence[Scene], keys: Mapping[int, str]
    ) -> dict[int, int]:
        """The items and golds as rows of the run's database; the real id of each new one."""
        dataset = Dataset(name=self.spec.dataset, created_at=self.dial())
        session.add(dataset)
        session.flush()
        save_schema(session, self.schema, self.dial())
        made = {}
        for scene in scenes:
            key = keys[scene.item_id]
            row = Item(
                dataset_id=dataset.id, sha256=picture_name(key).partition(".")[0], name=key,
                blob_key=key, media_type="image/jpeg", width=scene.width, height=scene.height,
                licence="", source="", attributes={}, created_at=self.dial(),
            )  # fmt: skip
            session.add(row)
            session.flush()
            made[row.id] = scene.item_id
            self.by_picture[picture_name(key)] = self.shown[scene.item_id]
            session.add_all(
                GoldAnswer(item_id=row.id, kind=kind, value=dict(value), created_at=self.dial())
                for kind, value in scene.known.items()
            )
        return made

    def _venues(self, blobs: Blobs) -> Callable[[str, Environment, dict[str, Any]], Any]:
        tagger = SimulatedTagger(self.by_picture, self.cast.model, self.rng)
        names = PictureNames(blobs)
        known: dict[str, Any] = {}

        def venue(name: str, environment: Environment, options: dict[str, Any]) -> Any:
            key = repr((name, sorted(options.items())))
            if key not in known and name == "model":
                wanted = ModelOptions.model_validate(options)
                micros = parse_usd(wanted.cost_per_item, name="model: cost_per_item")
                known[key] = Model(wanted.tagger, tagger, micros, environment, names, self.dial)
            elif key not in known:
                known[key] = providers.connect(
                    name, environment, options, settings=self.settings, blobs=blobs, now=self.dial
                )
            return known[key]

        return venue

    def _robots(self, ground: Ground) -> list[Robot]:
        crowd = [(f"crowd-{n}", one, False, "") for n, one in enumerate(self.cast.workers, 1)]
        staff = [(f"staff-{n}", one, True, STAFF_WORD) for n, one in enumerate(self.cast.staff, 1)]
        if not any(route.provider == "inhouse" for route in self.spec.routes):
            staff = []
        seeds = self.rng.integers(2**31, size=len(crowd) + len(staff))
        robots = []
        for (name, habits, is_staff, search), seed in zip([*crowd, *staff], seeds, strict=True):
            add_worker(ground.url, ground.admin_token, name, PASSWORD, is_staff=is_staff)
            robots.append(
                Robot(name, PASSWORD, habits, int(seed), is_staff, hurry=1.0, search=search)
            )
        return robots

    def _catch_up(self, resources: Resources) -> None:
        """A poll later, the product has done all that is due."""
        self._know_tiles(resources)
        self.dial.turn(POLL_SECONDS)
        calls.drain(resources, "rehearsal")
        self._know_tiles(resources)

    def _know_tiles(self, resources: Resources) -> None:
        if not self.spec.slicing.tile:
            return
        with db.reading(resources.sessions) as session:
            rows = session.execute(
                select(Task, Item).join(Item, Item.id == Task.item_id).where(Task.tile.is_not(None))
            )
            for task, item in rows:
                if task.tile is None:
                    continue
                left, top, right, bottom = task.tile
                image = image_ref(resources.blobs, item, (left, top, right, bottom))
                name = picture_name(image.blob_key)
                if name not in self.by_picture:
                    whole = self.by_picture[picture_name(item.blob_key)]
                    self.by_picture[name] = _cut(whole, (left, top, right, bottom))

    def _tell_truths(self, session: Session, items: Mapping[int, int]) -> None:
        """Known answers for every item, now that the work is done: to score the labels."""
        kinds = {route.kind for route in self.spec.routes}
        for item_id, real_id in items.items():
            truth = self.shown[real_id]
            values: dict[str, dict[str, Any]] = {"tags": {"tags": dict(truth.tags)}}
            values[BOXES] = {"boxes": [_corners(box) for box in truth.boxes]}
            for kind in kinds:
                values_of = {"item_id": item_id, "kind": kind, "value": values[kind]}
                db.insert_new(session, GoldAnswer, {**values_of, "created_at": self.dial()})


def _as_rehearsed(spec: JobSpec) -> JobSpec:
    """The job on the rehearsal's own marketplace, with money enough and nobody kept out."""
    return spec.model_copy(
        update={
            "environment": "local",
            "budget": BUDGET_MICROS,
            "schema_name": spec.schema_name.partition("@")[0],
            "routes": tuple(_open_to_all(route) for route in spec.routes),
        }
    )


def _open_to_all(route: RouteSpec) -> RouteSpec:
    words = route.hit.keywords
    if route.provider == "inhouse":
        words = f"{words[:900]}, {STAFF_WORD}"
    hit = route.hit.model_copy(update={"qualification_requirements": (), "keywords": words})
    return route.model_copy(update={"hit": hit})


def _cut(truth: Truth, tile: tuple[int, int, int, int]) -> Truth:
    """What a tile of the picture shows: objects of which at least half lie inside."""
    left, top, right, bottom = tile
    kept = []
    for box, hardness in zip(truth.boxes, truth.hardness or [0.0] * len(truth.boxes), strict=True):
        inside = Box(
            box.label,
            max(box.left, left) - left,
            max(box.top, top) - top,
            min(box.right, right) - left,
            min(box.bottom, bottom) - top,
        )
        area = max(0.0, inside.right - inside.left) * max(0.0, inside.bottom - inside.top)
        if inside.right > inside.left and 2 * area >= (box.right - box.left) * (
            box.bottom - box.top
        ):
            kept.append((inside, hardness))
    boxes, hard = tuple(box for box, _ in kept), tuple(value for _, value in kept)
    return Truth(right - left, bottom - top, boxes, truth.tags, hard)


def _corners(box: Box) -> dict[str, Any]:
    return {
        "label": box.label,
        "left": box.left,
        "top": box.top,
        "right": box.right,
        "bottom": box.bottom,
    }


def _summed(report: JobReport, shift: Shift, elapsed: float, n_open: int) -> RunResult:
    summary = report.summary
    settled = report.consensus_by_state.get("sure", 0)
    return RunResult(
        n_items=summary.n_items,
        cost_micros=summary.spent_micros,
        fee_micros=sum(route.fee_micros for route in report.routes),
        judgments_per_item=summary.n_answers / summary.n_items,
        agreement=summary.agreement,
        labelled=settled / summary.n_questions if summary.n_questions else 0.0,
        accuracy={one.kind: one.value for one in report.gold if not one.name},
        elapsed=elapsed,
        work_seconds=shift.work_seconds,
        n_submitted=shift.n_submitted,
        n_late=shift.n_late,
        n_open_hits=n_open,
    )
