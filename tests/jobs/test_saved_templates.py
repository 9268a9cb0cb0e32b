"""Pages that requesters write: kept in versions, chosen by routes, frozen at launch, answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from jobs.db import Sessions, open_engine, open_sessions, reading, transaction
from jobs.errors import Conflict, InvalidInput, NotFound
from jobs.installation.migrating import upgrade
from jobs.intake.datasets import import_dataset
from jobs.planning import drafts, planning
from jobs.providers.model import answer_xml
from jobs.records import PageLanguage, PageSource
from jobs.rehearsals.browser import sign_in
from jobs.rehearsals.filling import fill_page, wait_until_alive
from jobs.rehearsals.robots import Robot, open_account
from jobs.specs import saved_templates
from jobs.specs.job_specs import parse_job_spec
from jobs.specs.label_schemas import parse_schema, save_schema
from jobs.specs.saved_templates import SavedTemplate, find, save, versions
from jobs.tables import Answer, Hit, Label, Route
from quality.simulate import profile
from tests.factories import NOW, SCHEMA
from tests.jobs.exporting_bench import Exporting, lines
from tests.jobs.lifecycle import Bench, Dial, open_bench
from tests.jobs.pictures import picture
from webapp.marketplace.serving import Running, serve
from webapp.marketplace.store import reading as market_reading
from webapp.marketplace.tables.work import Hit as MarketHit

HEAD = (
    '<!DOCTYPE html>\n<html lang="en"><head><title>t</title>'
    '<script src="https://assets.crowd.aws/crowd-html-elements.js"></script></head><body>'
    "<crowd-form>"
)
END = "</crowd-form></body></html>"
COLOUR = (
    HEAD
    + (
        '<h1>${title}</h1><img src="${image_url}" width="${image_width}" alt="">'
        '<crowd-classifier name="colour" categories="${colour_options}"></crowd-classifier>'
    )
    + END
)
BOXES = (
    HEAD
    + (
        '<crowd-bounding-box name="annotatedResult" src="${image_url}" labels="${classes}">'
        "</crowd-bounding-box>"
    )
    + END
)
LOOP = (
    HEAD
    + (
        "{% for task in tasks %}{% for one in attributes %}"
        '<crowd-input name="t{{ task.position }}-{{ one.name }}"></crowd-input>'
        "{% endfor %}{% endfor %}"
    )
    + END
)
PLAIN_XML = (
    '<QuestionFormAnswers xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurk'
    'DataSchemas/2005-10-01/QuestionFormAnswers.xsd">{}</QuestionFormAnswers>'
)


def plain_xml(fields: dict[str, str]) -> str:
    """What a form without crowd elements posts."""
    return PLAIN_XML.format(
        "".join(
            f"<Answer><QuestionIdentifier>{name}</QuestionIdentifier>"
            f"<FreeText>{value}</FreeText></Answer>"
            for name, value in fields.items()
        )
    )


def keep(
    sessions: Sessions,
    source: str,
    *,
    name: str = "colours",
    language: PageLanguage = "fields",
    after: int | None = None,
) -> SavedTemplate:
    with transaction(sessions) as session:
        return save(session, name, PageSource(source, language), actor="ada", now=NOW, after=after)


def test_each_save_is_a_version_and_the_same_text_twice_is_one(sessions: Sessions) -> None:
    assert keep(sessions, COLOUR).version == 1
    assert keep(sessions, COLOUR).version == 1
    assert keep(sessions, COLOUR + "\n").version == 2
    assert keep(sessions, COLOUR).version == 3
    with reading(sessions) as session:
        assert [one.version for one in versions(session, "colours")] == [3, 2, 1]
        assert find(session, "colours").version == 3
        assert find(session, "colours@2").source == COLOUR + "\n"
        assert [one.address for one in saved_templates.newest_of_each(session)] == ["colours@3"]
        for missing in ("colours@4", "other", "colours@x"):
            with pytest.raises(NotFound):
                find(session, missing)


def test_two_who_write_at_once_do_not_overwrite_each_other(sessions: Sessions) -> None:
    keep(sessions, COLOUR, after=0)
    keep(sessions, COLOUR + " ", after=1)
    with pytest.raises(Conflict, match="ada saved version 2"):
        keep(sessions, COLOUR + "  ", after=1)


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("Colours", COLOUR), ("", COLOUR), ("a b", COLOUR), ("boxes", COLOUR), ("x" * 41, COLOUR),
        ("../x", COLOUR), ("a@1", COLOUR), ("colours", " "), ("colours", "x" * 200_000),
        ("colours", "a\0b"), ("colours", "\ud800"),
    ],
)  # fmt: skip
def test_what_is_no_template_is_not_kept(sessions: Sessions, name: str, source: str) -> None:
    with pytest.raises(InvalidInput):
        keep(sessions, source, name=name)


def test_a_version_can_be_neither_changed_nor_deleted(sessions: Sessions) -> None:
    keep(sessions, COLOUR)
    for change in ("UPDATE template_version SET note = 'x'", "DELETE FROM template_version"):
        with pytest.raises(DBAPIError), transaction(sessions) as session:
            session.execute(text(change))


def test_a_route_keeps_the_version_of_its_launch(bench: Bench) -> None:
    keep(bench.sessions, COLOUR)
    job_id = draft(bench, "colours")
    keep(bench.sessions, COLOUR.replace("<h1>", "<h1 class='new'>"))
    with reading(bench.sessions) as session:
        assert drafts.read_draft(session, job_id).routes[0].hit.template == "colours"
    launch(bench, job_id)
    (route,) = bench.ours(Route, job_id=job_id)
    assert route.options["hit"]["template"] == "colours@2"
    keep(bench.sessions, COLOUR.replace("<h1>", "<h1 class='newest'>"))
    bench.drain()
    assert all("class='new'" in page for page in pages(bench))


def test_a_named_version_stays_also_when_there_are_newer_ones(bench: Bench) -> None:
    keep(bench.sessions, COLOUR)
    keep(bench.sessions, COLOUR.replace("<h1>", "<h1 class='new'>"))
    job_id = draft(bench, "colours@1")
    launch(bench, job_id)
    bench.drain()
    assert pages(bench)
    assert not any("class='new'" in page for page in pages(bench))


@pytest.mark.parametrize(
    ("template", "source", "settings", "said"),
    [
        ("missing", COLOUR, {}, "no such saved template; there are attribute_tags, boxes"),
        ("colours@9", COLOUR, {}, "no such version"),
        ("colours", COLOUR, {"tasks_per_hit": 2}, "one image a HIT"),
        ("colours", COLOUR.replace("${title}", "${headline}"), {}, "no field 'headline'"),
    ],
)
def test_a_route_cannot_name_a_template_that_cannot_show_it(
    bench: Bench, template: str, source: str, settings: dict[str, Any], said: str
) -> None:
    keep(bench.sessions, source)
    with pytest.raises(InvalidInput, match=said) as refused:
        draft(bench, template, **settings)
    assert "routes.0.hit.template" in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "source", "said"),
    [
        ("tags", COLOUR.replace("colour", "color"), "no field 'color_options'"),
        ("tags", HEAD + '<img src="${image_url}" alt=""><input name="a">' + END, "named 'colour'"),
        ("boxes", HEAD + '<input name="a">' + END, "crowd-bounding-box"),
    ],
)
def test_a_page_whose_answers_could_not_be_read_is_not_launched(
    bench: Bench, kind: str, source: str, said: str
) -> None:
    keep(bench.sessions, source)
    with pytest.raises(InvalidInput, match=said):
        launch(bench, draft(bench, "colours", kind=kind))


def test_a_page_that_never_ends_is_refused_at_the_launch(bench: Bench) -> None:
    keep(bench.sessions, "<p>{{ 9**(9**9) }}", language="jinja")
    with pytest.raises(InvalidInput, match="CPU time"):
        launch(bench, draft(bench, "colours"))


def test_tags_go_from_a_requesters_page_to_an_export(bench: Bench) -> None:
    keep(bench.sessions, COLOUR)
    job_id = draft(bench, "colours")
    launch(bench, job_id)
    bench.drain()
    answers = [
        answer_xml({"colour": {"label": "red"}}),
        plain_xml({"colour": "red", "comment": "nice"}),
    ]
    submit(bench, answers)
    assert len(bench.ours(Answer)) == 4
    rows = exported(bench, job_id)
    assert {row["item"]: row["value"]["tags"]["colour"] for row in rows} == {
        "0.jpg": "red",
        "1.jpg": "red",
    }


def test_boxes_go_from_a_requesters_page_to_an_export(bench: Bench) -> None:
    keep(bench.sessions, BOXES)
    job_id = draft(bench, "colours", kind="boxes")
    launch(bench, job_id)
    bench.drain()
    box = {"label": "cat", "left": 5, "top": 5, "width": 20, "height": 15}
    answers = [
        answer_xml({"annotatedResult": {"boundingBoxes": [box]}}),
        plain_xml({"boxes": json.dumps([box])}),
    ]
    submit(bench, answers)
    assert len(bench.ours(Answer)) == 4
    labels = bench.ours(Label)
    assert len(labels) == 2
    for label in labels:
        (found,) = label.value["boxes"]
        assert (found["label"], found["left"], found["right"]) == ("cat", 5, 25)
    assert len(exported(bench, job_id)) == 2


def test_a_jinja_page_of_a_requester_takes_several_tasks(bench: Bench) -> None:
    keep(bench.sessions, LOOP, language="jinja")
    job_id = draft(bench, "colours", tasks_per_hit=2)
    launch(bench, job_id)
    bench.drain()
    assert bench.count(Hit) == 1
    for name in ("worker0", "worker1"):
        bench.submit_raw(name, plain_xml({"t0-colour": "red", "t1-colour": "blue"}))
    bench.settle_down()
    assert sorted(one.value["tags"]["colour"] for one in bench.ours(Answer)) == [
        "blue", "blue", "red", "red",
    ]  # fmt: skip


@pytest.mark.browser
def test_a_folder_of_pictures_becomes_labels_through_a_requesters_page_in_a_browser(
    tmp_path: Path, browser: Browser
) -> None:
    """Import, launch on local, two workers at the page itself, consensus, export."""
    dial = Dial()
    engine = open_engine(f"sqlite:///{tmp_path / 'ours.sqlite'}")
    upgrade(engine, NOW)
    with serve(database_url=f"sqlite:///{tmp_path / 'market.sqlite'}", clock=dial) as market:
        bench = open_bench(tmp_path, open_sessions(engine), market, dial)
        job_id = _imported_job(bench, tmp_path / "photos")
        launch(bench, job_id)
        bench.drain()
        for name in ("Ada", "Bob"):
            _work(browser, market, name, n_hits=2)
        bench.settle_down()
        rows = exported(bench, job_id)
    engine.dispose()
    assert {row["item"] for row in rows} == {"a.jpg", "b.jpg"}
    assert all(row["value"]["tags"]["colour"] in ("red", "green", "blue") for row in rows)


CHOICE = (
    HEAD
    + (
        "<h1>${colour_title}</h1><p>${image_width} pixels wide</p><crowd-radio-group required>"
        '<crowd-radio-button name="colour" value="red">red</crowd-radio-button>'
        '<crowd-radio-button name="colour" value="green">green</crowd-radio-button>'
        '<crowd-radio-button name="colour" value="blue">blue</crowd-radio-button>'
        "</crowd-radio-group>"
    )
    + END
)


def _imported_job(bench: Bench, folder: Path) -> int:
    folder.mkdir()
    (folder / "a.jpg").write_bytes(picture(40, 30))
    (folder / "b.jpg").write_bytes(picture(41, 30))
    keep(bench.sessions, CHOICE)
    with transaction(bench.sessions) as session:
        import_dataset(
            session, bench.resources.blobs, name="photos", source=folder, format="folder",
            now=NOW, licence="CC0-1.0", item_source="made here",
        )  # fmt: skip
        save_schema(session, parse_schema(SCHEMA, "schema"), NOW)
    return draft(bench, "colours", sample=False)


def _work(browser: Browser, market: Running, name: str, n_hits: int) -> None:
    """One worker accepts, fills and submits HITs on the marketplace's own pages."""
    robot = Robot(name, "a password of a robot", profile("average"), 1)
    open_account(market.url, market.market.secrets.admin_token, robot)
    context = browser.new_context()
    page = context.new_page()
    sign_in(page, market.url, robot)
    for number in range(n_hits):
        page.goto(f"{market.url}/worker")
        page.locator("li.group").first.get_by_role("button").first.click()
        page.wait_for_selector("section[data-assignment-id]")
        handle = page.locator("#hit-frame").element_handle()
        frame = handle.content_frame() if handle else None
        assert frame
        wait_until_alive(frame)
        fill_page(page, frame, np.random.default_rng(number))
        place = page.url
        with page.expect_response(lambda one: one.url.endswith("externalSubmit")) as posted:
            frame.get_by_role("button", name="Submit").click()
        assert posted.value.ok
        page.wait_for_url(lambda url, place=place: url != place)  # type: ignore[misc]
        page.wait_for_load_state()
    context.close()


def draft(bench: Bench, template: str, **settings: Any) -> int:
    """A job of two photos whose one route shows ``template``."""
    options = {"kind": "tags", "tasks_per_hit": 1, "sample": True, **settings}
    if options["sample"]:
        bench.create(name=f"photos for {template}")  # brings the photos and the schema
    text = f"""
name: on {template}
dataset: photos
schema: pets
budget: 20.00
routes:
  - provider: mturk
    kind: {options["kind"]}
    redundancy: 2
    reward: 0.05
    tasks_per_hit: {options["tasks_per_hit"]}
    hit: {{template: "{template}"}}
slicing: {{gold_rate: 0}}
quality: {{tag_method: majority, box_method: iou_clusters, sure_at: 0.5}}
"""
    with transaction(bench.sessions) as session:
        return planning.create_job(session, parse_job_spec(text, "job"), bench.dial(), "ada").id


def launch(bench: Bench, job_id: int) -> None:
    place = bench.resources
    with transaction(bench.sessions) as session:
        planning.launch(session, job_id, place.venues, place.blobs, bench.dial(), "ada")


def submit(bench: Bench, answers: list[str]) -> None:
    """Each worker sends one answer to every HIT."""
    for number, raw in enumerate(answers):
        while bench.submit_raw(f"worker{number}", raw):
            pass
    bench.settle_down()


def pages(bench: Bench) -> list[str]:
    with market_reading(bench.market.market.sessions) as session:
        return [hit.question for hit in session.query(MarketHit)]


def exported(bench: Bench, job_id: int) -> list[dict[str, Any]]:
    _, data = Exporting(bench.resources, bench.dial).export(job_id, "jsonl")
    return lines(data)
