"""From pictures to exported labels, a route at a time and all three, on real processes."""

import csv
import json

import pytest

from jobs.combining.comparing import corners
from jobs.formats import coco, csv_tags
from quality.boxes import box_f1
from tests.journeys.scenes import Scene

N_ITEMS = 8
JOB = """
name: {name}
dataset: {name}
schema: shapes
budget: "90.00"
seed: 5
routes: {routes}
slicing: {{gold_rate: 0.2, repeat_rate: 0}}
quality: {{sure_at: 0.6, tag_method: auto, box_method: probabilistic}}
"""
CROWD = [
    {"provider": "mturk", "kind": "boxes", "redundancy": 3, "reward": "0.05"},
    {"provider": "mturk", "kind": "tags", "redundancy": 3, "reward": "0.04", "tasks_per_hit": 4},
]
STAFF = [
    {
        "provider": "inhouse", "kind": kind, "redundancy": 2,
        "hit": {"assignment_duration_seconds": 60}, "options": {"wage": "18.00"},
    }
    for kind in ("boxes", "tags")
]  # fmt: skip
MODEL = [
    {
        "provider": "model", "kind": "tags", "attributes": ["light"], "tasks_per_hit": 4,
        "options": {
            "tagger": "photometry", "cost_per_item": "0.0003",
            "tagger_options": {
                "attributes": {
                    "light": {
                        "measure": "brightness", "thresholds": [128], "options": ["dark", "bright"]
                    }
                }
            },
        },
    }
]  # fmt: skip


def job_text(name: str, routes: list[dict]) -> str:
    return JOB.format(name=name, routes=json.dumps(routes))


def assert_boxes_are_right(path, drawn: list[Scene]) -> None:
    """Every exported picture's boxes against the scene's, class and all."""
    records = coco.read(path).records
    found = {record.item: record.value for record in records if record.kind == "boxes"}
    assert set(found) == {one.name for one in drawn}
    for one in drawn:
        given = {"boxes": [vars(box) for box in one.boxes]}
        (a, a_labels), (b, b_labels) = corners(found[one.name]), corners(given)
        assert box_f1(a, b, a_labels, b_labels, threshold=0.8) == 1.0, one.name


def assert_tags_are_right(path, drawn: list[Scene], names: set[str]) -> None:
    records = csv_tags.read(path).records
    found = {record.item: record.value["tags"] for record in records}
    assert found == {
        one.name: {name: value for name, value in one.tags.items() if name in names}
        for one in drawn
    }


ALL_TAGS = {"light", "kinds", "crowded", "count"}


def test_the_crowds_answers_become_labels_and_every_cent_is_the_venues(town):
    drawn = town.prepare("crowd", N_ITEMS, n_gold=3)
    job_id = town.launch(job_text("crowd", CROWD))
    with town.robots(drawn, "crowd", crowd_of=4) as errors:
        report = town.wait_for_labels(job_id, errors)
    assert report.summary.n_labels == 2 * N_ITEMS
    assert report.summary.agreement == pytest.approx(1.0)
    assert {(gold.kind, gold.value) for gold in report.gold if not gold.name} == {
        ("boxes", 1.0),
        ("tags", 1.0),
    }
    assert_boxes_are_right(town.export(job_id, "coco"), drawn)
    assert_tags_are_right(town.export(job_id, "csv_tags"), drawn, ALL_TAGS)
    boxes, tags = report.routes
    assert boxes.reward_micros == boxes.n_approved * 50_000
    assert boxes.fee_micros == boxes.n_approved * 10_000
    assert tags.fee_micros == tags.n_approved * 10_000
    town.check_books()


def test_staff_is_paid_by_the_time_it_worked(town):
    drawn = town.prepare("staff", N_ITEMS, n_gold=2)
    job_id = town.launch(job_text("staff", STAFF))
    with town.robots(drawn, "staff", staff_of=2, hurry=60.0) as errors:
        report = town.wait_for_labels(job_id, errors)
    assert_boxes_are_right(town.export(job_id, "coco"), drawn)
    assert_tags_are_right(town.export(job_id, "csv_tags"), drawn, ALL_TAGS)
    rows = json.loads(town.run("worker", "list", str(job_id), "--json"))
    seconds = {row["worker_id"]: row["work_seconds"] for row in rows}
    due = sum(seconds.values()) * 18_000_000 / 3600
    assert report.summary.spent_micros == pytest.approx(due, rel=0.01)
    assert all(route.fee_micros == 0 for route in report.routes)
    assert town.venue_books("inhouse")["spent_cents"] == 0
    town.check_books()


def test_a_model_tags_without_anybody(town):
    drawn = town.prepare("model", N_ITEMS, n_gold=2)
    job_id = town.launch(job_text("model", MODEL))
    report = town.wait_for_labels(job_id, [])
    assert report.summary.n_labels == N_ITEMS
    assert report.summary.spent_micros == N_ITEMS * 300
    assert_tags_are_right(town.export(job_id, "csv_tags"), drawn, {"light"})
    town.check_books()


def test_three_routes_answer_one_job_in_one_ledger(town):
    drawn = town.prepare("all", N_ITEMS, n_gold=3)
    job_id = town.launch(job_text("all", [*MODEL, *STAFF, *CROWD]))
    with town.robots(drawn, "all", crowd_of=4, staff_of=2, hurry=60.0) as errors:
        report = town.wait_for_labels(job_id, errors)
    assert {route.provider for route in report.routes} == {"model", "inhouse", "mturk"}
    assert all(route.spent_micros > 0 for route in report.routes)
    assert sum(route.spent_micros for route in report.routes) == report.summary.spent_micros
    assert_boxes_are_right(town.export(job_id, "coco"), drawn)
    assert_tags_are_right(town.export(job_id, "csv_tags"), drawn, ALL_TAGS)
    town.check_books()
    for form in ("coco", "voc", "yolo", "csv_tags", "jsonl"):
        first = town.export(job_id, form).read_bytes()
        assert town.export(job_id, form).read_bytes() == first
    with town.export(job_id, "csv_tags").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.reader(file))) == N_ITEMS + 1
