"""A job that cannot be: the same words from the command, the API and the page."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from tests.bad_input.doors import JOB, House

BIG = "9" * 20


def changed(place: str, value: Any) -> dict[str, Any]:
    """The job with ``value`` at a dotted place such as ``routes.1.reward``."""
    job: Any = copy.deepcopy(JOB)
    *way, last = place.split(".")
    inner = job
    for part in way:
        inner = inner[int(part)] if part.isdigit() else inner.setdefault(part, {})
    inner[last] = value
    return dict(job)


def core(message: str) -> str:
    """What was expected and where, without the file's name and what came."""
    return message.removeprefix("job.json: ").partition(", got ")[0]


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        ("routes.1.reward", "-0.05", "routes.1.reward: expected US dollars such as 0.05"),
        ("routes.1.reward", -1, "routes.1.reward: expected US dollars such as 0.05"),
        ("routes.1.reward", "0.001", "routes.1.reward: expected whole cents"),
        ("routes.1.reward", "NaN", "routes.1.reward: expected US dollars"),
        ("routes.1.reward", "1e9", "routes.1.reward: expected US dollars"),
        ("routes.1.reward", "٠٫٠٥", "routes.1.reward: expected US dollars"),
        ("routes.1.reward", "Infinity", "routes.1.reward: expected US dollars"),
        ("routes.1.reward", "0,05", "routes.1.reward: expected US dollars"),
        ("routes.1.reward", "1_0", "routes.1.reward: expected US dollars"),
        ("routes.1.reward", "9" * 400, "routes.1.reward: expected US dollars"),
        ("routes.1.reward", True, "routes.1.reward: expected US dollars"),
        ("routes.1.redundancy", 0, "routes.1.redundancy: expected at least 1"),
        ("routes.1.redundancy", -1, "routes.1.redundancy: expected at least 1"),
        ("routes.1.redundancy", 1e9, "routes.1.redundancy: expected at most 100"),
        ("routes.1.redundancy", 2.5, "routes.1.redundancy: expected a whole number"),
        ("routes.1.redundancy", True, "routes.1.redundancy: expected a whole number"),
        ("routes.1.redundancy", "NaN", "routes.1.redundancy: expected a whole number"),
        ("routes.1.redundancy", "٣", "routes.1.redundancy: expected a whole number"),
        ("routes.1.redundancy", "1_0", "routes.1.redundancy: expected a whole number"),
        ("routes.1.kind", "polygons", "routes.1.kind: expected 'boxes' or 'tags'"),
        ("routes.1.bogus", 1, "routes.1.bogus: no such key: expected one of provider, kind"),
        ("bogus", 1, "bogus: no such key: expected one of name, dataset, schema"),
        ("budget", "-5", "budget: expected US dollars"),
        ("budget", None, "budget: expected US dollars"),
        ("budget", "1e9", "budget: expected US dollars"),
        ("seed", "٣", "seed: expected a whole number"),
        ("quality.sure_at", True, "quality.sure_at: expected a share from 0 to 1"),
        ("quality.sure_at", "NaN", "quality.sure_at: expected a share from 0 to 1"),
        ("slicing.gold_rate", "0.9", "slicing.gold_rate: expected at most 0.5"),
        ("slicing.tile", 1, "slicing: overlap: expected 0 to half of the tile (1)"),
        ("environment", "moon", "environment: expected 'production', 'sandbox' or 'local'"),
        ("routes", [], "routes: expected 1 to 20 routes"),
        ("name", "", "name: expected at least 1 characters"),
        ("dataset", "nowhere", "dataset 'nowhere': no such dataset"),
        ("schema", "nothing", "schema 'nothing': no such schema"),
        ("schema", "things@7", "schema 'things@7': no such schema"),
        ("schema", f"things@{BIG}", "expected a whole number after the @"),
        ("routes.1.provider", "turk", "routes.1.provider: expected one of inhouse, model, mturk"),
        ("routes.1.provider", "../mturk", "routes.1.provider: expected one of inhouse"),
        ("routes.0.attributes", ["taste"], "routes.0.attributes: expected some of light"),
        ("routes.0.options.tagger", "crystal", "routes.0: tagger: expected one of imagenet"),
        ("routes.0.options.colour", 1, "routes.0: model: options: colour: no such key"),
        ("routes.0.options.cost_per_item", True, "model: cost_per_item: expected US dollars"),
        ("routes.1.options", {"colour": 1}, "routes.1: mturk: expected no options"),
        ("routes.1.hit", {"template": "fancy"}, "routes.1.hit.template: template 'fancy': no such"),
        ("quality.tag_method", "magic", "quality.tag_method: expected one of"),
        ("quality.box_method", "magic", "quality.box_method: expected one of"),
    ],
)
def test_a_job_that_cannot_be_is_refused_alike_by_command_and_api(
    house: House, place: str, value: Any, told: str
) -> None:
    job = changed(place, value)
    by_command = house.by_command("job", "create", house.write("job.json", json.dumps(job)))
    assert told in by_command
    assert core(house.by_api("POST", "/jobs", job)) == core(by_command)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"wage": -3}, "inhouse: wage: expected US dollars"),
        ({"wage": "NaN"}, "inhouse: wage: expected US dollars"),
        ({"wage": True}, "inhouse: wage: expected US dollars"),
        ({"wages": 3}, "inhouse: options: wages: no such key: expected one of wage"),
    ],
)
def test_a_wage_that_is_none_is_refused_before_there_is_a_job(
    house: House, options: dict[str, Any], told: str
) -> None:
    route = {"provider": "inhouse", "kind": "boxes", "options": options}
    job = {**JOB, "routes": [route]}
    assert told in house.by_command("job", "create", house.write("j.json", json.dumps(job)))
    assert told in house.by_api("POST", "/jobs", job)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: [first", "job.yaml, line 1: expected"),
        ("name: a\nname: b", "job.yaml, line 2: the key 'name' appears twice"),
        ("- a", "job.yaml: expected named fields, got list"),
        ("", "job.yaml: expected named fields"),
        ("a: &x [1]\nb: *x", "job.yaml, line 2: aliases are not allowed"),
        ("a: !!python/name:os.system x", "job.yaml, line 1: could not determine"),
        ("a: " + "[" * 5000, "job.yaml: nested too deeply"),
        ("name: a", "job.yaml: dataset: expected a value, got none"),
    ],
)
def test_a_job_file_with_wrong_syntax_is_refused_with_its_line(
    house: House, text: str, told: str
) -> None:
    assert told in house.by_command("job", "create", house.write("job.yaml", text))


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("reward-mturk-boxes", "-0.05", "routes.0.reward: expected US dollars such as 0.05"),
        ("reward-mturk-boxes", "0.001", "routes.0.reward: expected whole cents"),
        ("redundancy-mturk-boxes", "0", "routes.0.redundancy: expected at least 1"),
        ("redundancy-mturk-boxes", "1_0", "routes.0.redundancy: expected a whole number"),
        ("redundancy-mturk-boxes", "٣", "routes.0.redundancy: expected a whole number"),
        ("budget", "NaN", "budget: expected US dollars such as 0.05"),
        ("budget", "1e9", "budget: expected US dollars such as 0.05"),
        ("tile", "true", "slicing.tile: expected a whole number"),
        ("tile", "1", "slicing: overlap: expected 0 to half of the tile (1)"),
        ("sure_at", "NaN", "sure_at: expected a whole percentage from 0 to 100"),
        ("environment", "moon", "environment: expected 'production', 'sandbox' or 'local'"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_on_the_page_in_the_same_words(
    house: House, field: str, value: str, told: str
) -> None:
    form = {"name": "x", "environment": "local", "budget": "9", "use-mturk-boxes": "yes"}
    address = "/jobs/new/plan?dataset=1&schema=1"
    assert told in house.by_page(address, {**form, field: value})


@pytest.mark.parametrize(
    ("route", "field", "value", "told"),
    [
        ("model-tags", "tagger", "crystal", "tagger: expected one of imagenet"),
        ("inhouse-boxes", "wage", "-1", "inhouse: wage: expected US dollars"),
    ],
)
def test_an_option_no_route_takes_is_refused_on_the_page(
    house: House, route: str, field: str, value: str, told: str
) -> None:
    form = {"name": "x", "budget": "9", f"use-{route}": "yes", f"{field}-{route}": value}
    assert told in house.by_page("/jobs/new/plan?dataset=1&schema=1", form)
