"""Rehearsals of whole jobs on throwaway marketplaces: what they cost, yield and take."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from jobs.errors import InvalidInput
from jobs.rehearsals.forecast import Forecast, Subject, Wanted, forecast, parse_people
from jobs.rehearsals.robots import Ground
from jobs.rehearsals.run import Cast
from jobs.rehearsals.scenes import Scene
from jobs.settings import Settings
from jobs.specs.job_specs import parse_job_spec
from jobs.specs.label_schemas import parse_schema
from quality.simulate import WorkerProfile, profile
from tests.factories import NOW, SCHEMA
from tests.jobs.pictures import picture
from webapp.cli import hitworks
from webapp.marketplace.serving import serve

EXACT = WorkerProfile(
    "exact", 1 - 1e-9, 0.0, (0.0, 0.0, 0.0, 0.0), 0.0, 0.0, tag_accuracy=1.0, wrongly_empty=0.0
)
JOB = """
name: pets
dataset: photos
schema: pets
budget: 5.00
routes:
{routes}
slicing: {{gold_rate: 0, tile: {tile}, overlap: 0}}
quality: {{sure_at: 0.5, max_extra_answers: {extra}}}
"""
BOXES = "  - {provider: mturk, kind: boxes, redundancy: 3, reward: 0.05}"
TAGS = "  - {provider: mturk, kind: tags, redundancy: 3, reward: 0.02, tasks_per_hit: 2}"
KNOWN = {
    "boxes": {"boxes": [{"label": "cat", "left": 20, "top": 30, "right": 120, "bottom": 150}]},
    "tags": {"tags": {"colour": "green"}},
}


@contextmanager
def market(folder: Path, clock: Callable[[], datetime]) -> Iterator[Ground]:
    with serve(
        database_url=f"sqlite:///{folder / 'market.sqlite'}",
        secret_file=folder / "secrets.json",
        clock=clock,
    ) as running:
        yield Ground(running.url, running.content_url, running.market.secrets.admin_token)


def subject(*routes: str, n_items: int = 4, n_known: int = 4, tile: int = 0) -> Subject:
    spec = parse_job_spec(JOB.format(routes="\n".join(routes), tile=tile, extra=2), "job")
    digests = {n: hashlib.sha256(str(n).encode()).hexdigest() for n in range(1, n_items + 1)}
    return Subject(
        spec,
        parse_schema(SCHEMA, "schema"),
        tuple(Scene(n, 400, 300, KNOWN if n <= n_known else {}) for n in digests),
        {n: f"{text[:2]}/{text}.jpg" for n, text in digests.items()},
    )


def cast(*people: WorkerProfile, model: WorkerProfile = EXACT) -> Cast:
    return Cast(people, (EXACT,), model)


def run(what: Subject, wanted: Wanted, folder: Path) -> Forecast:
    noise = np.random.default_rng(0).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).save(stream, "PNG")
    data = stream.getvalue()
    return forecast(what, wanted, market, lambda _key: data, folder, NOW)


def measures(found: Forecast) -> dict[str, Any]:
    return {one.name: one for one in found.measures}


def test_exact_workers_cost_what_the_job_pays_and_label_everything(tmp_path: Path) -> None:
    found = run(subject(BOXES, TAGS), Wanted(cast(EXACT, EXACT, EXACT), n_runs=2), tmp_path)
    seen = measures(found)
    # 4 HITs of boxes at 5 + 1 cents and 2 of tags at 2 + 1 cents, three people each.
    assert seen["cost"].likely == pytest.approx(3 * (4 * 0.06 + 2 * 0.03))
    assert seen["cost"].low == pytest.approx(seen["cost"].high)
    assert seen["of it fees"].likely == pytest.approx(0.18)
    assert seen["judgments an item"].likely == 6
    assert seen["agreement"].likely == 1
    assert seen["F1 of boxes at IoU 0.5"].likely == 1
    assert seen["accuracy of tags"].likely == 1
    assert seen["labels without a person's decision"].likely == 1
    assert [run.n_open_hits for run in found.runs] == [0, 0]


def test_two_people_are_quicker_than_one_and_the_same_seed_gives_the_same(tmp_path: Path) -> None:
    route = BOXES.replace("redundancy: 3", "redundancy: 1")
    what = subject(route, n_items=6)
    one, two, again = (
        run(what, Wanted(cast(*people), 0, 2, 5), tmp_path / name)
        for name, people in (("1", [EXACT]), ("2", [EXACT] * 2), ("3", [EXACT] * 2))
    )
    time = "time from launch to last answer"
    assert measures(two)[time].likely < measures(one)[time].likely
    assert two == again
    assert one.n_people == 1


def test_sloppy_workers_are_predicted_to_yield_less(tmp_path: Path) -> None:
    what = subject(BOXES, n_items=8, n_known=2)
    good = run(what, Wanted(cast(*[profile("careful")] * 3), 0, 2), tmp_path / "a")
    bad = run(what, Wanted(cast(*[profile("sloppy")] * 3), 0, 2), tmp_path / "b")
    assert measures(good)["agreement"].likely > measures(bad)["agreement"].likely
    name = "F1 of boxes at IoU 0.5"
    assert measures(good)[name].likely >= measures(bad)[name].likely
    assert "2 of 8 items have known answers" in good.notes[0]


def test_a_job_that_lacks_people_says_so(tmp_path: Path) -> None:
    found = run(subject(TAGS), Wanted(cast(EXACT, EXACT), 2, 2), tmp_path)
    assert any("stayed open for want of people" in note for note in found.notes)


def test_staff_and_models_are_rehearsed_beside_the_crowd(tmp_path: Path) -> None:
    model = (
        "  - {provider: model, kind: tags, options: {tagger: imagenet, cost_per_item: '0.01', "
        "tagger_options: {attributes: {colour: {groups: {red: ['0-9']}}}}}}"
    )
    staff = "  - {provider: inhouse, kind: boxes, options: {wage: '36.00'}}"
    found = run(subject(model, staff, n_items=3), Wanted(cast(EXACT), 0, 2), tmp_path)
    for result in found.runs:
        wage = result.cost_micros - 3 * 10_000
        assert wage == pytest.approx(result.work_seconds * 10_000, abs=50)
        assert result.accuracy == {"boxes": 1.0, "tags": 1.0}
    assert any("models were simulated" in note for note in found.notes)


def test_tiles_show_their_part_of_the_scene(tmp_path: Path) -> None:
    what = subject(BOXES.replace("redundancy: 3", "redundancy: 1"), n_items=1, tile=200)
    found = run(what, Wanted(cast(EXACT), 0, 2), tmp_path)
    assert measures(found)["judgments an item"].likely == 4
    assert measures(found)["F1 of boxes at IoU 0.5"].likely == 1


def test_some_items_stand_for_all(tmp_path: Path) -> None:
    what = subject(TAGS, n_items=8, n_known=2)
    found = run(what, Wanted(cast(EXACT, EXACT, EXACT), 4, 2), tmp_path)
    assert (found.n_items, found.n_rehearsed) == (8, 4)
    assert measures(found)["cost"].likely == pytest.approx(3 * 4 * 0.03)


@pytest.mark.parametrize("text", ["", "clever:2", "careful:-1", "careful:0", "careful:1000"])
def test_a_crowd_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"expected"):
        parse_people(text, "workers")


def test_a_crowd_is_read_in_order() -> None:
    names = [one.name for one in parse_people("careful:2, sloppy", "workers")]
    assert names == ["careful", "careful", "sloppy"]


def test_the_number_of_runs_is_bounded(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="runs"):
        run(subject(TAGS), replace(Wanted(cast(EXACT)), n_runs=0), tmp_path)


def test_the_command_changes_nothing_in_the_real_database(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(3):
        (photos / f"{number}.png").write_bytes(picture(60 + number, 50))
    (tmp_path / "schema.yaml").write_text(SCHEMA, encoding="utf-8")
    job = tmp_path / "job.yaml"
    job.write_text(JOB.format(routes=TAGS, tile=0, extra=0), encoding="utf-8")

    def hit(*arguments: str) -> str:
        result = CliRunner().invoke(hitworks, arguments, obj=settings, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    hit("dataset", "import", str(photos), "--name", "photos", "--format", "folder")
    hit("schema", "save", str(tmp_path / "schema.yaml"))
    draft = json.loads(hit("job", "create", str(job), "--json"))["id"]
    database = settings.data_dir / "hitworks.sqlite"
    before = database.read_bytes()
    shown = hit("batch", "rehearse", str(draft), "--runs", "2", "--workers", "careful:3")
    assert "F1" not in shown
    assert "judgments an item" in shown
    told = json.loads(
        hit("batch", "rehearse", str(job), "--runs", "2", "--workers", "careful:3", "--json")
    )
    assert (told["n_items"], told["n_people"]) == (3, 3)
    assert database.read_bytes() == before
    assert not (settings.data_dir / "marketplace.sqlite").exists()
