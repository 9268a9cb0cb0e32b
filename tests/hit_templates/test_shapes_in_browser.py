"""Templates of the shapes people use, unmodified, in the marketplace's frame in a real browser."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from jobs.authoring.lint import lint
from jobs.authoring.trial import try_pages
from jobs.authoring.trial_result import Trial
from jobs.pages.field_template import fill, read_template
from jobs.rehearsals.robots import Ground
from tests.jobs.pictures import picture
from webapp.marketplace.serving import serve

pytestmark = pytest.mark.browser

SHAPES = Path(__file__).parent / "shapes"
IMAGE = "data:image/png;base64," + base64.b64encode(picture(640, 480, form="PNG")).decode()
ROW = {
    "image_url": IMAGE,
    "classes": '["car", "boat"]',
    "question": "Which tastes better: \"salt\" & <vinegar>, or ${image_url}?",
    "shop": "Müller & Söhne",
    "message": "</script><script>alert(1)</script> What a day!",
    "caption": "It's a `boat` \\ ${sea}",
    "address": "https://example.org/?a=1&b=2",
    "company": "O'Neil & <Sons>",
    "name_1": "Ada", "name_2": "Lübeck", "name_3": "\"Bob\"",
}  # fmt: skip
FIELDS = {
    "survey": {"born", "country", "how_often", "last", "liked", "novels", "news"},
    "image_tagging": {"tags", "more", "image"},
    "radio_groups": {"better", "sure"},
    "checkboxes": {"has_date.on", "has_total.on", "is_readable.on"},
    "free_text": {"transcript"},
    "crowd_classifier": {"mood"},
    "crowd_keypoint": {"points"},
    "crowd_boxes": {"annotatedResult"},
    "mixed": {"subjects", "sharp", "place", "sky"},
    "canvas_boxes": {"boxes"},
    "external_hit": {"is_home", "telephone"},
    "rows_of_one_page": {f"{one}_{n}" for one in ("kind", "remark") for n in (1, 2, 3)},
}


@pytest.fixture(scope="module")
def trials(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Every shape tried once on one marketplace, by name."""
    folder = tmp_path_factory.mktemp("shapes")
    names = sorted(FIELDS)
    pages = [
        (n, fill(read_template(_source(name)), ROW, name)) for n, name in enumerate(names, start=1)
    ]
    with serve(database_url=f"sqlite:///{folder / 'market.sqlite'}") as market:
        ground = Ground(market.url, market.content_url, market.market.secrets.admin_token)
        found = list(try_pages(pages, ground, browser, folder, lambda: datetime.now(UTC)))
    yield dict(zip(names, found, strict=True))


def _source(name: str) -> str:
    return (SHAPES / f"{name}.html").read_text(encoding="utf-8")


def test_every_shape_is_listed_here() -> None:
    assert {path.stem for path in SHAPES.glob("*.html")} == FIELDS.keys()


@pytest.mark.parametrize("name", FIELDS)
def test_a_shape_is_closed_in_preview_and_its_answer_arrives(
    trials: dict[str, Trial], name: str
) -> None:
    tried = trials[name]
    assert tried.problem == ""
    assert tried.is_closed_in_preview
    assert tried.answer.keys() == FIELDS[name]
    assert tried.answer_xml.startswith("<?xml")
    assert tried.seconds >= 0


def test_answers_hold_what_was_drawn_and_chosen(trials: dict[str, Trial]) -> None:
    (box,) = json.loads(trials["canvas_boxes"].answer["boxes"])
    assert box == pytest.approx([128, 96, 384, 336], abs=2)
    result = trials["crowd_boxes"].answer["annotatedResult"]
    assert result["inputImageProperties"] == {"width": 640, "height": 480}
    assert {one["label"] for one in result["boundingBoxes"]} <= {"car", "boat"}
    (point,) = trials["crowd_keypoint"].answer["points"]["keypoints"]
    assert (point["label"], point["x"], point["y"]) == (
        "nose",
        *(pytest.approx(n, abs=2) for n in (256, 192)),
    )
    assert trials["crowd_classifier"].answer["mood"]["label"] in ("Positive", "Neutral", "Negative")
    assert sum(trials["radio_groups"].answer["better"].values()) == 1
    assert trials["external_hit"].answer["is_home"] in ("yes", "no")


@pytest.mark.parametrize("name", FIELDS)
def test_a_shape_has_no_error_for_the_linter(name: str) -> None:
    assert not [one for one in lint(_source(name)) if one.severity == "error"]


def test_a_page_that_sends_nothing_is_reported_with_its_reason(
    browser: Browser, tmp_path: Path
) -> None:
    head = "<!DOCTYPE html><html lang='en'><head><title>t</title></head><body>"
    mute = f"{head}<form><input name='a' aria-label='a'></form></body></html>"
    broken = f"{head}<p title='a'title='b'>x</p></body></html>"
    with serve(database_url=f"sqlite:///{tmp_path / 'market.sqlite'}") as market:
        ground = Ground(market.url, market.content_url, market.market.secrets.admin_token)
        first, second = try_pages(
            [(1, mute), (2, broken)], ground, browser, tmp_path / "out", lambda: datetime.now(UTC)
        )
    assert first.problem == "the page has no submit button"
    assert (tmp_path / "out" / first.screenshot).read_bytes()[:4] == b"\x89PNG"
    assert second.problem.startswith("refused: ")


def test_what_a_page_refuses_to_send_is_said_in_its_own_words(
    browser: Browser, tmp_path: Path
) -> None:
    head = "<!DOCTYPE html><html lang='en'><head><title>t</title>"
    script = "<script src='https://assets.crowd.aws/crowd-html-elements.js'></script></head>"
    crowd = (
        f"{head}{script}<body><crowd-form><crowd-input name='zip' required"
        " allowed-pattern='[0-9]{5}' error-message='Five digits, please'></crowd-input>"
        "<crowd-checkbox name='shut' disabled></crowd-checkbox></crowd-form></body></html>"
    )
    plain = f"{head}</head><body><form><input name='a' pattern='z'><button>Send</button></form>"
    with serve(database_url=f"sqlite:///{tmp_path / 'market.sqlite'}") as market:
        ground = Ground(market.url, market.content_url, market.market.secrets.admin_token)
        pages = [(1, crowd), (2, f"{plain}</body></html>")]
        first, second = try_pages(pages, ground, browser, tmp_path, lambda: datetime.now(UTC))
    assert first.problem == "the page sent nothing; Five digits, please"
    assert second.problem.startswith("the page sent nothing; a: ")


def test_a_picture_that_its_host_refuses_is_a_problem(browser: Browser, tmp_path: Path) -> None:
    head = "<!DOCTYPE html><html lang='en'><head><title>t</title>"
    script = "<script src='https://assets.crowd.aws/crowd-html-elements.js'></script></head>"
    with serve(database_url=f"sqlite:///{tmp_path / 'market.sqlite'}") as market:
        body = f"<img alt='' src='{market.content_url}/none.jpg'><crowd-input name='a' required>"
        page = f"{head}{script}<body><crowd-form>{body}</crowd-input></crowd-form></body></html>"
        ground = Ground(market.url, market.content_url, market.market.secrets.admin_token)
        (tried,) = try_pages([(1, page)], ground, browser, tmp_path, lambda: datetime.now(UTC))
    assert tried.problem.endswith("/none.jpg: its host answers 404")
    assert tried.answer.keys() == {"a"}


def test_the_command_prints_a_table_and_keeps_pictures_and_answers(tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("question\nTea or coffee?\n<script>x</script>\n", encoding="utf-8")
    out = tmp_path / "out"
    page = str(SHAPES / "radio_groups.html")
    command = ["template", "try", page, "--items", str(rows), "--out", str(out)]
    done = subprocess.run(
        [sys.executable, "-m", "webapp.cli", "--data-dir", str(tmp_path / "data"), *command],
        capture_output=True,
        text=True,
        check=True,
    )
    for word in ("seconds", "closed in preview", "answer", "picture", "XML", "row-0002.xml"):
        assert word in done.stdout
    assert sorted(path.name for path in out.iterdir()) == [
        "row-0001.png", "row-0001.xml", "row-0002.png", "row-0002.xml",
    ]  # fmt: skip
    assert not (tmp_path / "data" / "hitworks.sqlite").exists()
