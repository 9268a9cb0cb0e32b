"""Model files that a job may name: those of one folder, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from jobs import calls
from jobs.db import transaction
from jobs.errors import InvalidInput
from jobs.records import LabelSchema
from jobs.resources import open_resources
from jobs.settings import Settings
from jobs.tables import Route, Work
from jobs.taggers import load_tagger
from tests.jobs.lifecycle import Bench
from tests.jobs.onnx_models import SEES_NOTHING, constant_model
from tests.jobs.test_taggers import encoded, plain

SCENE = LabelSchema("scene", ("person",), ())


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A folder of models, reached by a link, with a real model inside and one beside it."""
    (tmp_path / "real" / "cats").mkdir(parents=True)
    (tmp_path / "models").symlink_to(tmp_path / "real")
    constant_model(tmp_path / "real/cats/m.onnx", SEES_NOTHING)
    constant_model(tmp_path / "beside.onnx", SEES_NOTHING)
    constant_model(tmp_path / "real-too.onnx", SEES_NOTHING)
    (tmp_path / "real/within.onnx").symlink_to("cats/m.onnx")
    (tmp_path / "real/out.onnx").symlink_to(tmp_path / "beside.onnx")
    (tmp_path / "real/lost.onnx").symlink_to(tmp_path / "not there.onnx")
    (tmp_path / "real/round.onnx").symlink_to("round.onnx")
    return tmp_path / "models"


@pytest.mark.parametrize(
    "named",
    ["cats/m.onnx", "./cats//m.onnx", "within.onnx", "{shelf}/cats/m.onnx", "{real}/cats/m.onnx"],
)
def test_a_model_of_the_folder_is_named_by_its_path_in_it(shelf: Path, named: str) -> None:
    name = named.format(shelf=shelf, real=shelf.resolve())
    options = {"model": name, "classes": ["person"]}
    tagger = load_tagger("onnx_boxes", options, shelf)
    assert tagger.tag(encoded(plain("white")), "boxes", SCENE, ()) == {"boxes": []}


@pytest.mark.parametrize(
    "named",
    [
        "{shelf}/../beside.onnx", "../beside.onnx", "cats/../cats/m.onnx", "{beside}", "out.onnx",
        "lost.onnx", "round.onnx", "cats", "", ".", "/", "/etc/passwd", "/dev/zero", "not there",
        "{shelf}-too.onnx", "{real}-too.onnx", "a\0b", "x" * 5000, "~/m.onnx",
    ],
)  # fmt: skip
def test_no_other_file_is_a_model_and_all_are_refused_in_the_same_words(
    shelf: Path, named: str
) -> None:
    name = named.format(shelf=shelf, real=shelf.resolve(), beside=shelf.parent / "beside.onnx")
    with pytest.raises(InvalidInput) as refused:
        load_tagger("onnx_boxes", {"model": name, "classes": ["person"]}, shelf)
    _, _, words = str(refused.value).partition(": no such model ")
    assert words == (
        "in the server's folder of models. Models belong into HITWORKS_MODELS_DIR, by default the "
        "folder models in the data folder; expected the path of one in it"
    )


def test_without_a_folder_of_models_there_is_none(shelf: Path) -> None:
    for folder in (None, shelf.parent / "nothing here"):
        with pytest.raises(InvalidInput, match="no such model"):
            load_tagger("onnx_boxes", {"model": "cats/m.onnx", "classes": ["person"]}, folder)


def test_the_folder_of_models_lies_in_the_data_folder_unless_set(tmp_path: Path) -> None:
    assert Settings(data_dir=tmp_path).models() == tmp_path / "models"
    assert Settings(models_dir="/srv/models").models() == Path("/srv/models")


def test_a_job_from_before_whose_model_lies_elsewhere_says_where_models_belong(
    bench: Bench, tmp_path: Path
) -> None:
    place = bench.resources
    models = place.settings.models()
    models.mkdir()
    constant_model(models / "m.onnx", SEES_NOTHING)
    options = "{tagger: onnx_boxes, tagger_options: {model: m.onnx, classes: [cat]}}"
    bench.launch(provider="model", kind="boxes", options=options, reward="0", redundancy=1)
    elsewhere = constant_model(tmp_path / "elsewhere.onnx", SEES_NOTHING)
    with transaction(bench.sessions) as session:
        (route,) = session.scalars(select(Route)).all()
        named = {"model": str(elsewhere), "classes": ["cat"]}
        venue = {"tagger": "onnx_boxes", "tagger_options": named}
        route.options = {**route.options, "venue": venue}
    fresh = open_resources(place.settings, place.sessions, place.clock)
    calls.drain(fresh)
    (row,) = bench.ours(Work, task_name="publish_batch")
    assert row.error is not None
    assert "Models belong into HITWORKS_MODELS_DIR" in row.error
    assert row.state != "done"
